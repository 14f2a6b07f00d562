//! `probe`: what some record of any probe shows.

use super::Judge;
use crate::file::ProbeExpected;
use crate::wording::brief;
use serde_json::Value;

pub(super) fn judge(expected: &ProbeExpected, judge: &mut Judge<'_, '_>) {
    let Some((_, records)) = judge.context.probe(expected.name) else { return };
    let fits = records.iter().filter(|record| has(record, expected)).count();
    let holds = expected.count.map_or(fits > 0, |count| fits == count);
    if holds {
        return;
    }
    let asked = brief(&expected.record.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
    let wanted = match expected.count {
        Some(count) => format!("{count} records with {asked}"),
        None => format!("a record with {asked}"),
    };
    // The record that has the most of it tells best what is wrong.
    let near = records.iter().max_by_key(|record| matched(record, expected)).map_or_else(
        || "no record at all".to_owned(),
        |record| format!("{fits} of {}; the nearest: {}", records.len(), brief(record)),
    );
    judge.broken(format!("the probe `{}` does not show it", expected.name.word()), wanted, near, vec![]);
}

fn has(record: &Value, expected: &ProbeExpected) -> bool {
    matched(record, expected) == expected.record.len()
}

/// How many of the fields are as they must be.
fn matched(record: &Value, expected: &ProbeExpected) -> usize {
    let is_so =
        |(name, value): &(&String, &Value)| record.get(name.as_str()).unwrap_or(&Value::Null) == *value;
    expected.record.iter().filter(is_so).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_subject::ProbeName;
    use serde_json::json;

    fn expected(record: Value) -> ProbeExpected {
        ProbeExpected { name: ProbeName::Log, record: serde_json::from_value(record).unwrap(), count: None }
    }

    #[test]
    fn a_record_has_each_field_or_does_not_fit() {
        let record = json!({"event": "refreshed", "left": 3});
        assert!(has(&record, &expected(json!({"event": "refreshed"}))));
        assert!(has(&record, &expected(json!({"event": "refreshed", "gone": null}))));
        assert!(!has(&record, &expected(json!({"event": "refreshed", "left": 4}))));
        assert!(!has(&record, &expected(json!({"event": null}))));
    }
}
