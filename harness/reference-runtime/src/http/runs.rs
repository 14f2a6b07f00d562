//! `POST /integrations/chat-import/runs`: asks for an import.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, Refusal, Shared, lane};
use crate::store::{Accepted, Order};

/// The longest that Matrix allows a room's id or alias to be.
const MAX_ROOM_BYTES: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trigger {
    tenant: String,
    connection: String,
    room: String,
}

pub(super) async fn trigger(
    State(api): Shared,
    Body(trigger): Body<Trigger>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let lane = lane(&trigger.tenant, &trigger.connection)?;
    if !is_room(&trigger.room) {
        let message = "room must be a room id (!...) or an alias (#...) of at most 255 bytes, without control characters";
        return Err(Refusal::invalid(message.to_owned()));
    }
    accepted(api.workers.accept(lane, Order::Import { room: trigger.room }).await?)
}

fn is_room(room: &str) -> bool {
    room.len() <= MAX_ROOM_BYTES && room.starts_with(['!', '#']) && !room.chars().any(char::is_control)
}

/// How a trigger is answered.
pub(super) fn accepted(accepted: Accepted) -> Result<(StatusCode, Json<Value>), Refusal> {
    match accepted {
        Accepted::Run(run) => Ok((StatusCode::ACCEPTED, Json(json!({ "run": run.to_string() })))),
        Accepted::Known(run) => Ok((StatusCode::OK, Json(json!({ "run": run.to_string() })))),
        Accepted::UnknownConnection => Err(Refusal::not_found("there is no such connection; PUT it first")),
        Accepted::OtherProvider => Err(Refusal::invalid(
            "chat-import reads from matrix, and the connection is to another provider".to_owned(),
        )),
        Accepted::QueueFull => Err(Refusal::unavailable(
            "queue_full",
            "too many runs are unfinished; come back when some are done",
        )),
    }
}
