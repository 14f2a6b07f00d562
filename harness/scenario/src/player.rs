//! Plays steps once: a stand-in of its own, a subject that is launched or joined, and what was observed of both.

use crate::conductor::Baseline;
use crate::file::names::Names;
use crate::file::{Spanned, Step};
use crate::known::Known;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::run::RunOptions;
use crate::secrets_seen::SecretsSeen;
use crate::stage::Stage;
use crate::unjudged::{Unjudged, unjudged};
use crate::witness::Witness;
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_outcome::Digest;
use counterpart_stand_in::{PlannedFault, ProviderConfig, StandIn, StandInClock, StandInConfig};
use counterpart_subject::{ClockKind, ClockState, Launch, LaunchRequest, Subject, SubjectSpec, Variables};
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Where virtual time begins: 2026-01-01T00:00:00Z, the same for every run.
const CLOCK_START_S: i64 = 1_767_225_600;

/// Plays against one subject.
pub(crate) struct Player<'a> {
    pub(crate) subject: SubjectSpec,
    launch: &'a dyn Launch,
    http: reqwest::Client,
    options: RunOptions,
    /// How often each was played.
    plays: Mutex<HashMap<String, u64>>,
    version: OnceCell<Option<String>>,
    cannot_launch: OnceCell<Option<String>>,
    /// Of what all plays share: each of them may have told it some.
    secrets: SecretsSeen,
    /// Whether the probes of what all plays share are looked at before the first step.
    pub(crate) looks_before: bool,
}

impl<'a> Player<'a> {
    pub(crate) fn new(
        subject: SubjectSpec,
        launch: &'a dyn Launch,
        http: reqwest::Client,
        options: RunOptions,
    ) -> Self {
        Self {
            subject,
            launch,
            http,
            options,
            plays: Mutex::default(),
            version: OnceCell::new(),
            cannot_launch: OnceCell::new(),
            secrets: SecretsSeen::default(),
            looks_before: true,
        }
    }

    /// What the subject said its version is, once it was played.
    pub(crate) fn subject_version(&self) -> Option<String> {
        self.version.get().cloned().flatten()
    }

    /// Why this machine cannot launch the subject, if it is so. It is asked once.
    pub(crate) async fn cannot_launch(&self) -> Option<String> {
        self.cannot_launch.get_or_init(|| self.launch.cannot_launch()).await.clone()
    }

    /// Takes the steps, with these faults in the way.
    pub(crate) async fn play(
        &self,
        plan: &Plan,
        steps: &[Spanned<Step>],
        faults: &[PlannedFault],
    ) -> Result<Observed, Unjudged> {
        self.play_as(self.tenant(&plan.name), plan, steps, faults).await
    }

    /// The same for a tenant of this name.
    pub(crate) async fn play_as(
        &self,
        tenant: Variables,
        plan: &Plan,
        steps: &[Spanned<Step>],
        faults: &[PlannedFault],
    ) -> Result<Observed, Unjudged> {
        let played = self.play_alone(tenant, plan, steps, faults).await;
        match self.launch.is_shared() {
            true => played.map_err(|Unjudged(why)| Unjudged(self.secrets.hide(&why))),
            false => played,
        }
    }

    /// The same, knowing of no other play.
    async fn play_alone(
        &self,
        tenant: Variables,
        plan: &Plan,
        steps: &[Spanned<Step>],
        faults: &[PlannedFault],
    ) -> Result<Observed, Unjudged> {
        // What is shared runs before the provider does, and knows nothing of it until setup tells.
        let shared = match self.launch.is_shared() {
            true => Some(self.launch(&tenant, clock_start()).await?),
            false => None,
        };
        let state = shared.as_ref().and_then(|(_, state)| *state);
        let clock = match (self.subject.clock, state) {
            (ClockKind::Real, _) => StandInClock::Real,
            (ClockKind::Faketime, _) => StandInClock::shifted_to(clock_start()),
            (ClockKind::Endpoint, None) => StandInClock::starting_at(clock_start()),
            (ClockKind::Endpoint, Some(state)) => StandInClock::starting_at(state.now),
        };
        let authority = plan
            .file
            .tls
            .map(|_| CertificateAuthority::generate(Life::ANY_TIME))
            .transpose()
            .map_err(unjudged)?;
        let ca_pem = authority.as_ref().map(|authority| authority.certificate_pem().to_owned());
        let host = self.launch.provider_host().await.map_err(unjudged)?;
        let stand_in = stand_in(plan, faults, clock, authority, host.listen).await?;
        if self.launch.is_shared() {
            self.secrets.learn(&stand_in);
        }
        let known = Known::of(plan, &stand_in, ca_pem.as_deref(), |url| match &host.name {
            Some(name) => by_name(url, host.listen, name),
            None => url.to_owned(),
        });
        let variables = known.variables(tenant);
        let (mut subject, state) = match shared {
            Some(shared) => shared,
            None => self
                .launch(&variables, stand_in.clock().now())
                .await
                .map_err(|Unjudged(why)| Unjudged(stand_in.hide(&why)))?,
        };
        joined_at(state, stand_in.clock().now())?;
        let baseline = Baseline { received: 0, started: state.map_or(0, |state| state.started) };
        let witness = match self.set_up(&mut subject, variables, &known).await {
            Ok(witness) => witness,
            Err(Unjudged(why)) => return Err(Unjudged(with_last_lines(&why, &subject, &stand_in))),
        };
        let began = stand_in.clock().now();
        if plan.contract.is_some() {
            stand_in.keep_sent();
        }
        let mut stage = Stage {
            plan,
            subject,
            stand_in,
            baseline,
            triggers: 0,
            captured: Names::new(),
            steps: Vec::new(),
            violations: Vec::new(),
            witness,
            of_providers: known.of_providers,
            earlier_log: Vec::new(),
            interrupted: 0,
            at_rest: true,
            rest_is_guessed: false,
            last_run: None,
        };
        let played = stage.play(steps, began).await;
        if self.launch.is_shared() {
            self.secrets.learn(&stage.stand_in);
        }
        // What a provider does may end a subject; whoever ends without that is no subject that could be judged.
        let is_disturbed = was_disturbed(&stage.stand_in, plan);
        ended(stage, played, is_disturbed.then_some(began)).await
    }

    async fn set_up(
        &self,
        subject: &mut Subject,
        variables: Variables,
        known: &Known,
    ) -> Result<Witness, Unjudged> {
        let refused = |error| Unjudged(format!("the subject could not be set up: {error}"));
        subject.set_up(variables).await.map_err(refused)?;
        if subject.spec().is_set_up_by_provider() {
            for words in known.of_providers.values().skip(1) {
                let mut variables = subject.variables().clone();
                words.iter().for_each(|(name, value)| variables.set(name, value));
                subject.set_up_beside(&variables).await.map_err(refused)?;
            }
        }
        let witness = Witness::beside(subject).await?;
        if self.launch.is_shared() && self.looks_before {
            nothing_left_over(subject).await?;
        }
        self.version.get_or_init(|| subject.version()).await;
        Ok(witness)
    }

    async fn launch(
        &self,
        variables: &Variables,
        now: Timestamp,
    ) -> Result<(Subject, Option<ClockState>), Unjudged> {
        let request =
            LaunchRequest { seed: self.options.seed, clock_start: now, variables: variables.clone() };
        let launched = Subject::launch(self.subject.clone(), self.launch, request, self.http.clone()).await;
        let subject = launched.map_err(unjudged)?;
        match subject.clock().await {
            Ok(state) => Ok((subject, state)),
            Err(error) => Err(Unjudged(subject.with_last_lines(&error.to_string()))),
        }
    }

    /// A tenant of its own for every play: a subject that runs on keeps what it wrote. What is played decides its name,
    /// not what was played before or is played beside it.
    pub(crate) fn tenant(&self, name: &str) -> Variables {
        let number = {
            let mut plays = self.plays.lock().unwrap_or_else(PoisonError::into_inner);
            let number = plays.entry(name.to_owned()).or_default();
            *number += 1;
            *number
        };
        let digest = Digest::of(name.as_bytes()).short();
        tenant_named(&format!("{}-{digest}-{number}", self.options.tenants))
    }
}

/// What is known of a tenant before there is a provider: its name.
pub(crate) fn tenant_named(name: &str) -> Variables {
    let mut variables = Variables::default();
    variables.set("tenant", name);
    variables
}

/// Whether a fault struck, or somebody came up against the scenario's own quota.
fn was_disturbed(stand_in: &StandIn, plan: &Plan) -> bool {
    stand_in.faults_struck() > 0
        || !plan.quota.is_empty() && stand_in.limits_never_reached().len() < plan.quota.len()
}

/// Ends what was played: what was seen of it counts only where the subject also ended as it should.
/// Where it was disturbed since an instant, a subject that ended by itself is seen as what it is then.
async fn ended(
    mut stage: Stage<'_>,
    played: Result<Observed, Unjudged>,
    disturbed_since: Option<Timestamp>,
) -> Result<Observed, Unjudged> {
    let how = match &played {
        Ok(_) => stage.subject.has_ended(),
        // A connection ends before its process is known to have ended.
        Err(_) => stage.subject.ends_soon().await,
    };
    if let (Some(how), Some(began)) = (&how, disturbed_since) {
        // It ended in its own way already; its children are ended now.
        let _ = stage.subject.end().await;
        let how = with_last_lines(how, &stage.subject, &stage.stand_in);
        return Ok(stage.wreck(began, how));
    }
    let told = stage.violations.first().map(|first| format!("{}: {}", first.message, first.actual));
    let played = played.map_err(|Unjudged(why)| match told {
        // What is wrong later may well come of what was wrong before.
        Some(told) => Unjudged(format!("{told}; and then {why}")),
        None => Unjudged(why),
    });
    let played = match (played, how) {
        (Ok(_), Some(how)) => Err(Unjudged(format!("the subject {how}"))),
        (Err(Unjudged(why)), Some(how)) if !why.contains(&how) => {
            Err(Unjudged(format!("the subject {how}: {why}")))
        }
        (played, _) => played,
    };
    let ended = stage.subject.end().await;
    // What it did is judged only where it also ended as it should: whatever it left may be at work elsewhere.
    let played = played.and_then(|observed| ended.map(|()| observed).map_err(unjudged));
    played.map_err(|Unjudged(why)| Unjudged(with_last_lines(&why, &stage.subject, &stage.stand_in)))
}

/// A reason, and below it what the subject printed last, without any secret that the provider knows.
fn with_last_lines(why: &str, subject: &Subject, stand_in: &StandIn) -> String {
    stand_in.hide(&subject.with_last_lines(why))
}

fn clock_start() -> Timestamp {
    Timestamp::from_second(CLOCK_START_S).unwrap_or(Timestamp::UNIX_EPOCH)
}

async fn stand_in(
    plan: &Plan,
    faults: &[PlannedFault],
    clock: StandInClock,
    tls: Option<CertificateAuthority>,
    listen: IpAddr,
) -> Result<StandIn, Unjudged> {
    let mut profile = plan.profile.clone();
    if !plan.quota.is_empty() {
        profile.quota.clone_from(&plan.quota);
    }
    let provider = ProviderConfig {
        profile,
        fixtures: plan.fixtures.clone(),
        forms: plan.forms.clone(),
        faults: faults.to_vec(),
    };
    let beside = plan.beside.iter().map(|beside| ProviderConfig {
        profile: beside.profile.clone(),
        fixtures: beside.fixtures.clone(),
        forms: beside.forms.clone(),
        faults: Vec::new(),
    });
    let providers = std::iter::once(provider).chain(beside).collect();
    let listen = SocketAddr::new(listen, 0);
    StandIn::start(StandInConfig { providers, clock, listen, tls }).await.map_err(unjudged)
}

/// A URL with the name by which a subject reaches what listens on the address in it.
fn by_name(url: &str, address: IpAddr, name: &str) -> String {
    url.replacen(&format!("//{address}:"), &format!("//{name}:"), 1)
}

/// A subject with a clock begins at rest, and at the time at which the provider does.
fn joined_at(state: Option<ClockState>, provider: Timestamp) -> Result<(), Unjudged> {
    let Some(state) = state else { return Ok(()) };
    if state.busy > 0 || state.started != state.finished {
        return Err(Unjudged(format!(
            "the subject is still at work from before: busy {}, requests begun {} and over {}; \
             let it come to rest, or start it anew",
            state.busy, state.started, state.finished
        )));
    }
    if state.now != provider {
        return Err(Unjudged(format!(
            "the subject's clock begins at {}, and it was told to begin at {provider}; \
             let it begin at {{clock_start}}",
            state.now
        )));
    }
    Ok(())
}

/// A probe that shows what another scenario left would make every promise look kept.
async fn nothing_left_over(subject: &Subject) -> Result<(), Unjudged> {
    let names = subject.spec().probe.keys().copied().filter(|name| name.is_of_work());
    for name in names.collect::<Vec<_>>() {
        let shown = subject.probe(name).await.map_err(unjudged)?.unwrap_or_default();
        if !shown.is_empty() {
            let word = name.word();
            return Err(Unjudged(format!(
                "the probe `{word}` shows {} records before the first step; it must show one tenant's alone: \
                 use {{tenant}} in setup, triggers and probes",
                shown.len()
            )));
        }
    }
    Ok(())
}
