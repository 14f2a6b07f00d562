//! The handshakes by which a provider verifies a URL that wants webhooks: sent, judged, and noted.

use super::client::{Answered, Caller, check_url};
use super::sealing::Sealed;
use crate::clock::within;
use crate::data::HandshakeDue;
use bytes::Bytes;
use std::time::Duration;

/// Real time for the answer to a handshake.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Sends a handshake and judges what comes back.
///
/// # Errors
/// A sentence that says what came instead.
pub(crate) async fn shake(caller: &Caller, due: &HandshakeDue) -> Result<(), String> {
    check_url(&due.url)?;
    let mut headers = Vec::new();
    if due.body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let sealed = Sealed {
        method: http::Method::POST,
        url: due.url.clone(),
        headers,
        body: due.body.clone().map(Bytes::from).unwrap_or_default(),
        signature: "none",
    };
    let answered = within(MAX_WAIT, caller.send(&sealed)).await;
    let Answered { status, media_type, body } = answered.ok_or("no answer came in time")??;
    due.check(status, media_type.as_deref(), &body)
}
