//! The stand-in's time: the machine's, or the scenario's, set from outside.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the stand-in reads the time.
#[derive(Clone, Debug)]
pub enum StandInClock {
    /// The machine's clock.
    Real,
    /// A clock that moves only when it is told to.
    Virtual(VirtualClock),
}

/// A point in time that a conductor moves.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<Timestamp>>);

impl StandInClock {
    /// A virtual clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Virtual(VirtualClock(Arc::new(Mutex::new(start))))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place where the stand-in reads real time")]
            Self::Real => Timestamp::now(),
            Self::Virtual(VirtualClock(now)) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a virtual clock forward; a real one, or one that is already later, stays.
    pub fn advance_to(&self, to: Timestamp) {
        if let Self::Virtual(VirtualClock(now)) = self {
            let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = to.max(*now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_never_goes_back() {
        let clock = StandInClock::starting_at(Timestamp::from_second(100).unwrap());
        clock.advance_to(Timestamp::from_second(200).unwrap());
        clock.advance_to(Timestamp::from_second(150).unwrap());
        assert_eq!(clock.now(), Timestamp::from_second(200).unwrap());
    }
}
