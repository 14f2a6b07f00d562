//! The provider understands the request and will not have it.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 422 Unprocessable Content (RFC 9110 section 15.5.21) in the provider's form `unprocessable`: the request is
/// understood, and will not be had.
///
/// A good integration does not try again. It holds the work with what the provider said about it, and tells
/// somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unprocessable {}

impl Misbehaves for Unprocessable {
    const EXAMPLES: &'static [&'static str] = &["unprocessable@send"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| {
            Answer::Whole(around.forms.form("unprocessable", 422, "unprocessable content"))
        }))
    }
}
