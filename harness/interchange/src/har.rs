//! HAR 1.2 (`log.entries`), as browsers and proxies write it.
//!
//! A HAR tells of pages and of a browser too; what is of an exchange is taken over. The recording began when its first
//! page or its first request did, whichever is earlier. Bodies of answers are unpacked in a HAR, whatever their header
//! fields say.

use crate::assembly::{Assembly, ForeignBody, ForeignExchange, ForeignMessage, Started};
use crate::extras::Extras;
use crate::json;
use crate::source::Source;
use crate::url::{ForeignUrl, UrlProblem};
use crate::{ImportError, Imported};
use base64::Engine;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, Request, Response,
};
use jiff::Timestamp;
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::path::Path;

const EXPECTED: &str = "a HAR file: an object with `log.entries`";
const EXPECTED_ENTRY: &str = "an entry of a HAR: `request`, `response`, `startedDateTime`, `time`";

#[derive(Deserialize)]
pub(crate) struct HarFile<'a> {
    #[serde(borrow)]
    pub(crate) log: Log<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log<'a> {
    #[serde(default, borrow)]
    pages: Option<Vec<PageStart<'a>>>,
    #[serde(borrow)]
    pub(crate) entries: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageStart<'a> {
    #[serde(default, borrow)]
    started_date_time: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry<'a> {
    #[serde(default, borrow)]
    started_date_time: Option<Cow<'a, str>>,
    #[serde(default)]
    time: Option<f64>,
    #[serde(borrow)]
    request: HarRequest<'a>,
    #[serde(default, borrow)]
    response: Option<HarResponse<'a>>,
    #[serde(default, rename = "_webSocketMessages")]
    web_socket_messages: Option<Vec<IgnoredAny>>,
    #[serde(default, rename = "_fromCache", borrow)]
    from_cache: Option<&'a RawValue>,
    /// What our own exporter wrote.
    #[serde(default, rename = "_counterpart")]
    extras: Option<Extras>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default, borrow)]
    headers: Option<Vec<NameValue<'a>>>,
    #[serde(default, borrow)]
    query_string: Option<Vec<NameValue<'a>>>,
    #[serde(default, borrow)]
    cookies: Option<Vec<NameValue<'a>>>,
    #[serde(default, borrow)]
    post_data: Option<PostData<'a>>,
    #[serde(default, deserialize_with = "whole_number")]
    body_size: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse<'a> {
    #[serde(default)]
    status: i64,
    #[serde(default, borrow)]
    headers: Option<Vec<NameValue<'a>>>,
    #[serde(default, borrow)]
    cookies: Option<Vec<NameValue<'a>>>,
    #[serde(default, borrow)]
    content: Option<Content<'a>>,
    #[serde(default, rename = "_error", borrow)]
    error: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NameValue<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "text_or_number")]
    value: Option<Cow<'a, str>>,
}

/// A value as text. Polly.js writes numbers where a client gave it numbers.
fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    struct Spelling;

    impl<'de> Visitor<'de> for Spelling {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a string")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok(Some(value.to_string().into()))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string().into()))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string().into()))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string().into()))
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(text.into()))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(text.to_owned().into()))
        }
    }

    deserializer.deserialize_any(Spelling)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'a> {
    #[serde(default, borrow)]
    mime_type: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    encoding: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    params: Option<Vec<NameValue<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(default, deserialize_with = "whole_number")]
    size: Option<i64>,
    #[serde(default, borrow)]
    mime_type: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    encoding: Option<Cow<'a, str>>,
    #[serde(default, rename = "_isBinary")]
    is_binary: Option<bool>,
}

/// A size. Some write `12.0`.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(|number| number as i64))
}

/// Who wrote a HAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// A browser, a proxy, a client.
    Har,
    /// Polly.js: bodies are as sent, in pieces where they are compressed; `size` is the `Content-Length`.
    Polly,
}

/// Imports a HAR.
///
/// # Errors
/// Where it is not one, or an entry cannot be an exchange.
pub fn import_har(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let file: HarFile<'_> = json::parse(source, text, EXPECTED)?;
    read_entries(source, &file.log, Dialect::Har)
}

/// The exchanges of a log, in the order of their requests.
pub(crate) fn read_entries(
    source: Source<'_>,
    log: &Log<'_>,
    dialect: Dialect,
) -> Result<Imported, ImportError> {
    let mut assembly = Assembly::new(source);
    let mut is_all_ours = true;
    for page in log.pages.iter().flatten() {
        if let Started::At(at) = started_at(page.started_date_time.as_deref()) {
            assembly.began(at);
        }
    }
    for raw in &log.entries {
        let at = json::at(source, raw);
        let entry: Entry<'_> = json::parse(source, raw.get(), EXPECTED_ENTRY)?;
        if ForeignUrl::parse(&entry.request.url) == Err(UrlProblem::OtherScheme) {
            assembly.leave_out(at, "the entry: it did not go over HTTP")?;
            continue;
        }
        is_all_ours &= entry.extras.is_some();
        if entry.extras.is_some() {
            let exchange = written(entry).map_err(|problem| source.refuse(at, problem))?;
            assembly.push_written(at, exchange)?;
        } else {
            let exchange = exchange_of(&mut assembly, at, entry, dialect);
            assembly.push(exchange)?;
        }
    }
    // What we wrote is in the order in which it was kept.
    Ok(if is_all_ours { assembly.finish() } else { assembly.finish_by_time() })
}

/// An entry of our own exporter's, word for word, with what it wrote beside.
fn written(entry: Entry<'_>) -> Result<Exchange, String> {
    let Entry { request, response, extras, .. } = entry;
    let url = ForeignUrl::parse(&request.url).map_err(|problem| format!("the URL {problem}"))?;
    let of_side =
        |headers: Option<Vec<NameValue<'_>>>, text: Option<Cow<'_, str>>, encoding: Option<&str>| {
            let mut kept = Headers::default();
            for (name, value) in header_fields(headers) {
                kept.append(&name, value);
            }
            let bytes =
                decoded(text.as_deref().unwrap_or_default(), encoding).ok_or("a body that is not base64")?;
            let body = Body::from_bytes(&bytes, kept.text("content-type"));
            Ok::<_, String>((kept, body))
        };
    let (headers, body) = of_side(request.headers, request.post_data.and_then(|data| data.text), None)?;
    let request = Request { method: request.method.into_owned(), target: url.target, headers, body };
    let response = response
        .filter(|response| response.status != 0)
        .map(|response| {
            let content = response.content;
            let encoding = content.as_ref().and_then(|content| content.encoding.clone());
            let text = content.and_then(|content| content.text);
            let (headers, body) = of_side(response.headers, text, encoding.as_deref())?;
            Ok::<_, String>(Response {
                status: u16::try_from(response.status).unwrap_or(u16::MAX),
                headers,
                body,
            })
        })
        .transpose()?;
    let mut exchange = Exchange {
        id: ExchangeId::from(""),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request,
        response,
    };
    match extras {
        Some(extras) => extras.add_to(&mut exchange).map(|()| exchange),
        None => Ok(exchange),
    }
}

fn exchange_of(
    assembly: &mut Assembly<'_>,
    at: crate::source::At,
    entry: Entry<'_>,
    dialect: Dialect,
) -> ForeignExchange {
    let Entry { request, response, .. } = entry;
    if entry.web_socket_messages.is_some_and(|messages| !messages.is_empty()) {
        assembly.lose("the messages of the WebSocket");
    }
    if entry.from_cache.is_some() {
        assembly.warn("an answer came out of the browser's cache");
    }
    let started = started_at(entry.started_date_time.as_deref());
    if started == Started::Unknown {
        assembly.warn("`startedDateTime` is missing or damaged, so the time of a request is not known");
    }
    let error = response.as_ref().and_then(|response| response.error.as_deref()).unwrap_or_default();
    let ended = ended_as(response.as_ref().map_or(0, |response| response.status), error);
    let is_bodiless = request.method.eq_ignore_ascii_case("HEAD");
    let url = url_of(&request);
    ForeignExchange {
        at,
        method: request.method.clone().into_owned(),
        url,
        request: request_message(assembly, request),
        response: response
            .filter(|response| response.status != 0)
            .map(|response| (response.status, response_message(assembly, response, is_bodiless, dialect))),
        ended,
        started,
        // Browsers write fractions, and -1 for what they do not know.
        latency_ms: entry.time.filter(|time| *time > 0.0).map_or(0, |time| time.round() as u64),
    }
}

fn started_at(text: Option<&str>) -> Started {
    let Some(text) = text else { return Started::Unknown };
    let zoned = text.parse::<Timestamp>();
    // Some leave the zone out.
    zoned.or_else(|_| format!("{text}Z").parse()).map_or(Started::Unknown, Started::At)
}

/// How an entry ended. Chrome names its reason; others leave the status at 0.
fn ended_as(status: i64, error: &str) -> Ended {
    let is_of = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if status != 0 {
        return if is_of(&["INCOMPLETE", "MISMATCH", "RESET", "CLOSED", "HTTP2_PROTOCOL", "QUIC_PROTOCOL"]) {
            Ended::AnswerCutShort
        } else {
            Ended::Complete
        };
    }
    if is_of(&["RESET", "CLOSED", "EMPTY_RESPONSE", "INCOMPLETE", "INVALID_RESPONSE", "PROTOCOL_ERROR"]) {
        Ended::AnswerCutShort
    } else if error.is_empty() || is_of(&["ABORTED", "BLOCKED"]) {
        Ended::ClientWentAway
    } else {
        Ended::Unreachable
    }
}

/// The URL; with the query that stands beside it where it has none itself.
fn url_of(request: &HarRequest<'_>) -> String {
    let url = request.url.clone().into_owned();
    let fields = request.query_string.as_deref().unwrap_or_default();
    if url.contains('?') || fields.is_empty() {
        return url;
    }
    let before_fragment = url.split('#').next().unwrap_or_default();
    format!("{before_fragment}?{}", form_text(fields))
}

fn form_text(fields: &[NameValue<'_>]) -> String {
    let fields = fields
        .iter()
        .map(|field| (field.name.to_string(), field.value.as_deref().unwrap_or_default().to_owned()))
        .collect();
    String::from_utf8(Body::Form(fields).into_bytes()).unwrap_or_default()
}

fn request_message(assembly: &mut Assembly<'_>, request: HarRequest<'_>) -> ForeignMessage {
    let mut headers = header_fields(request.headers);
    let cookies = request.cookies.unwrap_or_default();
    if !cookies.is_empty() && !has(&headers, "cookie") {
        let pairs: Vec<String> = cookies
            .iter()
            .map(|one| format!("{}={}", one.name, one.value.as_deref().unwrap_or_default()))
            .collect();
        headers.push(("cookie".to_owned(), HeaderValue::Text(pairs.join("; "))));
    }
    let declared = length_in(&headers).max(request.body_size.unwrap_or(0));
    let media_type = request.post_data.as_ref().and_then(|data| data.mime_type.as_deref()).map(str::to_owned);
    let body = match request.post_data {
        Some(data) => post_body(assembly, data, declared),
        None if declared > 0 => missing(assembly, "request", declared),
        None => ForeignBody::None,
    };
    ForeignMessage { headers, body, media_type }
}

fn post_body(assembly: &mut Assembly<'_>, data: PostData<'_>, declared: i64) -> ForeignBody {
    let params = data.params.unwrap_or_default();
    let mime_type = data.mime_type.unwrap_or_default().to_ascii_lowercase();
    match data.text {
        Some(text) if !text.is_empty() => match decoded(&text, data.encoding.as_deref()) {
            Some(bytes) => ForeignBody::AsSent(bytes),
            None => {
                assembly.warn("a body says that it is base64 and is not, so it is kept as text");
                ForeignBody::AsSent(text.into_owned().into_bytes())
            }
        },
        _ if !params.is_empty() && mime_type.starts_with("multipart/") => {
            assembly.lose("the multipart body of the request: of its parts only names and values are there");
            ForeignBody::Missing { size_bytes: u64::try_from(declared).unwrap_or(0) }
        }
        _ if !params.is_empty() => ForeignBody::AsSent(form_text(&params).into_bytes()),
        _ if declared > 0 => missing(assembly, "request", declared),
        _ => ForeignBody::None,
    }
}

fn missing(assembly: &mut Assembly<'_>, side: &str, size: i64) -> ForeignBody {
    let size_bytes = u64::try_from(size).unwrap_or(0);
    assembly.lose(format!("the body of the {side}: it is not in the file"));
    ForeignBody::Missing { size_bytes }
}

fn response_message(
    assembly: &mut Assembly<'_>,
    response: HarResponse<'_>,
    is_bodiless: bool,
    dialect: Dialect,
) -> ForeignMessage {
    let mut headers = header_fields(response.headers);
    if !has(&headers, "set-cookie") {
        for cookie in response.cookies.iter().flatten() {
            let pair = format!("{}={}", cookie.name, cookie.value.as_deref().unwrap_or_default());
            headers.push(("set-cookie".to_owned(), HeaderValue::Text(pair)));
        }
    }
    let Some(content) = response.content else {
        return ForeignMessage { headers, ..ForeignMessage::default() };
    };
    let media_type = content.mime_type.as_deref().map(str::to_owned);
    let size = content.size.unwrap_or(0);
    let bodiless = is_bodiless || matches!(response.status, 100..=199 | 204 | 304);
    let expected = if bodiless { 0 } else { size.max(length_in(&headers)) };
    let body = match content.text {
        Some(text) if !text.is_empty() => {
            let bytes = match dialect {
                Dialect::Har => decoded(&text, content.encoding.as_deref()),
                Dialect::Polly => {
                    crate::polly::body(&text, content.encoding.as_deref(), content.is_binary == Some(true))
                }
            };
            let Some(bytes) = bytes else {
                assembly.warn("a body says that it is base64 and is not, so it is kept as text");
                return ForeignMessage {
                    headers,
                    body: ForeignBody::AsSent(text.into_owned().into_bytes()),
                    media_type,
                };
            };
            let held = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            let is_utf16 = media_type.as_deref().is_some_and(|it| it.to_ascii_lowercase().contains("utf-16"));
            match dialect {
                Dialect::Har if held < size && !is_utf16 => {
                    assembly.lose("the body of the response: only a part of it is in the file");
                    ForeignBody::Missing { size_bytes: u64::try_from(size).unwrap_or(0) }
                }
                // Some write base64 of what came over the wire.
                Dialect::Har if bytes.starts_with(&[0x1f, 0x8b]) => ForeignBody::AsSent(bytes),
                Dialect::Har => ForeignBody::Unpacked(bytes),
                Dialect::Polly => ForeignBody::AsSent(bytes),
            }
        }
        // A browser that leaves a body out (an image, a large one) says so by having no text.
        None if !bodiless && (expected > 0 || content.size.is_none()) => {
            missing(assembly, "response", expected)
        }
        Some(_) if expected > 0 => missing(assembly, "response", expected),
        _ => ForeignBody::None,
    };
    ForeignMessage { headers, body, media_type }
}

/// The bytes of a text; none where it is not what it says.
fn decoded(text: &str, encoding: Option<&str>) -> Option<Vec<u8>> {
    if encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64")) {
        base64_bytes(text)
    } else {
        Some(text.as_bytes().to_vec())
    }
}

/// The bytes of base64, in either alphabet, padded or not, over one line or many.
pub(crate) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let alphabet = if packed.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config).decode(packed).ok()
}

fn header_fields(fields: Option<Vec<NameValue<'_>>>) -> Vec<(String, HeaderValue)> {
    fields
        .unwrap_or_default()
        .into_iter()
        .map(|field| {
            let value = field.value.unwrap_or_default().into_owned();
            (field.name.into_owned(), HeaderValue::Text(value))
        })
        .collect()
}

fn has(headers: &[(String, HeaderValue)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

fn length_in(headers: &[(String, HeaderValue)]) -> i64 {
    let value = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    value.and_then(|(_, value)| value.as_text()?.trim().parse().ok()).unwrap_or(0)
}
