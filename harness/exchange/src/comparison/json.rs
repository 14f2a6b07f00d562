//! Two JSON documents, compared by path. The order of members says nothing; elements of a list are told by their id
//! where each has one, else by their place.

use super::pairing::without_numbers;
use super::{Difference, Weight};
use crate::ProviderProfile;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Adds what differs. A member that one document alone has is another form; an element that one list alone has is
/// another value, for lists are of any length.
pub(super) fn compare(
    place: &str,
    older: &Value,
    newer: &Value,
    profile: &ProviderProfile,
    found: &mut Vec<Difference>,
) {
    match (older, newer) {
        (Value::Object(older), Value::Object(newer)) => members(place, older, newer, profile, found),
        (Value::Array(older), Value::Array(newer)) => elements(place, older, newer, profile, found),
        (older, newer) if same_scalar(older, newer) => {}
        (older, newer) => {
            let same_type = std::mem::discriminant(older) == std::mem::discriminant(newer);
            found.push(Difference {
                place: place.to_owned(),
                older: Some(older.to_string()),
                newer: Some(newer.to_string()),
                weight: if same_type { Weight::Value } else { Weight::Form },
            });
        }
    }
}

fn same_scalar(older: &Value, newer: &Value) -> bool {
    match (older, newer) {
        (Value::String(older), Value::String(newer)) => {
            older == newer || without_numbers(older) == without_numbers(newer)
        }
        (older, newer) => older == newer,
    }
}

fn members(
    place: &str,
    older: &Map<String, Value>,
    newer: &Map<String, Value>,
    profile: &ProviderProfile,
    found: &mut Vec<Difference>,
) {
    let path = |key: &str| {
        let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-$@".contains(&b));
        if plain { format!("{place}.{key}") } else { format!("{place}[{}]", Value::from(key)) }
    };
    for (key, before) in older {
        let path = path(key);
        match newer.get(key) {
            Some(after) if profile.volatile.fields.contains(key) => {
                volatile(path, before, after, found);
            }
            Some(after) => compare(&path, before, after, profile, found),
            None => found.push(one_sided(path, Some(before), None, Weight::Form)),
        }
    }
    for (key, after) in newer.iter().filter(|(key, _)| !older.contains_key(*key)) {
        found.push(one_sided(path(key), None, Some(after), Weight::Form));
    }
}

fn volatile(path: String, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    if before != after {
        found.push(one_sided(path, Some(before), Some(after), Weight::Incidental));
    }
}

fn one_sided(place: String, older: Option<&Value>, newer: Option<&Value>, weight: Weight) -> Difference {
    Difference { place, older: older.map(ToString::to_string), newer: newer.map(ToString::to_string), weight }
}

fn elements(
    place: &str,
    older: &[Value],
    newer: &[Value],
    profile: &ProviderProfile,
    found: &mut Vec<Difference>,
) {
    if let Some(key) = identity(older, newer) {
        let id_of = |element: &Value| element.get(&key).map(ToString::to_string).unwrap_or_default();
        let path = |id: &str| format!("{place}[{key}={id}]");
        for before in older {
            let id = id_of(before);
            match newer.iter().find(|after| id_of(after) == id) {
                Some(after) => compare(&path(&id), before, after, profile, found),
                None => found.push(one_sided(path(&id), Some(before), None, Weight::Value)),
            }
        }
        let known: HashSet<String> = older.iter().map(id_of).collect();
        for after in newer.iter().filter(|after| !known.contains(&id_of(after))) {
            found.push(one_sided(path(&id_of(after)), None, Some(after), Weight::Value));
        }
        return;
    }
    for index in 0..older.len().max(newer.len()) {
        let path = format!("{place}[{index}]");
        match (older.get(index), newer.get(index)) {
            (Some(before), Some(after)) => compare(&path, before, after, profile, found),
            (before, after) => found.push(one_sided(path, before, after, Weight::Value)),
        }
    }
}

/// Longer lists are compared by place: telling elements by id looks at each pair.
const MAX_TOLD_BY_ID: usize = 1_000;

/// The member that tells the elements of both lists apart: an id that every element has, no two alike, some in both.
fn identity(older: &[Value], newer: &[Value]) -> Option<String> {
    if older.len().max(newer.len()) > MAX_TOLD_BY_ID {
        return None;
    }
    let is_id = |key: &str| {
        key.eq_ignore_ascii_case("id")
            || key.ends_with("_id")
            || key.ends_with("Id")
            || key == "key"
            || key == "uuid"
    };
    let ids = |list: &[Value], key: &str| -> Option<HashSet<String>> {
        let scalar = |value: &Value| (value.is_string() || value.is_number()).then(|| value.to_string());
        let all: Option<HashSet<String>> = list.iter().map(|element| scalar(element.get(key)?)).collect();
        all.filter(|all| all.len() == list.len())
    };
    let keys = older.first()?.as_object()?.keys().filter(|key| is_id(key));
    let mut shared = keys.filter(|key| match (ids(older, key), ids(newer, key)) {
        (Some(older), Some(newer)) => !older.is_disjoint(&newer),
        _ => false,
    });
    shared.next().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(older: &str, newer: &str) -> Vec<String> {
        let mut profile = ProviderProfile::unknown("p");
        profile.volatile.fields = vec!["age".into()];
        let mut found = Vec::new();
        let parse = |text: &str| serde_json::from_str(text).unwrap();
        compare("body", &parse(older), &parse(newer), &profile, &mut found);
        let side = |side: Option<String>| side.unwrap_or_else(|| "-".into());
        found
            .into_iter()
            .map(|one| format!("{:?} {}: {} -> {}", one.weight, one.place, side(one.older), side(one.newer)))
            .collect()
    }

    #[test]
    fn form_value_and_chance_are_told_apart() {
        assert_eq!(told(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), [""; 0]);
        assert_eq!(told(r#"{"t":"«token:1»"}"#, r#"{"t":"«token:7»"}"#), [""; 0]);
        insta::assert_snapshot!(
            told(
                r#"{"a":1,"gone":{"x":1},"n":null,"age":5,"odd key":1}"#,
                r#"{"a":"1","n":2,"age":6,"new":true,"odd key":2}"#
            )
            .join("\n"),
            @r#"
        Form body.a: 1 -> "1"
        Form body.gone: {"x":1} -> -
        Form body.n: null -> 2
        Incidental body.age: 5 -> 6
        Value body["odd key"]: 1 -> 2
        Form body.new: - -> true
        "#
        );
    }

    #[test]
    fn elements_are_told_by_their_id_or_their_place() {
        let (older, newer) =
            (r#"[{"id":1,"v":"a"},{"id":2,"v":"b"}]"#, r#"[{"id":2,"v":"c"},{"id":3,"v":"d"}]"#);
        insta::assert_snapshot!(told(older, newer).join("\n"), @r#"
        Value body[id=1]: {"id":1,"v":"a"} -> -
        Value body[id=2].v: "b" -> "c"
        Value body[id=3]: - -> {"id":3,"v":"d"}
        "#);
        insta::assert_snapshot!(told("[1,2]", "[1,3,4]").join("\n"), @r"
        Value body[1]: 2 -> 3
        Value body[2]: - -> 4
        ");
    }
}
