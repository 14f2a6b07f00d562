//! The first stage: every fault at every place, once, several times and always.

use super::atoms::Atom;
use super::case::{Case, Stage};
use super::chance::Chance;
use super::mixes::{TOGETHER, shaped};
use crate::file::Step;
use counterpart_stand_in::{FaultSite, Times};
use std::collections::{BTreeMap, BTreeSet};

/// So often is several times: more than the failures after which people are told.
const SEVERAL: u64 = 4;

/// How often a fault strikes, in the order in which it is tried.
pub(super) const TIMES: [Times; 3] = [Times::Count(1), Times::Count(SEVERAL), Times::Always];

/// The cases: once, several times and always in turn, each in an order that chance decides, so that the first of them show a
/// bit of everything.
///
/// What a provider sends late meets what it sends next only where nobody waits for it: webhooks are let come together.
pub(super) fn cases(atoms: &[Atom], happy: &[Step], seed: u64) -> Vec<Case> {
    let together = shaped(happy, TOGETHER);
    let steps_for = |atom: &Atom| if atom.is_webhook() { together.clone() } else { happy.to_vec() };
    let mut chance = Chance::of(seed, 1);
    let mut of_times = TIMES.map(|times| {
        let mut cases: Vec<Case> = atoms
            .iter()
            .filter(|atom| makes_sense(atom, times))
            .map(|atom| Case {
                stage: Stage::Singles,
                faults: vec![atom.planned(times)],
                steps: steps_for(atom),
                records: BTreeMap::new(),
                meets: BTreeSet::new(),
            })
            .collect();
        chance.shuffle(&mut cases);
        cases.into_iter()
    });
    let mut cases = Vec::new();
    loop {
        let before = cases.len();
        cases.extend(of_times.iter_mut().filter_map(Iterator::next));
        if cases.len() == before {
            return cases;
        }
    }
}

/// An operation is struck once where one of its exchanges is: as a place of its own it is worth trying for good.
fn makes_sense(atom: &Atom, times: Times) -> bool {
    match atom.at {
        FaultSite::Request { .. } => times != Times::Count(1),
        FaultSite::Connection(_) => times == Times::Count(1),
        FaultSite::Webhook(_) => times != Times::Count(SEVERAL),
        FaultSite::Exchange(_) => true,
    }
}
