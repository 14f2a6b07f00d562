//! What the runs of a batch leave behind: the records of a target, and the state that the next run begins with.
//!
//! The target is one that takes a run's records as they come and commits them. When it does so, and whether it puts a
//! record in the place of an earlier one with the same keys, is [`TargetSpec`].

use super::messages::{Form, Message, Messages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// The target that a batch's records go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSpec {
    /// What is there after a run that failed.
    pub commits: Commits,
    /// What becomes of a record whose keys are there already.
    pub writes: Writes,
}

/// What is there after a run that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Commits {
    /// The records before the last state: what came after it comes again with the next run.
    #[default]
    WithState,
    /// All records: what came after the last state may come twice.
    AtOnce,
}

/// What becomes of a record whose keys are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// It takes the place of the earlier one. Without `key_properties` it is added.
    #[default]
    ByKey,
    /// It is added.
    All,
}

/// The target, over all runs of a play.
#[derive(Debug, Default)]
pub(crate) struct Target {
    records: Vec<Value>,
    /// Where the record with these keys is.
    by_key: HashMap<String, usize>,
    state: Option<Value>,
    /// Airbyte's states by stream.
    stream_states: BTreeMap<String, Value>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) records: usize,
    pub(crate) committed: usize,
    pub(crate) states: usize,
}

impl Target {
    pub(crate) fn records(&self) -> Vec<Value> {
        self.records.clone()
    }

    /// What the next run begins with, if any run told.
    pub(crate) fn state(&self) -> Option<&Value> {
        self.state.as_ref()
    }

    /// Takes what a run printed.
    pub(crate) fn take(&mut self, run: &Messages, failed: bool, spec: TargetSpec) -> Taken {
        let covered = (failed && spec.commits == Commits::WithState).then(|| Covered::by(run));
        let mut keys: HashMap<&str, &[String]> = HashMap::new();
        let mut taken = Taken::default();
        for (at, message) in run.messages.iter().enumerate() {
            match message {
                Message::Keys { stream, keys: of_stream } => {
                    keys.insert(stream, of_stream);
                }
                Message::Record { stream, namespace, record } => {
                    taken.records += 1;
                    if covered.as_ref().is_none_or(|covered| covered.holds(at, stream, namespace.as_deref()))
                    {
                        taken.committed += 1;
                        let keys = keys.get(stream.as_str()).filter(|_| spec.writes == Writes::ByKey);
                        self.write(stream, record, keys.copied().unwrap_or_default());
                    }
                }
                Message::State(state) => {
                    taken.states += 1;
                    match run.form {
                        Some(Form::Airbyte) => self.airbyte_state(state),
                        _ => self.state = Some(state.clone()),
                    }
                }
                Message::Other => {}
            }
        }
        taken
    }

    fn write(&mut self, stream: &str, record: &Value, keys: &[String]) {
        let mut kept: Map<String, Value> = record.as_object().cloned().unwrap_or_default();
        kept.insert("_stream".to_owned(), Value::String(stream.to_owned()));
        let kept = Value::Object(kept);
        if keys.is_empty() {
            self.records.push(kept);
            return;
        }
        let values: Vec<Option<&Value>> = keys.iter().map(|key| record.get(key)).collect();
        let key = json!([stream, values]).to_string();
        match self.by_key.get(&key) {
            Some(at) => self.records[*at] = kept,
            None => {
                self.by_key.insert(key, self.records.len());
                self.records.push(kept);
            }
        }
    }

    /// A state of one stream stands beside those of the others; one of all, or of the old form, is the whole.
    fn airbyte_state(&mut self, state: &Value) {
        match state.get("type").and_then(Value::as_str) {
            Some("STREAM") => {
                let stream =
                    state.pointer("/stream/stream_descriptor").map(Value::to_string).unwrap_or_default();
                self.stream_states.insert(stream, state.clone());
                self.state = Some(self.stream_states.values().cloned().collect());
            }
            Some("GLOBAL") => self.state = Some(json!([state])),
            _ => self.state = Some(state.get("data").cloned().unwrap_or_else(|| state.clone())),
        }
    }
}

/// How far the states of a run reach: the next run begins behind it.
#[derive(Debug, Default)]
struct Covered<'a> {
    /// Where the last state is that speaks of all streams.
    all: usize,
    /// Where the last state of one stream is, by its name and namespace.
    by_stream: HashMap<(&'a str, Option<&'a str>), usize>,
}

impl<'a> Covered<'a> {
    fn by(run: &'a Messages) -> Self {
        let mut covered = Self::default();
        for (at, message) in run.messages.iter().enumerate() {
            let Message::State(state) = message else { continue };
            match stream_of(state).filter(|_| run.form == Some(Form::Airbyte)) {
                Some(stream) => {
                    covered.by_stream.insert(stream, at);
                }
                None => covered.all = at,
            }
        }
        covered
    }

    /// Whether a record is one that the next run does not ask for again.
    fn holds(&self, at: usize, stream: &str, namespace: Option<&str>) -> bool {
        at < self.all || self.by_stream.get(&(stream, namespace)).is_some_and(|last| at < *last)
    }
}

/// Name and namespace of the stream that a state of Airbyte's is of, where it is of one.
fn stream_of(state: &Value) -> Option<(&str, Option<&str>)> {
    let is_of_one = state.get("type").and_then(Value::as_str) == Some("STREAM");
    let descriptor = state.pointer("/stream/stream_descriptor").filter(|_| is_of_one)?;
    let text = |name: &str| descriptor.get(name).and_then(Value::as_str);
    Some((text("name")?, text("namespace")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u64, text: &str) -> Message {
        Message::Record { stream: "m".into(), namespace: None, record: json!({"id": id, "text": text}) }
    }

    fn keyed() -> Message {
        Message::Keys { stream: "m".into(), keys: vec!["id".into()] }
    }

    fn singer(messages: Vec<Message>) -> Messages {
        Messages { form: Some(Form::Singer), messages }
    }

    fn ids(target: &Target) -> Vec<u64> {
        target.records().iter().map(|record| record["id"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_run_that_failed_leaves_what_its_last_state_covers() {
        let run = singer(vec![keyed(), record(1, "a"), Message::State(json!({"since": 1})), record(2, "b")]);
        let mut target = Target::default();
        let taken = target.take(&run, true, TargetSpec::default());
        assert_eq!(taken, Taken { records: 2, committed: 1, states: 1 });
        assert_eq!((ids(&target), target.state()), (vec![1], Some(&json!({"since": 1}))));
        let at_once = TargetSpec { commits: Commits::AtOnce, ..TargetSpec::default() };
        let mut target = Target::default();
        target.take(&run, true, at_once);
        assert_eq!(ids(&target), [1, 2]);
        let mut target = Target::default();
        target.take(&run, false, TargetSpec::default());
        assert_eq!(ids(&target), [1, 2], "a run that did not fail is committed whole");
    }

    #[test]
    fn a_run_that_failed_before_any_state_leaves_nothing() {
        let mut target = Target::default();
        target.take(&singer(vec![keyed(), record(1, "a")]), true, TargetSpec::default());
        assert_eq!((ids(&target), target.state()), (vec![], None));
    }

    #[test]
    fn a_record_with_the_same_keys_takes_the_place_of_the_first() {
        let run = singer(vec![keyed(), record(1, "a"), record(2, "b"), record(1, "c")]);
        let mut target = Target::default();
        target.take(&run, false, TargetSpec::default());
        target.take(&run, false, TargetSpec::default());
        assert_eq!(ids(&target), [1, 2]);
        assert_eq!(target.records()[0], json!({"id": 1, "text": "c", "_stream": "m"}));
        let mut target = Target::default();
        target.take(&run, false, TargetSpec { writes: Writes::All, ..TargetSpec::default() });
        assert_eq!(ids(&target), [1, 2, 1]);
        let mut target = Target::default();
        target.take(&singer(vec![record(1, "a"), record(1, "a")]), false, TargetSpec::default());
        assert_eq!(ids(&target), [1, 1], "nothing tells them apart");
    }

    #[test]
    fn airbytes_streams_are_committed_each_by_its_own_states() {
        let record = |stream: &str, namespace: Option<&str>, id: u64| Message::Record {
            stream: stream.into(),
            namespace: namespace.map(str::to_owned),
            record: json!({ "id": id }),
        };
        let state = |stream: &str, namespace: Option<&str>| {
            Message::State(json!({"type": "STREAM",
                "stream": {"stream_descriptor": {"name": stream, "namespace": namespace}, "stream_state": {}}}))
        };
        let failed = |messages: Vec<Message>| {
            let mut target = Target::default();
            target.take(&Messages { form: Some(Form::Airbyte), messages }, true, TargetSpec::default());
            ids(&target)
        };
        let of_one = vec![record("a", None, 1), state("a", None), record("a", None, 2), record("b", None, 3)];
        let and_another = [of_one.clone(), vec![state("b", None), record("b", None, 4)]].concat();
        assert_eq!(failed(of_one), [1]);
        assert_eq!(failed(and_another), [1, 3], "a state of one stream says nothing about another");
        let namespaces = vec![record("a", Some("x"), 1), record("a", Some("y"), 2), state("a", Some("y"))];
        assert_eq!(failed(namespaces), [2]);
        let of_all = Message::State(json!({"type": "GLOBAL", "global": {}}));
        assert_eq!(
            failed(vec![record("a", None, 1), record("b", None, 2), of_all, record("a", None, 3)]),
            [1, 2]
        );
    }

    #[test]
    fn airbytes_states_are_passed_on_as_its_connectors_take_them() {
        let state = |stream: &str, at: u64| {
            Message::State(json!({"type": "STREAM",
                "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"at": at}}}))
        };
        let mut target = Target::default();
        let run = Messages {
            form: Some(Form::Airbyte),
            messages: vec![state("a", 1), state("b", 2), state("a", 3)],
        };
        target.take(&run, false, TargetSpec::default());
        let states = target.state().unwrap().as_array().unwrap();
        assert_eq!(states.len(), 2);
        assert_eq!(states[0]["stream"]["stream_state"]["at"], 3);
        let legacy = Messages {
            form: Some(Form::Airbyte),
            messages: vec![Message::State(json!({"data": {"since": 1}}))],
        };
        target.take(&legacy, false, TargetSpec::default());
        assert_eq!(target.state(), Some(&json!({"since": 1})));
    }
}
