//! `/holds`: what cannot go on, listed, inspected, let go and, by an explicit call alone, discarded.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Json;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, Refusal, Shared, Tenant, name};
use crate::identity::HoldId;
use crate::store::{HoldView, Release, ReleaseScope, Settled};

/// Who did it and why may be told in so many characters.
const MAX_REASON_CHARS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    tenant: String,
    state: Option<Listed>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Listed {
    Open,
    All,
}

/// Written straight from its rows: a held payload goes out as it came in, byte for byte.
pub(super) async fn list(
    State(api): Shared,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<BTreeMap<&'static str, Vec<HoldView>>>, Refusal> {
    let Ok(Query(which)) = which else {
        let message = "the query must be tenant=NAME, and state=open or state=all if anything else";
        return Err(Refusal::invalid(message.to_owned()));
    };
    let tenant = name("tenant", &which.tenant)?;
    let holds = api.context().store.holds(tenant, which.state == Some(Listed::All)).await?;
    Ok(Json(BTreeMap::from([("holds", holds)])))
}

pub(super) async fn show(
    State(api): Shared,
    Path(hold): Path<String>,
    Tenant(tenant): Tenant,
) -> Result<Json<HoldView>, Refusal> {
    let view = api.context().store.hold(tenant, hold_id(&hold)?).await?;
    view.map(Json).ok_or_else(|| Refusal::not_found("this tenant has no such hold"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseBody {
    tenant: String,
    how: Option<Release>,
    fingerprint: Option<String>,
    by: Option<String>,
}

pub(super) async fn release(
    State(api): Shared,
    Body(body): Body<ReleaseBody>,
) -> Result<Json<Value>, Refusal> {
    let Some(how) = body.how else {
        return Err(Refusal::invalid("how must be canary (the oldest of each cause) or all".to_owned()));
    };
    settle_release(&api, &body.tenant, ReleaseScope::Fingerprint(body.fingerprint), how, body.by).await
}

pub(super) async fn release_one(
    State(api): Shared,
    Path(hold): Path<String>,
    Body(body): Body<ReleaseBody>,
) -> Result<Json<Value>, Refusal> {
    if body.how.is_some() || body.fingerprint.is_some() {
        return Err(Refusal::invalid("how and fingerprint are for /holds/release".to_owned()));
    }
    settle_release(&api, &body.tenant, ReleaseScope::One(hold_id(&hold)?), Release::All, body.by).await
}

async fn settle_release(
    api: &super::Api,
    tenant: &str,
    scope: ReleaseScope,
    how: Release,
    by: Option<String>,
) -> Result<Json<Value>, Refusal> {
    let context = api.context();
    let tenant = name("tenant", tenant)?;
    let by = reason("by", by.unwrap_or_else(|| "the API".to_owned()))?;
    let work = context.clock.begin_work();
    let settled = context.store.release(tenant, scope, how, by, context.clock.now()).await?;
    api.workers.wake(work);
    answer("released", settled)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DiscardBody {
    tenant: String,
    by: String,
    reason: String,
}

pub(super) async fn discard(
    State(api): Shared,
    Path(hold): Path<String>,
    Body(body): Body<DiscardBody>,
) -> Result<Json<Value>, Refusal> {
    let context = api.context();
    let (by, why) = (reason("by", body.by)?, reason("reason", body.reason)?);
    let tenant = name("tenant", &body.tenant)?;
    let work = context.clock.begin_work();
    let settled = context.store.discard(tenant, hold_id(&hold)?, (by, why), context.clock.now()).await?;
    // What it held up goes on.
    api.workers.wake(work);
    answer("discarded", settled)
}

fn answer(what: &str, settled: Settled) -> Result<Json<Value>, Refusal> {
    match settled {
        Settled::Done(count) => Ok(Json(json!({ what: count }))),
        Settled::NoSuchHold => Err(Refusal::not_found("this tenant has no such hold")),
        Settled::Before => Err(Refusal::conflict("it was released or discarded before")),
    }
}

fn hold_id(text: &str) -> Result<HoldId, Refusal> {
    HoldId::parse(text).ok_or_else(|| Refusal::not_found("there is no such hold; its id looks like hold-7"))
}

fn reason(field: &str, text: String) -> Result<String, Refusal> {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_REASON_CHARS;
    match fits && !text.chars().any(char::is_control) {
        true => Ok(text),
        false => Err(Refusal::invalid(format!(
            "{field} must be 1 to {MAX_REASON_CHARS} characters, none of them a control character"
        ))),
    }
}
