//! The first draft of a provider's profile, from what exchanges show.
//!
//! A draft claims only what is plain. What exchanges cannot show (what is volatile, what is secret, quotas) is left to
//! people, so it says little rather than guess. It reads redacted exchanges only.

mod behaviour;
mod credentials;
mod operations;
mod paging;

use crate::{Direction, Exchange, OperationName, OperationTemplate, ProviderProfile};
use credentials::Carried;
use operations::operations_of;
use std::path::Path;

/// A profile, and its spelling for people.
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) profile: ProviderProfile,
}

/// Operations by name, in order of their first occurrence.
type Operations = Vec<(OperationName, OperationTemplate)>;

/// Drafts a profile; nothing where what the evidence gives would not be read.
pub(super) fn draft(provider: &str, origin: &str, exchanges: &[Exchange]) -> Option<Draft> {
    let (outbound, inbound): (Vec<&Exchange>, Vec<&Exchange>) =
        exchanges.iter().partition(|exchange| exchange.direction == Direction::Outbound);
    let (operations, own) = operations_of(&outbound);
    let mut by_operation: Vec<Vec<&Exchange>> = vec![Vec::new(); operations.len()];
    for (exchange, place) in outbound.iter().zip(own) {
        if let Some(place) = place {
            by_operation[place].push(exchange);
        }
    }
    let mut text = head(provider, origin);
    text.push_str(&behaviour::hosts(&outbound));
    text.push_str(&operations_section(&operations));
    let carried = Carried::of(&outbound);
    text.push_str(&carried.section(&operations, &by_operation));
    let plain = text.clone();
    text.push_str(&paging::section(&operations, &by_operation));
    text.push_str(&behaviour::idempotency(&outbound));
    text.push_str(&behaviour::webhooks(&inbound));
    text.push_str(&behaviour::errors(&outbound, &carried));
    // What was drawn from odd evidence may not fit together; the operations always do.
    [text, plain].into_iter().find_map(|text| {
        let profile = ProviderProfile::parse(Path::new("provider.yaml"), &text).ok()?;
        Some(Draft { text, profile })
    })
}

fn head(provider: &str, origin: &str) -> String {
    format!(
        "# yaml-language-server: $schema=../../docs/schema/provider.json\n\
         # Drafted from exchanges of {origin}. Say what they cannot show: what is volatile,\n\
         # what is secret, which identifiers only look random, how much may be asked in what time.\n\
         counterpart: provider/1\nprovider: {}\n",
        quoted(provider)
    )
}

fn operations_section(operations: &Operations) -> String {
    let mut text = String::new();
    for (name, template) in operations {
        text.push_str(&format!("  {name}: {}\n", quoted(&template.to_string())));
    }
    if text.is_empty() { text } else { format!("operations:\n{text}") }
}

/// A JSON string is a YAML string in double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Auth, Body, Direction, Ended, ExchangeId, HeaderValue, Headers, Request, Response};

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
    fn keys_and_passwords_are_drafted_where_most_requests_carry_them() {
        let get = |target: &str, headers: &[(&str, &str)], status: u16| {
            with(exchange("GET", target, None, status), headers, &[], "{}")
        };
        let auth = |exchanges: &[Exchange]| {
            let draft = draft("acme", "http://127.0.0.1:1", exchanges).unwrap();
            let (_, rest) = draft.text.split_once("auth:\n").unwrap_or_default();
            rest.split_once("errors:").map_or(rest, |(auth, _)| auth).to_owned()
        };
        let key = [("x-api-key", "«api_key:1»")];
        assert_eq!(
            auth(&[get("/ping", &[], 200), get("/a", &key, 200), get("/a", &[], 401)]),
            "",
            "one of three is not plain"
        );
        assert_eq!(
            auth(&[get("/ping", &[], 200), get("/a", &key, 200), get("/b", &key, 200)]),
            "  api_key:\n    in: {header: \"x-api-key\"}\n    public: [get-ping]\n"
        );
        assert_eq!(
            auth(&[get("/a", &[("authorization", "Token «access_token:1»")], 200)]),
            "  api_key:\n    in: {authorization: \"Token\"}\n    public: []\n"
        );
        assert_eq!(
            auth(&[get("/a", &[("authorization", "Basic «basic:1»")], 200)]),
            "  basic:\n    public: []\n"
        );
        assert_eq!(
            auth(&[get("/a?key=%C2%ABapi_key:1%C2%BB&q=x", &[], 200)]),
            "  api_key:\n    in: {query: \"key\"}\n    public: []\n"
        );
        for header in [
            ("x-signature", "«secret:1»"),
            ("x-csrf-token", "«access_token:1»"),
            ("from", "«email:1»"),
            ("x-api-key", "id-1 «api_key:1»"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=«api_key:1», Signature=«secret:1»"),
        ] {
            assert_eq!(auth(&[get("/a", &[header], 200)]), "", "{header:?}");
        }
    }

    fn with(
        mut exchange: Exchange,
        headers: &[(&str, &str)],
        answer: &[(&str, &str)],
        body: &str,
    ) -> Exchange {
        for (name, value) in headers {
            exchange.request.headers.append(name, HeaderValue::Text((*value).to_owned()));
        }
        let response = exchange.response.as_mut().unwrap();
        for (name, value) in answer {
            response.headers.append(name, HeaderValue::Text((*value).to_owned()));
        }
        response.body = Body::from_bytes(body.as_bytes(), Some("application/json"));
        exchange
    }

    fn tail(exchanges: &[Exchange]) -> String {
        let text = draft("acme", "https://api.acme.example", exchanges).unwrap().text;
        let sections = text.split_once("operations:\n").map_or("", |(_, rest)| rest);
        let kept = |line: &&str| !line.starts_with("  get-") && !line.starts_with("  post-");
        sections.lines().filter(kept).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn behaviour_that_was_seen_is_drafted() {
        let bearer = Some("Bearer «access_token:1»");
        let mut hook =
            with(exchange("POST", "/hooks", None, 204), &[("stripe-signature", "t=1,v1=x")], &[], "");
        hook.direction = Direction::Inbound;
        let all = [
            with(
                exchange("POST", "/orders", bearer, 201),
                &[("host", "api.acme.example"), ("idempotency-key", "k")],
                &[],
                "{}",
            ),
            with(exchange("GET", "/orders", bearer, 401), &[("host", "127.0.0.1:80")], &[], "{}"),
            exchange("GET", "/orders/1", bearer, 404),
            exchange("GET", "/orders/2", bearer, 503),
            hook,
        ];
        let text = draft("acme", "https://api.acme.example", &all).unwrap().text;
        assert!(text.contains("\nhosts: [api.acme.example]\n"), "{text}");
        assert!(!text.contains("/hooks"), "a webhook is no operation of the provider's: {text}");
        insta::assert_snapshot!(tail(&all), @r##"
        auth:
          bearer:
            public: []
        idempotency:
          header: {name: Idempotency-Key}
        webhooks:
          scheme: stripe
        errors:
          expired_token: {status: 401}
          not_found: {status: 404}
          server_error: {status: 503}
        "##);
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
    fn a_page_that_leads_to_the_next_shows_how() {
        let page = |target: &str, link: &str, body: &str| {
            with(exchange("GET", target, None, 200), &[], &[("link", link)], body)
        };
        let list = r#"{"meta":{"n":1},"data":[{"id":1},{"id":2}]}"#;
        for (pages, expected) in [
            (
                vec![page(
                    "/a?per_page=2",
                    "<https://x.example/a?per_page=2&page=2>; rel=\"next\", <x>; rel=last",
                    "[{}]",
                )],
                "items: \"\"\n  by: {page: {query: \"page\"}}\n  next: [link_header]",
            ),
            (
                vec![
                    page("/a", "", &list.replace("\"n\":1", "\"next\":\"c7f\"")),
                    page("/a?cursor=c7f", "", list),
                ],
                "items: \"data\"\n  by: {cursor: {query: \"cursor\"}}\n  next: [{value: \"meta.next\"}]",
            ),
            (
                vec![page("/a", "", r#"{"data":[{}],"count":2,"next":2}"#), page("/a?page=2", "", list)],
                "items: \"data\"\n  by: {page: {query: \"page\"}}\n  next: [{value: \"next\"}]",
            ),
            (
                vec![page("/a?startAt=0", "", list), page("/a?startAt=50", "", list)],
                "items: \"data\"\n  by: {offset: {query: \"startAt\"}}",
            ),
        ] {
            let text = tail(&pages);
            assert!(text.contains(expected) && text.contains("operations: [get-a]"), "{text}");
        }
        for unrelated in [
            vec![page("/a", "", list), page("/a", "", list)],
            vec![page("/a?limit=1", "", list), page("/a?limit=9", "", list)],
            vec![page("/a", "", r#"{"next":"c7f"}"#), page("/a?cursor=c7f", "", "{}")],
        ] {
            assert_eq!(tail(&unrelated), "", "no page leads to another");
        }
    }
}
