//! What is asked of every integration before it goes live, answered from what ran and from nothing else.
//!
//! An integration is what the subject does with one provider. Each question rests on an invariant that every scenario
//! checks; a yes also needs a scenario in which it could have come out otherwise.

use crate::{Attempt, InvariantStatus, ScenarioOutcome, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An integration, and what was found out about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// The provider's short name.
    pub provider: String,
    /// One for each question, in their order.
    pub answers: Vec<Answer>,
}

/// A question that is asked of every integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Does it log every transaction with a timestamp?
    LogsEveryTransaction,
    /// Does it recover from a failed call automatically?
    RecoversByItself,
    /// Does it validate before it writes?
    ValidatesBeforeWriting,
    /// Does it use scoped rather than admin permissions?
    ScopedPermissions,
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// What was found.
    pub found: Found,
}

/// What the scenarios say to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Found {
    /// These scenarios show it, and none shows the contrary.
    Yes {
        /// Their names.
        shown_by: Vec<String>,
    },
    /// At least one scenario shows the contrary, whatever the others show.
    No {
        /// Their names.
        shown_by: Vec<String>,
    },
    /// No scenario of this run shows it either way.
    NotShown {
        /// Why not.
        reason: String,
    },
}

/// What an attempt shows that its verdict does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Calls to the provider that failed: a fault, an error status, or no answer.
    pub failed_calls: u64,
    /// Answers that brought a record which must not be written as it is.
    pub invalid_answers: u64,
    /// Whether all that the happy path brings was in the destination in the end, with nothing held; unknown where there
    /// is nothing to compare with.
    pub is_whole: Option<bool>,
}

impl Question {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [
        Self::LogsEveryTransaction,
        Self::RecoversByItself,
        Self::ValidatesBeforeWriting,
        Self::ScopedPermissions,
    ];

    /// The question, for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::LogsEveryTransaction => "Does it log every transaction with a timestamp?",
            Self::RecoversByItself => "Does it recover from a failed call automatically?",
            Self::ValidatesBeforeWriting => "Does it validate before it writes?",
            Self::ScopedPermissions => "Does it use scoped rather than admin permissions?",
        }
    }

    /// The invariant that it rests on.
    fn invariant(self) -> &'static str {
        match self {
            Self::LogsEveryTransaction => "audited",
            Self::RecoversByItself => "recovers",
            Self::ValidatesBeforeWriting => "validated",
            Self::ScopedPermissions => "least_privilege",
        }
    }

    /// Whether an attempt that kept the invariant could have broken it.
    fn is_tried_by(self, evidence: &Evidence) -> bool {
        match self {
            Self::LogsEveryTransaction | Self::ScopedPermissions => true,
            Self::RecoversByItself => evidence.failed_calls > 0 && evidence.is_whole == Some(true),
            Self::ValidatesBeforeWriting => evidence.invalid_answers > 0,
        }
    }

    /// Whether an attempt shows the contrary: its invariant is broken, or a call failed and records were lost over it.
    fn is_denied_by(self, attempt: &Attempt) -> bool {
        let is_broken = |name: &str| {
            attempt.invariants.iter().any(|one| one.name == name && one.status == InvariantStatus::Violated)
        };
        let loses =
            self == Self::RecoversByItself && attempt.evidence.failed_calls > 0 && is_broken("nothing_lost");
        is_broken(self.invariant()) || loses
    }

    /// What would show it, where no scenario did.
    fn untried(self) -> &'static str {
        match self {
            Self::LogsEveryTransaction | Self::ScopedPermissions => "no scenario was judged",
            Self::RecoversByItself => {
                "in no scenario a call failed and all of the happy path was there in the end"
            }
            Self::ValidatesBeforeWriting => "in no scenario the provider sent a record that is not valid",
        }
    }
}

/// What the outcomes say of each integration, in the order of the providers' names.
#[must_use]
pub fn integrations(scenarios: &[ScenarioOutcome]) -> Vec<Integration> {
    let mut providers: Vec<&str> = scenarios.iter().filter_map(provider_of).collect();
    providers.sort_unstable();
    providers.dedup();
    let integration = |provider: &str| {
        let of_this: Vec<&ScenarioOutcome> = scenarios
            .iter()
            .filter(|one| provider_of(one) == Some(provider))
            .filter(|one| matches!(one.verdict, Verdict::Passed | Verdict::Failed | Verdict::Flaky))
            .collect();
        let answers = Question::ALL.map(|question| Answer { question, found: found(question, &of_this) });
        Integration { provider: provider.to_owned(), answers: answers.to_vec() }
    };
    providers.into_iter().map(integration).collect()
}

/// The provider that a scenario is about: its first fixtures are of it. What plays beside was not put to the test.
fn provider_of(outcome: &ScenarioOutcome) -> Option<&str> {
    outcome.fixtures.first().and_then(|fixture| Some(fixture.name.split_once('/')?.0))
}

fn found(question: Question, outcomes: &[&ScenarioOutcome]) -> Found {
    let (mut shown_by, mut against, mut unseen) = (Vec::new(), Vec::new(), None);
    let mut is_flaky = false;
    for outcome in outcomes {
        // What it did once, it may do again: that a later attempt went well takes nothing back.
        if outcome.attempts.iter().any(|attempt| question.is_denied_by(attempt)) {
            against.push(outcome.name.clone());
            continue;
        }
        let Some(attempt) = outcome.attempts.last() else { continue };
        let kept = attempt.invariants.iter().find(|one| one.name == question.invariant());
        match kept.map(|invariant| &invariant.status) {
            Some(InvariantStatus::Held) if question.is_tried_by(&attempt.evidence) => match outcome.verdict {
                Verdict::Flaky => is_flaky = true,
                _ => shown_by.push(outcome.name.clone()),
            },
            Some(InvariantStatus::NotChecked { reason } | InvariantStatus::Off { reason }) => {
                unseen.get_or_insert_with(|| reason.clone());
            }
            Some(InvariantStatus::Held | InvariantStatus::Violated) | None => {}
        }
    }
    match () {
        () if !against.is_empty() => Found::No { shown_by: against },
        () if !shown_by.is_empty() => Found::Yes { shown_by },
        // Where the invariant was kept and not tried, what is missing is a scenario, not a probe.
        () => match unseen.filter(|_| !was_kept(question, outcomes)) {
            Some(reason) => Found::NotShown { reason },
            None if is_flaky => Found::NotShown { reason: "what would show it is flaky".to_owned() },
            None => Found::NotShown { reason: question.untried().to_owned() },
        },
    }
}

fn was_kept(question: Question, outcomes: &[&ScenarioOutcome]) -> bool {
    let last = outcomes.iter().filter_map(|outcome| outcome.attempts.last());
    let invariants = last.flat_map(|attempt| &attempt.invariants);
    invariants.filter(|one| one.name == question.invariant()).any(|one| one.status == InvariantStatus::Held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, FixtureSeen, InvariantOutcome, Replay};

    fn scenario(
        name: &str,
        provider: &str,
        verdict: Verdict,
        statuses: &[(&str, InvariantStatus)],
    ) -> ScenarioOutcome {
        let invariants = statuses.iter().map(|(name, status)| InvariantOutcome {
            name: (*name).to_owned(),
            title: String::new(),
            status: status.clone(),
        });
        let attempt = Attempt {
            number: 1,
            verdict: verdict.clone(),
            error: None,
            steps: Vec::new(),
            began_at: None,
            violations: Vec::new(),
            invariants: invariants.collect(),
            evidence: Evidence { failed_calls: 1, invalid_answers: 0, is_whole: Some(true) },
            replay: Replay::default(),
            exchanges: Vec::new(),
            virtual_ms: 0,
            wall_ms: 0,
        };
        ScenarioOutcome {
            name: name.to_owned(),
            title: String::new(),
            file: String::new(),
            digest: Digest(String::new()),
            covers: Vec::new(),
            fixtures: vec![FixtureSeen { name: format!("{provider}/flow"), digest: Digest(String::new()) }],
            verdict,
            attempts: vec![attempt],
            snapshots_pending: Vec::new(),
            quarantine: None,
        }
    }

    fn answers(scenarios: &[ScenarioOutcome]) -> Vec<Found> {
        let [integration] = &integrations(scenarios)[..] else { panic!("one integration") };
        integration.answers.iter().map(|answer| answer.found.clone()).collect()
    }

    #[test]
    fn one_contrary_scenario_outweighs_all_others() {
        use InvariantStatus::{Held, Violated};
        let kept = |name: &str| scenario(name, "shop", Verdict::Passed, &[("recovers", Held)]);
        let broken = scenario("s/c", "shop", Verdict::Failed, &[("recovers", Violated)]);
        let shown_by = vec!["s/a".to_owned(), "s/b".to_owned()];
        assert_eq!(answers(&[kept("s/a"), kept("s/b")])[1], Found::Yes { shown_by });
        let shown_by = vec!["s/c".to_owned()];
        assert_eq!(answers(&[kept("s/a"), kept("s/b"), broken])[1], Found::No { shown_by });
    }

    #[test]
    fn what_was_not_tried_or_not_judged_shows_nothing() {
        use InvariantStatus::{Held, NotChecked};
        let kept = scenario("s/a", "shop", Verdict::Passed, &[("validated", Held)]);
        let reason = Question::ValidatesBeforeWriting.untried().to_owned();
        assert_eq!(answers(std::slice::from_ref(&kept))[2], Found::NotShown { reason });
        let mut tried = kept.clone();
        tried.attempts[0].evidence.invalid_answers = 1;
        assert_eq!(answers(&[kept, tried.clone()])[2], Found::Yes { shown_by: vec!["s/a".to_owned()] });
        tried.verdict = Verdict::Errored;
        assert!(matches!(answers(&[tried])[2], Found::NotShown { .. }));
        let reason = "no probe".to_owned();
        let unseen = NotChecked { reason: reason.clone() };
        let unseen = scenario("s/a", "shop", Verdict::Passed, &[("audited", unseen)]);
        assert_eq!(answers(&[unseen])[0], Found::NotShown { reason });
    }

    #[test]
    fn a_failed_call_after_which_something_is_missing_is_no_recovery() {
        let mut held = scenario("s/a", "shop", Verdict::Passed, &[("recovers", InvariantStatus::Held)]);
        held.attempts[0].evidence.is_whole = Some(false);
        assert!(matches!(answers(&[held.clone()])[1], Found::NotShown { .. }));
        held.attempts[0].evidence = Evidence { is_whole: Some(true), ..Evidence::default() };
        assert!(matches!(answers(&[held])[1], Found::NotShown { .. }), "no call failed");
    }

    #[test]
    fn records_that_are_lost_over_a_failed_call_are_no_recovery_whatever_a_later_attempt_shows() {
        use InvariantStatus::{Held, Violated};
        let lost =
            scenario("s/a", "shop", Verdict::Failed, &[("recovers", Held), ("nothing_lost", Violated)]);
        let no = Found::No { shown_by: vec!["s/a".to_owned()] };
        assert_eq!(answers(std::slice::from_ref(&lost))[1], no);
        let mut untried = lost.clone();
        untried.attempts[0].evidence.failed_calls = 0;
        assert!(
            matches!(answers(&[untried])[1], Found::NotShown { .. }),
            "they were lost without a failed call"
        );
        let mut flaky = scenario("s/a", "shop", Verdict::Flaky, &[("recovers", Held)]);
        let reason = "what would show it is flaky".to_owned();
        assert_eq!(answers(&[flaky.clone()])[1], Found::NotShown { reason }, "once is not enough");
        flaky.attempts.insert(0, lost.attempts[0].clone());
        assert_eq!(answers(&[flaky])[1], no);
    }

    #[test]
    fn what_plays_beside_is_not_put_to_the_test() {
        let mut kept = scenario("s/a", "a", Verdict::Passed, &[]);
        kept.fixtures.push(FixtureSeen { name: "b/flow".to_owned(), digest: Digest(String::new()) });
        let found = integrations(&[kept]);
        assert_eq!(found.iter().map(|one| one.provider.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn providers_are_told_apart() {
        let kept = |provider| scenario("s/a", provider, Verdict::Passed, &[]);
        let found = integrations(&[kept("b"), kept("a"), kept("b")]);
        assert_eq!(found.iter().map(|one| one.provider.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
