//! `POST /hooks/{tenant}/{connection}`: a provider delivers a webhook.
//!
//! One 404 for every address that takes none, so that nobody learns which tenants there are. The answer comes after the
//! commit: 200 means that it will not be asked for again.

use std::sync::Arc;

use axum::body::{Body as AxumBody, HttpBody};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use counterpart_signatures::Secret;
use serde_json::json;

use super::{MAX_BODY_BYTES, Refusal, Shared, lane};
use crate::hooks::{Incoming, Verdict, judge};
use crate::identity::Lane;
use crate::journal::{About, Level};
use crate::plants::Plant;
use crate::store::{HookAudit, HookConfig};
use crate::vocabulary::HookOutcome;
use crate::worker::Lanes;

/// A body over the limit is read on, and dropped, up to this: cut off half-way, a sender never sees the refusal.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;

pub(super) async fn receive(
    State(lanes): Shared,
    Path((tenant, connection)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let nobody = || Refusal::not_found("nothing takes webhooks here");
    let lane = lane(&tenant, &connection).map_err(|_| nobody())?;
    // Busy from here on: a clock that is driven must not move in between.
    let work = lanes.context.clock.begin_work();
    let config = lanes.context.store.hook_config(lane.clone()).await?.ok_or_else(nobody)?;
    let (head, body) = request.into_parts();
    let read = read(body).await;
    // Once it is here it is carried to its end, even when the sender goes away.
    let taking = tokio::spawn(async move {
        let answer = take(&lanes, lane, config, &head, read).await;
        drop(work);
        answer
    });
    taking.await.unwrap_or_else(|_| Err(Refusal::internal("the delivery was not taken up; deliver it again")))
}

enum Read {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

async fn read(mut body: AxumBody) -> Read {
    let mut whole = Vec::new();
    let mut seen = 0_usize;
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
        let data = match frame {
            None => break,
            Some(Err(_)) => return Read::Broken,
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(_) => continue,
            },
        };
        seen = seen.saturating_add(data.len());
        if seen <= MAX_BODY_BYTES {
            whole.extend_from_slice(&data);
        } else if seen > MAX_DRAINED_BYTES {
            return Read::TooLarge;
        } else {
            whole = Vec::new();
        }
    }
    if seen > MAX_BODY_BYTES { Read::TooLarge } else { Read::Whole(whole) }
}

async fn take(
    lanes: &Arc<Lanes>,
    lane: Lane,
    config: HookConfig,
    head: &axum::http::request::Parts,
    read: Read,
) -> Result<Response, Refusal> {
    let context = &lanes.context;
    let now = context.clock.now();
    let path = head.uri.path().to_owned();
    let audit = HookAudit { at: now, lane: lane.clone(), method: head.method.to_string(), path };
    let refuse = async |status: u16, outcome: HookOutcome, detail: String, refusal: Refusal| {
        let fields = json!({ "status": status, "outcome": outcome.word(), "detail": detail });
        context.store.refuse_delivery(audit.clone(), status, outcome, detail).await?;
        context.journal.line(Level::Warn, "webhook_refused", About::Connection(&lane), fields);
        Err::<Response, Refusal>(refusal)
    };
    let body = match read {
        Read::Whole(body) => body,
        Read::TooLarge => {
            let detail = format!("the body is longer than {MAX_BODY_BYTES} bytes");
            return refuse(413, HookOutcome::TooLarge, detail, Refusal::too_large(MAX_BODY_BYTES)).await;
        }
        Read::Broken => {
            let detail = "the body did not come whole".to_owned();
            let refusal = Refusal::malformed_json(detail.clone());
            return refuse(400, HookOutcome::InvalidBody, detail, refusal).await;
        }
    };
    let Some(secret) = context.vault.open_hook_secret(&lane, &config.sealed) else {
        return Err(Refusal::internal("the webhook's secret cannot be decrypted; PUT the connection again"));
    };
    if context.plants.has(Plant::SecretLogged) {
        let fields = json!({ "secret": secret });
        context.journal.line(Level::Info, "webhook_received", About::Connection(&lane), fields);
    }
    let headers: Vec<(String, String)> = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let url = config.url.clone().unwrap_or_else(|| format!("http://{host}{target}"));
    let incoming = Incoming { method: head.method.as_str(), url: &url, headers: &headers, body: &body };
    match judge(&incoming, &config, &Secret::new(secret), now, &context.plants) {
        Verdict::Challenge(challenge) => {
            context.store.commit_delivery(audit.clone(), Vec::new()).await?;
            Ok((StatusCode::OK, challenge).into_response())
        }
        Verdict::Refused { status, outcome, detail } => {
            let refusal = match status {
                401 => Refusal::unverified(),
                _ => Refusal::bad_delivery(detail.clone()),
            };
            refuse(status, outcome, detail, refusal).await
        }
        Verdict::Events(events) => {
            let count = events.len();
            let counts = context.store.commit_delivery(audit.clone(), events).await?;
            let level = if counts.held + counts.refused > 0 { Level::Warn } else { Level::Info };
            context.journal.line(level, "webhook_taken", About::Connection(&lane), json!(counts));
            if counts.refused > 0 && counts.refused as usize == count {
                return Err(Refusal::other_tenant());
            }
            Ok((StatusCode::OK, Json(counts)).into_response())
        }
    }
}
