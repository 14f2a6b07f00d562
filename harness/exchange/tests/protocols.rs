//! The canonical form of a call: not changed by what says nothing, and bounded whatever is sent.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::protocol::{Batch, call_of, with_id_of};
use counterpart_exchange::{Body, HeaderValue, Headers, ProviderProfile, Request, Response, parse_document};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::path::Path;
use std::time::{Duration, Instant};

const PROFILE: &str = "
counterpart: provider/1
provider: calls
protocols:
  - graphql: {endpoint: POST /graphql}
  - soap: {endpoint: POST /soap}
  - json_rpc: {endpoint: POST /rpc}
volatile: {fields: [nonce]}
";

fn profile() -> ProviderProfile {
    parse_document(Path::new("provider.yaml"), PROFILE).unwrap()
}

fn post(target: &str, media_type: &str, bytes: &[u8]) -> Request {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
    let body = Body::from_bytes(bytes, Some(media_type));
    Request { method: "POST".to_owned(), target: target.to_owned(), headers, body }
}

fn key(request: &Request) -> String {
    match call_of(&profile(), request).unwrap() {
        Ok(call) => call.key(),
        Err(unreadable) => panic!("{unreadable}: {request:?}"),
    }
}

/// JSON whose objects have their keys in one order, and in the reverse of it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-d]{1,2}", inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .rev()
            .map(|(name, value)| (name.clone(), reversed(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

/// The tokens of a document, with what may stand between any two of them.
fn spelled(tokens: &[&str], between: &[String]) -> String {
    tokens.iter().zip(between.iter().cycle()).flat_map(|(token, gap)| [gap.as_str(), token]).collect()
}

const QUERY: &[&str] = &[
    "query", "Issues", "(", "$", "first", ":", "Int", "!", "$", "by", ":", "[", "Order", "]", "=", "[", "UP",
    "]", ")", "{", "all", ":", "issues", "(", "first", ":", "$", "first", "by", ":", "{", "name", ":",
    "\"a b\"", "}", ")", "@", "include", "(", "if", ":", "true", ")", "{", "id", "...", "Row", "...", "on",
    "Bug", "{", "x", "}", "}", "}", "fragment", "Row", "on", "Issue", "{", "title", "}",
];

fn any_gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(" ".to_owned()),
        Just("\n\t".to_owned()),
        Just(" , ,\r\n".to_owned()),
        "[ -~é]{0,8}".prop_map(|comment| format!(" #{comment}\n")),
    ]
}

/// An element tree.
#[derive(Clone, Debug)]
struct Element {
    namespace: usize,
    name: String,
    attributes: Vec<(Option<usize>, String, String)>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Text(String),
    Elements(Vec<Element>),
}

fn any_element() -> impl Strategy<Value = Element> {
    let attributes = || {
        vec((proptest::option::of(0..3usize), "[a-c]", "[a-z<&\"é]{0,4}"), 0..3).prop_map(|mut all| {
            all.sort();
            all.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
            all
        })
    };
    let text = "[a-z<&>é]{0,5}".prop_map(Content::Text);
    let leaf = (0..3usize, "[A-D]", attributes(), text)
        .prop_map(|(namespace, name, attributes, content)| Element { namespace, name, attributes, content });
    leaf.prop_recursive(4, 20, 4, move |inner| {
        (0..3usize, "[A-D]", attributes(), vec(inner, 1..4)).prop_map(
            |(namespace, name, attributes, inner)| Element {
                namespace,
                name,
                attributes,
                content: Content::Elements(inner),
            },
        )
    })
}

/// How a tree is written: what says nothing.
#[derive(Clone, Debug)]
struct Spelling {
    prefixes: [&'static str; 3],
    white: &'static str,
    cdata: bool,
    reversed: bool,
}

const PLAIN: Spelling = Spelling { prefixes: ["p", "q", "r"], white: "", cdata: false, reversed: false };

fn any_spelling() -> impl Strategy<Value = Spelling> {
    (
        prop_oneof![Just(["p", "q", "r"]), Just(["r", "p", "q"]), Just(["ns0", "ns1", "x"])],
        prop_oneof![Just(""), Just("\n  "), Just(" <!-- c --> "), Just("<?pi?>")],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(prefixes, white, cdata, reversed)| Spelling { prefixes, white, cdata, reversed })
}

impl Spelling {
    fn envelope(&self, element: &Element) -> String {
        let white = self.white;
        let mut out = "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"".to_owned();
        for (index, prefix) in self.prefixes.iter().enumerate() {
            out.push_str(&format!(" xmlns:{prefix}='urn:{index}'"));
        }
        out.push_str(&format!(">{white}<s:Body>{white}"));
        self.element(element, &mut out);
        format!("{out}{white}</s:Body>{white}</s:Envelope>{white}")
    }

    fn element(&self, element: &Element, out: &mut String) {
        let escape = |text: &str| {
            text.replace('&', "&amp;").replace('<', "&#60;").replace('>', "&gt;").replace('"', "&quot;")
        };
        let name = format!("{}:{}", self.prefixes[element.namespace], element.name);
        let mut attributes: Vec<String> = element
            .attributes
            .iter()
            .map(|(namespace, name, value)| {
                let prefix = namespace.map_or_else(String::new, |index| format!("{}:", self.prefixes[index]));
                format!(" {prefix}{name}=\"{}\"", escape(value))
            })
            .collect();
        if self.reversed {
            attributes.reverse();
        }
        out.push_str(&format!("<{name}{}>", attributes.concat()));
        match &element.content {
            Content::Text(text) if self.cdata && !text.is_empty() => {
                out.push_str(&format!("<![CDATA[{text}]]>"));
            }
            Content::Text(text) => out.push_str(&escape(text)),
            Content::Elements(inner) => {
                out.push_str(self.white);
                for one in inner {
                    self.element(one, out);
                    out.push_str(self.white);
                }
            }
        }
        out.push_str(&format!("</{name}>"));
    }
}

/// Valid text with some of it changed.
fn mutated(valid: &'static str) -> impl Strategy<Value = Vec<u8>> {
    vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), vec(any::<u8>(), 0..4)), 0..6).prop_map(
        move |changes| {
            let mut bytes = valid.as_bytes().to_vec();
            for (from, to, with) in changes {
                let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
                bytes.splice(from.min(to)..(from.min(to) + (from.max(to) - from.min(to)).min(8)), with);
            }
            bytes
        },
    )
}

const VALID: [(&str, &str, &str); 3] = [
    (
        "/graphql",
        "application/graphql",
        "query A($a: [Int!]! = [1], $b: S) @d { x: a(b: {c: \"\\u0041\", d: \"\"\"e\n f\"\"\"}) { ...F ... on T { -1.5e3 } } } fragment F on T { g(h: $b) }",
    ),
    (
        "/soap",
        "text/xml",
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><nonce a='b'>c</nonce></s:Header><s:Body x=\"&#65;&amp;\"><a:b xmlns:a=\"urn:a\"><![CDATA[c]]><!-- d --><?e f?>&lt;</a:b></s:Body></s:Envelope>",
    ),
    (
        "/rpc",
        "application/json",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"b\":[1]},\"id\":\"c\"},{\"method\":\"d\",\"id\":null}]",
    ),
];

fn reads_without_panic(target: &str, media_type: &str, bytes: &[u8]) {
    let profile = profile();
    for (target, media_type) in
        [(target, media_type), (target, "application/json"), ("/graphql", "application/graphql")]
    {
        let request = post(target, media_type, bytes);
        if let Some(Ok(call)) = call_of(&profile, &request) {
            assert!(call.key().len() < 1_000 + bytes.len() * 40);
        }
        let _ = profile.operation_of_request(&request);
        let _ = Batch::of(&profile, &request);
        let answer = Response { status: 200, headers: Headers::default(), body: request.body.clone() };
        let _ = with_id_of(&profile, &request, answer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn white_space_commas_and_comments_of_a_document_say_nothing(gaps in vec(any_gap(), 1..90)) {
        let written = |gaps: &[String]| {
            let query = spelled(QUERY, gaps);
            post("/graphql", "application/json", serde_json::json!({ "query": query }).to_string().as_bytes())
        };
        prop_assert_eq!(key(&written(&gaps)), key(&written(&[" ".to_owned()])));
    }

    #[test]
    fn the_order_of_keys_says_nothing(value in any_json(), other in any_json()) {
        let graphql = |variables: &Value| {
            let body = serde_json::json!({ "query": "{ a }", "variables": { "v": variables, "nonce": 1 } });
            post("/graphql", "application/json", body.to_string().as_bytes())
        };
        let rpc = |params: &Value, id: u8| {
            let body = serde_json::json!({ "jsonrpc": "2.0", "method": "m", "params": [params], "id": id });
            post("/rpc", "application/json", body.to_string().as_bytes())
        };
        prop_assert_eq!(key(&graphql(&value)), key(&graphql(&reversed(&value))));
        prop_assert_eq!(key(&rpc(&value, 1)), key(&rpc(&reversed(&value), 2)));
        // And everything else does.
        prop_assert_eq!(key(&graphql(&value)) == key(&graphql(&other)), value == other);
        prop_assert_eq!(key(&rpc(&value, 1)) == key(&rpc(&other, 1)), value == other);
    }

    #[test]
    fn prefixes_layout_and_attribute_order_of_an_envelope_say_nothing(
        element in any_element(),
        spelling in any_spelling(),
    ) {
        let written = |spelling: &Spelling| post("/soap", "text/xml", spelling.envelope(&element).as_bytes());
        prop_assert_eq!(key(&written(&spelling)), key(&written(&PLAIN)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        for (target, media_type, _) in VALID {
            reads_without_panic(target, media_type, &bytes);
        }
    }

    #[test]
    fn any_text_of_their_alphabets_is_read_or_refused(text in "[{}()\\[\\]<>/!?&;:#$@.,=\"'\\\\\\-a-c0-2 \n]{0,120}") {
        for (target, media_type, _) in VALID {
            reads_without_panic(target, media_type, text.as_bytes());
        }
    }

    #[test]
    fn what_was_valid_is_read_or_refused(
        graphql in mutated(VALID[0].2),
        soap in mutated(VALID[1].2),
        rpc in mutated(VALID[2].2),
    ) {
        for ((target, media_type, _), bytes) in VALID.iter().zip([graphql, soap, rpc]) {
            reads_without_panic(target, media_type, &bytes);
        }
    }
}

/// Each is as large as may be sent: work that grows with the square of it would take minutes.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a bound with room for a busy machine; nothing else is decided by it"
)]
fn large_hostile_bodies_cost_little() {
    let began = Instant::now();
    let envelope = |content: &str| {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{content}</s:Body></s:Envelope>"
        )
    };
    let many = |one: &dyn Fn(usize) -> String, count: usize| (0..count).map(one).collect::<String>();
    for body in [
        envelope(&"<a>".repeat(1_000_000)),
        envelope(&format!("<a {}/>", many(&|n| format!("a{n}=\"\" "), 400_000))),
        envelope(&format!("<a {}/>", many(&|n| format!("xmlns:a{n}=\"u\" "), 400_000))),
        envelope(&many(&|n| format!("<a xmlns:a{n}=\"u\">"), 300_000)),
        envelope(&"&#65;".repeat(1_000_000)),
        envelope(&format!("<a x=\"{}\"/>", "&amp;".repeat(1_000_000))),
        envelope(&"<![CDATA[a]]>".repeat(400_000)),
        format!("<!DOCTYPE a [{}]>", "<!ENTITY b \"&c;&c;\">".repeat(100_000)),
        "<".repeat(4_000_000),
        "&".repeat(4_000_000),
    ] {
        let _ = call_of(&profile(), &post("/soap", "text/xml", body.as_bytes()));
    }
    for document in [
        "{".repeat(200_000),
        "[".repeat(200_000),
        "{a(b:".repeat(50_000),
        "{a(b:[".repeat(40_000),
        "query(".repeat(40_000),
        "query($a:[".repeat(20_000),
        format!("query($a:{}", "[".repeat(200_000)),
        "\"".repeat(200_000),
        "\"\"\"".repeat(80_000),
        "#".repeat(200_000),
        "}".repeat(200_000),
        "...".repeat(80_000),
        "@a".repeat(100_000),
        format!("{{ {} }} {}", "...F ".repeat(5_000), "fragment F on T { ...F } ".repeat(2_000)),
    ] {
        let _ = call_of(&profile(), &post("/graphql", "application/graphql", document.as_bytes()));
    }
    for body in ["[".repeat(1_000_000), format!("[{}1]", "[],".repeat(1_000_000)), "{\"a\":".repeat(500_000)]
    {
        let _ = call_of(&profile(), &post("/rpc", "application/json", body.as_bytes()));
    }
    assert!(began.elapsed() < Duration::from_secs(90), "{:?}", began.elapsed());
}
