//! Things that a provider keeps: how they are created, read, changed, archived and listed.
//!
//! Which operation does what, and which fields have a meaning to the provider itself. What such a thing looks like is
//! evidence, and comes from the recording.

use crate::OperationName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of thing that the provider keeps. All fields of a record are named by dotted paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// The field of a record that identifies it.
    pub id: String,
    /// The operation that makes a new one.
    #[serde(default)]
    pub create: Option<OperationName>,
    /// The operation that shows one; the last variable of its path is the id.
    #[serde(default)]
    pub read: Option<OperationName>,
    /// The operations that change one: `PUT` replaces it, any other method merges (RFC 7396).
    #[serde(default)]
    pub update: Vec<OperationName>,
    /// The operation that archives one: it stays, marked as `archived` says.
    #[serde(default)]
    pub archive: Option<OperationName>,
    /// The operation that deletes one: it is gone.
    #[serde(default)]
    pub delete: Option<OperationName>,
    /// The operation that lists them; paged as `pagination` says, if that names the operation.
    #[serde(default)]
    pub list: Option<OperationName>,
    /// The field of a list's answer that holds the records; without it, that of `pagination`.
    #[serde(default)]
    pub items: Option<String>,
    /// The field in which requests and answers about one record wrap it; without it, the body is the record.
    #[serde(default)]
    pub wrapped_in: Option<String>,
    /// How an archived record is told.
    #[serde(default)]
    pub archived: Option<ArchivedMark>,
    /// Which fields say when a record was made and changed.
    #[serde(default)]
    pub timestamps: RecordTimestamps,
    /// How the ids of new records are made.
    #[serde(default)]
    pub id_form: IdForm,
    /// Where a new record stands in a list.
    #[serde(default)]
    pub order: ListOrder,
    /// Query fields of a list that choose records.
    #[serde(default)]
    pub filters: IndexMap<String, ListFilter>,
    /// More records than were recorded.
    #[serde(default)]
    pub grow: Option<Grow>,
}

/// How an archived record is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchivedMark {
    /// The field of the record.
    pub field: String,
    /// What it holds then.
    #[serde(default = "yes")]
    pub value: Value,
    /// Whether a list still has it.
    #[serde(default)]
    pub in_list: ArchivedInList,
}

/// Whether a list still has what was archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchivedInList {
    /// It has, marked.
    #[default]
    Shown,
    /// It has not.
    Hidden,
}

/// The fields that hold a record's times. Their form (RFC 3339, seconds or milliseconds since 1970) is as recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordTimestamps {
    /// When it was made.
    #[serde(default)]
    pub created: Option<String>,
    /// When it was last changed.
    #[serde(default)]
    pub updated: Option<String>,
}

/// How the ids of new records are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum IdForm {
    /// As the recorded ids look: counted on where they are numbers, else of the same kinds of characters.
    #[default]
    AsRecorded,
    /// A version 4 UUID (RFC 9562).
    Uuid,
    /// A number, counted on from the largest recorded one.
    Integer,
    /// A fixed beginning and letters and digits behind it: `cus_9s6XKzkNRiz8i3`.
    Prefix {
        /// The beginning: `cus_`.
        text: String,
        /// How many characters follow.
        #[serde(default = "fourteen")]
        length: u8,
    },
}

/// Where a new record stands in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// At the end.
    #[default]
    OldestFirst,
    /// At the front.
    NewestFirst,
}

/// Which records a query field of a list chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ListFilter {
    /// Those that were changed at the given time or later (`timestamps.updated`, else `created`): RFC 3339, or seconds or
    /// milliseconds since 1970.
    UpdatedSince,
    /// Those whose field has the given value.
    Equals(String),
}

/// More records than were recorded, made from those that were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grow {
    /// How many there are in each collection, the recorded ones included: 10,000,000 at most.
    #[schemars(range(max = 10_000_000))]
    pub to: u64,
}

impl Grow {
    /// Most records that a resource may be grown to.
    pub const MAX_TO: u64 = 10_000_000;
}

impl Resource {
    /// The operations that it names, in the order of the profile's keys.
    pub fn operations(&self) -> impl Iterator<Item = &OperationName> {
        self.create
            .iter()
            .chain(&self.read)
            .chain(&self.update)
            .chain(&self.archive)
            .chain(&self.delete)
            .chain(&self.list)
    }
}

fn yes() -> Value {
    Value::Bool(true)
}

fn fourteen() -> u8 {
    14
}
