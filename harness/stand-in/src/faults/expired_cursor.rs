//! A cursor that was good a while ago.

use super::{Effect, Misbehaves, Outcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cursor of the request is refused in the provider's form `expired_cursor`, then and ever after, until the
/// list is begun anew by a request without one. It needs `pagination.by: {cursor: ...}` in the profile, and a
/// request with a cursor.
///
/// A good integration drops the cursor, begins anew, and writes no record twice. One that repeats the request is
/// never answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredCursor {
    /// The status of the refusal, 400 to 499.
    #[serde(default)]
    pub status: ExpiredCursorStatus,
}

/// 400 to 499.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
#[schemars(extend("minimum" = 400, "maximum" = 499))]
pub struct ExpiredCursorStatus(u16);

impl TryFrom<u16> for ExpiredCursorStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        if (400..500).contains(&status) {
            Ok(Self(status))
        } else {
            Err(format!("{status} does not refuse a request; expected 400 to 499"))
        }
    }
}

impl From<ExpiredCursorStatus> for u16 {
    fn from(status: ExpiredCursorStatus) -> Self {
        status.0
    }
}

impl Default for ExpiredCursorStatus {
    /// 410 Gone (RFC 9110 section 15.5.11).
    fn default() -> Self {
        Self(410)
    }
}

impl Misbehaves for ExpiredCursor {
    const EXAMPLES: &'static [&'static str] = &[r#"expired_cursor{"status":400}@messages-4"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| data.expire_cursor(ask, self.status.0).map(|()| Outcome::Done)))
    }
}
