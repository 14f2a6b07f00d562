//! Expectations: what a scenario says must come of it, one file each.

mod alerts;
mod deliveries;
mod destination;
mod elapsed;
mod holds;
mod probes;
mod requests;
mod runs;
mod snapshots;

use crate::file::Expectation;
use crate::observed::Context;
use crate::snapshot::SnapshotMode;
use counterpart_outcome::{Violation, ViolationKind};
use serde_saphyr::Location;

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
        let mut violation = self.context.violation(kind, self.location, message, expected, actual);
        violation.exchanges = exchanges;
        self.broken.push(violation);
    }
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
        match &expectation.value {
            Expectation::Requests(expected) => requests::judge(expected, &mut judge),
            Expectation::Destination(expected) => destination::judge(expected, &mut judge),
            Expectation::Alerts(expected) => alerts::judge(expected, &mut judge),
            Expectation::Holds(expected) => holds::judge(expected, &mut judge),
            Expectation::Runs { states } => runs::judge(states, &mut judge),
            Expectation::Probe(expected) => probes::judge(expected, &mut judge),
            Expectation::Elapsed(expected) => elapsed::judge(*expected, &mut judge),
            Expectation::Deliveries(expected) => deliveries::judge(expected, &mut judge),
            Expectation::Snapshot { of, redact } => {
                pending.extend(snapshots::judge(of, redact, context, snapshots)?);
            }
            // A plan that asks for these is refused.
            Expectation::Audit { .. }
            | Expectation::Order { .. }
            | Expectation::Contract(_)
            | Expectation::Files { .. } => {}
        }
        all.extend(judge.broken);
    }
    Ok(all)
}
