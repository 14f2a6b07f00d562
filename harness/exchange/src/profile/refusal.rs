//! How a provider refuses: with which status, in which form.

use crate::RefusalStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A refusal: as it was recorded, else as it is written here, else plain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its status: 400 to 599.
    pub status: RefusalStatus,
    /// The name among the profile's `errors` whose recorded form it has.
    #[serde(default)]
    pub form: Option<String>,
    /// Its JSON body, where none was recorded.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
}

impl Refusal {
    /// One that has a status only.
    #[must_use]
    pub fn of(status: RefusalStatus) -> Self {
        Self { status, form: None, json: None }
    }
}

/// How a refusal says how long to wait (RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfterForm {
    /// `Retry-After: 30`.
    #[default]
    Seconds,
    /// `Retry-After: 30.0`, which no RFC knows and Shopify sends.
    DecimalSeconds,
    /// `Retry-After: Fri, 31 Dec 1999 23:59:59 GMT`.
    HttpDate,
    /// Not at all.
    Absent,
}
