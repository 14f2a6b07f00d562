//! What was asked for is done, and nobody is told.

use super::{Effect, Misbehaves};
use crate::answer::{Answer, Cut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request is carried out, and its answer is lost: to the client it looks as if nothing had happened. A retry
/// finds it done.
///
/// A good integration sends the same idempotency key with the retry, or looks whether the write is there before it
/// writes again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct AnswerLost {
    /// What the client sees.
    pub how: Loss,
}

/// How an answer is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Nothing, until it gives up.
    #[default]
    Timeout,
    /// The connection is reset.
    Reset,
    /// The connection is closed in good order.
    Close,
}

impl Misbehaves for AnswerLost {
    const EXAMPLES: &'static [&'static str] = &["answer_lost@send-1", r#"answer_lost{"how":"reset"}@send-1"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Loses(match self.how {
            Loss::Timeout => Answer::Hold,
            Loss::Reset => Answer::Nothing(Cut::Reset),
            Loss::Close => Answer::Nothing(Cut::Close),
        })
    }
}
