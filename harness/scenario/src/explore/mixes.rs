//! The third stage: whatever chance puts together, without end.
//!
//! Several faults, triggers that come again, webhooks of the fixtures in between, restarts, kills and jumps of the clock.
//! A kill comes only when nothing moves but what is waited for, so that it strikes at the same point each time; a fault
//! that makes an answer late opens that window in the middle of a call.

use super::atoms::Atom;
use super::case::{Case, Stage, settle};
use super::chance::Chance;
use crate::file::{Nothing, Step};
use counterpart_stand_in::Times;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

/// Shapes of steps: see [`shaped`].
pub(super) const SHAPES: usize = 7;
/// The shape in which nothing comes to its end before the next act.
pub(super) const TOGETHER: usize = 6;
/// So many faults at most.
const MOST_FAULTS: usize = 5;
/// Jumps of the clock, in seconds.
const JUMPS_S: [i64; 8] = [0, 1, 2, 11, 60, 600, 7_200, 93_600];

/// The happy path's steps in one of a few shapes.
pub(super) fn shaped(happy: &[Step], shape: usize) -> Vec<Step> {
    let acts = happy.iter().filter(|step| is_act(step));
    let mut steps = Vec::new();
    for act in acts {
        steps.push(act.clone());
        match shape {
            1 => steps.extend([settle(), act.clone()]),
            2 => steps.extend([advance(0), act.clone()]),
            3 => steps.extend([advance(1), Step::Restart(Nothing {})]),
            4 => steps.extend([advance(2), Step::Kill(Nothing {})]),
            5 => steps.extend([advance(3_600), act.clone(), advance(60), Step::Kill(Nothing {})]),
            _ => {}
        }
        steps.push(if shape == TOGETHER { advance(0) } else { settle() });
    }
    if shape == TOGETHER {
        steps.push(settle());
    }
    steps
}

fn advance(seconds: i64) -> Step {
    Step::Advance { by: SignedDuration::from_secs(seconds) }
}

fn is_act(step: &Step) -> bool {
    matches!(step, Step::Trigger(_) | Step::Call { .. } | Step::Webhook { .. })
}

/// Draws cases without end.
pub(super) struct Mixes<'a> {
    atoms: &'a [Atom],
    /// What is done, webhooks of the fixtures included.
    acts: Vec<Step>,
    chance: Chance,
    /// Whether the subject can be stopped and started, and its clock be moved.
    can_end: bool,
    can_jump: bool,
}

impl<'a> Mixes<'a> {
    pub(super) fn new(
        atoms: &'a [Atom],
        happy: &[Step],
        webhooks: Vec<Step>,
        seed: u64,
        (can_end, can_jump): (bool, bool),
    ) -> Self {
        let acts = happy.iter().filter(|step| is_act(step)).cloned().chain(webhooks).collect();
        Self { atoms, acts, chance: Chance::of(seed, 3), can_end, can_jump }
    }

    fn faults(&mut self) -> Vec<counterpart_stand_in::PlannedFault> {
        let count = 1 + self.chance.below(MOST_FAULTS);
        let mut faults = Vec::new();
        for _ in 0..count {
            let Some(atom) = self.chance.one_of(self.atoms) else { break };
            let times = match self.chance.below(10) {
                0 => Times::Always,
                1 | 2 => Times::Count(3),
                3 | 4 => Times::Count(2),
                _ => Times::Count(1),
            };
            // A webhook that a fault sends again and again for good would never end.
            let times = if atom.is_webhook() { Times::Count(1) } else { times };
            faults.push(atom.planned(times));
        }
        faults
    }

    fn steps(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for act in self.acts.clone() {
            steps.push(act.clone());
            self.pause(&mut steps);
            if self.chance.one_in(3) {
                steps.push(act);
                self.pause(&mut steps);
            }
        }
        steps.push(settle());
        if self.chance.one_in(3)
            && let Some(again) = self.chance.one_of(&self.acts).cloned()
        {
            steps.extend([again, settle()]);
        }
        steps
    }

    /// What comes between two acts.
    fn pause(&mut self, steps: &mut Vec<Step>) {
        if !self.can_jump {
            steps.push(settle());
            return;
        }
        let jump = self.chance.one_of(&JUMPS_S).copied().unwrap_or_default();
        let pause = match self.chance.below(4) {
            0 => settle(),
            _ => advance(jump),
        };
        steps.push(pause);
        if self.can_end && self.chance.one_in(4) {
            let end = if self.chance.one_in(2) { Step::Kill(Nothing {}) } else { Step::Restart(Nothing {}) };
            steps.push(end);
        }
    }
}

impl Iterator for Mixes<'_> {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        let (faults, steps) = (self.faults(), self.steps());
        let (records, meets) = (BTreeMap::new(), BTreeSet::new());
        (!faults.is_empty()).then_some(Case { stage: Stage::Mixes, faults, steps, records, meets })
    }
}
