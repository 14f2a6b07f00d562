//! A place in a contract's document: the value there, and the JSON pointer that leads to it.
//!
//! All reading of the document goes through here, so that every complaint can say where, and every
//! `$ref` is followed one way. Knows nothing of what the objects mean.

use serde_json::Value;

/// How many `$ref`s may follow one another: a circle is refused, not walked.
const MAX_REFERENCES: usize = 32;

/// A document that is not the OpenAPI 3.1 it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: {message}")]
pub struct Malformed {
    /// The JSON pointer (RFC 6901) of the offence; empty for the document itself.
    pub pointer: String,
    /// What was found, what was expected, and how to mend it.
    pub message: String,
}

/// A value of the document with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<'c> {
    root: &'c Value,
    pub(crate) value: &'c Value,
    pub(crate) pointer: String,
}

impl<'c> Node<'c> {
    pub(crate) fn root(document: &'c Value) -> Self {
        Self { root: document, value: document, pointer: String::new() }
    }

    /// The value at a pointer that this module gave out earlier.
    pub(crate) fn at(document: &'c Value, pointer: &str) -> Option<Self> {
        Some(Self { root: document, value: document.pointer(pointer)?, pointer: pointer.to_owned() })
    }

    pub(crate) fn problem(&self, message: impl Into<String>) -> Malformed {
        Malformed { pointer: self.pointer.clone(), message: message.into() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        Some(Self { root: self.root, value, pointer: format!("{}/{}", self.pointer, escape(key)) })
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'c str> {
        self.value.get(key)?.as_str()
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.value.get(key)?.as_bool()
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> Result<Vec<(&'c str, Self)>, Malformed> {
        let Value::Object(members) = self.value else {
            return Err(self.problem(format!("expected a mapping, found {}", kind(self.value))));
        };
        Ok(members
            .iter()
            .map(|(key, value)| {
                let pointer = format!("{}/{}", self.pointer, escape(key));
                (key.as_str(), Self { root: self.root, value, pointer })
            })
            .collect())
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Result<Vec<Self>, Malformed> {
        let Value::Array(items) = self.value else {
            return Err(self.problem(format!("expected a list, found {}", kind(self.value))));
        };
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Self {
                root: self.root,
                value,
                pointer: format!("{}/{index}", self.pointer),
            })
            .collect())
    }

    /// What the node refers to, if it is a Reference Object, else itself.
    pub(crate) fn resolved(self) -> Result<Self, Malformed> {
        let first = self.clone();
        let mut node = self;
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = node.text("$ref") else { return Ok(node) };
            let Some(fragment) = reference.strip_prefix('#') else {
                return Err(node.problem(format!(
                    "refers to {reference:?}, outside this file; bundle the contract into one file first"
                )));
            };
            let pointer = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy().into_owned();
            let Some(value) = node.root.pointer(&pointer) else {
                return Err(node.problem(format!("refers to {reference:?}, which is not in this file")));
            };
            node = Self { root: node.root, value, pointer };
        }
        Err(first.problem("refers to itself in a circle"))
    }
}

/// A key as one step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a value is, without showing any of it.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_followed_within_the_document_alone() {
        let document = json!({
            "a": {"$ref": "#/b~1c/d%7B"},
            "b/c": {"d{": {"$ref": "#/end"}},
            "end": {"found": true},
            "circle": {"$ref": "#/circle"},
            "lost": {"$ref": "#/nowhere"},
            "far": {"$ref": "other.yaml#/x"},
        });
        let resolved = |key| Node::root(&document).get(key).unwrap().resolved();
        assert_eq!(resolved("a").unwrap().pointer, "/end");
        assert!(resolved("circle").unwrap_err().message.contains("circle"));
        assert!(resolved("lost").unwrap_err().message.contains("not in this file"));
        assert!(resolved("far").unwrap_err().message.contains("bundle"));
    }
}
