//! The HTTP API: triggers and connections in, probes and the test clock out.
//!
//! Handlers check what comes, hand it to the part that does it, and put its answer into JSON; none decides anything
//! else. Each error is `{"error": {"code", "message"}}`.

mod apps;
mod clock;
mod connections;
mod documents;
mod holds;
mod hooks;
mod line;
mod probes;
mod refusal;
mod runs;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::response::Json;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use self::line::{Cut, Lines};
use self::refusal::Refusal;
use crate::hooks::{Endpoints, Intake};
use crate::identity::{Lane, Name};
use crate::worker::{Context, Workers};

/// Larger requests are refused.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What handlers share.
type Shared = axum::extract::State<Arc<Api>>;

/// What lies behind the HTTP API.
struct Api {
    workers: Arc<Workers>,
    endpoints: Endpoints,
    intake: Intake,
}

impl Api {
    fn context(&self) -> &Context {
        &self.workers.context
    }
}

pub(crate) fn router(workers: Arc<Workers>) -> Router {
    let intake = Intake::start(&workers);
    let api = Arc::new(Api { workers, endpoints: Endpoints::default(), intake });
    let clock_routes = if api.context().clock.is_test() {
        Router::new().route("/clock", get(clock::show)).route("/clock/advance", post(clock::advance))
    } else {
        Router::new()
    };
    Router::new()
        .route("/health", get(health))
        .route("/connections/{tenant}/{connection}", put(connections::store).get(connections::show))
        .route("/apps/{app}", put(apps::store))
        .route("/hooks/{tenant}/{connection}", post(hooks::receive))
        .route("/hooks/{app}", post(hooks::receive_shared))
        .route("/integrations/chat-import/runs", post(runs::trigger))
        .route("/integrations/relay/documents", post(documents::hand_over))
        .route("/runs", get(probes::runs))
        .route("/destination", get(probes::destination))
        .route("/destination/messages", get(probes::messages))
        .route("/destination/deliveries", get(probes::deliveries))
        .route("/audit", get(probes::audit))
        .route("/alerts", get(probes::alerts))
        .route("/holds", get(holds::list))
        .route("/holds/release", post(holds::release))
        .route("/holds/{hold}", get(holds::show))
        .route("/holds/{hold}/release", post(holds::release_one))
        .route("/holds/{hold}/discard", post(holds::discard))
        .route("/queue", get(probes::queue))
        .route("/log", get(probes::log))
        .merge(clock_routes)
        .fallback(async || Refusal::not_found("there is no such page"))
        .method_not_allowed_fallback(async || Refusal::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(api)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// A JSON body. What is wrong with one is told without quoting its values, which may be secret.
struct Body<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                Refusal::too_large(MAX_BODY_BYTES)
            }
            _ => Refusal::malformed_json("the body did not come whole".to_owned()),
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refusal::unreadable_json(&error))
    }
}

/// The tenant that a probe asks about: `?tenant=NAME`.
struct Tenant(Name);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantQuery {
    tenant: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query: Result<Query<TenantQuery>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let Ok(Query(query)) = query else {
            return Err(Refusal::invalid("the query must be tenant=NAME, and nothing else".to_owned()));
        };
        Ok(Self(name("tenant", &query.tenant)?))
    }
}

/// Where a probe may do without a tenant: nothing is asked, or a tenant by a name that there can be.
impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for Tenant {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        if parts.uri.query().is_none_or(str::is_empty) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
    }
}

/// The connection that a path names.
struct LanePath(Lane);

impl<S: Send + Sync> FromRequestParts<S> for LanePath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path: Result<Path<(String, String)>, PathRejection> =
            Path::from_request_parts(parts, state).await;
        let Ok(Path((tenant, connection))) = path else {
            return Err(Refusal::invalid("the path must be of UTF-8".to_owned()));
        };
        Ok(Self(lane(&tenant, &connection)?))
    }
}

fn lane(tenant: &str, connection: &str) -> Result<Lane, Refusal> {
    Ok(Lane { tenant: name("tenant", tenant)?, connection: name("connection", connection)? })
}

fn name(place: &str, text: &str) -> Result<Name, Refusal> {
    Name::parse(text)
        .ok_or_else(|| Refusal::invalid(format!("{place} must be 1 to 64 characters of a-z, 0-9, _ and -")))
}
