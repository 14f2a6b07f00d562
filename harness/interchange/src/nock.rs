//! Recorded definitions of nock: a JSON list, as `nock.recorder` with `output_objects` and `nock.back` write it.
//!
//! A definition says nothing of time. Its body is text that nock has parsed where it was JSON, and hexadecimal digits
//! where it was no text; a compressed answer is a list of such pieces.

use crate::assembly::{Assembly, ForeignBody, ForeignExchange, ForeignMessage, Started};
use crate::polly::hex_bytes;
use crate::source::{At, Source};
use crate::{ImportError, Imported, json};
use counterpart_exchange::{Ended, HeaderValue};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::path::Path;

const EXPECTED: &str = "a list of definitions of nock: `[{\"scope\": ..., \"path\": ...}]`";
const EXPECTED_DEFINITION: &str = "a definition of nock: `scope`, `method`, `path`, `status`, `response`";

#[derive(Deserialize)]
struct Definition<'a> {
    #[serde(borrow)]
    scope: Cow<'a, str>,
    #[serde(default, borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(default, borrow)]
    body: Option<&'a RawValue>,
    #[serde(default)]
    status: Option<i64>,
    #[serde(default, borrow)]
    response: Option<&'a RawValue>,
    #[serde(default, rename = "responseIsBinary")]
    response_is_binary: bool,
    #[serde(default, rename = "rawHeaders", borrow)]
    raw_headers: Option<&'a RawValue>,
    #[serde(default, borrow)]
    headers: Option<&'a RawValue>,
    #[serde(default, borrow)]
    reqheaders: Option<&'a RawValue>,
    #[serde(default, rename = "badheaders")]
    bad_headers: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    options: Option<serde::de::IgnoredAny>,
}

/// Imports recorded definitions of nock.
///
/// # Errors
/// Where they are not, or one cannot be an exchange.
pub fn import_nock(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let definitions: Vec<&RawValue> = json::parse(source, text, EXPECTED)?;
    let mut assembly = Assembly::new(source);
    for raw in definitions {
        let definition: Definition<'_> = json::parse(source, raw.get(), EXPECTED_DEFINITION)?;
        let exchange = exchange_of(&mut assembly, source, json::at(source, raw), definition)?;
        assembly.push(exchange)?;
    }
    Ok(assembly.finish())
}

fn exchange_of(
    assembly: &mut Assembly<'_>,
    source: Source<'_>,
    at: At,
    definition: Definition<'_>,
) -> Result<ForeignExchange, ImportError> {
    if definition.bad_headers.is_some() || definition.options.is_some() {
        assembly.lose("`options` and `badheaders`: they say when the definition fits, not what happened");
    }
    let answer_headers = match (definition.raw_headers, definition.headers) {
        (Some(raw), _) | (None, Some(raw)) => fields_of(source, raw)?,
        (None, None) => Vec::new(),
    };
    let request_headers =
        definition.reqheaders.map_or_else(|| Ok(Vec::new()), |raw| fields_of(source, raw))?;
    let request_body = body_of(source, definition.body, spelling_of(&request_headers))?;
    let answer_spelling =
        if definition.response_is_binary { Spelling::Hex } else { spelling_of(&answer_headers) };
    let answer_body = body_of(source, definition.response, answer_spelling)?;
    let status = definition.status.unwrap_or(200);
    let url = format!("{}{}", definition.scope.trim_end_matches('/'), definition.path);
    Ok(ForeignExchange {
        at,
        method: definition.method.map_or_else(|| "GET".to_owned(), Cow::into_owned),
        url,
        request: ForeignMessage { headers: request_headers, body: request_body, media_type: None },
        response: Some((
            status,
            ForeignMessage { headers: answer_headers, body: answer_body, media_type: None },
        )),
        ended: Ended::Complete,
        started: Started::Unknown,
        latency_ms: 0,
    })
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    /// A JSON value stands for itself, a string for its text.
    Plain,
    /// As hexadecimal digits, where it is that; it may have been unpacked before.
    HexPerhaps,
    /// As hexadecimal digits.
    Hex,
}

fn spelling_of(headers: &[(String, HeaderValue)]) -> Spelling {
    let is_packed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    if is_packed { Spelling::HexPerhaps } else { Spelling::Plain }
}

fn body_of(
    source: Source<'_>,
    raw: Option<&RawValue>,
    spelling: Spelling,
) -> Result<ForeignBody, ImportError> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(ForeignBody::None) };
    if spelling != Spelling::Plain {
        if let Some(bytes) = hex_of(raw) {
            return Ok(ForeignBody::AsSent(bytes));
        }
        if spelling == Spelling::Hex {
            let problem =
                "a binary body that is not hexadecimal; expected hexadecimal digits, or a list of them";
            return Err(source.refuse(json::at(source, raw), problem));
        }
    }
    let text = raw.get();
    let bytes = if text.starts_with('"') {
        json::parse::<String>(source, text, "text")?.into_bytes()
    } else {
        text.as_bytes().to_vec()
    };
    Ok(ForeignBody::AsSent(bytes))
}

/// The bytes of hexadecimal digits, in one piece or several.
fn hex_of(raw: &RawValue) -> Option<Vec<u8>> {
    let parts = match serde_json::from_str::<Vec<String>>(raw.get()) {
        Ok(parts) => parts,
        Err(_) => vec![serde_json::from_str::<String>(raw.get()).ok()?],
    };
    Some(parts.iter().map(|part| hex_bytes(part)).collect::<Option<Vec<_>>>()?.concat())
}

/// Header fields: names and values by turns, or an object of values and lists of values.
fn fields_of(source: Source<'_>, raw: &RawValue) -> Result<Vec<(String, HeaderValue)>, ImportError> {
    let text = raw.get();
    if text == "null" {
        return Ok(Vec::new());
    }
    if text.starts_with('[') {
        let flat: Vec<String> = json::parse(source, text, "names and values of header fields by turns")?;
        let problem = "a name without a value; expected names and values of header fields by turns";
        let (pairs, []) = flat.as_chunks::<2>() else {
            return Err(source.refuse(json::at(source, raw), problem));
        };
        return Ok(pairs
            .iter()
            .map(|[name, value]| (name.clone(), HeaderValue::Text(value.clone())))
            .collect());
    }
    let fields: IndexMap<String, &RawValue> = json::parse(source, text, "header fields")?;
    let mut all = Vec::new();
    for (name, raw) in fields {
        let values: Vec<String> = match raw.get().as_bytes().first() {
            Some(b'"') => vec![json::parse(source, raw.get(), "a header value")?],
            Some(b'[') => json::parse(source, raw.get(), "a list of header values")?,
            Some(b'{' | b'n') => continue,
            _ => vec![raw.get().to_owned()],
        };
        all.extend(values.into_iter().map(|value| (name.clone(), HeaderValue::Text(value))));
    }
    Ok(all)
}
