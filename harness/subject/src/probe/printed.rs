//! What the subject printed: the lines of its standard output that are JSON objects.

use super::records::told;
use super::{MAX_RECORDS, ProbeError};
use crate::clock::pause;
use crate::launch::Running;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long between two looks at what was read so far, and how many at most.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const MOST_LOOKS: usize = 50;
/// Looks at a line that is not ended while nothing else comes, before it counts as one that never will be.
const LOOKS_AT_AN_UNENDED_LINE: usize = 100;

/// Which of the printed lines are records, and what of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// Fields that a line must have with these values: `{ type = "RECORD" }`. Without them every line is taken.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub condition: IndexMap<String, Value>,
    /// A JSON pointer to the record in the line: `/record`. Without it the line is the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub record: String,
}

impl Printed {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.record.is_empty() || self.record.starts_with('/') {
            return Ok(());
        }
        let found = &self.record;
        Err(format!("`stdout.record = {found:?}` is no JSON pointer; one begins with `/`, as in \"/record\""))
    }

    /// The records, once what was printed has been read: it comes through a pipe, a moment after it was printed.
    pub(super) async fn read(&self, running: &dyn Running) -> Result<Vec<Value>, ProbeError> {
        let (mut lines, mut unended) = (running.printed_records(), running.unended_line());
        let (mut looks, mut alike) = (0, 0);
        loop {
            pause(LOOK_AGAIN).await;
            let before = (lines.len(), unended);
            (lines, unended) = (running.printed_records(), running.unended_line());
            looks += 1;
            alike = if (lines.len(), &unended) == (before.0, &before.1) { alike + 1 } else { 0 };
            match &unended {
                None if alike > 0 || looks >= MOST_LOOKS => break,
                Some(line) if alike >= LOOKS_AT_AN_UNENDED_LINE => {
                    let found = format!("its last line is not ended: {line}");
                    let expected = "a line end behind each record, written out at once (flushed)";
                    return Err(ProbeError::new("standard output", found, expected));
                }
                // One that prints on and on is within a line at any moment.
                Some(_) if looks >= MOST_LOOKS + LOOKS_AT_AN_UNENDED_LINE => break,
                _ => {}
            }
        }
        self.records_of(&lines)
    }

    fn records_of(&self, lines: &[Value]) -> Result<Vec<Value>, ProbeError> {
        let mut records = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if !self.condition.iter().all(|(field, value)| line.get(field) == Some(value)) {
                continue;
            }
            let place = || format!("standard output, JSON line {}", at + 1);
            match line.pointer(&self.record) {
                Some(record @ Value::Object(_)) => records.push(record.clone()),
                found => {
                    let found = found.map_or_else(|| "nothing".to_owned(), told);
                    let found = format!("at `{}` there is {found}", self.record);
                    return Err(ProbeError::new(place(), found, "an object, the record"));
                }
            }
            if records.len() > MAX_RECORDS {
                let found = format!("over {MAX_RECORDS} records");
                return Err(ProbeError::new("standard output", found, "fewer; narrow `where`"));
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn singer() -> Printed {
        Printed {
            condition: [("type".to_owned(), json!("RECORD"))].into_iter().collect(),
            record: "/record".into(),
        }
    }

    #[test]
    fn lines_are_chosen_by_their_fields_and_the_record_is_within() {
        let lines = [
            json!({ "type": "SCHEMA", "stream": "users" }),
            json!({ "type": "RECORD", "stream": "users", "record": { "id": 1 } }),
            json!({ "type": "STATE", "value": {} }),
        ];
        assert_eq!(singer().records_of(&lines), Ok(vec![json!({ "id": 1 })]));
        assert_eq!(Printed::default().records_of(&lines), Ok(lines.to_vec()));
    }

    #[test]
    fn a_line_without_its_record_is_told() {
        let lines = [json!({ "type": "STATE" }), json!({ "type": "RECORD", "record": [1] })];
        insta::assert_snapshot!(singer().records_of(&lines).unwrap_err(), @"standard output, JSON line 2: at `/record` there is a list: [1]; expected an object, the record");
    }
}
