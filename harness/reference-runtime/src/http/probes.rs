//! Reads of the runtime's state: what an observer may see of a tenant, and the log.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Json;
use serde_json::Value;

use super::{Refusal, Shared, Tenant};
use crate::store::{AlertView, AuditView, DeliveryView, MessageView, QueueView, RunView};
use serde::Serialize;

/// One list under its name. Written straight from its rows: a held payload goes out as it came in, byte for byte.
type List<T> = Json<BTreeMap<&'static str, Vec<T>>>;

fn list<T>(name: &'static str, rows: Vec<T>) -> List<T> {
    Json(BTreeMap::from([(name, rows)]))
}

pub(super) async fn runs(State(api): Shared, Tenant(tenant): Tenant) -> Result<List<RunView>, Refusal> {
    Ok(list("runs", api.context().store.runs(tenant).await?))
}

pub(super) async fn messages(
    State(api): Shared,
    Tenant(tenant): Tenant,
) -> Result<List<MessageView>, Refusal> {
    Ok(list("records", api.context().store.messages(tenant).await?))
}

pub(super) async fn deliveries(
    State(api): Shared,
    Tenant(tenant): Tenant,
) -> Result<List<DeliveryView>, Refusal> {
    Ok(list("records", api.context().store.deliveries(tenant).await?))
}

/// Everything that reached a destination: messages, then deliveries.
pub(super) async fn destination(
    State(api): Shared,
    Tenant(tenant): Tenant,
) -> Result<List<Written>, Refusal> {
    let store = &api.context().store;
    let messages = store
        .messages(tenant.clone())
        .await?
        .into_iter()
        .map(|message| Written::Message { key: message.event_id.clone(), message });
    let deliveries = store.deliveries(tenant).await?.into_iter().map(Written::Delivery);
    Ok(list("records", messages.chain(deliveries).collect()))
}

/// Something in a destination.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Written {
    Message {
        /// What tells records of any destination apart.
        key: String,
        #[serde(flatten)]
        message: MessageView,
    },
    Delivery(DeliveryView),
}

pub(super) async fn audit(State(api): Shared, Tenant(tenant): Tenant) -> Result<List<AuditView>, Refusal> {
    Ok(list("entries", api.context().store.audit(tenant).await?))
}

pub(super) async fn alerts(State(api): Shared, Tenant(tenant): Tenant) -> Result<List<AlertView>, Refusal> {
    Ok(list("alerts", api.context().store.alerts(tenant).await?))
}

pub(super) async fn queue(State(api): Shared) -> Result<Json<QueueView>, Refusal> {
    Ok(Json(api.context().store.queue().await?))
}

pub(super) async fn log(State(api): Shared, tenant: Option<Tenant>) -> List<Value> {
    list("lines", api.context().journal.lines(tenant.as_ref().map(|Tenant(name)| name)))
}
