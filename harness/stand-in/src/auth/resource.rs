//! The resources that credentials open: who is let in, and how the others are refused (RFC 6750 section 3.1, RFC 7617
//! section 2).

use super::carried::credential;
use super::refusal::{described, realm, standard_body};
use super::store::{ExpiryTold, Standing};
use super::{Judgement, Tokens};
use crate::forms::{ErrorForms, own};
use crate::received::Received;
use counterpart_exchange::{Auth, OperationName, ProviderProfile, Response};
use jiff::Timestamp;

/// A refused request for a resource.
#[derive(Clone, Copy)]
struct Refused {
    status: u16,
    /// The error code of RFC 6750; nothing where the request says nothing of who it is from.
    code: Option<&'static str>,
    /// Of tokens, and of other credentials.
    why: [&'static str; 2],
    /// Names of forms, the best first.
    forms: &'static [&'static str],
}

/// Judges a request by its credential.
pub(super) fn judge(
    tokens: &Tokens,
    profile: &ProviderProfile,
    forms: &ErrorForms,
    operation: &OperationName,
    received: &Received,
    now: Timestamp,
) -> Judgement {
    let needed: &[String] = match &profile.auth {
        Auth::OAuth2(oauth2) => oauth2.scopes.get(operation).map_or(&[], Vec::as_slice),
        Auth::Bearer(_) | Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => &[],
    };
    let is_oauth2 = matches!(profile.auth, Auth::OAuth2(_));
    let token = credential(&profile.auth, received);
    let malformed = token.as_deref().is_some_and(|token| token.is_empty() || token.contains(' '));
    if is_oauth2 && (received.has_twice("authorization") || malformed) {
        return refuse(profile, forms, MALFORMED, &[]);
    }
    let Some(token) = token else { return refuse(profile, forms, ABSENT, &[]) };
    match tokens.store.standing(&token, now) {
        Standing::Good if tokens.store.opens(&token, operation, needed) => Judgement::Admitted,
        Standing::Good => refuse(profile, forms, SCOPE_MISSING, needed),
        Standing::Expired(ExpiryTold::Unauthorized) => refuse(profile, forms, EXPIRED, &[]),
        Standing::Expired(ExpiryTold::Forbidden) => {
            refuse(profile, forms, Refused { status: 403, ..EXPIRED }, &[])
        }
        Standing::Revoked => refuse(profile, forms, REVOKED, &[]),
        Standing::Unknown => refuse(profile, forms, UNKNOWN, &[]),
    }
}

const MALFORMED: Refused = Refused {
    status: 400,
    code: Some("invalid_request"),
    why: ["refused: the authorization field is malformed"; 2],
    forms: &["invalid_request"],
};

const ABSENT: Refused = Refused { code: None, ..UNKNOWN };

const UNKNOWN: Refused = Refused {
    status: 401,
    code: Some("invalid_token"),
    why: ["refused: the access token is not known", "refused: the credential is not known"],
    forms: &["unknown_token"],
};

const REVOKED: Refused = Refused {
    why: ["refused: the access token was revoked", "refused: the credential was revoked"],
    forms: &["revoked_token", "unknown_token"],
    ..UNKNOWN
};

const EXPIRED: Refused = Refused {
    why: ["refused: the access token has expired", "refused: the credential has expired"],
    forms: &["expired_token"],
    ..UNKNOWN
};

const SCOPE_MISSING: Refused = Refused {
    status: 403,
    code: Some("insufficient_scope"),
    why: ["refused: the access token lacks a scope", "refused: the credential lacks a permission"],
    forms: &["insufficient_scope", "forbidden"],
};

fn refuse(profile: &ProviderProfile, forms: &ErrorForms, refused: Refused, needed: &[String]) -> Judgement {
    let why = match &profile.auth {
        Auth::ApiKey(_) | Auth::Basic(_) => refused.why[1],
        Auth::Bearer(_) | Auth::OAuth2(_) | Auth::None => refused.why[0],
    };
    let recorded = refused.forms.iter().find_map(|name| forms.recorded(name));
    let response = match recorded {
        Some(form) => {
            let mut form = form.clone();
            if refused.status == 403 {
                form.status = 403;
            }
            form
        }
        None => match &profile.auth {
            Auth::OAuth2(_) => standard(profile, refused, why, needed),
            Auth::Basic(_) if refused.status == 401 => {
                let mut response = crate::forms::plain(refused.status, why);
                response.headers.set("www-authenticate", &format!("Basic realm=\"{}\"", realm(profile)));
                response
            }
            _ => crate::forms::plain(refused.status, why),
        },
    };
    Judgement::Answered(Box::new(response), why, None)
}

/// The answer of RFC 6750 section 3. Who says nothing of himself is told nothing but the scheme.
fn standard(profile: &ProviderProfile, refused: Refused, why: &str, needed: &[String]) -> Response {
    let code = refused.code.unwrap_or("invalid_token");
    let mut response = own(refused.status, &standard_body(code, why));
    let mut challenge = format!("Bearer realm=\"{}\"", realm(profile));
    if let Some(code) = refused.code {
        challenge.push_str(&format!(", error=\"{code}\", error_description=\"{}\"", described(why)));
    }
    if !needed.is_empty() {
        challenge.push_str(&format!(", scope=\"{}\"", needed.join(" ")));
    }
    response.headers.set("www-authenticate", &challenge);
    response
}
