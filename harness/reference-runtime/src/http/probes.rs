//! Reads of the runtime's state: what an observer may see of a tenant, and the log.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Json;
use serde_json::Value;

use super::{Refusal, Shared, Tenant};
use crate::store::{AlertView, AuditView, HoldView, MessageView, RunView};

/// One list under its name. Written straight from its rows: a held payload goes out as it came in, byte for byte.
type List<T> = Json<BTreeMap<&'static str, Vec<T>>>;

fn list<T>(name: &'static str, rows: Vec<T>) -> List<T> {
    Json(BTreeMap::from([(name, rows)]))
}

pub(super) async fn runs(State(lanes): Shared, Tenant(tenant): Tenant) -> Result<List<RunView>, Refusal> {
    Ok(list("runs", lanes.context.store.runs(tenant).await?))
}

pub(super) async fn messages(
    State(lanes): Shared,
    Tenant(tenant): Tenant,
) -> Result<List<MessageView>, Refusal> {
    Ok(list("records", lanes.context.store.messages(tenant).await?))
}

pub(super) async fn audit(State(lanes): Shared, Tenant(tenant): Tenant) -> Result<List<AuditView>, Refusal> {
    Ok(list("entries", lanes.context.store.audit(tenant).await?))
}

pub(super) async fn alerts(State(lanes): Shared, Tenant(tenant): Tenant) -> Result<List<AlertView>, Refusal> {
    Ok(list("alerts", lanes.context.store.alerts(tenant).await?))
}

pub(super) async fn holds(State(lanes): Shared, Tenant(tenant): Tenant) -> Result<List<HoldView>, Refusal> {
    Ok(list("holds", lanes.context.store.holds(tenant).await?))
}

pub(super) async fn log(State(lanes): Shared) -> List<Value> {
    list("lines", lanes.context.journal.lines())
}
