//! What a snapshot shows: records and requests as text that people review, the same each time.
//!
//! What differs from one play to the next is taken out ([`Redactions`]), and what may come in any order is put into
//! one. Tests in Rust (`counterpart-testing`) show the same text; files are for [`crate::snapshot`].

use counterpart_exchange::Fixture;
use counterpart_stand_in::{Seen, StandIn};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// What stands in the place of an instant of real time.
const REAL_TIME: &str = "{time}";
/// What stands in the place of a field that is different each time.
const REDACTED: &str = "{redacted}";
/// What is shown where there is nothing.
const NOTHING: &str = "(none)";

/// What is not shown as it is, because it is secret, or another one in each play.
#[derive(Clone, Default)]
pub struct Redactions {
    /// Hidden wherever they occur, the longest first.
    secrets: Vec<(String, String)>,
    /// Replaced where they stand as a whole word, the longest first.
    names: Vec<(String, String)>,
    /// The instants between which a play in real time lay.
    real_time: Option<(Timestamp, Timestamp)>,
    /// Fields of records, as dotted paths, whose values are different each time.
    fields: Vec<String>,
}

impl std::fmt::Debug for Redactions {
    // What is to be hidden is not shown here either.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Redactions").field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl Redactions {
    /// What a stand-in makes different each time, or secret: credentials, fresh tokens, webhook secrets, its address.
    #[must_use]
    pub fn of_stand_in(stand_in: &StandIn) -> Self {
        let mut redactions = Self::default();
        for (placeholder, value) in stand_in.stand_in_values() {
            redactions.secret(value, &format!("«{placeholder}»"));
        }
        for token in stand_in.fresh_tokens() {
            redactions.secret(&token, "«fresh_token»");
        }
        for keys in stand_in.webhook_keys() {
            redactions.secret(&keys.secret, "«webhook_secret»");
        }
        redactions.name(stand_in.base_url(), "{base_url}");
        redactions.name(&stand_in.address().to_string(), "{provider_address}");
        redactions
    }

    /// Hides a value wherever it occurs.
    pub fn secret(&mut self, value: &str, shown: &str) {
        if !value.is_empty() {
            self.secrets.push((value.to_owned(), shown.to_owned()));
            self.secrets.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    /// Replaces a name where it stands as a whole word: a tenant's, an address.
    pub fn name(&mut self, value: &str, shown: &str) {
        if !value.is_empty() {
            self.names.push((value.to_owned(), shown.to_owned()));
            self.names.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    /// Replaces instants of a play in real time: it lay between these.
    pub fn real_time(&mut self, began: Timestamp, ended: Timestamp) {
        self.real_time = Some((began, ended));
    }

    /// Replaces the values of a field of records, named by a dotted path: `id`, `content.sent_at`.
    pub fn field(&mut self, path: &str) {
        self.fields.push(path.to_owned());
    }

    /// The text with all of it replaced.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let hidden =
            self.secrets.iter().fold(text.to_owned(), |text, (value, shown)| text.replace(value, shown));
        let named = self.names.iter().fold(hidden, |text, (value, shown)| replace_words(&text, value, shown));
        if self.is_real_time(named.parse().ok()) { REAL_TIME.to_owned() } else { named }
    }

    /// The record with all of it replaced, names of fields too.
    #[must_use]
    pub fn record(&self, record: &Value) -> Value {
        let mut record = record.clone();
        for path in &self.fields {
            redact_field(&mut record, path.split('.'));
        }
        self.value(record)
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Number(number) if self.is_real_time(number.as_i64().and_then(instant)) => REAL_TIME.into(),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (self.text(&name), self.value(value)));
                Value::Object(fields.collect())
            }
            other => other,
        }
    }

    fn is_real_time(&self, at: Option<Timestamp>) -> bool {
        // What is told in whole seconds lies up to one before.
        let second = jiff::SignedDuration::from_secs(1);
        self.real_time.zip(at).is_some_and(|((began, ended), at)| {
            at.duration_since(began) > -second && at.duration_since(ended) < second
        })
    }
}

/// The instant that a number tells, in seconds or milliseconds since 1970.
fn instant(number: i64) -> Option<Timestamp> {
    // Milliseconds of this century are beyond any second of it.
    if number > 100_000_000_000 {
        Timestamp::from_millisecond(number).ok()
    } else {
        Timestamp::from_second(number).ok()
    }
}

fn replace_words(text: &str, word: &str, shown: &str) -> String {
    let goes_on = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphanumeric);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        if at < copied || goes_on(text[..at].chars().next_back()) || goes_on(text[end..].chars().next()) {
            continue;
        }
        out.push_str(&text[copied..at]);
        out.push_str(shown);
        copied = end;
    }
    out.push_str(&text[copied..]);
    out
}

/// Replaces what a path leads to, in each item of a list on the way; whether it led anywhere.
fn redact_field<'a>(value: &mut Value, mut path: impl Iterator<Item = &'a str> + Clone) -> bool {
    if let Value::Array(items) = value {
        // In each of them, not up to the first alone.
        return items.iter_mut().filter_map(|item| redact_field(item, path.clone()).then_some(())).count()
            > 0;
    }
    match path.next() {
        None => {
            *value = REDACTED.into();
            true
        }
        Some(name) => value.get_mut(name).is_some_and(|inner| redact_field(inner, path)),
    }
}

/// In which order records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordOrder<'a> {
    /// By the field that tells them apart, where there is one, then by their text.
    ByKey(Option<&'a str>),
    /// By the first field that is an instant in each of them, then by their text.
    ByTime,
}

/// Records, each as JSON of several lines.
#[must_use]
pub fn records_text(records: &[Value], order: RecordOrder<'_>, redactions: &Redactions) -> String {
    let time_field = match order {
        RecordOrder::ByTime => time_field(records),
        RecordOrder::ByKey(_) => None,
    };
    let mut shown: Vec<(Option<Timestamp>, String, String)> = records
        .iter()
        .map(|record| {
            let at = time_field.as_ref().and_then(|field| timestamp(record, field));
            let redacted = redactions.record(record);
            let key = match order {
                RecordOrder::ByKey(Some(key)) => crate::observed::text_of(&redacted, key).unwrap_or_default(),
                _ => String::new(),
            };
            let text = serde_json::to_string_pretty(&redacted).unwrap_or_else(|_| redacted.to_string());
            (at.filter(|at| !redactions.is_real_time(Some(*at))), key, text)
        })
        .collect();
    shown.sort();
    or_nothing(&shown.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>())
}

/// The paths among those given that lead to nothing in any record.
pub(crate) fn fields_that_are_nowhere<'a>(paths: &'a [String], records: &[Value]) -> Vec<&'a str> {
    let is_nowhere =
        |path: &&String| !records.iter().any(|record| redact_field(&mut record.clone(), path.split('.')));
    paths.iter().filter(is_nowhere).map(String::as_str).collect()
}

fn time_field(records: &[Value]) -> Option<String> {
    let names = records.first()?.as_object()?.keys();
    names.into_iter().find(|name| records.iter().all(|record| timestamp(record, name).is_some())).cloned()
}

fn timestamp(record: &Value, field: &str) -> Option<Timestamp> {
    record.get(field)?.as_str()?.parse().ok()
}

/// Where exchanges stand in the recording: the order of requests that came at one instant, in which several clients
/// may come first in turn.
#[derive(Clone, Debug, Default)]
pub struct RecordedOrder(HashMap<String, usize>);

impl RecordedOrder {
    /// That of fixtures, one after the other.
    #[must_use]
    pub fn of(fixtures: &[Fixture]) -> Self {
        let names = fixtures.iter().flat_map(|fixture| {
            fixture.exchanges.iter().map(|exchange| format!("{}#{}", fixture.name(), exchange.id))
        });
        Self(names.zip(0..).collect())
    }
}

/// Requests as lines: when, what, and what became of it. `began` is where time is counted from; in real time, where
/// instants differ each time, there is none, and requests stay in the order in which they came.
#[must_use]
pub fn requests_text(
    seen: &[Seen],
    began: Option<Timestamp>,
    recorded: &RecordedOrder,
    redactions: &Redactions,
) -> String {
    let line = |seen: &Seen| {
        let after = began.map(|began| format!("{:#} ", seen.at.duration_since(began))).unwrap_or_default();
        let status = seen.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let request = redactions.text(&format!("{} {}", seen.method, seen.target));
        format!("{after}{request} -> {status} ({})", redactions.text(&seen.note.to_string()))
    };
    let mut in_order: Vec<&Seen> = seen.iter().collect();
    if began.is_some() {
        let position = |seen: &Seen| seen.exchange.as_deref().and_then(|name| recorded.0.get(name).copied());
        // Those that are alike stay in the order of arrival.
        in_order.sort_by_cached_key(|seen| {
            let request = redactions.text(&format!("{} {}", seen.method, seen.target));
            (seen.at, position(seen).unwrap_or(usize::MAX), request)
        });
    }
    or_nothing(&in_order.into_iter().map(line).collect::<Vec<_>>())
}

fn or_nothing(parts: &[String]) -> String {
    if parts.is_empty() { NOTHING.to_owned() } else { parts.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::OperationName;
    use counterpart_stand_in::SeenNote;
    use serde_json::json;

    fn seen(at_s: i64, request: &str, exchange: Option<&str>, status: u16) -> Seen {
        let (method, target) = request.split_once(' ').unwrap();
        Seen {
            seq: 1,
            at: Timestamp::from_second(at_s).unwrap(),
            provider: "p".into(),
            operation: OperationName("list".into()).into(),
            method: method.parse().unwrap(),
            target: target.into(),
            exchange: exchange.map(Into::into),
            fault: None,
            status: Some(status),
            retry_after_s: None,
            note: SeenNote::Replayed,
        }
    }

    #[test]
    fn what_differs_each_time_is_taken_out_and_nothing_else() {
        let mut redactions = Redactions::default();
        redactions.secret("cp-1-abc", "«access_token:1»");
        redactions.secret("cp-1-abcdef", "«access_token:12»");
        redactions.name("tenant-1", "{tenant}");
        redactions.name("127.0.0.1:4711", "{provider_address}");
        redactions.field("id");
        redactions.field("steps.took_ms");
        let record = json!({
            "id": "c0ffee",
            "token": "Bearer xcp-1-abcdefx cp-1-abc",
            "tenant-1": ["tenant-1", "tenant-12", "my-tenant-1/x", "xtenant-1"],
            "url": "http://127.0.0.1:4711/a, not 127.0.0.1:47110",
            "steps": [{"took_ms": 5, "kept": 5}, {"kept": 6}],
            "at": "2026-01-01T00:00:00Z",
        });
        assert_eq!(
            redactions.record(&record),
            json!({
                "id": "{redacted}",
                "token": "Bearer x«access_token:12»x «access_token:1»",
                "{tenant}": ["{tenant}", "tenant-12", "my-{tenant}/x", "xtenant-1"],
                "url": "http://{provider_address}/a, not 127.0.0.1:47110",
                "steps": [{"took_ms": "{redacted}", "kept": 5}, {"kept": 6}],
                "at": "2026-01-01T00:00:00Z",
            })
        );
        assert!(!format!("{redactions:?}").contains("cp-1"), "{redactions:?}");
        let paths = ["id".to_owned(), "steps.took_ms".to_owned(), "steps.took".to_owned()];
        assert_eq!(fields_that_are_nowhere(&paths, &[record]), ["steps.took"]);
    }

    #[test]
    fn instants_of_a_play_in_real_time_are_taken_out_and_others_stay() {
        let mut redactions = Redactions::default();
        let second = |number| Timestamp::from_second(number).unwrap();
        redactions.real_time(second(1_800_000_000), second(1_800_000_010));
        let record = json!({
            "at": second(1_800_000_003).to_string(),
            "at_s": 1_800_000_000,
            "at_ms": 1_800_000_010_400_u64,
            "sent": second(1_700_000_000).to_string(),
            "count": 7,
        });
        assert_eq!(
            redactions.record(&record),
            json!({
                "at": "{time}", "at_s": "{time}", "at_ms": "{time}",
                "sent": second(1_700_000_000).to_string(), "count": 7,
            })
        );
    }

    #[test]
    fn records_are_in_one_order_however_they_come() {
        let redactions = Redactions::default();
        let mut records =
            vec![json!({"n": 10, "k": "b"}), json!({"n": 9, "k": "b"}), json!({"n": 1, "k": "c"})];
        let text = records_text(&records, RecordOrder::ByKey(Some("k")), &redactions);
        records.reverse();
        assert_eq!(text, records_text(&records, RecordOrder::ByKey(Some("k")), &redactions));
        insta::assert_snapshot!(text, @r#"
        {
          "n": 10,
          "k": "b"
        }
        {
          "n": 9,
          "k": "b"
        }
        {
          "n": 1,
          "k": "c"
        }
        "#);
        // Of equal instants the order is the text's, and instants are compared as such.
        let at = |second: &str, call: &str| json!({"call": call, "at": format!("2026-01-01T00:00:{second}")});
        let mut audit = vec![at("10Z", "a"), at("09.5Z", "d"), at("09.50Z", "c")];
        let text = records_text(&audit, RecordOrder::ByTime, &redactions);
        audit.rotate_left(1);
        assert_eq!(text, records_text(&audit, RecordOrder::ByTime, &redactions));
        let calls: Vec<&str> = text.lines().filter(|line| line.contains("call")).collect();
        assert_eq!(calls, [r#"  "call": "c","#, r#"  "call": "d","#, r#"  "call": "a","#]);
        assert_eq!(records_text(&[], RecordOrder::ByTime, &redactions), "(none)");
    }

    #[test]
    fn requests_of_one_instant_are_in_recorded_order() {
        let recorded =
            RecordedOrder(HashMap::from([("p/f#list-2".to_owned(), 1), ("p/f#list-10".to_owned(), 9)]));
        let (second, tenth) = (Some("p/f#list-2"), Some("p/f#list-10"));
        let came = [
            seen(5, "GET /z", None, 501),
            seen(5, "GET /list?from=p10", tenth, 200),
            seen(5, "GET /list?from=p2", second, 503),
            seen(4, "GET /a", None, 501),
            seen(5, "GET /list?from=p2", second, 200),
        ];
        let began = Timestamp::from_second(0).unwrap();
        let redactions = Redactions::default();
        let text = requests_text(&came, Some(began), &recorded, &redactions);
        insta::assert_snapshot!(text, @"
        4s GET /a -> 501 (replayed)
        5s GET /list?from=p2 -> 503 (replayed)
        5s GET /list?from=p2 -> 200 (replayed)
        5s GET /list?from=p10 -> 200 (replayed)
        5s GET /z -> 501 (replayed)
        ");
        let mut otherwise = came.to_vec();
        otherwise.swap(0, 1);
        assert_eq!(text, requests_text(&otherwise, Some(began), &recorded, &redactions));
        let real = requests_text(&came, None, &recorded, &redactions);
        assert!(real.starts_with("GET /z -> 501 (replayed)\nGET /list?from=p10"), "{real}");
    }
}
