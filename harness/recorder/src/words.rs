//! The recorder's own words to a client, where no upstream has any.

use crate::forward::AnswerBody;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{Either, Full};

/// An answer that says why there is no other.
pub(crate) fn own_words(status: StatusCode, message: &str) -> Response<AnswerBody> {
    let body = serde_json::json!({ "error": message }).to_string();
    let mut response = empty(status);
    *response.body_mut() = Either::Right(Full::new(Bytes::from(body)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer of a head alone.
pub(crate) fn empty(status: StatusCode) -> Response<AnswerBody> {
    let mut response = Response::new(Either::Right(Full::default()));
    *response.status_mut() = status;
    response
}
