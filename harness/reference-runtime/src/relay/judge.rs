//! What an answer means to a document: each protocol tells its errors in a way of its own, and HTTP's status is only
//! part of it.
//!
//! Sources: GraphQL specification section 7, SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4, JSON-RPC 2.0 section 5.

use jiff::Timestamp;
use serde_json::Value;

use super::soap;
use crate::outbound::verdict::{Open, Verdict, by_http};
use crate::outbound::{Answer, Reply};
use crate::plants::{Plant, Plants};
use crate::store::{Document, Protocol};
use crate::vocabulary::{AuditOutcome, HoldReason};

/// Codes of GraphQL errors that a repetition does not mend, as servers and vendors spell them.
const GRAPHQL_REFUSALS: [&str; 6] = [
    "BAD_USER_INPUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "NOT_FOUND",
    "UNPROCESSABLE",
    "CONFLICT",
];
/// Codes that say that the caller may not.
const GRAPHQL_DENIALS: [&str; 3] = ["FORBIDDEN", "UNAUTHENTICATED", "INSUFFICIENT_SCOPES"];

/// What the answer to a document means.
pub(super) fn delivered(document: &Document, reply: Reply, now: Timestamp, plants: &Plants) -> Verdict<()> {
    // SOAP tells a client's mistake with 500: the fault says more than the status.
    if document.protocol == Protocol::Soap
        && let Reply::Answered(Answer { body: Ok(body), .. }) = &reply
        && let Some(fault) = soap::fault(body)
        && !(plants.has(Plant::StatusBelieved) && reply.status().is_some_and(|status| status < 300))
    {
        return by_soap(&fault);
    }
    let body = match success(reply, now) {
        Ok(body) => body,
        Err(verdict) => return verdict,
    };
    if plants.has(Plant::StatusBelieved) {
        return Verdict::Done(());
    }
    match document.protocol {
        Protocol::Rest => by_json(&body),
        Protocol::Http => Verdict::Done(()),
        Protocol::Graphql => by_graphql(&body),
        Protocol::Soap if soap::is_envelope(&body) => Verdict::Done(()),
        Protocol::Soap => Verdict::invalid_body("the answer is no SOAP envelope"),
        Protocol::JsonRpc => by_json_rpc(&document.body, &body),
    }
}

/// Whether the answer to a read shows what was sent: each of its top-level members. What may never have arrived may be
/// absent for now; what the provider said that it took may not.
pub(super) fn read_back(document: &Document, reply: Reply, now: Timestamp) -> Verdict<()> {
    let not_yet = || Verdict::told(AuditOutcome::Ok, "the provider does not show yet what it took");
    let body = match success(reply, now) {
        Ok(body) => body,
        Err(Verdict::Rejected { reason: HoldReason::NotFound, .. }) if document.doubt_since.is_some() => {
            return not_yet();
        }
        Err(verdict) => return verdict,
    };
    let sent: Value = serde_json::from_str(&document.body).unwrap_or_default();
    let Ok(shown) = serde_json::from_slice::<Value>(&body) else {
        return Verdict::invalid_body("what was read back is not JSON");
    };
    let is_there =
        sent.as_object().is_some_and(|sent| sent.iter().all(|(name, value)| shown.get(name) == Some(value)));
    if is_there {
        return Verdict::Done(());
    }
    not_yet()
}

/// The body of a 2xx.
fn success(reply: Reply, now: Timestamp) -> Result<Vec<u8>, Verdict<()>> {
    Err(match by_http(reply, now)? {
        Open::Success(content) => return Ok(content.body),
        Open::Unauthorized(_) => rejected(HoldReason::CredentialRejected, "answered 401"),
        Open::Denied(403, _) => rejected(HoldReason::PermissionDenied, "answered 403"),
        Open::Denied(status, _) => rejected(HoldReason::Refused, &format!("answered {status}")),
        Open::Absent(status) => rejected(HoldReason::NotFound, &format!("answered {status}")),
        Open::TooManyRequests(_) => {
            Verdict::told(AuditOutcome::RateLimited, "answered 429 without a word on when to come back")
        }
    })
}

fn rejected(reason: HoldReason, detail: &str) -> Verdict<()> {
    Verdict::Rejected { reason, detail: detail.to_owned() }
}

/// A provider that answers with JSON may tell an error in it, whatever the status.
fn by_json(body: &[u8]) -> Verdict<()> {
    if body.is_empty() {
        return Verdict::Done(());
    }
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body) else {
        return Verdict::invalid_body("the answer is not a JSON object");
    };
    let says_error = ["error", "errors"].iter().any(|name| {
        answer.get(*name).is_some_and(|value| !(value.is_null() || value == &Value::Array(Vec::new())))
    });
    if says_error || answer.get("ok") == Some(&Value::Bool(false)) {
        let detail = "the answer tells an error, whatever its status says";
        return Verdict::told(AuditOutcome::InvalidBody, detail);
    }
    Verdict::Done(())
}

fn by_graphql(body: &[u8]) -> Verdict<()> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Verdict::invalid_body("the answer is not JSON");
    };
    let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(error) = errors.first() {
        let code = ["/extensions/code", "/type"].iter().find_map(|at| error.pointer(at)?.as_str());
        return by_graphql_code(code.filter(|code| is_code(code)));
    }
    match answer.get("data") {
        Some(Value::Object(_)) => Verdict::Done(()),
        _ => Verdict::invalid_body("the answer has neither data nor errors"),
    }
}

fn by_graphql_code(code: Option<&str>) -> Verdict<()> {
    let detail = format!("answered with the GraphQL error {}", code.unwrap_or("without a code"));
    match code {
        Some(code) if GRAPHQL_DENIALS.contains(&code) => rejected(HoldReason::PermissionDenied, &detail),
        Some(code) if GRAPHQL_REFUSALS.contains(&code) => rejected(HoldReason::Refused, &detail),
        _ => Verdict::told(AuditOutcome::ServerError, detail),
    }
}

fn by_soap(fault: &soap::Fault) -> Verdict<()> {
    match fault {
        soap::Fault::Server => {
            Verdict::told(AuditOutcome::ServerError, "answered with a SOAP fault of the server")
        }
        soap::Fault::Client => rejected(HoldReason::Refused, "answered with a SOAP fault of the client"),
    }
}

/// -32768 to -32000 are the protocol's: those of the server may pass, those of the request do not, nor does an error
/// of the application's own.
fn by_json_rpc(sent: &str, body: &[u8]) -> Verdict<()> {
    let id = |text: &Value| text.get("id").cloned().unwrap_or_default();
    let sent: Value = serde_json::from_str(sent).unwrap_or_default();
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return Verdict::invalid_body("the answer is not JSON");
    };
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        let code = error.get("code").and_then(Value::as_i64);
        let detail = match code {
            Some(code) => format!("answered with the JSON-RPC error {code}"),
            None => "answered with a JSON-RPC error without a code".to_owned(),
        };
        return match code {
            None | Some(-32_603 | -32_099..=-32_000) => Verdict::told(AuditOutcome::ServerError, detail),
            Some(_) => rejected(HoldReason::Refused, &detail),
        };
    }
    if id(&answer) != id(&sent) {
        return Verdict::invalid_body("the answer is to another call");
    }
    match answer.get("result") {
        Some(_) => Verdict::Done(()),
        None => Verdict::invalid_body("the answer has neither a result nor an error"),
    }
}

fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(protocol: Protocol, status: u16, body: &str) -> String {
        let document = Document {
            protocol,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            content_type: "x/y".to_owned(),
            body: r#"{"jsonrpc": "2.0", "method": "a", "id": 7, "title": "new"}"#.to_owned(),
            confirm: None,
            effect_key: None,
            delivered: false,
            doubt_since: None,
        };
        let body = Ok(body.as_bytes().to_vec());
        let answer = Answer { status, retry_after: None, content_type: None, date: None, body };
        told(&delivered(&document, Reply::Answered(answer), Timestamp::UNIX_EPOCH, &Plants::default()))
    }

    fn told(verdict: &Verdict<()>) -> String {
        match verdict {
            Verdict::Done(()) => "done".to_owned(),
            Verdict::Failed { detail, .. } => format!("again: {detail}"),
            Verdict::Rejected { reason, .. } => format!("held: {}", reason.word()),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn rest_tells_errors_by_status_and_in_its_body() {
        let judged = |status, body| judged(Protocol::Rest, status, body);
        assert_eq!(judged(201, r#"{"id": 1, "error": null}"#), "done");
        assert_eq!(judged(204, ""), "done");
        assert!(judged(200, r#"{"error": "busy"}"#).starts_with("again"));
        assert!(judged(200, r#"{"ok": false}"#).starts_with("again"));
        assert!(judged(200, "<html>").starts_with("again"));
        assert_eq!(judged(409, "{}"), "held: refused");
        assert_eq!(judged(422, "{}"), "held: refused");
        assert_eq!(judged(403, "{}"), "held: permission_denied");
        assert_eq!(judged(401, "{}"), "held: credential_rejected");
        assert_eq!(judged(410, "{}"), "held: not_found");
        assert!(judged(425, "{}").starts_with("again"));
    }

    #[test]
    fn plain_http_tells_errors_by_status_alone() {
        let judged = |status, body| judged(Protocol::Http, status, body);
        assert_eq!(
            (judged(200, "ok"), judged(202, r#"{"error": 1}"#)),
            ("done".to_owned(), "done".to_owned())
        );
        assert!(judged(503, "ok").starts_with("again"));
        assert_eq!(judged(400, "ok"), "held: refused");
    }

    #[test]
    fn graphql_tells_errors_with_200() {
        let judged = |body: &str| judged(Protocol::Graphql, 200, body);
        assert_eq!(judged(r#"{"data": {"a": 1}}"#), "done");
        assert!(judged(r#"{"data": null}"#).starts_with("again"));
        assert!(judged(r#"{"data": null, "errors": [{"message": "x"}]}"#).starts_with("again"));
        let coded = |code: &str| {
            format!(r#"{{"data": {{"a": null}}, "errors": [{{"extensions": {{"code": "{code}"}}}}]}}"#)
        };
        assert_eq!(judged(&coded("FORBIDDEN")), "held: permission_denied");
        assert_eq!(judged(&coded("BAD_USER_INPUT")), "held: refused");
        assert_eq!(judged(&coded("INTERNAL")), "again: answered with the GraphQL error INTERNAL");
        assert!(judged(&coded("token syt_abc")).ends_with("without a code"), "no free text gets out");
    }

    #[test]
    fn soap_tells_whose_mistake_it_was() {
        let fault = |code: &str| {
            format!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>\
                 <faultcode>{code}</faultcode></s:Fault></s:Body></s:Envelope>"
            )
        };
        assert!(judged(Protocol::Soap, 500, &fault("s:Server")).starts_with("again"));
        assert!(judged(Protocol::Soap, 200, &fault("s:Server.Busy")).starts_with("again"));
        assert_eq!(judged(Protocol::Soap, 500, &fault("s:Client")), "held: refused");
        assert_eq!(judged(Protocol::Soap, 200, "<e:Envelope xmlns:e='u'><e:Body/></e:Envelope>"), "done");
        assert!(judged(Protocol::Soap, 200, "<html/>").starts_with("again"));
        assert_eq!(judged(Protocol::Soap, 500, "broken"), "again: answered 500");
    }

    #[test]
    fn json_rpc_tells_errors_by_their_code_and_answers_by_their_id() {
        let judged = |body: &str| judged(Protocol::JsonRpc, 200, body);
        assert_eq!(judged(r#"{"jsonrpc": "2.0", "id": 7, "result": null}"#), "done");
        assert_eq!(judged(r#"{"id": 8, "result": 1}"#), "again: the answer is to another call");
        assert!(judged(r#"{"id": 7}"#).starts_with("again"));
        let error = |code: i64| format!(r#"{{"id": 7, "error": {{"code": {code}}}}}"#);
        for (code, expected) in [(-32_603, "again"), (-32_005, "again"), (-32_602, "held"), (17, "held")] {
            assert!(judged(&error(code)).starts_with(expected), "{code}");
        }
    }
}
