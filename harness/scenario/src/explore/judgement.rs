//! Judging a case: it becomes a plan, as if somebody had written it, and is held to what its faults leave of the truth.

use super::atoms::spoilt_value;
use super::case::{Case, nowhere};
use super::truth::{self, Truth};
use crate::expectation;
use crate::file::{
    AllowEntry, DestinationExpected, Expectation, FaultEntry, InvariantsEntry, RequestsExpected, SameAs,
    ScenarioFile, Spanned, Step,
};
use crate::invariant;
use crate::observed::{Context, Observed, keys};
use crate::plan::Plan;
use crate::records::keep_only;
use crate::replay;
use crate::snapshot::SnapshotMode;
use crate::unjudged::Unjudged;
use counterpart_exchange::Direction;
use counterpart_outcome::{Violation, ViolationKind};
use counterpart_stand_in::{DeliveryEnd, RequestSelector, SeenNote};
use counterpart_subject::{ProbeName, SubjectSpec};
use indexmap::IndexMap;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What every case is held against.
#[derive(Clone, Debug, Default)]
pub(super) struct Oracle {
    /// The field that tells the destination's records apart, where there is one.
    pub(super) key: Option<String>,
    /// The keys that the happy path brings.
    pub(super) happy_keys: Vec<String>,
    /// Whether two happy paths bring the same records, so that a third thing can be compared with them.
    pub(super) repeats_itself: bool,
    /// Of a subject in real time: as long as a case may take to come to rest.
    pub(super) longest_settle: Option<SignedDuration>,
    /// Of a batch: a run that fails says so by its exit code, and whoever schedules it runs it again. So does each case.
    pub(super) runs_again: bool,
}

/// Where the happy path takes no time, a case in real time may take so long to come to rest all the same.
const LEAST_SETTLE: Duration = Duration::from_secs(5);

/// As long as a case in real time may take to come to rest, where the happy path took so long in all.
pub(super) fn longest_settle(happy_path: Duration) -> SignedDuration {
    SignedDuration::try_from(LEAST_SETTLE.max(happy_path * 3)).unwrap_or(SignedDuration::MAX)
}

impl Oracle {
    pub(super) fn of(subject: &SubjectSpec, happy: &Observed, again: &Observed) -> Self {
        let probe = subject.probe.get(&ProbeName::Destination);
        let key = probe.and_then(|probe| probe.key.clone());
        let records = |observed: &Observed| {
            let records = observed.probes.get(&ProbeName::Destination).map(Vec::as_slice).unwrap_or_default();
            let records =
                probe.map_or_else(|| records.to_vec(), |probe| probe.comparable(records).into_owned());
            let mut texts: Vec<String> = records.iter().map(ToString::to_string).collect();
            texts.sort_unstable();
            (records, texts)
        };
        let ((happy, happy_texts), (_, again_texts)) = (records(happy), records(again));
        let happy_keys = key.as_deref().map(|key| keys(&happy, key)).unwrap_or_default();
        Self {
            key,
            happy_keys,
            repeats_itself: !happy.is_empty() && happy_texts == again_texts,
            longest_settle: None,
            runs_again: false,
        }
    }

    /// Whether a fault spoils what a record is known by.
    fn spoils_key(&self, plan: &Plan, fault: &counterpart_stand_in::PlannedFault) -> bool {
        let Some(value) = spoilt_value(plan, fault) else { return false };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // A key may be put together of several fields: a part of it counts, if it is not too short to mean anything.
        text.len() >= 4 && self.happy_keys.iter().any(|key| key.contains(&text))
    }

    /// The case as a plan of its own.
    pub(super) fn plan_of(&self, base: &Plan, case: &Case) -> Plan {
        let truth = truth::after(&case.faults, |fault| self.spoils_key(base, fault));
        let mut off = base.file.invariants.off.clone();
        if truth == Truth::Withheld {
            let reason = "The fault takes a record away, or changes what it is known by";
            off.insert(nowhere("nothing_lost".to_owned()), nowhere(reason.to_owned()));
        }
        if truth::is_disputed(&case.faults) {
            let reason = "What the fault makes of a record may be right or wrong";
            off.insert(nowhere("validated".to_owned()), nowhere(reason.to_owned()));
        }
        let changed = (truth != Truth::Kept)
            .then(|| "The fault changes what the provider tells, and with it what is asked next".to_owned());
        let file = ScenarioFile {
            counterpart: base.file.counterpart.clone(),
            title: base.file.title.clone(),
            covers: Vec::new(),
            variables: IndexMap::new(),
            cases: IndexMap::new(),
            quarantine: None,
            fixtures: base.file.fixtures.clone(),
            beside: base.file.beside.clone(),
            records: records_of(base, case),
            tls: base.file.tls,
            quota: Vec::new(),
            faults: case
                .faults
                .iter()
                .map(|fault| {
                    let (at, times, inject) = (nowhere(fault.at.clone()), fault.times, fault.inject.clone());
                    nowhere(FaultEntry { at, times, inject })
                })
                .collect(),
            steps: self.bounded(self.steps_of(base, case)),
            expect: vec![nowhere(self.expectation(base, truth))],
            invariants: InvariantsEntry { off, on: Vec::new() },
            allow: AllowEntry {
                unmatched: base.file.allow.unmatched.clone().or_else(|| changed.clone()),
                exhausted: base.file.allow.exhausted.clone().or(changed),
                loosely_matched: base.file.allow.loosely_matched.clone(),
                unused: Some("The faults may end the work before all was asked for".to_owned()),
            },
        };
        let mut plan = Plan { file: Arc::new(file), faults: case.faults.clone(), ..base.clone() };
        for (exchange, keep) in &case.records {
            // A case names pages that are there, and places on them.
            let _ = keep_only(&mut plan.fixtures, &base.profile, exchange, keep);
        }
        plan
    }

    fn steps_of(&self, base: &Plan, case: &Case) -> Vec<Spanned<Step>> {
        let mut steps = case.spanned_steps();
        if self.runs_again && !case.faults.is_empty() {
            steps.extend(base.file.steps.iter().cloned());
        }
        steps
    }

    fn bounded(&self, mut steps: Vec<Spanned<Step>>) -> Vec<Spanned<Step>> {
        if let Some(longest) = self.longest_settle {
            for step in &mut steps {
                if let Step::Settle(settle) = &mut step.value {
                    settle.within = settle.within.min(longest);
                }
            }
        }
        steps
    }

    /// What a subject that is right brings about under these faults, as an expectation that can fail.
    fn expectation(&self, base: &Plan, truth: Truth) -> Expectation {
        let same_as = (truth == Truth::Kept && self.repeats_itself).then_some(SameAs::HappyPathOrHeld);
        if same_as.is_some() || self.key.is_some() {
            let unique_by = self.key.clone();
            return Expectation::Destination(DestinationExpected {
                same_as,
                unique_by,
                count: None,
                at_least: None,
                at_most: None,
                fewer_than_happy_path: None,
                records: Vec::new(),
            });
        }
        let asked = base.fixtures.iter().flat_map(|fixture| &fixture.exchanges);
        let first = asked.into_iter().find(|exchange| exchange.direction == Direction::Outbound);
        let operation = first.map(|exchange| base.profile.operation_of_request(&exchange.request));
        Expectation::Requests(RequestsExpected {
            to: nowhere(RequestSelector::Operation(
                operation.unwrap_or_else(|| counterpart_exchange::OperationName("none".to_owned())),
            )),
            count: None,
            at_least: Some(1),
            at_most: None,
            apart: None,
        })
    }
}

/// The records that the case plays, as they stand in the fixture: it counts those that its scenario leaves.
fn records_of(base: &Plan, case: &Case) -> IndexMap<Spanned<String>, Vec<usize>> {
    let left: BTreeMap<&str, &Vec<usize>> =
        base.file.records.iter().map(|(exchange, keep)| (exchange.value.as_str(), keep)).collect();
    let mut records: BTreeMap<&str, Vec<usize>> =
        left.iter().map(|(exchange, keep)| (*exchange, (*keep).clone())).collect();
    for (exchange, keep) in &case.records {
        let in_fixture = keep.iter().map(|place| match left.get(exchange.as_str()) {
            Some(left) => left.get(place.saturating_sub(1)).copied().unwrap_or(*place),
            None => *place,
        });
        records.insert(exchange, in_fixture.collect());
    }
    records.into_iter().map(|(exchange, keep)| (nowhere(exchange.to_owned()), keep)).collect()
}

/// How a case ended.
#[derive(Clone, Debug)]
pub(super) enum Judged {
    /// Every promise was kept.
    Kept,
    /// Some fault had no occasion; what else there was kept every promise.
    NoOccasion,
    Broken(Vec<Violation>),
    Unjudged(String),
    /// Exploring ended before it was its turn.
    NotBegun,
    /// Exploring ended while it was played.
    CutShort,
}

/// Judges what was observed of a case.
pub(super) fn judge(
    plan: &Plan,
    subject: &SubjectSpec,
    observed: &Observed,
    happy_path: &Observed,
) -> Result<Judged, Unjudged> {
    let context = Context { plan, subject, observed, happy_path: Some(happy_path) };
    if let Some(how) = &observed.wreck {
        return Ok(Judged::Broken(vec![invariant::wrecked(&context, how).1]));
    }
    let mut violations = observed.step_violations.clone();
    violations.extend(replay::judge(&context));
    violations
        .extend(expectation::judge(&context, SnapshotMode::ReportOnly, &mut Vec::new()).map_err(Unjudged)?);
    violations.extend(invariant::judge(&context).1);
    if !violations.is_empty() {
        return Ok(Judged::Broken(violations));
    }
    let inapplicable = observed.seen.iter().any(|seen| matches!(seen.note, SeenNote::FaultInapplicable(_)))
        || observed.delivered.iter().any(|one| matches!(one.end, DeliveryEnd::Inapplicable(_)));
    let never_struck = observed.unused_faults.iter().any(|unused| unused.struck == 0);
    Ok(if inapplicable || never_struck { Judged::NoOccasion } else { Judged::Kept })
}

/// The promises that are broken, in words, each once.
pub(super) fn promises(violations: &[Violation]) -> Vec<String> {
    let mut promises: Vec<String> = violations
        .iter()
        .filter_map(|violation| {
            Some(match &violation.kind {
                ViolationKind::Expectation(name) => format!("expectation {name}"),
                ViolationKind::Invariant(name) => format!("invariant {name}"),
                ViolationKind::Step(name) => format!("step {name}"),
                ViolationKind::Unmatched => "unmatched".to_owned(),
                ViolationKind::Exhausted => "exhausted".to_owned(),
                ViolationKind::LooselyMatched => "loosely matched".to_owned(),
                // Neither says anything of the subject.
                ViolationKind::ExchangesUnused | ViolationKind::FaultUnused => return None,
            })
        })
        .collect();
    promises.sort_unstable();
    promises.dedup();
    promises
}
