//! `POST /integrations/relay/documents`: hands over a document that a provider is to have.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::runs::accepted;
use super::{Body, Refusal, Shared, lane};
use crate::relay;
use crate::store::{Document, Order, Protocol};

/// What a document may be called.
const MAX_REFERENCE_CHARS: usize = 128;
/// How long a path may be.
const MAX_PATH_BYTES: usize = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handover {
    tenant: String,
    connection: String,
    reference: String,
    protocol: Protocol,
    method: String,
    path: String,
    content_type: String,
    body: String,
    confirm: Option<String>,
}

pub(super) async fn hand_over(
    State(api): Shared,
    Body(handover): Body<Handover>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let lane = lane(&handover.tenant, &handover.connection)?;
    let reference = handover.reference;
    if reference.is_empty()
        || reference.len() > MAX_REFERENCE_CHARS
        || reference.chars().any(char::is_control)
    {
        let message = format!(
            "reference must be 1 to {MAX_REFERENCE_CHARS} characters, none of them a control character"
        );
        return Err(Refusal::invalid(message));
    }
    let is_write =
        |method: &Method| [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    if !Method::from_bytes(handover.method.as_bytes()).is_ok_and(|method| is_write(&method)) {
        return Err(Refusal::invalid("method must be POST, PUT, PATCH or DELETE".to_owned()));
    }
    for path in [Some(&handover.path), handover.confirm.as_ref()].into_iter().flatten() {
        let fits = path.starts_with('/')
            && path.len() <= MAX_PATH_BYTES
            && path.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            let message =
                "path and confirm must begin with a slash and be of at most 2048 visible ASCII characters";
            return Err(Refusal::invalid(message.to_owned()));
        }
    }
    if HeaderValue::from_str(&handover.content_type).is_err() || handover.content_type.is_empty() {
        return Err(Refusal::invalid("content_type must be a media type".to_owned()));
    }
    let mut document = Document {
        protocol: handover.protocol,
        method: handover.method,
        path: handover.path,
        content_type: handover.content_type,
        body: handover.body,
        confirm: handover.confirm,
        effect_key: None,
        delivered: false,
        doubt_since: None,
    };
    document.effect_key = Some(relay::effect_key(&lane, &reference, &document));
    accepted(api.workers.accept(lane, Order::Delivery { reference, document }).await?)
}
