//! What was observed of one attempt: the material of every judgement.

use crate::file::Location;
use crate::file::names::Names;
use crate::files::SeenFile;
use crate::plan::Plan;
use crate::snapshot_content::Redactions;
use crate::witness::SeenByWitness;
use counterpart_exchange::Exchange;
use counterpart_outcome::{ExchangeSeen, Place, StepOutcome, Violation, ViolationKind};
use counterpart_stand_in::{Counts, Delivered, DeliveryEnd, Seen, UnusedFault};
use counterpart_subject::{Probe, ProbeName, SubjectSpec};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One attempt, after its last step.
pub(crate) struct Observed {
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) step_violations: Vec<Violation>,
    pub(crate) seen: Vec<Seen>,
    /// The webhooks that went out.
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) unused_faults: Vec<UnusedFault>,
    /// The places of the limits, the scenario's or else the provider's, that nobody came up against.
    pub(crate) limits_never_reached: Vec<usize>,
    pub(crate) counts: Counts,
    /// Exchanges that were never asked for.
    pub(crate) unused_exchanges: Vec<Arc<str>>,
    pub(crate) probes: BTreeMap<ProbeName, Vec<Value>>,
    /// The files in the subject's folder, where the scenario asks for them.
    pub(crate) files: Vec<SeenFile>,
    /// What was really sent, where the scenario holds it against a contract: requests by their numbers.
    pub(crate) sent: Vec<(u64, Exchange)>,
    /// What names stand for that were known only once it was played.
    pub(crate) names: Names,
    /// What another tenant, who did nothing, was shown.
    pub(crate) seen_by_witness: SeenByWitness,
    /// How the subject ended by itself while a provider misbehaved, and what it printed last: then nothing could be
    /// looked at.
    pub(crate) wreck: Option<String>,
    /// Requests that were under way when the subject was stopped by a step.
    pub(crate) interrupted: usize,
    /// Of a batch: how its last run went.
    pub(crate) last_run: Option<LastRun>,
    /// Whether nothing more would have happened by itself after the last step.
    pub(crate) at_rest: bool,
    /// Whether that is a guess, from a second without a request.
    pub(crate) rest_is_guessed: bool,
    /// Values that must not turn up in what people read.
    pub(crate) secrets: Vec<String>,
    /// What a snapshot does not show as it is.
    pub(crate) redactions: Redactions,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
}

/// How the last run of a batch went.
#[derive(Clone, Debug)]
pub(crate) struct LastRun {
    /// Its exit code says so, to whoever schedules it.
    pub(crate) has_failed: bool,
    /// How it ended, and its last line.
    pub(crate) told: String,
    /// Whether a provider did anything else than was recorded while it ran.
    pub(crate) was_disturbed: bool,
}

impl Observed {
    pub(crate) fn last_run_failed(&self) -> bool {
        self.last_run.as_ref().is_some_and(|run| run.has_failed)
    }

    pub(crate) fn virtual_time(&self) -> SignedDuration {
        self.ended.duration_since(self.began)
    }

    /// A text without the values that must not turn up.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "«secret»"))
    }

    /// What passed between both sides: the requests in order, then the webhooks in order.
    pub(crate) fn exchanges(&self) -> Vec<ExchangeSeen> {
        let last = self.seen.last().map_or(0, |seen| seen.seq);
        let webhooks = self.delivered.iter().zip(last + 1..).map(|(delivered, seq)| ExchangeSeen {
            seq,
            at: delivered.at,
            operation: delivered.operation.to_string(),
            method: delivered.method.to_string(),
            target: path_of(&delivered.url),
            exchange: Some(delivered.exchange.to_string()),
            fault: delivered.fault.map(str::to_owned),
            status: delivered.end.status(),
            note: told(delivered),
        });
        self.seen
            .iter()
            .map(|seen| ExchangeSeen {
                seq: seen.seq,
                at: seen.at,
                operation: seen.operation.to_string(),
                method: seen.method.to_string(),
                target: seen.target.to_string(),
                exchange: seen.exchange.as_deref().map(str::to_owned),
                fault: seen.fault.map(str::to_owned),
                status: seen.status,
                note: seen.note.to_string(),
            })
            .chain(webhooks)
            .collect()
    }
}

/// The path of a URL: its port is another one each time.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned())
}

fn told(delivered: &Delivered) -> String {
    let Delivered { attempt, signature, end, .. } = delivered;
    match end {
        // What the system says of a connection differs from one time to the next.
        DeliveryEnd::Failed(_) => format!("webhook, attempt {attempt}, signature {signature}: no answer"),
        DeliveryEnd::Lost | DeliveryEnd::Inapplicable(_) => format!("webhook: {end}"),
        _ => format!("webhook, attempt {attempt}, signature {signature}: {end}"),
    }
}

/// What a judgement looks at.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) subject: &'a SubjectSpec,
    pub(crate) observed: &'a Observed,
    /// The same triggers without faults; nothing where this attempt is that.
    pub(crate) happy_path: Option<&'a Observed>,
}

/// Why records cannot be told apart although the probe names a key.
pub(crate) const NO_RECORD_HAS_ITS_KEY: &str =
    "no record of the destination has the field that its probe calls `key`";

/// What reached the destination, and what reaches it without faults.
pub(crate) struct Destinations<'a> {
    pub(crate) key: &'a str,
    pub(crate) records: &'a [Value],
    pub(crate) happy: &'a [Value],
}

impl Context<'_> {
    pub(crate) fn probe(&self, name: ProbeName) -> Option<(&Probe, &[Value])> {
        Some((self.subject.probe.get(&name)?, self.observed.probes.get(&name)?))
    }

    /// The destination's key field with its records, where the probe names one.
    pub(crate) fn destination(&self) -> Option<(&str, &[Value])> {
        let (probe, records) = self.probe(ProbeName::Destination)?;
        Some((probe.key.as_deref()?, records))
    }

    /// The destination with the happy path's, or why the two cannot be compared.
    pub(crate) fn destinations(&self) -> Result<Destinations<'_>, &'static str> {
        if self.happy_path.is_none() {
            return Err("this is the happy path: its own expectations say what must arrive");
        }
        match (self.destination(), self.happy_destination()) {
            (Some((key, records)), Some(happy)) if is_nowhere(records, key) || is_nowhere(happy, key) => {
                Err(NO_RECORD_HAS_ITS_KEY)
            }
            (Some((key, records)), Some(happy)) => Ok(Destinations { key, records, happy }),
            _ => Err("the subject has no probe `destination` with a `key`"),
        }
    }

    pub(crate) fn happy_destination(&self) -> Option<&[Value]> {
        self.happy_path?.probes.get(&ProbeName::Destination).map(Vec::as_slice)
    }

    pub(crate) fn place(&self, location: Location) -> Place {
        place(self.plan, location)
    }

    /// A broken expectation, at its place in the file.
    pub(crate) fn violation(
        &self,
        kind: ViolationKind,
        location: Location,
        message: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Violation {
        Violation {
            kind,
            place: self.place(location),
            message: message.into(),
            expected: expected.into(),
            actual: actual.into(),
            exchanges: Vec::new(),
        }
    }
}

pub(crate) fn place(plan: &Plan, location: Location) -> Place {
    Place {
        file: plan.path.display().to_string(),
        line: location.line().max(1),
        column: location.column().max(1),
    }
}

/// Whether the provider gave no good answer: a fault, an error status, or none.
pub(crate) fn is_failure(seen: &Seen) -> bool {
    seen.status.is_none_or(|status| status >= 400)
        || matches!(seen.note, counterpart_stand_in::SeenNote::Faulted(_))
}

/// A field's value as text, for keys and kinds.
pub(crate) fn text_of(record: &Value, field: &str) -> Option<String> {
    match record.get(field)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

/// The same for every record: one that does not have the field is there all the same.
pub(crate) fn keys_of_all(records: &[Value], field: &str) -> Vec<String> {
    let key = |record: &Value| text_of(record, field).unwrap_or_else(|| format!("(no `{field}`)"));
    records.iter().map(key).collect()
}

/// Whether there are records and none has the field, so that it tells nothing about them.
pub(crate) fn is_nowhere(records: &[Value], field: &str) -> bool {
    !records.is_empty() && records.iter().all(|record| text_of(record, field).is_none())
}

pub(crate) fn keys(records: &[Value], field: &str) -> Vec<String> {
    records.iter().filter_map(|record| text_of(record, field)).collect()
}
