//! JSON that is none.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::{Body, JsonText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body breaks off after half of its text. `Content-Length` agrees with it, so only a parser can tell. The
/// status stays as recorded.
///
/// A good integration takes the answer for a failed attempt, moves no cursor, and asks again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MalformedJson {}

impl Misbehaves for MalformedJson {
    const EXAMPLES: &'static [&'static str] = &["malformed_json@messages-3"];

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
