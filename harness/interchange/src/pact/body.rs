//! Bodies of Pact files: a JSON value under `body`, or from version 4 on an object with `content`.

use super::Version;
use crate::ImportError;
use crate::fields::{Fields, plain_text};
use crate::making::{body_of, decode_base64, json_body};
use crate::query::is_json;
use crate::source::Source;
use counterpart_exchange::{Body, Headers};

/// The body of a message, by the media type that it or its headers say.
pub(super) fn read(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    version: Version,
    headers: &Headers,
) -> Result<Body, ImportError> {
    let media_type = headers.text("content-type").map(str::to_owned);
    let Some(raw) = fields.raw("body") else { return Ok(Body::None) };
    if version < Version::V4 {
        return Ok(plain(raw, media_type.as_deref(), headers));
    }
    let mut body =
        fields.read_within(raw, "a body: an object with `content`, `contentType` and `encoded`")?;
    let media_type = body.text("contentType")?.or(media_type);
    body.pass_over(&["contentTypeHint"]);
    let encoded = body.raw("encoded").map(|raw| plain_text(raw).to_ascii_lowercase()).unwrap_or_default();
    let Some(content) = body.raw("content") else { return Ok(Body::None) };
    let given = body_media(headers, media_type.as_deref());
    match encoded.as_str() {
        "" | "false" if media_type.as_deref().is_some_and(is_json) => Ok(document(content)),
        "base64" => Ok(body_of(&decode_base64(source, content, &plain_text(content))?, &given)),
        // Under `true` nobody says which encoding, so it is taken for none.
        "" | "false" | "true" | "json" => Ok(body_of(plain_text(content).as_bytes(), &given)),
        _ => Err(body.refuse("`encoded` is not known; expected false, base64 or JSON")),
    }
}

/// The headers to judge a body by: where they say no media type, that which stands beside the body.
fn body_media(headers: &Headers, media_type: Option<&str>) -> Headers {
    let mut given = headers.clone();
    if let (None, Some(media_type)) = (headers.text("content-type"), media_type) {
        given.set("content-type", media_type);
    }
    given
}

/// A document under a JSON media type: a string is one too, but an empty one is none.
fn document(raw: &str) -> Body {
    if raw == "\"\"" { Body::None } else { json_body(raw) }
}

/// A body of versions 1 to 3: text, or a JSON value. Text under a JSON media type is the document itself where it is
/// one, else a JSON string.
fn plain(raw: &str, media_type: Option<&str>, headers: &Headers) -> Body {
    if !raw.starts_with('"') {
        return json_body(raw);
    }
    let text = plain_text(raw);
    let is_document = || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    if media_type.is_some_and(is_json) && !text.is_empty() && !is_document() {
        return json_body(raw);
    }
    body_of(text.as_bytes(), headers)
}
