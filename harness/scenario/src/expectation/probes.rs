//! `probe`: what some record of any probe shows.

use super::{Judge, nearest};
use crate::file::{Counts, ProbeExpected};

pub(super) fn judge(expected: &ProbeExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let Some((_, records)) = judge.context.probe(expected.name) else { return };
    let matcher = expected.record.0.filled(&judge.context.observed.names);
    let fits = records.iter().filter(|record| matcher.fits(Some(record))).count();
    let is_some = counts.is_empty();
    if if is_some { fits > 0 } else { counts.hold(fits) } {
        return;
    }
    let asked = matcher.words();
    let wanted = match is_some {
        true => format!("a record with {asked}"),
        false => format!("{} records with {asked}", counts.words()),
    };
    let actual = match fits {
        0 => nearest(&matcher, records),
        fits => format!("{fits} of {}", records.len()),
    };
    judge.broken(format!("the probe `{}` does not show it", expected.name.word()), wanted, actual, vec![]);
}
