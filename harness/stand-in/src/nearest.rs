//! Why a request fits nothing: the recorded request that comes nearest, and how the two differ.

use crate::key::RequestKey;
use crate::matching::Entry;
use counterpart_exchange::protocol::parts_of_key;
use counterpart_exchange::{OperationName, ProviderProfile};

/// Entries compared at most: an unmatched request must not cost a scan of whatever somebody recorded.
const MAX_COMPARED: usize = 20_000;
/// Of them, those whose bodies are compared as well.
const MAX_BODIES_COMPARED: usize = 200;
/// Characters of a path, a value or a body that are shown: a request may be of any size.
const MAX_CHARS: usize = 160;
/// Query fields that are compared and shown.
const MAX_FIELDS: usize = 32;

/// A sentence about the nearest miss.
pub(crate) fn nearest_miss<'a>(
    key: &RequestKey,
    operation: &OperationName,
    entries: impl Iterator<Item = &'a Entry>,
    profile: &ProviderProfile,
) -> String {
    let mut by_head: Vec<(usize, &Entry, RequestKey)> = entries
        .take(MAX_COMPARED)
        .map(|entry| {
            let head = RequestKey::without_body(entry.method.as_str(), &entry.target, profile);
            (head_distance(key, operation, &head, &entry.operation), entry, head)
        })
        .collect();
    by_head.sort_by_key(|(distance, ..)| *distance);
    let nearest = by_head
        .into_iter()
        .take(MAX_BODIES_COMPARED)
        .map(|(distance, entry, _)| {
            let recorded = RequestKey::of(&entry.request(), profile);
            (distance + body_distance(key, &recorded), entry, recorded)
        })
        .min_by_key(|(distance, ..)| *distance);
    match nearest {
        None => "the fixture holds no exchange at all".to_owned(),
        Some((_, entry, recorded)) => {
            format!("nearest is {}: {}", entry.name, differences(key, &recorded).join("; "))
        }
    }
}

/// A sentence about a request whose recorded answers are used up.
pub(crate) fn exhausted(last: &Entry) -> String {
    format!(
        "nearest is {}: it is the same, but every recorded answer was given already, and {} is not safe to repeat (if it only reads, name its operation under `reads` in the provider profile)",
        last.name, last.method
    )
}

/// How far apart two requests are: another operation weighs more than any body, another method more yet.
fn head_distance(
    sent: &RequestKey,
    operation: &OperationName,
    recorded: &RequestKey,
    recorded_operation: &OperationName,
) -> usize {
    let (fields, recorded_fields) = (first_fields(sent), first_fields(recorded));
    let query = fields.iter().filter(|field| !recorded_fields.contains(field)).count()
        + recorded_fields.iter().filter(|field| !fields.contains(field)).count();
    usize::from(sent.method != recorded.method) * 50
        + usize::from(operation != recorded_operation) * 20
        + apart(&sent.path, &recorded.path).min(200)
        + query * 3
}

fn body_distance(sent: &RequestKey, recorded: &RequestKey) -> usize {
    match (&sent.body, &recorded.body) {
        (Some(sent), Some(recorded)) => apart(sent, recorded).min(19),
        _ => 0,
    }
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
        && let (Some(sent), Some(recorded)) = (parts_of_key(sent), parts_of_key(recorded))
    {
        differences_of_calls(&sent, &recorded, &mut all);
    } else if let (Some(sent), Some(recorded)) = (&sent.body, &recorded.body)
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

/// How two calls at one endpoint differ: part by part, as `variable "first"` or `parameter 1`.
fn differences_of_calls(sent: &[(&str, &str)], recorded: &[(&str, &str)], all: &mut Vec<String>) {
    let value_of = |parts: &[(&str, &str)], wanted: &str| {
        parts.iter().find(|(label, _)| *label == wanted).map(|(_, value)| (*value).to_owned())
    };
    for (label, value) in sent.iter().take(MAX_FIELDS) {
        match value_of(recorded, label) {
            None => all.push(format!("the {} was not recorded", short(label))),
            Some(old) if old != *value => {
                let (value, old) = around_difference(value, &old);
                all.push(format!("the {} is {value}, recorded {old}", short(label)));
            }
            Some(_) => {}
        }
    }
    for (label, value) in recorded.iter().take(MAX_FIELDS) {
        if value_of(sent, label).is_none() {
            all.push(format!("the {} is missing, recorded {}", short(label), short(value)));
        }
    }
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
    // A call that is compared with what is none.
    if let Some(parts) = parts_of_key(body) {
        return parts.iter().map(|(label, value)| format!("{label} {value}")).collect::<Vec<_>>().join(", ");
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
