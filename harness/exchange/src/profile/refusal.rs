//! How a provider refuses: with which status, in which form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A status from 400 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(with = "u16")]
pub struct RefusalStatus(u16);

impl RefusalStatus {
    /// 400 Bad Request (RFC 9110 section 15.5.1).
    pub const BAD_REQUEST: Self = Self(400);
    /// 409 Conflict (RFC 9110 section 15.5.10).
    pub const CONFLICT: Self = Self(409);
    /// 422 Unprocessable Content (RFC 9110 section 15.5.21).
    pub const UNPROCESSABLE: Self = Self(422);
    /// 429 Too Many Requests (RFC 6585 section 4).
    pub const TOO_MANY_REQUESTS: Self = Self(429);

    /// The status code.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for RefusalStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        if (400..600).contains(&status) {
            Ok(Self(status))
        } else {
            Err(format!("{status} refuses nothing; expected 400 to 599"))
        }
    }
}

impl From<RefusalStatus> for u16 {
    fn from(status: RefusalStatus) -> Self {
        status.0
    }
}

/// A refusal: as it was recorded, else as it is written here, else plain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its status: 400 to 599.
    #[schemars(range(min = 400, max = 599))]
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
