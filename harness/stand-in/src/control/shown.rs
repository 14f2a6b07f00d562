//! What the control API shows, as JSON. Every field is there always, null where there is nothing to say.

use crate::journal::{Seen, SeenNote, Traffic};
use crate::plan::FaultState;
use crate::tally::Counts;
use crate::webhooks::{Delivered, DeliveryEnd};
use crate::wire::Provider;
use serde_json::{Map, Value, json};

/// A request that came, and what became of it.
pub(super) fn request(seen: &Seen) -> Value {
    json!({
        "seq": seen.seq,
        "at": seen.at.to_string(),
        "provider": provider_name(&seen.provider),
        "operation": seen.operation.to_string(),
        "method": seen.method.as_str(),
        "target": &*seen.target,
        "exchange": seen.exchange.as_deref(),
        "fault": seen.fault,
        "status": seen.status,
        "retry_after_s": seen.retry_after_s,
        "outcome": outcome(&seen.note),
        "note": seen.note.to_string(),
    })
}

/// An attempt to deliver a webhook, and what came of it.
pub(super) fn delivered(one: &Delivered) -> Value {
    json!({
        "number": one.number,
        "at": one.at.to_string(),
        "provider": &*one.provider,
        "operation": one.operation.to_string(),
        "exchange": &*one.exchange,
        "id": one.id,
        "attempt": one.attempt,
        "method": one.method.as_str(),
        "url": one.url,
        "headers": one.headers,
        "body": String::from_utf8_lossy(&one.body),
        "size_bytes": one.size_bytes,
        "signature": one.signature,
        "fault": one.fault,
        "end": delivery_end(&one.end),
    })
}

pub(super) fn delivery_end(end: &DeliveryEnd) -> Value {
    let outcome = match end {
        DeliveryEnd::Accepted { .. } => "accepted",
        DeliveryEnd::Refused { .. } => "refused",
        DeliveryEnd::TimedOut => "timed_out",
        DeliveryEnd::Failed(_) => "failed",
        DeliveryEnd::Lost => "lost",
        DeliveryEnd::Inapplicable(_) => "fault_inapplicable",
    };
    json!({ "outcome": outcome, "status": end.status(), "note": end.to_string() })
}

/// Nothing where a request went to nobody.
fn provider_name(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

/// What was done, in one word.
fn outcome(note: &SeenNote) -> &'static str {
    match note {
        SeenNote::Replayed => "replayed",
        SeenNote::ReplayedLoosely(_) => "replayed_loosely",
        SeenNote::Repeated => "repeated",
        SeenNote::Behaved(_) => "behaved",
        SeenNote::Faulted(_) => "faulted",
        SeenNote::FaultInapplicable(_) => "fault_inapplicable",
        SeenNote::ClientGaveUp => "client_gave_up",
        SeenNote::Exhausted(_) => "exhausted",
        SeenNote::Unmatched(_) => "unmatched",
    }
}

pub(super) fn counts(counts: Counts) -> Value {
    let named = counts.named().into_iter().map(|(name, count)| (name.to_owned(), count.into()));
    let all = [("requests".to_owned(), counts.requests().into())].into_iter().chain(named);
    Value::Object(all.collect::<Map<_, _>>())
}

pub(super) fn traffic(traffic: Traffic) -> Value {
    json!({
        "received": traffic.received,
        "answered": traffic.answered,
        "held": traffic.held,
        "connections_failed": traffic.connections_failed,
        "connections_hung": traffic.connections_hung,
        "deliveries": traffic.deliveries,
        "deliveries_under_way": traffic.deliveries_under_way,
    })
}

pub(super) fn provider(provider: &Provider) -> Value {
    json!({
        "provider": provider.name(),
        "base_url": provider.base_url(),
        "hosts": provider.hosts(),
        "fixtures": provider.fixtures(),
        "resources": provider.resources(),
    })
}

pub(super) fn fault(provider: &str, state: &FaultState) -> Value {
    json!({
        "id": fault_id(provider, state.number),
        "provider": provider,
        "at": state.planned.at,
        "times": state.planned.times,
        "inject": state.planned.inject,
        "struck": state.struck,
        "unused": state.is_unused,
    })
}

pub(super) fn fault_id(provider: &str, number: u64) -> String {
    format!("{provider}-{number}")
}
