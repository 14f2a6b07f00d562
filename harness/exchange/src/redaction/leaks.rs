//! Ways in which a secret once got through: each is a case here.

use super::tests::{all_text, exchange};
use super::*;
use crate::{Body, Fixture, HeaderValue};
use std::path::{Path, PathBuf};

const EMPTY: &[(&str, &str)] = &[];

fn redacted(
    target: &str,
    headers: &[(&str, &str)],
    form: &str,
    answer: &str,
    known: &[KnownSecret],
) -> Redacted {
    let one = exchange(target, headers, form.as_bytes(), answer);
    redact(vec![one], &ProviderProfile::unknown("p"), known)
}

fn answer(json: &str) -> String {
    let redacted = redacted("/", EMPTY, "", json, &[]);
    match &redacted.exchanges[0].response.as_ref().unwrap().body {
        Body::Json(json) => json.as_str().to_owned(),
        other => panic!("no longer JSON: {other:?}"),
    }
}

fn named(value: &str) -> [KnownSecret; 1] {
    [KnownSecret { kind: "named".into(), value: value.into() }]
}

#[test]
fn json_fields() {
    for (given, expected) in [
        (r#"{"accessToken":"x1"}"#, r#"{"accessToken":"«access_token:1»"}"#),
        (
            r#"{"secret":{"value":"x1","n":[12345,12]}}"#,
            r#"{"secret":{"value":"«secret:1»","n":["«secret:2»",12]}}"#,
        ),
        (r#"{"token_type":"x1","password_policy":"x1"}"#, r#"{"token_type":"x1","password_policy":"x1"}"#),
        (r#"{"password":true,"secret":null,"pwd":123}"#, r#"{"password":true,"secret":null,"pwd":123}"#),
        (r#"{"mail":"jo\u0040example.org"}"#, r#"{"mail":"«email:1»"}"#),
        (
            r#"{"mail":"<jo\u0040example.org> \u00e9","a":"\u00e9"}"#,
            r#"{"mail":"<«email:1»> é","a":"\u00e9"}"#,
        ),
        // A number is replaced at its place only, and what reads like a word is no substring.
        (
            r#"{"pwd":12345,"n":12345,"s":"12345","t":"x12345"}"#,
            r#"{"pwd":"«pwd:1»","n":12345,"s":"«pwd:1»","t":"x12345"}"#,
        ),
        (
            r#"{"password":"sunflower","a":"sunflowers","b":"sunflower"}"#,
            r#"{"password":"«password:1»","a":"sunflowers","b":"«password:1»"}"#,
        ),
        (
            r#"{"password":"Access-Token","Access-Token-x":1}"#,
            r#"{"password":"«password:1»","Access-Token-x":1}"#,
        ),
        (
            r#"{"inner":"{\"password\": \"x1\", \"a\":1}"}"#,
            r#"{"inner":"{\"password\": \"«password:1»\", \"a\":1}"}"#,
        ),
        (
            r#"{"query":"{login(password:\"x1\"){id}}"}"#,
            r#"{"query":"{login(password:\"«password:1»\"){id}}"}"#,
        ),
        (
            r#"{"next":"https://a.example/?page=2&access_token=x1"}"#,
            r#"{"next":"https://a.example/?page=2&access_token=«access_token:1»"}"#,
        ),
        (r#"{"db":"mysql://jo:x1@db.example/"}"#, r#"{"db":"mysql://jo:«password:1»@db.example/"}"#),
        (r#"{"password":"pa«ss"}"#, r#"{"password":"«password:1»"}"#),
        (
            r#"{"authorization":"Bearer x1-y2-z3","a":"x1-y2-z3"}"#,
            r#"{"authorization":"«authorization:1»","a":"«access_token:1»"}"#,
        ),
        (
            r#"{"grant_type":"authorization_code","code":"x1"}"#,
            r#"{"grant_type":"authorization_code","code":"«code:1»"}"#,
        ),
        (
            r#"{"pem":"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n"}"#,
            r#"{"pem":"«private_key:1»\n"}"#,
        ),
    ] {
        assert_eq!(answer(given), expected, "{given}");
    }
}

#[test]
fn targets_and_forms() {
    for (target, form, expected) in [
        ("/x?api%5Fkey=x1", "", "/x?api%5Fkey=«api_key:1»"),
        ("/users/jo%40example.org/a%20b", "", "/users/«email:1»/a%20b"),
        ("/users?mail=jo%40example.org&q=%C3%a9", "", "/users?mail=«email:1»&q=%C3%a9"),
        ("/cb?code=x1&state=s1", "", "/cb?code=«code:1»&state=s1"),
        ("/x?code=de", "", "/x?code=de"),
        ("/f?X-Amz-Signature=x1", "", "/f?X-Amz-Signature=«amz_signature:1»"),
        ("/", "user%5Bpassword%5D=x1", "/ «user_password:1»"),
        (
            "/",
            "grant_type=authorization_code&code=x1&code_verifier=x2",
            "/ authorization_code «code:1» «code_verifier:1»",
        ),
    ] {
        let text =
            all_text(&redacted(target, EMPTY, form, "{}", &[])).replace("\n{}\n", "").replace('\n', " ");
        assert_eq!(text, expected, "{target} {form}");
    }
}

#[test]
fn headers() {
    for (name, value, expected) in [
        ("Cookie", "consent=2; lang=1; e=e", "consent=«cookie:1»; lang=«cookie:2»; e=«cookie:3»"),
        ("Authorization", "Bearer  x1", "Bearer  «access_token:1»"),
        ("Authorization", "Bearer\tx1", "Bearer\t«access_token:1»"),
        ("X-Vault-Token", "x1", "«api_key:1»"),
        ("Private-Token", "x1", "«private_token:1»"),
        ("WWW-Authenticate", "Bearer realm=\"a\", token=\"x1\"", "Bearer realm=\"a\", token=\"«token:1»\""),
        ("Location", "https://a.example/cb?code=x1&state=s", "https://a.example/cb?code=«code:1»&state=s"),
        (
            "Location",
            "https://a.example/#access_token=x1",
            "https://a.example/#access_token=«access_token:1»",
        ),
        ("X-From", "jo%40example.org", "«email:1»"),
        ("Access-Control-Allow-Credentials", "true", "true"),
    ] {
        let redacted = redacted("/", &[(name, value)], "", "{}", &[]);
        assert_eq!(redacted.exchanges[0].request.headers.text(name), Some(expected), "{name}: {value}");
    }
}

#[test]
fn a_basic_user_without_a_password_is_the_secret() {
    let redacted =
        redacted("/", &[("authorization", "Basic c2tfMTIzNDU2Og==")], "", r#"{"a":"sk_123456"}"#, &[]);
    assert!(all_text(&redacted).ends_with("{\"a\":\"«password:1»\"}\n"), "{}", all_text(&redacted));
}

#[test]
fn spellings_of_a_named_secret() {
    let secret = "Grün <& Gold>";
    for given in [
        r#"{"a":"is Gr\u00FCn \u003c\u0026 Gold\u003E."}"#,
        r#"{"a":"4772c3bc6e203c2620476f6c643e"}"#,
        r#"{"a":"Gr%25C3%25BCn%2520%253C%2526%2520Gold%253E"}"#,
        r#"{"a":"R3LDvG4gPCYgR29sZD4="}"#,
    ] {
        let redacted = redacted("/", EMPTY, "", given, &named(secret));
        assert!(all_text(&redacted).contains("«named:1»"), "{given}: {}", all_text(&redacted));
    }
    let redacted = redacted("/", &[("x-Tenant-AbC123xyz", "1"), ("x-a", "1")], "", "{}", &named("aBc123XyZ"));
    let names: Vec<_> = redacted.exchanges[0].request.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-a"]);
    assert_eq!(
        redacted.text("https://h.example/aBc123XyZ/v1", &ProviderProfile::default()),
        "https://h.example/«named:1»/v1"
    );
}

#[test]
fn text_and_bytes() {
    let mut one = exchange("/", EMPTY, b"", "{}");
    one.request.body =
        Body::Text("<a><clientSecret>x1</clientSecret></a> -----BEGIN PRIVATE KEY-----\nMI".into());
    one.response.as_mut().unwrap().body = Body::Binary(b"\xff jo@example.org \xfe".to_vec());
    let redacted = redact(vec![one], &ProviderProfile::unknown("p"), &[]);
    let one = &redacted.exchanges[0];
    assert_eq!(
        one.request.body,
        Body::Text("<a><clientSecret>«client_secret:1»</clientSecret></a> «private_key:1»".into())
    );
    assert_eq!(one.response.as_ref().unwrap().body, Body::Omitted { size_bytes: 18 });
}

#[test]
fn numbers_go_past_placeholders_that_are_there() {
    assert_eq!(
        answer(r#"{"a":"«token:3»","token":"x1","b":"«token"}"#),
        r#"{"a":"«token:3»","token":"«token:4»","b":"«token"}"#
    );
    // Nothing is looked for within them.
    assert_eq!(
        answer(r#"{"password":"access_token","token":"x","a":"«access_token:1»"}"#),
        r#"{"password":"«password:1»","token":"«token:1»","a":"«access_token:1»"}"#
    );
}

#[test]
fn ten_thousand_addresses_take_seconds() {
    let exchanges = (0..500)
        .map(|call| {
            let mails: Vec<String> = (0..20).map(|n| format!("\"person-{call}-{n}@example.org\"")).collect();
            exchange("/list", EMPTY, b"", &format!("[{}]", mails.join(",")))
        })
        .collect();
    #[expect(clippy::disallowed_methods, reason = "the bound is one of real time: it was quadratic")]
    let began = std::time::Instant::now();
    let profile = ProviderProfile::unknown("p");
    let redacted = redact(exchanges, &profile, &[]);
    let text = all_text(&redacted);
    assert!(Scan::new(&profile, &redacted.found).raw(&text).is_empty());
    assert_eq!(redacted.values.len(), 10_000);
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

fn committed() -> Vec<(PathBuf, Fixture, ProviderProfile)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut all = Vec::new();
    for folder in
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let profile = ProviderProfile::read(&folder.join("provider.yaml")).unwrap();
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("provider.yaml") {
                all.push((path.clone(), Fixture::read(&path).unwrap(), profile.clone()));
            }
        }
    }
    assert!(all.len() >= 5, "the committed fixtures are there");
    all
}

#[test]
fn the_committed_fixtures_hold_nothing_secret_and_redacting_them_changes_nothing() {
    for (path, fixture, profile) in committed() {
        let scan = Scan::new(&profile, &[]);
        assert_eq!(scan.fixture(&fixture), [], "{path:?}");
        assert_eq!(scan.raw(&std::fs::read_to_string(&path).unwrap()), [], "{path:?}");
        assert_eq!(redact(fixture.exchanges.clone(), &profile, &[]).exchanges, fixture.exchanges, "{path:?}");
    }
}

#[test]
fn the_scan_sees_each_field_decoded_and_exempts_field_by_field() {
    let (_, mut fixture, mut profile) = committed().remove(0);
    fixture.exchanges.truncate(1);
    profile.identifiers.fields = vec!["id".into()];
    let random = "q7Jx92KdLm3PzR8vTn0Ws";
    let mut whats = |target: &str, header: &str, json: String, known: &[KnownSecret]| -> Vec<String> {
        let mut one = exchange(target, EMPTY, b"", &json);
        one.request.headers.append("x-note", HeaderValue::Text(header.into()));
        fixture.exchanges = vec![one];
        Scan::new(&profile, known)
            .fixture(&fixture)
            .into_iter()
            .map(|found| found.field.unwrap_or_default())
            .collect()
    };
    assert_eq!(whats("/", "", format!(r#"{{"id":"{random}","a":1}}"#), &[]), [""; 0]);
    assert_eq!(whats("/", "", format!(r#"{{"id":"x","a":"{random}"}}"#), &[]), ["a"]);
    assert_eq!(whats("/", "", r#"{"a":"jo\u0040example.org"}"#.into(), &[]), ["a"]);
    assert_eq!(whats("/?q=jo%40example.org", "", "{}".into(), &[]), ["", "q"]);
    assert_eq!(whats("/", "to jo@example.org", "{}".into(), &[]), ["x-note"]);
    assert_eq!(whats("/", "", r#"{"userPassword":"x1"}"#.into(), &[]), ["userPassword"]);
    assert_eq!(whats("/", "", r#"{"userPassword":"«password:1»"}"#.into(), &[]), [""; 0]);
    assert_eq!(whats("/", "", r#"{"a":"{\"b\":\"jo\\u0040example.org\"}"}"#.into(), &[]), ["b"]);
    assert_eq!(whats("/", "", r#"{"a":"sunflower"}"#.into(), &named("sunflower")), ["a"]);
    assert_eq!(whats("/", "", r#"{"a":"opensesame-1 \u0026"}"#.into(), &named("sesame-1 &")), ["a"]);
}
