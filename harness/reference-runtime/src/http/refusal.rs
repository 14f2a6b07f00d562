//! Answers that are no success, each with its code and a message that says how to mend it.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::error::Category;
use serde_json::json;

use crate::store::StoreError;

/// When a full queue or a busy store may be asked again, in seconds.
const RETRY_AFTER_S: &str = "5";

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        (self.status, headers, Json(body)).into_response()
    }
}
