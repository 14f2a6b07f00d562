//! Cassettes of VCR (Ruby), vcrpy and go-vcr, in YAML or JSON: which of them it is shows in the file.
//!
//! VCR notes when an answer came, to the second; the others note nothing. Bodies are as sent, unless the library that was
//! listened to had unpacked them.

use crate::assembly::{Assembly, ForeignBody, ForeignExchange, ForeignMessage, Started};
use crate::cassette::{Cassette, CassetteBody, CassetteResponse, Fields, Interaction};
use crate::source::{At, Source};
use crate::yaml::Scalar;
use crate::{ImportError, Imported, json, yaml};
use counterpart_exchange::{Body, Ended};
use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use serde_saphyr::Spanned;
use std::path::Path;

const EXPECTED: &str =
    "a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`)";
const EXPECTED_INTERACTION: &str =
    "an interaction: `request` with `method` and `uri`, `response` with `status`";

/// Imports a cassette.
///
/// # Errors
/// Where it is not one, or an interaction cannot be an exchange.
pub fn import_vcr(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let mut assembly = Assembly::new(source);
    if text.contains("<%=") {
        assembly
            .warn_of_file("looks like a template of ERB: it is read as it stands, and nothing in it is run");
    }
    if text.trim_start().starts_with('{') {
        let cassette: Cassette<&RawValue> = json::parse(source, text, EXPECTED)?;
        for raw in interactions_of(source, cassette)? {
            let interaction = json::parse(source, raw.get(), EXPECTED_INTERACTION)?;
            add(&mut assembly, source, json::at(source, raw), interaction)?;
        }
    } else {
        if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
            assembly.warn_of_file(
                "holds U+0085, U+2028 or U+2029, which break a line in YAML 1.1 alone: a text may have kept the \
                 indentation behind it",
            );
        }
        let cassette: Cassette<Spanned<Interaction>> = yaml::parse(source, EXPECTED)?;
        for interaction in interactions_of(source, cassette)? {
            add(&mut assembly, source, interaction.referenced.into(), interaction.value)?;
        }
    }
    Ok(assembly.finish())
}

fn interactions_of<T>(source: Source<'_>, cassette: Cassette<T>) -> Result<Vec<T>, ImportError> {
    match (cassette.http_interactions, cassette.interactions) {
        (Some(interactions), None) | (None, Some(interactions)) => Ok(interactions),
        (None, None) => Err(source.refuse_whole(format!("holds no interactions; expected {EXPECTED}"))),
        (Some(_), Some(_)) => {
            Err(source.refuse_whole(format!("holds two lists of interactions; expected {EXPECTED}")))
        }
    }
}

fn add(
    assembly: &mut Assembly<'_>,
    source: Source<'_>,
    at: At,
    interaction: Interaction,
) -> Result<(), ImportError> {
    let Interaction { request, response, recorded_at } = interaction;
    let url = request.uri.or(request.url).ok_or_else(|| {
        source.refuse(at, format!("a request has neither `uri` nor `url`; expected {EXPECTED_INTERACTION}"))
    })?;
    let text_of = |scalar: &Scalar| scalar.as_text().unwrap_or_default().to_owned();
    let body = match body_of(assembly, request.body) {
        ForeignBody::AsSent(bytes) if bytes.is_empty() => ForeignBody::AsSent(form_of(request.form)),
        ForeignBody::None => ForeignBody::AsSent(form_of(request.form)),
        body => body,
    };
    let started = match recorded_at.as_ref().and_then(Scalar::as_text).map(recorded) {
        None => Started::Unknown,
        Some(Some(at)) => Started::At(at),
        Some(None) => {
            assembly.warn("`recorded_at` is damaged, so the time of a request is not known");
            Started::Unknown
        }
    };
    let ended = if response.is_some() { Ended::Complete } else { Ended::Unreachable };
    let latency_ms =
        response.as_ref().and_then(|response| response.duration.as_ref()?.as_text()).map_or(0, duration_ms);
    let response = match response {
        Some(response) => Some((status_of(source, at, &response)?, answer(assembly, response))),
        None => None,
    };
    let method = text_of(&request.method);
    let message = ForeignMessage { headers: request.headers.0, body, media_type: None };
    let (url, request) = (text_of(&url), message);
    assembly.push(ForeignExchange { at, method, url, request, response, ended, started, latency_ms })
}

fn status_of(source: Source<'_>, at: At, response: &CassetteResponse) -> Result<i64, ImportError> {
    let written = response
        .code
        .as_ref()
        .or(response.status_code.as_ref())
        .and_then(Scalar::as_text)
        .or(response.status.as_ref().map(|status| status.0.as_str()));
    let status = written.and_then(|text| text.trim().parse().ok());
    status.ok_or_else(|| {
        let found = if written.is_some() { "is not a number" } else { "is missing" };
        source.refuse(at, format!("the status of a response {found}; expected {EXPECTED_INTERACTION}"))
    })
}

fn answer(assembly: &mut Assembly<'_>, response: CassetteResponse) -> ForeignMessage {
    if !response.trailer.0.is_empty() {
        assembly.lose("the trailer fields of the response");
    }
    let body = if response.body.content.is_some() { response.body } else { response.content };
    ForeignMessage { headers: response.headers.0, body: body_of(assembly, body), media_type: None }
}

fn body_of(assembly: &mut Assembly<'_>, body: CassetteBody) -> ForeignBody {
    let Some(content) = body.content else { return ForeignBody::None };
    if let (Scalar::Text(text), Some(encoding)) = (&content, &body.encoding) {
        let is_kept =
            ["UTF-8", "US-ASCII", "ASCII-8BIT", "BINARY"].contains(&encoding.to_uppercase().as_str());
        if !is_kept && !text.is_ascii() {
            assembly.lose("the character encoding of a body: it is kept in UTF-8");
        }
    }
    ForeignBody::AsSent(content.into_bytes())
}

fn form_of(form: Fields) -> Vec<u8> {
    let fields = form.0.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    Body::Form(fields).into_bytes()
}

/// `Thu, 17 Apr 2025 14:49:18 GMT`, or a date of ISO 8601.
fn recorded(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).map(|zoned| zoned.timestamp()).or_else(|_| text.parse()).ok()
}

/// A length of time as Go writes it: `1.5s`, `152.3ms`, or a number of nanoseconds.
fn duration_ms(text: &str) -> u64 {
    let duration = match text.parse::<i64>() {
        Ok(nanoseconds) => SignedDuration::from_nanos(nanoseconds),
        Err(_) => text.parse().unwrap_or_default(),
    };
    u64::try_from(duration.as_millis()).unwrap_or(0)
}
