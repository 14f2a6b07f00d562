//! The Matrix client-server API, as far as the import speaks it: which calls there are, and what answers mean.
//!
//! After the specification (spec.matrix.org, client-server API v1): `GET directory/room/{alias}`,
//! `GET rooms/{id}/messages`, `POST refresh`, soft logout, and the standard error form. It knows no record and
//! nothing of retries.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, Url};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::credentials::{Credentials, Secret};
use crate::outbound::verdict::{Content, Open, Verdict, by_http};
use crate::outbound::{Answer, Call, Reply, Sent};
use crate::plants::{Plant, Plants};
use crate::schedule;
use crate::store::Claim;
use crate::vocabulary::{AuditOutcome, HoldReason, Operation};

/// How many events a page asks for.
pub(super) const PAGE_LIMIT: u32 = 10;

/// What a page has by the specification.
const PAGE_FIELDS: [&str; 4] = ["chunk", "start", "end", "state"];

/// All but the unreserved characters of RFC 3986 are encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a call that succeeded brought.
#[derive(Debug)]
pub(super) enum Success {
    Room(String),
    Page(Page),
    Tokens(Tokens),
}

/// A page of history.
#[derive(Debug)]
pub(super) struct Page {
    /// As they came, byte for byte.
    pub(super) events: Vec<Box<RawValue>>,
    /// Where the next page begins, if there is one.
    pub(super) end: Option<String>,
    /// Fields of the page that the specification does not have.
    pub(super) unknown_fields: Vec<String>,
}

/// What a refresh brought.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access_token: Secret,
    /// `None`: the old one stays good.
    pub(super) refresh_token: Option<Secret>,
    pub(super) expires_in: Option<SignedDuration>,
    /// How they were written.
    pub(super) written_as: WrittenAs,
}

/// How an answer with tokens is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrittenAs {
    Json,
    Form,
}

impl WrittenAs {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
        }
    }
}

/// Where in the history a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing of the room was read yet.
    AtTheBegin,
    /// Pages of it came before, so the room is there.
    UnderWay,
}

/// The next call of a run; `None` when its connection lacks what the call needs.
pub(super) fn call(claim: &Claim, credentials: &Credentials) -> Option<Call> {
    let client = format!("{}/_matrix/client/v3", claim.base_url);
    let get = |url: &str| {
        let bearer = Some(credentials.access_token.clone());
        let ca_pem = claim.ca_pem.clone();
        Some(Call {
            method: Method::GET,
            url: Url::parse(url).ok()?,
            bearer,
            content: None,
            idempotency_key: None,
            ca_pem,
        })
    };
    match claim.operation() {
        Operation::ResolveAlias => get(&format!("{client}/directory/room/{}", encoded(&claim.room))),
        Operation::Messages => {
            let room_id = encoded(claim.room_id.as_deref()?);
            let from = claim.cursor.as_deref().map(|cursor| format!("&from={}", encoded(cursor)));
            let from = from.unwrap_or_default();
            get(&format!("{client}/rooms/{room_id}/messages?dir=b&limit={PAGE_LIMIT}{from}"))
        }
        Operation::Refresh => {
            let refresh_token = credentials.refresh_token.as_ref()?;
            let content = Some(Sent::json(json!({ "refresh_token": refresh_token.expose() }).to_string()));
            let url = Url::parse(&format!("{client}/refresh")).ok()?;
            let ca_pem = claim.ca_pem.clone();
            Some(Call { method: Method::POST, url, bearer: None, content, idempotency_key: None, ca_pem })
        }
        Operation::Deliver | Operation::Confirm | Operation::Apply => None,
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What `reply` to `operation` means.
pub(super) fn judge(
    operation: Operation,
    progress: Progress,
    reply: Reply,
    now: Timestamp,
    plants: &Plants,
) -> Verdict<Success> {
    let open = match by_http(reply, now) {
        Ok(open) => open,
        Err(verdict) => return verdict,
    };
    match open {
        Open::Success(content) => match operation {
            Operation::Refresh => tokens(&content),
            _ if content.is_no_json() => Verdict::invalid_body("the answer says itself that it is no JSON"),
            Operation::Messages => page(&content.body),
            _ => room(&content.body),
        },
        Open::Absent(status) => absent(operation, progress, status),
        Open::TooManyRequests(body) => match Complaint::read(&body).retry_after_ms {
            Some(wait_ms) => Verdict::RateLimited {
                wait: schedule::retry_after_ms(wait_ms),
                detail: "answered 429 with retry_after_ms".to_owned(),
            },
            None => {
                Verdict::told(AuditOutcome::RateLimited, "answered 429 without a word on when to come back")
            }
        },
        Open::Unauthorized(body) => {
            let complaint = Complaint::read(&body);
            if complaint.is_expiry() && operation != Operation::Refresh {
                return Verdict::TokenExpired;
            }
            rejected(HoldReason::CredentialRejected, 401, &complaint)
        }
        Open::Denied(status, body) => {
            let complaint = Complaint::read(&body);
            match status {
                _ if operation == Operation::Refresh => {
                    rejected(HoldReason::CredentialRejected, status, &complaint)
                }
                // The wrong status for it; what the body says goes further than its status.
                403 if complaint.is_expiry() => Verdict::TokenExpired,
                403 if plants.has(Plant::ForbiddenRetried) => {
                    Verdict::told(AuditOutcome::Refused, complaint.told(status))
                }
                403 => rejected(HoldReason::PermissionDenied, status, &complaint),
                _ => rejected(HoldReason::Refused, status, &complaint),
            }
        }
    }
}

/// What it means that something is not there.
fn absent(operation: Operation, progress: Progress, status: u16) -> Verdict<Success> {
    match (operation, progress, status) {
        // A cursor wears out; the room that it leads through is still there.
        (Operation::Messages, Progress::UnderWay, 410) => {
            Verdict::StartAnew { detail: "answered 410: the cursor is no longer good".to_owned() }
        }
        // The room was there a page ago: rather the provider is in trouble than the room is gone.
        (Operation::Messages, Progress::UnderWay, _) => {
            let detail = format!("answered {status}, though pages of the room came before");
            Verdict::told(AuditOutcome::Refused, detail)
        }
        _ => Verdict::Rejected { reason: HoldReason::NotFound, detail: format!("answered {status}") },
    }
}

/// The `end` that a page names, whatever else is wrong with the page.
pub(super) fn named_end(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Answered(Answer { status: 200, body: Ok(body), .. }) => {
            serde_json::from_slice::<Value>(body).ok()?.get("end")?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn room(body: &[u8]) -> Verdict<Success> {
    let room_id = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|body| body.get("room_id")?.as_str().map(str::to_owned))
        .filter(|room_id| !room_id.is_empty());
    match room_id {
        Some(room_id) => Verdict::Done(Success::Room(room_id)),
        None => Verdict::invalid_body("the answer has no room_id"),
    }
}

fn page(body: &[u8]) -> Verdict<Success> {
    let Ok(members) = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(body) else {
        return Verdict::invalid_body("the page is not a JSON object");
    };
    let Some(chunk) = members.get("chunk") else {
        return Verdict::invalid_body("the page has no chunk");
    };
    let Ok(events) = serde_json::from_str::<Vec<Box<RawValue>>>(chunk.get()) else {
        return Verdict::invalid_body("the page's chunk is not an array");
    };
    // Only a page without `end` is the last. One whose `end` makes no sense must not pass for it.
    let end = match members.get("end").map(|end| serde_json::from_str::<String>(end.get())) {
        None => None,
        Some(Ok(end)) if !end.is_empty() => Some(end),
        Some(_) => return Verdict::invalid_body("the page's end is not a cursor"),
    };
    let unknown_fields = members.into_keys().filter(|name| !PAGE_FIELDS.contains(&name.as_str())).collect();
    Verdict::Done(Success::Page(Page { events, end, unknown_fields }))
}

fn tokens(content: &Content) -> Verdict<Success> {
    let (body, written_as) = match content.media_type.as_deref() {
        Some("application/x-www-form-urlencoded") => (form(&content.body), WrittenAs::Form),
        _ => (serde_json::from_slice::<Value>(&content.body).ok(), WrittenAs::Json),
    };
    let Some(mut body) = body else {
        return Verdict::invalid_body("the answer to the refresh is not JSON");
    };
    let mut token = |name| match body.get_mut(name).map(Value::take) {
        Some(Value::String(token)) => Secret::parse(token),
        _ => None,
    };
    let (Some(access_token), refresh_token) = (token("access_token"), token("refresh_token")) else {
        return Verdict::invalid_body("the answer to the refresh has no usable access_token");
    };
    // The lifetime is a mere hint: an odd one is no reason to lose tokens that may replace the old ones for good.
    let expires_in_ms = body.get("expires_in_ms").and_then(Value::as_i64).filter(|lifetime| *lifetime >= 0);
    let expires_in = expires_in_ms.map(SignedDuration::from_millis);
    Verdict::Done(Success::Tokens(Tokens { access_token, refresh_token, expires_in, written_as }))
}

/// The fields of a form. A number in it is a number.
fn form(body: &[u8]) -> Option<Value> {
    let url = Url::parse(&format!("form:?{}", std::str::from_utf8(body).ok()?)).ok()?;
    let value = |text: &str| text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
    Some(url.query_pairs().map(|(name, text)| (name.into_owned(), value(&text))).collect())
}

fn rejected(reason: HoldReason, status: u16, complaint: &Complaint) -> Verdict<Success> {
    Verdict::Rejected { reason, detail: complaint.told(status) }
}

/// A standard error answer, as far as it can be read.
#[derive(Debug, Default)]
struct Complaint {
    errcode: Option<String>,
    soft_logout: bool,
    retry_after_ms: Option<u64>,
}

impl Complaint {
    fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let errcode = body.get("errcode").and_then(Value::as_str);
        Self {
            errcode: errcode.filter(|code| is_code(code)).map(str::to_owned),
            soft_logout: body.get("soft_logout").and_then(Value::as_bool).unwrap_or_default(),
            retry_after_ms: body.get("retry_after_ms").and_then(Value::as_u64),
        }
    }

    /// Whether it says that the access token has expired and may be refreshed. To a refresh it would be the word on
    /// the refresh token, which nothing can renew.
    fn is_expiry(&self) -> bool {
        self.errcode.as_deref() == Some("M_UNKNOWN_TOKEN") && self.soft_logout
    }

    /// For people. The code alone: the free text beside it may hold anything, a token too.
    fn told(&self, status: u16) -> String {
        match &self.errcode {
            Some(errcode) => format!("answered {status} {errcode}"),
            None => format!("answered {status}"),
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(operation: Operation, status: u16, body: &str) -> Verdict<Success> {
        let body = Ok(body.as_bytes().to_vec());
        let answer = Answer { status, retry_after: None, content_type: None, date: None, body };
        let reply = Reply::Answered(answer);
        judge(operation, Progress::UnderWay, reply, Timestamp::UNIX_EPOCH, &Plants::default())
    }

    fn told(verdict: &Verdict<Success>) -> String {
        format!("{}: {}", verdict.audit_outcome().word(), verdict.detail().unwrap_or_default())
    }

    #[test]
    fn a_page_is_whole_or_invalid() {
        let judged = |body: &str| told(&answer(Operation::Messages, 200, body));
        assert_eq!(judged(r#"{"chunk": [], "end": "t1"}"#), "ok: ");
        assert_eq!(judged(r#"{"chunk": [1]}"#), "ok: ");
        assert_eq!(judged(r#"{"end": "t1"}"#), "invalid_body: the page has no chunk");
        assert_eq!(judged(r#"{"chunk": {}}"#), "invalid_body: the page's chunk is not an array");
        for end in ["null", "7", r#""""#] {
            let page = format!(r#"{{"chunk": [], "end": {end}}}"#);
            assert_eq!(judged(&page), "invalid_body: the page's end is not a cursor", "{end}");
        }
        assert_eq!(judged(r#"{"chunk": [{"ev"#), "invalid_body: the page is not a JSON object");
    }

    #[test]
    fn only_a_soft_logout_asks_for_a_refresh() {
        let soft = r#"{"errcode": "M_UNKNOWN_TOKEN", "soft_logout": true}"#;
        let hard = r#"{"errcode": "M_UNKNOWN_TOKEN", "soft_logout": false}"#;
        assert!(matches!(answer(Operation::Messages, 401, soft), Verdict::TokenExpired));
        assert_eq!(told(&answer(Operation::Messages, 401, hard)), "refused: answered 401 M_UNKNOWN_TOKEN");
        assert_eq!(told(&answer(Operation::Refresh, 401, soft)), "refused: answered 401 M_UNKNOWN_TOKEN");
        assert_eq!(told(&answer(Operation::Messages, 401, "<html>")), "refused: answered 401");
    }

    #[test]
    fn a_refusal_says_by_its_code_why_and_nothing_more() {
        let leaky = r#"{"errcode": "your token syt_abc", "error": "syt_abc"}"#;
        assert_eq!(told(&answer(Operation::Messages, 403, leaky)), "refused: answered 403");
        let verdict = answer(Operation::Messages, 403, r#"{"errcode": "M_FORBIDDEN"}"#);
        assert!(matches!(verdict, Verdict::Rejected { reason: HoldReason::PermissionDenied, .. }));
        let verdict = answer(Operation::Refresh, 403, "{}");
        assert!(matches!(verdict, Verdict::Rejected { reason: HoldReason::CredentialRejected, .. }));
    }

    #[test]
    fn an_expiry_may_come_with_the_wrong_status() {
        let soft = r#"{"errcode": "M_UNKNOWN_TOKEN", "soft_logout": true}"#;
        assert!(matches!(answer(Operation::Messages, 403, soft), Verdict::TokenExpired));
        assert_eq!(told(&answer(Operation::Refresh, 403, soft)), "refused: answered 403 M_UNKNOWN_TOKEN");
    }

    #[test]
    fn what_was_there_a_page_ago_is_not_given_up_at_once() {
        assert!(matches!(answer(Operation::Messages, 404, "{}"), Verdict::Failed { .. }));
        assert!(matches!(answer(Operation::Messages, 410, "{}"), Verdict::StartAnew { .. }));
        let first = absent(Operation::Messages, Progress::AtTheBegin, 410);
        assert!(matches!(first, Verdict::Rejected { reason: HoldReason::NotFound, .. }));
    }

    #[test]
    fn tokens_may_come_as_a_form() {
        let body = b"access_token=new%2Bone&expires_in_ms=300000".to_vec();
        let media_type = Some("application/x-www-form-urlencoded".to_owned());
        let Verdict::Done(Success::Tokens(tokens)) = tokens(&Content { media_type, body }) else {
            panic!("the tokens are good");
        };
        assert_eq!((tokens.access_token.expose(), tokens.written_as), ("new+one", WrittenAs::Form));
        assert_eq!(tokens.expires_in, Some(SignedDuration::from_mins(5)));
    }

    #[test]
    fn refreshed_tokens_survive_an_odd_lifetime() {
        let body = r#"{"access_token": "new", "expires_in_ms": "soon"}"#;
        let Verdict::Done(Success::Tokens(tokens)) = answer(Operation::Refresh, 200, body) else {
            panic!("the tokens are good");
        };
        assert_eq!((tokens.refresh_token, tokens.expires_in), (None, None));
        assert_eq!(tokens.access_token.expose(), "new");
        let body = r#"{"access_token": ""}"#;
        assert_eq!(
            told(&answer(Operation::Refresh, 200, body)),
            "invalid_body: the answer to the refresh has no usable access_token"
        );
    }
}
