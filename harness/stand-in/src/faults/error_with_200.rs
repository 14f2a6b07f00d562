//! An error that says that all is well.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use crate::forms::own;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 200 with a body that tells of an error, in the provider's form `error_with_200` or as given. Nothing was done.
///
/// A good integration looks for what it asked for, not at the status. It takes the answer for a failed attempt and
/// loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(default)]
pub struct ErrorWith200 {
    /// The body, where it is not to be the provider's own.
    pub body: Option<serde_json::Value>,
}

impl Misbehaves for ErrorWith200 {
    const EXAMPLES: &'static [&'static str] = &[
        "error_with_200@messages-3",
        r#"error_with_200{"body":{"ok":false,"error":"internal"}}@messages-3"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| {
            let mut form = match &self.body {
                Some(body) => own(200, body),
                None => around.forms.form("error_with_200", 200, "internal error"),
            };
            form.status = 200;
            Answer::Whole(form)
        }))
    }
}
