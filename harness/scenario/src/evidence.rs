//! What an attempt shows that its verdict does not tell: whether something was tried at all.

use crate::observed::{Context, is_failure, keys};
use counterpart_outcome::Evidence;
use counterpart_stand_in::Seen;
use counterpart_subject::ProbeName;
use std::collections::HashSet;

/// The faults after which a record must not be written as it came.
const INVALID: [&str; 4] = ["missing_field", "empty_field", "null_field", "wrong_type"];

pub(crate) fn of(context: &Context<'_>) -> Evidence {
    let counted = |wanted: fn(&Seen) -> bool| {
        let seen = context.observed.seen.iter().filter(|seen| wanted(seen));
        u64::try_from(seen.count()).unwrap_or(u64::MAX)
    };
    Evidence {
        failed_calls: counted(is_failure),
        invalid_answers: counted(|seen| seen.fault.is_some_and(|fault| INVALID.contains(&fault))),
        is_whole: is_whole(context),
    }
}

/// Whether all that the happy path brings is there, and nothing is held.
fn is_whole(context: &Context<'_>) -> Option<bool> {
    let destinations = context.destinations().ok().filter(|found| !found.happy.is_empty())?;
    let arrived: HashSet<String> = keys(destinations.records, destinations.key).into_iter().collect();
    let nothing_held = context.probe(ProbeName::Holds).is_none_or(|(_, holds)| holds.is_empty());
    let all_there = keys(destinations.happy, destinations.key).iter().all(|key| arrived.contains(key));
    Some(nothing_held && all_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_stand_in::Fault;

    #[test]
    fn each_name_is_that_of_a_fault() {
        for name in INVALID {
            assert!(Fault::ALL.iter().any(|fault| fault.name == name), "{name}");
        }
    }
}
