//! Webhooks in: verified over the raw bytes, told apart by event, applied once.
//!
//! `http::hooks` brings what came; here it is judged, and `store::hooks` commits what follows from it in one
//! transaction before anything is answered. Nothing is believed before its signature is: not its tenant, not its type.

mod slack;

use counterpart_signatures::{Delivery, Rejection, Scheme, Secret};
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::plants::{Plant, Plants};
use crate::store::{EventCommit, HookConfig};
use crate::vocabulary::HookOutcome;

/// Events that one delivery may hold.
const MAX_EVENTS: usize = 1_000;

/// A delivery as it came.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a str,
    /// As the provider called it.
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
}

/// What a delivery is taken for.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The provider asks whether this is its URL; what it wants to hear.
    Challenge(String),
    /// Events, each judged for itself.
    Events(Vec<EventCommit>),
    /// It is not believed, or cannot be read.
    Refused { status: u16, outcome: HookOutcome, detail: String },
}

/// Judges a delivery. `secret` is the connection's, opened.
pub(crate) fn judge(
    incoming: &Incoming<'_>,
    config: &HookConfig,
    secret: &Secret,
    now: Timestamp,
    plants: &Plants,
) -> Verdict {
    if let Err(refused) = verified(incoming, config, secret, now, plants) {
        return refused;
    }
    let unreadable = |detail: &str| Verdict::Refused {
        status: 400,
        outcome: HookOutcome::InvalidBody,
        detail: detail.to_owned(),
    };
    // One event, or an array of them: a provider may begin to batch at any time.
    let is_array = incoming.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let events: Result<Vec<Box<RawValue>>, _> = match is_array {
        true => serde_json::from_slice(incoming.body),
        false => serde_json::from_slice(incoming.body).map(|event| vec![event]),
    };
    let Ok(events) = events else { return unreadable("the body is not JSON") };
    if events.len() > MAX_EVENTS {
        return unreadable("the body holds more than 1000 events");
    }
    if let [only] = &events[..]
        && let Some(challenge) = slack::challenge(only)
    {
        return Verdict::Challenge(challenge);
    }
    Verdict::Events(events.iter().map(|raw| slack::event(raw, &config.account, plants)).collect())
}

fn verified(
    incoming: &Incoming<'_>,
    config: &HookConfig,
    secret: &Secret,
    now: Timestamp,
    plants: &Plants,
) -> Result<(), Verdict> {
    let refused = |status, outcome, detail: String| Verdict::Refused { status, outcome, detail };
    // A name that is not known proves nothing.
    let scheme: Scheme = config.scheme.parse().map_err(|_| {
        refused(401, HookOutcome::Unverified, "the connection's signature scheme is not known".to_owned())
    })?;
    let delivery = Delivery {
        method: incoming.method,
        url: incoming.url,
        headers: incoming.headers,
        body: incoming.body,
    };
    match scheme.verify(std::slice::from_ref(secret), &delivery, now, scheme.tolerance()) {
        Ok(_) => Ok(()),
        Err(Rejection::TooOld { .. } | Rejection::FromTheFuture { .. })
            if plants.has(Plant::WebhookStaleAccepted) =>
        {
            Ok(())
        }
        Err(why @ (Rejection::TooOld { .. } | Rejection::FromTheFuture { .. })) => {
            Err(refused(400, HookOutcome::Stale, why.to_string()))
        }
        Err(_) if plants.has(Plant::WebhookUnverified) => Ok(()),
        Err(why) => Err(refused(401, HookOutcome::Unverified, why.to_string())),
    }
}
