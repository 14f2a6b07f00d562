//! A write of which nobody knows what became of it: until when it may be sent again.
//!
//! An idempotency key makes a repetition harmless only as long as the provider knows the key. Behind that the same write is
//! another one, so it is not made: it is read back where it can be, or held for a person who can look.

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::outbound::verdict::Verdict;
use crate::plants::{Plant, Plants};
use crate::store::{Claim, Document, Task};
use crate::vocabulary::Operation;

/// This part of the time for which keys are kept is left unused, an hour at most: for the way there, and for clocks.
const MARGIN_DIVISOR: i32 = 24;

/// A doubt about a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// When the first call was made of which nobody knows what became.
    pub(crate) since: Timestamp,
    /// From then on it is not made again; `None` where it always may.
    until: Option<Timestamp>,
    /// Whether the provider can be asked what it has.
    pub(crate) reads_back: bool,
}

impl Doubt {
    /// What is in doubt before the next call of `claim`'s run is made.
    pub(crate) fn before(claim: &Claim, plants: &Plants) -> Option<Self> {
        let document = write(claim, plants)?;
        Some(Self::new(claim, document, document.doubt_since?))
    }

    /// What is in doubt after the call that was made `at` came to `verdict`.
    pub(crate) fn after<T>(
        claim: &Claim,
        verdict: &Verdict<T>,
        at: Timestamp,
        plants: &Plants,
    ) -> Option<Self> {
        let document = write(claim, plants)?;
        let arose = matches!(verdict, Verdict::Failed { may_be_done: true, .. }).then_some(at);
        Some(Self::new(claim, document, document.doubt_since.or(arose)?))
    }

    fn new(claim: &Claim, document: &Document, since: Timestamp) -> Self {
        let until = claim.key_retention.map(|kept| {
            let margin = (kept / MARGIN_DIVISOR).min(SignedDuration::from_hours(1));
            later(since, kept - margin)
        });
        Self { since, until, reads_back: document.confirm.is_some() }
    }

    /// Whether a call at `at` could do what was done already.
    pub(crate) fn forbids(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| at >= until)
    }

    /// Why no further call is made, behind what came of the last.
    pub(crate) fn told(&self, last: &str) -> String {
        format!(
            "whether it was done is unknown since {}, and the provider no longer knows it again by its key{last}; look \
             there, then discard it or release it to send it again",
            self.since
        )
    }
}

/// What the next call of `claim`'s run writes, if it writes and a repetition is not harmless by itself.
fn write<'a>(claim: &'a Claim, plants: &Plants) -> Option<&'a Document> {
    let Task::Delivery(document) = &claim.task else { return None };
    let is_one = claim.operation() == Operation::Deliver
        && !document.is_repeatable()
        && !plants.has(Plant::KeyExpiryIgnored);
    is_one.then_some(document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Lane, Name, RunId};
    use crate::store::Protocol;
    use crate::vocabulary::{AuditOutcome, HoldReason};

    fn claim(kept: Option<SignedDuration>, doubt_since: Option<Timestamp>) -> Claim {
        let name = |text| Name::parse(text).unwrap();
        let lane = Lane { tenant: name("acme"), connection: name("c") };
        let document = Document {
            protocol: Protocol::Rest,
            method: "POST".to_owned(),
            path: "/a".to_owned(),
            content_type: "x/y".to_owned(),
            body: String::new(),
            confirm: None,
            effect_key: None,
            delivered: false,
            doubt_since,
        };
        let key_retention = kept;
        Claim { task: Task::Delivery(document), key_retention, ..Claim::sample(RunId(1), lane, "o-1") }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_write_is_forbidden_shortly_before_its_key_is_forgotten() {
        for (kept, last_s) in [
            (SignedDuration::from_hours(24), 23 * 3600),
            (SignedDuration::from_hours(240), 239 * 3600),
            (SignedDuration::from_mins(24), 23 * 60),
            (SignedDuration::ZERO, 0),
        ] {
            let doubt = Doubt::before(&claim(Some(kept), Some(at(100))), &Plants::default()).unwrap();
            assert_eq!(doubt.since, at(100));
            assert!(doubt.forbids(at(100 + last_s)) && !doubt.forbids(at(99 + last_s)), "{kept}");
        }
        let doubt = Doubt::before(&claim(None, Some(at(100))), &Plants::default()).unwrap();
        assert!(!doubt.forbids(Timestamp::MAX));
    }

    #[test]
    fn doubt_begins_with_the_first_call_whose_outcome_is_unknown_and_stays() {
        let none = Plants::default();
        let lost = || Verdict::<()>::invalid_body("half");
        let told = || Verdict::<()>::told(AuditOutcome::ServerError, "no");
        let limited = Verdict::<()>::RateLimited { wait: SignedDuration::ZERO, detail: String::new() };
        let after = |since, verdict: &Verdict<()>| {
            Doubt::after(&claim(None, since), verdict, at(7), &none).map(|doubt| doubt.since)
        };
        assert_eq!(after(None, &lost()), Some(at(7)));
        assert_eq!(after(Some(at(3)), &lost()), Some(at(3)));
        assert_eq!(after(Some(at(3)), &limited), Some(at(3)), "a refusal settles nothing of what was before");
        let held = Verdict::<()>::Rejected { reason: HoldReason::Refused, detail: String::new() };
        for no_doubt in [told(), limited, held, Verdict::Done(())] {
            assert_eq!(after(None, &no_doubt), None);
        }
        let mut read = claim(None, Some(at(3)));
        if let Task::Delivery(document) = &mut read.task {
            document.delivered = true;
        }
        assert_eq!(Doubt::after(&read, &lost(), at(7), &none), None, "a read does nothing twice");
    }
}
