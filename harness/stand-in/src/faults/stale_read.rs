//! A write that is not seen yet.

use super::{Effect, Misbehaves, Outcome};
use crate::data::{Staleness, seconds_after};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// Reads show the state of before the last write, as providers with replicas do. On a resource, its last write is
/// not seen yet; there must have been one. On a recorded answer, the request gets the answer that it had before,
/// and consumes nothing; it must have had one.
///
/// A good integration does not write again because it cannot see its write yet, and never lets an older version
/// win.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaleRead {
    /// For how many reads or how long.
    #[serde(default, rename = "for")]
    pub lasts: StaleFor,
}

/// How long the old state is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StaleFor {
    /// So many reads of the resource, this one included.
    Reads(NonZeroU64),
    /// So many seconds from this read on, on the stand-in's clock.
    Seconds(NonZeroU64),
}

impl Default for StaleFor {
    /// This read.
    fn default() -> Self {
        Self::Reads(NonZeroU64::MIN)
    }
}

impl Misbehaves for StaleRead {
    const EXAMPLES: &'static [&'static str] =
        &[r#"stale_read{"for":{"seconds":30}}@message"#, r#"stale_read{"for":{"reads":2}}@message"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| {
            let staleness = match self.lasts {
                StaleFor::Reads(reads) => Staleness::Reads(reads.get()),
                StaleFor::Seconds(seconds) => Staleness::Until(seconds_after(ask.now, seconds.get())),
            };
            data.go_stale(ask, staleness).map(|()| Outcome::Done)
        }))
    }
}
