//! Slack's Events API, as far as it is understood here: messages in channels, new and edited.
//!
//! After Slack's documentation ("Events API", "message.channels", "message_changed"). An event is told by `event_id`,
//! its workspace by `team_id`; a message by its channel and `ts`. Payloads from before `authorizations` are as good.

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Address, MAX_ID_CHARS, Unfit, id, sha_256};
use crate::plants::{Plant, Plants};
use crate::store::{EventEffect, Record};

/// What the provider wants to hear when it asks whether this is its URL.
pub(super) fn challenge(raw: &RawValue) -> Option<String> {
    // Asked of every delivery: most are told apart without being read.
    if !raw.get().contains("challenge") {
        return None;
    }
    let body: Value = serde_json::from_str(raw.get()).ok()?;
    let is_asked = body.get("type").and_then(Value::as_str) == Some("url_verification");
    body.get("challenge").filter(|_| is_asked)?.as_str().filter(|text| text.len() <= 1_000).map(str::to_owned)
}

pub(super) fn address(raw: &RawValue) -> Address {
    let event: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    // Events about one message stay in order.
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let message = text("/event/message/ts").or_else(|| text("/event/ts"));
    let order_key = text("/event/channel").zip(message).map(|(channel, ts)| format!("{channel}/{ts}"));
    Address {
        id: id(event.get("event_id")),
        account: id(event.get("team_id")),
        order_key: order_key.filter(|key| key.len() <= 4 * MAX_ID_CHARS),
        digest: sha_256(raw.get()),
    }
}

/// What an event does.
pub(super) fn effect(payload: &str, plants: &Plants) -> Result<EventEffect, Unfit> {
    let envelope: Value =
        serde_json::from_str(payload).map_err(|_| Unfit::Invalid("it is no JSON object"))?;
    if !envelope.is_object() {
        return Err(Unfit::Invalid("it is no JSON object"));
    }
    id(envelope.get("team_id")).ok_or(Unfit::Invalid("team_id is not a text of 1 to 255 characters"))?;
    id(envelope.get("event_id")).ok_or(Unfit::Invalid("event_id is not a text of 1 to 255 characters"))?;
    if envelope.get("authorizations").is_none() && plants.has(Plant::WebhookOlderVersionDropped) {
        return Ok(EventEffect::Nothing);
    }
    let event = envelope.get("event").unwrap_or(&Value::Null);
    let field = |name: &str| event.get(name).and_then(Value::as_str);
    match (field("type"), field("subtype")) {
        (Some("message"), None) => message(event, event, plants),
        (Some("message"), Some("message_changed")) => match event.get("message") {
            Some(inner) => message(event, inner, plants),
            None => Err(Unfit::Invalid("event.message is not there")),
        },
        (Some(kind), subtype) => {
            let kind: String = [Some(kind), subtype].into_iter().flatten().collect::<Vec<_>>().join("/");
            Err(Unfit::UnknownType(kind.chars().take(MAX_ID_CHARS).collect()))
        }
        (None, _) => Err(Unfit::Invalid("event.type is not a text")),
    }
}

/// The record that a message is, as of the event about it.
fn message(event: &Value, message: &Value, plants: &Plants) -> Result<EventEffect, Unfit> {
    let filled = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let needed = |found: Option<String>, wrong: &'static str| found.ok_or(Unfit::Invalid(wrong));
    let channel = needed(filled(event, "channel"), "event.channel is not a text of at least one character")?;
    let sent = needed(filled(message, "ts"), "ts is not a text of at least one character")?;
    let sent_us = microseconds(&sent).ok_or(Unfit::Invalid("ts is no time"))?;
    let as_of = needed(filled(event, "event_ts"), "event.event_ts is not a text of at least one character")?;
    let as_of_us = microseconds(&as_of).ok_or(Unfit::Invalid("event.event_ts is no time"))?;
    let sender = needed(filled(message, "user"), "user is not a text of at least one character")?;
    let body = message.get("text").and_then(Value::as_str).map(str::to_owned);
    let record = Record {
        event_id: format!("{channel}/{sent}"),
        sender,
        kind: "message".to_owned(),
        body: needed(body, "text is not a text")?,
        sent_at_ms: sent_us / 1_000,
    };
    // A planted bug takes whatever comes for the latest.
    let as_of_us = if plants.has(Plant::WebhookOlderWins) { i64::MAX } else { as_of_us };
    Ok(EventEffect::Upsert { room_id: channel, record: Box::new(record), as_of_us })
}

/// A `ts`: seconds and microseconds with a full stop between.
fn microseconds(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() != 6 || !is_digits(fraction) || !is_digits(seconds) || seconds.is_empty() {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(fraction.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(event: &Value) -> Result<EventEffect, Unfit> {
        effect(&event.to_string(), &Plants::default())
    }

    fn posted() -> Value {
        json!({ "team_id": "T1", "event_id": "Ev1", "type": "event_callback", "event": {
            "type": "message", "channel": "C1", "user": "U1", "text": "", "ts": "1.000002", "event_ts": "3.000004" } })
    }

    #[test]
    fn a_message_is_a_record_as_of_its_event() {
        let Ok(EventEffect::Upsert { room_id, record, as_of_us }) = judged(&posted()) else {
            panic!("it is good")
        };
        assert_eq!((room_id.as_str(), record.event_id.as_str(), as_of_us), ("C1", "C1/1.000002", 3_000_004));
        let mut edited = posted();
        edited["event"]["subtype"] = "message_changed".into();
        edited["event"]["message"] = json!({ "user": "U2", "text": "new", "ts": "0.000001" });
        let Ok(EventEffect::Upsert { record, .. }) = judged(&edited) else { panic!("it is good") };
        assert_eq!((record.event_id.as_str(), record.body.as_str()), ("C1/0.000001", "new"));
    }

    #[test]
    fn an_event_says_whose_it_is_and_what_it_stays_in_order_with() {
        let raw = RawValue::from_string(posted().to_string()).unwrap();
        let Address { id, account, order_key, .. } = address(&raw);
        assert_eq!((id.as_deref(), account.as_deref()), (Some("Ev1"), Some("T1")));
        assert_eq!(order_key.as_deref(), Some("C1/1.000002"));
        for nothing in ["7", "[]", r#"{"event_id": "", "team_id": 1}"#, r#"{"event_id": "\ud800"}"#] {
            let address = address(&RawValue::from_string(nothing.to_owned()).unwrap());
            assert_eq!((address.id, address.account, address.order_key), (None, None, None), "{nothing}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let mut unknown = posted();
        unknown["event"]["type"] = "unheard_of".into();
        assert_eq!(judged(&unknown).unwrap_err(), Unfit::UnknownType("unheard_of".to_owned()));
        for (pointer, bad) in [
            ("/event_id", json!("")),
            ("/team_id", json!(1)),
            ("/event/ts", json!("soon")),
            ("/event/ts", json!("1.5")),
            ("/event/event_ts", json!("99999999999999999999.000000")),
            ("/event/channel", json!(null)),
            ("/event/text", json!(7)),
            ("/event/type", json!(null)),
        ] {
            let mut event = posted();
            *event.pointer_mut(pointer).unwrap() = bad;
            assert!(matches!(judged(&event), Err(Unfit::Invalid(_))), "{pointer}");
        }
        assert!(matches!(judged(&json!(7)), Err(Unfit::Invalid(_))));
    }

    #[test]
    fn a_challenge_is_answered_and_nothing_else_is_one() {
        let raw = |value: Value| RawValue::from_string(value.to_string()).unwrap();
        let asked = raw(json!({ "type": "url_verification", "challenge": "abc" }));
        assert_eq!(challenge(&asked).as_deref(), Some("abc"));
        assert_eq!(challenge(&raw(json!({ "type": "event_callback", "challenge": "abc" }))), None);
    }
}
