//! A body that is called something else.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The right body under the wrong `Content-Type`.
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
