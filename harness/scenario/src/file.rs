//! How a scenario is spelled. The whole vocabulary is here; what is not implemented yet is refused by name
//! when a plan is made, so that no file means something else later.

use counterpart_exchange::Document;
use counterpart_stand_in::{Fault, FaultSite, RequestSelector, Times};
use counterpart_subject::ProbeName;
use indexmap::IndexMap;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::Spanned;

/// `scenarios/<suite>/<case>.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
pub struct ScenarioFile {
    /// Always `scenario/1`.
    pub counterpart: String,
    /// What it shows, as a sentence.
    pub title: String,
    /// The catalogue entries that it covers.
    #[schemars(with = "Vec<String>")]
    pub covers: Vec<Spanned<String>>,
    /// The fixtures that the stand-in plays: `provider/flow`.
    #[schemars(with = "Vec<String>")]
    pub fixtures: Vec<Spanned<String>>,
    /// Where it is there, the stand-in speaks TLS: with a certificate of an authority of its own, which the subject is
    /// given as `{ca_pem}`.
    #[serde(default)]
    pub tls: Option<TlsEntry>,
    /// What goes wrong.
    #[serde(default)]
    #[schemars(with = "Vec<FaultEntry>")]
    pub faults: Vec<Spanned<FaultEntry>>,
    /// What is done.
    #[schemars(with = "Vec<Step>")]
    pub steps: Vec<Spanned<Step>>,
    /// What must come of it.
    #[schemars(with = "Vec<Expectation>")]
    pub expect: Vec<Spanned<Expectation>>,
    /// Invariants that do not hold here, and why.
    #[serde(default)]
    pub invariants: InvariantsEntry,
    /// Uses of the recording that are right here and fail a scenario otherwise, and why.
    #[serde(default)]
    pub allow: AllowEntry,
}

impl Document for ScenarioFile {
    const KIND: &'static str = "scenario";
    const VERSION: u32 = 1;
}

/// How the stand-in speaks TLS: `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsEntry {}

/// A fault with its place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultEntry {
    /// Where it strikes.
    #[schemars(with = "FaultSite")]
    pub at: Spanned<FaultSite>,
    /// How often: a number, or `always`. Once by default.
    #[serde(default)]
    pub times: Times,
    /// What it does.
    pub inject: Fault,
}

/// Invariants that are switched off.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvariantsEntry {
    /// Invariant to the reason why it does not hold here.
    #[serde(default)]
    pub off: IndexMap<String, String>,
}

/// Uses of the recording that are allowed, each with the reason.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowEntry {
    /// Requests that no exchange fits.
    #[serde(default)]
    pub unmatched: Option<String>,
    /// Requests that are not safe to repeat, after every recorded answer was given.
    #[serde(default)]
    pub exhausted: Option<String>,
    /// Requests that an exchange answered whose recorded body was not kept.
    #[serde(default)]
    pub loosely_matched: Option<String>,
    /// Exchanges that the subject never asks for: it gives up before, or has no use for them.
    #[serde(default)]
    pub unused: Option<String>,
}

impl AllowEntry {
    /// What is allowed, each with its word and the reason.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("unmatched", &self.unmatched),
            ("exhausted", &self.exhausted),
            ("loosely_matched", &self.loosely_matched),
            ("unused", &self.unused),
        ]
        .into_iter()
        .filter_map(|(word, reason)| Some((word, reason.as_deref()?)))
    }
}

/// What is done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Sets off one of the subject's triggers, with its words: `{sync: {room: "#a:b"}}`.
    Trigger(IndexMap<String, IndexMap<String, String>>),
    /// Lets virtual time run until nothing more will happen by itself.
    Settle(Settle),
    /// Lets virtual time run for so long.
    Advance {
        /// How long: `1h`, `30m`, `2d`.
        #[schemars(with = "String")]
        #[serde(deserialize_with = "duration")]
        by: SignedDuration,
    },
    /// Stops the subject in good order and starts it again on the same data.
    Restart(Nothing),
    /// Takes steps several times.
    Repeat {
        /// How often.
        #[schemars(range(min = 1, max = 1000))]
        times: u32,
        /// Which steps.
        #[schemars(with = "Vec<Step>")]
        steps: Vec<Spanned<Step>>,
    },
    /// Calls the subject directly.
    Call {
        /// Method and path.
        request: String,
        /// The body.
        #[serde(default)]
        json: Option<Value>,
        /// The status that it must answer.
        #[serde(default)]
        status: Option<u16>,
    },
    /// Delivers a recorded webhook to the subject, signed anew, and waits for what the first attempts come to.
    Webhook {
        /// The inbound exchange: `event-1`, or `slack/channel-messages#event-1`.
        exchange: String,
        /// The status that the subject must answer to the first attempt that goes out. Without it: 2xx, or anything
        /// where a fault strikes.
        #[serde(default)]
        status: Option<u16>,
    },
    /// Puts a file where the subject looks for files. Not implemented yet.
    File {
        /// The file, relative to the scenario.
        put: String,
        /// The name it gets.
        name: String,
    },
    /// Ends the subject without warning (SIGKILL) and starts it again on the same data.
    Kill(Nothing),
    /// Puts another version of the subject in place. Not implemented yet.
    Deploy {
        /// Which.
        version: String,
    },
    /// Takes steps at the same time. Not implemented yet.
    Parallel {
        /// Which steps.
        #[schemars(with = "Vec<Step>")]
        steps: Vec<Spanned<Step>>,
    },
    /// Lets virtual time run until a probe shows something. Not implemented yet.
    WaitFor {
        /// Which probe.
        probe: ProbeName,
        /// What one of its records must have.
        record: IndexMap<String, Value>,
    },
}

/// Steps that the schema has and this build does not.
pub const UNIMPLEMENTED_STEPS: [&str; 4] = ["file", "deploy", "parallel", "wait_for"];

/// A word that takes nothing: `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How long to let time run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settle {
    /// Virtual time after which a timer counts as none: `10d` by default.
    #[schemars(with = "String")]
    #[serde(deserialize_with = "duration")]
    pub within: SignedDuration,
}

impl Default for Settle {
    fn default() -> Self {
        Self { within: SignedDuration::from_hours(240) }
    }
}

/// What must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// How many requests of a kind there were.
    Requests(RequestsExpected),
    /// What reached the destination.
    Destination(DestinationExpected),
    /// What people were told.
    Alerts(AlertsExpected),
    /// What was kept because it could not be processed.
    Holds(HoldsExpected),
    /// Where the runs stand, in the order they were triggered.
    Runs {
        /// Their states.
        states: Vec<String>,
    },
    /// How much virtual time passed.
    Elapsed(ElapsedExpected),
    /// How often webhooks were delivered, and how often the subject accepted one.
    Deliveries(DeliveriesExpected),
    /// The state of things, compared with what was reviewed and committed.
    Snapshot {
        /// Of what.
        of: Vec<SnapshotOf>,
    },
    /// The audit trail. Not implemented yet.
    Audit {
        /// Entries in order, each with the fields that it must have.
        entries: Vec<IndexMap<String, Value>>,
    },
    /// The order of requests. Not implemented yet.
    Order {
        /// Selectors, in the order in which requests must come.
        requests: Vec<RequestSelector>,
    },
    /// Requests and answers against the provider's contract. Not implemented yet.
    Contract(Nothing),
    /// Files that the subject left. Not implemented yet.
    Files {
        /// Paths that must exist.
        exist: Vec<String>,
    },
    /// Any probe's records.
    Probe(ProbeExpected),
}

/// Expectations that the schema has and this build does not.
pub const UNIMPLEMENTED_EXPECTATIONS: [&str; 4] = ["audit", "order", "contract", "files"];

/// `requests: {to: messages, count: 3}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestsExpected {
    /// Of which kind: an operation, or method and path.
    #[schemars(with = "RequestSelector")]
    pub to: Spanned<RequestSelector>,
    /// Exactly so many.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many or more.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many or fewer.
    #[serde(default)]
    pub at_most: Option<usize>,
}

/// `destination: {same_as: happy_path, unique_by: event_id}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DestinationExpected {
    /// The records must be those of the same steps without faults.
    #[serde(default)]
    pub same_as: Option<SameAs>,
    /// No two records have the same value in this field.
    #[serde(default)]
    pub unique_by: Option<String>,
    /// Exactly so many records.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many records fewer than on the happy path, the rest the same.
    #[serde(default)]
    pub fewer_than_happy_path: Option<usize>,
}

/// What the destination is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SameAs {
    /// The same steps without faults.
    HappyPath,
    /// The same, but for records that are held while somebody was told: as many as there are, each as it would be.
    HappyPathOrHeld,
}

/// `alerts: {none: true}` or `alerts: {kinds: [record_held]}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertsExpected {
    /// Nobody was told anything.
    #[serde(default)]
    pub none: bool,
    /// Exactly these kinds, in any order, each as often as it stands here.
    #[serde(default)]
    pub kinds: Option<Vec<String>>,
}

/// `holds: {count: 1, reason: invalid_record}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldsExpected {
    /// Exactly so many.
    pub count: usize,
    /// All of them for this reason.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `elapsed: {at_least: 30s, at_most: 40s}`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElapsedExpected {
    /// So long or longer.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "optional_duration")]
    pub at_least: Option<SignedDuration>,
    /// So long or shorter.
    #[schemars(with = "Option<String>")]
    #[serde(default, deserialize_with = "optional_duration")]
    pub at_most: Option<SignedDuration>,
}

/// `probe: {name: log, record: {event: token_expired}}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeExpected {
    /// Which.
    pub name: ProbeName,
    /// What one of its records must have, field by field. `null` stands for a field that is absent, too.
    pub record: IndexMap<String, Value>,
    /// Exactly so many records have it; at least one, where this is not said.
    #[serde(default)]
    pub count: Option<usize>,
}

/// `deliveries: {count: 2, accepted: 2}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesExpected {
    /// Exactly so many attempts were sent.
    #[serde(default)]
    pub count: Option<usize>,
    /// Exactly so many of them were accepted.
    #[serde(default)]
    pub accepted: Option<usize>,
    /// Exactly so many of them were refused with a status.
    #[serde(default)]
    pub refused: Option<usize>,
    /// Exactly so many of them were of a fault's making, or spoilt by it.
    #[serde(default)]
    pub faulted: Option<usize>,
    /// The exchanges that were sent, in this order, each attempt by its id.
    #[serde(default)]
    pub order: Option<Vec<String>>,
}

/// What a snapshot is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotOf {
    /// The destination's records.
    Destination,
    /// The requests that reached the provider.
    Requests,
    /// The audit trail.
    Audit,
}

impl SnapshotOf {
    /// The word for it, as in YAML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Requests => "requests",
            Self::Audit => "audit",
        }
    }
}

impl Step {
    /// The word for it, as in YAML.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "trigger",
            Self::Settle(_) => "settle",
            Self::Advance { .. } => "advance",
            Self::Restart(_) => "restart",
            Self::Repeat { .. } => "repeat",
            Self::Call { .. } => "call",
            Self::Webhook { .. } => "webhook",
            Self::File { .. } => "file",
            Self::Kill(_) => "kill",
            Self::Deploy { .. } => "deploy",
            Self::Parallel { .. } => "parallel",
            Self::WaitFor { .. } => "wait_for",
        }
    }
}

impl Expectation {
    /// The word for it, as in YAML.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Requests(_) => "requests",
            Self::Destination(_) => "destination",
            Self::Alerts(_) => "alerts",
            Self::Holds(_) => "holds",
            Self::Runs { .. } => "runs",
            Self::Elapsed(_) => "elapsed",
            Self::Deliveries(_) => "deliveries",
            Self::Snapshot { .. } => "snapshot",
            Self::Audit { .. } => "audit",
            Self::Order { .. } => "order",
            Self::Contract(_) => "contract",
            Self::Files { .. } => "files",
            Self::Probe(_) => "probe",
        }
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map_err(serde::de::Error::custom)
}

fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
    duration(deserializer).map(Some)
}

/// Days are 24 hours: virtual time has no time zone.
fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let expected = "expected a length of time like 30s, 5m, 1h 30m or 10d";
    let span: jiff::Span = text.parse().map_err(|_| format!("{text:?} is no length of time; {expected}"))?;
    let duration = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| format!("{text:?} cannot be counted in seconds; {expected}"))?;
    if duration.is_negative() { Err(format!("{text:?} goes backwards; {expected}")) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, seconds) in [("30s", 30), ("1h 30m", 5400), ("10d", 864_000), ("2m", 120)] {
            assert_eq!(parse_duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "30", "-5s", "1month", "soon"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
