//! A form where JSON is due.

use super::{Effect, Misbehaves, tokens};
use crate::auth::GrantBody;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The token answer comes as `application/x-www-form-urlencoded`, with a `Content-Type` that says so, where RFC
/// 6749 section 5.1 has JSON. Of what a form cannot hold, lists and objects are spelled as JSON, and null as
/// nothing. It needs an answer in JSON.
///
/// A good integration reads what `Content-Type` says, or asks for JSON and takes anything else for a failed attempt
/// that is worth an alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenFormEncoded {}

impl Misbehaves for TokenFormEncoded {
    const EXAMPLES: &'static [&'static str] = &["token_form_encoded@refresh"];

    fn effect(&self) -> Effect<'_> {
        Effect::AltersTokens(Box::new(|response, _, around| {
            let mut response = tokens::change(response, around.profile, |body, _| {
                let GrantBody::Json(fields) = body else {
                    return Err("the answer is a form to begin with".to_owned());
                };
                let fields = std::mem::take(fields);
                *body =
                    GrantBody::Form(fields.into_iter().map(|(name, value)| (name, spelled(value))).collect());
                Ok(())
            })?;
            response.headers.set("content-type", "application/x-www-form-urlencoded; charset=utf-8");
            Ok(response)
        }))
    }
}

fn spelled(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
