//! JSON in one spelling: keys in order, volatile fields left out.
//!
//! Used for variables, parameters and extensions of calls, and for bodies that are compared. Values, not texts: the spelling of a number or of an
//! escape says nothing about what is asked.

use serde_json::Value;

/// The one spelling of a value.
#[must_use]
pub fn canonical_json(value: &Value, volatile: &[String]) -> String {
    let mut out = String::new();
    write(value, volatile, &mut out);
    out
}

fn write(value: &Value, volatile: &[String], out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut kept: Vec<_> = fields.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in kept.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(name));
                out.push(':');
                write(value, volatile, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, volatile, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// A text as a JSON string: no control character is left in it.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
