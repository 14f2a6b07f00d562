//! A cursor that was good a while ago.

use super::{Effect, Misbehaves, Outcome};
use counterpart_exchange::StatusWithin;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cursor of the request is refused in the provider's form `expired_cursor`, then and ever after, until the
/// list is begun anew by a request without one. It needs `pagination.by: {cursor: ...}` in the profile, and a
/// request with a cursor.
///
/// A good integration drops the cursor, begins anew, and writes no record twice. One that repeats the request is
/// never answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpiredCursor {
    /// The status of the refusal.
    pub status: StatusWithin<400, 499>,
}

impl Default for ExpiredCursor {
    /// 410 Gone (RFC 9110 section 15.5.11).
    fn default() -> Self {
        Self { status: StatusWithin::new(410) }
    }
}

impl Misbehaves for ExpiredCursor {
    const EXAMPLES: &'static [&'static str] = &[r#"expired_cursor{"status":400}@messages-4"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| data.expire_cursor(ask, self.status.get()).map(|()| Outcome::Done)))
    }
}
