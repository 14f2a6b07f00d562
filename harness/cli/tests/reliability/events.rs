//! The events that the vendor sends, in the form that a connection takes, and what one is to come to.

use crate::oracle::Record;
use serde_json::json;

/// The workspace whose messages all connections of Slack take.
pub(crate) const WORKSPACE: &str = "T1";
/// When the first message of a channel was sent, in seconds.
const FIRST_MESSAGE_S: u64 = 1_700_000_000;

/// One that is forwarded as it is. It says its id and, where order matters, what it is about.
pub(crate) fn forwarded(id: &str, account: Option<&str>, padding: usize) -> Vec<u8> {
    json!({ "id": id, "account": account, "text": "é".repeat(padding / 2) }).to_string().into_bytes()
}

/// A message of Slack, the so-manieth of its channel, and the record of a tenant that the runtime is to make of it.
pub(crate) fn message(
    tenant: &str,
    id: &str,
    channel: &str,
    number: u64,
    padding: usize,
) -> (Vec<u8>, Record) {
    let sent_s = FIRST_MESSAGE_S + number;
    let ts = format!("{sent_s}.000000");
    let text = format!("{id}:\n\"{}\"", "é".repeat(padding / 2));
    let event = json!({
        "team_id": WORKSPACE, "event_id": id, "type": "event_callback", "authorizations": [],
        "event": { "type": "message", "channel": channel, "user": "U1", "text": text, "ts": ts, "event_ts": ts },
    });
    let key = format!("{channel}/{ts}");
    let content = json!({
        "event_id": key, "room_id": channel, "sender": "U1", "kind": "message", "body": text,
        "sent_at_ms": sent_s * 1_000,
    });
    (event.to_string().into_bytes(), Record { tenant: tenant.to_owned(), key, content })
}
