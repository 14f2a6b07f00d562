//! What an event must be to become a record. Runs before anything is written; what fails is held, never dropped.

use serde_json::Value;
use serde_json::value::RawValue;

use super::remarks::Remarks;
use crate::plants::{Plant, Plants};
use crate::store::{Hold, Record};
use crate::vocabulary::HoldReason;

/// Events of other types are no business of the import.
const MESSAGE_TYPE: &str = "m.room.message";

/// A hold's key is no longer than this, whatever an event calls itself.
const MAX_KEY_CHARS: usize = 255;

/// The events of a page, told apart.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) records: Vec<Record>,
    pub(super) holds: Vec<Hold>,
    /// The keys of messages that were taken back at the provider.
    pub(super) withdrawn: Vec<String>,
    /// What is odd about events that are good all the same.
    pub(super) remarks: Remarks,
}

/// Checks each event for itself: one that is invalid keeps none of the others back.
pub(super) fn check(events: &[Box<RawValue>], plants: &Plants) -> Checked {
    let mut checked = Checked::default();
    for raw in events {
        if plants.has(Plant::PartialPageCommitted) && !checked.holds.is_empty() {
            break;
        }
        let Ok(event) = serde_json::from_str::<Value>(raw.get()) else {
            checked.holds.push(hold(raw, None, "it is not JSON that can be read".to_owned()));
            continue;
        };
        if plants.has(Plant::NoValidation) {
            checked.records.extend(unchecked(&event));
            continue;
        }
        let is_known = checked.remarks.look_at(&event);
        if let Some(key) = withdrawn(&event) {
            checked.withdrawn.push(key.to_owned());
            continue;
        }
        match record(&event) {
            Ok(Some(record))
                if plants.has(Plant::UnknownRefused) && !(is_known && record.kind.starts_with("m.")) =>
            {
                checked.holds.push(hold(raw, Some(&record.event_id), "it has something new".to_owned()));
            }
            Ok(record) => checked.records.extend(record),
            Err(detail) => {
                checked.holds.push(hold(raw, event.get("event_id").and_then(Value::as_str), detail));
            }
        }
    }
    checked
}

/// The record that a held event is, by today's rules.
pub(super) fn look_again(payload: &str, plants: &Plants) -> Result<Option<Record>, String> {
    let event: Value =
        serde_json::from_str(payload).map_err(|_| "it is not JSON that can be read".to_owned())?;
    if plants.has(Plant::NoValidation) {
        return Ok(unchecked(&event));
    }
    record(&event)
}

fn hold(raw: &RawValue, key: Option<&str>, detail: String) -> Hold {
    Hold {
        reason: HoldReason::InvalidRecord,
        key: key.map(|key| key.chars().take(MAX_KEY_CHARS).collect()),
        detail,
        payload: Some(raw.get().to_owned()),
        room_id: None,
    }
}

/// The id of a message that somebody has taken back: a redacted event has nothing left to import.
fn withdrawn(event: &Value) -> Option<&str> {
    event.pointer("/unsigned/redacted_because")?;
    event.get("event_id")?.as_str()
}

/// The record that `event` is; `None` for an event of another type.
///
/// # Errors
/// All that is wrong with it.
fn record(event: &Value) -> Result<Option<Record>, String> {
    match event.get("type").and_then(Value::as_str) {
        Some(MESSAGE_TYPE) => {}
        Some(_) => return Ok(None),
        None => return Err("type is not a text".to_owned()),
    }
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let non_empty = |pointer: &str| text(pointer).filter(|text| !text.is_empty());
    let sent_at_ms = event.get("origin_server_ts").and_then(Value::as_i64).filter(|sent| *sent >= 0);
    let (event_id, sender) = (non_empty("/event_id"), non_empty("/sender"));
    let (kind, body) = (non_empty("/content/msgtype"), text("/content/body"));

    if let (Some(event_id), Some(sender), Some(kind), Some(body), Some(sent_at_ms)) =
        (event_id, sender, kind, body, sent_at_ms)
    {
        let [event_id, sender, kind, body] = [event_id, sender, kind, body].map(str::to_owned);
        return Ok(Some(Record { event_id, sender, kind, body, sent_at_ms }));
    }
    let wrong = [
        event_id.is_none().then_some("event_id is not a text of at least one character"),
        sender.is_none().then_some("sender is not a text of at least one character"),
        sent_at_ms.is_none().then_some("origin_server_ts is not a whole number of at least 0"),
        kind.is_none().then_some("content.msgtype is not a text of at least one character"),
        body.is_none().then_some("content.body is not a text"),
    ];
    Err(wrong.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// What a hasty hand would have written.
fn unchecked(event: &Value) -> Option<Record> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("/type") == MESSAGE_TYPE).then(|| Record {
        event_id: text("/event_id"),
        sender: text("/sender"),
        kind: text("/content/msgtype"),
        body: text("/content/body"),
        sent_at_ms: event.get("origin_server_ts").and_then(Value::as_i64).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message() -> Value {
        json!({ "type": "m.room.message", "event_id": "$1", "sender": "@a:x", "origin_server_ts": 0,
                "content": { "msgtype": "m.text", "body": "" } })
    }

    #[test]
    fn a_message_becomes_a_record_even_with_nothing_in_it() {
        let record = record(&message()).unwrap().unwrap();
        assert_eq!((record.event_id.as_str(), record.body.as_str(), record.sent_at_ms), ("$1", "", 0));
    }

    #[test]
    fn another_type_is_passed_over_and_no_type_is_invalid() {
        assert_eq!(record(&json!({ "type": "m.room.member" })), Ok(None));
        for event in [json!({}), json!({ "type": 1 }), json!(null), json!([])] {
            assert!(record(&event).is_err(), "{event}");
        }
    }

    #[test]
    fn each_field_is_checked() {
        let cases = [
            ("/event_id", json!("")),
            ("/sender", json!(null)),
            ("/origin_server_ts", json!(-1)),
            ("/origin_server_ts", json!(1.5)),
            ("/origin_server_ts", json!("1")),
            ("/origin_server_ts", json!(u64::MAX)),
            ("/content/msgtype", json!("")),
            ("/content/body", json!(7)),
        ];
        for (pointer, value) in cases {
            let mut event = message();
            *event.pointer_mut(pointer).unwrap() = value;
            let detail = record(&event).unwrap_err();
            let name = pointer.trim_start_matches('/').replace('/', ".");
            assert!(detail.starts_with(&name) && !detail.contains(';'), "{pointer}: {detail}");
        }
    }

    #[test]
    fn what_is_held_keeps_its_spelling_and_the_rest_is_written() {
        let bad = r#"{"type": "m.room.message",  "event_id": "$2", "origin_server_ts": 1.0e3}"#;
        let lone_surrogate = r#"{"type": "m.room.message", "event_id": "\ud800"}"#;
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let events = [raw(bad), raw(&message().to_string()), raw(lone_surrogate)];

        let checked = check(&events, &Plants::default());
        assert_eq!(checked.records.len(), 1);
        assert_eq!(checked.holds[0].payload.as_deref(), Some(bad));
        assert_eq!(checked.holds[0].key.as_deref(), Some("$2"));
        assert_eq!(checked.holds[1].key, None);
    }
}
