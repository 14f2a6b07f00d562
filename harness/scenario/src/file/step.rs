//! How the steps of a scenario are spelled.

use super::matcher::{Matcher, Query, RecordMatcher};
use super::measures::{Counts, duration};
use super::names::is_name;
use super::place::Spanned;
use counterpart_subject::ProbeName;
use indexmap::IndexMap;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// What is done.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Sets off one of the subject's triggers, with its words: `{sync: {room: "#a:b"}}`.
    Trigger(TriggerStep),
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
        steps: Vec<Spanned<Step>>,
    },
    /// Calls the subject directly.
    Call(CallStep),
    /// Delivers a recorded webhook to the subject, signed anew, and waits for what the first attempts come to.
    Webhook {
        /// The inbound exchange: `event-1`, or `slack/channel-messages#event-1`.
        exchange: String,
        /// The status that the subject must answer to the first attempt that goes out. Without it: 2xx, or anything
        /// where a fault strikes.
        #[serde(default)]
        status: Option<u16>,
    },
    /// Puts a file where the subject looks for files.
    File(FileStep),
    /// Ends the subject without warning (SIGKILL) and starts it again on the same data.
    Kill(Nothing),
    /// Puts another version of the subject in place, on the same data.
    Deploy {
        /// Which.
        version: String,
    },
    /// Takes steps at the same time: triggers, calls, webhooks and files.
    Parallel {
        /// Which steps.
        steps: Vec<Spanned<Step>>,
    },
    /// Lets virtual time run until a probe shows something.
    WaitFor(WaitForStep),
}

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
        Self { within: ten_days() }
    }
}

fn ten_days() -> SignedDuration {
    SignedDuration::from_hours(240)
}

/// What is kept of an answer, each under a name for later steps and expectations: `{id: $.run.id}`.
pub type Captures = IndexMap<String, Query>;

/// `trigger: {sync: {room: "#a:b"}, capture: {id: $.run.id}}`.
#[derive(Clone, Debug, Default)]
pub struct TriggerStep {
    /// The triggers that are named, each with its words: a scenario names one.
    pub named: IndexMap<String, IndexMap<String, String>>,
    /// What is kept of its answer.
    pub capture: Captures,
    /// What its answer must be.
    pub answer: Option<Matcher>,
}

impl JsonSchema for TriggerStep {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TriggerStep".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let capture = generator.subschema_for::<Captures>();
        let answer = generator.subschema_for::<Matcher>();
        schemars::json_schema!({
            "type": "object",
            "description": "One of the subject's triggers with its words. Beside it: what is kept of the answer, and what \
                            the answer must be",
            "properties": { "capture": capture, "answer": answer },
            "additionalProperties": { "type": "object", "additionalProperties": { "type": "string" } },
            "minProperties": 1
        })
    }
}

impl<'de> Deserialize<'de> for TriggerStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;
        impl<'de> Visitor<'de> for Spelling {
            type Value = TriggerStep;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a trigger with its words, as in {sync: {room: x}}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<TriggerStep, A::Error> {
                let mut step = TriggerStep::default();
                while let Some(key) = entries.next_key::<String>()? {
                    match key.as_str() {
                        "capture" => step.capture = entries.next_value::<Kept>()?.0,
                        "answer" => step.answer = Some(entries.next_value()?),
                        _ => {
                            let words = entries.next_value()?;
                            step.named.insert(key, words);
                        }
                    }
                }
                Ok(step)
            }
        }
        deserializer.deserialize_map(Spelling)
    }
}

/// Captures whose names can be written in braces.
struct Kept(Captures);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;
        impl<'de> Visitor<'de> for Spelling {
            type Value = Kept;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping of names to JSONPaths, as in {id: $.run.id}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kept, A::Error> {
                let mut kept = Captures::new();
                while let Some(Name(name)) = entries.next_key()? {
                    kept.insert(name, entries.next_value()?);
                }
                Ok(Kept(kept))
            }
        }
        deserializer.deserialize_map(Spelling)
    }
}

fn captures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Captures, D::Error> {
    Kept::deserialize(deserializer).map(|kept| kept.0)
}

/// A name that can be written in braces.
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match is_name(&name) {
            true => Ok(Self(name)),
            false => Err(D::Error::custom(format!(
                "`{}` is no name; expected lower-case letters, digits and `_`, a letter first",
                super::problem::quoted(&name)
            ))),
        }
    }
}

/// `call: {request: GET /health}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallStep {
    /// Method and path.
    pub request: String,
    /// The body.
    #[serde(default)]
    pub json: Option<Value>,
    /// The status that it must answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// What is kept of its answer.
    #[serde(default, deserialize_with = "captures")]
    pub capture: Captures,
    /// What its answer must be.
    #[serde(default)]
    pub answer: Option<Matcher>,
}

/// `file: {name: in/orders.csv, put: orders.csv}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileStep {
    /// The name it gets, below the folder that the subject's description calls `files`.
    pub name: String,
    /// The file that it is a copy of, relative to the scenario.
    #[serde(default)]
    pub put: Option<String>,
    /// What is in it, where it is not a copy.
    #[serde(default)]
    pub text: Option<String>,
    /// Whether its writer breaks off in the middle: half of it is left behind under its name.
    #[serde(default)]
    pub half: bool,
}

/// `wait_for: {probe: runs, record: {state: succeeded}}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitForStep {
    /// Which probe.
    pub probe: ProbeName,
    /// What a record of it must have.
    pub record: RecordMatcher,
    /// Exactly so many records have it; at least one, where this and the next are not said.
    #[serde(default)]
    pub count: Option<usize>,
    /// So many records or more have it.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// How long to wait for it: `10d` by default.
    #[schemars(with = "String")]
    #[serde(default = "ten_days", deserialize_with = "duration")]
    pub within: SignedDuration,
}

impl WaitForStep {
    pub(crate) fn counts(&self) -> Counts {
        let at_least = self.at_least.or(if self.count.is_none() { Some(1) } else { None });
        Counts { count: self.count, at_least, at_most: None }
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
            Self::Call(_) => "call",
            Self::Webhook { .. } => "webhook",
            Self::File(_) => "file",
            Self::Kill(_) => "kill",
            Self::Deploy { .. } => "deploy",
            Self::Parallel { .. } => "parallel",
            Self::WaitFor(_) => "wait_for",
        }
    }

    /// Whether it sets something off, so that it belongs to the happy path.
    #[must_use]
    pub fn is_act(&self) -> bool {
        matches!(self, Self::Trigger(_) | Self::Call(_) | Self::Webhook { .. } | Self::File(_))
    }
}
