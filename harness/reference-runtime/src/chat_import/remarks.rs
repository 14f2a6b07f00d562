//! What is odd about an answer that is good all the same. It goes into the log, once an answer, and changes nothing:
//! a person who looks for the cause of something later finds it there.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::outbound::{Answer, Reply};
use crate::schedule;

/// What an event has by the specification, what servers still send from before it, and what they add to it.
const EVENT_FIELDS: [&str; 13] = [
    "age",
    "content",
    "event_id",
    "origin_server_ts",
    "prev_content",
    "redacts",
    "replaces_state",
    "room_id",
    "sender",
    "state_key",
    "type",
    "unsigned",
    "user_id",
];

/// So many new names are told at once.
const MAX_NAMES: usize = 5;

/// A clock that is off by less is right.
const CLOCK_TOLERANCE_S: i64 = 60;

/// A date further away is no clock's: an answer out of a cache, or one that is played back.
const LONGEST_SKEW_S: i64 = 86_400;

/// What was seen on a page.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    unknown_fields: BTreeSet<String>,
    last_sent_ms: Option<i64>,
    out_of_order: usize,
}

impl Remarks {
    /// Pages go from the newest event to the oldest. Tells whether all of the event's fields are known.
    pub(super) fn look_at(&mut self, event: &Value) -> bool {
        let names = event.as_object().into_iter().flat_map(serde_json::Map::keys);
        let unknown: Vec<String> =
            names.filter(|name| !EVENT_FIELDS.contains(&name.as_str())).cloned().collect();
        let is_known = unknown.is_empty();
        self.note_fields(unknown);
        let sent = event.get("origin_server_ts").and_then(Value::as_i64);
        if let (Some(before), Some(sent)) = (self.last_sent_ms, sent)
            && sent > before
        {
            self.out_of_order += 1;
        }
        self.last_sent_ms = sent.or(self.last_sent_ms);
        is_known
    }

    pub(super) fn note_fields(&mut self, names: impl IntoIterator<Item = String>) {
        let is_name = |name: &String| {
            name.len() <= 64
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        };
        self.unknown_fields.extend(names.into_iter().filter(is_name));
    }

    /// The fields of one log line for each.
    pub(super) fn lines(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        if !self.unknown_fields.is_empty() {
            let names: Vec<&String> = self.unknown_fields.iter().take(MAX_NAMES).collect();
            lines
                .push(json!({ "what": "unknown_field", "names": names, "count": self.unknown_fields.len() }));
        }
        if self.out_of_order > 0 {
            lines.push(json!({ "what": "out_of_order", "count": self.out_of_order }));
        }
        lines
    }
}

/// When the provider says that it is.
pub(super) fn told_now(reply: &Reply) -> Option<Timestamp> {
    let Reply::Answered(Answer { date: Some(date), .. }) = reply else { return None };
    schedule::parse_http_date(date)
}

/// By how many seconds the provider's clock is ahead of ours, where that is worth a word.
pub(super) fn clock_off_s(told_now: Timestamp, now: Timestamp) -> Option<i64> {
    let off_s = told_now.duration_since(now).as_secs();
    (CLOCK_TOLERANCE_S..=LONGEST_SKEW_S).contains(&off_s.abs()).then_some(off_s)
}

/// Whether a difference is another than the one that was told before.
pub(super) fn is_news(off_s: i64, told: Option<i64>) -> bool {
    told.is_none_or(|told| (off_s - told).abs() > CLOCK_TOLERANCE_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_fields_and_another_order_are_seen() {
        let mut remarks = Remarks::default();
        remarks.look_at(&json!({ "type": "m", "origin_server_ts": 5 }));
        remarks.look_at(&json!({ "origin_server_ts": 5, "unsigned": {} }));
        assert!(remarks.lines().is_empty());
        remarks.look_at(&json!({ "origin_server_ts": 6, "thread": 1, "a secret of 64 characters": 1 }));
        assert_eq!(
            remarks.lines(),
            [
                json!({ "what": "unknown_field", "names": ["thread"], "count": 1 }),
                json!({ "what": "out_of_order", "count": 1 })
            ]
        );
    }

    #[test]
    fn a_clock_that_is_off_is_told_when_that_changes() {
        let reply = |date: &str| {
            let date = Some(date.to_owned());
            Reply::Answered(Answer {
                status: 200,
                retry_after: None,
                content_type: None,
                date,
                body: Ok(vec![]),
            })
        };
        let off_s = |date: &str, now| told_now(&reply(date)).and_then(|told| clock_off_s(told, now));
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        assert_eq!(off_s("Sun, 06 Nov 1994 08:49:37 GMT", now), None);
        assert_eq!(off_s("Sun, 06 Nov 1994 08:44:00 GMT", now), Some(-300));
        assert_eq!(off_s("yesterday", now), None);
        assert_eq!(off_s("Sun, 06 Nov 2044 08:44:00 GMT", now), None);
        assert!(is_news(-300, None) && is_news(-300, Some(0)) && !is_news(-300, Some(-299)));
    }
}
