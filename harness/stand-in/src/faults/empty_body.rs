//! An answer with nothing in it.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The right status and the right head, and no body at all.
///
/// A good integration takes the answer for a failed attempt, not for an empty page, and asks again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyBody {}

impl Misbehaves for EmptyBody {
    const EXAMPLES: &'static [&'static str] = &["empty_body@messages-3"];

    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|mut response| {
            if response.body.to_bytes().is_empty() {
                return Err("the answer has no body as it is".to_owned());
            }
            response.body = Body::None;
            Ok(Answer::Whole(response))
        }))
    }
}
