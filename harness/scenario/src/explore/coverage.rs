//! What was covered: exchanges and faults that met, pairs that met, mixes that were played.

use super::case::{Case, Stage, place_of};
use super::judgement::Judged;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// How far a stage came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageCoverage {
    /// `singles`, `pairs` or `mixes`.
    pub stage: &'static str,
    /// Cases that were played.
    pub played: usize,
    /// Cases that there are; none where they have no end.
    pub planned: Option<usize>,
    /// Cases that kept every promise.
    pub kept: usize,
    /// Cases in which a fault had no occasion to strike.
    pub without_occasion: usize,
    /// Cases that broke a promise.
    pub broken: usize,
    /// Cases that could not be judged.
    pub unjudged: usize,
}

impl StageCoverage {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            stage: stage.word(),
            played: 0,
            planned: None,
            kept: 0,
            without_occasion: 0,
            broken: 0,
            unjudged: 0,
        }
    }

    pub(super) fn count(&mut self, judged: &Judged) {
        match judged {
            Judged::NotBegun | Judged::CutShort => return,
            Judged::Kept => self.kept += 1,
            Judged::NoOccasion => self.without_occasion += 1,
            Judged::Broken(_) => self.broken += 1,
            Judged::Unjudged(_) => self.unjudged += 1,
        }
        self.played += 1;
    }
}

/// Places and kinds of faults that met in the first stage and had an effect.
#[derive(Debug, Default)]
pub(super) struct Grid {
    met: BTreeSet<(String, &'static str)>,
    planned: BTreeSet<(String, &'static str)>,
    struck: BTreeSet<&'static str>,
}

impl Grid {
    pub(super) fn plan(&mut self, cases: &[Case]) {
        for fault in cases.iter().flat_map(|case| &case.faults) {
            self.planned.insert((place_of(&fault.at), fault.inject.name()));
        }
    }

    pub(super) fn note(&mut self, case: &Case, judged: &Judged) {
        if !matches!(judged, Judged::Kept | Judged::Broken(_)) {
            return;
        }
        for fault in &case.faults {
            self.met.insert((place_of(&fault.at), fault.inject.name()));
            self.struck.insert(fault.inject.name());
        }
    }

    /// How many of the grid's fields were covered, and how many there are.
    pub(super) fn covered(&self) -> (usize, usize) {
        (self.met.intersection(&self.planned).count(), self.planned.len())
    }

    /// The kinds of faults that struck at least once.
    pub(super) fn struck(&self) -> usize {
        self.struck.len()
    }

    /// Whether this kind had an effect at this place.
    pub(super) fn has(&self, place: &str, kind: &'static str) -> bool {
        self.met.contains(&(place.to_owned(), kind))
    }
}
