//! Fields of JSON text, named by a dotted path. What is not touched stays as spelled.
//!
//! Knows nothing of records or pages.

use indexmap::IndexMap;
use serde_json::value::RawValue;

type Fields = IndexMap<String, Box<RawValue>>;

/// The text of a field; of the whole for an empty path.
pub(crate) fn get(json: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(json.to_owned());
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let fields: Fields = serde_json::from_str(json).ok()?;
    get(fields.get(first)?.get(), rest)
}

/// The items of a list.
pub(crate) fn items(json: &str, path: &str) -> Result<Vec<Box<RawValue>>, String> {
    let list = get(json, path).ok_or_else(|| no_list(path))?;
    serde_json::from_str(&list).map_err(|_| match path {
        "" => "the answer's body is not a list".to_owned(),
        path => format!("`{path}` is not a list"),
    })
}

/// The text with a field put in, and with the objects that lead there where they are missing.
///
/// # Errors
/// A sentence, where the path leads through what is no object.
pub(crate) fn set(json: &str, path: &str, value: &str) -> Result<String, String> {
    change(json, path, path, Some(value))
}

/// The text without a field; as it was, where it has none.
///
/// # Errors
/// A sentence, where the path leads through what is no object.
pub(crate) fn remove(json: &str, path: &str) -> Result<String, String> {
    if get(json, path).is_none() {
        return Ok(json.to_owned());
    }
    change(json, path, path, None)
}

fn change(json: &str, path: &str, whole: &str, value: Option<&str>) -> Result<String, String> {
    if path.is_empty() {
        return Ok(value.unwrap_or("null").to_owned());
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut fields: Fields = serde_json::from_str(json).map_err(|_| match whole == path {
        true => "the answer's body is not a JSON object".to_owned(),
        false => format!("`{whole}` leads through what is no object"),
    })?;
    if let (None, true) = (value, rest.is_empty()) {
        fields.shift_remove(first);
    } else {
        let inner = fields.get(first).map_or("{}", |inner| inner.get());
        let inner = change(inner, rest, whole, value)?;
        fields.insert(first.to_owned(), RawValue::from_string(inner).map_err(|error| error.to_string())?);
    }
    serde_json::to_string(&fields).map_err(|error| error.to_string())
}

/// The sentence for a page without its list.
pub(crate) fn no_list(path: &str) -> String {
    format!("the page has no list `{path}`")
}

/// A list of JSON texts as one.
pub(crate) fn list_of<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(item);
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_stays_as_spelled() {
        let json = r#"{"a":1.50,"b":{"c":1e2,"d":"\u00e9"},"l":[1.0,2]}"#;
        assert_eq!(get(json, "b.c").unwrap(), "1e2");
        assert_eq!(get(json, "b.x"), None);
        assert_eq!(set(json, "b.c", "3").unwrap(), r#"{"a":1.50,"b":{"c":3,"d":"\u00e9"},"l":[1.0,2]}"#);
        assert_eq!(
            set(json, "n.m", "true").unwrap(),
            r#"{"a":1.50,"b":{"c":1e2,"d":"\u00e9"},"l":[1.0,2],"n":{"m":true}}"#
        );
        assert_eq!(remove(json, "b.c").unwrap(), r#"{"a":1.50,"b":{"d":"\u00e9"},"l":[1.0,2]}"#);
        assert_eq!(remove(json, "x.y").unwrap(), json);
        assert_eq!(set("[1]", "", "[2]").unwrap(), "[2]");
        assert!(set(json, "a.x", "1").is_err());
        assert_eq!(items(json, "l").unwrap().len(), 2);
        assert_eq!(items(json, "a").unwrap_err(), "`a` is not a list");
        assert_eq!(items(json, "z").unwrap_err(), "the page has no list `z`");
    }
}
