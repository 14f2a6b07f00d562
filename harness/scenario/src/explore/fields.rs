//! Fields that a fault could spoil: where they stand in a recorded answer, and what stands there.

use counterpart_exchange::{Exchange, OperationName, ProviderProfile};
use serde_json::Value;

/// So many fields of one answer are tried.
const MOST_FIELDS: usize = 6;

/// A field of a record, or of the whole answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// The record on its page, from 1; none for the whole answer.
    pub(super) record: Option<usize>,
    /// Dotted.
    pub(super) path: String,
    /// What stands there.
    pub(super) value: Value,
}

/// The fields of an exchange's answer: of a record in the middle of its page, or of the answer itself.
pub(super) fn fields_of(
    exchange: &Exchange,
    operation: &OperationName,
    profile: &ProviderProfile,
) -> Vec<Field> {
    let body = exchange.response.as_ref().and_then(|response| response.body.json());
    let Some(body) = body.and_then(|json| serde_json::from_str::<Value>(json.as_str()).ok()) else {
        return Vec::new();
    };
    let page = profile.items_of(operation).and_then(|items| at_path(&body, items)?.as_array());
    let (record, of) = match page {
        Some(records) if records.is_empty() => return Vec::new(),
        Some(records) => {
            let index = records.len() / 2;
            (Some(index + 1), &records[index])
        }
        None => (None, &body),
    };
    let mut found = Vec::new();
    leaves(of, "", &mut found);
    found.truncate(MOST_FIELDS);
    found.into_iter().map(|(path, value)| Field { record, path, value }).collect()
}

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(value, |value, part| value.get(part))
}

/// Texts, numbers and truth values, level by level would be fairer; in order of their names they are the same each time.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        // A dot leads deeper; a name that has one cannot be told.
        if name.contains('.') {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(_) => leaves(value, &path, found),
            Value::Array(_) | Value::Null => {}
            leaf => found.push((path, leaf.clone())),
        }
    }
}
