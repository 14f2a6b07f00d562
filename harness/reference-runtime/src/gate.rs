//! Whether a provider may be called at all: a circuit breaker, and the waits that it asked for, by tenant and provider,
//! which is a name and an address: many may be called `http`.
//!
//! Repeated failures of one run are the schedule's business; here many runs that fail at one provider are kept from
//! asking it all the same question. Kept in memory: each process learns it for itself, and forgets it when it ends. It
//! knows no run and no store.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::identity::{Lane, Name};
use crate::plants::{Plant, Plants};

/// After so many failures in a row, whoever's, the circuit opens.
const OPENS_AFTER: u32 = 5;

/// How long it stays open at first; each further failure of a probe doubles that.
const FIRST_OPENING: SignedDuration = SignedDuration::from_secs(30);

/// How long it stays open at most.
const LONGEST_OPENING: SignedDuration = SignedDuration::from_mins(5);

/// One probe has this long to say how it went; then another may go.
const PROBE: SignedDuration = SignedDuration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Gate {
    plants: Plants,
    circuits: Mutex<HashMap<(Name, String), Circuit>>,
}

#[derive(Debug, Default)]
struct Circuit {
    failures_in_a_row: u32,
    /// No call goes before then.
    closed_until: Option<Timestamp>,
    /// Whether the next call is a probe: one goes, the others wait for what it says.
    is_half_open: bool,
}

/// What a call's end means to its provider's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The provider answered, whatever it said.
    Answer,
    /// It did not, or with an error of its own.
    Failure,
    /// It asked for a pause.
    ComeBack(SignedDuration),
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    Opened { until: Timestamp },
    Closed,
}

impl Gate {
    pub(crate) fn new(plants: Plants) -> Self {
        Self { plants, circuits: Mutex::default() }
    }

    /// Whether a call may go, for whoever has to wait for something else first.
    ///
    /// # Errors
    /// When a call may go again.
    pub(crate) fn look(&self, lane: &Lane, provider: &str, now: Timestamp) -> Result<(), Timestamp> {
        let closed_until = self.circuits().get(&key(lane, provider)).and_then(|circuit| circuit.closed_until);
        closed_until.filter(|until| *until > now).map_or(Ok(()), Err)
    }

    /// Lets a call go, and no other where it is a probe.
    ///
    /// # Errors
    /// When a call may go again.
    pub(crate) fn enter(&self, lane: &Lane, provider: &str, now: Timestamp) -> Result<(), Timestamp> {
        let mut circuits = self.circuits();
        let Some(circuit) = circuits.get_mut(&key(lane, provider)) else { return Ok(()) };
        if let Some(until) = circuit.closed_until.filter(|until| *until > now) {
            return Err(until);
        }
        // The probe goes; should nothing be heard of it, the next one goes after a while.
        circuit.closed_until = circuit.is_half_open.then(|| later(now, PROBE));
        Ok(())
    }

    /// Learns how a call went.
    pub(crate) fn heard(&self, lane: &Lane, provider: &str, heard: Heard, now: Timestamp) -> Option<Turned> {
        let is_ignored = match heard {
            Heard::Failure => self.plants.has(Plant::NoBackoff),
            Heard::ComeBack(_) => {
                self.plants.has(Plant::RetryAfterIgnored) || self.plants.has(Plant::NoBackoff)
            }
            Heard::Answer => false,
        };
        if is_ignored {
            return None;
        }
        let mut circuits = self.circuits();
        match heard {
            Heard::Answer => {
                let circuit = circuits.get_mut(&key(lane, provider))?;
                let was_half_open = std::mem::take(&mut circuit.is_half_open);
                circuit.failures_in_a_row = 0;
                // A pause that another call was asked for holds on; nothing is kept of a provider that is well.
                if was_half_open || circuit.closed_until.is_none_or(|until| until <= now) {
                    circuits.remove(&key(lane, provider));
                }
                was_half_open.then_some(Turned::Closed)
            }
            Heard::ComeBack(wait) => {
                let circuit = circuits.entry(key(lane, provider)).or_default();
                circuit.closed_until = circuit.closed_until.max(Some(later(now, wait)));
                None
            }
            Heard::Failure => {
                let circuit = circuits.entry(key(lane, provider)).or_default();
                circuit.failures_in_a_row += 1;
                let beyond = circuit.failures_in_a_row.checked_sub(OPENS_AFTER)?;
                let opening = FIRST_OPENING * 2_i32.saturating_pow(beyond.min(8));
                let until = later(now, opening.min(LONGEST_OPENING));
                circuit.closed_until = Some(until);
                circuit.is_half_open = true;
                Some(Turned::Opened { until })
            }
        }
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<(Name, String), Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(lane: &Lane, provider: &str) -> (Name, String) {
    (lane.tenant.clone(), provider.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(tenant: &str) -> Lane {
        Lane { tenant: Name::parse(tenant).unwrap(), connection: Name::parse("c").unwrap() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn five_failures_open_it_and_one_probe_closes_it() {
        let (gate, acme) = (Gate::new(Plants::default()), lane("acme"));
        let fail = |now| gate.heard(&acme, "p", Heard::Failure, at(now));
        for now in 0..4 {
            assert_eq!((gate.enter(&acme, "p", at(now)), fail(now)), (Ok(()), None));
        }
        assert_eq!(fail(4), Some(Turned::Opened { until: at(34) }));
        assert_eq!(gate.enter(&acme, "p", at(33)), Err(at(34)));
        assert_eq!(gate.enter(&lane("bolt"), "p", at(33)), Ok(()), "another tenant's is its own");
        assert_eq!(gate.enter(&acme, "q", at(33)), Ok(()), "so is another provider's");
        assert_eq!(gate.enter(&acme, "p", at(34)), Ok(()), "one probe");
        assert_eq!(gate.enter(&acme, "p", at(34)), Err(at(64)), "and no other");
        assert_eq!(fail(35), Some(Turned::Opened { until: at(95) }), "twice as long");
        assert_eq!(gate.enter(&acme, "p", at(95)), Ok(()));
        assert_eq!(gate.heard(&acme, "p", Heard::Answer, at(96)), Some(Turned::Closed));
        assert_eq!((gate.enter(&acme, "p", at(96)), gate.enter(&acme, "p", at(96))), (Ok(()), Ok(())));
    }

    #[test]
    fn it_is_never_open_for_longer_than_its_bound() {
        let (gate, acme) = (Gate::new(Plants::default()), lane("acme"));
        for _ in 0..100 {
            gate.heard(&acme, "p", Heard::Failure, at(0));
        }
        assert_eq!(gate.enter(&acme, "p", at(0)), Err(at(300)));
    }

    #[test]
    fn a_pause_that_was_asked_for_holds_for_all_runs_and_is_no_failure() {
        let (gate, acme) = (Gate::new(Plants::default()), lane("acme"));
        for _ in 0..9 {
            gate.heard(&acme, "p", Heard::ComeBack(SignedDuration::from_secs(7)), at(0));
        }
        assert_eq!(gate.enter(&acme, "p", at(6)), Err(at(7)));
        assert_eq!((gate.enter(&acme, "p", at(7)), gate.enter(&acme, "p", at(7))), (Ok(()), Ok(())));
    }

    #[test]
    fn one_success_forgets_the_failures_before_it() {
        let (gate, acme) = (Gate::new(Plants::default()), lane("acme"));
        for now in 0..20 {
            let heard = if now % 5 == 4 { Heard::Answer } else { Heard::Failure };
            assert_eq!(gate.heard(&acme, "p", heard, at(now)), None);
        }
    }
}
