//! The stage: a subject and a stand-in while the steps of a scenario are taken, and what is seen at the end.

use crate::conductor::{Baseline, Conductor, Settled};
use crate::file::{Settle, Step};
use crate::observed::{Observed, place};
use crate::plan::Plan;
use crate::unjudged::Unjudged;
use crate::witness::Witness;
use counterpart_outcome::{StepOutcome, Violation, ViolationKind};
use counterpart_stand_in::{DeliveryEnd, StandIn};
use counterpart_subject::{HttpCall, ProbeName, Subject};
use jiff::Timestamp;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;

/// A subject and a stand-in while steps are taken.
pub(crate) struct Stage<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) subject: Subject,
    pub(crate) stand_in: StandIn,
    pub(crate) baseline: Baseline,
    pub(crate) triggers: usize,
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) violations: Vec<Violation>,
    /// Another tenant, who must see nothing of all this.
    pub(crate) witness: Witness,
    /// What the log showed before the subject was started again: it may begin anew then.
    pub(crate) earlier_log: Vec<Value>,
    /// Requests that were under way when the subject was stopped.
    pub(crate) interrupted: usize,
    /// Whether nothing more would happen by itself after the last step.
    pub(crate) at_rest: bool,
}

impl Stage<'_> {
    pub(crate) async fn take(&mut self, steps: &[Spanned<Step>]) -> Result<(), Unjudged> {
        for step in steps {
            if let Step::Repeat { times, steps } = &step.value {
                for _ in 0..*times {
                    Box::pin(self.take(steps)).await?;
                }
                continue;
            }
            let at = self.stand_in.clock().now();
            let (name, result) = self
                .take_one(step)
                .await
                .map_err(|error| Unjudged(format!("step `{}`: {error}", step.value.word())))?;
            self.steps.push(StepOutcome { step: name, place: place(self.plan, step.referenced), at, result });
        }
        Ok(())
    }

    async fn take_one(
        &mut self,
        step: &Spanned<Step>,
    ) -> Result<(String, String), counterpart_subject::SubjectError> {
        let location = step.referenced;
        let conductor = Conductor {
            subject: &self.subject,
            stand_in: &self.stand_in,
            baseline: self.baseline,
            triggers: self.triggers,
        };
        Ok(match &step.value {
            Step::Trigger(trigger) => {
                let (name, words) = trigger.first().map_or(("", Vec::new()), |(name, words)| {
                    (name.as_str(), words.iter().map(|(word, value)| (word.clone(), value.clone())).collect())
                });
                self.triggers += 1;
                let answered = self.subject.trigger(name, &words).await?;
                self.must_be(
                    location,
                    "trigger",
                    answered.status,
                    (200..300).contains(&answered.status),
                    &answered.excerpt,
                );
                (format!("trigger {name}"), answered.status.to_string())
            }
            Step::Settle(Settle { within }) => {
                let settled = conductor.settle(*within).await?;
                ("settle".to_owned(), self.note_settled(location, &settled))
            }
            Step::Advance { by } => {
                let settled = conductor.advance(*by).await?;
                (format!("advance {by:#}"), self.note_settled(location, &settled))
            }
            Step::Restart(_) => {
                self.before_it_ends().await?;
                self.subject.restart(self.stand_in.clock().now()).await?;
                // It counts anew, and every connection from before is closed.
                self.baseline = Baseline { received: self.stand_in.traffic().received, started: 0 };
                ("restart".to_owned(), "stopped and started again".to_owned())
            }
            Step::Kill(_) => {
                self.before_it_ends().await?;
                self.subject.kill(self.stand_in.clock().now()).await?;
                self.baseline = Baseline { received: self.stand_in.traffic().received, started: 0 };
                ("kill".to_owned(), "ended without warning and started again".to_owned())
            }
            Step::Call { request, json, status } => {
                let call = HttpCall { call: request.clone(), json: json.clone() };
                let answered = self.subject.call_once(&call).await?;
                let good =
                    status.map_or((200..300).contains(&answered.status), |status| status == answered.status);
                self.must_be(location, "call", answered.status, good, &answered.excerpt);
                (format!("call {request}"), answered.status.to_string())
            }
            Step::Webhook { exchange, status } => return self.webhook(location, exchange, *status).await,
            // A plan with any other step is refused before it gets here.
            other => (other.word().to_owned(), "not implemented".to_owned()),
        })
    }

    /// Keeps what will not be there once the subject has ended.
    async fn before_it_ends(&mut self) -> Result<(), counterpart_subject::SubjectError> {
        let traffic = self.stand_in.traffic();
        let under_way = traffic.received.saturating_sub(traffic.answered);
        self.interrupted += usize::try_from(under_way).unwrap_or(usize::MAX);
        let log = self.subject.probe(ProbeName::Log).await?.unwrap_or_default();
        self.earlier_log = behind(std::mem::take(&mut self.earlier_log), log);
        Ok(())
    }

    /// Has the provider deliver a webhook. What comes of it later is settled like everything else.
    async fn webhook(
        &mut self,
        location: Location,
        exchange: &str,
        wanted: Option<u16>,
    ) -> Result<(String, String), counterpart_subject::SubjectError> {
        let name = format!("webhook {exchange}");
        let Some(url) = self.subject.webhooks_url()? else {
            return Err(counterpart_subject::SubjectError::NotDescribed(
                "the subject takes no webhooks".to_owned(),
            ));
        };
        let report = match self.stand_in.deliver(&self.plan.profile.provider, exchange, &url).await {
            Ok(report) => report,
            Err(error) => {
                let error = error.to_string();
                self.broken(location, "webhook", "it could not be delivered", "a delivery", &error);
                return Ok((name, error));
            }
        };
        let first = report.first_attempts.first().map(DeliveryEnd::status);
        let good = match (wanted, first) {
            (Some(wanted), first) => first == Some(Some(wanted)),
            (None, _) if report.fault.is_some() => true,
            (None, first) => first.flatten().is_some_and(|status| (200..300).contains(&status)),
        };
        let came_to: Vec<String> = report.first_attempts.iter().take(5).map(ToString::to_string).collect();
        let more = report.first_attempts.len().saturating_sub(came_to.len());
        let told = match (came_to.is_empty(), more) {
            (true, _) => "nothing was sent yet".to_owned(),
            (false, 0) => came_to.join(", "),
            (false, more) => format!("{}, and {more} more", came_to.join(", ")),
        };
        if !good {
            let expected = wanted.map_or_else(|| "2xx".to_owned(), |wanted| wanted.to_string());
            let message = "the subject did not answer the webhook as it must";
            self.broken(location, "webhook", message, &expected, &told);
        }
        Ok((name, told))
    }

    fn must_be(&mut self, location: Location, step: &str, status: u16, good: bool, excerpt: &str) {
        if !good {
            self.broken(
                location,
                step,
                "the subject refused it",
                "the status the step asks for",
                &format!("{status}: {excerpt}"),
            );
        }
    }

    fn note_settled(&mut self, location: Location, settled: &Settled) -> String {
        let timers = |count: u64| match count {
            0 => "no timer fired".to_owned(),
            1 => "1 timer fired".to_owned(),
            count => format!("{count} timers fired"),
        };
        self.at_rest = matches!(settled, Settled::Quiet { .. });
        let (message, actual) = match settled {
            Settled::Quiet { timers_fired } => return format!("quiet; {}", timers(*timers_fired)),
            Settled::Reached { timers_fired } => return format!("reached; {}", timers(*timers_fired)),
            Settled::Stuck { held } => (
                "the subject waits for ever: the provider does not answer, and no time-out is running",
                format!("{held} request(s) held and no timer"),
            ),
            Settled::Restless { state } => ("the subject does not come to rest", state.clone()),
            Settled::Endless => ("the subject sets ever new timers", "20000 timers fired".to_owned()),
        };
        self.broken(location, "settle", message, "the subject comes to rest", &actual);
        actual
    }

    fn broken(&mut self, location: Location, step: &str, message: &str, expected: &str, actual: &str) {
        self.violations.push(Violation {
            kind: ViolationKind::Step(step.to_owned()),
            place: place(self.plan, location),
            message: message.to_owned(),
            expected: expected.to_owned(),
            actual: self.stand_in.hide(actual),
            exchanges: self.stand_in.seen().last().map(|seen| seen.seq).into_iter().collect(),
        });
    }

    pub(crate) async fn observe(self, began: Timestamp) -> Result<Observed, Unjudged> {
        let mut probes = BTreeMap::new();
        for name in self.subject.spec().probe.keys().copied().collect::<Vec<ProbeName>>() {
            let shown = self.subject.probe(name).await.map_err(|error| Unjudged(error.to_string()))?;
            probes.extend(shown.map(|records| (name, records)));
        }
        if let Some(log) = probes.get_mut(&ProbeName::Log) {
            *log = behind(self.earlier_log, std::mem::take(log));
        }
        let seen_by_witness = self.witness.sees(&self.subject).await?;
        Ok(Observed {
            steps: self.steps,
            step_violations: self.violations,
            seen: self.stand_in.seen(),
            delivered: self.stand_in.delivered(),
            unused_faults: self.stand_in.unused_faults(),
            counts: self.stand_in.counts(),
            unused_exchanges: self
                .stand_in
                .providers()
                .iter()
                .flat_map(counterpart_stand_in::Provider::unused_exchanges)
                .collect(),
            probes,
            seen_by_witness,
            interrupted: self.interrupted,
            at_rest: self.at_rest,
            secrets: self
                .stand_in
                .secret_values()
                .filter(|value| value.starts_with("cp-"))
                .map(str::to_owned)
                .chain(self.stand_in.fresh_tokens())
                .chain(self.stand_in.webhook_keys().into_iter().map(|keys| keys.secret))
                .collect(),
            began,
            ended: self.stand_in.clock().now(),
        })
    }
}

/// A log as a whole: one that outlives its process shows what came before, one that does not is put behind it.
fn behind(earlier: Vec<Value>, now: Vec<Value>) -> Vec<Value> {
    if now.starts_with(&earlier) { now } else { earlier.into_iter().chain(now).collect() }
}
