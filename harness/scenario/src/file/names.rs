//! Names in braces in a scenario: `{room}` becomes a value, `{{room}}` is `{room}` itself.
//!
//! Braces around anything but a name are left alone, so that JSON, GraphQL and regular expressions need no escaping.

use serde_json::Value;
use std::collections::BTreeMap;

/// Names with their values, each a text, a number, or true or false.
pub(crate) type Names = BTreeMap<String, Value>;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// As it stands.
    Plain(&'a str),
    /// `{name}`, or `{name?}`.
    Name(&'a str),
    /// `{{name}}`: the name in braces, as text.
    Literal(&'a str),
}

/// Whether a text may be a name: lower-case letters, digits and `_`, a letter first.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

/// The parts of a text, in order.
pub(crate) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut plain_from, mut at) = (0, 0);
    while let Some(open) = text[at..].find('{').map(|found| found + at) {
        let is_double = text[open + 1..].starts_with('{');
        let from = open + if is_double { 2 } else { 1 };
        let length = text[from..].find(|one: char| !(one.is_ascii_alphanumeric() || one == '_'));
        let Some(to) = length.map(|length| from + length) else { break };
        let closing = if is_double { "}}" } else { "}" };
        if !is_name(&text[from..to]) || !text[to..].starts_with(closing) {
            at = open + 1;
            continue;
        }
        if plain_from < open {
            parts.push(Part::Plain(&text[plain_from..open]));
        }
        let name = &text[from..to];
        parts.push(if is_double { Part::Literal(name) } else { Part::Name(name) });
        at = to + closing.len();
        plain_from = at;
    }
    if plain_from < text.len() {
        parts.push(Part::Plain(&text[plain_from..]));
    }
    parts
}

/// The text with its names filled in as text; a name without a value stays as it stands.
pub(crate) fn fill_text(text: &str, names: &Names) -> String {
    parts(text)
        .into_iter()
        .map(|part| match part {
            Part::Plain(text) => text.to_owned(),
            Part::Name(name) => names.get(name).map_or_else(|| format!("{{{name}}}"), as_text),
            Part::Literal(name) => format!("{{{name}}}"),
        })
        .collect()
}

/// The value with the names of all its texts filled in. A text that is nothing but a name becomes the value itself.
pub(crate) fn fill_value(value: &Value, names: &Names) -> Value {
    match value {
        Value::String(text) => match parts(text)[..] {
            [Part::Name(name)] => names.get(name).cloned().unwrap_or_else(|| value.clone()),
            _ => Value::String(fill_text(text, names)),
        },
        Value::Array(items) => items.iter().map(|item| fill_value(item, names)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), fill_value(value, names))).collect())
        }
        other => other.clone(),
    }
}

/// A value as it stands within a text.
pub(crate) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_filled_in_and_all_other_braces_left_alone() {
        let names = Names::from([("room".into(), json!("#a:b")), ("n".into(), json!(3))]);
        for (text, filled) in [
            ("{room} and {n}", "#a:b and 3"),
            ("{{room}} is {room}", "{room} is #a:b"),
            (r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
            ("{ viewer { login } } [a-z]{3} {", "{ viewer { login } } [a-z]{3} {"),
            ("{api_key:1} {Room} {unknown}", "{api_key:1} {Room} {unknown}"),
            ("{{{n}}}", "{{n}}"),
        ] {
            assert_eq!(fill_text(text, &names), filled, "{text}");
        }
        assert_eq!(fill_value(&json!({"a": ["{n}", "x{n}"]}), &names), json!({"a": [3, "x3"]}));
    }
}
