//! The counts behind an inferred contract: how much was seen, so that a reader can tell how much a
//! `required` or a missing field is worth. Counts alone, never a value.

use counterpart_exchange::Document;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_saphyr::FlowMap;
use std::collections::BTreeMap;

/// `contracts/<provider>.evidence.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Always `evidence/1`.
    pub counterpart: String,
    /// The provider's short name.
    pub provider: String,
    /// Fixture to how many exchanges it has.
    pub fixtures: BTreeMap<String, u64>,
    /// What the contract could not be told from.
    #[serde(default)]
    pub left_out: LeftOut,
    /// Operation (`operationId`) to what was seen of it.
    #[serde(default)]
    pub operations: BTreeMap<String, OperationEvidence>,
    /// Webhook to what was seen of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub webhooks: BTreeMap<String, OperationEvidence>,
}

/// What the contract could not be told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Exchanges whose method OpenAPI has no word for.
    #[serde(default)]
    pub exchanges_of_other_methods: u64,
    /// Bodies of exchanges that were cut short.
    #[serde(default)]
    pub bodies_cut_short: u64,
    /// Bodies that the recording passed on but did not keep.
    #[serde(default)]
    pub bodies_omitted: u64,
    /// Bodies that were not what their media type says; no schema is told for that media type then.
    #[serde(default)]
    pub bodies_broken: u64,
}

/// What was seen of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationEvidence {
    /// Method and path template.
    pub request: String,
    /// How many requests there were.
    pub samples: u64,
    /// Query field to how often it was there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, FieldCount>")]
    pub query: BTreeMap<String, FlowMap<FieldCount>>,
    /// The bodies of the requests.
    #[serde(default, skip_serializing_if = "BodyEvidence::is_empty")]
    pub body: BodyEvidence,
    /// Status code to the answers that had it.
    #[serde(default)]
    pub responses: BTreeMap<String, ResponseEvidence>,
}

/// What was seen of one status of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseEvidence {
    /// How many answers there were.
    pub samples: u64,
    /// Their bodies.
    #[serde(default, skip_serializing_if = "BodyEvidence::is_empty")]
    pub body: BodyEvidence,
}

/// Media type to the bodies that had it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BodyEvidence(pub BTreeMap<String, MediaEvidence>);

impl BodyEvidence {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was seen of one media type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaEvidence {
    /// How many bodies the schema was told from.
    pub samples: u64,
    /// JSON pointer to how often the place was there; `*` is any item of a list or any key of a map.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, FieldCount>")]
    pub fields: BTreeMap<String, FlowMap<FieldCount>>,
}

/// How often a place was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldCount {
    /// How many objects could have had it (for `*`: how many lists or maps there were).
    pub samples: u64,
    /// How many had it (for `*`: how many items or entries they held together).
    pub present: u64,
}

impl Document for Evidence {
    const KIND: &'static str = "evidence";
    const VERSION: u32 = 1;
}
