//! The body of a message, in the richest form that gives back the same content.
//!
//! JSON loses its insignificant whitespace and nothing else; every other form keeps every byte.

use crate::JsonText;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// A message body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// No body.
    #[default]
    None,
    /// A JSON document, whatever its media type says.
    Json(JsonText),
    /// `application/x-www-form-urlencoded` whose fields, encoded again, give the same bytes.
    Form(Vec<(String, String)>),
    /// Other text.
    Text(String),
    /// Anything else.
    Binary(Vec<u8>),
    /// A body that was passed on but not kept.
    Omitted {
        /// How large it was.
        size_bytes: u64,
    },
}

/// What form encoding leaves as it is (WHATWG URL, `application/x-www-form-urlencoded` percent-encode set).
const FORM_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

impl Body {
    /// Chooses the form for bytes of a media type.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], media_type: Option<&str>) -> Self {
        if bytes.is_empty() {
            return Self::None;
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Binary(bytes.to_vec()) };
        let essence =
            media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let looks_structured = text.trim_start().starts_with(['{', '[']);
        if (essence.ends_with("json") || looks_structured)
            && let Ok(json) = JsonText::parse(text)
        {
            return Self::Json(json);
        }
        if essence == "application/x-www-form-urlencoded"
            && let Some(fields) = parse_form(text)
        {
            return Self::Form(fields);
        }
        Self::Text(text.to_owned())
    }

    /// The bytes to send. An omitted body has none.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::None | Self::Omitted { .. } => Vec::new(),
            Self::Json(json) => json.as_str().as_bytes().to_vec(),
            Self::Form(fields) => encode_form(fields).into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Binary(bytes) => bytes.clone(),
        }
    }

    /// The same, without a copy where there need be none.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Json(json) => json.into_string().into_bytes(),
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
            other => other.to_bytes(),
        }
    }

    /// The JSON document, where the body is one.
    #[must_use]
    pub fn json(&self) -> Option<&JsonText> {
        match self {
            Self::Json(json) => Some(json),
            _ => None,
        }
    }
}

fn encode_form(fields: &[(String, String)]) -> String {
    let encode = |part: &str| percent_encode(part.as_bytes(), FORM_SET).to_string().replace("%20", "+");
    fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The fields of a form, or nothing where encoding them again would give other bytes.
fn parse_form(text: &str) -> Option<Vec<(String, String)>> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    let fields = text
        .split('&')
        .map(|pair| pair.split_once('=').and_then(|(name, value)| Some((decode(name)?, decode(value)?))))
        .collect::<Option<Vec<_>>>()?;
    (encode_form(&fields) == text).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_richest_form_that_keeps_the_content_is_chosen() {
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(Body::from_bytes(b"", form), Body::None);
        assert!(matches!(Body::from_bytes(b"{\"a\": 1}", None), Body::Json(_)));
        assert!(matches!(Body::from_bytes(b"{\"a\": ", Some("application/json")), Body::Text(_)));
        assert_eq!(
            Body::from_bytes(b"a=1+2&b=%26", form),
            Body::Form(vec![("a".into(), "1 2".into()), ("b".into(), "&".into())])
        );
        assert!(matches!(Body::from_bytes(b"a=%2f", form), Body::Text(_)), "lower-case escapes would change");
        assert!(matches!(Body::from_bytes(b"\xff\x00", None), Body::Binary(_)));
    }

    #[test]
    fn bytes_come_back() {
        for (bytes, media_type) in [
            ("a=1+2&b=%26", "application/x-www-form-urlencoded"),
            ("plain", "text/plain"),
            ("[1]", "application/json"),
        ] {
            assert_eq!(Body::from_bytes(bytes.as_bytes(), Some(media_type)).to_bytes(), bytes.as_bytes());
        }
    }
}
