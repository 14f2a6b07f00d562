//! Where in a JSON value the records are: a JSON pointer (RFC 6901), or a JSONPath (RFC 9535), which begins with `$`.

use serde_json::Value;
use serde_json_path::JsonPath;

/// A place that holds a list of records.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordsPlace {
    /// A pointer to the list. The empty one is the value itself.
    Pointer(String),
    /// A path to the list, or to each record.
    Path(JsonPath),
}

impl RecordsPlace {
    /// The value itself.
    #[must_use]
    pub fn whole() -> Self {
        Self::Pointer(String::new())
    }

    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            return JsonPath::parse(text).map(Self::Path).map_err(|error| {
                format!(
                    "`records = {text:?}` is no JSONPath (RFC 9535): {}, at character {}",
                    error.message(),
                    error.position()
                )
            });
        }
        if text.is_empty() || text.starts_with('/') {
            return Ok(Self::Pointer(text.to_owned()));
        }
        Err(format!(
            "`records = {text:?}` is neither a JSON pointer, which begins with `/` as in \"/items\", \
             nor a JSONPath, which begins with `$` as in \"$.items[*]\""
        ))
    }

    /// The records in a value; else what is there instead.
    pub(crate) fn records_of(&self, value: &Value) -> Result<Vec<Value>, String> {
        let records: Vec<Value> = match self {
            Self::Pointer(pointer) => match value.pointer(pointer) {
                Some(Value::Array(records)) => records.clone(),
                found => return Err(self.instead(found)),
            },
            Self::Path(path) => {
                let nodes = path.query(value);
                match (nodes.len(), nodes.first()) {
                    (1, Some(Value::Array(records))) => records.clone(),
                    // A path to one place that is not there is a mistake; a selection may well select nothing.
                    (0, _) if is_singular(&path.to_string()) => return Err(self.instead(None)),
                    _ => nodes.all().into_iter().cloned().collect(),
                }
            }
        };
        match records.iter().enumerate().find(|(_, record)| !record.is_object()) {
            Some((at, record)) => Err(format!("{} record {} is {}", self.words(), at + 1, told(record))),
            None => Ok(records),
        }
    }

    fn instead(&self, found: Option<&Value>) -> String {
        let found = found.map_or_else(|| "nothing".to_owned(), told);
        format!("{} there is {found}", self.words())
    }

    fn words(&self) -> String {
        match self {
            Self::Pointer(pointer) if pointer.is_empty() => "in the whole".to_owned(),
            Self::Pointer(pointer) => format!("at `{pointer}`"),
            Self::Path(path) => format!("at `{path}`"),
        }
    }
}

impl std::fmt::Display for RecordsPlace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pointer(pointer) => formatter.write_str(pointer),
            Self::Path(path) => write!(formatter, "{path}"),
        }
    }
}

/// Whether a path names one place at most: it consists of names and indexes alone. A name that holds one of these
/// signs itself is taken for a selection, which only means that its absence is not noticed.
fn is_singular(path: &str) -> bool {
    !path.contains(['*', '?', ':', ',']) && !path.contains("..")
}

/// A value in few words.
pub(crate) fn told(value: &Value) -> String {
    let (kind, text) = match value {
        Value::Null => return "null".to_owned(),
        Value::Bool(_) => ("a truth value", value.to_string()),
        Value::Number(_) => ("a number", value.to_string()),
        Value::String(_) => ("a text", value.to_string()),
        Value::Array(_) => ("a list", value.to_string()),
        Value::Object(fields) => {
            let names: Vec<_> = fields.keys().take(10).map(|name| format!("`{name}`")).collect();
            return format!(
                "an object with {}",
                if names.is_empty() { "no fields".into() } else { names.join(", ") }
            );
        }
    };
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{kind}: {short}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn records(place: &str, value: &Value) -> Result<Vec<Value>, String> {
        RecordsPlace::parse(place).unwrap().records_of(value)
    }

    #[test]
    fn a_pointer_and_a_path_find_the_same_list_and_a_path_may_select() {
        let value = json!({ "data": { "items": [{ "id": 1, "of": "a" }, { "id": 2, "of": "b" }] } });
        let both = vec![json!({ "id": 1, "of": "a" }), json!({ "id": 2, "of": "b" })];
        assert_eq!(records("/data/items", &value), Ok(both.clone()));
        assert_eq!(records("$.data.items", &value), Ok(both.clone()));
        assert_eq!(records("$.data.items[*]", &value), Ok(both.clone()));
        assert_eq!(records("$..items[?@.of == 'b']", &value), Ok(both[1..].to_vec()));
        assert_eq!(records("$.data.items[?@.of == 'c']", &value), Ok(Vec::new()));
        assert_eq!(records("", &json!([])), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_list_of_objects_is_told() {
        let value = json!({ "items": { "a": 1 }, "numbers": [{}, 7], "text": "x" });
        insta::assert_snapshot!(
            ["/item", "/items", "/numbers", "", "$.item", "$.numbers", "$.text", "$.numbers[*]"]
                .map(|place| records(place, &value).unwrap_err())
                .join("\n"),
            @r#"
            at `/item` there is nothing
            at `/items` there is an object with `a`
            at `/numbers` record 2 is a number: 7
            in the whole there is an object with `items`, `numbers`, `text`
            at `$.item` there is nothing
            at `$.numbers` record 2 is a number: 7
            at `$.text` record 1 is a text: "x"
            at `$.numbers[*]` record 2 is a number: 7
            "#
        );
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        insta::assert_snapshot!(
            ["items", "$.items[", "$items"].map(|place| RecordsPlace::parse(place).unwrap_err()).join("\n"),
            @r#"
            `records = "items"` is neither a JSON pointer, which begins with `/` as in "/items", nor a JSONPath, which begins with `$` as in "$.items[*]"
            `records = "$.items["` is no JSONPath (RFC 9535): parser error, at character 7
            `records = "$items"` is no JSONPath (RFC 9535): parser error, at character 1
            "#
        );
    }
}
