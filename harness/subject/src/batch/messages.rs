//! The messages of a connector that writes to its standard output: one JSON object a line, in the form of Singer
//! (<https://hub.meltano.com/singer/spec/>) or of Airbyte (<https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol>).
//!
//! Which form it is shows in each line; a run that mixes them is told, with both lines.

use crate::command::OutLine;
use serde_json::Value;

/// Whose messages they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Singer,
    Airbyte,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// A record of a stream. Airbyte's streams may have a namespace beside their name.
    Record { stream: String, namespace: Option<String>, record: Value },
    /// Which fields tell the records of a stream apart.
    Keys { stream: String, keys: Vec<String> },
    /// How far it has come.
    State(Value),
    /// Something that is neither.
    Other,
}

/// What a run printed, line by line.
#[derive(Debug, PartialEq)]
pub(crate) struct Messages {
    pub(crate) form: Option<Form>,
    pub(crate) messages: Vec<Message>,
}

/// Reads the lines of a run. The last one may be cut off where the run failed.
pub(crate) fn read(lines: &[OutLine], failed: bool) -> Result<Messages, String> {
    let mut read = Messages { form: None, messages: Vec::new() };
    let mut first_of_form = 0;
    for (at, line) in lines.iter().enumerate() {
        let is_last = at + 1 == lines.len();
        let (form, message) = match of_line(line) {
            Ok(found) => found,
            // It was writing when it ended.
            Err(_) if failed && is_last => break,
            Err(why) => return Err(format!("line {} of its standard output {why}", line.number)),
        };
        match read.form {
            Some(known) if known != form => {
                return Err(format!(
                    "line {} of its standard output is of the {} form, and line {first_of_form} of the {} form; \
                     expected one of them",
                    line.number,
                    form.word(),
                    known.word()
                ));
            }
            Some(_) => {}
            None => {
                read.form = Some(form);
                first_of_form = line.number;
            }
        }
        read.messages.push(message);
    }
    Ok(read)
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::Singer => "Singer",
            Self::Airbyte => "Airbyte",
        }
    }
}

fn of_line(line: &OutLine) -> Result<(Form, Message), String> {
    let expected = "expected a JSON object with a `type`, as in {\"type\": \"RECORD\", ...}; print anything else to \
                    standard error";
    let value: Value = serde_json::from_slice(&line.bytes)
        .map_err(|error| format!("is no JSON ({error}): {}; {expected}", line.shown()))?;
    let Some(kind) = value.get("type").and_then(Value::as_str) else {
        return Err(format!("has no `type`: {}; {expected}", line.shown()));
    };
    match kind {
        "RECORD" => record(&value).ok_or_else(|| {
            format!(
                "is no record of either form: {}; expected {{\"type\": \"RECORD\", \"stream\": ..., \"record\": {{...}}}} \
                 (Singer) or {{\"type\": \"RECORD\", \"record\": {{\"stream\": ..., \"data\": {{...}}}}}} (Airbyte)",
                line.shown()
            )
        }),
        "STATE" => match (value.get("value"), value.get("state")) {
            (Some(state), None) => Ok((Form::Singer, Message::State(state.clone()))),
            (None, Some(state @ Value::Object(_))) => Ok((Form::Airbyte, Message::State(state.clone()))),
            _ => Err(format!(
                "is no state of either form: {}; expected `value` (Singer) or an object `state` (Airbyte)",
                line.shown()
            )),
        },
        "SCHEMA" => keys(&value).ok_or_else(|| {
            format!("is no schema: {}; expected `stream`, `schema` and a list `key_properties`", line.shown())
        }),
        "ACTIVATE_VERSION" => Ok((Form::Singer, Message::Other)),
        "LOG" | "TRACE" | "SPEC" | "CONNECTION_STATUS" | "CATALOG" | "CONTROL" => Ok((Form::Airbyte, Message::Other)),
        other => Err(format!(
            "is of the type {other:?}, which is not understood; there are RECORD, STATE, SCHEMA and ACTIVATE_VERSION \
             (Singer), and RECORD, STATE, LOG, TRACE, SPEC, CONNECTION_STATUS, CATALOG and CONTROL (Airbyte)"
        )),
    }
}

fn record(value: &Value) -> Option<(Form, Message)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let body = value.get("record")?;
    if let Some(stream) = text(value.get("stream")) {
        let record = Message::Record { stream, namespace: None, record: body.clone() };
        return body.is_object().then_some((Form::Singer, record));
    }
    let (stream, namespace) = (text(body.get("stream"))?, text(body.get("namespace")));
    let record = body.get("data").filter(|data| data.is_object())?.clone();
    Some((Form::Airbyte, Message::Record { stream, namespace, record }))
}

fn keys(value: &Value) -> Option<(Form, Message)> {
    let stream = value.get("stream")?.as_str()?.to_owned();
    value.get("schema")?.as_object()?;
    let keys = match value.get("key_properties") {
        None | Some(Value::Null) => Vec::new(),
        Some(keys) => {
            keys.as_array()?.iter().map(|key| key.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
    };
    Some((Form::Singer, Message::Keys { stream, keys }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lines(text: &str) -> Vec<OutLine> {
        text.lines()
            .enumerate()
            .map(|(at, line)| OutLine {
                number: at + 1,
                bytes: line.as_bytes().to_vec(),
                length: line.len(),
                secrets: crate::command::Secrets::default(),
            })
            .collect()
    }

    #[test]
    fn both_forms_are_recognised() {
        let singer = "{\"type\":\"SCHEMA\",\"stream\":\"m\",\"schema\":{},\"key_properties\":[\"id\"]}\n\
                      {\"type\":\"RECORD\",\"stream\":\"m\",\"record\":{\"id\":1}}\n\
                      {\"type\":\"STATE\",\"value\":{\"since\":1}}\n{\"type\":\"ACTIVATE_VERSION\",\"stream\":\"m\",\"version\":1}";
        let read_singer = read(&lines(singer), false).unwrap();
        assert_eq!(read_singer.form, Some(Form::Singer));
        assert_eq!(
            read_singer.messages,
            [
                Message::Keys { stream: "m".into(), keys: vec!["id".into()] },
                Message::Record { stream: "m".into(), namespace: None, record: json!({"id": 1}) },
                Message::State(json!({"since": 1})),
                Message::Other,
            ]
        );
        let airbyte = "{\"type\":\"LOG\",\"log\":{\"level\":\"INFO\",\"message\":\"hello\"}}\n\
                       {\"type\":\"RECORD\",\"record\":{\"stream\":\"m\",\"data\":{\"id\":1},\"emitted_at\":1}}\n\
                       {\"type\":\"STATE\",\"state\":{\"type\":\"STREAM\",\"stream\":{}}}";
        let read_airbyte = read(&lines(airbyte), false).unwrap();
        assert_eq!(read_airbyte.form, Some(Form::Airbyte));
        assert_eq!(
            read_airbyte.messages[1],
            Message::Record { stream: "m".into(), namespace: None, record: json!({"id": 1}) }
        );
    }

    #[test]
    fn broken_and_mixed_lines_are_told_with_their_numbers() {
        let good = "{\"type\":\"STATE\",\"value\":1}\n";
        let told: Vec<String> = [
            "starting up".to_owned(),
            format!("{good}[1]"),
            format!("{good}{{\"type\":\"STATE\",\"state\":{{}}}}"),
            format!("{good}{{\"type\":\"RECORD\",\"record\":{{}}}}"),
            format!("{good}{good}{{\"type\":\"BATCH\"}}"),
            "{\"type\":\"SCHEMA\",\"stream\":\"m\",\"schema\":{},\"key_properties\":[1]}".to_owned(),
            "{\"type\":\"STATE\"}".to_owned(),
        ]
        .map(|text| read(&lines(&text), false).unwrap_err())
        .into();
        insta::assert_snapshot!(told.join("\n"), @r#"
        line 1 of its standard output is no JSON (expected value at line 1 column 1): starting up; expected a JSON object with a `type`, as in {"type": "RECORD", ...}; print anything else to standard error
        line 2 of its standard output has no `type`: [1]; expected a JSON object with a `type`, as in {"type": "RECORD", ...}; print anything else to standard error
        line 2 of its standard output is of the Airbyte form, and line 1 of the Singer form; expected one of them
        line 2 of its standard output is no record of either form: {"type":"RECORD","record":{}}; expected {"type": "RECORD", "stream": ..., "record": {...}} (Singer) or {"type": "RECORD", "record": {"stream": ..., "data": {...}}} (Airbyte)
        line 3 of its standard output is of the type "BATCH", which is not understood; there are RECORD, STATE, SCHEMA and ACTIVATE_VERSION (Singer), and RECORD, STATE, LOG, TRACE, SPEC, CONNECTION_STATUS, CATALOG and CONTROL (Airbyte)
        line 1 of its standard output is no schema: {"type":"SCHEMA","stream":"m","schema":{},"key_properties":[1]}; expected `stream`, `schema` and a list `key_properties`
        line 1 of its standard output is no state of either form: {"type":"STATE"}; expected `value` (Singer) or an object `state` (Airbyte)
        "#);
    }

    #[test]
    fn the_last_line_of_a_run_that_failed_may_be_cut_off() {
        let text = "{\"type\":\"STATE\",\"value\":1}\n{\"type\":\"RECO";
        assert_eq!(read(&lines(text), true).unwrap().messages.len(), 1);
        assert!(read(&lines(text), false).is_err());
        let in_the_middle = "{\"type\":\"RECO\n{\"type\":\"STATE\",\"value\":1}";
        assert!(read(&lines(in_the_middle), true).is_err());
    }
}
