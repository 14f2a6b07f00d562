//! The authorization endpoint: somebody consents at once, and the client gets a code (RFC 6749 section 4.1).
//!
//! What is wrong with the client or its redirect URI is told to whoever asks and never redirected (section
//! 4.1.2.1, RFC 9700 section 4.11): a stand-in that redirects anywhere would hide just the mistake to be found.

use super::params::Params;
use super::pkce::Challenge;
use super::refusal::{Refusal, Said, not_stored, standard_body};
use super::scope::Scope;
use super::store::{Code, RedirectUri};
use super::{Judgement, Server, Tokens, all_scopes, until};
use crate::forms::own;
use counterpart_exchange::{Body, Headers, Request, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a query as it is (RFC 3986 section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Answers an authorization request.
pub(super) fn answer(tokens: &mut Tokens, server: &Server<'_>, request: &Request) -> Judgement {
    let exchange = tokens.recorded.authorization.clone();
    let params = match request.method.as_str() {
        "GET" | "HEAD" => Params::of_query(request),
        _ => Params::of_body(request),
    };
    let redirect_uri = match redirect_uri_of(tokens, server, &params) {
        Ok(redirect_uri) => redirect_uri,
        Err(why) => {
            let response = not_stored(own(400, &standard_body(Said::InvalidRequest.code(), why)));
            return Judgement::Answered(Box::new(response), why, exchange);
        }
    };
    let (mut told, note) = match granted(tokens, server, &params) {
        Ok(code) => (vec![("code", code)], "authorized: a code was handed out"),
        Err(refusal) => (vec![("error", refusal.said.code().to_owned())], refusal.why),
    };
    told.extend(params.get("state").map(|state| ("state", state.to_owned())));
    Judgement::Answered(Box::new(redirect(&redirect_uri, &told)), note, exchange)
}

/// Where the answer may be sent.
fn redirect_uri_of(tokens: &Tokens, server: &Server<'_>, params: &Params) -> Result<String, &'static str> {
    let id = params.get("client_id").ok_or("refused: the client id is missing")?;
    tokens.clients.named(id).ok_or("refused: the client is not known")?;
    let allowed = server.oauth2.redirect_uris.as_slice();
    match (params.get("redirect_uri"), allowed) {
        (Some(uri), _) if is_absolute(uri) && is_allowed(uri, allowed) => Ok(uri.to_owned()),
        (Some(_), _) => Err("refused: the redirect URI is not allowed"),
        (None, [only]) if is_absolute(only) => Ok(only.clone()),
        (None, _) => Err("refused: the redirect URI is missing"),
    }
}

fn granted(tokens: &mut Tokens, server: &Server<'_>, params: &Params) -> Result<String, Refusal> {
    if params.has_repetition() {
        return Err(Refusal::new(Said::InvalidRequest, "refused: a parameter is repeated"));
    }
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => {
            let why = "refused: there is no other response type than `code`";
            return Err(Refusal::new(Said::UnsupportedResponseType, why));
        }
        None => return Err(Refusal::new(Said::InvalidRequest, "refused: the response type is missing")),
    }
    let challenge = Challenge::of(params, &server.oauth2.pkce)?;
    let scope = match params.get(&server.oauth2.fields.scope) {
        None => all_scopes(server.oauth2),
        Some(asked) => Some(
            Scope::parse(asked)
                .ok_or_else(|| Refusal::new(Said::InvalidScope, "refused: the scope is malformed"))?,
        ),
    };
    let redirect_uri =
        params.get("redirect_uri").map_or(RedirectUri::NotNamed, |uri| RedirectUri::Same(uri.to_owned()));
    let code = tokens.fresh.after("code");
    let life_ms = i64::try_from(server.oauth2.code_life_s).unwrap_or(i64::MAX).saturating_mul(1_000);
    let issued = Code {
        client: params.get("client_id").and_then(|id| tokens.clients.named(id)),
        redirect_uri,
        challenge,
        scope,
        until: until(server.now, Some(life_ms)),
        redeemed: None,
    };
    tokens.store.issue_code(code.clone(), issued, server.now);
    Ok(code)
}

fn redirect(uri: &str, told: &[(&str, String)]) -> Response {
    let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let query: Vec<String> = told.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let joint = if uri.contains('?') { '&' } else { '?' };
    let mut headers = Headers::default();
    headers.set("location", &format!("{uri}{joint}{}", query.join("&")));
    not_stored(Response { status: 302, headers, body: Body::None })
}

/// Whether a URI can stand in a header, has a scheme, and has no fragment (RFC 6749 section 3.1.2).
fn is_absolute(uri: &str) -> bool {
    let scheme = uri.split_once(':').map(|(scheme, rest)| (scheme, !rest.is_empty()));
    let has_scheme = scheme.is_some_and(|(scheme, has_rest)| {
        has_rest
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    has_scheme && uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains(['#', '\\'])
}

/// Whether a URI begins with one of the prefixes, and goes on only where a prefix may end: so that no other host
/// gets in whose name begins in the same way.
fn is_allowed(uri: &str, prefixes: &[String]) -> bool {
    prefixes.is_empty()
        || prefixes.iter().any(|prefix| {
            let Some(rest) = uri.strip_prefix(prefix.as_str()) else { return false };
            let ends_at_host =
                prefix.split_once("://").is_some_and(|(_, authority)| !authority.contains(['/', '?', ':']));
            rest.is_empty()
                || prefix.ends_with(['/', '?', '&', '='])
                || rest.starts_with(['/', '?'])
                || (ends_at_host && is_port(rest))
        })
}

/// `:8080`, then nothing or a path: a client on the same machine takes any free port (RFC 8252 section 7.3).
fn is_port(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix(':') else { return false };
    let after = rest.trim_start_matches(|one: char| one.is_ascii_digit());
    after.len() < rest.len() && (after.is_empty() || after.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_goes_nowhere_but_where_it_is_allowed() {
        let prefixes =
            ["https://app.example/cb", "http://127.0.0.1", "https://b.example/"].map(str::to_owned);
        for good in [
            "https://app.example/cb",
            "https://app.example/cb?x=1",
            "https://app.example/cb/more",
            "http://127.0.0.1:8080/callback",
            "http://127.0.0.1/callback",
            "https://b.example/any",
        ] {
            assert!(is_absolute(good) && is_allowed(good, &prefixes), "{good}");
        }
        for bad in [
            "https://app.example/cbx",
            "https://app.example/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1@evil.example/",
            "https://b.example",
            "https://evil.example/?u=https://b.example/",
        ] {
            assert!(!is_allowed(bad, &prefixes), "{bad}");
        }
        for malformed in
            ["/cb", "cb", "https:", "a b:c", "https://x/#f", "https://x/\r\nset-cookie: a", "1a:b", ""]
        {
            assert!(!is_absolute(malformed), "{malformed}");
        }
        assert!(is_absolute("com.example.app:/cb") && is_allowed("com.example.app:/cb", &[]));
    }

    #[test]
    fn what_is_told_goes_into_the_query() {
        let told = [("code", "cp-1".to_owned()), ("state", "a&b=c é".to_owned())];
        let location = |uri| redirect(uri, &told).headers.text("location").map(str::to_owned);
        let query = "code=cp-1&state=a%26b%3Dc%20%C3%A9";
        assert_eq!(location("https://a/cb"), Some(format!("https://a/cb?{query}")));
        assert_eq!(location("https://a/cb?x=1"), Some(format!("https://a/cb?x=1&{query}")));
    }
}
