//! A number in quotes.

use super::{Effect, Misbehaves, tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The token answer tells the life of the access token as text, `"3600"`, where RFC 6749 section 5.1 has a number.
/// It needs an answer with the field as a number.
///
/// A good integration reads the number, or goes on as if nothing had been told. It does not throw the tokens away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiresInText {}

impl Misbehaves for ExpiresInText {
    const EXAMPLES: &'static [&'static str] = &["expires_in_text@refresh"];

    fn effect(&self) -> Effect<'_> {
        Effect::AltersTokens(Box::new(|response, _, around| {
            tokens::change(response, around.profile, |body, fields| match body.get(&fields.expires_in) {
                Some(Value::Number(number)) => {
                    body.set(&fields.expires_in, number.to_string().into());
                    Ok(())
                }
                Some(_) => Err(format!("`{}` of the answer is no number to begin with", fields.expires_in)),
                None => Err(format!("the answer has no `{}`", fields.expires_in)),
            })
        }))
    }
}
