//! Answers that are no success, each with its code and a message that says how to mend it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use jiff::SignedDuration;
use serde_json::error::Category;
use serde_json::json;

use crate::hooks::IntakeError;
use crate::store::StoreError;

/// When a full queue or a busy store may be asked again, in seconds.
const RETRY_AFTER_S: u64 = 5;

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// When it may be asked again, in whole seconds.
    retry_after_s: Option<u64>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let retry_after_s = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_S);
        Self { status, code, message: message.into(), retry_after_s }
    }

    /// Well-formed, but not what is asked for.
    pub(super) fn invalid(message: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }

    pub(super) fn malformed_json(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", message)
    }

    /// Says where and of what kind the fault is. Of serde's own words only those pass that name keys; its others
    /// quote values.
    pub(super) fn unreadable_json(error: &serde_json::Error) -> Self {
        let place = format!("line {} column {}", error.line(), error.column());
        if error.classify() != Category::Data {
            return Self::malformed_json(format!("the body is not JSON: it goes wrong at {place}"));
        }
        let words = error.to_string();
        if words.starts_with("unknown field") || words.starts_with("missing field") {
            return Self::invalid(words);
        }
        Self::invalid(format!("the value that ends at {place} is not of the type that is expected there"))
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this page does not know that method")
    }

    pub(super) fn too_large(limit_bytes: usize) -> Self {
        let message = format!("the body is longer than {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    /// A delivery that nothing proves to be the provider's. It says no more: whoever forges one must not learn why.
    pub(super) fn unverified() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unverified", "the signature is not the provider's")
    }

    /// A delivery that is the provider's, and still cannot be taken.
    pub(super) fn bad_delivery(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_delivery", message)
    }

    pub(super) fn other_tenant() -> Self {
        Self::new(StatusCode::FORBIDDEN, "other_tenant", "this is another account's; nothing was applied")
    }

    /// More than a connection may send; never a wait of 0 seconds.
    pub(super) fn too_many(retry_after: SignedDuration) -> Self {
        let wait_s = retry_after.as_millis().unsigned_abs().div_ceil(1_000).clamp(1, 3_600);
        let message = format!("this connection sends more than it may; come back in {wait_s} s");
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", message);
        Self { retry_after_s: u64::try_from(wait_s).ok(), ..refusal }
    }

    pub(super) fn conflict(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(super) fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::unavailable("store_unavailable", error.to_string())
    }
}

impl From<IntakeError> for Refusal {
    fn from(error: IntakeError) -> Self {
        let code = match &error {
            IntakeError::Busy => "busy",
            IntakeError::QueueFull { .. } => "queue_full",
            IntakeError::Store(_) => "store_unavailable",
        };
        Self::unavailable(code, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(wait_s) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait_s));
        }
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        (self.status, headers, Json(body)).into_response()
    }
}
