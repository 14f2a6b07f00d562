//! How the expectations of a scenario are spelled.

use super::matcher::{Matcher, RecordMatcher};
use super::measures::{Counts, ElapsedExpected};
use super::place::Spanned;
use super::step::Nothing;
use counterpart_stand_in::RequestSelector;
use counterpart_subject::ProbeName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// What must come of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// How many requests of a kind there were, and how far apart.
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
        /// Fields of records whose values are different each time, as dotted paths: `id`, `content.sent_at`.
        #[serde(default)]
        redact: Vec<String>,
    },
    /// The audit trail.
    Audit(AuditExpected),
    /// The order of requests.
    Order {
        /// Selectors, in the order in which requests must come; others may come in between.
        requests: Vec<Spanned<RequestSelector>>,
    },
    /// Every request, and every answer that no fault made, against the provider's contract.
    Contract(Nothing),
    /// Files that the subject left.
    Files(FilesExpected),
    /// Any probe's records.
    Probe(ProbeExpected),
}

/// `requests: {to: messages, count: 3}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestsExpected {
    /// Of which kind: an operation, or method and path.
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
    /// How much virtual time lies between each of them and the next.
    #[serde(default)]
    pub apart: Option<ElapsedExpected>,
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
    /// So many records or more.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many records or fewer.
    #[serde(default)]
    pub at_most: Option<usize>,
    /// So many records fewer than on the happy path, the rest the same.
    #[serde(default)]
    pub fewer_than_happy_path: Option<usize>,
    /// For each of these some record that fits.
    #[serde(default)]
    pub records: Vec<RecordMatcher>,
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
    #[serde(default)]
    pub count: Option<usize>,
    /// So many or more.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many or fewer.
    #[serde(default)]
    pub at_most: Option<usize>,
    /// All of them for this reason.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `audit: {entries: [{operation: login, status: 200}]}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditExpected {
    /// Entries that are there in this order, each with the fields that it must have; others may stand in between.
    #[serde(default)]
    pub entries: Vec<RecordMatcher>,
    /// Exactly so many entries in all.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many or more.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many or fewer.
    #[serde(default)]
    pub at_most: Option<usize>,
}

/// `files: {exist: [out/*.csv], gone: [in/orders.csv]}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesExpected {
    /// For each of these paths or patterns some file.
    #[serde(default)]
    pub exist: Vec<Spanned<String>>,
    /// For each of these no file.
    #[serde(default)]
    pub gone: Vec<Spanned<String>>,
    /// How many files fit a pattern.
    #[serde(default)]
    pub counts: IndexMap<Spanned<String>, Counts>,
    /// What each file that fits a pattern must hold, and there is one: JSON where its name ends in `.json`, a list of
    /// JSON values for `.jsonl` and `.ndjson`, otherwise its text.
    #[serde(default)]
    pub content: IndexMap<Spanned<String>, Matcher>,
}

/// `probe: {name: log, record: {event: token_expired}}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeExpected {
    /// Which.
    pub name: ProbeName,
    /// What one of its records must have, field by field. `null` stands for a field that is absent, too.
    pub record: RecordMatcher,
    /// Exactly so many records have it; at least one, where none of these is said.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many records or more have it.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many records or fewer have it.
    #[serde(default)]
    pub at_most: Option<usize>,
}

/// `deliveries: {count: 2, accepted: 2}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesExpected {
    /// Exactly so many attempts were sent.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many attempts or more were sent.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// So many attempts or fewer were sent.
    #[serde(default)]
    pub at_most: Option<usize>,
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
    /// The files in the subject's folder.
    Files,
}

impl SnapshotOf {
    /// The word for it, as in YAML.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Requests => "requests",
            Self::Audit => "audit",
            Self::Files => "files",
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
            Self::Audit(_) => "audit",
            Self::Order { .. } => "order",
            Self::Contract(_) => "contract",
            Self::Files(_) => "files",
            Self::Probe(_) => "probe",
        }
    }

    /// How many of what it is about there must be, where it counts something.
    pub(crate) fn counts(&self) -> Option<Counts> {
        let counts = |count, at_least, at_most| Some(Counts { count, at_least, at_most });
        match self {
            Self::Requests(it) => counts(it.count, it.at_least, it.at_most),
            Self::Destination(it) => counts(it.count, it.at_least, it.at_most),
            Self::Holds(it) => counts(it.count, it.at_least, it.at_most),
            Self::Audit(it) => counts(it.count, it.at_least, it.at_most),
            Self::Probe(it) => counts(it.count, it.at_least, it.at_most),
            Self::Deliveries(it) => counts(it.count, it.at_least, it.at_most),
            _ => None,
        }
    }
}
