//! The answer comes drop by drop.

use super::{Effect, Misbehaves};
use crate::answer::{Pace, Portions};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body comes a few bytes at a time, with a wait before each: no single read ever takes long.
///
/// A good integration bounds the time of a whole answer, not of a single read, and asks again after a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct SlowDrip {
    /// Bytes at a time.
    #[schemars(range(min = 1))]
    pub bytes: u32,
    /// Milliseconds before each of them, on the stand-in's clock.
    pub every_ms: u32,
}

impl Default for SlowDrip {
    fn default() -> Self {
        Self { bytes: 1, every_ms: 1_000 }
    }
}

impl Misbehaves for SlowDrip {
    const EXAMPLES: &'static [&'static str] = &[r#"slow_drip{"bytes":1,"every_ms":1000}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Slows(Box::new(|_| Pace {
            delay: SignedDuration::ZERO,
            portions: Some(Portions {
                bytes: usize::try_from(self.bytes.max(1)).unwrap_or(usize::MAX),
                wait: SignedDuration::from_millis(i64::from(self.every_ms)),
            }),
        }))
    }
}
