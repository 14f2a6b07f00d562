//! Applied once: no record reaches the destination twice.

use super::Finding;
use crate::observed::{Context, NO_RECORD_HAS_ITS_KEY, is_nowhere, keys};
use crate::wording::some_of;
use std::collections::{BTreeSet, HashSet};

pub(super) fn check(context: &Context<'_>) -> Finding {
    let Some((key, records)) = context.destination() else {
        return Finding::NotChecked("the subject has no probe `destination` with a `key`");
    };
    if is_nowhere(records, key) {
        return Finding::NotChecked(NO_RECORD_HAS_ITS_KEY);
    }
    let mut seen = HashSet::new();
    let twice: BTreeSet<String> =
        keys(records, key).into_iter().filter(|value| !seen.insert(value.clone())).collect();
    if twice.is_empty() {
        return Finding::Held;
    }
    let twice: Vec<String> = twice.into_iter().collect();
    Finding::Broken {
        message: format!("{} records are in the destination more than once", twice.len()),
        expected: format!("each {key} once"),
        actual: some_of(&twice),
        exchanges: Vec::new(),
    }
}
