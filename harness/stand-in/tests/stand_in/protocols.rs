//! Calls of GraphQL, SOAP and JSON-RPC: which recorded answer each gets, and what is said where there is none.

use crate::provider::{fixture, recorded};
use crate::wire::{Ask, Client, ask};
use counterpart_exchange::{Body, Exchange, Fixture, ProviderProfile, parse_document};
use counterpart_stand_in::{ErrorForms, ProviderConfig, SeenNote, StandIn, StandInClock, StandInConfig};
use jiff::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

const PROFILE: &str = "
counterpart: provider/1
provider: rooms
operations:
  issues: POST /graphql query Issues
  get: POST /soap action urn:Get
  issue_list: POST /rpc method issue.list
protocols:
  - graphql: {endpoint: POST /graphql}
  - soap: {endpoint: POST /soap}
  - json_rpc: {endpoint: POST /rpc}
volatile:
  fields: [clientMutationId]
errors:
  rate_limited: {status: 200, json: {errors.0.extensions.code: RATE_LIMITED}}
  graphql_errors: {status: 200, json: {errors.0.type: INTERNAL}}
  forbidden: {status: 500, contains: 'denied</faultstring>'}
  soap_fault: {status: 500, contains: 'recorded</faultstring>'}
  json_rpc_error: {status: 200, json: {error.code: -32005}}
";

pub(crate) fn profile() -> ProviderProfile {
    parse_document(Path::new("provider.yaml"), PROFILE).unwrap()
}

/// A recorded exchange whose bodies have these media types.
pub(crate) fn called(id: &str, target: &str, media_type: &str, request: &str, answer: &str) -> Exchange {
    let mut exchange = recorded(id, "POST", target, 200, "");
    exchange.request.headers.set("content-type", media_type);
    exchange.request.body = Body::from_bytes(request.as_bytes(), Some(media_type));
    let response = exchange.response.as_mut().unwrap();
    response.headers.set("content-type", media_type);
    response.body = Body::from_bytes(answer.as_bytes(), Some(media_type));
    exchange
}

pub(crate) fn graphql(id: &str, request: &str, answer: &str) -> Exchange {
    called(id, "/graphql", "application/json", request, answer)
}

pub(crate) fn soap(id: &str, request: &str, answer: &str) -> Exchange {
    called(id, "/soap", "text/xml; charset=utf-8", request, answer)
}

pub(crate) fn rpc(id: &str, request: &str, answer: &str) -> Exchange {
    called(id, "/rpc", "application/json", request, answer)
}

pub(crate) fn envelope(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{content}</s:Body></s:Envelope>"
    )
}

pub(crate) fn ask_graphql(body: &str) -> Ask {
    Ask::new("POST", "/graphql").json(body)
}

pub(crate) fn ask_rpc(body: &str) -> Ask {
    Ask::new("POST", "/rpc").json(body)
}

pub(crate) fn ask_soap(action: &str, body: &str) -> Ask {
    Ask::new("POST", "/soap").header("soapaction", &format!("\"{action}\"")).body("text/xml", body)
}

/// What errors look like: recorded in a flow that is not played.
fn errors() -> Fixture {
    let fault = |message: &str| {
        envelope(&format!(
            "<s:Fault><faultcode>s:Server</faultcode><faultstring>{message}</faultstring></s:Fault>"
        ))
    };
    let failed = |mut exchange: Exchange| {
        exchange.response.as_mut().unwrap().status = 500;
        exchange
    };
    fixture(
        "errors",
        vec![
            graphql(
                "graphql-1",
                r#"{"query":"{ limited }"}"#,
                r#"{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED"}}],"data":null}"#,
            ),
            graphql(
                "graphql-2",
                r#"{"query":"{ broken }"}"#,
                r#"{"data":null,"errors":[{"type":"INTERNAL","message":"as recorded"}]}"#,
            ),
            failed(soap("soap-1", &envelope("<a/>"), &fault("denied"))),
            failed(soap("soap-2", &envelope("<b/>"), &fault("recorded"))),
            rpc(
                "rpc-1",
                r#"{"jsonrpc":"2.0","method":"a","id":1}"#,
                r#"{"jsonrpc":"2.0","error":{"code":-32005,"message":"limit","data":{"see":"url"}},"id":1}"#,
            ),
        ],
    )
}

/// A stand-in that plays the exchanges, with faults as on the command line.
pub(crate) async fn playing(exchanges: Vec<Exchange>, faults: &[&str]) -> StandIn {
    let profile = profile();
    let fixtures = vec![fixture("flow", exchanges)];
    let evidence = errors();
    let provider = ProviderConfig {
        forms: ErrorForms::from_evidence(&profile, fixtures.iter().chain([&evidence])),
        profile,
        fixtures,
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
    };
    let config = StandInConfig {
        providers: vec![provider],
        clock: StandInClock::starting_at(Timestamp::UNIX_EPOCH),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        tls: None,
    };
    StandIn::start(config).await.unwrap()
}

async fn said(stand_in: &StandIn, request: &Ask) -> (u16, String) {
    let received = ask(stand_in, request).await;
    (received.status(), received.text().to_owned())
}

async fn why(stand_in: &StandIn, unmatched: &Ask) -> String {
    let received = ask(stand_in, unmatched).await;
    assert_eq!(received.status(), 501, "{}", received.text());
    let why = received.json()["counterpart"]["why"].as_str().unwrap().to_owned();
    assert_eq!(stand_in.seen().last().unwrap().note, SeenNote::Unmatched(why.clone()));
    why
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

const ISSUES: &str = r#"{"query":"query Issues($first: Int, $after: String) { issues(first: $first, after: $after) { id } }","variables":{"first":10,"after":"a"}}"#;
const PAGE: &str = r#"{"data":{"issues":[{"id":1}]}}"#;

#[tokio::test]
async fn a_graphql_operation_is_told_by_itself_and_its_variables() {
    let stand_in = playing(
        vec![
            graphql("issues-1", ISSUES, PAGE),
            graphql("graphql_close-1", r#"{"query":"mutation { close(id: 1) { id } }"}"#, "[1]"),
        ],
        &[],
    )
    .await;
    let spelled = r#"{"operationName":"Issues","variables":{"after":"a","first":10},"query":"query Issues( $after: String $first: Int ) {\n  issues( after: $after, first: $first ) { id } # all\n}"}"#;
    assert_eq!(said(&stand_in, &ask_graphql(spelled)).await, ok(PAGE));
    // A query only reads, so that its last answer is given again; a mutation is not repeated.
    assert_eq!(said(&stand_in, &ask_graphql(ISSUES)).await, ok(PAGE));
    assert_eq!(stand_in.seen()[1].note, SeenNote::Repeated);
    assert_eq!(stand_in.seen()[1].operation.0, "issues");
    let close = ask_graphql(r#"{"query":"mutation { close(id: 1) { id } }"}"#);
    assert_eq!(said(&stand_in, &close).await, ok("[1]"));
    assert_eq!(ask(&stand_in, &close).await.status(), 501);
    let SeenNote::Exhausted(why_exhausted) = stand_in.seen().pop().unwrap().note else {
        panic!("not exhausted")
    };
    assert!(why_exhausted.contains("not safe to repeat"), "{why_exhausted}");
    insta::assert_snapshot!(
        [
            why(&stand_in, &ask_graphql(&ISSUES.replace(r#""after":"a""#, r#""after":"b","more":1"#))).await,
            why(&stand_in, &ask_graphql(r#"{"query":"query Issues { issues { id title } }"}"#)).await,
            why(&stand_in, &ask_graphql(r#"{"query":"query { broken"}"#)).await,
        ]
        .join("\n")
    );
}

#[tokio::test]
async fn a_query_by_get_is_a_query() {
    let mut exchange = graphql("graphql_a-1", "", r#"{"data":{"a":1}}"#);
    exchange.request.method = "GET".to_owned();
    exchange.request.target =
        "/graphql?query=%7B%20a%20%7D&variables=%7B%22x%22%3A1%2C%22y%22%3A2%7D".to_owned();
    let stand_in = playing(vec![exchange], &[]).await;
    let other = Ask::get("/graphql?variables=%7B%22y%22:2,%22x%22:1%7D&query=query%7Ba%7D");
    assert_eq!(said(&stand_in, &other).await, ok(r#"{"data":{"a":1}}"#));
    assert_eq!(stand_in.seen()[0].operation.0, "graphql_a");
}

#[tokio::test]
async fn a_persisted_query_that_nobody_recorded_is_asked_for_in_full() {
    let hash = "ab".repeat(32);
    let extensions = format!(r#""extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}"#);
    let stand_in = playing(vec![graphql("issues-1", r#"{"query":"{ a }"}"#, PAGE)], &[]).await;
    let (status, body) = said(&stand_in, &ask_graphql(&format!("{{{extensions}}}"))).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""PersistedQueryNotFound""#) && body.contains(r#""PERSISTED_QUERY_NOT_FOUND""#));
    let full = ask_graphql(&format!(r#"{{"query":"{{ a }}",{extensions}}}"#));
    assert_eq!(said(&stand_in, &full).await, ok(PAGE));
}

#[tokio::test]
async fn a_soap_call_is_told_by_its_action_and_its_body() {
    let get = |id: u8| envelope(&format!("<g:Get xmlns:g=\"urn:g\"><g:id>{id}</g:id></g:Get>"));
    let mut one = soap("get-1", &get(1), &envelope("<one/>"));
    one.request.headers.set("soapaction", "\"urn:Get\"");
    let mut two = soap("get-2", &get(2), &envelope("<two/>"));
    two.request.headers.set("soapaction", "\"urn:Get\"");
    let stand_in = playing(vec![one, two], &[]).await;
    let spelled = envelope("\n<Get xmlns=\"urn:g\">\n  <id>2</id><!-- the second -->\n</Get>");
    assert_eq!(said(&stand_in, &ask_soap("urn:Get", &spelled)).await, ok(&envelope("<two/>")));
    assert_eq!(stand_in.seen()[0].operation.0, "get");
    insta::assert_snapshot!(
        [
            why(&stand_in, &ask_soap("urn:Get", &get(3))).await,
            why(&stand_in, &ask_soap("urn:Put", &get(1))).await,
            why(&stand_in, &ask_soap("urn:Get", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>")).await,
        ]
        .join("\n")
    );
}

#[tokio::test]
async fn an_answer_relates_to_the_message_that_was_sent_this_time() {
    let message = |id: &str| {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header><a:MessageID>{id}</a:MessageID></s:Header><s:Body><x/></s:Body></s:Envelope>"
        )
    };
    let answer = |id: &str| envelope(&format!("<a:RelatesTo xmlns:a=\"urn:a\">{id}</a:RelatesTo>"));
    let stand_in =
        playing(vec![soap("soap_x-1", &message("urn:uuid:recorded"), &answer("urn:uuid:recorded"))], &[])
            .await;
    assert_eq!(said(&stand_in, &ask_soap("", &message("urn:uuid:mine"))).await, ok(&answer("urn:uuid:mine")));
}

fn list(id: &str, page: u8) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"issue.list","params":{{"page":{page}}},"id":{id}}}"#)
}

fn listed(id: &str, page: u8) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"page {page}"}}"#)
}

#[tokio::test]
async fn a_json_rpc_call_is_told_by_its_method_and_parameters_and_keeps_its_id() {
    let stand_in = playing(
        vec![
            rpc("issue_list-1", &list("1", 1), &listed("1", 1)),
            rpc("issue_list-2", &list("2", 2), &listed("2", 2)),
            rpc("issue_list-3", &list("3", 3), &listed("3", 3)),
        ],
        &[],
    )
    .await;
    for (id, page) in [(r#""x-9""#, 2), ("null", 1), ("77", 3)] {
        assert_eq!(said(&stand_in, &ask_rpc(&list(id, page))).await, ok(&listed(id, page)));
    }
    insta::assert_snapshot!(why(&stand_in, &ask_rpc(&list("1", 9))).await);
}

#[tokio::test]
async fn each_call_of_a_batch_is_answered_by_itself() {
    let notification = r#"{"jsonrpc":"2.0","method":"seen"}"#;
    let stand_in = playing(
        vec![
            rpc("issue_list-1", &list("1", 1), &listed("1", 1)),
            // Recorded in a batch, its answers in another order.
            rpc(
                "rpc_batch-1",
                &format!("[{},{notification},{}]", list("4", 4), list("5", 5)),
                &format!("[{},{}]", listed("5", 5), listed("4", 4)),
            ),
            called("rpc_seen-1", "/rpc", "application/json", notification, ""),
        ],
        &[],
    )
    .await;
    let batch = format!("[{},{notification},7,{}]", list(r#""a""#, 5), list("8", 1));
    let invalid = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#;
    assert_eq!(
        said(&stand_in, &ask_rpc(&batch)).await,
        ok(&format!("[{},{invalid},{}]", listed(r#""a""#, 5), listed("8", 1)))
    );
    let seen = &stand_in.seen()[0];
    assert_eq!(seen.operation.0, "rpc_batch");
    assert_eq!(seen.exchange.as_deref(), Some("rooms/flow#rpc_batch-1[3]"));
    // A call that was recorded in a batch may come alone.
    assert_eq!(said(&stand_in, &ask_rpc(&list("6", 4))).await, ok(&listed("6", 4)));
    // Nothing but notifications: nothing to read.
    let received = ask(&stand_in, &ask_rpc(&format!("[{notification}]"))).await;
    assert_eq!((received.status(), received.text()), (200, ""));
    // One call that nobody recorded fails the request.
    assert!(
        why(&stand_in, &ask_rpc(&format!("[{},{}]", list("1", 7), list("2", 8)))).await.contains("parameter")
    );
    assert!(said(&stand_in, &ask_rpc("[]")).await.1.contains("-32600"));
}

#[tokio::test]
async fn a_batch_that_was_refused_as_a_whole_is_refused_again() {
    let batch = |id: u8| format!("[{},{}]", list(&id.to_string(), 1), list("2", 2));
    let stand_in = playing(vec![rpc("rpc_batch-1", &batch(1), r#"{"error":"too many"}"#)], &[]).await;
    assert_eq!(said(&stand_in, &ask_rpc(&batch(9))).await, ok(r#"{"error":"too many"}"#));
}

/// Bodies that are no calls are answered at once, over a connection that goes on.
#[tokio::test]
async fn hostile_bodies_are_told_as_unmatched() {
    let stand_in = playing(vec![graphql("issues-1", ISSUES, PAGE)], &[]).await;
    let mut client = Client::connect(&stand_in).await;
    let deep = format!(r#"{{"query":"{}"}}"#, "{a".repeat(20_000));
    let bomb = format!("<!DOCTYPE a [{}]>{}", "<!ENTITY b \"&c;&c;&c;\">".repeat(1_000), envelope("&b;"));
    for hostile in [
        ask_graphql(&deep),
        ask_soap("urn:Get", &envelope(&"<a>".repeat(50_000))),
        ask_soap("urn:Get", &bomb),
        ask_rpc(&"[".repeat(50_000)),
    ] {
        assert_eq!(client.ask(&hostile).await.status(), 501);
    }
    assert_eq!(client.ask(&ask_graphql(ISSUES)).await.text(), PAGE);
}
