//! What redaction cannot look into is made visible to it, or left out of the recording.
//!
//! Redaction finds secrets by place only where it can read the structure: JSON, forms, query fields, known
//! headers. A body cut short, a form with unusual escapes, XML or multipart would keep a short password. So
//! a body without such structure that names the field of a secret is omitted, a header field that is not
//! UTF-8 and would hold one becomes text, and the queries of links in header fields are searched. Which
//! names are secret is never repeated here: redaction itself is asked, with a request made for the question.

use counterpart_exchange::redaction::{KnownSecret, Redacted, redact};
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, ProviderProfile, Request,
    RequestTarget,
};
use std::collections::BTreeSet;

/// Changes what could hide a secret: bodies to omitted ones, header bytes to text.
pub(crate) fn make_searchable(exchanges: &mut [Exchange], profile: &ProviderProfile) {
    for exchange in exchanges {
        let messages = std::iter::once((&mut exchange.request.headers, &mut exchange.request.body))
            .chain(exchange.response.iter_mut().map(|response| (&mut response.headers, &mut response.body)));
        for (headers, body) in messages {
            for (name, value) in headers.iter_mut() {
                show_header(name, value, profile);
            }
            let bytes = match body {
                Body::Text(text) => text.as_bytes(),
                Body::Binary(bytes) => bytes.as_slice(),
                Body::None | Body::Json(_) | Body::Form(_) | Body::Omitted { .. } => continue,
            };
            if names_a_secret(&String::from_utf8_lossy(bytes), profile) {
                *body = Body::Omitted { size_bytes: bytes.len() as u64 };
            }
        }
    }
}

/// The secrets in the queries and fragments of links that stand in header fields, as in a `Location` that
/// hands out an authorization code.
pub(crate) fn secrets_in_links(exchanges: &[Exchange], profile: &ProviderProfile) -> Vec<KnownSecret> {
    let mut queries = BTreeSet::new();
    for exchange in exchanges {
        let all = std::iter::once(&exchange.request.headers)
            .chain(exchange.response.iter().map(|response| &response.headers));
        for (_, values) in all.flat_map(Headers::iter) {
            for text in values.iter().filter_map(HeaderValue::as_text) {
                let links = text.split([' ', ',', ';', '<', '>', '"']);
                let query =
                    |link: &str| link.split_once(['?', '#']).map(|(_, query)| query.replace('#', "&"));
                queries.extend(links.filter_map(query).filter(|query| query.contains('=')));
            }
        }
    }
    let questions = queries.into_iter().map(|query| question(&format!("/?{query}"))).collect();
    redact(questions, profile, &[]).found
}

/// A request's path, fit for a log line: no query, no secret that redaction knows.
pub(crate) fn path_for_log(target: &str, profile: &ProviderProfile, known: &[KnownSecret]) -> String {
    let asked = redact(vec![question(RequestTarget::of(target).path)], profile, known);
    asked.exchanges.into_iter().next().map(|exchange| exchange.request.target).unwrap_or_default()
}

fn show_header(name: &str, value: &mut HeaderValue, profile: &ProviderProfile) {
    if let HeaderValue::Bytes(bytes) = value {
        let text = HeaderValue::Text(String::from_utf8_lossy(bytes).into_owned());
        let mut asked = question("/");
        asked.request.headers.append(name, text.clone());
        if finds_any(&redact(vec![asked], profile, &[])) {
            *value = text;
        }
    }
}

/// Whether a word that stands where keys stand (before `=`, `:`, `>`, or a quote) is the name of a secret.
fn names_a_secret(text: &str, profile: &ProviderProfile) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut words = BTreeSet::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        let from = &rest[start..];
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        let stands_as_key = after.starts_with(['=', ':', '>', '"', '\'', '\\', ']'])
            || after.trim_start().starts_with(['=', ':']);
        if stands_as_key && word.len() <= 64 {
            words.insert(word);
        }
        rest = after;
    }
    let mut asked = question("/");
    asked.request.body = Body::Form(words.iter().map(|word| ((*word).to_owned(), "x".to_owned())).collect());
    finds_any(&redact(vec![asked], profile, &[]))
}

fn finds_any(redacted: &Redacted) -> bool {
    !redacted.found.is_empty()
}

fn question(target: &str) -> Exchange {
    Exchange {
        id: ExchangeId::from(""),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: Headers::default(),
            body: Body::None,
        },
        response: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> bool {
        names_a_secret(text, &ProviderProfile::unknown("p"))
    }

    #[test]
    fn a_secret_is_named_in_any_notation() {
        for text in [
            r#"{"user":"jo","password":"pw","x"#,
            "user=jo&password=p%2fw",
            "<login><password>pw</password></login>",
            "<x password = 'pw'/>",
            "--b\r\ncontent-disposition: form-data; name=\"client_secret\"\r\n\r\npw\r\n",
            "x: 1\ntoken: pw",
        ] {
            assert!(names(text), "{text}");
        }
        for text in ["your password was changed", "tokens: 3", "{\"half\":\"a doc", "", "é=ü"] {
            assert!(!names(text), "{text}");
        }
    }

    #[test]
    fn the_profile_says_what_else_is_secret() {
        let mut profile = ProviderProfile::unknown("p");
        assert!(!names_a_secret("pin=1234", &profile));
        profile.secrets.fields = vec!["pin".into()];
        assert!(names_a_secret("pin=1234", &profile));
    }

    #[test]
    fn bodies_and_bytes_that_could_hide_a_secret_are_changed_and_others_are_not() {
        let profile = ProviderProfile::unknown("p");
        let mut all = [question("/"), question("/")];
        all[0].request.body = Body::Text("password=p%2fw".into());
        all[0].request.headers.append("cookie", HeaderValue::from_bytes(b"sid=caf\xe9"));
        all[1].request.body = Body::Text("hello".into());
        all[1].request.headers.append("x-name", HeaderValue::from_bytes(b"caf\xe9"));
        let kept = all[1].clone();
        make_searchable(&mut all, &profile);
        assert_eq!(all[0].request.body, Body::Omitted { size_bytes: 14 });
        assert_eq!(all[0].request.headers.text("cookie"), Some("sid=caf\u{fffd}"));
        assert_eq!(all[1], kept);
    }

    #[test]
    fn links_in_headers_give_their_secrets() {
        let profile = ProviderProfile::unknown("p");
        let mut one = question("/");
        let link = "https://app.example/back?code=aB3dE5fG7hI9jK1lM3nO5&lang=de#access_token=short-one";
        one.request.headers.append("location", HeaderValue::Text(link.into()));
        let found: Vec<_> = secrets_in_links(&[one], &profile).into_iter().map(|one| one.value).collect();
        assert_eq!(found, ["short-one", "aB3dE5fG7hI9jK1lM3nO5"]);
    }

    #[test]
    fn a_logged_path_has_neither_query_nor_secret() {
        let known = [KnownSecret { kind: "token".into(), value: "bot-secret".into() }];
        let path = path_for_log("/bot-secret/send?text=hi", &ProviderProfile::unknown("p"), &known);
        assert_eq!(path, "/«token:1»/send");
    }
}
