//! Statuses of answers, each kind within its range: one beyond it is refused when a file is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A status from `FIRST` to `LAST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct StatusWithin<const FIRST: u16, const LAST: u16>(u16);

/// A status that refuses.
pub type RefusalStatus = StatusWithin<400, 599>;

impl<const FIRST: u16, const LAST: u16> StatusWithin<FIRST, LAST> {
    /// A status that is known when the program is built.
    ///
    /// # Panics
    /// Where it is out of range; in a constant, that is an error of the build.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        assert!(FIRST <= status && status <= LAST, "the status is out of range");
        Self(status)
    }

    /// The status code.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl RefusalStatus {
    /// 400 Bad Request (RFC 9110 section 15.5.1).
    pub const BAD_REQUEST: Self = Self::new(400);
    /// 409 Conflict (RFC 9110 section 15.5.10).
    pub const CONFLICT: Self = Self::new(409);
    /// 422 Unprocessable Content (RFC 9110 section 15.5.21).
    pub const UNPROCESSABLE: Self = Self::new(422);
    /// 429 Too Many Requests (RFC 6585 section 4).
    pub const TOO_MANY_REQUESTS: Self = Self::new(429);
}

impl<const FIRST: u16, const LAST: u16> TryFrom<u16> for StatusWithin<FIRST, LAST> {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        if (FIRST..=LAST).contains(&status) {
            Ok(Self(status))
        } else {
            Err(format!("the status {status} does not fit; expected one from {FIRST} to {LAST}"))
        }
    }
}

impl<const FIRST: u16, const LAST: u16> From<StatusWithin<FIRST, LAST>> for u16 {
    fn from(status: StatusWithin<FIRST, LAST>) -> Self {
        status.0
    }
}

impl<const FIRST: u16, const LAST: u16> JsonSchema for StatusWithin<FIRST, LAST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Status{FIRST}To{LAST}").into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": FIRST, "maximum": LAST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_within_its_range_or_refused() {
        for status in [400, 599] {
            assert_eq!(RefusalStatus::try_from(status).map(RefusalStatus::get), Ok(status));
        }
        for status in [399, 600] {
            let refused = serde_json::from_value::<RefusalStatus>(status.into()).unwrap_err().to_string();
            assert_eq!(refused, format!("the status {status} does not fit; expected one from 400 to 599"));
        }
    }
}
