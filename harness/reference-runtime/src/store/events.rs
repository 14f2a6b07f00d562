//! What became of an event, or of a record that was looked at again. Its run is what tells of it afterwards.

use jiff::Timestamp;

use super::holds::{self, Hold};
use super::messages::{self, Record, Upserted};
use super::sql::{Session, set};
use super::steps::{fenced, finish};
use super::{Lease, Store, StoreError};
use crate::crash::Boundary;
use crate::identity::Lane;
use crate::plants::Plant;

/// What an event does.
#[derive(Debug, Clone)]
pub(crate) enum EventEffect {
    /// Writes a record, unless there is one as of a later time.
    Upsert { room_id: String, record: Box<Record>, as_of_us: i64 },
    /// Writes a record that does not say as of when it is.
    Write { room_id: String, record: Box<Record> },
    /// It cannot go on.
    Hold(Hold),
    /// It asks for nothing.
    Nothing,
}

/// Planted bugs.
#[derive(Clone, Copy)]
struct Bugs {
    keyless: bool,
    silent: bool,
    loses_updates: bool,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventOutcome {
    Applied,
    /// What is there is newer.
    Superseded,
    Held,
}

impl Store {
    /// Commits what an event comes to, and ends its run.
    pub(crate) async fn commit_event(
        &self,
        lane: Lane,
        lease: Lease,
        effect: EventEffect,
        now: Timestamp,
    ) -> Result<EventOutcome, StoreError> {
        let bugs = Bugs {
            keyless: self.has(Plant::WebhookNotDeduplicated),
            silent: self.has(Plant::AlertMissing),
            loses_updates: self.has(Plant::LostUpdate),
        };
        let brings_more = lease.brings_more();
        let outcome = self
            .write(Boundary::Applied, move |session| apply(session, &lane, &lease, effect, bugs, now))
            .await?;
        self.one_is_over(brings_more).await;
        Ok(outcome)
    }
}

fn apply(
    session: &mut dyn Session,
    lane: &Lane,
    lease: &Lease,
    effect: EventEffect,
    bugs: Bugs,
    now: Timestamp,
) -> Result<EventOutcome, StoreError> {
    let (outcome, imported) = match effect {
        EventEffect::Hold(hold) => {
            fenced(session, lease, "held_records = held_records + 1", Vec::new())?;
            holds::hold_run(session, lane, lease, &hold, now, bugs.silent)?;
            return Ok(EventOutcome::Held);
        }
        EventEffect::Nothing => (EventOutcome::Applied, 0_i64),
        EventEffect::Write { room_id, record } => {
            messages::write(session, lane, &room_id, &[*record], bugs.keyless)?;
            (EventOutcome::Applied, 1)
        }
        EventEffect::Upsert { room_id, record, as_of_us } => {
            let is_edit = as_of_us / 1_000 != record.sent_at_ms;
            let upsert = match () {
                () if bugs.keyless => messages::insert_keyless,
                () if bugs.loses_updates && is_edit => messages::update,
                () => messages::upsert,
            };
            match upsert(session, lane, &room_id, &record, as_of_us)? {
                Upserted::Superseded => (EventOutcome::Superseded, 0),
                Upserted::Applied => (EventOutcome::Applied, 1),
            }
        }
    };
    let detail = (outcome == EventOutcome::Superseded).then_some("what is there is newer");
    finish(session, lane, lease, ("imported = imported + ?5, detail = ?6", set![imported, detail]), now)?;
    Ok(outcome)
}
