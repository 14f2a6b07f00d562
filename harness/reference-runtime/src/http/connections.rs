//! `PUT` and `GET /connections/{tenant}/{connection}`. Credentials come in here and never go out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use counterpart_signatures::Scheme;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, LanePath, Refusal, Shared, name};
use crate::credentials::{Credentials, Sealed, Secret};
use crate::journal::{About, Level};
use crate::outbound::trusts;
use crate::store::{ConnectionView, HookConfig, NewConnection, PutConnection};

/// Whose webhooks are understood.
const PUSHES: &str = "slack";

/// A webhook's secret may be a key in PEM.
const MAX_SECRET_BYTES: usize = 16 * 1024;

/// The pace that a connection may be set to, in requests a second.
const PACES: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

/// Some certificates, not a whole system's.
const MAX_CA_BYTES: usize = 64 * 1024;

/// Not printable, for it holds secrets that are not wrapped yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConnectionBody {
    provider: String,
    base_url: String,
    access_token: String,
    refresh_token: Option<String>,
    max_requests_per_second: Option<f64>,
    ca_pem: Option<String>,
    webhook: Option<WebhookBody>,
}

/// How webhooks are verified; all of it absent or null where none come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    scheme: Option<String>,
    secret: Option<String>,
    account: Option<String>,
    url: Option<String>,
}

pub(super) async fn store(
    State(lanes): Shared,
    LanePath(lane): LanePath,
    Body(body): Body<ConnectionBody>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let context = &lanes.context;
    let pace = body.max_requests_per_second;
    if pace.is_some_and(|pace| !PACES.contains(&pace)) {
        return Err(Refusal::invalid(format!(
            "max_requests_per_second must be from {} to {}",
            PACES.start(),
            PACES.end()
        )));
    }
    let provider = name("provider", &body.provider)?;
    let base_url = base_url(&body.base_url)?;
    let ca_pem = body.ca_pem.map(ca_pem).transpose()?;
    let credentials = Credentials {
        access_token: secret("access_token", body.access_token)?,
        refresh_token: body.refresh_token.map(|token| secret("refresh_token", token)).transpose()?,
    };
    let sealed = context.vault.seal(&lane, &credentials);
    let sealed = sealed.ok_or_else(|| Refusal::internal("the credentials could not be encrypted"))?;
    let webhook = body.webhook.map(|webhook| hook(webhook, provider.as_str())).transpose()?.flatten();
    let webhook = match webhook {
        None => None,
        Some((secret, config)) => {
            let sealed = context.vault.seal_hook_secret(&lane, &secret);
            let sealed =
                sealed.ok_or_else(|| Refusal::internal("the webhook's secret could not be encrypted"))?;
            Some(HookConfig { sealed, ..config })
        }
    };
    let new = NewConnection { base_url, ca_pem, sealed, max_requests_per_second: pace, webhook };
    let put = context.store.put_connection(lane.clone(), provider, new).await?;
    context.journal.line(Level::Info, "connection_stored", About::Connection(&lane), json!({}));
    let status = match put {
        PutConnection::Created => StatusCode::CREATED,
        PutConnection::Replaced => StatusCode::OK,
    };
    let named = json!({ "tenant": lane.tenant.as_str(), "connection": lane.connection.as_str() });
    Ok((status, Json(named)))
}

pub(super) async fn show(
    State(lanes): Shared,
    LanePath(lane): LanePath,
) -> Result<Json<ConnectionView>, Refusal> {
    let view = lanes.context.store.connection(lane).await?;
    view.map(Json).ok_or_else(|| Refusal::not_found("there is no such connection; PUT it first"))
}

/// The secret, and how webhooks are verified with it; its sealed form is not known yet.
fn hook(body: WebhookBody, provider: &str) -> Result<Option<(String, HookConfig)>, Refusal> {
    let (scheme, secret, account) = match (body.scheme, body.secret, body.account) {
        (None, None, None) => return Ok(None),
        (Some(scheme), Some(secret), Some(account)) => (scheme, secret, account),
        _ => {
            let message = "webhook needs scheme, secret and account, or none of them";
            return Err(Refusal::invalid(message.to_owned()));
        }
    };
    if provider != PUSHES {
        let message = format!("webhooks of {provider} are not understood here; those of {PUSHES} are");
        return Err(Refusal::invalid(message));
    }
    scheme.parse::<Scheme>().map_err(|error| Refusal::invalid(format!("webhook.scheme: {error}")))?;
    let fits = |text: &str, most: usize| !text.trim().is_empty() && text.len() <= most;
    if !fits(&secret, MAX_SECRET_BYTES) || !fits(&account, 255) {
        let message = "webhook.secret must be 1 to 16384 bytes, webhook.account 1 to 255";
        return Err(Refusal::invalid(message.to_owned()));
    }
    let url = body.url;
    if url.as_ref().is_some_and(|url| Url::parse(url).is_err() || url.len() > 2048) {
        let message =
            "webhook.url must be the absolute URL that the provider calls, of at most 2048 characters";
        return Err(Refusal::invalid(message.to_owned()));
    }
    let sealed = Sealed(Vec::new());
    Ok(Some((secret, HookConfig { scheme, sealed, account, url })))
}

fn secret(field: &str, token: String) -> Result<Secret, Refusal> {
    let message = format!("{field} must be 1 to 8192 visible ASCII characters, without spaces");
    Secret::parse(token).ok_or_else(|| Refusal::invalid(message))
}

fn ca_pem(text: String) -> Result<String, Refusal> {
    if text.len() > MAX_CA_BYTES || trusts(&text).is_none() {
        return Err(Refusal::invalid(format!(
            "ca_pem must be certificates in PEM, of at most {MAX_CA_BYTES} bytes"
        )));
    }
    Ok(text)
}

/// The URL without a slash at its end, so that paths can be put behind it.
fn base_url(text: &str) -> Result<String, Refusal> {
    let refusal = || {
        let message = "base_url must be an absolute http or https URL of at most 2048 characters, without user name, \
                       password, query and fragment";
        Refusal::invalid(message.to_owned())
    };
    let url = Url::parse(text).ok().filter(|_| text.len() <= 2048).ok_or_else(refusal)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.scheme(), "http" | "https");
    if !plain {
        return Err(refusal());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
