//! A refusal that looks like success.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use crate::forms::own;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token endpoint refuses with status 200: only the body says that it is an error, where RFC 6749 section 5.2
/// has 400. It is the provider's form of that error, else `{"error": "..."}`. Nothing is handed out or used up.
///
/// A good integration looks for the token, not at the status. It keeps its old tokens, and treats the error as if
/// it had come with 400.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenErrorWith200 {
    /// The error code. Its recorded form is used, if there is one.
    pub error: String,
}

impl Default for TokenErrorWith200 {
    fn default() -> Self {
        Self { error: "invalid_grant".to_owned() }
    }
}

impl Misbehaves for TokenErrorWith200 {
    const EXAMPLES: &'static [&'static str] =
        &[r#"token_error_with_200{"error":"temporarily_unavailable"}@refresh"#];

    fn effect(&self) -> Effect<'_> {
        Effect::InsteadOfTokens(Box::new(|around| {
            let recorded = around.forms.recorded(&self.error);
            let rather = around.forms.recorded("refresh_refused").filter(|_| self.error == "invalid_grant");
            let mut form = recorded
                .or(rather)
                .cloned()
                .unwrap_or_else(|| own(200, &serde_json::json!({ "error": self.error })));
            form.status = 200;
            form.headers.remove("www-authenticate");
            Answer::Whole(form)
        }))
    }
}
