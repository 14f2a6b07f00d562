//! What a body is by its media type. Inference and check must see a body alike.

use counterpart_exchange::{Body, Headers, RequestTarget};
use serde_json::Value;

/// A body as its media type asks for it to be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// A JSON document.
    Json(Value),
    /// Form fields, decoded, in order.
    Form(Vec<(String, String)>),
    /// Text.
    Text(String),
    /// The media type promises a form that the body does not have; how that shows.
    Broken(&'static str),
    /// No schema can judge it: binary, multipart, XML, or not kept.
    Opaque,
}

/// The media type of a body without its parameters, lower case; by the body's own form where no
/// header field tells.
pub(crate) fn media_type_of(headers: &Headers, body: &Body) -> String {
    match headers.text("content-type").map(essence) {
        Some(told) if told.contains('/') => told,
        _ => match body {
            Body::Json(_) => "application/json",
            Body::Form(_) => "application/x-www-form-urlencoded",
            Body::Text(_) => "text/plain",
            Body::None | Body::Binary(_) | Body::Omitted { .. } => "application/octet-stream",
        }
        .to_owned(),
    }
}

/// A media type without its parameters, lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a body as its media type asks.
pub(crate) fn content_of(media_type: &str, body: &Body) -> Content {
    let text = match body {
        Body::None | Body::Omitted { .. } => return Content::Opaque,
        Body::Binary(_) => None,
        Body::Json(json) => Some(json.as_str().to_owned()),
        Body::Text(text) => Some(text.clone()),
        Body::Form(fields) if is_form(media_type) => return Content::Form(fields.clone()),
        Body::Form(_) => String::from_utf8(body.to_bytes()).ok(),
    };
    if is_json(media_type) {
        // Not by way of `JsonText::to_value`: a document beyond the parser's depth must not become null.
        return match text.map(|text| serde_json::from_str(&text)) {
            Some(Ok(value)) => Content::Json(value),
            Some(Err(error)) if error.is_syntax() && matches!(body, Body::Json(_)) => {
                Content::Broken("JSON that is too deep or has a number too large to read")
            }
            _ => Content::Broken("something that is not JSON"),
        };
    }
    match text {
        Some(text) if is_form(media_type) => {
            Content::Form(RequestTarget { path: "", query: Some(&text) }.query_fields())
        }
        None if is_form(media_type) => Content::Broken("bytes that are not a form"),
        Some(text) if is_text(media_type) => Content::Text(text),
        None if is_text(media_type) => Content::Broken("bytes that are not UTF-8 text"),
        _ => Content::Opaque,
    }
}

fn is_json(media_type: &str) -> bool {
    media_type.ends_with("/json") || media_type.ends_with("+json")
}

fn is_form(media_type: &str) -> bool {
    media_type == "application/x-www-form-urlencoded"
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") && !media_type.ends_with("xml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_media_type_decides_how_a_body_is_read() {
        let read = |media_type: &str, text: &str| {
            content_of(media_type, &Body::from_bytes(text.as_bytes(), Some(media_type)))
        };
        assert_eq!(read("application/problem+json", "{\"a\":1}"), Content::Json(json!({"a": 1})));
        assert_eq!(read("application/json", "oops"), Content::Broken("something that is not JSON"));
        assert_eq!(read("text/plain", "[1]"), Content::Text("[1]".into()));
        assert_eq!(
            read("application/x-www-form-urlencoded", "a=%2f&b"),
            Content::Form(vec![("a".into(), "/".into()), ("b".into(), String::new())])
        );
        assert_eq!(read("application/xml", "<a/>"), Content::Opaque);
        assert_eq!(content_of("application/json", &Body::Omitted { size_bytes: 9 }), Content::Opaque);
    }

    #[test]
    fn json_beyond_the_parser_is_broken_and_not_null() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for text in [deep.as_str(), "[1e999]"] {
            let body = Body::from_bytes(text.as_bytes(), Some("application/json"));
            assert!(matches!(body, Body::Json(_)));
            assert!(matches!(content_of("application/json", &body), Content::Broken(_)), "{text:.20}");
        }
    }

    #[test]
    fn without_a_header_the_body_tells_its_media_type() {
        let mut headers = Headers::default();
        assert_eq!(media_type_of(&headers, &Body::from_bytes(b"{}", None)), "application/json");
        headers.set("content-type", "Text/HTML; charset=utf-8");
        assert_eq!(media_type_of(&headers, &Body::Text("x".into())), "text/html");
    }
}
