//! `GET /clock` and `POST /clock/advance`: the clock protocol, there with the test clock only.

use axum::extract::State;
use axum::response::Json;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Body, Refusal, Shared};
use crate::clock::ClockState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    to: Timestamp,
}

pub(super) async fn show(State(api): Shared) -> Json<ClockState> {
    Json(api.context().clock.state())
}

pub(super) async fn advance(
    State(api): Shared,
    Body(advance): Body<Advance>,
) -> Result<Json<ClockState>, Refusal> {
    let advanced = api.context().clock.advance(advance.to);
    advanced.map(Json).map_err(|now| Refusal::invalid(format!("to lies before the clock's present, {now}")))
}
