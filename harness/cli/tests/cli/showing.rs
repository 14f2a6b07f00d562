//! `counterpart show` and `counterpart fixture diff`: what a reader of fixtures sees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::Project;

const FIXTURE: &str = r#"counterpart: fixture/1
provider: acme
flow: orders
provenance: {written: {after: the handbook}}
redacted: {"«access_token:1»": {length_chars: 24}}
exchanges:
- id: list-1
  latency_ms: 12
  request: {method: GET, target: /orders?page=1, headers: {authorization: Bearer «access_token:1»}}
  response:
    status: 200
    headers: {content-type: application/json, date: "Sun, 22 Nov 2026 08:00:00 GMT"}
    body: {json: '{"orders":[{"id":1,"total":"9.50"},{"id":2,"total":"3.00"}],"next":2}'}
- id: make-1
  offset_ms: 1250
  latency_ms: 40
  request: {method: POST, target: /orders, body: {form: [{total: "7"}, {note: a b}]}}
  response: {status: 201, body: {json: '{"id":3}'}}
- id: hook-1
  direction: inbound
  offset_ms: 1300
  latency_ms: 3
  caused_by: make-1
  request: {method: POST, target: /hooks, body: {text: "id=3 \e[31mred"}}
  response: {status: 204}
- id: list-2
  offset_ms: 2000
  ended: unreachable
  request: {method: GET, target: /orders?page=2}
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("counterpart.toml", "counterpart = \"config/1\"\n");
    project.write("fixtures/acme/orders.yaml", FIXTURE);
    project
}

#[test]
fn the_exchanges_of_a_fixture_are_a_table() {
    let shown = project().run(&["show", "acme/orders"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    insta::assert_snapshot!(shown.out, @r#"
    acme/orders: written after the handbook
    4 exchanges, 1 of them a webhook; 1 secret replaced

         at   took  exchange  request                     answer
    0.000 s  12 ms  list-1    GET /orders?page=1          200 JSON 69 B
    1.250 s  40 ms  make-1    POST /orders + form 16 B    201 JSON 8 B
    1.300 s   3 ms  hook-1    <- POST /hooks + text 13 B  204, caused by make-1
    2.000 s   0 ms  list-2    GET /orders?page=2          unreachable
    "#);
}

#[test]
fn one_exchange_is_shown_as_it_went_over_the_wire() {
    let project = project();
    insta::assert_snapshot!(project.run(&["show", "acme/orders#list-1"]).out, @r#"
    # list-1: at 0 ms, took 12 ms
    > GET /orders?page=1
    > authorization: Bearer «access_token:1»

    < 200
    < content-type: application/json
    < date: Sun, 22 Nov 2026 08:00:00 GMT
    <
    < {
    <   "orders": [
    <     {
    <       "id": 1,
    <       "total": "9.50"
    <     },
    <     {
    <       "id": 2,
    <       "total": "3.00"
    <     }
    <   ],
    <   "next": 2
    < }
    "#);
    let hook = project.run(&["show", "acme/orders", "--exchange", "ho"]).out;
    assert!(hook.contains("# hook-1: at 1300 ms, took 3 ms, caused by make-1"), "{hook}");
    assert!(!hook.contains('\u{1b}'), "nothing that a terminal would obey: {hook:?}");
    let json = project.run(&["show", "acme/orders#make-1", "--format", "json"]).out;
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["request"]["body"]["form"][1][1], "a b");
    assert_eq!(told["response"]["status"], 201);
}

#[test]
fn fixtures_are_listed_and_what_is_not_there_is_told_with_the_nearest() {
    let project = project();
    insta::assert_snapshot!(project.run(&["show"]).out, @r#"acme/orders      4  written after the handbook"#);
    assert_eq!(project.run(&["show", "acme"]).out, project.run(&["show"]).out);
    for (arguments, expected) in [
        (&["show", "acme/order"][..], "did you mean `acme/orders`?"),
        (&["show", "acme/orders#list"], "is the beginning of 2 exchanges: list-1, list-2"),
        (&["show", "acme/orders#lists-1"], "did you mean `list-1`?"),
        (&["show", "acme/orders#zzz"], "there are 4 of them"),
        (&["show", "fixtures/acme"], "is a folder; name one fixture"),
        (&["show", "nowhere.yaml"], "check the path"),
    ] {
        let shown = project.run(arguments);
        assert!(
            shown.code == 2 && shown.err.contains(expected),
            "{arguments:?}: {} {}",
            shown.code,
            shown.err
        );
    }
    let empty = Project::new();
    empty.write("counterpart.toml", "counterpart = \"config/1\"\n");
    assert_eq!(empty.run(&["show"]).code, 4);
}

#[test]
fn recordings_are_compared_by_what_they_mean() {
    let project = project();
    let again =
        FIXTURE.replace("08:00:00", "09:30:00").replace("«access_token:1»", "«access_token:7»").replace(
            r#"{"id":1,"total":"9.50"},{"id":2,"total":"3.00"}"#,
            r#"{"id":2,"total":"3.00"},{"total":"9.50","id":1}"#,
        );
    project.write("again/acme/orders.yaml", &again);
    let same = project.run(&["fixture", "diff", "acme/orders", "again/acme/orders.yaml"]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.contains("4 the same, 0 changed, 0 new, 0 gone"), "{}", same.out);
    assert!(same.out.contains("not shown: 1 difference of dates"), "{}", same.out);

    let other = again
        .replace(r#"{"id":1"#, r#"{"currency":"EUR","id":1"#)
        .replace(r#""total":"3.00"}"#, r#""total":3}"#)
        .replace("status: 201", "status: 422")
        .replace("ended: unreachable", "ended: answer_cut_short")
        .replace("method: GET, target: /orders?page=2", "method: DELETE, target: /orders/2");
    project.write("other/acme/orders.yaml", &other);
    let differs = project.run(&["fixture", "diff", "acme/orders", "other/acme/orders.yaml"]);
    assert_eq!(differs.code, 1, "{}", differs.err);
    insta::assert_snapshot!(differs.out, @r#"
    ~ list-1
        answer body.orders[id=2].total  "3.00" -> 3
    ~ make-1
        answer status  201 -> 422
    + list-2: DELETE /orders/2 -> no answer
    - list-2: GET /orders?page=2 -> no answer
    1 the same, 2 changed, 1 new, 1 gone
    not shown: 1 difference of dates, lengths and the like; -v shows them
    "#);
    let json = project.run(&["fixture", "diff", "acme/orders", "other/acme/orders.yaml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, told["same"].clone()), (1, serde_json::json!(1)));
}
