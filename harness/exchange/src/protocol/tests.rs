use super::*;
use crate::{Body, Exchange, HeaderValue, Headers, Response, parse_document};
use std::path::Path;

const PROFILE: &str = "
counterpart: provider/1
provider: calls
operations:
  issues: POST /graphql query Issues
  add: POST /soap/{tenant} action urn:Add
  list: POST /rpc method issue.list
  whole: POST /graphql
protocols:
  - graphql: {endpoint: POST /graphql}
  - soap: {endpoint: 'POST /soap/{tenant}'}
  - json_rpc: {endpoint: POST /rpc}
volatile:
  fields: [clientMutationId, Nonce]
";

fn profile() -> ProviderProfile {
    parse_document(Path::new("provider.yaml"), PROFILE).unwrap()
}

fn post(target: &str, media_type: &str, body: &str) -> Request {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
    let body = Body::from_bytes(body.as_bytes(), Some(media_type));
    Request { method: "POST".to_owned(), target: target.to_owned(), headers, body }
}

fn graphql(body: &str) -> Request {
    post("/graphql", "application/json", body)
}

fn document(text: &str) -> Request {
    graphql(&serde_json::json!({ "query": text }).to_string())
}

fn by_get(query: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        target: format!("/graphql?{query}"),
        headers: Headers::default(),
        body: Body::None,
    }
}

fn rpc(body: &str) -> Request {
    post("/rpc", "application/json", body)
}

fn soap(action: Option<&str>, body: &str) -> Request {
    let mut request = post("/soap/a", "text/xml; charset=utf-8", body);
    if let Some(action) = action {
        request.headers.set("soapaction", action);
    }
    request
}

fn envelope(content: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{content}</s:Body></s:Envelope>"
    )
}

fn key(request: &Request) -> String {
    match call_of(&profile(), request).unwrap() {
        Ok(call) => call.key(),
        Err(unreadable) => panic!("{unreadable}: {request:?}"),
    }
}

/// A call as people read it.
fn told(request: &Request) -> String {
    let profile = profile();
    let call = match call_of(&profile, request) {
        None => return "no call".to_owned(),
        Some(Err(unreadable)) => return unreadable.to_string(),
        Some(Ok(call)) => call,
    };
    let selector = call.selector.as_ref().map_or_else(|| "(batch)".to_owned(), ToString::to_string);
    let mut text = format!("{}: {selector} {:?}\n", profile.operation_of_request(request), call.effect);
    for CallPart { label, value } in &call.parts {
        text.push_str(&format!("  {label}: {value}\n"));
    }
    for (place, value) in &call.volatile {
        text.push_str(&format!("  left out: {place} = {value}\n"));
    }
    text
}

fn all_equal(requests: &[Request]) {
    for pair in requests.windows(2) {
        assert_eq!(key(&pair[0]), key(&pair[1]), "{:?}\n{:?}", pair[0], pair[1]);
    }
}

fn all_differ(requests: &[Request]) {
    for (index, one) in requests.iter().enumerate() {
        for other in &requests[index + 1..] {
            assert_ne!(key(one), key(other), "{one:?}\n{other:?}");
        }
    }
}

#[test]
fn canonical_forms_of_graphql() {
    let persisted = format!(r#"{{"persistedQuery":{{"version":1,"sha256Hash":"{}"}}}}"#, "ab".repeat(32));
    let requests = [
        graphql(
            r##"{"query":"query Issues($first: Int!, $after: String = \"x\") { # all of them\n issues(first: $first, after: $after, by: {name: \"a\", at: [1, 2.50, -3, true, null, OPEN]}) @include(if: true) { nodes { ...Row } ... on Page @x { end } } }\nfragment Unused on Issue { no }\nfragment Row on Issue { id title: name(style: \"\"\"\n  two\n  lines\"\"\") }","variables":{"first":10,"after":null,"in":{"b":1,"a":[{"d":1,"c":2}],"clientMutationId":"7"}},"operationName":null}"##,
        ),
        document("{ viewer { login } rate: rateLimit { left } a b c d }"),
        document("mutation { addStar(input: {clientMutationId: \"1\"}) { id } }"),
        document("subscription OnIssue { issue { id } }"),
        graphql(r#"{"query":"query A { a } mutation B { b }","operationName":"B","extensions":{"trace":1}}"#),
        graphql(&format!(r#"{{"operationName":"Issues","extensions":{persisted}}}"#)),
        graphql(&format!(r#"{{"extensions":{persisted}}}"#)),
        by_get("query=query+Issues+%7B+a+%7D&variables=%7B%22a%22%3A1%7D&other=1"),
        post("/graphql", "application/graphql", "query Issues { a }"),
        post("/graphql", "application/x-www-form-urlencoded", "query=%7Ba%7D"),
    ];
    insta::assert_snapshot!(requests.iter().map(told).collect::<Vec<_>>().join("\n"));
}

#[test]
fn graphql_that_means_the_same() {
    all_equal(&[
        document("query A($a: Int, $b: Int) { x(p: $a, q: {m: 1, n: [2, 3]}) { y z } }"),
        document("query A($b: Int $a: Int) {\n\tx(q: {n: [2 3], m: 1}, p: $a) { # why\r\n y,,, z } }\n"),
        graphql(r#"{"variables":null,"query":"query A($a:Int,$b:Int){x(p:$a,q:{m:1,n:[2,3]}){y,z}}"}"#),
        graphql(
            r#"{"query":"query A($a:Int,$b:Int){x(p:$a,q:{m:1,n:[2,3]}){y,z}} query B {b}","operationName":"A","variables":{}}"#,
        ),
        post("/graphql", "application/graphql", "query A($a:Int,$b:Int){x(p:$a,q:{m:1,n:[2,3]}){y,z}}"),
    ]);
    all_equal(&[document("{ a }"), document("query { a }"), document("query{a}")]);
    all_equal(&[
        document(r#"{ a(x: "\u0041") }"#),
        document("{ a(x: \"\"\"\n  A\n\n\"\"\", ) }"),
        document(r#"{ a(x: "A") }"#),
    ]);
    all_equal(&[
        document("{ ...F ...G } fragment F on T { a ...H } fragment G on T { b } fragment H on T { c }"),
        document(
            "fragment H on T { c } fragment G on T { b } { ...F ...G } fragment F on T { a ...H } fragment U on T { u }",
        ),
    ]);
    all_equal(&[
        graphql(r#"{"query":"{a}","variables":{"x":{"p":1,"q":2},"y":1}}"#),
        graphql(r#"{"variables":{"y":1,"x":{"q":2,"p":1},"clientMutationId":5},"query":"{a}"}"#),
    ]);
    all_equal(&[
        graphql(r#"{"query":"{a}"}"#),
        graphql(r#"{"query":"{a}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#),
    ]);
}

#[test]
fn graphql_that_differs() {
    all_differ(&[
        document("{ a b }"),
        document("{ b a }"),
        document("{ a b: b }"),
        document("{ a b { c } }"),
        document("{ a(x: 1) b }"),
        document("{ a(x: [1, 2]) b }"),
        document("{ a(x: [2, 1]) b }"),
        document("{ a(x: \"1\") b }"),
        document("{ a(x: \"a\\\" b: \\\"c\") b }"),
        document("{ a(x: \"a\" b: \"c\") b }"),
        document("query A { a b }"),
        document("mutation { a b }"),
        document("{ a b @skip(if: true) }"),
        document("{ a ...F } fragment F on T { b }"),
        document("{ a ...F } fragment F on U { b }"),
        graphql(r#"{"query":"{ a b }","variables":{"x":1}}"#),
        graphql(r#"{"query":"{ a b }","variables":{"x":null}}"#),
        graphql(r#"{"query":"{ a b }","variables":{"x":"1"}}"#),
        graphql(r#"{"query":"{ a b }","extensions":{"x":1}}"#),
        graphql(r#"{"extensions":{"persistedQuery":{"sha256Hash":"ab"}}}"#),
        graphql(r#"{"extensions":{"persistedQuery":{"sha256Hash":"cd"}}}"#),
    ]);
}

#[test]
fn canonical_forms_of_soap() {
    let secured = r#"<?xml version="1.0"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing">
  <soap:Header>
    <wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">
      <wsse:UsernameToken><wsse:Password>secret</wsse:Password></wsse:UsernameToken>
    </wsse:Security>
    <wsa:MessageID>urn:uuid:1</wsa:MessageID>
    <wsa:To>http://somewhere</wsa:To>
    <wsa:Action>urn:Add</wsa:Action>
    <a:Tenant xmlns:a="urn:a">x</a:Tenant>
  </soap:Header>
  <soap:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <!-- two of them -->
    <m:Add xmlns:m="urn:m" b="2" a="1&amp;&#50;">
      <m:x xsi:type="xs:int">1</m:x><Nonce>77</Nonce>
      <y xmlns="urn:y"><![CDATA[<b>]]> &lt;c&gt;</y>
      <empty/>
    </m:Add>
  </soap:Body>
</soap:Envelope>"#;
    let requests = [
        post("/soap/a", "application/soap+xml; charset=utf-8; action=\"urn:Add\"", secured),
        soap(Some("\"http://tempuri.org/ICalculator/Add\""), &envelope("<Add xmlns=\"urn:x\"/>")),
        soap(Some("\"\""), &envelope("<Add xmlns=\"urn:x\"> two words </Add>")),
        soap(None, &envelope("")),
    ];
    insta::assert_snapshot!(requests.iter().map(told).collect::<Vec<_>>().join("\n"));
}

#[test]
fn soap_that_means_the_same() {
    let spelled = [
        envelope(r#"<a:Get xmlns:a="urn:a" xmlns:b="urn:b" b:y="2" x="1"><a:id>7 &lt;</a:id><a:n/></a:Get>"#),
        envelope(
            "\n <Get xmlns=\"urn:a\" x=\"1\" q:y='2' xmlns:q=\"urn:b\">\r\n<!-- c --><?pi?>\t<id>7<![CDATA[ <]]></id><n></n>\n</Get>\n",
        ),
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Header/><Body><g:Get xmlns:g=\"urn:a\" x=\"&#49;\" b:y=\"2\" xmlns:b=\"urn:b\"><g:id>&#x37; &lt;</g:id><g:n/></g:Get></Body></Envelope>".to_owned(),
    ];
    all_equal(&spelled.map(|body| soap(Some("\"urn:Get\""), &body)));
    all_equal(
        &[
            envelope(
                r#"<v xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x" i:type="x:t"/>"#,
            ),
            envelope(
                r#"<v xmlns:j="http://www.w3.org/2001/XMLSchema-instance" xmlns:y="urn:x" j:type="y:t"/>"#,
            ),
        ]
        .map(|body| soap(None, &body)),
    );
}

#[test]
fn soap_that_differs() {
    let bodies = [
        "<Get xmlns=\"urn:a\"><id>7</id></Get>",
        "<Get xmlns=\"urn:b\"><id>7</id></Get>",
        "<Get xmlns=\"urn:a\"><id> 7</id></Get>",
        "<Get xmlns=\"urn:a\"><id>8</id></Get>",
        "<Get xmlns=\"urn:a\"><id>7</id><id>7</id></Get>",
        "<Get xmlns=\"urn:a\"><id x=\"\">7</id></Get>",
        "<Get xmlns=\"urn:a\"><id><x/>7</id></Get>",
        "<Get xmlns=\"urn:a\">&lt;id>7&lt;/id></Get>",
        "<Get xmlns=\"urn:a\"><id xmlns=\"\">7</id></Get>",
        "<Get xmlns=\"urn:a\"><id/><n>7</n></Get>",
        "<Get xmlns=\"urn:a\"><n>7</n><id/></Get>",
        "<Get xmlns=\"urn:a\"><id> </id></Get>",
        "<Get xmlns=\"urn:a\"><id></id></Get>",
    ];
    let mut requests: Vec<Request> = bodies.map(|body| soap(Some("urn:Get"), &envelope(body))).to_vec();
    requests.push(soap(Some("urn:Other"), &envelope(bodies[0])));
    let newer = envelope(bodies[0])
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    requests.push(soap(Some("urn:Get"), &newer));
    all_differ(&requests);
}

#[test]
fn canonical_forms_of_json_rpc() {
    let requests = [
        rpc(
            r#"{"jsonrpc":"2.0","method":"issue.list","params":{"to":{"b":1,"a":2},"Nonce":3,"from":1},"id":1}"#,
        ),
        rpc(r#"{"jsonrpc":"2.0","method":"eth_getBlockByNumber","params":["0x1",false]}"#),
        rpc(r#"{"method":"echo","params":["a"],"id":null}"#),
        rpc(r#"[{"jsonrpc":"2.0","method":"a","id":1},1,{"jsonrpc":"2.0","method":"b","params":[2]}]"#),
        rpc("[]"),
    ];
    insta::assert_snapshot!(requests.iter().map(told).collect::<Vec<_>>().join("\n"));
}

#[test]
fn json_rpc_that_means_the_same_and_that_differs() {
    all_equal(&[
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":{"a":1,"b":[{"c":1,"d":2}]},"id":1}"#),
        rpc(r#"{"id":"x","params":{"b":[{"d":2,"c":1}],"a":1},"method":"m","jsonrpc":"2.0"}"#),
        rpc(r#"{"id":null,"params":{"b":[{"d":2,"c":1}],"a":1},"method":"m","jsonrpc":"2.0"}"#),
    ]);
    all_equal(&[
        rpc(r#"{"jsonrpc":"2.0","method":"m","id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":[],"id":2.5}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":{},"id":3}"#),
    ]);
    all_differ(&[
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":[1,2],"id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":[2,1],"id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":{"1":1,"2":2},"id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"n","params":[1,2],"id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"m","params":[1,2]}"#),
        rpc(r#"{"method":"m","params":[1,2],"id":1}"#),
        rpc(r#"[{"jsonrpc":"2.0","method":"m","params":[1,2],"id":1}]"#),
    ]);
}

/// What is no call is told with its reason, and never taken for one.
#[test]
fn what_cannot_be_read() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    let requests = [
        graphql("[]"),
        graphql("{}"),
        graphql(r#"{"query":1}"#),
        graphql(r#"{"query":"{a}","variables":[1]}"#),
        document("{ a"),
        document("{ a } { b }"),
        document("query A { a } query B { b }"),
        document("type A { a: Int }"),
        graphql(r#"{"query":"query A { a }","operationName":"B"}"#),
        document(&format!("{}a{}", "{a".repeat(200), "}".repeat(200))),
        document(&format!("{{ a(x: {}1{}) }}", "[".repeat(5_000), "]".repeat(5_000))),
        document(&"a ".repeat(200_000)),
        document(&format!("{{ {} }}", "a ".repeat(60_000))),
        post("/graphql", "application/json", ""),
        post("/graphql", "text/plain", "{a}"),
        by_get("variables=1&query=%7Ba%7D"),
        soap(None, ""),
        soap(None, "<a/>"),
        soap(None, "plain"),
        soap(None, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>"),
        soap(None, "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"),
        soap(None, &format!("{bomb}{}", envelope("&b;"))),
        soap(None, &envelope("&b;")),
        soap(None, &envelope("<p:a/>")),
        soap(None, &envelope("<a x=\"1\" x=\"2\"/>")),
        soap(None, &envelope("<a></b>")),
        soap(None, &envelope(&format!("{}{}", "<a>".repeat(500), "</a>".repeat(500)))),
        soap(
            None,
            &envelope(&format!("<a {}/>", (0..300).map(|n| format!("a{n}=\"\" ")).collect::<String>())),
        ),
        soap(
            None,
            &envelope(&format!(
                "<a {}/>",
                (0..300).map(|n| format!("xmlns:a{n}=\"u\" ")).collect::<String>()
            )),
        ),
        soap(None, &format!("{}{}", envelope(""), envelope(""))),
        soap(None, &" ".repeat(9 * 1024 * 1024)),
        rpc("1"),
        rpc("{}"),
        rpc(r#"{"jsonrpc":"3.0","method":"a","id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":1,"id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"a","params":"b","id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"a","id":{}}"#),
        rpc(&format!("[{}1]", "1,".repeat(2_000))),
        rpc(&format!(r#"{{"jsonrpc":"2.0","method":"a","params":{}{}}}"#, "[".repeat(500), "]".repeat(500))),
        post("/elsewhere", "application/json", "{}"),
    ];
    let told: Vec<String> = requests.iter().map(told).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_operation_is_the_profiles_or_derived() {
    let names: Vec<String> = [
        document("query Issues { a }"),
        document("{ Issues }"),
        document("query IssuesByHTMLPage2 { a }"),
        document("{ a"),
        soap(Some("urn:Add"), &envelope("")),
        soap(None, &envelope("<Subtract/>")),
        rpc(r#"{"jsonrpc":"2.0","method":"issue.list","id":1}"#),
        rpc(r#"{"jsonrpc":"2.0","method":"__","id":1}"#),
        rpc(&format!(r#"{{"jsonrpc":"2.0","method":"{}","id":1}}"#, "ab.".repeat(100))),
        rpc("[]"),
    ]
    .iter()
    .map(|request| profile().operation_of_request(request).0)
    .collect();
    assert_eq!(
        names,
        [
            "issues",
            "issues",
            "graphql_issues_by_html_page2",
            "whole",
            "add",
            "soap_subtract",
            "list",
            "rpc_call",
            "rpc_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab_ab",
            "rpc_batch",
        ]
    );
}

#[test]
fn a_profile_whose_protocols_do_not_fit_is_refused() {
    let refusals: Vec<String> = [
        "protocols: [{graphql: {endpoint: POST /graphql query a}}]",
        "operations: {a: POST /graphql query a}",
        "operations: {a: POST /rpc method a}\nprotocols: [{json_rpc: {endpoint: POST /other}}]",
        "operations: {a: POST /x action a}\nprotocols: [{json_rpc: {endpoint: POST /x}}]",
    ]
    .into_iter()
    .map(|text| {
        let text = format!("counterpart: provider/1\nprovider: p\n{text}\n");
        check(&parse_document(Path::new("provider.yaml"), &text).unwrap()).unwrap_err()
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
    assert_eq!(check(&profile()), Ok(()));
}

fn response(status: u16, body: &str) -> Response {
    let body = Body::from_bytes(body.as_bytes(), Some("application/json"));
    Response { status, headers: Headers::default(), body }
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.to_bytes()).unwrap()
}

#[test]
fn an_answer_has_the_id_of_its_request_as_it_was_spelled() {
    let recorded = || response(200, r#"{"jsonrpc":"2.0","id":1,"result":1.50}"#);
    for (id, expected) in [
        ("7", r#"{"jsonrpc":"2.0","id":7,"result":1.50}"#),
        ("\"\\u0041\"", r#"{"jsonrpc":"2.0","id":"\u0041","result":1.50}"#),
        ("12345678901234567890123", r#"{"jsonrpc":"2.0","id":12345678901234567890123,"result":1.50}"#),
        ("null", r#"{"jsonrpc":"2.0","id":null,"result":1.50}"#),
    ] {
        let request = rpc(&format!(r#"{{"jsonrpc":"2.0","method":"a","id":{id}}}"#));
        assert_eq!(text(&with_id_of(&profile(), &request, recorded())), expected);
    }
    let notification = rpc(r#"{"jsonrpc":"2.0","method":"a"}"#);
    let elsewhere = post("/x", "application/json", r#"{"jsonrpc":"2.0","method":"a","id":9}"#);
    for request in [notification, elsewhere] {
        assert_eq!(with_id_of(&profile(), &request, recorded()), recorded());
    }
    let request = rpc(r#"{"jsonrpc":"2.0","method":"a","id":9}"#);
    for other in [r#"{"errors":1}"#, "[]", "plain"] {
        assert_eq!(with_id_of(&profile(), &request, response(200, other)), response(200, other));
    }
}

#[test]
fn a_batch_is_taken_apart_and_put_together_in_its_order() {
    let request = rpc(
        r#"[{"jsonrpc":"2.0","method":"a","id":1},{"jsonrpc":"2.0","method":"n"},{"foo":1},{"jsonrpc":"2.0","method":"b","id":"x"}]"#,
    );
    let batch = Batch::of(&profile(), &request).unwrap();
    let answers: Vec<Response> = batch
        .parts
        .iter()
        .map(|part| match part {
            BatchPart::Call(request) => {
                with_id_of(&profile(), request, response(200, r#"{"jsonrpc":"2.0","result":0,"id":0}"#))
            }
            BatchPart::Notification(_) => response(200, r#"{"jsonrpc":"2.0","result":"lost","id":0}"#),
            BatchPart::Invalid(answer) => answer.clone(),
        })
        .collect();
    assert_eq!(
        text(&batch.assemble(answers)),
        r#"[{"jsonrpc":"2.0","result":0,"id":1},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null},{"jsonrpc":"2.0","result":0,"id":"x"}]"#
    );
    let silent = Batch::of(&profile(), &rpc(r#"[{"jsonrpc":"2.0","method":"n"}]"#)).unwrap();
    assert_eq!(silent.assemble(vec![response(204, "")]), response(204, ""));
    assert_eq!(silent.assemble(vec![response(200, "[1]")]).body, Body::None);
    let empty = Batch::of(&profile(), &rpc("[]")).unwrap();
    assert!(text(&empty.assemble(Vec::new())).contains("-32600"));
    assert_eq!(Batch::of(&profile(), &rpc("{}")), None);
    assert_eq!(Batch::of(&profile(), &graphql("[]")), None);
}

#[test]
fn a_recorded_batch_is_the_calls_that_it_held() {
    let exchange = |request: &str, answer: &str| Exchange {
        id: "rpc_batch-1".into(),
        direction: crate::Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: crate::Ended::Complete,
        request: rpc(request),
        response: Some(response(200, answer)),
    };
    let split = |request: &str, answer: &str| {
        split_exchange(&profile(), &exchange(request, answer)).map(|calls| {
            calls
                .iter()
                .map(|one| {
                    let method = profile().operation_of_request(&one.request);
                    format!("{} {method} {}", one.id, text(one.response.as_ref().unwrap()))
                })
                .collect::<Vec<_>>()
        })
    };
    let request = r#"[{"jsonrpc":"2.0","method":"a","id":1},{"jsonrpc":"2.0","method":"n"},7,{"jsonrpc":"2.0","method":"b","id":"1"}]"#;
    // Servers may answer in any order (section 6).
    let answer = r#"[{"jsonrpc":"2.0","id":"1","result":"b"},{"jsonrpc":"2.0","id":null,"error":{}},{"jsonrpc":"2.0","id":1,"result":"a"}]"#;
    assert_eq!(
        split(request, answer).unwrap(),
        [
            r#"rpc_batch-1[1] rpc_a {"jsonrpc":"2.0","id":1,"result":"a"}"#,
            "rpc_batch-1[2] rpc_n ",
            r#"rpc_batch-1[4] rpc_b {"jsonrpc":"2.0","id":"1","result":"b"}"#,
        ]
    );
    assert_eq!(split(request, r#"{"error":"too many"}"#), None, "refused as a whole");
    assert_eq!(split(r#"{"jsonrpc":"2.0","method":"a","id":1}"#, answer), None, "no batch");
}

#[test]
fn errors_of_graphql() {
    let limited = GraphQlError { message: None, code: Some("RATE_LIMITED".to_owned()) };
    assert_eq!(
        text(&graphql_errors(None, &limited)),
        r#"{"errors":[{"message":"internal error","extensions":{"code":"RATE_LIMITED"}}],"data":null}"#
    );
    let form =
        response(200, r#"{"data":null,"errors":[{"message":"m","extensions":{"code":"A","trace":1}}]}"#);
    assert_eq!(
        text(&graphql_errors(Some(&form), &limited)),
        r#"{"data":null,"errors":[{"message":"m","extensions":{"code":"RATE_LIMITED","trace":1}}]}"#
    );
    let answer = || response(200, r#"{"data":{"issues":{"nodes":[{"id":1},{"id":2}]}}}"#);
    assert_eq!(
        text(&graphql_partial(answer(), "issues.nodes.1.id", &GraphQlError::default()).unwrap()),
        r#"{"data":{"issues":{"nodes":[{"id":1},{"id":null}]}},"errors":[{"message":"internal error","path":["issues","nodes",1,"id"]}]}"#
    );
    for (field, why) in [
        ("users", "the answer's `data` has no field `users` of `users`"),
        ("issues.nodes.2", "the answer's `data` has no field `2` of `issues.nodes.2`"),
        ("issues.nodes.x", "the answer's `data` has no field `x` of `issues.nodes.x`"),
    ] {
        assert_eq!(graphql_partial(answer(), field, &GraphQlError::default()).unwrap_err(), why);
    }
    assert!(graphql_partial(response(200, "[]"), "a", &GraphQlError::default()).is_err());
    assert!(text(&persisted_query_unknown(None)).contains("PersistedQueryNotFound"));
}

#[test]
fn errors_of_json_rpc() {
    let request = rpc(r#"{"jsonrpc":"2.0","method":"a","id":"q"}"#);
    let error =
        |code, message: Option<&str>| JsonRpcError { code, message: message.map(str::to_owned), data: None };
    let told = |recorded: Option<&str>, request: &Request, error: &JsonRpcError| {
        let recorded = recorded.map(|body| response(200, body));
        json_rpc_error(request, recorded.as_ref(), error).map(|answer| text(&answer))
    };
    assert_eq!(
        told(None, &request, &error(-32_601, None)).unwrap(),
        r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"q"}"#
    );
    let form = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-32005,"message":"limit","data":{"see":"url"}}}"#;
    assert_eq!(
        told(Some(form), &request, &error(-32_005, None)).unwrap(),
        r#"{"jsonrpc":"2.0","id":"q","error":{"code":-32005,"message":"limit","data":{"see":"url"}}}"#
    );
    assert_eq!(
        told(Some(form), &request, &error(1, None)).unwrap(),
        r#"{"jsonrpc":"2.0","id":"q","error":{"code":1,"message":"Server error","data":{"see":"url"}}}"#
    );
    let older = rpc(r#"{"method":"a","params":[],"id":3}"#);
    assert_eq!(
        told(None, &older, &error(1, Some("m"))).unwrap(),
        r#"{"result":null,"error":{"code":1,"message":"m"},"id":3}"#
    );
    let notification = rpc(r#"{"jsonrpc":"2.0","method":"a"}"#);
    assert!(told(None, &notification, &error(1, None)).unwrap_err().contains("notification"));
}

#[test]
fn faults_of_soap() {
    let fault = |version, code| {
        let fault = SoapFault { code, message: "a < b & \"c\"".to_owned(), status: None };
        let answer = soap_fault(version, &fault);
        format!("{} {}\n{}", answer.status, answer.headers.text("content-type").unwrap(), text(&answer))
    };
    insta::assert_snapshot!(
        [
            fault(SoapVersion::V1_1, SoapCode::Client),
            fault(SoapVersion::V1_1, SoapCode::Server),
            fault(SoapVersion::V1_2, SoapCode::Client),
            fault(SoapVersion::V1_2, SoapCode::Server),
            fault(SoapVersion::V1_2, SoapCode::MustUnderstand),
        ]
        .join("\n")
    );
    let version = |request: &Request| soap_version(&profile(), request);
    assert_eq!(version(&soap(None, &envelope(""))), Some(SoapVersion::V1_1));
    assert_eq!(version(&post("/soap/a", "application/soap+xml", "<broken")), Some(SoapVersion::V1_2));
    assert_eq!(version(&rpc("{}")), None);
}
