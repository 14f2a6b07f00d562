//! The faults of GraphQL, SOAP and JSON-RPC as a client of bytes sees them, and those of HTTP in their way.

use crate::protocols::{ask_graphql, ask_rpc, ask_soap, envelope, graphql, playing, rpc, soap};
use crate::wire::{Client, ask};
use counterpart_stand_in::{Fault, SeenNote, StandIn};

const ISSUES: &str = r#"{"query":"query Issues { issues { nodes { id } } }"}"#;
const PAGE: &str = r#"{"data":{"issues":{"nodes":[{"id":1},{"id":2}]}}}"#;

cases! {
    graphql_errors: nothing_is_left_but_errors,
    graphql_errors: one_field_is_null,
    json_rpc_error: a_call_fails,
    json_rpc_error: one_call_of_a_batch_fails,
    soap_fault: a_call_is_answered_with_a_fault,
    soap_fault: a_fault_is_spelled_in_the_version_of_the_request,
}

async fn issues_with(fault: &str) -> StandIn {
    playing(vec![graphql("issues-1", ISSUES, PAGE)], &[fault]).await
}

async fn nothing_is_left_but_errors(fault: &str) {
    let stand_in = issues_with(&format!("{fault}@issues")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&ask_graphql(ISSUES)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(
        received.text(),
        r#"{"data":null,"errors":[{"type":"INTERNAL","message":"as recorded"}]}"#,
        "the provider's own form"
    );
    assert_eq!(client.ask(&ask_graphql(ISSUES)).await.text(), PAGE);
    assert_eq!(stand_in.seen()[1].note, SeenNote::Replayed, "nothing was consumed before");
    assert_eq!(stand_in.unused_faults(), []);

    let stand_in = issues_with(&format!(r#"{fault}{{"code":"BUSY","message":"later"}}@issues-1"#)).await;
    assert_eq!(
        ask(&stand_in, &ask_graphql(ISSUES)).await.text(),
        r#"{"data":null,"errors":[{"type":"INTERNAL","message":"later","extensions":{"code":"BUSY"}}]}"#
    );
}

async fn one_field_is_null(fault: &str) {
    let spec = format!(r#"{fault}{{"kind":"partial","field":"issues.nodes.1.id","code":"DENIED"}}@issues-1"#);
    let stand_in = issues_with(&spec).await;
    let received = ask(&stand_in, &ask_graphql(ISSUES)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(
        received.text(),
        r#"{"data":{"issues":{"nodes":[{"id":1},{"id":null}]}},"errors":[{"message":"internal error","path":["issues","nodes",1,"id"],"extensions":{"code":"DENIED"}}]}"#
    );
    assert_eq!(stand_in.unused_faults(), []);
}

const CALL: &str = r#"{"jsonrpc":"2.0","method":"issue.list","id":"mine"}"#;
const LISTED: &str = r#"{"jsonrpc":"2.0","id":1,"result":[]}"#;

fn count(id: u8) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"count","id":{id}}}"#)
}

async fn calls_with(fault: &str) -> StandIn {
    playing(
        vec![
            rpc("issue_list-1", r#"{"jsonrpc":"2.0","method":"issue.list","id":1}"#, LISTED),
            rpc("rpc_count-1", &count(1), r#"{"jsonrpc":"2.0","id":1,"result":7}"#),
        ],
        &[fault],
    )
    .await
}

async fn a_call_fails(fault: &str) {
    let stand_in = calls_with(&format!(r#"{fault}{{"code":-32005}}@issue_list"#)).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&ask_rpc(CALL)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(
        received.text(),
        r#"{"jsonrpc":"2.0","error":{"code":-32005,"message":"limit","data":{"see":"url"}},"id":"mine"}"#,
        "the provider's own form, with the id of the call"
    );
    assert_eq!(client.ask(&ask_rpc(CALL)).await.text(), LISTED.replace("\"id\":1", "\"id\":\"mine\""));
    assert_eq!(stand_in.seen()[1].note, SeenNote::Replayed, "nothing was consumed before");
    assert_eq!(stand_in.unused_faults(), []);
}

async fn one_call_of_a_batch_fails(fault: &str) {
    let batch = format!("[{CALL},{}]", count(2));
    let listed = LISTED.replace("\"id\":1", "\"id\":\"mine\"");
    let counted = r#"{"jsonrpc":"2.0","id":2,"result":7}"#;
    let error = |id: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","error":{{"code":-32603,"message":"broken","data":{{"see":"url"}}}},"id":{id}}}"#
        )
    };
    for (parameters, place, expected) in [
        (r#""call":2,"#, "rpc_batch", format!("[{listed},{}]", error("2"))),
        ("", "rpc_batch", format!("[{},{}]", error("\"mine\""), error("2"))),
        ("", "issue_list", format!("[{},{counted}]", error("\"mine\""))),
    ] {
        let spec = format!(r#"{fault}{{{parameters}"message":"broken"}}@{place}"#);
        let stand_in = calls_with(&spec).await;
        assert_eq!(ask(&stand_in, &ask_rpc(&batch)).await.text(), expected, "{spec}");
        assert_eq!(stand_in.seen()[0].fault, Some(fault), "{spec}");
        assert_eq!(stand_in.unused_faults(), [], "{spec}");
        let again = ask(&stand_in, &ask_rpc(CALL)).await;
        assert_eq!(again.text() == listed, expected.contains(&error("\"mine\"")), "consumed only if given");
    }
}

fn get() -> String {
    envelope("<Get xmlns=\"urn:g\"/>")
}

async fn gets_with(fault: &str) -> StandIn {
    let mut exchange = soap("get-1", &get(), &envelope("<got/>"));
    exchange.request.headers.set("soapaction", "\"urn:Get\"");
    playing(vec![exchange], &[fault]).await
}

async fn a_call_is_answered_with_a_fault(fault: &str) {
    let stand_in = gets_with(&format!("{fault}@get")).await;
    let mut client = Client::connect(&stand_in).await;
    let received = client.ask(&ask_soap("urn:Get", &get())).await;
    assert_eq!(received.status_line, "HTTP/1.1 500 Internal Server Error");
    assert!(received.text().contains("<faultstring>recorded</faultstring>"), "the provider's own form");
    assert_eq!(client.ask(&ask_soap("urn:Get", &get())).await.text(), envelope("<got/>"));
    assert_eq!(stand_in.unused_faults(), []);

    let stand_in = gets_with(&format!(r#"{fault}{{"status":200}}@get-1"#)).await;
    assert_eq!(ask(&stand_in, &ask_soap("urn:Get", &get())).await.status_line, "HTTP/1.1 200 OK");
}

async fn a_fault_is_spelled_in_the_version_of_the_request(fault: &str) {
    let stand_in = gets_with(&format!(r#"{fault}{{"code":"client","message":"a < b"}}@get*always"#)).await;
    let received = ask(&stand_in, &ask_soap("urn:Get", &get())).await;
    assert_eq!(received.status(), 500);
    assert_eq!(received.all("content-type"), ["text/xml; charset=utf-8"]);
    assert!(
        received.text().contains("<faultcode>soap:Client</faultcode><faultstring>a &lt; b</faultstring>")
    );
    let newer =
        get().replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let received = ask(&stand_in, &ask_soap("urn:Get", &newer)).await;
    assert_eq!(received.status(), 400);
    assert_eq!(received.all("content-type"), ["application/soap+xml; charset=utf-8"]);
    assert!(received.text().contains("<soap:Value>soap:Sender</soap:Value>"));
}

/// What the provider says by 200 and a body is said so by the faults of HTTP too.
#[tokio::test]
async fn faults_of_http_have_the_providers_form() {
    let stand_in = issues_with("rate_limited@issues").await;
    let received = ask(&stand_in, &ask_graphql(ISSUES)).await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(received.json()["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    let stand_in = gets_with("forbidden@get").await;
    let received = ask(&stand_in, &ask_soap("urn:Get", &get())).await;
    assert_eq!(received.status(), 500);
    assert!(received.text().contains("denied</faultstring>"));
}

/// A fault of HTTP in the way of a batch strikes all of it, and one in the way of a call that cannot be told in its
/// place does too.
#[tokio::test]
async fn faults_of_http_strike_a_batch_whole() {
    let batch = format!("[{CALL},{}]", count(2));
    for (spec, status, whole) in [
        ("server_error@rpc_batch", 500, false),
        ("server_error@rpc_count", 500, false),
        ("malformed_json@rpc_batch", 200, false),
        ("malformed_json@rpc_count", 200, false),
        ("missing_field{\"field\":\"result\"}@rpc_count", 200, true),
    ] {
        let stand_in = calls_with(spec).await;
        let received = ask(&stand_in, &ask_rpc(&batch)).await;
        assert_eq!(received.status(), status, "{spec}");
        let parsed = serde_json::from_slice::<serde_json::Value>(&received.body);
        assert_eq!(parsed.is_ok_and(|body| body.is_array()), whole, "{spec}: {}", received.text());
        assert_eq!(stand_in.unused_faults(), [], "{spec}");
    }
    let stand_in = calls_with("truncated@rpc_count").await;
    let (received, _) = Client::connect(&stand_in).await.ask_to_the_end(&ask_rpc(&batch)).await;
    assert!(received.body.len() < received.promised() && !received.body.is_empty());
}

/// In the way of what is not its protocol, a fault says so.
#[tokio::test]
async fn a_fault_of_another_protocol_says_so() {
    for (fault, why) in [
        ("graphql_errors@issue_list", "the request goes to no GraphQL endpoint of the provider profile"),
        ("soap_fault@issue_list", "the request goes to no SOAP endpoint of the provider profile"),
    ] {
        let stand_in = calls_with(fault).await;
        assert_eq!(ask(&stand_in, &ask_rpc(CALL)).await.status(), 200);
        assert_eq!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(why.to_owned()));
    }
    let stand_in = issues_with("json_rpc_error@issues").await;
    assert_eq!(ask(&stand_in, &ask_graphql(ISSUES)).await.text(), PAGE);
    assert!(matches!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(_)));
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let refused = |name: &str, parameters: &str| {
        Fault::named(name, serde_json::from_str(parameters).unwrap()).unwrap_err()
    };
    insta::assert_snapshot!(
        [
            refused("graphql_errors", r#"{"kind":"partial"}"#),
            refused("graphql_errors", r#"{"field":"a"}"#),
            refused("graphql_errors", r#"{"kind":"some"}"#),
            refused("soap_fault", r#"{"code":"sender"}"#),
            refused("soap_fault", r#"{"status":20}"#),
            refused("json_rpc_error", r#"{"call":0}"#),
            "graphql_errors@POST /graphql query Issues"
                .parse::<counterpart_stand_in::PlannedFault>()
                .unwrap_err()
                .to_string(),
        ]
        .join("\n")
    );
}
