//! Whether what a probe shows is as the subject's description says: a field that is misspelt there must not make every
//! promise look kept.

use crate::observed::text_of;
use crate::unjudged::Unjudged;
use counterpart_subject::{Probe, ProbeName, SubjectSpec};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fields of records that are told in an error.
const MAX_TOLD: usize = 12;

/// Looks for the fields that the description names.
///
/// # Errors
/// [`Unjudged`] where a record of the destination lacks its key, or no record of another probe has the field.
pub(crate) fn check(spec: &SubjectSpec, probes: &BTreeMap<ProbeName, Vec<Value>>) -> Result<(), Unjudged> {
    for (name, records) in probes {
        let Some(probe) = spec.probe.get(name) else { continue };
        let Some((word, field)) = described(*name, probe) else { continue };
        let lacking = records.iter().filter(|record| text_of(record, field).is_none()).count();
        let is_wrong = match name {
            ProbeName::Destination => lacking > 0,
            _ => lacking > 0 && lacking == records.len(),
        };
        if is_wrong {
            let there: BTreeSet<&str> = records
                .iter()
                .filter_map(Value::as_object)
                .flatten()
                .map(|(field, _)| field.as_str())
                .collect();
            let told: Vec<&str> = there.iter().copied().take(MAX_TOLD).collect();
            let probe = name.word();
            return Err(Unjudged(format!(
                "the subject's description says `{word} = \"{field}\"` of the probe `{probe}`, and {lacking} of {} records \
                 have no text or number there; they have: {}. Mend it in [subject.NAME.probe.{probe}]",
                records.len(),
                if told.is_empty() { "no field at all".to_owned() } else { told.join(", ") }
            )));
        }
    }
    Ok(())
}

/// The field that tells most of a probe's records, with the word that names it. What is held as a whole has no key.
fn described(name: ProbeName, probe: &Probe) -> Option<(&'static str, &str)> {
    let (word, field) = match name {
        ProbeName::Destination => ("key", &probe.key),
        ProbeName::Alerts => ("kind", &probe.kind),
        ProbeName::Holds => ("reason", &probe.reason),
        ProbeName::Runs => ("state", &probe.state),
        _ => return None,
    };
    Some((word, field.as_deref()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(described: &Value, name: ProbeName, records: Value) -> Result<(), String> {
        let spec = json!({ "launch": { "url": "http://127.0.0.1:1" }, "probe": described });
        let spec: SubjectSpec = serde_json::from_value(spec).unwrap();
        let records = serde_json::from_value(records).unwrap();
        check(&spec, &BTreeMap::from([(name, records)])).map_err(|Unjudged(why)| why)
    }

    #[test]
    fn a_destination_has_its_key_in_every_record() {
        let described = json!({ "destination": { "get": "/rows", "key": "id" } });
        let of = |records| judged(&described, ProbeName::Destination, records);
        assert_eq!(of(json!([])), Ok(()));
        assert_eq!(of(json!([{ "id": 1 }, { "id": "b" }])), Ok(()));
        insta::assert_snapshot!(
            of(json!([{ "id": 1 }, { "idd": 2, "body": "x" }])).unwrap_err(),
            @r#"the subject's description says `key = "id"` of the probe `destination`, and 1 of 2 records have no text or number there; they have: body, id, idd. Mend it in [subject.NAME.probe.destination]"#
        );
        assert!(of(json!([{}])).unwrap_err().contains("they have: no field at all"));
    }

    #[test]
    fn other_probes_have_their_field_in_some_record() {
        let described = json!({ "runs": { "get": "/runs", "state": "status" }, "holds": { "get": "/holds", "key": "id" } });
        let runs = |records| judged(&described, ProbeName::Runs, records);
        assert_eq!(runs(json!([{ "status": "done" }, {}])), Ok(()));
        assert!(
            runs(json!([{ "state": "done" }]))
                .unwrap_err()
                .contains("`state = \"status\"` of the probe `runs`")
        );
        assert_eq!(judged(&described, ProbeName::Holds, json!([{ "id": null }])), Ok(()), "held as a whole");
    }
}
