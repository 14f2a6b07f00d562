//! Why a request fits nothing: the recorded request that comes nearest, and how the two differ.

use crate::matching::{Entry, RequestKey};
use counterpart_exchange::OperationName;

/// Entries compared at most: an unmatched request must not cost a scan of whatever somebody recorded.
const MAX_COMPARED: usize = 20_000;
/// Characters of a path, a value or a body that are shown: a request may be of any size.
const MAX_CHARS: usize = 160;
/// Query fields that are compared and shown.
const MAX_FIELDS: usize = 32;

/// A sentence about the nearest miss.
pub(crate) fn nearest_miss(key: &RequestKey, operation: &OperationName, entries: &[Entry]) -> String {
    let scored = entries.iter().take(MAX_COMPARED).map(|entry| (distance(key, operation, entry), entry));
    match scored.min_by_key(|(distance, _)| *distance) {
        None => "the fixture holds no exchange at all".to_owned(),
        Some((_, entry)) => format!("nearest is {}: {}", entry.name, differences(key, &entry.key).join("; ")),
    }
}

/// A sentence about a request whose recorded answers are used up.
pub(crate) fn exhausted(last: &Entry) -> String {
    format!(
        "nearest is {}: it is the same, but every recorded answer was given already, and {} is not safe to repeat",
        last.name, last.key.method
    )
}

/// How far apart two requests are: another operation weighs more than any body, another method more yet.
fn distance(key: &RequestKey, operation: &OperationName, entry: &Entry) -> usize {
    let (sent, recorded) = (first_fields(key), first_fields(&entry.key));
    let query = sent.iter().filter(|field| !recorded.contains(field)).count()
        + recorded.iter().filter(|field| !sent.contains(field)).count();
    let body = match (&key.body, &entry.key.body) {
        (Some(sent), Some(recorded)) => apart(sent, recorded).min(19),
        _ => 0,
    };
    usize::from(key.method != entry.key.method) * 50
        + usize::from(*operation != entry.operation) * 20
        + apart(&key.path, &entry.key.path).min(200)
        + query * 3
        + body
}

/// Bytes between the first and the last in which two texts differ: one pass, unlike an edit distance.
fn apart(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let ahead = same(&mut one.iter().zip(other));
    let behind = same(&mut one[ahead..].iter().rev().zip(other[ahead..].iter().rev()));
    one.len().max(other.len()) - ahead - behind
}

fn differences(sent: &RequestKey, recorded: &RequestKey) -> Vec<String> {
    let mut all = Vec::new();
    if sent.method != recorded.method {
        all.push(format!("the method is {}, recorded {}", sent.method, recorded.method));
    }
    if sent.path != recorded.path {
        let (path, old) = around_difference(&shown(&sent.path), &shown(&recorded.path));
        all.push(format!("the path is {path}, recorded {old}"));
    }
    for (name, value) in first_fields(sent) {
        match recorded.query.iter().find(|(known, _)| known == name) {
            None => all.push(format!("the query field {} was not recorded", short(name))),
            Some((_, old)) if old != value => {
                let (value, old) = around_difference(value, old);
                all.push(format!("the query field {} is {value:?}, recorded {old:?}", short(name)));
            }
            Some(_) => {}
        }
    }
    for (name, value) in first_fields(recorded) {
        if !sent.query.iter().any(|(known, _)| known == name) {
            all.push(format!("the query field {} is missing, recorded {:?}", short(name), short(value)));
        }
    }
    if let (Some(sent), Some(recorded)) = (&sent.body, &recorded.body)
        && sent != recorded
    {
        let (body, old) = around_difference(&shown_body(sent), &shown_body(recorded));
        all.push(format!("the body is {body}, recorded {old}"));
    }
    if all.is_empty() {
        all.push("a query field comes more often in the one than in the other".to_owned());
    }
    all
}

fn first_fields(key: &RequestKey) -> &[(String, String)] {
    &key.query[..key.query.len().min(MAX_FIELDS)]
}

fn shown(path: &str) -> String {
    format!("/{}", path.replace('\u{1f}', "/"))
}

fn shown_body(body: &str) -> String {
    if body.is_empty() {
        return "empty".to_owned();
    }
    body.replace('\u{1f}', "=").replace('\u{1e}', "&")
}

/// Two texts from shortly before the first character in which they differ.
fn around_difference(one: &str, other: &str) -> (String, String) {
    let alike = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let skipped = alike.saturating_sub(MAX_CHARS / 2);
    let cut = |text: &str| {
        let tail: String = text.chars().skip(skipped).collect();
        format!("{}{}", if skipped > 0 { "…" } else { "" }, short(&tail))
    };
    (cut(one), cut(other))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
