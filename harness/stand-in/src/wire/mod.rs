//! The stand-in as a server: providers behind one address, each played by itself.
//!
//! [`accept`] lets connections in, [`connection`] reads requests off them and sends what [`crate::play`] says,
//! [`stream`] is what bytes go over.

mod accept;
mod connection;
mod delivery;
mod end;
mod provider;
mod routes;
mod stream;
mod tls;

use crate::auth::Credentials;
use crate::clock::StandInClock;
use crate::faults::AtConnection;
use crate::journal::{Journal, Seen, SeenNote, Traffic};
use crate::plan::UnusedFault;
use crate::play::FaultsAfterReset;
use crate::received::Received;
use crate::sent::{Sent, SentExchanges};
use crate::tally::{Counts, Tally};
use crate::webhooks::{
    Delivered, DeliveriesPaused, DeliveryError, DeliveryReport, Engine, GivenWebhook, WebhookKeys, shake,
};
use accept::Door;
use base64::Engine as _;
use counterpart_certificates::{AuthorityError, CertificateAuthority};
use counterpart_exchange::Response;
pub(crate) use end::ConnectionEnd;
use http::{HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode;
pub use provider::{Provider, ProviderConfig};
use routes::Routes;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tls::Handshakes;
use tokio::task::JoinHandle;

/// What a stand-in needs to begin.
pub struct StandInConfig {
    /// Who is played.
    pub providers: Vec<ProviderConfig>,
    /// Its time.
    pub clock: StandInClock,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether it speaks TLS, and by whose certificates.
    pub tls: Option<CertificateAuthority>,
}

/// A stand-in that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StandInError {
    /// Somebody else listens there.
    #[error("{0} is in use; stop what listens there, or listen on port 0 to get a free one")]
    AddressInUse(SocketAddr),
    /// The system said no.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// The certificates cannot be had.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A fault is about certificates, and none is shown.
    #[error("the fault {0} shows a certificate, and the stand-in does not speak TLS; serve it with TLS")]
    NeedsTls(&'static str),
    /// What a profile says of webhooks cannot be kept.
    #[error("the provider profile: {0}")]
    Webhooks(String),
}

/// A running stand-in. Dropping it ends it, with every connection.
pub struct StandIn {
    address: SocketAddr,
    base_url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
pub(crate) struct Shared {
    providers: Vec<Provider>,
    routes: Routes,
    /// Requests to nobody.
    strays: Tally,
    journal: Arc<Journal>,
    sent: Sent,
    engine: Arc<Engine>,
    clock: StandInClock,
    handshakes: Option<Handshakes>,
    mark: OnceLock<(HeaderName, HeaderValue)>,
}

impl StandIn {
    /// Listens and serves.
    ///
    /// # Errors
    /// [`StandInError`] where the address cannot be had.
    pub async fn start(config: StandInConfig) -> Result<Self, StandInError> {
        if config.tls.is_none() {
            let faults = config.providers.iter().flat_map(|provider| &provider.faults);
            if let Some(fault) = faults.into_iter().find(|fault| fault.inject.needs_tls()) {
                return Err(StandInError::NeedsTls(fault.inject.name()));
            }
        }
        let door = Door::open(config.listen)?;
        let address = door.address();
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{address}");
        let clock = config.clock;
        let handshakes = config
            .tls
            .map(|authority| Handshakes::new(authority, address.ip(), clock.clone()))
            .transpose()?;
        let is_alone = config.providers.len() == 1;
        let providers: Vec<Provider> = config
            .providers
            .into_iter()
            .map(|provider| {
                let prefix = if is_alone { String::new() } else { format!("/{}", provider.profile.provider) };
                Provider::new(provider, format!("{base_url}{prefix}"), &clock)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(StandInError::Webhooks)?;
        let routes = Routes::new(providers.iter().map(|provider| (&*provider.name, &provider.hosts[..])));
        let strays = Tally::default();
        let journal = Arc::<Journal>::default();
        let mark = OnceLock::new();
        let engine = Engine::new(Arc::clone(&journal), clock.clone());
        let shared = Arc::new(Shared {
            providers,
            routes,
            strays,
            journal,
            sent: Sent::default(),
            engine,
            clock,
            handshakes,
            mark,
        });
        let accepting = tokio::spawn(accept::accept(door, Arc::clone(&shared)));
        Ok(Self { address, base_url, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://host:port`, or `https://` where it speaks TLS.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// From now on says by a header field that it has no answer to a request, for whoever could ask the real provider: one
    /// that was not recorded, or not so often. Not so where the request carries what stands for a secret, which the real
    /// provider does not know and no recording may hold. Only the first field that is given counts.
    pub fn mark_unanswered(&self, name: HeaderName, value: HeaderValue) {
        let _ = self.shared.mark.set((name, value));
    }

    /// Who is played.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.shared.providers
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &StandInClock {
        &self.shared.clock
    }

    /// The requests that the journal keeps, oldest first.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.journal.seen()
    }

    /// When the last of those who were told to come again later may come; nothing where nobody was told.
    #[must_use]
    pub fn told_to_wait_until(&self) -> Option<Timestamp> {
        let told = self.seen().into_iter().filter_map(|seen| {
            let wait = SignedDuration::from_secs(i64::try_from(seen.retry_after_s?).ok()?);
            seen.at.checked_add(wait).ok()
        });
        told.max()
    }

    /// Keeps what is really sent from now on: requests with their bodies, and the answers to them.
    pub fn keep_sent(&self) {
        self.shared.sent.keep();
    }

    /// What was sent since it is kept, with the values that stand for secrets in it.
    #[must_use]
    pub fn sent(&self) -> SentExchanges {
        self.shared.sent.kept()
    }

    /// How many requests the journal no longer keeps: what it shows is not all where this is above 0.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.shared.journal.forgotten()
    }

    /// The counts so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.journal.traffic()
    }

    /// How many requests went which way, those to nobody among them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Hosts that several of its providers claim, with the names of these: a request to one of them leads to none.
    pub fn shared_hosts(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.shared.routes.shared()
    }

    /// Begins anew, wholly or with one provider: recordings are rewound, and what clients did is forgotten.
    pub fn reset(&self, provider: Option<&str>, faults: FaultsAfterReset) {
        self.shared.reset(provider, faults);
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether a fault ends connections before there is a request on them: not every request that a client
    /// begins then comes here.
    #[must_use]
    pub fn fails_connections(&self) -> bool {
        self.providers().iter().any(|provider| provider.play().plan().fails_connections())
    }

    /// Takes note that a client was refused while nobody listened, which only the client's side can see.
    pub fn somebody_was_refused(&self) {
        self.providers().iter().for_each(|provider| provider.play().plan().somebody_was_refused());
    }

    /// What the subject authenticates with: the credentials of the first provider that has any.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        let all = self.providers().iter().map(|provider| provider.credentials.clone());
        all.into_iter().find(|one| *one != Credentials::default()).unwrap_or_default()
    }

    /// What stands for each secret of the fixtures, by `kind:number`: a subject may need any of them.
    pub fn stand_in_values(&self) -> impl Iterator<Item = (String, &str)> {
        self.providers().iter().flat_map(Provider::stand_in_values)
    }

    /// The values that stand for secrets: none may turn up in a log or a report.
    pub fn secret_values(&self) -> impl Iterator<Item = &str> {
        self.stand_in_values().map(|(_, value)| value)
    }

    /// Tokens that were handed out beyond the recording. They are as secret, and no placeholder stands for them.
    #[must_use]
    pub fn fresh_tokens(&self) -> Vec<String> {
        self.providers().iter().flat_map(|provider| provider.play().fresh_tokens()).collect()
    }

    /// How often a fault has struck, whichever it was.
    #[must_use]
    pub fn faults_struck(&self) -> u64 {
        self.providers().iter().map(|provider| provider.play().faults_struck()).sum()
    }

    /// Faults that have not struck as often as planned.
    #[must_use]
    pub fn unused_faults(&self) -> Vec<UnusedFault> {
        self.providers().iter().flat_map(|provider| provider.play().unused_faults()).collect()
    }

    /// Of the first provider's quota the places of the limits that nobody came up against.
    #[must_use]
    pub fn limits_never_reached(&self) -> Vec<usize> {
        self.providers().first().map(|provider| provider.play().limits_never_reached()).unwrap_or_default()
    }

    /// Text with what stands for secrets put back to placeholders.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.providers().iter().fold(text.to_owned(), |text, provider| {
            let text = provider.sender.as_ref().map_or_else(|| text.clone(), |sender| sender.hide(&text));
            provider.play().hide(&text)
        })
    }

    /// Delivers a recorded webhook of a provider to a URL, and waits until what goes out at once has had its first
    /// answers. Further attempts come as the vendor's do, on the stand-in's clock.
    ///
    /// # Errors
    /// [`DeliveryError`], where there is no such webhook, or it cannot be sent there.
    pub async fn deliver(
        &self,
        provider: &str,
        exchange: &str,
        to: &str,
    ) -> Result<DeliveryReport, DeliveryError> {
        self.shared.deliver(provider, exchange, to).await
    }

    /// Delivers a webhook that no fixture holds, as [`Self::deliver`] does a recorded one.
    ///
    /// # Errors
    /// [`DeliveryError`].
    pub async fn deliver_given(
        &self,
        provider: &str,
        webhook: GivenWebhook,
        to: &str,
    ) -> Result<DeliveryReport, DeliveryError> {
        self.shared.deliver_given(provider, webhook, to).await
    }

    /// Keeps webhooks back until what is handed out is dropped: whoever moves several clocks to one instant has the
    /// receiver's moved before anything is sent.
    #[must_use]
    pub fn pause_deliveries(&self) -> DeliveriesPaused {
        self.shared.engine.pause()
    }

    /// Sends the next webhooks over new connections: those from before end with the process that took them, and whoever
    /// ends a receiver and starts it again may come before that is seen.
    pub fn leave_receivers(&self) {
        self.shared.engine.caller().begin_anew();
    }

    /// The attempts to deliver webhooks that the journal keeps, in the order in which they ended.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.shared.journal.delivered()
    }

    /// What the webhooks of each provider are verified with.
    #[must_use]
    pub fn webhook_keys(&self) -> Vec<WebhookKeys> {
        self.providers().iter().filter_map(Provider::webhook_keys).collect()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.engine.stop();
    }
}

impl Shared {
    pub(crate) fn counts(&self) -> Counts {
        self.providers.iter().map(Provider::counts).fold(self.strays.counts(), |sum, counts| sum + counts)
    }

    pub(crate) fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| *provider.name == *name)
    }

    pub(crate) fn providers(&self) -> &[Provider] {
        &self.providers
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn clock(&self) -> &StandInClock {
        &self.clock
    }

    pub(crate) fn strays(&self) -> Counts {
        self.strays.counts()
    }

    pub(crate) fn speaks_tls(&self) -> bool {
        self.handshakes.is_some()
    }

    /// Text with what stands for secrets put back to placeholders, and fresh tokens taken out.
    pub(crate) fn hide(&self, text: &str) -> String {
        let text = self.providers.iter().fold(text.to_owned(), |text, provider| provider.play().hide(&text));
        let fresh = self.providers.iter().flat_map(|provider| provider.play().fresh_tokens());
        fresh.fold(
            text,
            |text, token| {
                if token.is_empty() { text } else { text.replace(&token, "«fresh token»") }
            },
        )
    }

    pub(crate) fn reset(&self, provider: Option<&str>, faults: FaultsAfterReset) {
        for one in self.providers.iter().filter(|one| provider.is_none_or(|name| *one.name == *name)) {
            one.play().reset(faults);
            one.tally.clear();
        }
        if provider.is_none() {
            self.strays.clear();
        }
        self.journal.clear(provider);
    }

    /// The field that says that a request has no answer, where it may be asked elsewhere; it is noted then, and otherwise
    /// why it may not.
    fn leave(&self, note: &mut SeenNote, received: &Received) -> Option<(HeaderName, HeaderValue)> {
        let mark = self.mark.get()?;
        let (SeenNote::Unmatched(why) | SeenNote::Exhausted(why)) = note else { return None };
        if self.carries_stand_in_value(received) {
            why.push_str("; it carries what stands for a secret, so the real API is not asked");
            return None;
        }
        *note = SeenNote::Behaved("not recorded, and left to the real API");
        Some(mark.clone())
    }

    fn carries_stand_in_value(&self, received: &Received) -> bool {
        let holds = |bytes: &[u8]| {
            let plain = String::from_utf8_lossy(bytes);
            let decoded = percent_decode(bytes).decode_utf8_lossy();
            self.hide(&plain) != *plain || self.hide(&decoded) != *decoded
        };
        holds(received.target().as_bytes())
            || received.header_values().any(|value| {
                // What `Basic` carries is told by nothing but its decoded form.
                let word = value.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
                holds(value) || base64::prelude::BASE64_STANDARD.decode(word).is_ok_and(|word| holds(&word))
            })
            || holds(received.body())
    }

    /// Sends the handshakes that are due; the answer to the request that made the subscription, where one failed.
    async fn shake_hands(&self, index: usize) -> Option<Response> {
        let provider = &self.providers[index];
        provider.sender.as_ref()?;
        let mut refusal = None;
        for due in provider.take_handshakes() {
            let went = shake(self.engine.caller(), &due).await;
            refusal = provider.handshake_done(&due.subscription, went).or(refusal);
        }
        refusal
    }

    /// What a fault does to a connection, if one of that kind strikes it.
    fn strike_connection<T>(&self, number: u64, kind: impl Fn(AtConnection) -> Option<T>) -> Option<T> {
        self.providers.iter().find_map(|provider| provider.play().plan().strike_connection(number, &kind))
    }
}
