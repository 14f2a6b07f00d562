//! `destination`: what reached the place that the integration writes to.

use super::{Judge, nearest};
use crate::file::{Counts, DestinationExpected, SameAs};
use crate::observed::{Context, is_nowhere, keys, text_of};
use crate::wording::{brief, some_of};
use counterpart_subject::ProbeName;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn judge(expected: &DestinationExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let context = judge.context;
    let Some((probe, records)) = context.probe(ProbeName::Destination) else { return };
    let found = records.len();
    if !counts.hold(found) {
        let records = if found == 1 { "record is" } else { "records are" };
        let message = format!("{found} {records} in the destination");
        judge.broken(message, counts.words(), found.to_string(), vec![]);
    }
    for wanted in &expected.records {
        let matcher = wanted.0.filled(&context.observed.names);
        if !records.iter().any(|record| matcher.fits(Some(record))) {
            let message = "no record of the destination is as it must be";
            judge.broken(message, matcher.words(), nearest(&matcher, records), vec![]);
        }
    }
    if let Some(field) = &expected.unique_by {
        if is_nowhere(records, field) {
            let actual = format!("none of {} records has it", records.len());
            judge.broken(format!("no record has `{field}`"), format!("each `{field}` once"), actual, vec![]);
        }
        let twice = repeated(&keys(records, field));
        if !twice.is_empty() {
            let message = format!("records are there more than once by `{field}`");
            judge.broken(message, format!("each `{field}` once"), some_of(&twice), vec![]);
        }
    }
    let happy = &probe.comparable(context.happy_destination().unwrap_or(records))[..];
    let records = &probe.comparable(records)[..];
    if let Some(fewer) = expected.fewer_than_happy_path {
        let wanted = happy.len().saturating_sub(fewer);
        let foreign: Vec<String> =
            records.iter().filter(|record| !happy.contains(record)).map(brief).collect();
        if records.len() != wanted || !foreign.is_empty() {
            let actual =
                format!("{} records, {} of them not as on the happy path", records.len(), foreign.len());
            judge.broken(
                "the destination is not what is left of the happy path",
                format!("{wanted} records"),
                actual,
                vec![],
            );
        }
    }
    if expected.same_as == Some(SameAs::HappyPathOrHeld) {
        let difference = difference_but_held(context, happy, records, probe.key.as_deref());
        if let Some(actual) = difference {
            let message = "the destination is not what the same steps bring without faults, and what differs is not held";
            let expected = format!("the same {} records, or some of them held and told of", happy.len());
            judge.broken(message, expected, actual, vec![]);
        }
    }
    if expected.same_as == Some(SameAs::HappyPath) {
        let difference = difference(happy, records, probe.key.as_deref());
        if let Some(actual) = difference {
            let message = "the destination is not what the same steps bring without faults";
            judge.broken(message, format!("the same {} records", happy.len()), actual, vec![]);
        }
    }
}

/// How two lists of records differ, apart from records that are held while somebody was told. A hold without a key holds
/// a whole run: with it everything that the run did not bring. So does the exit code of a batch.
fn difference_but_held(
    context: &Context<'_>,
    happy: &[Value],
    records: &[Value],
    key: Option<&str>,
) -> Option<String> {
    let alerts = context.probe(ProbeName::Alerts).map_or(0, |(_, alerts)| alerts.len());
    let holds = context.probe(ProbeName::Holds).filter(|_| alerts > 0);
    let held_key = holds.and_then(|(probe, _)| probe.key.as_deref()).unwrap_or("key");
    let held = holds.map_or(&[][..], |(_, held)| held);
    let all_is_held =
        context.observed.last_run_failed() || held.iter().any(|hold| text_of(hold, held_key).is_none());
    let held_keys = keys(held, held_key);
    let key_of = |record: &Value| key.and_then(|key| text_of(record, key));
    let is_held = |record: &Value| {
        let key = key_of(record);
        let is_there = records.iter().any(|written| key.is_some() && key_of(written) == key);
        !is_there && (all_is_held || key.is_some_and(|key| held_keys.contains(&key)))
    };
    let wanted: Vec<Value> = happy.iter().filter(|record| !is_held(record)).cloned().collect();
    difference(&wanted, records, key)
}

fn repeated(keys: &[String]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    keys.iter().for_each(|key| *counts.entry(key).or_default() += 1);
    let twice: BTreeSet<&str> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(key, _)| key).collect();
    twice.into_iter().map(str::to_owned).collect()
}

/// How two lists of records differ, whatever their order; nothing where they do not.
fn difference(happy: &[Value], records: &[Value], key: Option<&str>) -> Option<String> {
    let name = |record: &Value| key.and_then(|key| text_of(record, key)).unwrap_or_else(|| brief(record));
    let count = |records: &[Value]| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        records.iter().for_each(|record| *counts.entry(record.to_string()).or_default() += 1);
        counts
    };
    let (wanted, found) = (count(happy), count(records));
    let over = |records: &[Value], own: &HashMap<String, usize>, other: &HashMap<String, usize>| {
        let is_over =
            |record: &&Value| own[&record.to_string()] > other.get(&record.to_string()).copied().unwrap_or(0);
        let names: BTreeSet<String> = records.iter().filter(is_over).map(name).collect();
        names.into_iter().collect::<Vec<_>>()
    };
    let missing = over(happy, &wanted, &found);
    let surplus = over(records, &found, &wanted);
    (!missing.is_empty() || !surplus.is_empty()).then(|| {
        let fields = match key {
            Some(key) if missing == surplus => fields_that_differ(happy, records, key),
            _ => Vec::new(),
        };
        if fields.is_empty() {
            return format!(
                "{} records; missing or different: {}; too many or different: {}",
                records.len(),
                some_of(&missing),
                some_of(&surplus)
            );
        }
        format!(
            "{} of {} records are different: {}; they differ in {}; what differs from run to run belongs in the \
             probe's `varies`",
            missing.len(),
            records.len(),
            some_of(&missing),
            some_of(&fields)
        )
    })
}

/// The fields in which records of the same key differ, each with the first two values.
fn fields_that_differ(happy: &[Value], records: &[Value], key: &str) -> Vec<String> {
    let by_key: HashMap<String, &Value> =
        happy.iter().filter_map(|record| Some((text_of(record, key)?, record))).collect();
    let pairs = records.iter().filter_map(|record| Some((*by_key.get(&text_of(record, key)?)?, record)));
    let mut fields: BTreeMap<&String, (&Value, &Value)> = BTreeMap::new();
    for (was, is) in pairs.filter_map(|(was, is)| Some((was.as_object()?, is.as_object()?))) {
        for name in was.keys().chain(is.keys()) {
            let [was, is] = [was, is].map(|record| record.get(name).unwrap_or(&Value::Null));
            if was != is {
                fields.entry(name).or_insert((was, is));
            }
        }
    }
    let told = |(name, (was, is)): (&String, (&Value, &Value))| {
        format!("`{name}` ({} without faults, {} here)", brief(was), brief(is))
    };
    fields.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_does_not_matter_and_number_does() {
        let [a, b] = [json!({"id": "a", "v": 1}), json!({"id": "b", "v": 1})];
        assert_eq!(difference(&[a.clone(), b.clone()], &[b.clone(), a.clone()], Some("id")), None);
        let twice = difference(std::slice::from_ref(&a), &[a.clone(), a.clone()], Some("id")).unwrap();
        assert!(twice.ends_with("too many or different: a"), "{twice}");
        let changed = difference(&[a], &[json!({"id": "a", "v": 2})], Some("id")).unwrap();
        assert!(
            changed.starts_with(
                "1 of 1 records are different: a; they differ in `v` (1 without faults, 2 here);"
            ),
            "{changed}"
        );
        assert_eq!(repeated(&["x".into(), "y".into(), "x".into()]), ["x"]);
    }
}
