//! An answer that memory was not made for.

use super::{Effect, Misbehaves};
use crate::answer::{Answer, Filler};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The recorded body with so many spaces before its last byte: still the same JSON, and far too large. It is made
/// as it is sent and never lies in memory.
///
/// A good integration stops reading at a bound of its own, says so, and does not run out of memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct HugeBody {
    /// How large it gets, in megabytes of a million bytes.
    #[schemars(range(min = 1, max = 10_000))]
    pub size_mb: u32,
}

impl Default for HugeBody {
    fn default() -> Self {
        Self { size_mb: 100 }
    }
}

impl Misbehaves for HugeBody {
    const EXAMPLES: &'static [&'static str] = &[r#"huge_body{"size_mb":100}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|response| {
            let recorded = response.body.to_bytes().len();
            let length_bytes = (u64::from(self.size_mb) * 1_000_000).saturating_sub(recorded as u64);
            match recorded.checked_sub(1) {
                None => Err("the answer has no body".to_owned()),
                Some(_) if length_bytes == 0 => {
                    Err(format!("the answer's body is over {} MB as it is", self.size_mb))
                }
                Some(after_bytes) => {
                    let filler = Filler { after_bytes, byte: b' ', length_bytes };
                    Ok(Answer::Huge { response, filler })
                }
            }
        }))
    }
}
