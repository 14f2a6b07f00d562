//! Header fields that a profile or a fault puts on an answer: checked when they are read, not when they are sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a header field: a token (RFC 9110 section 5.1). Upper and lower case do not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FieldName(String);

/// The value of a header field: visible ASCII, with spaces and tabs only inside (RFC 9110 section 5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FieldValue(String);

impl FieldName {
    /// The name, lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FieldValue {
    /// The value as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FieldName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("{name:?} is no name of a header field; expected a word like x-rate-limit"));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for FieldValue {
    type Error = String;

    fn try_from(value: String) -> Result<Self, String> {
        check_field_text(&value)?;
        if value.trim() != value {
            return Err(format!(
                "the header value {value:?} begins or ends with a blank, which is never sent"
            ));
        }
        Ok(Self(value))
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> Self {
        name.0
    }
}

impl From<FieldValue> for String {
    fn from(value: FieldValue) -> Self {
        value.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a text may stand in a header value.
///
/// # Errors
/// A sentence that shows the text.
pub(super) fn check_field_text(text: &str) -> Result<(), String> {
    let may_stand = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
    if text.bytes().all(may_stand) {
        Ok(())
    } else {
        Err(format!("{text:?} cannot stand in a header field; expected visible ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_never_arrive_is_refused() {
        for name in ["", "a b", "a:b", "ä", "a\n"] {
            assert!(FieldName::try_from(name.to_owned()).is_err(), "{name:?}");
        }
        for value in ["a\nb", "ä", " a", "a ", "\u{7f}"] {
            assert!(FieldValue::try_from(value.to_owned()).is_err(), "{value:?}");
        }
        assert_eq!(
            FieldName::try_from("X-RateLimit-Limit".to_owned()).unwrap().as_str(),
            "x-ratelimit-limit"
        );
        assert_eq!(
            FieldValue::try_from("api-usage=25/15000".to_owned()).unwrap().as_str(),
            "api-usage=25/15000"
        );
    }
}
