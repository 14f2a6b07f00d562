//! The answer that a mapping of WireMock's gives.

use crate::ImportError;
use crate::beside::{Beside, NotRead};
use crate::fields::{Fields, plain_text};
use crate::making::{ANY_BODY, Making, add_header, body_of, decode_base64, json_body};
use crate::source::Source;
use counterpart_exchange::Ended;
use serde_json::value::RawValue;

/// Delays longer than an hour are no delays.
const MAX_DELAY_MS: f64 = 3_600_000.0;

pub(super) fn read(
    source: Source<'_>,
    mut fields: Fields<'_>,
    making: &mut Making,
    bodies: &mut Beside,
) -> Result<(), ImportError> {
    read_delay(&mut fields, making)?;
    if let Some(fault) = fields.text("fault")? {
        read_fault(&fault, making);
        if making.exchange.response.is_none() {
            fields.pass_over(&["status", "headers", "body", "jsonBody", "base64Body", "bodyFileName"]);
        }
    } else {
        making.answer();
    }
    if let Some(raw) = fields.raw("status") {
        making.set_status(source, raw)?;
    }
    if fields.text("statusMessage")?.is_some_and(|text| !text.is_empty()) {
        making.lose("the `statusMessage`: an exchange keeps no reason phrase");
    }
    for (name, raw) in fields.named("headers")? {
        let values: Vec<&str> = if raw.starts_with('[') {
            let all: Vec<&RawValue> = crate::json::parse(source, raw, "a list of values")?;
            all.into_iter().map(RawValue::get).collect()
        } else {
            vec![raw]
        };
        for value in values {
            add_header(&mut making.answer().headers, &name, &plain_text(value));
        }
    }
    read_body(source, &mut fields, making, bodies)?;
    for key in ["transformers", "transformerParameters"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw.trim(), "[]" | "{}")) {
            making.lose(format!("the `{key}`, which are not run: the answer stands as it is written"));
        }
    }
    for key in ["delayDistribution", "chunkedDribbleDelay"] {
        if fields.raw(key).is_some() {
            making.lose(format!("the `{key}`: an exchange has one latency, which is told and not replayed"));
        }
    }
    fields.pass_over(&["fromConfiguredStub"]);
    making.lose_keys("response", fields.unread());
    Ok(())
}

fn read_delay(fields: &mut Fields<'_>, making: &mut Making) -> Result<(), ImportError> {
    let delay: Option<f64> = fields.value("fixedDelayMilliseconds", "a number of milliseconds")?;
    match delay {
        None => {}
        Some(delay_ms) if (0.0..=MAX_DELAY_MS).contains(&delay_ms) => {
            // Within bounds, so nothing is cut off but a fraction.
            making.exchange.latency_ms = delay_ms as u64;
        }
        Some(_) => making.lose("the `fixedDelayMilliseconds`: it is negative or over an hour"),
    }
    Ok(())
}

fn read_fault(fault: &str, making: &mut Making) {
    making.exchange.ended = Ended::AnswerCutShort;
    match fault {
        "EMPTY_RESPONSE" | "CONNECTION_RESET_BY_PEER" => {}
        "MALFORMED_RESPONSE_CHUNK" => {
            making.lose(
                "the garbage that `MALFORMED_RESPONSE_CHUNK` sends: the answer is cut short before its body",
            );
            making.answer();
        }
        "RANDOM_DATA_THEN_CLOSE" => {
            making.lose(
                "the garbage that `RANDOM_DATA_THEN_CLOSE` sends: the connection ends without an answer",
            );
        }
        _ => making.lose("the `fault`, which is not known here: the connection ends without an answer"),
    }
}

fn read_body(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    making: &mut Making,
    bodies: &mut Beside,
) -> Result<(), ImportError> {
    let mut body = None;
    if let Some(raw) = fields.raw("jsonBody") {
        body = Some(json_body(raw));
    }
    if let Some(raw) = fields.raw("base64Body") {
        let bytes = decode_base64(source, raw, &plain_text(raw))?;
        body.get_or_insert_with(|| body_of(&bytes, &making.answer().headers));
    }
    if let Some(text) = fields.text("body")? {
        body.get_or_insert_with(|| body_of(text.as_bytes(), &making.answer().headers));
    }
    if let Some(raw) = fields.raw("bodyFileName") {
        let at = source.offset_of(raw);
        let found = match bodies.read(&plain_text(raw)) {
            Ok(bytes) => body_of(&bytes, &making.answer().headers),
            Err(NotRead::Missing) => {
                making.lose("the body in the file that `bodyFileName` names: it is not in `__files`");
                ANY_BODY
            }
            Err(NotRead::LeadsOut) => {
                return Err(
                    source.refuse(at, "`bodyFileName` leads out of `__files`; expected a name within it")
                );
            }
            Err(NotRead::TooLarge) => {
                return Err(
                    source.refuse(at, "the bodies that this file names are over 256 MiB together; split it")
                );
            }
        };
        body.get_or_insert(found);
    }
    if let Some(body) = body {
        let text = body.to_bytes();
        let is_template = text.windows(2).any(|pair| pair == b"{{") && fields.has("transformers");
        if is_template {
            making.lose("the template of the body: it stands as it is written, with its braces");
        }
        making.answer().body = body;
    }
    Ok(())
}
