//! Files that nobody vouches for: each is refused with its place, or read within bounds; none reads what is not its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Body;
use counterpart_interchange::{Format, Imported, import};
use std::path::Path;

fn read(format: &str, text: &str) -> Result<Imported, String> {
    let format: Format = format.parse().unwrap();
    import(format, Path::new("f.json"), text.as_bytes()).map_err(|error| error.to_string())
}

fn pact(interactions: &str) -> String {
    format!(
        r#"{{"interactions": {interactions}, "metadata": {{"pactSpecification": {{"version": "4.0"}}}}}}"#
    )
}

fn collection(variables: &str, items: &str) -> String {
    format!(
        r#"{{"info": {{"schema": "https://schema.getpostman.com/json/collection/v2.1.0/"}}, "variable": {variables}, "item": {items}}}"#
    )
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_its_values() {
    let cases = [
        ("wiremock", "{}".to_owned()),
        ("wiremock", "{\"request\": {\n  \"method\": \"GET\", \"url\": 7}, \"response\": {}}".into()),
        ("wiremock", "{\"request\": {},\n \"response\": {\"status\": 99999999999999999999}}".into()),
        ("wiremock", "{\"request\": {},\n \"response\": {\"base64Body\": \"secret!\"}}".into()),
        ("wiremock", "{\"request\": {},\n \"response\": {\"bodyFileName\": \"../../etc/passwd\"}}".into()),
        ("wiremock", "{\"request\": {\"method\": \"GET\\r\\nX: 1\"}}".into()),
        ("wiremock", "{\"mappings\": [{\"request\": {}}, 3]}".into()),
        ("wiremock", "{\"type\": \"object\"}".into()),
        ("wiremock", "{\"request\": {}, \"response\": {}, \"metadata\": {\"counterpart\": {\"id\": 3}}}".into()),
        ("wiremock", "{\"request\": {\"url\": \"/\"}, \"metadata\": {\"counterpart\": {\"id\": \"a\", \"request\": {\"headers\": [[\"x\", \"a\\nb\"]]}}}}".into()),
        ("hoverfly", "{\"data\": {\"pairs\": []}}".into()),
        ("hoverfly", "{\"data\": {\"pairs\": []}, \"meta\": {\"schemaVersion\": \"v2\"}}".into()),
        ("hoverfly", "{\"data\": {\"pairs\": [{\"request\": {}}]}, \"meta\": {\"schemaVersion\": \"v5\"}}".into()),
        ("hoverfly", "{\"data\": {\"pairs\": [{\"request\": {}, \"response\": {\"bodyFile\": \"/etc/passwd\"}}]}, \"meta\": {\"schemaVersion\": \"v5\"}}".into()),
        ("postman", "{\"info\": {\"schema\": \"https://schema.getpostman.com/json/collection/v1.0.0/\"}, \"item\": []}".into()),
        ("postman", "{\"item\": []}".into()),
        ("postman", collection("[]", "[{\"name\": \"x\"}]")),
        ("postman", collection("[]", "[{\"request\": \"ftp://h/x\", \"response\": [{\"code\": 200}]}]")),
        ("pact", "{\"consumer\": {}}".into()),
        ("pact", "{\"interactions\": [], \"metadata\": {\"pactSpecification\": {\"version\": \"9\"}}}".into()),
        ("pact", pact("[{\"request\": {}}]")),
        ("pact", pact("[{\"request\": {\"body\": {\"content\": \"x\", \"encoded\": \"rot13\"}}, \"response\": {}}]")),
        ("pact", pact("[{\"request\": {\"body\": {\"content\": \"topsecret\", \"encoded\": \"base64\"}}, \"response\": {}}]")),
        ("pact", "---\ninteractions: []\n".into()),
        ("har", "{\"request\": {\"url\": \"/\"}, \"response\": {}}".into()),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(format, text)| format!("{format}: {}", read(format, text).expect_err(text)))
        .collect();
    assert!(!told.iter().any(|line| line.contains("secret")), "{told:#?}");
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    for format in ["wiremock", "hoverfly", "postman", "pact"] {
        let message = read(format, &deep("[", "]", 100_000)).unwrap_err();
        assert!(message.starts_with("f.json"), "{message}");
        assert!(read(format, &deep("{\"item\":[", "]}", 50_000)).is_err());
    }
    for depth in [65, 100_000] {
        let folders = deep("[{\"item\":", "}]", depth);
        let message = read("postman", &collection("[]", &folders)).unwrap_err();
        assert!(message.contains("more than 64 folders"), "{message}");
    }
}

#[test]
fn variables_that_double_each_other_fill_no_memory() {
    let doubling: Vec<String> = (0..40)
        .map(|n| format!(r#"{{"key": "v{n}", "value": "{}"}}"#, format!("{{{{v{}}}}}", n + 1).repeat(1000)))
        .collect();
    let item = r#"[{"request": {"url": "http://h/", "method": "POST", "body": {"mode": "raw", "raw": "{{v0}}"}}, "response": [{"code": 200}]}]"#;
    let imported = read("postman", &collection(&format!("[{}]", doubling.join(",")), item)).unwrap();
    assert!(imported.exchanges[0].request.body.to_bytes().len() < 4 * 1024 * 1024);
    assert!(imported.losses.iter().any(|loss| loss.what.contains("grows beyond")), "{:?}", imported.losses);
    let circle = r#"[{"key": "a", "value": "{{b}}"}, {"key": "b", "value": "{{a}}"}]"#;
    let item = r#"[{"request": "http://h/{{a}}", "response": [{"code": 200}]}]"#;
    let imported = read("postman", &collection(circle, item)).unwrap();
    assert_eq!((imported.exchanges.len(), imported.losses.len()), (1, 1));
}

#[test]
fn patterns_of_the_exponential_kind_take_no_time() {
    for pattern in ["(a+)+$", "(a|aa)+b", "((((a{50}){50}){50}){50}){50}", "(x+x+)+y", "(?:){4000000000}"] {
        let text = format!(
            r#"{{"request": {{"urlPattern": "/{pattern}", "headers": {{"a": {{"matches": "{pattern}"}}}}}}, "response": {{}}}}"#
        );
        let imported = read("wiremock", &text).unwrap();
        assert!(!imported.losses.is_empty(), "{pattern}");
        let text = format!(
            r#"{{"data": {{"pairs": [{{"request": {{"path": [{{"matcher": "regex", "value": "/{pattern}"}}]}}, "response": {{}}}}], "globalActions": {{"delays": [{{"urlPattern": "{pattern}", "delay": 1}}]}}}}, "meta": {{"schemaVersion": "v5"}}}}"#
        );
        assert!(!read("hoverfly", &text).unwrap().losses.is_empty(), "{pattern}");
    }
}

#[test]
fn nothing_that_cannot_be_sent_comes_in() {
    let text = r#"{"request": {"method": "GET", "url": "/a b\r\nX: 1\u0000é"},
        "response": {"headers": {"x\r\ny": "1", "ok": "a\r\nb: c\u0000", "fine": "1"}}}"#;
    let imported = read("wiremock", text).unwrap();
    let exchange = &imported.exchanges[0];
    assert_eq!(exchange.request.target, "/a%20b%0D%0AX:%201%00%C3%A9");
    let response = exchange.response.as_ref().unwrap();
    assert_eq!(response.headers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["fine"]);
    assert!(imported.losses.len() >= 2, "{:?}", imported.losses);
}

#[test]
fn a_compressed_body_is_unpacked_so_that_it_can_be_searched() {
    // gzip of {"token":"x"}
    let packed = "H4sIAAAAAAAC/6tWKsnPTs1TslKqUKoFALYpyi0NAAAA";
    let pair = format!(
        r#"{{"request": {{}}, "response": {{"status": 200, "encodedBody": true, "body": "{packed}", "headers": {{"Content-Encoding": ["gzip"], "Content-Type": ["application/json"]}}}}}}"#
    );
    let text = format!(r#"{{"data": {{"pairs": [{pair}]}}, "meta": {{"schemaVersion": "v5.1"}}}}"#);
    let imported = read("hoverfly", &text).unwrap();
    let response = imported.exchanges[0].response.as_ref().unwrap();
    assert!(
        matches!(&response.body, Body::Json(json) if json.as_str() == r#"{"token":"x"}"#),
        "{:?}",
        response.body
    );
    assert!(response.headers.values("content-encoding").is_empty());
}

/// Whoever marks a compressed body as ours hides nothing in it.
#[test]
fn what_says_that_it_is_ours_is_unpacked_too() {
    let packed = "H4sIAAAAAAAC/6tWKsnPTs1TslKqUKoFALYpyi0NAAAA";
    let text = format!(
        r#"{{"request": {{}}, "response": {{"headers": {{"Content-Encoding": "gzip", "Content-Type": "application/json"}}, "base64Body": "{packed}"}}, "metadata": {{"counterpart": {{"id": "a-1"}}}}}}"#
    );
    let imported = read("wiremock", &text).unwrap();
    let response = imported.exchanges[0].response.as_ref().unwrap();
    assert!(matches!(&response.body, Body::Json(_)), "{:?}", response.body);
    assert!(response.headers.values("content-encoding").is_empty());
}

#[test]
fn many_losses_of_one_exchange_stay_few() {
    let headers: Vec<String> = (0..20_000).map(|n| format!(r#""h{n}": {{"doesNotMatch": "x"}}"#)).collect();
    let text =
        format!(r#"{{"request": {{"url": "/", "headers": {{{}}}}}, "response": {{}}}}"#, headers.join(","));
    assert!(read("wiremock", &text).unwrap().losses.len() < 200);
}
