//! The first draft of a provider's profile, from what exchanges show: operations and bearer auth.
//!
//! A draft claims only what is plain. What a recording cannot show (quotas, what is volatile, what is secret)
//! is left to people, so it says little rather than guess. It reads redacted exchanges only.

use crate::{
    Direction, Exchange, OperationName, OperationTemplate, ProviderProfile, RequestTarget, parse_document,
};
use std::path::Path;

/// More operations than this no person would read; the requests of further ones are named by their paths.
const MAX_OPERATIONS: usize = 200;

/// A profile, and its spelling for people.
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) profile: ProviderProfile,
}

/// Drafts a profile; nothing where what the evidence gives would not be read.
pub(super) fn draft(provider: &str, origin: &str, exchanges: &[Exchange]) -> Option<Draft> {
    let operations = operations_of(exchanges);
    let text = spell(provider, origin, exchanges, &operations);
    let profile = parse_document(Path::new("provider.yaml"), &text).ok()?;
    Some(Draft { text, profile })
}

fn spell(
    provider: &str,
    origin: &str,
    exchanges: &[Exchange],
    operations: &[(OperationName, OperationTemplate)],
) -> String {
    let mut text = format!(
        "# yaml-language-server: $schema=../../docs/schema/provider.json\n\
         # Drafted from exchanges of {origin}. Say what they cannot show: what is volatile,\n\
         # what is secret, which identifiers only look random.\n\
         counterpart: provider/1\nprovider: {}\n",
        quoted(provider)
    );
    if !operations.is_empty() {
        text.push_str("operations:\n");
        for (name, template) in operations {
            text.push_str(&format!("  {name}: {}\n", quoted(&template.to_string())));
        }
    }
    if exchanges.iter().any(carries_bearer) {
        let public: Vec<&str> = operations
            .iter()
            .filter(|(_, template)| exchanges.iter().any(|exchange| is_open(exchange, template)))
            .map(|(name, _)| name.0.as_str())
            .collect();
        text.push_str(&format!("auth:\n  bearer:\n    public: [{}]\n", public.join(", ")));
    }
    text
}

/// A JSON string is a YAML string in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether a call shows a bearer token. What a webhook carries is the provider's, and proves another thing.
fn carries_bearer(exchange: &Exchange) -> bool {
    let authorization = exchange.request.headers.text("authorization");
    authorization
        .filter(|_| exchange.direction == Direction::Outbound)
        .and_then(|value| value.get(..7))
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))
}

/// Whether an exchange shows that an operation needs no credentials.
fn is_open(exchange: &Exchange, template: &OperationTemplate) -> bool {
    let succeeded = exchange.response.as_ref().is_some_and(|response| response.status < 400);
    succeeded
        && exchange.request.headers.text("authorization").is_none()
        && template.matches(&exchange.request.method, RequestTarget::of(&exchange.request.target)).is_some()
}

/// Every operation that was seen, by first occurrence.
fn operations_of(exchanges: &[Exchange]) -> Vec<(OperationName, OperationTemplate)> {
    let mut operations: Vec<(OperationName, OperationTemplate)> = Vec::new();
    for exchange in exchanges {
        let method = &exchange.request.method;
        let segments: Vec<String> = RequestTarget::of(&exchange.request.target)
            .segments()
            .map(std::borrow::Cow::into_owned)
            .collect();
        let path = path_template(&segments);
        let Ok(template) = format!("{method} {path}").parse::<OperationTemplate>() else { continue };
        if operations.len() < MAX_OPERATIONS && !operations.iter().any(|(_, known)| *known == template) {
            operations.push((name_of(method, &path, &operations), template));
        }
    }
    operations
}

fn path_template(segments: &[String]) -> String {
    let mut path = String::new();
    let mut named: Vec<String> = Vec::new();
    let mut before = "";
    for segment in segments {
        path.push('/');
        if is_id(segment) {
            let word = word_of(&singular(before)).replace('-', "_");
            let stem = if word.is_empty() { "id".to_owned() } else { format!("{word}_id") };
            let taken = named.iter().filter(|name| **name == stem).count();
            path.push_str(&if taken == 0 {
                format!("{{{stem}}}")
            } else {
                format!("{{{stem}_{}}}", taken + 1)
            });
            named.push(stem);
            before = "";
        } else {
            path.push_str(segment);
            before = segment;
        }
    }
    path
}

/// Whether a segment is plainly an identifier rather than a word of the path.
fn is_id(segment: &str) -> bool {
    let count = |is: fn(&u8) -> bool| segment.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let of_a_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let hexadecimal = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let mixed = count(u8::is_ascii_uppercase) > 0 && count(u8::is_ascii_lowercase) > 0;
    !segment.bytes().all(of_a_path)
        || (digits > 0 && digits == segment.len())
        || (digits > 0 && segment.len() >= 8 && (hexadecimal || mixed))
        || (digits >= 2 && segment.len() >= 16)
}

/// `get-room`, from the method and the last words of the path; more of them where that is taken.
fn name_of(method: &str, path: &str, taken: &[(OperationName, OperationTemplate)]) -> OperationName {
    let ends_in_variable = path.ends_with('}');
    let mut words: Vec<String> = path
        .split('/')
        .filter(|part| !part.starts_with('{'))
        .map(word_of)
        .filter(|it| !it.is_empty())
        .collect();
    if let Some(last) = words.last_mut().filter(|_| ends_in_variable) {
        *last = singular(last);
    }
    let method = method.to_ascii_lowercase();
    let name = |count: usize| {
        let tail = words.iter().skip(words.len().saturating_sub(count));
        std::iter::once(&method).chain(tail).cloned().collect::<Vec<_>>().join("-")
    };
    let is_free = |name: &String| !taken.iter().any(|(known, _)| known.0 == *name);
    let longer = (2..=words.len().max(2)).map(name);
    let numbered = (2..).map(|number| format!("{}-{number}", name(words.len())));
    OperationName(longer.chain(numbered).find(is_free).unwrap_or_default())
}

fn word_of(segment: &str) -> String {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let word: String = segment.chars().filter(|c| letters(*c)).collect();
    word.trim_matches(['-', '_']).to_ascii_lowercase()
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if word.ends_with("ss") => word.to_owned(),
        _ => word.strip_suffix('s').filter(|stem| stem.len() > 1).unwrap_or(word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Auth, Body, Ended, ExchangeId, HeaderValue, Headers, Request, Response};

    fn exchange(method: &str, target: &str, authorization: Option<&str>, status: u16) -> Exchange {
        let mut headers = Headers::default();
        if let Some(value) = authorization {
            headers.append("authorization", HeaderValue::Text(value.to_owned()));
        }
        Exchange {
            id: ExchangeId::from(""),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: 0,
            caused_by: None,
            ended: Ended::Complete,
            request: Request { method: method.into(), target: target.into(), headers, body: Body::None },
            response: Some(Response { status, headers: Headers::default(), body: Body::None }),
        }
    }

    #[test]
    fn what_the_evidence_shows_is_drafted_and_nothing_else() {
        let bearer = Some("Bearer «access_token:1»");
        let draft = draft(
            "acme",
            "https://api.acme.example",
            &[
                exchange("POST", "/v1/login", None, 200),
                exchange("GET", "/v1/users", bearer, 200),
                exchange("GET", "/v1/users", None, 401),
                exchange("GET", "/v1/users/42?full=1", bearer, 200),
                exchange("GET", "/v1/users/«email:1»", bearer, 200),
                exchange("GET", "/v1/rooms/%21aB3:acme.example/state/5f4dcc3b-5aa7", bearer, 200),
                exchange("DELETE", "/v1/users/42/", bearer, 204),
                exchange("PROP-FIND", "/v1/users", bearer, 405),
            ],
        )
        .unwrap();
        assert_eq!(
            draft.text.lines().skip(3).collect::<Vec<_>>(),
            [
                "counterpart: provider/1",
                "provider: \"acme\"",
                "operations:",
                "  post-v1-login: \"POST /v1/login\"",
                "  get-v1-users: \"GET /v1/users\"",
                "  get-v1-user: \"GET /v1/users/{user_id}\"",
                "  get-rooms-state: \"GET /v1/rooms/{room_id}/state/{state_id}\"",
                "  delete-v1-users: \"DELETE /v1/users/{user_id}/\"",
                "auth:",
                "  bearer:",
                "    public: [post-v1-login]",
            ]
        );
        assert!(matches!(draft.profile.auth, Auth::Bearer(_)));
        assert_eq!(draft.profile.operation_of("GET", "/v1/users/7").0, "get-v1-user");
    }

    #[test]
    fn an_open_api_is_drafted_without_auth() {
        let draft = draft("acme", "http://127.0.0.1:1", &[exchange("GET", "/", None, 200)]).unwrap();
        assert_eq!(draft.profile.auth, Auth::None);
        assert_eq!(draft.profile.operation_of("GET", "/").0, "get");
    }

    #[test]
    fn what_a_webhook_proves_itself_by_is_no_auth_of_the_api() {
        let mut hook = exchange("POST", "/hooks", Some("Bearer «access_token:1»"), 200);
        hook.direction = Direction::Inbound;
        let draft = draft("acme", "http://127.0.0.1:1", &[exchange("GET", "/", None, 200), hook]).unwrap();
        assert_eq!(draft.profile.auth, Auth::None);
        assert_eq!(draft.profile.operation_of("POST", "/hooks").0, "post-hooks");
    }

    #[test]
    fn identifiers_are_told_from_words() {
        for id in ["42", "!a:b.example", "5f4dcc3b5aa765d6", "cus_9s6XKzkN", "«token:1»", "a b"] {
            assert!(is_id(id), "{id}");
        }
        for word in ["v3", "_matrix", "oauth2", "projects:list", "r0", "keyed-items", "decade", ""] {
            assert!(!is_id(word), "{word}");
        }
    }

    #[test]
    fn names_stay_apart() {
        let all: Vec<Exchange> = ["/a/x/y", "/b/x/y", "/b/x/y/", "/1/2", "/3/4/5"]
            .iter()
            .map(|target| exchange("GET", target, None, 200))
            .collect();
        let names: Vec<String> = operations_of(&all).into_iter().map(|(name, _)| name.0).collect();
        assert_eq!(names, ["get-x-y", "get-b-x-y", "get-b-x-y-2", "get", "get-2"]);
    }
}
