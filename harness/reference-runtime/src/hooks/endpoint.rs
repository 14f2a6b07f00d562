//! Where webhooks come in: whose an endpoint is, how its deliveries are verified, and whose their events are.
//!
//! Read from the store once and kept, secrets opened, since every delivery asks. Where other processes may change what
//! is stored, it is read again after a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use counterpart_signatures::{Delivery as Signed, Rejection, Scheme, Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use super::format::{Address, Format};
use super::limit::{Excess, Limit};
use crate::identity::{Lane, Name};
use crate::plants::{Plant, Plants};
use crate::store::{Document, HookConfig, HookEvent, HookWork, Proof, Protocol, StoreError};
use crate::vocabulary::HookOutcome;
use crate::worker::Context;

/// How long what other processes may change is believed.
const BELIEVED_FOR: SignedDuration = SignedDuration::from_secs(1);

/// What an endpoint's name says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Connection(Lane),
    App(Name),
}

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
    /// It is the provider's: its events, and what is known of each.
    Events(Vec<(Box<RawValue>, Address)>),
    /// It is not believed, or cannot be read.
    Refused { status: u16, outcome: HookOutcome, detail: String },
}

/// Whose the events of a delivery are.
#[derive(Debug, Default)]
pub(crate) struct Routed {
    pub(crate) events: Vec<HookEvent>,
    /// The ids of those that are nobody's here.
    pub(crate) refused: Vec<String>,
}

/// An endpoint that takes webhooks.
pub(crate) struct Endpoint {
    pub(crate) target: Target,
    pub(crate) url: Option<String>,
    pub(crate) secret: Secret,
    /// For the one planted bug that tells it.
    pub(crate) plain_secret: String,
    format: Format,
    /// `None` for a name that nobody knows: it proves nothing.
    scheme: Option<Scheme>,
    /// How a connection's own events are taken; `None` for an app.
    config: Option<HookConfig>,
    limit: Mutex<Limit>,
    read_at: Timestamp,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Endpoint").field("target", &self.target).finish_non_exhaustive()
    }
}

/// Why an endpoint cannot be used, though it is there.
#[derive(Debug)]
pub(crate) enum EndpointError {
    /// Its secret does not open with the key file.
    Sealed,
    Store(StoreError),
}

impl From<StoreError> for EndpointError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The endpoints that were asked for and are there. One that is not is asked for each time, so that strangers cannot
/// fill this.
#[derive(Debug, Default)]
pub(crate) struct Endpoints(Mutex<HashMap<Target, Arc<Endpoint>>>);

impl Endpoints {
    /// The endpoint, if there is one.
    pub(crate) async fn find(
        &self,
        context: &Context,
        target: &Target,
    ) -> Result<Option<Arc<Endpoint>>, EndpointError> {
        let now = context.clock.now();
        let known = self.known().get(target).cloned();
        if let Some(known) = &known
            && (!context.store.is_shared() || now.duration_since(known.read_at) < BELIEVED_FOR)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(endpoint) = read(context, target, known.as_deref(), now).await? else {
            self.known().remove(target);
            return Ok(None);
        };
        let endpoint = Arc::new(endpoint);
        self.known().insert(target.clone(), Arc::clone(&endpoint));
        Ok(Some(endpoint))
    }

    /// Reads it anew the next time: it was changed.
    pub(crate) fn forget(&self, target: &Target) {
        self.known().remove(target);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Target, Arc<Endpoint>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(
    context: &Context,
    target: &Target,
    known: Option<&Endpoint>,
    now: Timestamp,
) -> Result<Option<Endpoint>, EndpointError> {
    let (proof, format, url, config) = match target {
        Target::Connection(lane) => {
            let Some(config) = context.store.hook_config(lane.clone()).await? else { return Ok(None) };
            let Some(proof) = config.proof.clone() else { return Ok(None) };
            (proof, config.format.clone(), config.url.clone(), Some(config))
        }
        Target::App(app) => {
            let Some(app) = context.store.app(app.clone()).await? else { return Ok(None) };
            (app.proof, app.format, app.url, None)
        }
    };
    let Proof { scheme, sealed } = proof;
    let plain_secret =
        context.vault.open_hook_secret(&owner(target), &sealed).ok_or(EndpointError::Sealed)?;
    let Some(format) = Format::of_provider(&format) else { return Ok(None) };
    let rate = |config: &Option<HookConfig>| {
        config.as_ref().map_or((None, None), |config| (config.max_per_second, config.burst))
    };
    let limit = match known.filter(|known| rate(&known.config) == rate(&config)) {
        // What was used up stays used up.
        Some(known) => std::mem::replace(&mut *known.limit(), Limit::new(None, None, now)),
        None => Limit::new(rate(&config).0, rate(&config).1, now),
    };
    Ok(Some(Endpoint {
        target: target.clone(),
        url,
        secret: Secret::new(&plain_secret),
        plain_secret,
        format,
        scheme: scheme.parse().ok(),
        config,
        limit: Mutex::new(limit),
        read_at: now,
    }))
}

/// Whom a secret is sealed for. Names are never empty, so that no connection shares this with an app.
pub(crate) fn owner(target: &Target) -> String {
    match target {
        Target::Connection(lane) => format!("{}/{}", lane.tenant.as_str(), lane.connection.as_str()),
        Target::App(app) => format!("//{}", app.as_str()),
    }
}

impl Endpoint {
    /// The connection whose endpoint it is; `None` where it is shared.
    pub(crate) fn lane(&self) -> Option<&Lane> {
        match &self.target {
            Target::Connection(lane) => Some(lane),
            Target::App(_) => None,
        }
    }

    /// Whether one more delivery would be taken, were it the provider's.
    pub(crate) fn look(&self, now: Timestamp) -> Result<(), Excess> {
        self.limit().look(now)
    }

    /// Takes one delivery that is the provider's from what it may send.
    pub(crate) fn take(&self, now: Timestamp) -> Result<(), Excess> {
        self.limit().take(now)
    }

    /// Whether one more delivery that nothing proves is put down.
    pub(crate) fn notes_unproven(&self, now: Timestamp) -> bool {
        self.limit().notes_unproven(now)
    }

    fn limit(&self) -> MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges a delivery.
    pub(crate) fn judge(&self, incoming: &Incoming<'_>, now: Timestamp, plants: &Plants) -> Verdict {
        if let Err(refused) = self.verify(incoming, now, plants) {
            return refused;
        }
        let events = match Format::split(incoming.body) {
            Ok(events) => events,
            Err(wrong) => {
                let (outcome, detail) = (HookOutcome::InvalidBody, wrong.to_owned());
                return Verdict::Refused { status: 400, outcome, detail };
            }
        };
        if let [only] = &events[..]
            && let Some(challenge) = self.format.challenge(only)
        {
            return Verdict::Challenge(challenge);
        }
        let named = incoming.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("webhook-id"));
        let delivery_id = named.map(|(_, id)| id.as_str());
        let is_batch = events.len() > 1;
        let addressed = events.into_iter().enumerate().map(|(place, raw)| {
            let address = self.format.address(&raw, delivery_id, is_batch.then_some(place));
            (raw, address)
        });
        Verdict::Events(addressed.collect())
    }

    fn verify(&self, incoming: &Incoming<'_>, now: Timestamp, plants: &Plants) -> Result<(), Verdict> {
        let refused = |status, outcome, detail: String| Verdict::Refused { status, outcome, detail };
        let Some(scheme) = self.scheme else {
            let detail = "the connection's signature scheme is not known".to_owned();
            return Err(refused(401, HookOutcome::Unverified, detail));
        };
        let Incoming { method, url, headers, body } = *incoming;
        let signed = Signed { method, url, headers, body };
        match scheme.verify(std::slice::from_ref(&self.secret), &signed, now, scheme.tolerance()) {
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

    /// Finds out whose the events are, and what is to be done about each.
    pub(crate) async fn route(
        &self,
        context: &Context,
        events: Vec<(Box<RawValue>, Address)>,
    ) -> Result<Routed, StoreError> {
        let mut routed = Routed::default();
        let mut known: HashMap<String, Option<(Lane, HookConfig)>> = HashMap::new();
        for (raw, address) in events {
            let owner = match (&self.target, &self.config) {
                (Target::Connection(lane), Some(config)) => {
                    let is_theirs = self.format.tells_account()
                        && address.account.is_some()
                        && address.account != config.account
                        && !context.plants.has(Plant::WebhookTenantUnchecked);
                    (!is_theirs).then_some((lane, config))
                }
                (Target::App(app), _) => {
                    let account = address.account.clone().unwrap_or_default();
                    if !known.contains_key(&account) {
                        let found = context.store.route(app.clone(), account.clone()).await?;
                        known.insert(account.clone(), found);
                    }
                    known.get(&account).and_then(Option::as_ref).map(|(lane, config)| (lane, config))
                }
                (Target::Connection(_), None) => None,
            };
            match owner {
                Some((lane, config)) => routed.events.push(self.event(lane, config, &raw, address)),
                None => routed.refused.push(address.id.unwrap_or_else(|| "without an id".to_owned())),
            }
        }
        Ok(routed)
    }

    fn event(&self, lane: &Lane, config: &HookConfig, raw: &RawValue, address: Address) -> HookEvent {
        let Address { id, order_key, digest, .. } = address;
        let payload = raw.get().to_owned();
        let (work, order_key) = match &config.forward {
            None => (HookWork::Apply { format: self.format.provider(), payload }, order_key),
            Some(path) => {
                let order_key = config.order_by.as_ref().and_then(|pointer| named_order(&payload, pointer));
                let effect_key = Some(effect_key(lane, id.as_deref(), &digest));
                (HookWork::Forward(forward(path, payload, effect_key)), order_key)
            }
        };
        // What is sent on cannot be told to be older than what was sent before: it waits even for what is held.
        let kept = if config.forward.is_some() { "strict" } else { "event" };
        let order_key = order_key.map(|key| format!("{kept}:{key}"));
        HookEvent { lane: lane.clone(), id, digest, order_key, work }
    }
}

fn forward(path: &str, body: String, effect_key: Option<String>) -> Document {
    Document {
        protocol: Protocol::Http,
        method: "POST".to_owned(),
        path: path.to_owned(),
        content_type: "application/json".to_owned(),
        body,
        confirm: None,
        effect_key,
        delivered: false,
        doubt_since: None,
    }
}

/// What the event says that it is to stay in order with; `None` where it does not.
fn named_order(payload: &str, pointer: &str) -> Option<String> {
    let event: Value = serde_json::from_str(payload).ok()?;
    match event.pointer(pointer)? {
        Value::String(text) => Some(text.chars().take(super::format::MAX_ID_CHARS).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The same for an event whenever it is sent on, and for no other event.
fn effect_key(lane: &Lane, id: Option<&str>, digest: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in
        [lane.tenant.as_str().as_bytes(), lane.connection.as_str().as_bytes(), id.unwrap_or("").as_bytes()]
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    if id.is_none() {
        hash.update(digest);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
