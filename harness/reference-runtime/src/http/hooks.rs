//! `POST /hooks/{tenant}/{connection}` and `POST /hooks/{app}`: a provider delivers.
//!
//! One 404 for every address that takes nothing, so that nobody learns which tenants there are. The answer comes after
//! the commit: 200 means that it need not be delivered again. What is refused beforehand costs no disk.

use std::sync::Arc;

use axum::body::{Body as AxumBody, HttpBody};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Json, Response};
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

use super::{Api, MAX_BODY_BYTES, Refusal, Shared, lane, name};
use crate::clock::bounded_in_real_time;
use crate::hooks::{Endpoint, EndpointError, Excess, Incoming, Intake, IntakeError, Target, Verdict};
use crate::identity::Lane;
use crate::journal::{About, Level};
use crate::plants::Plant;
use crate::store::{Alert, Delivery, HookAudit};
use crate::vocabulary::{AlertKind, HookOutcome};

/// A body over the limit is read on, and dropped, up to this: cut off half-way, a sender never sees the refusal.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;

/// A body must have come within this.
const LONGEST_READ: Duration = Duration::from_secs(30);

pub(super) async fn receive(
    State(api): Shared,
    Path((tenant, connection)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let lane = lane(&tenant, &connection).map_err(|_| nobody())?;
    deliver(api, Target::Connection(lane), request).await
}

pub(super) async fn receive_shared(
    State(api): Shared,
    Path(app): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let app = name("app", &app).map_err(|_| nobody())?;
    deliver(api, Target::App(app), request).await
}

fn nobody() -> Refusal {
    Refusal::not_found("nothing takes webhooks here")
}

async fn deliver(api: Arc<Api>, target: Target, request: Request) -> Result<Response, Refusal> {
    // Busy from here on: a clock that is driven must not move in between.
    let work = api.context().clock.begin_work();
    let endpoint = api.endpoints.find(api.context(), &target).await.map_err(|error| match error {
        EndpointError::Store(error) => error.into(),
        EndpointError::Sealed => {
            Refusal::internal("the webhook's secret cannot be decrypted; PUT the connection again")
        }
    })?;
    let endpoint = endpoint.ok_or_else(nobody)?;
    let (head, body) = request.into_parts();
    // Room for what has come, not for what is said to come: whoever says much and sends nothing takes nothing.
    let mut room = api.intake.room(1)?;
    let read = bounded_in_real_time(LONGEST_READ, read(body, &api.intake, &mut room)).await;
    let read = read.unwrap_or(Ok(Read::Broken))?;
    // Once it is here it is carried to its end, even when the sender goes away.
    let taking = tokio::spawn(async move {
        let answer =
            Taking { api: &api, endpoint: &endpoint, now: api.context().clock.now() }.take(&head, read).await;
        drop((room, work));
        answer
    });
    taking.await.unwrap_or_else(|_| Err(Refusal::internal("the delivery was not taken up; deliver it again")))
}

enum Read {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

async fn read(
    mut body: AxumBody,
    intake: &Intake,
    room: &mut OwnedSemaphorePermit,
) -> Result<Read, IntakeError> {
    let mut whole = Vec::new();
    let mut seen = 0_usize;
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await;
        let data = match frame {
            None => break,
            Some(Err(_)) => return Ok(Read::Broken),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(_) => continue,
            },
        };
        seen = seen.saturating_add(data.len());
        if seen <= MAX_BODY_BYTES {
            whole.extend_from_slice(&data);
            let missing = whole.len().saturating_sub(room.num_permits() * 1024);
            if missing > 0 {
                room.merge(intake.room(missing)?);
            }
        } else if seen > MAX_DRAINED_BYTES {
            return Ok(Read::TooLarge);
        } else {
            whole = Vec::new();
        }
    }
    Ok(if seen > MAX_BODY_BYTES { Read::TooLarge } else { Read::Whole(whole) })
}

/// A delivery on its way in.
struct Taking<'a> {
    api: &'a Api,
    endpoint: &'a Endpoint,
    now: Timestamp,
}

/// Why a delivery is not taken, for the audit trail and for the sender.
struct Reason {
    status: u16,
    outcome: HookOutcome,
    detail: String,
    refusal: Refusal,
}

impl Taking<'_> {
    async fn take(&self, head: &Parts, read: Read) -> Result<Response, Refusal> {
        let body = match read {
            Read::Whole(body) => body,
            Read::TooLarge => {
                let detail = format!("the body is longer than {MAX_BODY_BYTES} bytes");
                let refusal = Refusal::too_large(MAX_BODY_BYTES);
                let outcome = HookOutcome::TooLarge;
                return self.refuse(head, Reason { status: 413, outcome, detail, refusal }).await;
            }
            Read::Broken => {
                let detail = "the body did not come whole".to_owned();
                let refusal = Refusal::malformed_json(detail.clone());
                let outcome = HookOutcome::InvalidBody;
                return self.refuse(head, Reason { status: 400, outcome, detail, refusal }).await;
            }
        };
        if let Err(excess) = self.endpoint.look(self.now) {
            return Err(self.flooded(excess).await);
        }
        match self.judge(head, &body) {
            Verdict::Refused { status, outcome, detail } => {
                let refusal = match status {
                    401 => Refusal::unverified(),
                    _ => Refusal::bad_delivery(detail.clone()),
                };
                self.refuse(head, Reason { status, outcome, detail, refusal }).await
            }
            Verdict::Challenge(challenge) => {
                self.admit().await?;
                self.api.intake.accept(&self.api.workers, self.delivery(head)).await?;
                Ok((StatusCode::OK, challenge).into_response())
            }
            Verdict::Events(events) => {
                self.admit().await?;
                let count = events.len();
                let routed = self.endpoint.route(self.api.context(), events).await?;
                let refused = routed.refused.len();
                let delivery =
                    Delivery { events: routed.events, refused: routed.refused, ..self.delivery(head) };
                let mut counts = self.api.intake.accept(&self.api.workers, delivery).await?;
                counts.refused = u32::try_from(refused).unwrap_or(u32::MAX);
                self.note(counts.refused > 0, "webhook_taken", json!(counts));
                match (refused == count && count > 0, self.endpoint.lane()) {
                    (true, Some(_)) => Err(Refusal::other_tenant()),
                    (true, None) => Err(nobody()),
                    (false, _) => Ok((StatusCode::OK, Json(counts)).into_response()),
                }
            }
        }
    }

    fn judge(&self, head: &Parts, body: &[u8]) -> Verdict {
        let context = self.api.context();
        if context.plants.has(Plant::SecretLogged) {
            self.note(false, "webhook_received", json!({ "secret": self.endpoint.plain_secret }));
        }
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let url = self.endpoint.url.clone().unwrap_or_else(|| format!("http://{host}{target}"));
        let incoming = Incoming { method: head.method.as_str(), url: &url, headers: &headers, body };
        self.endpoint.judge(&incoming, self.now, &context.plants)
    }

    /// Lets a delivery in that is the provider's, unless the connection sends too much.
    async fn admit(&self) -> Result<(), Refusal> {
        match self.endpoint.take(self.now) {
            Ok(()) => Ok(()),
            Err(excess) => Err(self.flooded(excess).await),
        }
    }

    /// Refuses what is too much, and now and then tells a person.
    async fn flooded(&self, excess: Excess) -> Refusal {
        let Excess { retry_after, is_news } = excess;
        if let Some(lane) = self.endpoint.lane().filter(|_| is_news) {
            let message = format!(
                "{} sends more webhooks than it may; what is over is answered with 429",
                lane.connection.as_str()
            );
            let alert = Alert { kind: AlertKind::InboundFlood, message };
            // A store that refuses even this does not make the refusal another one.
            let _ = self.api.context().store.alert(lane.clone(), alert, self.now).await;
        }
        if is_news {
            self.note(true, "inbound_flood", json!({}));
        }
        Refusal::too_many(retry_after)
    }

    async fn refuse(&self, head: &Parts, reason: Reason) -> Result<Response, Refusal> {
        let Reason { status, outcome, detail, refusal } = reason;
        if !self.endpoint.notes_unproven(self.now) {
            return Err(refusal);
        }
        let fields = json!({ "status": status, "outcome": outcome.word(), "detail": detail });
        if let Some(lane) = self.endpoint.lane() {
            let audit = self.audit(lane, head);
            self.api.context().store.refuse_delivery(audit, status, outcome, detail).await?;
        }
        self.note(true, "webhook_refused", fields);
        Err(refusal)
    }

    fn delivery(&self, head: &Parts) -> Delivery {
        Delivery {
            at: self.now,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            lane: self.endpoint.lane().cloned(),
            events: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn audit(&self, lane: &Lane, head: &Parts) -> HookAudit {
        let Delivery { at, method, path, .. } = self.delivery(head);
        HookAudit { at, lane: lane.clone(), method, path }
    }

    fn note(&self, is_odd: bool, event: &'static str, fields: serde_json::Value) {
        let level = if is_odd { Level::Warn } else { Level::Info };
        let about = self.endpoint.lane().map_or(About::Runtime, About::Connection);
        self.api.context().journal.line(level, event, about, fields);
    }
}
