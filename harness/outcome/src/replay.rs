//! How a recording was used in an attempt: nothing that was answered otherwise than as recorded goes uncounted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the stand-in counted in an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The requests, each by what was done with it.
    pub requests: RequestCounts,
    /// Exchanges that were never asked for: `matrix/room-history#messages-2`.
    pub unused_exchanges: Vec<String>,
    /// What the scenario allows that would fail it otherwise.
    pub allowed: Vec<Allowed>,
}

/// Requests by what was done with them: each counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestCounts {
    /// Answered as recorded.
    pub replayed: u64,
    /// Answered as recorded, though they differed in what the profile calls volatile.
    pub volatile: u64,
    /// Answered as recorded, though nobody knows the body that was recorded.
    pub any_body: u64,
    /// Answered once more with the last recorded answer.
    pub repeated: u64,
    /// Answered by what the profile declares as behaviour.
    pub behaved: u64,
    /// A fault had an effect on them.
    pub faulted: u64,
    /// A fault should have had one, and could not.
    pub fault_inapplicable: u64,
    /// Every recorded answer was given, and they are not safe to repeat.
    pub exhausted: u64,
    /// Nothing fits.
    pub unmatched: u64,
}

impl RequestCounts {
    /// Each count with its name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("replayed", self.replayed),
            ("volatile", self.volatile),
            ("any_body", self.any_body),
            ("repeated", self.repeated),
            ("behaved", self.behaved),
            ("faulted", self.faulted),
            ("fault_inapplicable", self.fault_inapplicable),
            ("exhausted", self.exhausted),
            ("unmatched", self.unmatched),
        ]
    }
}

/// Something that a scenario allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// The word for it: `unused`.
    pub what: String,
    /// Why it is right here.
    pub reason: String,
}
