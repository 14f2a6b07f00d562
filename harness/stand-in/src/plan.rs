//! The faults of one provider: which strikes a request, a connection or a webhook, and how often each has.

use crate::Fault;
use crate::faults::{AtConnection, Effect};
use crate::planned::{FaultSite, PlannedFault, Times};
use counterpart_exchange::OperationName;

/// A fault that never had an occasion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusedFault {
    /// Its index in the plan.
    pub index: usize,
    /// How often it did strike.
    pub struck: u64,
}

/// A fault of a plan, and what became of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultState {
    /// Its number: it stays while other faults come and go.
    pub number: u64,
    /// The fault with its place.
    pub planned: PlannedFault,
    /// How often it struck.
    pub struck: u64,
    /// Whether it struck less often than planned.
    pub is_unused: bool,
}

/// The faults of one provider, and how often each has struck.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    entries: Vec<Entry>,
    /// How many there ever were: none is numbered like one before.
    numbered: u64,
    /// How many it began with.
    begun_with: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    planned: PlannedFault,
    struck: u64,
    /// Requests so far by the selector of a `nth` fault.
    matched: u64,
    /// Whether nobody listens, or listened, because of it.
    is_shut: bool,
}

/// A fault that strikes now.
#[derive(Debug)]
pub(crate) struct Strike {
    number: u64,
    pub(crate) fault: Fault,
    /// How often it struck before.
    pub(crate) before: u64,
}

impl Plan {
    pub(crate) fn new(faults: Vec<PlannedFault>) -> Self {
        let mut plan = Self::default();
        for planned in faults {
            plan.add(planned);
        }
        plan.begun_with = plan.numbered;
        plan
    }

    /// Puts a fault behind the others; its number.
    pub(crate) fn add(&mut self, planned: PlannedFault) -> u64 {
        self.numbered += 1;
        let number = self.numbered;
        self.entries.push(Entry { number, planned, struck: 0, matched: 0, is_shut: false });
        number
    }

    /// Takes a fault out by its number.
    pub(crate) fn remove(&mut self, number: u64) -> Option<FaultState> {
        let index = self.entries.iter().position(|entry| entry.number == number)?;
        Some(self.entries.remove(index).state())
    }

    /// Takes all faults out; how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.entries).len()
    }

    /// Begins anew with the faults of the beginning, none of which has struck. Numbers are not given twice.
    pub(crate) fn restart(&mut self, faults: &[PlannedFault]) {
        let new = |(number, planned): (u64, &PlannedFault)| Entry {
            number,
            planned: planned.clone(),
            struck: 0,
            matched: 0,
            is_shut: false,
        };
        self.entries = (1..=self.begun_with).zip(faults).map(new).collect();
    }

    /// All faults, in the order in which they are asked.
    pub(crate) fn states(&self) -> Vec<FaultState> {
        self.entries.iter().map(Entry::state).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The fault that strikes this request, if one does. The first in the plan wins.
    pub(crate) fn strike(&mut self, request: &Occasion<'_>) -> Option<Strike> {
        let mut chosen = None;
        for entry in &mut self.entries {
            if !request.fits(&entry.planned.at) {
                continue;
            }
            entry.matched += 1;
            if entry.is_turn() && entry.is_left() && chosen.is_none() {
                chosen = Some(entry.strike());
            }
        }
        chosen
    }

    /// The fault that strikes a webhook, if one does. The first in the plan wins.
    pub(crate) fn strike_webhook(&mut self, exchange: &str, operation: &OperationName) -> Option<Strike> {
        let fits = |entry: &Entry| matches!(&entry.planned.at, FaultSite::Webhook(which) if which.selects(exchange, operation));
        let entry = self.entries.iter_mut().find(|entry| fits(entry) && entry.is_left())?;
        Some(entry.strike())
    }

    /// What the first fault does that strikes the connection of a number, if it is of the kind that is asked for.
    pub(crate) fn strike_connection<T>(
        &mut self,
        number: u64,
        kind: impl FnOnce(AtConnection) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entries.iter_mut().find(|entry| entry.is_at_connection(number))?;
        let effect = entry.planned.inject.at_connection()?;
        // Who is refused is not seen from here: somebody else has to notice.
        let is_seen = !matches!(effect, AtConnection::Refuse(_));
        let effect = kind(effect)?;
        entry.is_shut |= !is_seen;
        entry.struck += u64::from(is_seen);
        Some(effect)
    }

    /// Takes note that somebody was refused while nobody listened.
    pub(crate) fn somebody_was_refused(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.is_shut) {
            entry.struck = entry.struck.max(1);
        }
    }

    /// Whether any of them ends connections before there is a request.
    pub(crate) fn fails_connections(&self) -> bool {
        self.entries.iter().any(|entry| {
            matches!(entry.planned.at, FaultSite::Connection(_))
                || matches!(entry.planned.inject.effect(), Effect::Outage(_))
        })
    }

    /// Takes back the last strike of a fault that came to nothing.
    pub(crate) fn take_back(&mut self, strike: &Strike) {
        // By its number: it may have been taken out meanwhile.
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == strike.number) {
            entry.struck = entry.struck.saturating_sub(1);
        }
    }

    /// How often any fault struck.
    pub(crate) fn strikes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.struck).sum()
    }

    /// The faults that struck less often than planned. One that strikes always must strike once.
    pub(crate) fn unused(&self) -> Vec<UnusedFault> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_unused())
            .map(|(index, entry)| UnusedFault { index, struck: entry.struck })
            .collect()
    }
}

impl Entry {
    fn state(&self) -> FaultState {
        FaultState {
            number: self.number,
            planned: self.planned.clone(),
            struck: self.struck,
            is_unused: self.is_unused(),
        }
    }

    fn is_unused(&self) -> bool {
        match self.planned.times {
            Times::Count(count) => self.struck < count,
            Times::Always => self.struck == 0,
        }
    }

    fn strike(&mut self) -> Strike {
        self.struck += 1;
        Strike { number: self.number, fault: self.planned.inject.clone(), before: self.struck - 1 }
    }

    fn is_at_connection(&self, number: u64) -> bool {
        let FaultSite::Connection(first) = self.planned.at else { return false };
        let repeats = match self.planned.times {
            Times::Count(count) => count,
            Times::Always => u64::MAX,
        };
        number >= first.get() && number - first.get() < repeats
    }

    fn is_turn(&self) -> bool {
        let FaultSite::Request { nth: Some(nth), .. } = &self.planned.at else { return true };
        let repeats = match self.planned.times {
            Times::Count(count) => count,
            Times::Always => u64::MAX,
        };
        self.matched >= nth.get() && self.matched - nth.get() < repeats
    }

    fn is_left(&self) -> bool {
        match self.planned.times {
            Times::Count(count) => self.struck < count,
            Times::Always => true,
        }
    }
}

/// A request, as far as a fault's place is concerned.
pub(crate) struct Occasion<'a> {
    /// `provider/flow#id` of the exchange that would answer.
    pub(crate) exchange: Option<&'a str>,
    pub(crate) operation: &'a OperationName,
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
}

impl Occasion<'_> {
    fn fits(&self, site: &FaultSite) -> bool {
        match site {
            FaultSite::Exchange(wanted) => self.exchange.is_some_and(|exchange| {
                exchange == wanted || exchange.rsplit_once('#').is_some_and(|(_, id)| id == wanted)
            }),
            FaultSite::Request { to, .. } => to.selects(self.operation, self.method, self.target),
            FaultSite::Connection(_) | FaultSite::Webhook(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU64;

    #[test]
    fn a_fault_strikes_as_often_as_planned() {
        let mut plan = Plan::new(vec![
            "reset@a-1*2".parse().unwrap(),
            PlannedFault {
                at: FaultSite::Request { to: "list".parse().unwrap(), nth: NonZeroU64::new(2) },
                times: Times::Count(1),
                inject: Fault::named("timeout", serde_json::json!({})).unwrap(),
            },
        ]);
        let list = OperationName("list".into());
        let mut strike = |exchange| {
            plan.strike(&Occasion { exchange, operation: &list, method: "GET", target: "/" })
                .map(|strike| strike.fault.name())
        };
        let struck: Vec<_> =
            [None, None, Some("p/f#a-1"), Some("p/f#a-1"), Some("p/f#a-1")].map(&mut strike).to_vec();
        assert_eq!(struck, [None, Some("timeout"), Some("reset"), Some("reset"), None]);
        assert!(plan.unused().is_empty());
    }
}
