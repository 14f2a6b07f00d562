//! A word that nobody has met before.

use super::{Effect, Misbehaves, field};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field that holds one of a few words holds a new one: providers add values without a new version.
///
/// A good integration keeps the word as it is, or holds the record back and says so. It neither fails as a whole
/// nor guesses another word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnknownEnumValue {
    /// The field, by a dotted path: `content.body`.
    pub field: String,
    /// In which record of the page, from 1; without it, in the body itself.
    #[serde(default)]
    pub record: Option<usize>,
    /// The new word.
    #[serde(default = "new_word")]
    pub value: String,
}

fn new_word() -> String {
    "counterpart_unknown_value".to_owned()
}

impl Misbehaves for UnknownEnumValue {
    const EXAMPLES: &'static [&'static str] =
        &[r#"unknown_enum_value{"record":1,"field":"content.msgtype"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            let mut held = None;
            let altered =
                field::change(response, around.profile, self.record, &self.field, |object, name| {
                    held = object.insert(name.to_owned(), Value::from(self.value.as_str()));
                    held.clone()
                })?;
            match held {
                Some(Value::String(_)) => Ok(altered),
                _ => Err(format!("`{}` holds no text, so it is no word of a few", self.field)),
            }
        }))
    }
}
