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

fn multipart(parts: &[&str]) -> Exchange {
    let mut one = exchange("/", &[("content-type", "multipart/form-data; boundary=b")], b"", "{}");
    one.request.body =
        Body::Text(parts.iter().map(|part| format!("--b\r\n{part}\r\n")).collect::<String>() + "--b--\r\n");
    one
}

#[test]
fn multipart_bodies_are_taken_apart() {
    let one = multipart(&[
        "Content-Disposition: form-data; name=\"password\"\r\n\r\nx1",
        "Content-Disposition: form-data; name=\"note\"\r\n\r\nto jo@example.org",
        "Content-Disposition: form-data; name=\"f\"; filename=\"jo@example.org.txt\"\r\n\r\npin=1",
        "Content-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n{\"accessToken\": \"x2\"}",
    ]);
    let redacted = redact(vec![one], &ProviderProfile::unknown("p"), &[]);
    let Body::Text(text) = &redacted.exchanges[0].request.body else { panic!("no longer text") };
    for expected in [
        "name=\"password\"\r\n\r\n«password:1»\r\n",
        "to «email:1»",
        "filename=\"«email:",
        "{\"accessToken\": \"«access_token:1»\"}",
        "pin=1\r\n",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
}

#[test]
fn a_multipart_body_that_is_not_text_and_holds_a_secret_is_not_kept() {
    let mut one = multipart(&["Content-Disposition: form-data; name=\"password\"\r\n\r\nx1"]);
    let mut bytes = one.request.body.to_bytes();
    bytes.splice(0..0, *b"\xff\r\n");
    one.request.body = Body::Binary(bytes);
    let redacted = redact(vec![one], &ProviderProfile::unknown("p"), &[]);
    assert!(matches!(redacted.exchanges[0].request.body, Body::Omitted { .. }));
}

fn jwt(claims: &str) -> String {
    use base64::Engine;
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256","kid":"k1"}"#),
        part(claims),
        part("a signature of 32 bytes or more..")
    )
}

#[test]
fn a_token_keeps_its_claims_without_what_is_secret_in_them() {
    let token =
        jwt(r#"{"sub":"7","email":"jo@example.org","name":"Jo Doe","scope":"read","nonce_secret":"x1"}"#);
    let redacted = redact(
        vec![exchange(
            "/",
            &[("authorization", &format!("Bearer {token}"))],
            b"",
            r#"{"who":"jo@example.org"}"#,
        )],
        &ProviderProfile::unknown("p"),
        &[],
    );
    let (placeholder, value) = redacted.values.iter().find(|(_, value)| value.jwt.is_some()).unwrap();
    assert_eq!(placeholder.to_string(), "«access_token:1»");
    let jwt = value.jwt.as_ref().unwrap();
    assert_eq!(jwt.header, r#"{"alg":"RS256","kid":"k1"}"#);
    assert_eq!(
        jwt.claims,
        r#"{"sub":"7","email":"«email:1»","name":"«name:1»","scope":"read","nonce_secret":"«nonce_secret:1»"}"#
    );
    let kept: Vec<String> = redacted.values.keys().map(ToString::to_string).collect();
    assert_eq!(kept, ["«access_token:1»", "«email:1»", "«name:1»", "«nonce_secret:1»"]);
}

#[test]
fn parts_of_credentials_are_played_as_they_were_made() {
    use base64::Engine;
    let token = jwt(r#"{"sub":"7","email":"jo@example.org"}"#);
    let redacted = redact(
        vec![
            exchange(
                "/",
                &[("authorization", "Basic am86cGFzc3dvcmQtMQ==")],
                b"",
                r#"{"again":"password-1"}"#,
            ),
            exchange("/", &[("authorization", &format!("Bearer {token}"))], b"", "{}"),
        ],
        &ProviderProfile::unknown("p"),
        &[],
    );
    let (_, mut fixture, _) = committed().remove(0);
    (fixture.exchanges, fixture.redacted) = (redacted.exchanges, redacted.values);
    let values = crate::StandInValues::of(&fixture);
    let of = |text: &str| values.get(&text.parse().unwrap()).unwrap().to_owned();
    let basic = base64::engine::general_purpose::STANDARD.decode(of("«basic:1»")).unwrap();
    assert_eq!(String::from_utf8(basic).unwrap(), format!("user-1:{}", of("«password:1»")));
    let played = of("«access_token:1»");
    let parts: Vec<Vec<u8>> = played
        .split('.')
        .map(|part| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    assert_eq!(parts[0], br#"{"alg":"HS256","kid":"k1"}"#);
    assert_eq!(parts[1], br#"{"sub":"7","email":"person-1@example.invalid"}"#);
    assert_eq!(parts[2].len(), 32);
    assert_eq!(played, crate::StandInValues::of(&fixture).get(&"«access_token:1»".parse().unwrap()).unwrap());
}

#[test]
fn what_follows_an_unquoted_colon_is_secret_where_it_is_no_word() {
    for (given, expected) in [
        (
            r#"{"error":"wrong password: hunter2, try again"}"#,
            r#"{"error":"wrong password: «password:1», try again"}"#,
        ),
        (r#"{"log":"Authorization: Bearer ab12cd"}"#, r#"{"log":"Authorization: Bearer «authorization:1»"}"#),
        (r#"{"error":"invalid token: expired"}"#, r#"{"error":"invalid token: expired"}"#),
    ] {
        assert_eq!(answer(given), expected);
    }
}

#[test]
fn people_are_told_from_ids() {
    for (given, expected) in [
        (r#"{"phone":"030 901820","id":"030901820"}"#, r#"{"phone":"«phone:1»","id":"030901820"}"#),
        (r#"{"mobile":4915112345678,"n":4915112345679}"#, r#"{"mobile":"«phone:1»","n":4915112345679}"#),
        (r#"{"text":"call +49 30 901820 now"}"#, r#"{"text":"call «phone:1» now"}"#),
        (
            r#"{"pan":"4000056655665556","order_id":"4000056655665556"}"#,
            r#"{"pan":"«card_number:1»","order_id":"«card_number:1»"}"#,
        ),
        (r#"{"order_id":"4000056655665556"}"#, r#"{"order_id":"4000056655665556"}"#),
        (r#"{"to":"DE89370400440532013000"}"#, r#"{"to":"«iban:1»"}"#),
    ] {
        assert_eq!(answer(given), expected, "{given}");
    }
}

#[test]
fn ids_stay_and_tokens_go() {
    let sha = "5f4dcc3b5aa765d61d8327deb882cf99aa765d61";
    let redacted = redacted(
        &format!("/commits/{sha}"),
        EMPTY,
        "",
        &format!(
            r#"{{"sha":"{sha}","payment_intent":"pi_3MtwBwLkdIwHu7ix28a3tqPa","note":"q7Jx92KdLm3PzR8vTn0Ws"}}"#
        ),
        &[],
    );
    let text = all_text(&redacted);
    assert!(text.starts_with(&format!("/commits/{sha}\n")), "{text}");
    assert!(text.contains("pi_3Mtw") && text.contains("\"note\":\"«token:1»\""), "{text}");
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
