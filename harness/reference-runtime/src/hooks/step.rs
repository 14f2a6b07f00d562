//! The one step of an event's run, or of a record's that is looked at again: what it does, decided and committed.

use serde_json::json;

use super::Format;
use super::format::Unfit;
use crate::chat_import;
use crate::journal::Level;
use crate::plants::Plant;
use crate::store::{Claim, EventEffect, EventOutcome, Hold, StoreError, Task};
use crate::vocabulary::HoldReason;
use crate::worker::Context;

/// # Errors
/// When its outcome could not be committed; the step is then still to be taken.
pub(crate) async fn step(context: &Context, claim: Claim) -> Result<(), StoreError> {
    let effect = match &claim.task {
        Task::Event { format, payload } => event(context, &claim, format, payload),
        Task::Record { payload, room_id } => record(context, &claim, payload, room_id),
        Task::Import | Task::Delivery(_) => return Ok(()),
    };
    let Claim { lane, lease, room, .. } = claim;
    let run = lease.run;
    let outcome = context.store.commit_event(lane.clone(), lease, effect, context.clock.now()).await?;
    let (level, what) = match outcome {
        EventOutcome::Applied => (Level::Info, "event_applied"),
        EventOutcome::Superseded => (Level::Info, "event_superseded"),
        EventOutcome::Held => (Level::Warn, "event_held"),
    };
    context.note(level, what, (&lane, run), json!({ "id": room }));
    Ok(())
}

fn event(context: &Context, claim: &Claim, format: &str, payload: &str) -> EventEffect {
    let hold = |reason, detail: String| {
        let (key, payload) = (Some(claim.room.clone()), Some(payload.to_owned()));
        EventEffect::Hold(Hold { reason, key, detail, payload, room_id: None })
    };
    let Some(format) = Format::of_provider(format) else {
        return hold(HoldReason::UnknownEvent, "its format is not known to this version".to_owned());
    };
    match format.effect(payload, &context.plants) {
        Ok(effect) => effect,
        Err(Unfit::UnknownType(_)) if context.plants.has(Plant::WebhookUnknownDropped) => {
            EventEffect::Nothing
        }
        Err(Unfit::UnknownType(kind)) => {
            hold(HoldReason::UnknownEvent, format!("events of the type {kind} are not known here"))
        }
        Err(Unfit::Invalid(wrong)) => hold(HoldReason::InvalidRecord, wrong.to_owned()),
    }
}

/// A record that was held out of a page, by the rules of today.
fn record(context: &Context, claim: &Claim, payload: &str, room_id: &str) -> EventEffect {
    match chat_import::look_again(payload, &context.plants) {
        Ok(Some(record)) => EventEffect::Write { room_id: room_id.to_owned(), record: Box::new(record) },
        Ok(None) => EventEffect::Nothing,
        Err(detail) => {
            let (key, payload) = (Some(claim.room.clone()), Some(payload.to_owned()));
            let reason = HoldReason::InvalidRecord;
            EventEffect::Hold(Hold { reason, key, detail, payload, room_id: None })
        }
    }
}
