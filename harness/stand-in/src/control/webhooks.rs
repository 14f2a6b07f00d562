//! Webhooks over the control API: sent when somebody asks, and what came of them.

use super::problem::Problem;
use super::routes::{Query, named};
use super::{Controlled, read, shown};
use crate::webhooks::DeliveryError;
use crate::wire::{Provider, Shared};
use serde::Deserialize;
use serde_json::{Value, json};

/// `POST /webhooks`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookAsked {
    provider: Option<String>,
    /// The inbound exchange.
    exchange: String,
    /// The URL of the receiver.
    to: Option<String>,
}

/// Sends a recorded webhook, its faults included; answered when what goes out at once has had its first answers.
pub(super) async fn deliver(controlled: &Controlled, body: &[u8]) -> Result<Value, Problem> {
    let shared = &controlled.shared;
    let asked: WebhookAsked =
        read(body, "an object with `exchange`, and with `to` and `provider` if need be")?;
    let provider = match &asked.provider {
        Some(name) => named(shared, name)?,
        None => only_sender(shared)?,
    };
    let to = asked.to.as_ref().or(controlled.webhooks_to.as_ref()).ok_or_else(|| {
        Problem::new(422, "no_receiver")
            .at("to")
            .expected("the URL of the receiver, as in http://127.0.0.1:3000/hooks")
            .mend("write it here, or serve with --webhooks-to URL")
    })?;
    let report = shared.deliver(provider.name(), &asked.exchange, to).await.map_err(|error| {
        let (status, code, place, found) = match &error {
            DeliveryError::Unknown(_) => (422, "no_such_webhook", "exchange", asked.exchange.as_str()),
            DeliveryError::Url(_) => (422, "receiver_not_understood", "to", to.as_str()),
            DeliveryError::TooMany(_) => (503, "too_many_deliveries", "exchange", asked.exchange.as_str()),
        };
        Problem::new(status, code).at(place).found(found).mend(error.to_string())
    })?;
    Ok(json!({
        "provider": provider.name(),
        "exchange": asked.exchange,
        "fault": report.fault,
        "first_attempts": report.first_attempts.iter().map(shown::delivery_end).collect::<Vec<_>>(),
    }))
}

/// The provider that sends webhooks, where nobody says which.
fn only_sender(shared: &Shared) -> Result<&Provider, Problem> {
    let senders: Vec<&Provider> =
        shared.providers().iter().filter(|provider| provider.webhook_keys().is_some()).collect();
    let problem = |code| Problem::new(422, code).at("provider");
    match senders[..] {
        [only] => Ok(only),
        [] => Err(problem("nobody_sends_webhooks")
            .expected("a provider whose profile says how its webhooks are signed")
            .mend("describe them under `webhooks` in the provider profile")),
        _ => {
            let names: Vec<&str> = senders.iter().map(|provider| provider.name()).collect();
            Err(problem("several_send_webhooks").expected(format!("one of: {}", names.join(", "))))
        }
    }
}

/// The attempts so far, page by page.
pub(super) fn delivered(shared: &Shared, query: &Query) -> Result<Value, Problem> {
    query.only(&["after", "limit", "provider"])?;
    let after = query.number("after", 0, 0..=u64::MAX)?;
    let limit = query.limit()?;
    let provider = query.provider(shared)?.map(Provider::name);
    let all = shared.journal().delivered();
    let mut wanted = all
        .iter()
        .filter(|one| one.number > after && provider.is_none_or(|name| *one.provider == *name))
        .peekable();
    let page: Vec<_> = wanted.by_ref().take(limit).collect();
    Ok(json!({
        "webhooks": page.iter().map(|one| shown::delivered(one)).collect::<Vec<_>>(),
        "next_after": page.last().map_or(after, |last| last.number),
        "has_more": wanted.peek().is_some(),
    }))
}
