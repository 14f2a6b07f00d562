//! A narrow line.

use super::{Effect, Misbehaves};
use crate::answer::{Pace, Portions};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body comes at so many bytes a second, in ten portions a second. It ends in good order, if the client waits
/// for it.
///
/// A good integration bounds the time of a whole answer, not of a single read, and asks again after a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// Bytes a second, on the stand-in's clock.
    #[schemars(range(min = 1))]
    pub bytes_per_s: u32,
}

const PORTIONS_PER_S: u32 = 10;

impl Misbehaves for Bandwidth {
    const EXAMPLES: &'static [&'static str] = &[r#"bandwidth{"bytes_per_s":1000}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        // A line of less than ten bytes a second sends one byte at a time, and waits for as long as that takes.
        let bytes = (self.bytes_per_s / PORTIONS_PER_S).max(1);
        let wait_us = i64::from(bytes) * 1_000_000 / i64::from(self.bytes_per_s.max(1));
        Effect::Slows(Box::new(move |_| Pace {
            delay: SignedDuration::ZERO,
            portions: Some(Portions {
                bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                wait: SignedDuration::from_micros(wait_us),
            }),
        }))
    }
}
