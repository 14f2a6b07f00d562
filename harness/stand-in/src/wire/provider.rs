//! One provider of a running stand-in: its play, its counts and its webhooks behind one name.
//!
//! What clients and the control API may ask of it. Which request is its own is for [`super::routes`] to tell.

use crate::answer::Answer;
use crate::auth::Credentials;
use crate::behaviour::Pass;
use crate::clock::StandInClock;
use crate::data::{HandshakeDue, Subscription};
use crate::forms::ErrorForms;
use crate::journal::SeenNote;
use crate::plan::FaultState;
use crate::planned::PlannedFault;
use crate::play::{Decision, Play, Script};
use crate::received::Received;
use crate::tally::{Counts, Tally};
use crate::webhooks::{Sender, WebhookKeys};
use counterpart_exchange::{
    Direction, Exchange, Fixture, OperationName, ProviderProfile, Response, StandInValues,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A provider to be played.
pub struct ProviderConfig {
    /// Its policy.
    pub profile: ProviderProfile,
    /// What is replayed.
    pub fixtures: Vec<Fixture>,
    /// Its forms of its errors.
    pub forms: ErrorForms,
    /// What goes wrong.
    pub faults: Vec<PlannedFault>,
}

/// One provider of a running stand-in.
pub struct Provider {
    pub(super) name: Arc<str>,
    base_url: String,
    pub(super) credentials: Credentials,
    values: Vec<StandInValues>,
    pub(super) hosts: Vec<String>,
    fixtures: Vec<String>,
    pub(super) tally: Tally,
    play: Mutex<Play>,
    pub(super) sender: Option<Arc<Sender>>,
}

impl Provider {
    pub(super) fn new(
        config: ProviderConfig,
        base_url: String,
        clock: &StandInClock,
    ) -> Result<Self, String> {
        let inbound = inbound_of(&config.fixtures);
        let profile = config.profile.clone();
        let name = config.profile.provider.as_str().into();
        let script = Script {
            profile: config.profile,
            forms: config.forms,
            faults: config.faults,
            clock: clock.clone(),
            base_url: base_url.clone(),
        };
        let hosts = script.profile.hosts.clone();
        let fixtures = config.fixtures.iter().map(Fixture::name).collect();
        let (play, credentials, values) = Play::new(script, &config.fixtures);
        let tally = Tally::default();
        let sender = Sender::new(&profile, inbound, &values, &base_url)?.map(Arc::new);
        let play = Mutex::new(play);
        Ok(Self { name, base_url, credentials, values, hosts, fixtures, tally, play, sender })
    }

    /// The webhooks that its fixtures hold, as `provider/flow#id`, in the order of their names.
    #[must_use]
    pub fn webhooks(&self) -> Vec<String> {
        self.sender.as_ref().map(|sender| sender.names()).unwrap_or_default()
    }

    /// What its webhooks are verified with, where its profile says how they are signed.
    #[must_use]
    pub fn webhook_keys(&self) -> Option<WebhookKeys> {
        self.sender.as_ref().map(|sender| sender.receiver_keys())
    }

    /// Signs its webhooks with a secret that is given, in the scheme's own form.
    ///
    /// # Errors
    /// A sentence, where the secret has not that form, or the profile says nothing of webhooks.
    pub fn sign_webhooks_with(&self, secret: String) -> Result<(), String> {
        let sender = self.sender.as_ref();
        let none = || format!("the profile of {} says nothing of `webhooks`", self.name);
        sender.ok_or_else(none)?.sign_with(secret)
    }

    /// The subscriptions that were confirmed by visiting their URL (Amazon SNS), by their tokens.
    #[must_use]
    pub fn confirmed_subscriptions(&self) -> Vec<String> {
        self.sender.as_ref().map(|sender| sender.confirmed()).unwrap_or_default()
    }

    /// Its short name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its API begins.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What the subject authenticates with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What stands for each secret of its fixtures, by `kind:number`.
    pub fn stand_in_values(&self) -> impl Iterator<Item = (String, &str)> {
        let all = self.values.iter().flat_map(StandInValues::iter);
        all.map(|(placeholder, value)| (format!("{}:{}", placeholder.kind, placeholder.number), value))
    }

    /// The same by fixture: in each of them a placeholder stands for a value of its own.
    pub fn values_by_fixture(&self) -> impl Iterator<Item = (&str, Vec<(String, &str)>)> {
        self.fixtures.iter().zip(&self.values).map(|(fixture, values)| {
            let spelled = values
                .iter()
                .map(|(placeholder, value)| (format!("{}:{}", placeholder.kind, placeholder.number), value));
            (fixture.as_str(), spelled.collect())
        })
    }

    /// Grows a resource of the profile to so many records in each of its collections, before anything is written.
    ///
    /// # Errors
    /// A sentence, where there is no such resource, or nothing to grow it from.
    pub fn grow(&self, resource: &str, to: u64) -> Result<(), String> {
        self.play().data().grow(resource, to)
    }

    /// Who wants which webhooks.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.play().data().subscriptions()
    }

    /// The handshakes that are due, each handed out once.
    #[must_use]
    pub fn take_handshakes(&self) -> Vec<HandshakeDue> {
        self.play().data().take_handshakes()
    }

    /// Says how a handshake went. Where it failed the subscription is gone, and what the provider answers to the
    /// request that made it is handed back.
    pub fn handshake_done(&self, subscription: &str, went: Result<(), String>) -> Option<Response> {
        self.play().handshake_done(subscription, went)
    }

    /// Exchanges that were never asked for: `provider/flow#id`.
    #[must_use]
    pub fn unused_exchanges(&self) -> Vec<Arc<str>> {
        self.play().unused_exchanges()
    }

    /// Hosts by which it is told from other providers.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The fixtures that it is played from: `provider/flow`.
    #[must_use]
    pub fn fixtures(&self) -> &[String] {
        &self.fixtures
    }

    /// How many of its requests went which way.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// Its faults, in the order in which they are asked.
    #[must_use]
    pub fn faults(&self) -> Vec<FaultState> {
        self.play().plan().states()
    }

    /// Puts a further fault in the way; its number.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it at its place.
    pub fn inject(&self, planned: PlannedFault) -> Result<u64, String> {
        self.play().inject(planned)
    }

    /// What is wrong with a fault at its place, if anything.
    ///
    /// # Errors
    /// A sentence that says it.
    pub fn check(&self, planned: &PlannedFault) -> Result<(), String> {
        self.play().check(planned)
    }

    /// The resources that its profile declares.
    #[must_use]
    pub fn resources(&self) -> Vec<String> {
        self.play().resources()
    }

    /// Takes a fault out by its number.
    pub fn remove_fault(&self, number: u64) -> Option<FaultState> {
        self.play().plan().remove(number)
    }

    /// Takes all its faults out; how many there were.
    pub fn clear_faults(&self) -> usize {
        self.play().plan().clear()
    }

    /// What is answered to a request that is none of the API: it belongs to how webhooks are believed.
    pub(super) fn beside_the_api(&self, received: &Received) -> Option<Decision> {
        let (response, note) = self.sender.as_ref()?.answers(received)?;
        Some(Decision {
            answer: Answer::Whole(response),
            operation: OperationName("webhook_verification".to_owned()).into(),
            shown_target: self.play().hide(received.target()).into(),
            exchange: None,
            fault: None,
            note: SeenNote::Behaved(note),
            outage: None,
            pass: Pass::default(),
            epoch: 0,
        })
    }

    pub(super) fn play(&self) -> MutexGuard<'_, Play> {
        self.play.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The webhooks of fixtures, by their full names, with the values that stand for placeholders.
fn inbound_of(fixtures: &[Fixture]) -> Vec<(String, Exchange)> {
    let of_fixture = |fixture: &Fixture| {
        let values = StandInValues::of(fixture);
        let inbound = fixture.exchanges.iter().filter(|one| one.direction == Direction::Inbound);
        let named = inbound.map(|one| (format!("{}#{}", fixture.name(), one.id), values.fill_exchange(one)));
        named.collect::<Vec<_>>()
    };
    fixtures.iter().flat_map(of_fixture).collect()
}
