//! The exchanges around those that a violation names.
//!
//! A scenario may hold thousands; what explains a violation is what it names and what came just before
//! and after. Shared by the formats, which only lay the rows out.

use counterpart_outcome::{Attempt, ExchangeSeen};
use std::collections::HashSet;

/// How many exchanges are shown on either side of one that is named.
const AROUND: usize = 2;

/// A row of an excerpt.
pub(crate) enum Row<'a> {
    /// An exchange.
    Shown { exchange: &'a ExchangeSeen, part: Part },
    /// So many exchanges are left out here.
    LeftOut(usize),
}

/// What an exchange is to the violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It shows the violation.
    Named,
    /// It stands beside one that does.
    Context,
}

/// The named exchanges with their neighbours, in order, at most `limit_rows` of them; empty when none of
/// the named exists.
pub(crate) fn around<'a>(attempt: &'a Attempt, named: &[u64], limit_rows: usize) -> Vec<Row<'a>> {
    let exchanges = &attempt.exchanges;
    let named: HashSet<u64> = named.iter().copied().collect();
    let mut wanted = vec![false; exchanges.len()];
    for (index, exchange) in exchanges.iter().enumerate() {
        if named.contains(&exchange.seq) {
            let end = (index + AROUND + 1).min(exchanges.len());
            wanted[index.saturating_sub(AROUND)..end].fill(true);
        }
    }
    if !wanted.contains(&true) {
        return Vec::new();
    }
    rows(exchanges, &wanted, &named, limit_rows)
}

/// All exchanges, the named ones marked, at most `limit_rows` of them.
pub(crate) fn all<'a>(attempt: &'a Attempt, named: &[u64], limit_rows: usize) -> Vec<Row<'a>> {
    let named = named.iter().copied().collect();
    rows(&attempt.exchanges, &vec![true; attempt.exchanges.len()], &named, limit_rows)
}

fn rows<'a>(
    exchanges: &'a [ExchangeSeen],
    wanted: &[bool],
    named: &HashSet<u64>,
    limit_rows: usize,
) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let (mut shown, mut left_out) = (0, 0);
    for (exchange, wanted) in exchanges.iter().zip(wanted) {
        if !wanted || shown == limit_rows {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            rows.push(Row::LeftOut(std::mem::take(&mut left_out)));
        }
        shown += 1;
        let part = if named.contains(&exchange.seq) { Part::Named } else { Part::Context };
        rows.push(Row::Shown { exchange, part });
    }
    if left_out > 0 {
        rows.push(Row::LeftOut(left_out));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn said(rows: &[Row<'_>]) -> String {
        let word = |row: &Row<'_>| match row {
            Row::Shown { exchange, part: Part::Named } => format!("[{}]", exchange.seq),
            Row::Shown { exchange, part: Part::Context } => exchange.seq.to_string(),
            Row::LeftOut(number) => format!("-{number}-"),
        };
        rows.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn two_before_and_two_after_and_the_gaps_counted() {
        let attempt = sample::attempt_with_exchanges(20);
        assert_eq!(
            said(&around(&attempt, &[8, 10, 18], 99)),
            "-5- 6 7 [8] 9 [10] 11 12 -3- 16 17 [18] 19 20"
        );
        assert_eq!(said(&around(&attempt, &[1], 99)), "[1] 2 3 -17-");
        assert_eq!(said(&around(&attempt, &[8, 18], 4)), "-5- 6 7 [8] 9 -11-");
        assert_eq!(said(&around(&attempt, &[], 99)), "");
        assert_eq!(said(&around(&attempt, &[77], 99)), "");
        assert_eq!(said(&all(&attempt, &[2], 3)), "1 [2] 3 -17-");
    }
}
