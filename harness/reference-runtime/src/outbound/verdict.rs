//! What an answer means by HTTP alone, before anyone looks into its body.

use jiff::{SignedDuration, Timestamp};

use super::{Answer, Reply};
use crate::schedule;
use crate::vocabulary::{AuditOutcome, HoldReason};

/// What is to be done after a call, on success with a `T`.
#[derive(Debug)]
pub(crate) enum Verdict<T> {
    Done(T),
    /// The access token has expired, and may be refreshed.
    TokenExpired,
    /// The place to go on from is no longer good: begin the list anew.
    StartAnew {
        detail: String,
    },
    /// The provider will be ready again after `wait`; this uses no attempt.
    RateLimited {
        wait: SignedDuration,
        detail: String,
    },
    /// To be tried again: after `wait` if the provider named one, else by the retry schedule. Uses an attempt.
    Failed {
        outcome: AuditOutcome,
        detail: String,
        wait: Option<SignedDuration>,
        /// Whether the provider may have done all the same what it was asked for.
        may_be_done: bool,
    },
    /// Trying again would not help.
    Rejected {
        reason: HoldReason,
        detail: String,
    },
}

impl<T> Verdict<T> {
    /// A success that was none: its body says nothing, or nothing sensible.
    pub(crate) fn invalid_body(detail: impl Into<String>) -> Self {
        Self::Failed {
            outcome: AuditOutcome::InvalidBody,
            detail: detail.into(),
            wait: None,
            may_be_done: true,
        }
    }

    /// A failure that the provider tells of in words of its own: what it was asked for was not done.
    pub(crate) fn told(outcome: AuditOutcome, detail: impl Into<String>) -> Self {
        Self::Failed { outcome, detail: detail.into(), wait: None, may_be_done: false }
    }

    pub(crate) fn audit_outcome(&self) -> AuditOutcome {
        match self {
            Self::Done(_) => AuditOutcome::Ok,
            Self::Rejected { reason: HoldReason::CertificateRejected, .. } => {
                AuditOutcome::CertificateRejected
            }
            Self::TokenExpired | Self::StartAnew { .. } | Self::Rejected { .. } => AuditOutcome::Refused,
            Self::RateLimited { .. } => AuditOutcome::RateLimited,
            Self::Failed { outcome, .. } => *outcome,
        }
    }

    /// Why it was no success.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Done(_) => None,
            Self::TokenExpired => Some("the access token has expired".to_owned()),
            Self::RateLimited { detail, .. }
            | Self::Failed { detail, .. }
            | Self::StartAnew { detail }
            | Self::Rejected { detail, .. } => Some(detail.clone()),
        }
    }
}

/// Server errors that say by themselves that the request was not worked on: not implemented, unavailable, version not
/// supported (RFC 9110, section 15.6). After any other it may have been: so Stripe says of its 500, and a gateway that
/// answers 502 or 504 does not know either.
const TURNED_AWAY: [u16; 3] = [501, 503, 505];

/// An answer that HTTP alone cannot judge.
#[derive(Debug)]
pub(crate) enum Open {
    /// 2xx, with its body.
    Success(Content),
    /// 401, with its body: expired, or rejected?
    Unauthorized(Vec<u8>),
    /// 429 without a usable `Retry-After`, with its body if that came whole.
    TooManyRequests(Vec<u8>),
    /// 400 or 403, with its body.
    Denied(u16, Vec<u8>),
    /// 404 or 410: not there. Gone, or never there, or denied by a provider in trouble?
    Absent(u16),
}

/// What a success brought.
#[derive(Debug)]
pub(crate) struct Content {
    /// What it says that it is, without parameters, in lower case.
    pub(crate) media_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Content {
    /// Whether it says that it is something else than JSON.
    pub(crate) fn is_no_json(&self) -> bool {
        let is_json = |name: &str| name.ends_with("/json") || name.ends_with("+json");
        self.media_type.as_deref().is_some_and(|name| !is_json(name))
    }

    fn media_type(field: Option<&str>) -> Option<String> {
        let name = field?.split(';').next()?.trim();
        (!name.is_empty()).then(|| name.to_ascii_lowercase())
    }
}

/// Judges `reply`; what needs the provider's own words is left open.
///
/// # Errors
/// The verdict, where HTTP alone decides.
pub(crate) fn by_http<T>(reply: Reply, now: Timestamp) -> Result<Open, Verdict<T>> {
    let answer = match reply {
        Reply::Answered(answer) => answer,
        Reply::TimedOut => return Err(lost(AuditOutcome::TimedOut, "no whole answer within 10 s")),
        Reply::Distrusted(why) => {
            return Err(Verdict::Rejected {
                reason: HoldReason::CertificateRejected,
                detail: why.to_owned(),
            });
        }
        Reply::NotSent(why) => return Err(Verdict::told(AuditOutcome::ConnectionFailed, why)),
        Reply::NoAnswer(why) => return Err(lost(AuditOutcome::ConnectionFailed, why)),
    };
    let Answer { status, retry_after, content_type, body, date: _ } = answer;
    let wait = retry_after.and_then(|field| schedule::parse_retry_after(&field, now));
    // These two say enough by their status; for all others half a body is no answer.
    match (status, wait) {
        (500.., wait) => {
            return Err(Verdict::Failed {
                outcome: AuditOutcome::ServerError,
                detail: format!("answered {status}"),
                wait: wait.filter(|_| status == 503),
                may_be_done: !TURNED_AWAY.contains(&status),
            });
        }
        (429, Some(wait)) => {
            return Err(Verdict::RateLimited { wait, detail: "answered 429 with Retry-After".to_owned() });
        }
        (429, None) => return Ok(Open::TooManyRequests(body.unwrap_or_default())),
        _ => {}
    }
    let body = body.map_err(|why| Verdict::invalid_body(format!("answered {status}, but {why}")))?;
    match status {
        200..=299 => {
            Ok(Open::Success(Content { media_type: Content::media_type(content_type.as_deref()), body }))
        }
        401 => Ok(Open::Unauthorized(body)),
        400 | 403 => Ok(Open::Denied(status, body)),
        404 | 410 => Ok(Open::Absent(status)),
        // The provider asks for the same request once more: it waited too long for it, or fears a replay.
        408 | 425 => Err(Verdict::told(AuditOutcome::Refused, format!("answered {status}"))),
        _ => Err(rejected(HoldReason::Refused, status)),
    }
}

/// Nobody knows what became of it.
fn lost<T>(outcome: AuditOutcome, detail: &str) -> Verdict<T> {
    Verdict::Failed { outcome, detail: detail.to_owned(), wait: None, may_be_done: true }
}

fn rejected<T>(reason: HoldReason, status: u16) -> Verdict<T> {
    Verdict::Rejected { reason, detail: format!("answered {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(
        status: u16,
        retry_after: Option<&str>,
        body: Result<Vec<u8>, String>,
    ) -> Result<Open, Verdict<()>> {
        let retry_after = retry_after.map(str::to_owned);
        let answer = Answer { status, retry_after, content_type: None, date: None, body };
        by_http(Reply::Answered(answer), Timestamp::UNIX_EPOCH)
    }

    fn outcome(status: u16, retry_after: Option<&str>, body: Result<Vec<u8>, String>) -> &'static str {
        match judge(status, retry_after, body) {
            Ok(open) => panic!("left open: {open:?}"),
            Err(verdict) => verdict.audit_outcome().word(),
        }
    }

    #[test]
    fn only_an_unfinished_answer_is_worth_another_try() {
        assert_eq!(outcome(302, None, Ok(vec![])), "refused");
        assert_eq!(outcome(409, None, Ok(vec![])), "refused");
        assert!(matches!(judge(425, None, Ok(vec![])), Err(Verdict::Failed { .. })));
        assert_eq!(outcome(500, None, Err("it broke off".to_owned())), "server_error");
        assert_eq!(outcome(200, None, Err("it broke off".to_owned())), "invalid_body");
        assert_eq!(outcome(401, None, Err("it broke off".to_owned())), "invalid_body");
        assert_eq!(outcome(429, Some("3"), Err("it broke off".to_owned())), "rate_limited");
    }

    #[test]
    fn a_body_may_say_that_it_is_no_json() {
        let says = |field| Content { media_type: Content::media_type(field), body: Vec::new() }.is_no_json();
        assert!(says(Some("text/html; charset=utf-8")));
        for json in [None, Some(""), Some("Application/JSON;charset=utf-8"), Some("application/problem+json")]
        {
            assert!(!says(json), "{json:?}");
        }
    }

    #[test]
    fn retry_after_counts_for_429_and_503() {
        let wait = |status| match judge(status, Some("7"), Ok(vec![])) {
            Err(Verdict::Failed { wait, .. }) => wait,
            Err(Verdict::RateLimited { wait, .. }) => Some(wait),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait(503), Some(SignedDuration::from_secs(7)));
        assert_eq!(wait(429), Some(SignedDuration::from_secs(7)));
        assert_eq!(wait(500), None);
        assert!(matches!(judge(429, Some("soon"), Ok(vec![])), Ok(Open::TooManyRequests(_))));
    }
}
