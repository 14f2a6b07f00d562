//! The second stage: two faults at once, so chosen that every two things meet in some case.
//!
//! A case has six factors: two kinds of faults, their two places, how often they strike, and a shape of steps. To play
//! all combinations would take years; that every *pair* of values occurs takes some thousand cases. They are chosen
//! greedily: of several candidates that chance draws around a pair that is still missing, the one that covers most new
//! pairs (the idea is that of AETG: Cohen, Dalal, Fredman and Patton 1997).

use super::atoms::Atom;
use super::case::{Case, Meeting, Stage, place_of};
use super::chance::Chance;
use super::mixes::{SHAPES, shaped};
use super::singles::TIMES;
use crate::file::Step;
use std::collections::{BTreeMap, BTreeSet};

/// Candidates of which the best is taken.
const CANDIDATES: usize = 16;

/// A value of a factor: kinds first, then places, times and shapes.
type Value = usize;

/// Two faults, how often they strike, and the shape of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    first: usize,
    second: usize,
    times: usize,
    shape: usize,
}

/// Draws cases until every pair has met.
pub(super) struct Pairs<'a> {
    atoms: &'a [Atom],
    happy: &'a [Step],
    /// Kind and place of each atom.
    values: Vec<(Value, Value)>,
    /// The atoms of each kind, and of each place.
    with: BTreeMap<Value, Vec<usize>>,
    times_from: Value,
    shapes_from: Value,
    missing: BTreeSet<Meeting>,
    total: usize,
    chance: Chance,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(atoms: &'a [Atom], happy: &'a [Step], seed: u64) -> Self {
        let kinds = numbered(atoms.iter().map(|atom| atom.fault.name().to_owned()), 0);
        let places = numbered(atoms.iter().map(|atom| place_of(&atom.at)), kinds.len());
        let values: Vec<(Value, Value)> =
            atoms.iter().map(|atom| (kinds[atom.fault.name()], places[&place_of(&atom.at)])).collect();
        let mut with: BTreeMap<Value, Vec<usize>> = BTreeMap::new();
        for (index, (kind, place)) in values.iter().enumerate() {
            with.entry(*kind).or_default().push(index);
            with.entry(*place).or_default().push(index);
        }
        let times_from = kinds.len() + places.len();
        let shapes_from = times_from + TIMES.len();
        let mut pairs = Self {
            atoms,
            happy,
            values,
            with,
            times_from,
            shapes_from,
            missing: BTreeSet::new(),
            total: 0,
            chance: Chance::of(seed, 2),
        };
        pairs.missing = pairs.all(kinds.len(), places.len());
        pairs.total = pairs.missing.len();
        pairs
    }

    /// Every pair of values that some case can have.
    fn all(&self, kinds: usize, places: usize) -> BTreeSet<Meeting> {
        let mut all = BTreeSet::new();
        let faults = kinds + places;
        let steps = self.shapes_from + SHAPES;
        for one in 0..faults {
            // Kinds with kinds and places with places: one of each fault. Kinds with places too.
            all.extend((one..faults).map(|other| (one, other)));
            all.extend((self.times_from..steps).map(|other| (one, other)));
        }
        for times in self.times_from..self.shapes_from {
            all.extend((self.shapes_from..steps).map(|shape| (times, shape)));
        }
        all
    }

    /// How many pairs there are.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    fn drawn(&mut self, (one, other): (Value, Value)) -> Option<Row> {
        let is_fault = |value: Value| value < self.times_from;
        let pick = |chance: &mut Chance, value: Value, with: &BTreeMap<Value, Vec<usize>>| {
            with.get(&value).and_then(|atoms| chance.one_of(atoms)).copied()
        };
        let anything = self.chance.below(self.atoms.len());
        let first = if is_fault(one) { pick(&mut self.chance, one, &self.with)? } else { anything };
        let anything = self.chance.below(self.atoms.len());
        let second = if is_fault(other) { pick(&mut self.chance, other, &self.with)? } else { anything };
        let given = |from: Value, count: usize| {
            [one, other]
                .into_iter()
                .find(|value| (from..from + count).contains(value))
                .map(|value| value - from)
        };
        let times = given(self.times_from, TIMES.len()).unwrap_or_else(|| self.chance.below(TIMES.len()));
        let shape = given(self.shapes_from, SHAPES).unwrap_or_else(|| self.chance.below(SHAPES));
        Some(Row { first, second, times, shape })
    }

    fn pairs_of(&self, row: Row) -> BTreeSet<Meeting> {
        let ((kind_a, place_a), (kind_b, place_b)) = (self.values[row.first], self.values[row.second]);
        let steps = [self.times_from + row.times, self.shapes_from + row.shape];
        let values = [kind_a, kind_b, place_a, place_b, steps[0], steps[1]];
        let mut pairs = BTreeSet::new();
        for (index, one) in values.iter().enumerate() {
            pairs.extend(values[index + 1..].iter().map(|other| (*one.min(other), *one.max(other))));
        }
        pairs
    }
}

impl Iterator for Pairs<'_> {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        if self.atoms.is_empty() {
            return None;
        }
        let wanted = *self.missing.first()?;
        let mut best: Option<(usize, Row)> = None;
        for _ in 0..CANDIDATES {
            let Some(row) = self.drawn(wanted) else { continue };
            let new = self.pairs_of(row).iter().filter(|pair| self.missing.contains(pair)).count();
            if best.is_none_or(|(most, _)| new > most) {
                best = Some((new, row));
            }
        }
        self.missing.remove(&wanted);
        let (_, row) = best?;
        let meets = self.pairs_of(row);
        self.missing.retain(|pair| !meets.contains(pair));
        let times = TIMES[row.times];
        let faults = vec![self.atoms[row.first].planned(times), self.atoms[row.second].planned(times)];
        let steps = shaped(self.happy, row.shape);
        Some(Case { stage: Stage::Pairs, faults, steps, records: BTreeMap::new(), meets })
    }
}

fn numbered(names: impl Iterator<Item = String>, from: Value) -> BTreeMap<String, Value> {
    let names: BTreeSet<String> = names.collect();
    names.into_iter().zip(from..).collect()
}
