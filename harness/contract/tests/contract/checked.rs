//! Each rule, kept once and broken once.

use crate::sample::{Content, NOTHING, ended, exchange, fixture, get, inbound, profile, with_header};
use counterpart_contract::ContractRule::{
    MissingQueryParameter, MissingRequestBody, MissingResponseBody, MissingResponseHeader, UndeclaredMethod,
    UndeclaredRequestMediaType, UndeclaredResponseMediaType, UndeclaredStatus, UnknownPath, UnknownWebhook,
    UnusableSchema, WrongQueryParameter, WrongRequestBody, WrongResponseBody,
};
use counterpart_contract::{Checker, Contract, ContractRule, ContractViolation, check};
use counterpart_exchange::{Ended, Exchange};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// A contract as a vendor might bring it: references, ranges, a base path, JSON Schema keywords.
fn brought() -> Contract {
    let error = json!({"description": "error", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}});
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Rooms", "version": "1"},
        "servers": [{"url": "https://rooms.example/v1"}],
        "paths": {
            "/rooms": {
                "get": {
                    "operationId": "listRooms",
                    "parameters": [
                        {"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "maximum": 100}},
                        {"name": "sort", "in": "query", "schema": {"$ref": "#/components/schemas/Sort"}},
                        {"name": "ids", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "integer"}}},
                        {"name": "filter", "in": "query", "style": "deepObject", "required": true, "schema": {"type": "object"}},
                    ],
                    "responses": {
                        "200": {
                            "description": "ok",
                            "headers": {"X-Total": {"required": true, "schema": {"type": "integer"}}},
                            "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Room"}}}},
                        },
                        "4XX": {"$ref": "#/components/responses/Error"},
                    },
                },
                "post": {
                    "requestBody": {"$ref": "#/components/requestBodies/NewRoom"},
                    "responses": {"201": {"description": "made"}, "default": {"$ref": "#/components/responses/Error"}},
                },
            },
            "/rooms/{id}": {"get": {
                "operationId": "getRoom",
                "responses": {"200": {"description": "ok", "content": {"*/*": {"schema": {"$ref": "#/components/schemas/Room"}}}}},
            }},
            "/broken": {"get": {
                "operationId": "broken",
                "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "thing"}}}}},
            }},
        },
        "webhooks": {"post-hooks-rooms": {"post": {
            "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Room"}}}},
            "responses": {"200": {"description": "taken"}},
        }}},
        "components": {
            "schemas": {
                "Sort": {"enum": ["name", "age"]},
                "Error": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
                "Room": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": {"type": "integer"},
                        "topic": {"type": ["string", "null"], "maxLength": 5},
                        "parent": {"$ref": "#/components/schemas/Room"},
                    },
                },
            },
            "requestBodies": {"NewRoom": {"required": true, "content": {
                "application/json": {"schema": {"type": "object", "required": ["name"]}},
                "application/x-www-form-urlencoded": {"schema": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"size": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2}},
                }},
            }}},
            "responses": {"Error": error},
        },
    });
    Contract::from_value(document).unwrap()
}

fn violations(exchange: Exchange) -> Vec<ContractViolation> {
    let profile = profile(&[]);
    check(&brought(), &profile, &fixture(&profile, "flow", vec![exchange])).unwrap()
}

fn rules(exchange: Exchange) -> Vec<ContractRule> {
    violations(exchange).iter().map(|violation| violation.rule).collect()
}

fn list(query: &str, json: &str) -> Exchange {
    with_header(get(&format!("/v1/rooms?filter[a]=1&{query}"), 200, json), "x-total", "1")
}

fn create(sent: Content<'_>) -> Exchange {
    exchange("POST /v1/rooms", sent, 201, NOTHING)
}

#[test]
fn paths_are_found_below_the_servers_base_or_without_it() {
    assert_eq!(rules(get("/v1/rooms/7", 200, r#"{"id":7}"#)), []);
    assert_eq!(rules(get("https://rooms.example/v1/rooms/7?x", 200, r#"{"id":7}"#)), []);
    assert_eq!(rules(get("/rooms/7", 200, r#"{"id":7}"#)), []);
    assert_eq!(rules(get("/v1/doors/7", 200, "{}")), [UnknownPath]);
    assert_eq!(rules(get("/v1rooms/7", 200, "{}")), [UnknownPath]);
}

#[test]
fn methods_are_declared() {
    assert_eq!(rules(exchange("DELETE /v1/rooms/7", NOTHING, 204, NOTHING)), [UndeclaredMethod]);
}

#[test]
fn query_parameters_are_there_and_fit() {
    assert_eq!(rules(list("limit=5&sort=name&ids=1,2", "[]")), []);
    assert_eq!(rules(list("", "[]")), [MissingQueryParameter]);
    assert_eq!(
        rules(with_header(get("/v1/rooms?limit=5", 200, "[]"), "x-total", "1")),
        [MissingQueryParameter]
    );
    assert_eq!(rules(list("limit=many", "[]")), [WrongQueryParameter]);
    assert_eq!(rules(list("limit=500", "[]")), [WrongQueryParameter]);
    assert_eq!(rules(list("limit=5&sort=size", "[]")), [WrongQueryParameter]);
    assert_eq!(rules(list("limit=5&ids=1,two", "[]")), [WrongQueryParameter]);
}

#[test]
fn request_bodies_are_there_and_fit() {
    const FORM: &str = "application/x-www-form-urlencoded";
    assert_eq!(rules(create((JSON, r#"{"name":"x"}"#))), []);
    assert_eq!(rules(create(("application/json; charset=utf-8", r#"{"name":"x"}"#))), []);
    assert_eq!(rules(create((FORM, "name=5&size=3&tags=1&tags=2"))), []);
    assert_eq!(rules(create(NOTHING)), [MissingRequestBody]);
    assert_eq!(rules(create(("text/plain", "x"))), [UndeclaredRequestMediaType]);
    assert_eq!(rules(create((JSON, "{}"))), [WrongRequestBody]);
    assert_eq!(rules(create((JSON, "{"))), [WrongRequestBody]);
    assert_eq!(rules(create((FORM, "name=x&size=big"))), [WrongRequestBody]);
    assert_eq!(rules(create((FORM, "name=x&tags=1"))), [WrongRequestBody]);
}

#[test]
fn statuses_fall_back_to_their_range_and_to_the_default() {
    let room = |status, json| rules(get("/v1/rooms/7", status, json));
    assert_eq!(room(404, "{}"), [UndeclaredStatus]);
    let rooms = |status, json| rules(get("/v1/rooms?limit=1&filter[a]=1", status, json));
    assert_eq!(rooms(404, r#"{"code":"x"}"#), []);
    assert_eq!(rooms(404, r#"{"code":1}"#), [WrongResponseBody]);
    assert_eq!(rooms(500, r#"{"code":"x"}"#), [UndeclaredStatus]);
    let made = |status| {
        rules(exchange("POST /v1/rooms", (JSON, r#"{"name":"x"}"#), status, (JSON, r#"{"code":1}"#)))
    };
    assert_eq!(made(500), [WrongResponseBody]);
    assert_eq!(made(201), [], "a body that the contract does not describe is not judged");
}

#[test]
fn answers_have_their_headers_and_bodies() {
    assert_eq!(rules(get("/v1/rooms?limit=1&filter[a]=1", 200, "[]")), [MissingResponseHeader]);
    assert_eq!(rules(get("/v1/rooms/7", 200, "")), [MissingResponseBody]);
    assert_eq!(rules(exchange("GET /v1/rooms/7", NOTHING, 200, ("text/plain", "x"))), [WrongResponseBody]);
    let html = exchange("GET /v1/rooms?limit=1&filter[a]=1", NOTHING, 404, ("text/html", "<p>"));
    assert_eq!(rules(html), [UndeclaredResponseMediaType]);
}

#[test]
fn every_fault_of_a_body_is_told_with_its_place() {
    assert_eq!(rules(list("limit=1", r#"[{"id":1,"topic":"«t:1»","parent":{"id":2}}]"#)), []);
    let found =
        violations(list("limit=1", r#"[{"id":1},{"id":"2","topic":"too long","parent":{"topic":5}}]"#));
    let mut places: Vec<&str> = found.iter().map(|violation| violation.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/1/id", "/1/parent", "/1/parent/topic", "/1/topic"]);
}

#[test]
fn an_exchange_that_was_cut_short_is_not_judged_by_its_body() {
    assert_eq!(rules(ended(get("/v1/rooms/7", 200, r#"{"id":"#), Ended::AnswerCutShort)), []);
    assert_eq!(rules(ended(create(NOTHING), Ended::ClientWentAway)), []);
    let mut unreachable = ended(get("/v1/doors", 200, ""), Ended::Unreachable);
    unreachable.response = None;
    assert_eq!(rules(unreachable), [UnknownPath]);
}

#[test]
fn webhooks_are_held_to_the_contract_where_it_has_any() {
    let hook = |target: &str, json| inbound(exchange(&format!("POST {target}"), (JSON, json), 200, NOTHING));
    assert_eq!(rules(hook("/hooks/rooms", r#"{"id":1}"#)), []);
    assert_eq!(rules(hook("/hooks/rooms", r#"{"id":"x"}"#)), [WrongRequestBody]);
    assert_eq!(rules(hook("/hooks/doors", "{}")), [UnknownWebhook]);
    let silent = Contract::from_value(json!({"openapi": "3.1.0", "paths": {}})).unwrap();
    let profile = profile(&[]);
    let fixture = fixture(&profile, "flow", vec![hook("/hooks/doors", "{}")]);
    assert_eq!(check(&silent, &profile, &fixture).unwrap(), []);
}

#[test]
fn a_schema_that_cannot_be_used_is_told_once() {
    let profile = profile(&[]);
    let exchanges = vec![get("/v1/broken", 200, "{}"), get("/v1/broken", 200, "{}")];
    let found = check(&brought(), &profile, &fixture(&profile, "flow", exchanges)).unwrap();
    assert_eq!(found.iter().map(|violation| violation.rule).collect::<Vec<_>>(), [UnusableSchema]);
}

#[test]
fn a_reference_out_of_the_file_is_never_followed() {
    let document = json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": {"200": {
        "description": "ok",
        "content": {"application/json": {"schema": {"$ref": "http://127.0.0.1:1/schema.json"}}},
    }}}}}});
    let profile = profile(&[]);
    let fixture = fixture(&profile, "flow", vec![get("/a", 200, "{}")]);
    let found = check(&Contract::from_value(document).unwrap(), &profile, &fixture).unwrap();
    assert_eq!(found[0].rule, UnusableSchema, "{}", found[0]);
}

#[test]
fn schemas_that_refer_to_themselves_are_bounded() {
    let document = |schema: Value| {
        let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/A"}}});
        Contract::from_value(json!({
            "openapi": "3.1.0",
            "paths": {"/a": {"get": {
                "parameters": [{"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/A"}}],
                "responses": {"200": {"description": "ok", "content": content}},
            }}},
            "components": {"schemas": {"A": schema}},
        }))
        .unwrap()
    };
    let circle = json!({"$ref": "#/components/schemas/A"});
    let branches = Value::Array(vec![circle.clone(); 40]);
    let profile = profile(&[]);
    let fixture = fixture(&profile, "flow", vec![get("/a?q=1", 200, r#"{"a":[1]}"#)]);
    let found = |schema| -> Vec<_> {
        let found = check(&document(schema), &profile, &fixture).unwrap();
        found.iter().map(|violation| violation.rule).collect()
    };
    assert_eq!(found(circle.clone()), [UnusableSchema, UnusableSchema], "the query's and the body's");
    assert_eq!(found(json!({"allOf": [circle], "type": "object"})), []);
    let branching = json!({"anyOf": branches, "type": "string"});
    assert_eq!(found(branching), [WrongResponseBody, WrongResponseBody]);
}

#[test]
fn violations_read_as_sentences() {
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(300));
    let all: Vec<String> = [
        get("/v1/room", 200, "{}"),
        exchange("DELETE /v1/rooms", NOTHING, 204, NOTHING),
        list("limit=many", "[]"),
        list("", "[]"),
        create(NOTHING),
        create(("text/plain", "x")),
        create((JSON, "{")),
        create((JSON, r#"{"title":"x"}"#)),
        get("/v1/rooms/7", 404, "{}"),
        get("/v1/rooms/7", 200, &long),
        get("/v1/rooms/7", 200, r#"{"id":1,"topic":"too long"}"#),
        get("/v1/rooms/7", 200, ""),
        get("/v1/rooms?limit=1&filter[a]=1", 200, "[]"),
        list("limit=1&sort=size", "[]"),
        inbound(exchange("POST /hooks/doors", NOTHING, 200, NOTHING)),
        get("/v1/broken", 200, "{}"),
    ]
    .into_iter()
    .flat_map(violations)
    .map(|violation| violation.to_string())
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn ten_thousand_exchanges_are_checked_with_each_schema_compiled_once() {
    let profile = profile(&[]);
    let body: Value = (0..10).map(|id| json!({"id": id, "topic": "x", "parent": {"id": 1}})).collect();
    let one = list("limit=1", &body.to_string());
    let exchanges = vec![one; 10_000];
    let fixture = fixture(&profile, "flow", exchanges);
    let contract = brought();
    let checker = Checker::new(&contract).unwrap();
    assert_eq!(checker.check(&profile, &fixture), []);
}
