//! A case: faults and steps, nothing else. Where it comes from is told by its stage.

use crate::file::{Location, Settle, Spanned, Step};
use counterpart_stand_in::{FaultSite, PlannedFault, Times, WebhookSelector};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a case comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One fault at one place.
    Singles,
    /// Two faults that were chosen so that every two things meet.
    Pairs,
    /// Whatever chance puts together.
    Mixes,
}

impl Stage {
    /// All, in the order in which they are played.
    pub const ALL: [Self; 3] = [Self::Singles, Self::Pairs, Self::Mixes];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Singles => "singles",
            Self::Pairs => "pairs",
            Self::Mixes => "mixes",
        }
    }
}

/// Faults and steps.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) stage: Stage,
    pub(super) faults: Vec<PlannedFault>,
    pub(super) steps: Vec<Step>,
    /// Of the pages of these exchanges, the places of the records that are played, counted from 1.
    pub(super) records: BTreeMap<String, Vec<usize>>,
    /// The values that meet in it, in the second stage.
    pub(super) meets: BTreeSet<Meeting>,
}

/// Two values of two factors, the lower first.
pub(super) type Meeting = (usize, usize);

impl Case {
    /// The steps as a scenario has them; they stand in no file.
    pub(super) fn spanned_steps(&self) -> Vec<Spanned<Step>> {
        self.steps.iter().cloned().map(nowhere).collect()
    }

    /// The kinds of its faults, each once, in order.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<&'static str> = self.faults.iter().map(|fault| fault.inject.name()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Whether a step ends the subject.
    pub(super) fn ends_the_subject(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Restart(_) | Step::Kill(_)))
    }
}

/// A value that stands in no file.
pub(super) fn nowhere<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN)
}

/// Lets time run until nothing more happens.
pub(super) fn settle() -> Step {
    Step::Settle(Settle::default())
}

/// A fault on one line, as on the command line where it has such a spelling.
pub(super) struct Told<'a>(pub(super) &'a PlannedFault);

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PlannedFault { at, times, inject } = self.0;
        formatter.write_str(inject.name())?;
        // An enum of ours is externally tagged: its parameters stand under its name.
        let parameters = serde_json::to_value(inject).ok();
        let parameters = parameters.as_ref().and_then(|tagged| tagged.get(inject.name()));
        if let Some(parameters) =
            parameters.filter(|given| given.as_object().is_some_and(|map| !map.is_empty()))
        {
            write!(formatter, "{parameters}")?;
        }
        write!(formatter, "@{}", place_of(at))?;
        match times {
            Times::Count(1) => Ok(()),
            Times::Count(count) => write!(formatter, "*{count}"),
            Times::Always => formatter.write_str("*always"),
        }
    }
}

/// A place in a word.
pub(super) fn place_of(at: &FaultSite) -> String {
    match at {
        FaultSite::Exchange(exchange) => exchange.clone(),
        FaultSite::Request { to, nth: None } => to.to_string(),
        FaultSite::Request { to, nth: Some(nth) } => format!("{to} number {nth}"),
        FaultSite::Connection(number) => format!("connection:{number}"),
        FaultSite::Webhook(WebhookSelector::Exchange(exchange)) => format!("webhook:{exchange}"),
        FaultSite::Webhook(WebhookSelector::Operation(operation)) => format!("webhook:{operation}"),
    }
}
