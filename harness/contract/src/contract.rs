//! A contract: an OpenAPI 3.1 document as it stands, every keyword kept.
//!
//! What the checks need of it is read by [`crate::declared`]. Knows nothing of files.

use crate::declared::Declarations;
use crate::node::{Malformed, Node, kind};
use serde_json::Value;

/// An OpenAPI 3.1 document. A thin view: no keyword is lost on the way through.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract(Value);

impl Contract {
    /// Takes a document after checking that it is an OpenAPI 3.1 whose operations can be read.
    ///
    /// # Errors
    /// [`Malformed`] with the JSON pointer of the first offence: another version, a missing part,
    /// a reference that leads nowhere or out of the document.
    pub fn from_value(document: Value) -> Result<Self, Malformed> {
        check_version(&document)?;
        let contract = Self(document);
        Declarations::of(&contract)?;
        Ok(contract)
    }

    /// What inference built, which is an OpenAPI 3.1 by construction.
    pub(crate) fn built(document: Value) -> Self {
        Self(document)
    }

    /// The whole document.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The API's name; empty where the document gives none.
    #[must_use]
    pub fn title(&self) -> &str {
        self.0.pointer("/info/title").and_then(Value::as_str).unwrap_or_default()
    }

    /// The API's version; empty where the document gives none.
    #[must_use]
    pub fn version(&self) -> &str {
        self.0.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
    }
}

fn check_version(document: &Value) -> Result<(), Malformed> {
    let root = Node::root(document);
    if !document.is_object() {
        return Err(root.problem(format!("expected an OpenAPI 3.1 document, found {}", kind(document))));
    }
    if document.get("swagger").is_some() {
        return Err(
            root.problem("this is a Swagger 2.0 document; only OpenAPI 3.1 is read: convert it to 3.1 first")
        );
    }
    let Some(version) = root.get("openapi") else {
        return Err(root.problem("has no `openapi` key; expected `openapi: 3.1.x`"));
    };
    // Unquoted in YAML, `3.1` is a number and `3.1.1` a string.
    let spelled = version.value.as_str().map_or_else(|| version.value.to_string(), str::to_owned);
    if spelled == "3.1" || spelled.starts_with("3.1.") {
        return Ok(());
    }
    let message = if spelled.starts_with("3.0") {
        format!(
            "this is an OpenAPI {spelled} document; only 3.1 is read, whose schemas differ (`nullable`, `exclusiveMinimum`): convert it to 3.1 first"
        )
    } else {
        let shown: String = spelled.chars().take(40).collect();
        format!("OpenAPI version {shown:?} is not read; expected `openapi: 3.1.x`")
    };
    Err(version.problem(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn version_3_1_is_read_and_no_other() {
        let read = |head: Value| Contract::from_value(head).map_err(|problem| problem.to_string());
        assert!(read(json!({"openapi": "3.1.1", "paths": {}})).is_ok());
        assert!(read(json!({"openapi": 3.1, "paths": {}})).is_ok());
        assert!(read(json!({"openapi": "3.0.3", "paths": {}})).unwrap_err().contains("OpenAPI 3.0.3"));
        assert!(read(json!({"openapi": "3.10", "paths": {}})).unwrap_err().contains("not read"));
        assert!(read(json!({"swagger": "2.0"})).unwrap_err().contains("Swagger 2.0"));
        assert!(read(json!({"paths": {}})).unwrap_err().contains("no `openapi` key"));
        assert!(read(json!([])).unwrap_err().contains("a list"));
    }
}
