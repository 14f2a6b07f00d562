//! Query strings, taken apart and put together: the WHATWG form encoding, as most clients have it.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::HashMap;

/// What stays as it is: the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Query fields by name; a field without `=` has no value.
pub(crate) type Groups = Vec<(String, Vec<Option<String>>)>;

/// The fields of a query in order, decoded; none where a field has no `=`.
pub(crate) fn fields(query: &str) -> Vec<(String, Option<String>)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decode(name), Some(decode(value))),
            None => (decode(pair), None),
        })
        .collect()
}

/// A path with these fields behind it.
pub(crate) fn target<'a>(path: &str, fields: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let encode = |part: &str| utf8_percent_encode(part, ENCODED).to_string();
    let query: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{}={}", encode(name), encode(value)),
            None => encode(name),
        })
        .collect();
    match (query.is_empty(), path.contains('?')) {
        (true, _) => path.to_owned(),
        (false, true) => format!("{path}&{}", query.join("&")),
        (false, false) => format!("{path}?{}", query.join("&")),
    }
}

/// The fields of a query by name, in order of each name's first occurrence; a field without `=` has no value.
pub(crate) fn grouped(query: &str) -> Groups {
    let mut groups = Groups::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in fields(query) {
        let place = *places.entry(name.clone()).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, values)) = groups.get_mut(place) {
            values.push(value);
        }
    }
    groups
}

/// A path with the fields of [`grouped`] behind it.
pub(crate) fn target_of_groups(path: &str, groups: &[(String, Vec<Option<String>>)]) -> String {
    let fields = groups
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_deref())));
    target(path, fields)
}

/// Whether a media type says JSON: `application/json`, `application/problem+json; charset=utf-8`.
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().ends_with("json")
}

/// A path as a request has it: with a slash in front, or `*` alone.
pub(crate) fn with_slash(path: &str) -> String {
    if path.starts_with('/') || path == "*" { path.to_owned() } else { format!("/{path}") }
}

/// What cannot stand in the path or query of a URL as it is.
const NOT_IN_URL: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// A target as a URL has it: with a slash in front, and nothing in it that would have to be encoded.
pub(crate) fn in_url(target: &str) -> String {
    with_slash(&utf8_percent_encode(target, NOT_IN_URL).to_string())
}
