//! Whether a JSON value is what a matcher says, and how near it comes.

use crate::file::names::{Names, fill_text, fill_value};
use crate::file::{Check, JsonType, Matcher};
use crate::wording::brief;
use serde_json::Value;

impl Matcher {
    /// Whether a value fits; `None` is a field that is not there.
    pub(crate) fn fits(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Literal(literal) => value.unwrap_or(&Value::Null) == literal,
            Self::List(items) => value.and_then(Value::as_array).is_some_and(|list| {
                list.len() == items.len()
                    && items.iter().zip(list).all(|(item, value)| item.fits(Some(value)))
            }),
            Self::Fields(fields) => value
                .filter(|value| value.is_object())
                .is_some_and(|value| fields.iter().all(|(name, matcher)| matcher.fits(value.get(name)))),
            Self::All(checks) => checks.iter().all(|check| check.holds(value)),
        }
    }

    /// Whether it fits what is not there, and says so: `$not` fits much, and means what is there.
    fn says_that_nothing_is_there(&self) -> bool {
        match self {
            Self::Literal(literal) => literal.is_null(),
            Self::List(_) | Self::Fields(_) => false,
            Self::All(checks) => checks.iter().all(|check| match check {
                Check::Absent(is_absent) => *is_absent,
                Check::OneOf(matchers) => matchers.iter().any(Self::says_that_nothing_is_there),
                _ => false,
            }),
        }
    }

    /// How many of its parts a value fits: the record with the most tells best what is wrong.
    pub(crate) fn nearness(&self, value: &Value) -> usize {
        match self {
            Self::Fields(fields) => {
                fields.iter().filter(|(name, matcher)| matcher.fits(value.get(name))).count()
            }
            Self::All(checks) => checks.iter().filter(|check| check.holds(Some(value))).count(),
            other => usize::from(other.fits(Some(value))),
        }
    }

    /// The same with names filled in that are known once it is played.
    pub(crate) fn filled(&self, names: &Names) -> Self {
        match self {
            Self::Literal(value) => Self::Literal(fill_value(value, names)),
            Self::List(items) => Self::List(items.iter().map(|item| item.filled(names)).collect()),
            Self::Fields(fields) => Self::Fields(
                fields
                    .iter()
                    .map(|(name, matcher)| (fill_text(name, names), matcher.filled(names)))
                    .collect(),
            ),
            Self::All(checks) => Self::All(checks.iter().map(|check| check.filled(names)).collect()),
        }
    }

    /// As it is written, on one line.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Literal(value) => brief(value),
            Self::List(items) => format!("[{}]", joined(items.iter().map(Self::words))),
            Self::Fields(fields) => format!(
                "{{{}}}",
                joined(fields.iter().map(|(name, matcher)| format!("{name:?}:{}", matcher.words())))
            ),
            Self::All(checks) => format!("{{{}}}", joined(checks.iter().map(Check::words))),
        }
    }
}

impl Check {
    fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Equal(literal) => value == Some(literal),
            Self::Type(kind) => value.is_some_and(|value| is_of(value, *kind)),
            Self::Regex(regex) => value.and_then(Value::as_str).is_some_and(|text| regex.is_match(text)),
            Self::Near { value: wanted, within } => value
                .and_then(Value::as_f64)
                // A hair more than `within`, so that 0.3 is 0.1 away from 0.2 in binary, too.
                .is_some_and(|found| (found - wanted).abs() <= within + wanted.abs() * f64::EPSILON * 4.0),
            Self::OneOf(matchers) => matchers.iter().any(|matcher| matcher.fits(value)),
            Self::Absent(is_absent) => value.is_none() == *is_absent,
            Self::Length(counts) => value.and_then(length).is_some_and(|length| counts.hold(length)),
            Self::Contains(matcher) => match (value, &**matcher) {
                (Some(Value::Array(items)), matcher) => items.iter().any(|item| matcher.fits(Some(item))),
                (Some(Value::String(text)), Matcher::Literal(Value::String(part))) => text.contains(part),
                _ => false,
            },
            Self::Path(paths) => paths.iter().all(|(_, path, matcher)| {
                let found = value.map(|value| path.query(value).all()).unwrap_or_default();
                match found[..] {
                    [] => matcher.says_that_nothing_is_there(),
                    _ => found.into_iter().all(|value| matcher.fits(Some(value))),
                }
            }),
            Self::Not(matcher) => !matcher.fits(value),
        }
    }

    fn filled(&self, names: &Names) -> Self {
        match self {
            Self::Equal(value) => Self::Equal(fill_value(value, names)),
            Self::OneOf(matchers) => Self::OneOf(matchers.iter().map(|one| one.filled(names)).collect()),
            Self::Contains(matcher) => Self::Contains(Box::new(matcher.filled(names))),
            Self::Not(matcher) => Self::Not(Box::new(matcher.filled(names))),
            Self::Path(paths) => Self::Path(
                paths
                    .iter()
                    .map(|(text, path, matcher)| (text.clone(), path.clone(), matcher.filled(names)))
                    .collect(),
            ),
            Self::Type(_) | Self::Regex(_) | Self::Near { .. } | Self::Absent(_) | Self::Length(_) => {
                self.clone()
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Equal(value) => format!("$equal:{}", brief(value)),
            Self::Type(kind) => format!("$type:{}", kind.word()),
            Self::Regex(regex) => format!("$regex:{:?}", regex.as_str()),
            Self::Near { value, within } => format!("$near:{value}±{within}"),
            Self::OneOf(matchers) => format!("$one_of:[{}]", joined(matchers.iter().map(Matcher::words))),
            Self::Absent(is_absent) => format!("$absent:{is_absent}"),
            Self::Length(counts) => format!("$length:{}", counts.words()),
            Self::Contains(matcher) => format!("$contains:{}", matcher.words()),
            Self::Path(paths) => format!(
                "$path:{{{}}}",
                joined(paths.iter().map(|(text, _, matcher)| format!("{text}:{}", matcher.words())))
            ),
            Self::Not(matcher) => format!("$not:{}", matcher.words()),
        }
    }
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(",")
}

fn is_of(value: &Value, kind: JsonType) -> bool {
    match kind {
        JsonType::String => value.is_string(),
        JsonType::Number => value.is_number(),
        JsonType::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Array => value.is_array(),
        JsonType::Object => value.is_object(),
        JsonType::Null => value.is_null(),
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(fields) => Some(fields.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fits(matcher: Value, value: &Value) -> bool {
        serde_json::from_value::<Matcher>(matcher).unwrap().fits(Some(value))
    }

    #[test]
    fn each_matcher_fits_one_value_and_not_another() {
        for (matcher, good, bad) in [
            (json!({"a": 1}), json!({"a": 1, "b": 2}), json!({"a": 2})),
            (json!({"a": null}), json!({}), json!({"a": 0})),
            (
                json!({"a": {"b": [1, {"c": 2}]}}),
                json!({"a": {"b": [1, {"c": 2, "d": 3}]}}),
                json!({"a": {"b": [1]}}),
            ),
            (json!([1, {"id": 2}]), json!([1, {"id": 2, "x": 3}]), json!([1, {"id": 3}])),
            (json!({"$equal": {"$type": "x"}}), json!({"$type": "x"}), json!({"$type": "x", "more": 1})),
            (json!({"$type": "string"}), json!("x"), json!(1)),
            (json!({"$type": "number"}), json!(1.5), json!("1.5")),
            (json!({"$type": "integer"}), json!(2), json!(1.5)),
            (json!({"$type": "boolean"}), json!(true), json!("true")),
            (json!({"$type": "array"}), json!([]), json!({})),
            (json!({"$type": "object"}), json!({}), json!([])),
            (json!({"a": {"$type": "null"}}), json!({"a": null}), json!({})),
            (json!({"$regex": "^ab{2}$"}), json!("abb"), json!("ab")),
            (json!({"$near": {"value": 0.2, "within": 0.1}}), json!(0.3), json!(0.31)),
            (json!({"$one_of": ["a", {"$type": "number"}]}), json!(3), json!("b")),
            (json!({"a": {"$absent": true}}), json!({}), json!({"a": null})),
            (json!({"a": {"$absent": false}}), json!({"a": null}), json!({})),
            (json!({"$length": 2}), json!("äb"), json!([1])),
            (json!({"$length": {"at_least": 1, "at_most": 2}}), json!([1]), json!([])),
            (json!({"$contains": {"id": 2}}), json!([{"id": 1}, {"id": 2, "x": 3}]), json!([{"id": 1}])),
            (json!({"$contains": "bc"}), json!("abcd"), json!("abd")),
            (
                json!({"$path": {"$.a[*].b": {"$type": "number"}}}),
                json!({"a": [{"b": 1}, {"b": 2}]}),
                json!({"a": [{"b": 1}, {"b": "2"}]}),
            ),
            (json!({"$path": {"$.a.b": 1}}), json!({"a": {"b": 1}}), json!({"a": {}})),
            (json!({"$not": {"a": 1}}), json!({"a": 2}), json!({"a": 1})),
            (json!({"$type": "string", "$length": 3}), json!("abc"), json!("ab")),
        ] {
            assert!(fits(matcher.clone(), &good), "{matcher} must fit {good}");
            assert!(!fits(matcher.clone(), &bad), "{matcher} must not fit {bad}");
        }
    }

    #[test]
    fn a_literal_is_never_taken_for_a_matcher() {
        let refused = |matcher: Value| serde_json::from_value::<Matcher>(matcher).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                refused(json!({"$typ": "string"})),
                refused(json!({"$oid": "5f"})),
                refused(json!({"a": 1, "$type": "string"})),
                refused(json!({"$type": "text"})),
                refused(json!({"$regex": "("})),
                refused(json!({"$path": {"a.b": 1}})),
                refused(json!({"$length": "x"})),
                refused(json!({"$near": {"value": 1}})),
            ]
            .join("\n"),
            @r#"
        there is no matcher `$typ` here; did you mean `$type`? (a literal object with such a key is written {$equal: {...}})
        there is no matcher `$oid` here; there are: $equal, $type, $regex, $near, $one_of, $absent, $length, $contains, $path, $not (a literal object with such a key is written {$equal: {...}})
        `$type` makes a mixture of fields and matchers; a mapping is either, so put the matcher under its field, or the fields under $path
        unknown variant `text`, expected one of `string`, `number`, `integer`, `boolean`, `array`, `object`, `null`
        "(" is no regular expression: unclosed group
        "a.b" is no JSONPath: at position 0, parser error; expected one like $.run.id or $.items[*].state
        invalid type: string "x", expected a whole number, or {at_least: 1, at_most: 9}
        missing field `within`
        "#
        );
    }

    #[test]
    fn what_every_value_or_none_fits_is_refused() {
        let refused = [
            json!({"$length": {}}),
            json!({"$length": {"at_least": 0}}),
            json!({"$length": {"at_least": 2, "at_most": 1}}),
            json!({"$path": {}}),
            json!({"$one_of": []}),
            json!({"$near": {"value": 1, "within": -0.1}}),
        ]
        .map(|matcher| match serde_json::from_value::<Matcher>(matcher.clone()) {
            Ok(_) => format!("{matcher} is taken"),
            Err(error) => error.to_string(),
        });
        insta::assert_snapshot!(refused.join("\n"), @"
        `$length` says nothing: every length is that; expected a whole number, or {at_least: 1, at_most: 9}
        `$length` says nothing: every length is that; expected a whole number, or {at_least: 1, at_most: 9}
        `$length` says nothing: no length is that; expected a whole number, or {at_least: 1, at_most: 9}
        `$path` says nothing: it names no path; expected a mapping of JSONPaths to what they select, as in {$.items[0].id: 5}
        `$one_of` says nothing: nothing fits one of none; expected a list of what may be there, as in {$one_of: [held, done]}
        -0.1 is no distance; `within` is 0 or more
        ");
    }

    #[test]
    fn a_path_that_selects_nothing_fits_only_what_says_that_nothing_is_there() {
        let none = json!({"items": []});
        for (matcher, does_fit) in [
            (json!({"$not": "failed"}), false),
            (json!({"$one_of": ["done", {"$not": "failed"}]}), false),
            (json!({"$absent": false}), false),
            (json!(null), true),
            (json!({"$absent": true}), true),
            (json!({"$one_of": ["done", null]}), true),
        ] {
            let path = json!({"$path": {"$.items[*].state": matcher}});
            assert_eq!(fits(path, &none), does_fit, "{matcher}");
        }
    }

    #[test]
    fn names_are_filled_in_where_they_stand() {
        let matcher: Matcher =
            serde_json::from_value(json!({"run": "{id}", "all": [{"$equal": "x{id}"}]})).unwrap();
        let filled = matcher.filled(&Names::from([("id".to_owned(), json!(7))]));
        assert!(filled.fits(Some(&json!({"run": 7, "all": ["x7"]}))));
        assert_eq!(filled.words(), r#"{"run":7,"all":[{$equal:"x7"}]}"#);
    }
}
