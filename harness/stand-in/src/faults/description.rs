//! What there is to tell of a fault, taken from its code: what its doc comment says, the parameters of its schema,
//! its examples and what they do. How it looks on a page is for others to decide.

use super::FaultSummary;
use crate::planned::{PlannedFault, SpecError, Times, named_parameters};
use serde::Serialize;
use serde_json::Value;

/// A fault as its page tells it.
#[derive(Debug, Serialize)]
pub struct FaultDescription {
    /// Its name in YAML and on the command line.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// What it does, what it needs, and what a good integration does then: one paragraph each.
    pub paragraphs: Vec<String>,
    /// What it takes.
    pub parameters: Vec<FaultParameter>,
    /// How it is written.
    pub examples: Vec<FaultExample>,
    /// Whether it can be placed at a connection.
    pub is_at_connections: bool,
}

/// A parameter of a fault.
#[derive(Debug, Serialize)]
pub struct FaultParameter {
    /// Its name.
    pub name: String,
    /// What kind of value it takes, in words.
    pub takes: String,
    /// What it is without being given, as JSON; `None` if it has to be given, or is then absent.
    #[serde(rename = "default")]
    pub default_json: Option<String>,
    /// Whether it has to be given.
    pub is_required: bool,
    /// What it means.
    pub about: String,
    /// The words or forms that it can have, and what each means.
    pub choices: Vec<(String, String)>,
}

/// One way to write a fault, and what comes of it.
#[derive(Debug, Serialize)]
pub struct FaultExample {
    /// As `--fault` takes it.
    pub command_line: &'static str,
    /// As a scenario's `faults` take it.
    pub yaml: String,
    /// What kind of thing it does.
    pub kind: FaultKind,
}

/// What kind of thing a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It answers in the place of the recording.
    AnswersInstead,
    /// It changes what the provider knows of tokens.
    ChangesState,
    /// It changes the provider's records.
    ChangesData,
    /// The recorded answer is spoilt on its way.
    SpoilsTheWayBack,
    /// The recorded answer says something else.
    ChangesContent,
    /// It answers in the place of the token endpoint.
    AnswersInsteadOfTokens,
    /// The token endpoint's answer says something else.
    ChangesTokens,
    /// The request is carried out, and nobody is told.
    LosesTheAnswer,
    /// The answer takes longer.
    Slows,
    /// Nobody listens any more.
    Outage,
    /// It strikes before there is a request.
    AtConnections,
    /// It strikes what the provider sends by itself.
    AtWebhooks,
}

impl FaultKind {
    /// Every kind, in the order in which pages tell them.
    pub const ALL: [Self; 12] = [
        Self::AnswersInstead,
        Self::ChangesState,
        Self::ChangesData,
        Self::SpoilsTheWayBack,
        Self::ChangesContent,
        Self::AnswersInsteadOfTokens,
        Self::ChangesTokens,
        Self::LosesTheAnswer,
        Self::Slows,
        Self::Outage,
        Self::AtConnections,
        Self::AtWebhooks,
    ];

    /// What it does, and what becomes of the recording.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::AnswersInstead => {
                ("answers instead", "is not touched: the next such request gets the same exchange")
            }
            Self::ChangesState => (
                "changes the provider's state",
                "is not touched: the request goes on, and the new state answers it",
            ),
            Self::ChangesData => (
                "changes the data",
                "is changed once and used up; where a resource answers, its data is changed for good",
            ),
            Self::SpoilsTheWayBack => {
                ("spoils the way back", "is not touched: the retry gets the same answer, whole")
            }
            Self::ChangesContent => (
                "changes the content",
                "is used up: a retry of a safe request gets the last recorded answer, unchanged",
            ),
            Self::AnswersInsteadOfTokens => {
                ("answers instead of the token endpoint", "is not touched, nor are any tokens")
            }
            Self::ChangesTokens => (
                "changes the tokens that are handed out",
                "goes its way: the state hands out what it would have",
            ),
            Self::LosesTheAnswer => {
                ("loses the answer", "is used up: the request was carried out, and the retry finds it done")
            }
            Self::Slows => {
                ("slows the answer down", "is used up: the answer comes whole, if the client waits")
            }
            Self::Outage => (
                "makes the provider unreachable",
                "is not touched: the next such request gets the same exchange",
            ),
            Self::AtConnections => ("strikes a connection", "is not touched: there is no request yet"),
            Self::AtWebhooks => ("strikes a webhook", "is not touched: what is sent differs from it"),
        }
    }
}

impl FaultSummary {
    /// All that there is to tell of it.
    ///
    /// # Errors
    /// Where an example of its code is none.
    pub fn describe(&self) -> Result<FaultDescription, SpecError> {
        let schema = Value::from((self.schema)());
        let planned: Vec<PlannedFault> =
            self.examples.iter().map(|example| example.parse()).collect::<Result<_, _>>()?;
        let examples = self.examples.iter().zip(&planned).map(|(command_line, planned)| {
            let is_at_connection = matches!(planned.at, crate::FaultSite::Connection(_));
            let kind =
                if is_at_connection { FaultKind::AtConnections } else { planned.inject.effect().kind() };
            FaultExample { command_line, yaml: yaml_of(command_line, planned), kind }
        });
        Ok(FaultDescription {
            name: self.name,
            does: self.does,
            paragraphs: paragraphs(&schema),
            parameters: parameters(&schema),
            examples: examples.collect(),
            is_at_connections: planned.iter().any(|planned| planned.inject.at_connection().is_some()),
        })
    }
}

/// The paragraphs of a schema's description, each in one line.
fn paragraphs(schema: &Value) -> Vec<String> {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty()).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parameters(schema: &Value) -> Vec<FaultParameter> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| {
            let value = Resolved::of(property, schema);
            FaultParameter {
                name: name.clone(),
                takes: value.takes(),
                default_json: property.get("default").filter(|value| !value.is_null()).map(Value::to_string),
                is_required: required.contains(&name.as_str()),
                about: one_line(property["description"].as_str().unwrap_or_default()),
                choices: value.choices(),
            }
        })
        .collect()
}

/// A property's schema where it really stands: behind a reference, and without its being optional.
struct Resolved<'a> {
    schema: &'a Value,
    root: &'a Value,
}

impl<'a> Resolved<'a> {
    fn of(mut schema: &'a Value, root: &'a Value) -> Self {
        // A reference leads to a definition, an optional value to a choice between it and null: twice at most.
        for _ in 0..4 {
            if let Some(path) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
                schema = root.pointer(path).unwrap_or(schema);
            } else if let Some([one, null]) = schema["anyOf"].as_array().map(Vec::as_slice)
                && null["type"] == "null"
            {
                schema = one;
            }
        }
        Self { schema, root }
    }

    /// What kind of value it is, in words.
    fn takes(&self) -> String {
        if !self.alternatives().is_empty() {
            return "one of the words below".to_owned();
        }
        let kind = match &self.schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
            kind => kind.as_str(),
        };
        let kind = match kind {
            Some("string") => "text",
            Some("integer") => "whole number",
            Some("number") => "number",
            Some("boolean") => "true or false",
            Some("array") => "list",
            Some("object") => "names with values",
            _ => "any value",
        };
        let bound = |name: &str| self.schema[name].as_i64();
        match (bound("minimum"), bound("maximum")) {
            (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
            (Some(least), None) if kind != "text" => format!("{kind}, {least} or more"),
            _ => kind.to_owned(),
        }
    }

    fn alternatives(&self) -> Vec<&'a Value> {
        if let Some(words) = self.schema["enum"].as_array() {
            return words.iter().collect();
        }
        self.schema["oneOf"].as_array().into_iter().flatten().collect()
    }

    /// The words or forms that it can have, and what each means.
    fn choices(&self) -> Vec<(String, String)> {
        let told = |choice: &Value| one_line(choice["description"].as_str().unwrap_or_default());
        let mut all = Vec::new();
        for choice in self.alternatives() {
            let group = choice["enum"].as_array().into_iter().flatten().chain(choice.get("const"));
            let words: Vec<&str> = group.chain(Some(choice)).filter_map(Value::as_str).collect();
            all.extend(words.into_iter().map(|word| (word.to_owned(), told(choice))));
            for (name, inner) in choice["properties"].as_object().into_iter().flatten() {
                all.push((format!("{{{name}: {}}}", self.form_of(inner)), told(choice)));
            }
        }
        all
    }

    /// `{mean_ms: …}` or `…`, where a form holds something itself.
    fn form_of(&self, inner: &Value) -> String {
        let inner = Resolved::of(inner, self.root);
        match inner.schema["properties"].as_object() {
            None => "…".to_owned(),
            Some(fields) => {
                let fields: Vec<String> = fields.keys().map(|name| format!("{name}: …")).collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
}

/// The entry of a scenario's `faults` that says the same.
fn yaml_of(command_line: &str, planned: &PlannedFault) -> String {
    let what = command_line.rsplit_once('@').map_or(command_line, |(what, _)| what);
    // It was parsed before, so it can be again.
    let (name, parameters) = named_parameters(what).unwrap_or((what, Value::Null));
    let at = without_nulls(serde_json::to_value(&planned.at).unwrap_or_default());
    let times = match planned.times {
        Times::Count(1) => String::new(),
        Times::Count(count) => format!("  times: {count}\n"),
        Times::Always => "  times: always\n".to_owned(),
    };
    format!("- at: {}\n{times}  inject: {{{name}: {}}}\n", flow(&at), flow(&parameters))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

/// A value in YAML's flow style.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", scalar(name), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Text without quotes where nobody could take it for anything else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off"
        );
    // JSON's strings are YAML's double-quoted ones.
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn described(name: &str) -> FaultDescription {
        Fault::summary(name).unwrap().describe().unwrap()
    }

    #[test]
    fn every_fault_tells_what_it_does_and_what_a_good_integration_does() {
        for fault in Fault::ALL {
            let told = fault.describe().unwrap();
            assert!(told.paragraphs.iter().any(|one| one.contains("good integration")), "{}", fault.name);
            assert!(!told.examples.is_empty(), "{} has no example", fault.name);
            for parameter in &told.parameters {
                assert!(!parameter.about.is_empty(), "{}: {} means nothing", fault.name, parameter.name);
            }
            for example in &told.examples {
                assert!(example.command_line.starts_with(fault.name), "{}", example.command_line);
            }
        }
    }

    #[test]
    fn parameters_come_from_the_schema() {
        let status = &described("expired_cursor").parameters[0];
        assert_eq!(
            (status.takes.as_str(), status.default_json.as_deref()),
            ("whole number, 400 to 499", Some("410"))
        );
        let skew = &described("clock_skew").parameters[0];
        assert!(skew.is_required && skew.default_json.is_none());
        let by = &described("latency").parameters[0];
        assert_eq!(by.choices[1].0, "{uniform: {from_ms: …, to_ms: …}}");
        let how = &described("answer_lost").parameters[0];
        assert_eq!(how.choices[0], ("timeout".to_owned(), "Nothing, until it gives up.".to_owned()));
        assert_eq!(how.default_json.as_deref(), Some("\"timeout\""));
    }

    #[test]
    fn examples_are_spelled_both_ways() {
        let told = described("maintenance_page");
        assert_eq!(
            told.examples[0].yaml,
            "- at: {exchange: messages-3}\n  times: 2\n  inject: {maintenance_page: {}}\n"
        );
        let told = described("error_with_200");
        assert!(told.examples[1].yaml.contains("{error_with_200: {body: {ok: false, error: internal}}}"));
        assert_eq!(
            flow(&serde_json::json!({"a b": ["yes", "-", 1, null]})),
            "{\"a b\": [\"yes\", \"-\", 1, null]}"
        );
    }

    #[test]
    fn what_an_example_does_is_seen_in_its_effect() {
        let kinds = |name| described(name).examples.iter().map(|one| one.kind).collect::<Vec<_>>();
        assert_eq!(
            kinds("reset"),
            [FaultKind::SpoilsTheWayBack, FaultKind::AnswersInstead, FaultKind::AtConnections]
        );
        assert_eq!(kinds("expired_token"), [FaultKind::ChangesState]);
    }
}
