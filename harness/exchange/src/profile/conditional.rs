//! Which operations answer conditional requests (RFC 9110 section 13).

use crate::OperationName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Entity tags as state: `If-None-Match`, `If-Match` and the dates beside them are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Etags {
    /// The operations: reads get a tag, writes are judged by it.
    pub operations: Vec<OperationName>,
    /// What a tag is where none was recorded.
    #[serde(default)]
    pub kind: EtagKind,
}

/// How much a computed tag promises (RFC 9110 section 8.8.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EtagKind {
    /// The same bytes: `"..."`.
    #[default]
    Strong,
    /// The same meaning: `W/"..."`. `If-Match` never holds for such a tag (RFC 9110 section 13.1.1).
    Weak,
}
