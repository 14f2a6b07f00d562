//! What is inferred, and how it reads.

use crate::sample::{NOTHING, ended, exchange, fixture, get, inbound, profile, with_header};
use counterpart_contract::{Inferred, check, infer, read_contract, read_evidence, write_contract};
use counterpart_exchange::{Auth, BearerAuth, Body, Ended, Fixture, OperationName, ProviderProfile};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn chat() -> ProviderProfile {
    let mut profile = profile(&[
        ("login", "POST /v3/login"),
        ("messages", "GET /v3/rooms/{room_id}/messages"),
        ("send", "PUT /v3/rooms/{room_id}/send/{txn_id}"),
        ("never", "GET /v3/never"),
    ]);
    profile.auth = Auth::Bearer(BearerAuth { public: vec![OperationName("login".into())], refresh: None });
    profile
}

fn fixtures(profile: &ProviderProfile) -> Vec<Fixture> {
    let history = vec![
        exchange(
            "POST /v3/login",
            (JSON, r#"{"type":"m.password","user":"«user:1»","password":"«password:1»"}"#),
            200,
            (JSON, r#"{"access_token":"«token:1»","expires_in_ms":60000}"#),
        ),
        get(
            "/v3/rooms/!a:x/messages?dir=b&limit=2",
            200,
            r#"{"start":"t1","end":"t2","chunk":[{"event_id":"$1","age":12,"content":{"body":"hi"}},{"event_id":"$2","content":{}}]}"#,
        ),
        get(
            "/v3/rooms/!a:x/messages?dir=b&limit=2&from=t2",
            200,
            r#"{"start":"t2","chunk":[{"event_id":"$3","age":null,"content":{"body":"ho","ratio":0.5}}]}"#,
        ),
        with_header(
            get(
                "/v3/rooms/!a:x/messages?dir=b",
                429,
                r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}"#,
            ),
            "retry-after",
            "2",
        ),
        ended(get("/v3/rooms/!a:x/messages?dir=b", 200, r#"{"start":"#), Ended::AnswerCutShort),
    ];
    let mut kept_elsewhere = get("/v3/media/77", 200, "x");
    kept_elsewhere.response.as_mut().unwrap().headers.set("content-type", "image/png");
    kept_elsewhere.response.as_mut().unwrap().body = Body::Omitted { size_bytes: 9_000_000 };
    let rest = vec![
        exchange(
            "PUT /v3/rooms/!a:x/send/t1",
            (JSON, r#"{"body":"x"}"#),
            200,
            (JSON, r#"{"event_id":"$9"}"#),
        ),
        exchange("DELETE /v3/users/42/devices/7", NOTHING, 204, NOTHING),
        exchange(
            "GET /v3/users/43/devices/8",
            NOTHING,
            200,
            (JSON, r#"{"@a:x":{"seen":1},"@b:x":{"seen":9007199254740993}}"#),
        ),
        exchange("POST /v3/token", (FORM, "grant_type=refresh&life=3600"), 200, NOTHING),
        exchange("POST /v3/token", (FORM, "grant_type=refresh&life=60"), 200, (JSON, "{}")),
        exchange("GET /health", NOTHING, 200, ("text/plain; charset=utf-8", "up")),
        exchange("PROPFIND /v3/files", NOTHING, 207, NOTHING),
        kept_elsewhere,
        inbound(exchange("POST /hooks/chat", (JSON, r#"{"kind":"message","id":1}"#), 200, NOTHING)),
    ];
    vec![fixture(profile, "history", history), fixture(profile, "rest", rest)]
}

fn files(inferred: &Inferred) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let written = write_contract(folder.path(), "chat", inferred).unwrap();
    assert_eq!(read_contract(&written.contract).unwrap(), inferred.contract);
    assert_eq!(read_evidence(&written.evidence).unwrap(), inferred.evidence);
    (std::fs::read_to_string(&written.contract).unwrap(), std::fs::read_to_string(&written.evidence).unwrap())
}

#[test]
fn a_contract_and_its_evidence_read_well() {
    let profile = chat();
    let (contract, evidence) = files(&infer(&profile, &fixtures(&profile)));
    insta::assert_snapshot!("contract", contract);
    insta::assert_snapshot!("evidence", evidence);
}

#[test]
fn the_order_of_fixtures_and_exchanges_does_not_matter() {
    let profile = chat();
    let mut turned = fixtures(&profile);
    turned.reverse();
    turned.iter_mut().for_each(|fixture| fixture.exchanges.reverse());
    assert_eq!(files(&infer(&profile, &fixtures(&profile))), files(&infer(&profile, &turned)));
}

#[test]
fn what_a_contract_was_inferred_from_keeps_it() {
    let profile = chat();
    let mut fixtures = fixtures(&profile);
    // OpenAPI has no word for this method, so no contract can hold it.
    fixtures[1].exchanges.retain(|exchange| exchange.request.method != "PROPFIND");
    let inferred = infer(&profile, &fixtures);
    for fixture in &fixtures {
        assert_eq!(check(&inferred.contract, &profile, fixture).unwrap(), []);
    }
}

#[test]
fn no_fixture_still_gives_a_contract() {
    let (contract, _) = files(&infer(&ProviderProfile::unknown("chat"), &[]));
    assert!(contract.contains("paths: {}"), "{contract}");
}

#[test]
fn servers_are_the_recorded_hosts_but_no_loopback_address() {
    let profile = profile(&[]);
    let from = |host: &str| {
        let mut exchange = get("/a", 200, "{}");
        exchange.request.headers.set("host", host);
        let inferred = infer(&profile, &[fixture(&profile, "f", vec![exchange])]);
        inferred.contract.as_value().pointer("/servers/0/url").and_then(|url| url.as_str()).map(str::to_owned)
    };
    assert_eq!(from("api.chat.example"), Some("https://api.chat.example".into()));
    assert_eq!(from("127.0.0.1:8008"), None);
    assert_eq!(from("«host:1»"), None);
}

#[test]
fn a_body_that_is_not_what_it_says_takes_the_schema_away() {
    let profile = profile(&[]);
    let exchanges = vec![get("/a", 200, r#"{"a":1}"#), get("/a", 200, "<html>")];
    let inferred = infer(&profile, &[fixture(&profile, "f", exchanges)]);
    let media =
        inferred.contract.as_value().pointer("/paths/~1a/get/responses/200/content/application~1json");
    assert_eq!(media, Some(&serde_json::json!({})));
    assert_eq!(inferred.evidence.left_out.bodies_broken, 1);
}

#[test]
fn a_document_nested_beyond_measure_can_still_be_read_back() {
    let profile = profile(&[]);
    let deep = format!("{}1{}", r#"{"a":["#.repeat(60), "]}".repeat(60));
    let (contract, _) = files(&infer(&profile, &[fixture(&profile, "f", vec![get("/a", 200, &deep)])]));
    assert!(contract.len() < 50_000);
}

#[test]
fn an_authorization_server_hands_out_bearer_tokens_and_needs_none_itself() {
    let mut with_oauth2 = chat();
    with_oauth2.auth = serde_json::from_value(serde_json::json!({
        "oauth2": {"token": "login", "public": ["send"]}
    }))
    .unwrap();
    let fixtures = fixtures(&with_oauth2);
    let mut with_bearer = chat();
    with_bearer.auth = Auth::Bearer(BearerAuth {
        public: vec![OperationName("login".into()), OperationName("send".into())],
        refresh: None,
    });
    assert_eq!(files(&infer(&with_oauth2, &fixtures)), files(&infer(&with_bearer, &fixtures)));
}
