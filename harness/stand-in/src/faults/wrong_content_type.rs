//! A body that is called something else.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The right body under the wrong `Content-Type`.
///
/// A good integration takes a page that calls itself HTML for no JSON, or reads the body and believes that. It does
/// neither by halves: no record is lost, and what it refuses it tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct WrongContentType {
    /// What it is called.
    pub value: String,
}

impl Default for WrongContentType {
    fn default() -> Self {
        Self { value: "text/html".to_owned() }
    }
}

impl Misbehaves for WrongContentType {
    const EXAMPLES: &'static [&'static str] =
        &["wrong_content_type@messages-2", r#"wrong_content_type{"value":"text/plain"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Spoils(Box::new(|mut response| {
            if response.body.to_bytes().is_empty() {
                return Err("the answer has no body".to_owned());
            }
            if response.headers.text("content-type") == Some(self.value.as_str()) {
                return Err(format!("the answer's content type is {:?} already", self.value));
            }
            response.headers.set("content-type", &self.value);
            Ok(Answer::Whole(response))
        }))
    }
}
