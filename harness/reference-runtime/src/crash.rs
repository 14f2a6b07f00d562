//! Places at which a process can be told to die, as a power cut would let it, so that a test can show what survives.
//!
//! Two kinds: just before and just after each commit that carries work on, and just before and just after a call. Not
//! armed, all this costs one look at an `Option`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Declares the commits, each with its name and what it makes durable.
macro_rules! boundaries {
    ($($variant:ident = $name:literal, $what:literal;)+) => {
        /// What a commit is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Boundary {
            /// One at which nobody needs to crash.
            Unnamed,
            $(#[doc = $what] $variant,)+
        }

        impl Boundary {
            const NAMED: &'static [(Self, &'static str, &'static str)] = &[$((Self::$variant, $name, $what),)+];
        }
    };
}

boundaries! {
    Accept = "accept", "deliveries: what is known of them, and the work that follows";
    Claim = "claim", "runs that a worker takes";
    Intent = "intent", "that a call with an effect is about to be made";
    Applied = "applied", "what an event did to the destination";
    Delivered = "delivered", "that a provider has a document";
    Retry = "retry", "that an attempt failed, and when the next is due";
    Held = "held", "that a run is held";
    Released = "released", "that held work goes on";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforeCommit(Boundary),
    AfterCommit(Boundary),
    BeforeCall,
    AfterCall,
}

/// A place to die at: `accept.before_commit`, or `accept.before_commit:3` for the third time that it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashPoint {
    moment: Moment,
    passes: u32,
}

impl CrashPoint {
    /// The names of all places, each with what lies there.
    #[must_use]
    pub fn all() -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (_, name, what) in Boundary::NAMED {
            all.push((format!("{name}.before_commit"), format!("not yet durable: {what}")));
            all.push((format!("{name}.after_commit"), format!("durable, and nobody told: {what}")));
        }
        all.push(("call.before".to_owned(), "the intent is durable, and the call is not made".to_owned()));
        all.push(("call.after".to_owned(), "the call is answered, and that is not durable".to_owned()));
        all
    }
}

/// No place has that name.
#[derive(Debug, thiserror::Error)]
#[error("{found:?} is no place to crash at; expected NAME or NAME:TIMES, where NAME is one of {}", names())]
pub struct UnknownCrashPoint {
    /// What was given, shortened to 64 characters.
    pub found: String,
}

fn names() -> String {
    CrashPoint::all().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

impl FromStr for CrashPoint {
    type Err = UnknownCrashPoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownCrashPoint { found: text.chars().take(64).collect() };
        let (name, passes) = text.split_once(':').unwrap_or((text, "1"));
        let passes: u32 = passes.parse().ok().filter(|passes| *passes > 0).ok_or_else(unknown)?;
        let moment = match name.split_once('.').ok_or_else(unknown)? {
            ("call", "before") => Moment::BeforeCall,
            ("call", "after") => Moment::AfterCall,
            (commit, moment) => {
                let named = Boundary::NAMED.iter().find(|(_, name, _)| *name == commit);
                let boundary = named.ok_or_else(unknown)?.0;
                match moment {
                    "before_commit" => Moment::BeforeCommit(boundary),
                    "after_commit" => Moment::AfterCommit(boundary),
                    _ => return Err(unknown()),
                }
            }
        };
        Ok(Self { moment, passes })
    }
}

/// Where this process dies, if anywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crash(Option<Arc<Armed>>);

#[derive(Debug)]
struct Armed {
    moment: Moment,
    passes_left: AtomicU32,
}

impl Crash {
    pub(crate) fn new(point: Option<CrashPoint>) -> Self {
        Self(
            point.map(|point| {
                Arc::new(Armed { moment: point.moment, passes_left: AtomicU32::new(point.passes) })
            }),
        )
    }

    /// A commit that carries several operations lies at the boundary of each.
    pub(crate) fn before_commit(&self, boundaries: &[Boundary]) {
        for boundary in boundaries {
            self.pass(Moment::BeforeCommit(*boundary));
        }
    }

    pub(crate) fn after_commit(&self, boundaries: &[Boundary]) {
        for boundary in boundaries {
            self.pass(Moment::AfterCommit(*boundary));
        }
    }

    pub(crate) fn before_call(&self) {
        self.pass(Moment::BeforeCall);
    }

    pub(crate) fn after_call(&self) {
        self.pass(Moment::AfterCall);
    }

    fn pass(&self, moment: Moment) {
        let Some(armed) = self.0.as_ref().filter(|armed| armed.moment == moment) else { return };
        if armed.passes_left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // No destructor runs and no buffer is flushed, as when the power goes.
            std::process::abort();
        }
    }
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = |boundary: &Boundary| {
            Boundary::NAMED
                .iter()
                .find(|(named, ..)| named == boundary)
                .map_or("unnamed", |(_, name, _)| name)
        };
        match &self.moment {
            Moment::BeforeCommit(boundary) => write!(formatter, "{}.before_commit", commit(boundary))?,
            Moment::AfterCommit(boundary) => write!(formatter, "{}.after_commit", commit(boundary))?,
            Moment::BeforeCall => formatter.write_str("call.before")?,
            Moment::AfterCall => formatter.write_str("call.after")?,
        }
        write!(formatter, ":{}", self.passes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_name() {
        for (name, _) in CrashPoint::all() {
            assert_eq!(name.parse::<CrashPoint>().unwrap().to_string(), format!("{name}:1"));
        }
        assert_eq!("call.after:7".parse::<CrashPoint>().unwrap().to_string(), "call.after:7");
        for bad in [
            "",
            "accept",
            "accept.soon",
            "accept.before_commit:0",
            "accept.before_commit:x",
            "x.before_commit",
        ] {
            assert!(bad.parse::<CrashPoint>().is_err(), "{bad}");
        }
    }
}
