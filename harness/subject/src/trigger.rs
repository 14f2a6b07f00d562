//! What makes a subject work: a call, a program that runs to its end, a run of a batch, a file, a tick of its schedule.

use crate::length::Length;
use crate::spec::HttpCall;
use crate::template::{is_given, names_in, words_of};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// `[subject.NAME.trigger.WORD]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "TriggerWords", into = "TriggerWords")]
#[schemars(with = "TriggerWords")]
pub enum Trigger {
    /// `call = "POST /copy"`: must be answered with 2xx.
    Call(HttpCall),
    /// `run = ["program", "argument"]`: must end with exit code 0.
    Run(RunToEnd),
    /// `batch = ["--select", "{stream}"]`: one run of a subject of kind `batch`.
    Batch(Vec<String>),
    /// `put = "{data}/in/{name}"`: a file is dropped.
    Put(FileDrop),
    /// `tick = {}`: the subject's clock moves to its next timer; with a call in it, that is made instead.
    Tick(Option<HttpCall>),
}

/// A program that is run to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct RunToEnd {
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Environment variables beside those of whoever runs counterpart.
    pub env: IndexMap<String, String>,
    /// Real time within which it must end.
    pub within: Length,
}

/// A file that is dropped where the subject looks for files.
#[derive(Clone, Debug, PartialEq)]
pub struct FileDrop {
    /// Where it is put.
    pub put: String,
    /// What is in it.
    pub content: DropContent,
    /// Whether only its first half is written, as by somebody who is still at it.
    pub half: bool,
}

/// What is in a dropped file.
#[derive(Clone, Debug, PartialEq)]
pub enum DropContent {
    /// This text, braces filled in.
    Text(String),
    /// What is in this file, relative to counterpart.toml.
    From(PathBuf),
}

/// How a trigger is spelled: one of `call`, `run`, `batch`, `put` and `tick`, and what belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriggerWords {
    /// A call to the subject: method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// With `call`: the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// A program that is run to its end, with its arguments; no shell reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Vec<String>>,
    /// With `run`: environment variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<IndexMap<String, String>>,
    /// With `run`: real time within which it must end, `60s` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Length>,
    /// A run of a subject of kind `batch`: further arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Vec<String>>,
    /// A file that is dropped: its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    /// With `put`: what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// With `put`: the file that is copied, relative to counterpart.toml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// With `put`: only the first half is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<bool>,
    /// A tick of its schedule: the clock moves to its next timer. In real time, the call that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<TickWords>,
}

/// `tick = {}`, or `tick = { call = "POST /tick" }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TickWords {
    /// The call that makes the subject do what its schedule does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

impl TryFrom<TriggerWords> for Trigger {
    type Error = String;

    fn try_from(words: TriggerWords) -> Result<Self, String> {
        let kinds = [
            ("call", words.call.is_some()),
            ("run", words.run.is_some()),
            ("batch", words.batch.is_some()),
            ("put", words.put.is_some()),
            ("tick", words.tick.is_some()),
        ];
        let given: Vec<&str> =
            kinds.iter().filter(|(_, is_given)| *is_given).map(|(word, _)| *word).collect();
        let [kind] = given[..] else {
            let found = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            return Err(format!(
                "a trigger is one of `call`, `run`, `batch`, `put` and `tick`; found {found}"
            ));
        };
        let belongs = [
            ("json", words.json.is_some(), "call"),
            ("env", words.env.is_some(), "run"),
            ("within", words.within.is_some(), "run"),
            ("text", words.text.is_some(), "put"),
            ("from", words.from.is_some(), "put"),
            ("half", words.half.is_some(), "put"),
        ];
        if let Some((word, _, owner)) =
            belongs.iter().find(|(_, is_given, owner)| *is_given && *owner != kind)
        {
            return Err(format!("`{word}` belongs to a trigger with `{owner}`, and this one has `{kind}`"));
        }
        Self::of_one_kind(words)
    }
}

impl Trigger {
    fn of_one_kind(words: TriggerWords) -> Result<Self, String> {
        if let Some(call) = words.call {
            return Ok(Self::Call(checked(call, words.json)?));
        }
        if let Some(run) = words.run {
            if run.first().is_none_or(String::is_empty) {
                return Err(
                    "`run` is empty; expected a program and its arguments, as in [\"python3\", \"sync.py\"]"
                        .into(),
                );
            }
            let within = words.within.unwrap_or(Length::of_seconds(60));
            return Ok(Self::Run(RunToEnd { run, env: words.env.unwrap_or_default(), within }));
        }
        if let Some(put) = words.put {
            let content = match (words.text, words.from) {
                (Some(text), None) => DropContent::Text(text),
                (None, Some(from)) => DropContent::From(from),
                _ => return Err("`put` needs either `text` or `from`: what is in the file".to_owned()),
            };
            return Ok(Self::Put(FileDrop { put, content, half: words.half.unwrap_or_default() }));
        }
        if let Some(TickWords { call, json }) = words.tick {
            return match (call, json) {
                (None, None) => Ok(Self::Tick(None)),
                (Some(call), json) => Ok(Self::Tick(Some(checked(call, json)?))),
                (None, Some(_)) => Err("tick: `json` is the body of a `call`, and there is none".to_owned()),
            };
        }
        Ok(Self::Batch(words.batch.unwrap_or_default()))
    }

    /// The words that a scenario gives to it: those in its braces that have no other value.
    #[must_use]
    pub fn words(&self) -> BTreeSet<String> {
        let texts: Vec<&String> = match self {
            Self::Call(call) | Self::Tick(Some(call)) => return words_of(call),
            Self::Tick(None) => Vec::new(),
            Self::Run(RunToEnd { run, env, .. }) => run.iter().chain(env.values()).collect(),
            Self::Batch(arguments) => arguments.iter().collect(),
            Self::Put(FileDrop { put, content: DropContent::Text(text), .. }) => vec![put, text],
            Self::Put(FileDrop { put, .. }) => vec![put],
        };
        let own = |word: &String| !is_given(word) && !word.contains(':') && !word.ends_with('?');
        texts.into_iter().flat_map(|text| names_in(text)).filter(own).collect()
    }
}

fn checked(call: String, json: Option<Value>) -> Result<HttpCall, String> {
    let path = call.split_once(' ').map_or(call.as_str(), |(_, path)| path);
    match path.starts_with('/') {
        true => Ok(HttpCall { call, json }),
        false => Err(format!("{call:?} is no call; expected method and path, as in \"POST /sync\"")),
    }
}

impl From<Trigger> for TriggerWords {
    fn from(trigger: Trigger) -> Self {
        let none = Self::default();
        match trigger {
            Trigger::Call(HttpCall { call, json }) => Self { call: Some(call), json, ..none },
            Trigger::Run(RunToEnd { run, env, within }) => {
                Self { run: Some(run), env: Some(env), within: Some(within), ..none }
            }
            Trigger::Batch(arguments) => Self { batch: Some(arguments), ..none },
            Trigger::Put(FileDrop { put, content, half }) => {
                let (text, from) = match content {
                    DropContent::Text(text) => (Some(text), None),
                    DropContent::From(from) => (None, Some(from)),
                };
                Self { put: Some(put), text, from, half: Some(half), ..none }
            }
            Trigger::Tick(call) => {
                let (call, json) = call.map_or((None, None), |HttpCall { call, json }| (Some(call), json));
                Self { tick: Some(TickWords { call, json }), ..none }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Trigger, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn each_kind_is_read_and_written() {
        for text in [
            "call = \"POST /x\"\njson = { a = \"{room}\" }",
            "run = [\"sh\", \"-c\", \"true\"]\nwithin = \"5s\"",
            "batch = []",
            "put = \"{data}/in/{name}\"\ntext = \"{rows}\"",
            "put = \"{data}/in/a\"\nfrom = \"orders.csv\"\nhalf = true",
            "tick = {}",
            "tick = { call = \"POST /tick\" }",
        ] {
            let trigger = read(text).unwrap();
            assert_eq!(Trigger::try_from(TriggerWords::from(trigger.clone())).unwrap(), trigger, "{text}");
        }
        let dropped = read("put = \"{data}/in/{name}\"\ntext = \"{rows}\"").unwrap();
        assert_eq!(dropped.words(), ["name", "rows"].map(str::to_owned).into());
    }

    #[test]
    fn what_is_no_trigger_is_told() {
        let refused: Vec<String> = [
            "",
            "call = \"POST /x\"\nrun = [\"true\"]",
            "call = \"POST x\"",
            "run = []",
            "put = \"a\"",
            "put = \"a\"\ntext = \"b\"\nfrom = \"c\"",
            "tick = {}\njson = {}",
            "batch = []\nwithin = \"5s\"",
            "calls = \"POST /x\"",
        ]
        .map(|text| read(text).unwrap_err())
        .into();
        insta::assert_snapshot!(refused.join("\n"), @r#"
        a trigger is one of `call`, `run`, `batch`, `put` and `tick`; found none
        a trigger is one of `call`, `run`, `batch`, `put` and `tick`; found call and run
        "POST x" is no call; expected method and path, as in "POST /sync"
        `run` is empty; expected a program and its arguments, as in ["python3", "sync.py"]
        `put` needs either `text` or `from`: what is in the file
        `put` needs either `text` or `from`: what is in the file
        `json` belongs to a trigger with `call`, and this one has `tick`
        `within` belongs to a trigger with `run`, and this one has `batch`
        unknown field `calls`, expected one of `call`, `json`, `run`, `env`, `within`, `batch`, `put`, `text`, `from`, `half`, `tick`
        "#);
    }
}
