//! Slack's Events API, as far as it is understood here: messages in channels, new and edited.
//!
//! After Slack's documentation ("Events API", "message.channels", "message_changed"). An event is told by `event_id`,
//! its workspace by `team_id`; a message by its channel and `ts`. Payloads from before `authorizations` are as good.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::plants::{Plant, Plants};
use crate::store::{EventCommit, HookEffect, Record};

/// The longest id that is taken for one.
const MAX_ID_CHARS: usize = 255;

#[derive(Deserialize)]
struct Envelope {
    event_id: Option<Value>,
    team_id: Option<Value>,
    event: Option<Value>,
    authorizations: Option<Value>,
}

/// What the provider wants to hear when it asks whether this is its URL.
pub(super) fn challenge(raw: &RawValue) -> Option<String> {
    let body: Value = serde_json::from_str(raw.get()).ok()?;
    let is_asked = body.get("type").and_then(Value::as_str) == Some("url_verification");
    body.get("challenge").filter(|_| is_asked)?.as_str().filter(|text| text.len() <= 1_000).map(str::to_owned)
}

/// What an event comes to.
pub(super) fn event(raw: &RawValue, account: &str, plants: &Plants) -> EventCommit {
    let digest = Sha256::digest(raw.get()).to_vec();
    let commit = |id: Option<String>, effect| EventCommit { id, digest: digest.clone(), effect };
    let invalid = |id: Option<String>, detail: &str| {
        let (detail, payload) = (detail.to_owned(), raw.get().to_owned());
        commit(id, HookEffect::Invalid { detail, payload })
    };
    let Ok(envelope) = serde_json::from_str::<Envelope>(raw.get()) else {
        return invalid(None, "it is no JSON object");
    };
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= MAX_ID_CHARS => Some(text),
        _ => None,
    };
    let id = text(envelope.event_id);
    let Some(team) = text(envelope.team_id) else {
        return invalid(id, "team_id is not a text of 1 to 255 characters");
    };
    if team != account && !plants.has(Plant::WebhookTenantUnchecked) {
        return commit(id, HookEffect::OtherTenant);
    }
    let Some(id) = id else { return invalid(None, "event_id is not a text of 1 to 255 characters") };
    let event = envelope.event.unwrap_or_default();
    if envelope.authorizations.is_none() && plants.has(Plant::WebhookOlderVersionDropped) {
        return commit(Some(id), HookEffect::Nothing);
    }
    let field = |name: &str| event.get(name).and_then(Value::as_str);
    let effect = match (field("type"), field("subtype")) {
        (Some("message"), None) => message(&event, &event, plants),
        (Some("message"), Some("message_changed")) => match event.get("message") {
            Some(inner) => message(&event, inner, plants),
            None => Err("event.message is not there"),
        },
        (Some(kind), subtype) => {
            let kind: String = [Some(kind), subtype].into_iter().flatten().collect::<Vec<_>>().join("/");
            let payload = raw.get().to_owned();
            return commit(
                Some(id),
                HookEffect::Unknown { kind: kind.chars().take(MAX_ID_CHARS).collect(), payload },
            );
        }
        (None, _) => Err("event.type is not a text"),
    };
    match effect {
        Ok(effect) => commit(Some(id), effect),
        Err(detail) => invalid(Some(id), detail),
    }
}

/// The record that a message is, as of the event about it.
fn message(event: &Value, message: &Value, plants: &Plants) -> Result<HookEffect, &'static str> {
    let filled = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let channel = filled(event, "channel").ok_or("event.channel is not a text of at least one character")?;
    let sent = filled(message, "ts").ok_or("ts is not a text of at least one character")?;
    let sent_us = microseconds(&sent).ok_or("ts is no time")?;
    let as_of = filled(event, "event_ts").ok_or("event.event_ts is not a text of at least one character")?;
    let as_of_us = microseconds(&as_of).ok_or("event.event_ts is no time")?;
    let sender = filled(message, "user").ok_or("user is not a text of at least one character")?;
    let body = message.get("text").and_then(Value::as_str).ok_or("text is not a text")?;
    let record = Record {
        event_id: format!("{channel}/{sent}"),
        sender,
        kind: "message".to_owned(),
        body: body.to_owned(),
        sent_at_ms: sent_us / 1_000,
    };
    // A planted bug takes whatever comes for the latest.
    let as_of_us = if plants.has(Plant::WebhookOlderWins) { i64::MAX } else { as_of_us };
    Ok(HookEffect::Upsert { room_id: channel, record: Box::new(record), as_of_us })
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

    fn judged(event: &Value) -> HookEffect {
        let raw = RawValue::from_string(event.to_string()).unwrap();
        super::event(&raw, "T1", &Plants::default()).effect
    }

    fn posted() -> Value {
        json!({ "team_id": "T1", "event_id": "Ev1", "type": "event_callback", "event": {
            "type": "message", "channel": "C1", "user": "U1", "text": "", "ts": "1.000002", "event_ts": "3.000004" } })
    }

    #[test]
    fn a_message_is_a_record_as_of_its_event() {
        let HookEffect::Upsert { room_id, record, as_of_us } = judged(&posted()) else {
            panic!("it is good")
        };
        assert_eq!((room_id.as_str(), record.event_id.as_str(), as_of_us), ("C1", "C1/1.000002", 3_000_004));
        let mut edited = posted();
        edited["event"]["subtype"] = "message_changed".into();
        edited["event"]["message"] = json!({ "user": "U2", "text": "new", "ts": "0.000001" });
        let HookEffect::Upsert { record, .. } = judged(&edited) else { panic!("it is good") };
        assert_eq!((record.event_id.as_str(), record.body.as_str()), ("C1/0.000001", "new"));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let mut other = posted();
        other["team_id"] = "T2".into();
        assert!(matches!(judged(&other), HookEffect::OtherTenant));
        let mut unknown = posted();
        unknown["event"]["type"] = "unheard_of".into();
        assert!(matches!(judged(&unknown), HookEffect::Unknown { kind, .. } if kind == "unheard_of"));
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
            assert!(matches!(judged(&event), HookEffect::Invalid { .. }), "{pointer}");
        }
        assert!(matches!(judged(&json!(7)), HookEffect::Invalid { .. }));
    }

    #[test]
    fn a_challenge_is_answered_and_nothing_else_is_one() {
        let raw = |value: Value| RawValue::from_string(value.to_string()).unwrap();
        let asked = raw(json!({ "type": "url_verification", "challenge": "abc" }));
        assert_eq!(challenge(&asked).as_deref(), Some("abc"));
        assert_eq!(challenge(&raw(json!({ "type": "event_callback", "challenge": "abc" }))), None);
    }
}
