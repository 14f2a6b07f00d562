//! What redaction cannot look into is made visible to it, or left out of the recording.
//!
//! Redaction finds secrets by place only where it can read the structure: JSON, forms, query fields, known
//! headers. A body cut short, a form with unusual escapes, XML or multipart would keep a short password. So
//! a body without such structure that names the field of a secret is omitted, a header field that is not
//! UTF-8 and would hold one becomes text, and text that happens to read like a placeholder is written so
//! that it does not: nothing on the wire is a placeholder yet. Which names are secret is never repeated
//! here: redaction itself is asked, with a request made for the question.

use crate::redaction::{KnownSecret, Redacted, multipart, redact};
use crate::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, JsonText, ProviderProfile, Request,
    RequestTarget, find_placeholders,
};
use std::collections::BTreeSet;

/// Changes what could hide a secret: bodies to omitted ones, header bytes to text.
pub(super) fn make_searchable(exchanges: &mut [Exchange], profile: &ProviderProfile) {
    for exchange in exchanges {
        mark_literal(&mut exchange.request.target);
        let messages = std::iter::once((&mut exchange.request.headers, &mut exchange.request.body))
            .chain(exchange.response.iter_mut().map(|response| (&mut response.headers, &mut response.body)));
        for (headers, body) in messages {
            for (name, value) in headers.iter_mut() {
                show_header(name, value, profile);
                if let HeaderValue::Text(text) = value {
                    mark_literal(text);
                }
            }
            mark_literals(body);
            let bytes = match body {
                Body::Text(text) => text.as_bytes(),
                Body::Binary(bytes) => bytes.as_slice(),
                Body::None | Body::Json(_) | Body::Form(_) | Body::Omitted { .. } => continue,
            };
            if hides_a_secret(bytes, headers.text("content-type").unwrap_or_default(), profile) {
                *body = Body::Omitted { size_bytes: bytes.len() as u64 };
            }
        }
    }
}

/// Whether a body without a structure that redaction reads names a secret. Of a multipart body that is whole, only parts
/// of several lines are such bodies: of the others redaction knows name and value.
fn hides_a_secret(bytes: &[u8], media_type: &str, profile: &ProviderProfile) -> bool {
    let parts = multipart::boundary(media_type).and_then(|boundary| multipart::parts(bytes, &boundary));
    let Some(parts) = parts else { return names_a_secret(&String::from_utf8_lossy(bytes), profile) };
    parts.into_iter().any(|part| {
        let head = String::from_utf8_lossy(&bytes[part.head]);
        let content = &bytes[part.content];
        let media_type = multipart::header(&head, "content-type");
        let body = Body::from_bytes(content, media_type);
        let is_plain = matches!(body, Body::None | Body::Json(_) | Body::Form(_));
        !is_plain
            && content.contains(&b'\n')
            && hides_a_secret(content, media_type.unwrap_or_default(), profile)
    })
}

/// A request's path, fit for a log line: no query, no secret that redaction knows.
#[must_use]
pub fn path_for_log(target: &str, profile: &ProviderProfile, known: &[KnownSecret]) -> String {
    let asked = redact(vec![question(RequestTarget::of(target).path)], profile, known);
    asked.exchanges.into_iter().next().map(|exchange| exchange.request.target).unwrap_or_default()
}

fn mark_literals(body: &mut Body) {
    match body {
        Body::Json(json) => {
            let mut text = json.as_str().to_owned();
            mark_literal(&mut text);
            // What is put in needs no escape, so this stays a document.
            if let Ok(marked) = JsonText::parse(&text) {
                *json = marked;
            }
        }
        Body::Form(fields) => fields.iter_mut().for_each(|(_, value)| mark_literal(value)),
        Body::Text(text) => mark_literal(text),
        Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
    }
}

/// Changes `«token:1»` to `«literal:token:1»`, which no reader takes for a placeholder.
fn mark_literal(text: &mut String) {
    for (range, _) in find_placeholders(text).into_iter().rev() {
        text.insert_str(range.start + '«'.len_utf8(), "literal:");
    }
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
    fn live_text_never_reads_like_a_placeholder() {
        let profile = ProviderProfile::unknown("p");
        let mut one = question("/«token:1»");
        one.request.headers.append("x-note", HeaderValue::Text("«email:2» and «quoted»".into()));
        one.request.body = Body::from_bytes("{\"a\":\"«token:1»\"}".as_bytes(), Some("application/json"));
        let mut all = [one];
        make_searchable(&mut all, &profile);
        let [one] = all;
        assert_eq!(one.request.target, "/«literal:token:1»");
        assert_eq!(one.request.headers.text("x-note"), Some("«literal:email:2» and «quoted»"));
        assert_eq!(one.request.body.to_bytes(), "{\"a\":\"«literal:token:1»\"}".as_bytes());
    }

    #[test]
    fn a_logged_path_has_neither_query_nor_secret() {
        let known = [KnownSecret { kind: "token".into(), value: "bot-secret".into() }];
        let path = path_for_log("/bot-secret/send?text=hi", &ProviderProfile::unknown("p"), &known);
        assert_eq!(path, "/«token:1»/send");
    }
}
