//! JSON that is none.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::{Body, JsonText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body breaks off in the middle, but the head's length agrees with it: only a parser can tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MalformedJson {}

impl Misbehaves for MalformedJson {
    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|mut response| {
            let Some(json) = response.body.json() else {
                return Err("the answer's body is not JSON".to_owned());
            };
            let text = json.as_str();
            let half = &text[..text.floor_char_boundary((text.len() / 2).max(1))];
            if JsonText::parse(half).is_ok() {
                return Err("the answer's body is a bare number: half of it is JSON too".to_owned());
            }
            response.body = Body::Text(half.to_owned());
            Ok(Answer::Whole(response))
        }))
    }
}
