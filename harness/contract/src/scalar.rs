//! What the text of a query or form field may stand for, where no quotes tell a string from a number.
//!
//! Inference and check must read a text alike, or a contract would refuse its own evidence.

use serde_json::{Number, Value, json};

/// What a text spells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Integer,
    Number,
    Boolean,
    Text,
}

impl Scalar {
    pub(crate) fn of(text: &str) -> Self {
        match text {
            "true" | "false" => Self::Boolean,
            _ => match number(text) {
                Some(number) if number.is_f64() => Self::Number,
                Some(_) => Self::Integer,
                None => Self::Text,
            },
        }
    }
}

/// The number that a text spells as JSON would. Digits beyond 64 bits are an identifier, not a number.
fn number(text: &str) -> Option<Number> {
    let spelled_as_number =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    if !spelled_as_number {
        return None;
    }
    let number: Number = serde_json::from_str(text).ok()?;
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (whole != number.is_f64()).then_some(number)
}

/// A text as the value that a schema of these types means by it.
pub(crate) fn value_for(types: &[&str], text: &str) -> Value {
    let wants = |word| types.contains(&word);
    if wants("string") {
        return json!(text);
    }
    if (wants("integer") || wants("number"))
        && let Some(number) = number(text)
    {
        return Value::Number(number);
    }
    match text {
        "true" | "false" if wants("boolean") => json!(text == "true"),
        "" | "null" if wants("null") => Value::Null,
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_by_spelling() {
        for (text, expected) in [
            ("12", Scalar::Integer),
            ("-3", Scalar::Integer),
            ("18446744073709551615", Scalar::Integer),
            ("184467440737095516150", Scalar::Text),
            ("007", Scalar::Text),
            ("-0", Scalar::Text),
            ("1.0", Scalar::Number),
            ("1e3", Scalar::Number),
            ("1e999", Scalar::Text),
            ("true", Scalar::Boolean),
            ("True", Scalar::Text),
            ("", Scalar::Text),
            (" 1", Scalar::Text),
            ("«token:1»", Scalar::Text),
        ] {
            assert_eq!(Scalar::of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_follows_the_schema() {
        assert_eq!(value_for(&["integer"], "12"), json!(12));
        assert_eq!(value_for(&["string", "integer"], "12"), json!("12"));
        assert_eq!(value_for(&["boolean"], "true"), json!(true));
        assert_eq!(value_for(&["integer", "null"], ""), Value::Null);
        assert_eq!(value_for(&["integer"], "ten"), json!("ten"));
        assert_eq!(value_for(&[], "12"), json!("12"));
    }
}
