//! Why a request fits nothing: the recorded request that comes nearest, and how the two differ.

use crate::matching::{Entry, RequestKey};
use counterpart_exchange::OperationName;

/// Entries compared at most: the answer to an unmatched request must not cost a scan of a huge fixture.
const MAX_COMPARED: usize = 2_000;

/// A sentence about the nearest miss.
pub(crate) fn nearest_miss(key: &RequestKey, operation: &OperationName, entries: &[Entry]) -> String {
    let scored = entries.iter().take(MAX_COMPARED).map(|entry| (distance(key, operation, entry), entry));
    match scored.min_by_key(|(distance, _)| *distance) {
        None => "the fixture holds no exchange at all".to_owned(),
        Some((_, entry)) => format!("nearest is {}: {}", entry.name, differences(key, &entry.key).join("; ")),
    }
}

fn distance(key: &RequestKey, operation: &OperationName, entry: &Entry) -> usize {
    let path = strsim::levenshtein(&shown(&key.path), &shown(&entry.key.path)).min(200);
    let query = key.query.iter().filter(|field| !entry.key.query.contains(field)).count()
        + entry.key.query.iter().filter(|field| !key.query.contains(field)).count();
    usize::from(key.method != entry.key.method) * 50
        + usize::from(*operation != entry.operation) * 20
        + path
        + query * 3
        + usize::from(key.body != entry.key.body)
}

fn differences(sent: &RequestKey, recorded: &RequestKey) -> Vec<String> {
    let mut all = Vec::new();
    if sent.method != recorded.method {
        all.push(format!("the method is {}, recorded {}", sent.method, recorded.method));
    }
    if sent.path != recorded.path {
        all.push(format!("the path is {}, recorded {}", shown(&sent.path), shown(&recorded.path)));
    }
    for (name, value) in &sent.query {
        match recorded.query.iter().find(|(known, _)| known == name) {
            None => all.push(format!("the query field {name} was not recorded")),
            Some((_, old)) if old != value => {
                all.push(format!("the query field {name} is {value:?}, recorded {old:?}"));
            }
            Some(_) => {}
        }
    }
    for (name, value) in &recorded.query {
        if !sent.query.iter().any(|(known, _)| known == name) {
            all.push(format!("the query field {name} is missing, recorded {value:?}"));
        }
    }
    if sent.body != recorded.body {
        all.push(format!("the body is {}, recorded {}", short(&sent.body), short(&recorded.body)));
    }
    if all.is_empty() {
        all.push(
            "it is the same, but every recorded answer was given already, and the method is not safe"
                .to_owned(),
        );
    }
    all
}

fn shown(path: &str) -> String {
    format!("/{}", path.replace('\u{1f}', "/"))
}

fn short(body: &str) -> String {
    if body.is_empty() {
        return "empty".to_owned();
    }
    let head: String = body.replace('\u{1f}', "=").replace('\u{1e}', "&").chars().take(80).collect();
    if head.len() < body.len() { format!("{head}…") } else { head }
}
