//! `PUT` and `GET /connections/{tenant}/{connection}`. Credentials come in here and never go out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use counterpart_signatures::Scheme;
use jiff::SignedDuration;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, LanePath, Refusal, Shared, name};
use crate::credentials::{Credentials, Secret};
use crate::hooks::{Format, Target, owner};
use crate::journal::{About, Level};
use crate::outbound::trusts;
use crate::store::{ConnectionView, HookConfig, NewConnection, Proof, PutConnection};
use crate::worker::Context;

/// After so many failed attempts in a row a person is told, where nobody set it.
const ALERT_AFTER_FAILURES: u32 = 3;

/// How long idempotency keys are kept where nobody said, in seconds: the shortest time that a large provider promises
/// (Stripe).
const KEY_RETENTION_S: i64 = 24 * 60 * 60;

/// From an hour to a hundred years. What is kept for less leaves no time to wait for a turn.
const RETENTIONS_S: std::ops::RangeInclusive<i64> = 60 * 60..=100 * 366 * 24 * 60 * 60;

/// An account as a provider spells it.
const MAX_ACCOUNT_BYTES: usize = 255;

/// How long a path or a URL may be.
const MAX_PATH_BYTES: usize = 2048;

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
    alert_after_failures: Option<u32>,
    outcome_deadline_s: Option<u32>,
    idempotency_retention: Option<String>,
    webhook: Option<WebhookBody>,
}

/// How webhooks are verified, and what is done about them; all of it absent or null where none come.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookBody {
    scheme: Option<String>,
    secret: Option<String>,
    account: Option<String>,
    app: Option<String>,
    url: Option<String>,
    forward: Option<String>,
    order_by: Option<String>,
    max_per_second: Option<f64>,
    burst: Option<u32>,
}

pub(super) async fn store(
    State(api): Shared,
    LanePath(lane): LanePath,
    Body(body): Body<ConnectionBody>,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let context = api.context();
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
    let target = Target::Connection(lane.clone());
    let webhook = match body.webhook {
        Some(webhook) => hook(context, webhook, provider.as_str(), &target)?,
        None => None,
    };
    let alert_after_failures = body.alert_after_failures.unwrap_or(ALERT_AFTER_FAILURES);
    if alert_after_failures == 0 || body.outcome_deadline_s == Some(0) {
        let message = "alert_after_failures and outcome_deadline_s must be at least 1, or left out";
        return Err(Refusal::invalid(message.to_owned()));
    }
    let idempotency_s = retention(body.idempotency_retention.as_deref())?;
    let new = NewConnection {
        base_url,
        ca_pem,
        sealed,
        max_requests_per_second: pace,
        alert_after_failures,
        outcome_deadline_s: body.outcome_deadline_s,
        idempotency_s,
        webhook,
    };
    let work = context.clock.begin_work();
    let status = match context.store.put_connection(lane.clone(), provider, new).await? {
        PutConnection::Created => StatusCode::CREATED,
        PutConnection::Replaced => StatusCode::OK,
        PutConnection::AccountTaken => {
            return Err(Refusal::conflict(
                "another connection has this account at this app; nothing was changed",
            ));
        }
    };
    context.note_connected(&lane);
    api.endpoints.forget(&target);
    // What waited because the connection was halted goes on.
    api.workers.wake(work);
    context.journal.line(Level::Info, "connection_stored", About::Connection(&lane), json!({}));
    let named = json!({ "tenant": lane.tenant.as_str(), "connection": lane.connection.as_str() });
    Ok((status, Json(named)))
}

pub(super) async fn show(
    State(api): Shared,
    LanePath(lane): LanePath,
) -> Result<Json<ConnectionView>, Refusal> {
    let view = api.context().store.connection(lane).await?;
    view.map(Json).ok_or_else(|| Refusal::not_found("there is no such connection; PUT it first"))
}

/// How a connection's webhooks are taken; `None` where none of it is named.
fn hook(
    context: &Context,
    body: WebhookBody,
    provider: &str,
    target: &Target,
) -> Result<Option<HookConfig>, Refusal> {
    let invalid = |message: String| Err(Refusal::invalid(message));
    let WebhookBody { scheme, secret, account, app, url, forward, order_by, max_per_second, burst } = body;
    if scheme.is_none() && secret.is_none() && account.is_none() && app.is_none() {
        return Ok(None);
    }
    let Some(format) = Format::of_provider(provider) else {
        return invalid(format!(
            "webhooks of {provider} are not understood; those of {} are",
            Format::known()
        ));
    };
    let proof = match (scheme, secret, &app) {
        (Some(scheme), Some(secret), _) => Some(proof(context, target, scheme, &secret)?),
        (None, None, Some(_)) => None,
        _ => return invalid("webhook needs scheme and secret, or an app".to_owned()),
    };
    if proof.is_none() && (max_per_second.is_some() || burst.is_some()) {
        let message =
            "webhook.max_per_second and webhook.burst are for an endpoint of its own, with scheme and secret";
        return invalid(message.to_owned());
    }
    if account.is_none() && (format.tells_account() || app.is_some()) {
        return invalid(format!(
            "webhook.account must name the account at {provider} whose events these are"
        ));
    }
    if account.as_ref().is_some_and(|account| account.is_empty() || account.len() > MAX_ACCOUNT_BYTES) {
        return invalid(format!("webhook.account must be 1 to {MAX_ACCOUNT_BYTES} bytes"));
    }
    let app = app.map(|app| name("webhook.app", &app)).transpose()?;
    check_url(url.as_ref())?;
    if forward.is_none() && format == Format::Plain {
        return invalid(format!("webhook.forward must say where the events of {provider} are sent on to"));
    }
    let is_path = |path: &String| {
        path.starts_with('/')
            && path.len() <= MAX_PATH_BYTES
            && path.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !forward.iter().chain(&order_by).all(is_path) {
        return invalid(format!(
            "webhook.forward and webhook.order_by must begin with a slash and be of at most {MAX_PATH_BYTES} visible \
             ASCII characters"
        ));
    }
    if max_per_second.is_some_and(|rate| !PACES.contains(&rate)) || burst == Some(0) {
        return invalid(
            "webhook.max_per_second must be from 0.001 to 10000, webhook.burst at least 1".to_owned(),
        );
    }
    let format = format.provider().to_owned();
    Ok(Some(HookConfig { format, proof, account, app, url, forward, order_by, max_per_second, burst }))
}

/// How deliveries to `target` are verified, its secret sealed.
pub(super) fn proof(
    context: &Context,
    target: &Target,
    scheme: String,
    secret: &str,
) -> Result<Proof, Refusal> {
    scheme.parse::<Scheme>().map_err(|error| Refusal::invalid(format!("webhook.scheme: {error}")))?;
    if secret.trim().is_empty() || secret.len() > MAX_SECRET_BYTES {
        return Err(Refusal::invalid(format!("webhook.secret must be 1 to {MAX_SECRET_BYTES} bytes")));
    }
    let sealed = context.vault.seal_hook_secret(&owner(target), secret);
    let sealed = sealed.ok_or_else(|| Refusal::internal("the webhook's secret could not be encrypted"))?;
    Ok(Proof { scheme, sealed })
}

/// The URL that a provider calls.
pub(super) fn check_url(url: Option<&String>) -> Result<(), Refusal> {
    if url.is_some_and(|url| Url::parse(url).is_err() || url.len() > MAX_PATH_BYTES) {
        return Err(Refusal::invalid(format!(
            "webhook.url must be the absolute URL that the provider calls, of at most {MAX_PATH_BYTES} characters"
        )));
    }
    Ok(())
}

/// How long the provider knows a write again by its key, in seconds; `None` for ever.
fn retention(text: Option<&str>) -> Result<Option<i64>, Refusal> {
    let refusal = || {
        let message = "idempotency_retention must be a duration like 24h or 90m, of an hour at least, or none or unlimited";
        Refusal::invalid(message.to_owned())
    };
    match text {
        None => Ok(Some(KEY_RETENTION_S)),
        Some("none") => Ok(Some(0)),
        Some("unlimited") => Ok(None),
        Some(text) => {
            let kept: SignedDuration = text.parse().map_err(|_| refusal())?;
            Some(kept.as_secs()).filter(|kept_s| RETENTIONS_S.contains(kept_s)).map(Some).ok_or_else(refusal)
        }
    }
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
