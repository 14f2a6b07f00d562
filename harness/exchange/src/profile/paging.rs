//! How a provider hands out a list page by page.
//!
//! `operations` and `items` alone say where the records of a recorded page are. The rest says how a page is asked
//! for and how the next one is told, which is what state needs to make pages that nobody recorded.

use crate::OperationName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Paging: which operations page, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagination {
    /// The operations that page.
    pub operations: Vec<OperationName>,
    /// The field of the answer that holds the items, by a dotted path; empty where the body itself is the list.
    pub items: String,
    /// How a request says which page it wants.
    #[serde(default)]
    pub by: Option<PagedBy>,
    /// How many records a page has.
    #[serde(default)]
    pub size: PageSize,
    /// Where an answer says how the next page is had: any number of places.
    #[serde(default)]
    pub next: Vec<NextPage>,
    /// What stands in the places of `next` where there is no further page.
    #[serde(default)]
    pub at_end: AtEnd,
    /// The field of the answer that counts all records, by a dotted path.
    #[serde(default)]
    pub total: Option<String>,
}

/// How a request says which page it wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PagedBy {
    /// By an opaque text that the page before has told.
    Cursor {
        /// The query field that carries it.
        query: String,
    },
    /// By the number of records to skip.
    Offset {
        /// The query field that carries it.
        query: String,
    },
    /// By the page's number.
    Page {
        /// The query field that carries it.
        query: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u32,
    },
}

impl PagedBy {
    /// The query field that says which page is wanted.
    #[must_use]
    pub fn query(&self) -> &str {
        match self {
            Self::Cursor { query } | Self::Offset { query } | Self::Page { query, .. } => query,
        }
    }
}

/// How many records a page has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageSize {
    /// The query field by which a request chooses.
    #[serde(default)]
    pub query: Option<String>,
    /// Records, where the request does not choose; without it, as many as the first recorded page has.
    #[serde(default)]
    pub default: Option<NonZeroU32>,
    /// Most records of a page, whatever the request wants.
    #[serde(default)]
    pub max: Option<NonZeroU32>,
}

/// A place where an answer says how the next page is had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NextPage {
    /// A field, by a dotted path, with the value for the query field: the cursor, the offset or the page number.
    Value(String),
    /// A field, by a dotted path, with the whole URL of the next page.
    Url(String),
    /// A field, by a dotted path, that is true where a next page follows, and else false.
    More(String),
    /// The header field `Link` (RFC 8288) with `rel="next"`; with `first`, `prev` and `last` where the provider pages by
    /// offset or page number, with `first` where it pages by cursor.
    LinkHeader,
}

/// What stands where the next page would be told, if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AtEnd {
    /// The field is not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// `""`.
    EmptyText,
}

fn one() -> u32 {
    1
}
