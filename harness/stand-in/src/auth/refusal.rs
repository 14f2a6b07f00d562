//! What the authorization server says when it refuses (RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1).
//!
//! The provider's own form comes first, where one was recorded; else the form of the standard.

use crate::forms::{ErrorForms, own};
use counterpart_exchange::{ProviderProfile, Request, Response};

/// The error code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidScope,
}

impl Said {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) said: Said,
    /// In words, beginning with `refused: `.
    pub(super) why: &'static str,
    /// The name of a form that fits better than that of the code.
    pub(super) rather: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(said: Said, why: &'static str) -> Self {
        Self { said, why, rather: None }
    }

    /// The same, in a form of another name where one was recorded.
    pub(super) fn rather(self, name: &'static str) -> Self {
        Self { rather: Some(name), ..self }
    }

    /// What the token and the revocation endpoint answer. A client that tried `Authorization` is told which
    /// scheme it should have used.
    pub(super) fn answer(self, profile: &ProviderProfile, forms: &ErrorForms, request: &Request) -> Response {
        let recorded = self.rather.and_then(|name| forms.recorded(name));
        if let Some(form) = recorded.or_else(|| forms.recorded(self.said.code())) {
            return form.clone();
        }
        let tried_header = request.headers.text("authorization").is_some();
        let status = if self.said == Said::InvalidClient && tried_header { 401 } else { 400 };
        let mut response = own(status, &standard_body(self.said.code(), self.why));
        if status == 401 {
            response.headers.set("www-authenticate", &format!("Basic realm=\"{}\"", realm(profile)));
        }
        not_stored(response)
    }
}

/// The body of RFC 6749 section 5.2.
pub(super) fn standard_body(code: &str, why: &str) -> serde_json::Value {
    serde_json::json!({ "error": code, "error_description": described(why) })
}

/// A reason in words that a client is told.
pub(super) fn described(why: &str) -> &str {
    why.strip_prefix("refused: ").unwrap_or(why)
}

/// The protection space: the provider's name, without what a quoted string cannot hold.
pub(super) fn realm(profile: &ProviderProfile) -> String {
    profile.provider.chars().filter(|one| one.is_ascii_graphic() && !matches!(one, '"' | '\\')).collect()
}

/// Answers with tokens or about them stay out of caches (RFC 6749 section 5.1).
pub(super) fn not_stored(mut response: Response) -> Response {
    response.headers.set("cache-control", "no-store");
    response.headers.set("pragma", "no-cache");
    response
}
