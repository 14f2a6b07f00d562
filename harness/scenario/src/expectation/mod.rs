//! Expectations: what a scenario says must come of it, one file each.

mod alerts;
mod audit;
mod contract;
mod deliveries;
mod destination;
mod elapsed;
mod files;
mod holds;
mod order;
mod probes;
mod requests;
mod runs;
mod snapshots;

use crate::file::{Counts, Expectation, Location, Matcher};
use crate::observed::Context;
use crate::snapshot::SnapshotMode;
use crate::wording::brief;
use counterpart_outcome::{Violation, ViolationKind};
use serde_json::Value;

/// One expectation before its judge: where it stands, and a way to say that it is broken.
pub(super) struct Judge<'a, 'b> {
    pub(super) context: &'a Context<'b>,
    location: Location,
    word: &'static str,
    broken: Vec<Violation>,
}

impl Judge<'_, '_> {
    /// Notes that the expectation is broken, and the exchanges that show it.
    pub(super) fn broken(
        &mut self,
        message: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
        exchanges: Vec<u64>,
    ) {
        let kind = ViolationKind::Expectation(self.word.to_owned());
        // Whatever a record holds is told here.
        let actual = self.context.observed.hide(&actual.into());
        let mut violation = self.context.violation(kind, self.location, message, expected, actual);
        violation.exchanges = exchanges;
        self.broken.push(violation);
    }

    /// Notes where there are more or fewer than there must be.
    pub(super) fn counted(
        &mut self,
        one: &str,
        many: &str,
        counts: Counts,
        found: usize,
        exchanges: Vec<u64>,
    ) {
        if !counts.hold(found) {
            let message =
                if found == 1 { format!("there is 1 {one}") } else { format!("there are {found} {many}") };
            self.broken(message, counts.words(), found.to_string(), exchanges);
        }
    }
}

/// The record that comes nearest, for whoever must find out why none fits.
pub(super) fn nearest(matcher: &Matcher, records: &[Value]) -> String {
    records.iter().max_by_key(|record| matcher.nearness(record)).map_or_else(
        || "no record at all".to_owned(),
        |record| format!("none of {}; the nearest: {}", records.len(), brief(record)),
    )
}

/// Judges all expectations of a scenario, in order.
pub(crate) fn judge(
    context: &Context<'_>,
    snapshots: SnapshotMode,
    pending: &mut Vec<String>,
) -> Result<Vec<Violation>, String> {
    let mut all = Vec::new();
    for expectation in &context.plan.file.expect {
        let mut judge = Judge {
            context,
            location: expectation.referenced,
            word: expectation.value.word(),
            broken: Vec::new(),
        };
        let counts = expectation.value.counts().unwrap_or_default();
        match &expectation.value {
            Expectation::Requests(expected) => requests::judge(expected, counts, &mut judge),
            Expectation::Destination(expected) => destination::judge(expected, counts, &mut judge),
            Expectation::Alerts(expected) => alerts::judge(expected, &mut judge),
            Expectation::Holds(expected) => holds::judge(expected, counts, &mut judge),
            Expectation::Runs { states } => runs::judge(states, &mut judge),
            Expectation::Probe(expected) => probes::judge(expected, counts, &mut judge),
            Expectation::Elapsed(expected) => elapsed::judge(*expected, &mut judge),
            Expectation::Deliveries(expected) => deliveries::judge(expected, counts, &mut judge),
            Expectation::Snapshot { of, redact } => {
                pending.extend(snapshots::judge(of, redact, context, snapshots)?);
            }
            Expectation::Audit(expected) => audit::judge(expected, counts, &mut judge),
            Expectation::Order { requests } => order::judge(requests, &mut judge),
            Expectation::Contract(_) => contract::judge(&mut judge)?,
            Expectation::Files(expected) => files::judge(expected, &mut judge)?,
        }
        all.extend(judge.broken);
    }
    Ok(all)
}
