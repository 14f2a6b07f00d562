//! Braces in calls: `{name}` becomes a value. `{{` and `}}` are braces themselves.

use crate::spec::HttpCall;
use counterpart_exchange::concealed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What may stand unescaped in a path segment (RFC 3986 section 3.3): unreserved characters.
const SEGMENT_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Names that every subject is given; all others are a trigger's own words, or placeholders like `api_key:1`.
const GIVEN: [&str; 15] = [
    "provider",
    "base_url",
    "tenant",
    "access_token",
    "refresh_token",
    "ca_pem",
    "ca_file",
    "clock_start",
    "data",
    "port",
    "state",
    "webhook_scheme",
    "webhook_secret",
    "webhook_account",
    "idempotency_retention",
];

/// Whether every subject is given a value under this name.
#[must_use]
pub fn is_given(name: &str) -> bool {
    GIVEN.contains(&name)
}

/// The names under which every subject is given a value.
#[must_use]
pub fn given_names() -> &'static [&'static str] {
    &GIVEN
}

/// The words that a call asks for beside those that every subject is given.
#[must_use]
pub fn words_of(call: &HttpCall) -> BTreeSet<String> {
    let own = |word: &String| !GIVEN.contains(&word.as_str()) && !word.contains(':') && !word.ends_with('?');
    names_of(call).into_iter().filter(own).collect()
}

/// All names in the braces of a call, a `?` among them where it stands there.
pub(crate) fn names_of(call: &HttpCall) -> BTreeSet<String> {
    let mut texts = vec![call.call.clone()];
    let mut values: Vec<&Value> = call.json.iter().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) => texts.push(text.clone()),
            Value::Array(items) => values.extend(items),
            Value::Object(fields) => values.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    texts.iter().flat_map(|text| names_in(text)).collect()
}

/// The names in a text's braces, a `?` among them where it stands there.
pub(crate) fn names_in(text: &str) -> Vec<String> {
    let text = text.replace("{{", "").replace("}}", "");
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
}

/// Names with their values.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl std::fmt::Debug for Variables {
    // Values are credentials, some of them.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

/// Braces that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// No such name.
    #[error("{{{name}}} in {text:?} has no value; there are: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Where it stands.
        text: String,
        /// The names that have one.
        known: String,
    },
    /// A brace that is never closed.
    #[error("a brace in {0:?} is never closed; write {{{{ for a brace itself")]
    Open(String),
}

impl Variables {
    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Gives a name its value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// The text with its braces filled in.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill(&self, text: &str) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
            } else if brace == "{" {
                let end = rest.find('}').ok_or_else(|| TemplateError::Open(concealed(text)))?;
                let name = &rest[..end];
                let value = self.0.get(name).ok_or_else(|| TemplateError::Unknown {
                    name: name.to_owned(),
                    text: concealed(text),
                    known: self.0.keys().cloned().collect::<Vec<_>>().join(", "),
                })?;
                out.push_str(value);
                rest = &rest[end + 1..];
            } else {
                out.push_str(brace);
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The text with its braces filled in; nothing where it is nothing but `{name?}` and the name has no value.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill_optional(&self, text: &str) -> Result<Option<String>, TemplateError> {
        match text.strip_prefix('{').and_then(|rest| rest.strip_suffix("?}")) {
            Some(name) => Ok(self.0.get(name).cloned()),
            None => self.fill(text).map(Some),
        }
    }

    /// A path with its braces filled in, each value as one segment: what would end the path is escaped.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill_path(&self, text: &str) -> Result<String, TemplateError> {
        self.fill_with(text, |value| utf8_percent_encode(value, SEGMENT_SET).to_string())
    }

    /// The text with its braces filled in, each value escaped as the place where it stands needs it.
    pub(crate) fn fill_with(
        &self,
        text: &str,
        escape: impl Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        Self(self.0.iter().map(|(name, value)| (name.clone(), escape(value))).collect()).fill(text)
    }

    /// The value with the braces of all its strings filled in. A string that is nothing but `{name?}` becomes
    /// null where the name has no value.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn fill_json(&self, value: &Value) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('{').and_then(|rest| rest.strip_suffix("?}")) {
                Some(name) => self.0.get(name).map_or(Value::Null, |value| Value::String(value.clone())),
                None => Value::String(self.fill(text)?),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.fill_json(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn braces_are_filled_in_or_refused() {
        let mut variables = Variables::default();
        variables.set("room", "#a:b");
        assert_eq!(variables.fill("/x/{room}/{{y}}").unwrap(), "/x/#a:b/{y}");
        assert_eq!(
            variables.fill_json(&json!({ "a": ["{room}", 1], "b": "{none?}" })).unwrap(),
            json!({ "a": ["#a:b", 1], "b": null })
        );
        assert!(variables.fill("{rom}").unwrap_err().to_string().contains("there are: room"));
        assert!(variables.fill("{room").is_err());
        assert_eq!(variables.fill_path("/x/{room}?y=1").unwrap(), "/x/%23a%3Ab?y=1");
    }

    #[test]
    fn the_words_of_a_call_are_those_that_only_a_trigger_knows() {
        let call = HttpCall {
            call: "POST /{tenant}/{kind}".into(),
            json: Some(json!({ "a": ["{room}", "{refresh_token?}", "{{no}}", "{api_key:1}"] })),
        };
        assert_eq!(words_of(&call), ["kind", "room"].map(str::to_owned).into());
    }
}
