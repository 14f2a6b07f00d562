//! Bodies of a collection's requests, by their mode.

use super::variables::Variables;
use super::{Pair, pairs};
use crate::ImportError;
use crate::fields::{Fields, plain_text};
use crate::making::{ANY_BODY, Making, add_header, body_of, json_body, shown};
use crate::source::Source;
use counterpart_exchange::Body;

pub(super) fn read(
    source: Source<'_>,
    mut fields: Fields<'_>,
    variables: &Variables,
    making: &mut Making,
) -> Result<(), ImportError> {
    if fields.raw("disabled") == Some("true") {
        return Ok(());
    }
    match fields.text("mode")?.as_deref() {
        None => {}
        Some("raw") => {
            let text = fields.text("raw")?.unwrap_or_default();
            let text = variables.fill(&text, "the body", making);
            if let Some(media_type) = media_type(&mut fields)?.filter(|_| !text.is_empty()) {
                add_media_type(making, media_type);
            }
            making.exchange.request.body = body_of(text.as_bytes(), &making.exchange.request.headers);
        }
        Some("urlencoded") => {
            let Some(raw) = fields.raw("urlencoded") else { return Ok(()) };
            let mut form = Vec::new();
            for Pair { key, value, .. } in pairs(source, raw)? {
                let whose = format!("the form field `{}`", shown(&key));
                let value = variables.fill(&value.unwrap_or_default(), &whose, making);
                form.push((variables.fill(&key, "the form", making), value));
            }
            if !form.is_empty() {
                add_media_type(making, "application/x-www-form-urlencoded");
                making.exchange.request.body = Body::Form(form);
            }
        }
        Some("formdata") => {
            let mut has_file = false;
            let parts = fields.raw("formdata").map(|raw| pairs(source, raw)).transpose()?.unwrap_or_default();
            for mut part in parts {
                has_file |= part.fields.raw("type") == Some("\"file\"");
            }
            let what = if has_file { ", with files that are not in the collection" } else { "" };
            making.lose(format!("the multipart form{what}; any body fits on replay"));
            making.exchange.request.body = ANY_BODY;
        }
        Some("file") => {
            making.lose("the body, a file that is not in the collection; any body fits on replay");
            making.exchange.request.body = ANY_BODY;
        }
        Some("graphql") => read_graphql(&mut fields, variables, making)?,
        Some(mode) => {
            making.lose(format!(
                "the body, whose mode is not known here (`{}`); any body fits on replay",
                shown(mode)
            ));
            making.exchange.request.body = ANY_BODY;
        }
    }
    Ok(())
}

/// The media type that Postman adds for the language of a raw body.
fn media_type(fields: &mut Fields<'_>) -> Result<Option<&'static str>, ImportError> {
    let Some(mut options) = fields.fields("options")? else { return Ok(None) };
    let Some(mut raw) = options.fields("raw")? else { return Ok(None) };
    Ok(match raw.text("language")?.as_deref() {
        Some("json") => Some("application/json"),
        Some("xml") => Some("application/xml"),
        Some("html") => Some("text/html"),
        Some("javascript") => Some("application/javascript"),
        Some("text") => Some("text/plain"),
        _ => None,
    })
}

fn add_media_type(making: &mut Making, media_type: &str) {
    let headers = &mut making.exchange.request.headers;
    if headers.values("content-type").is_empty() {
        add_header(headers, "content-type", media_type);
    }
}

/// A call of GraphQL as it is sent: `{"query": ..., "variables": ...}`.
fn read_graphql(
    fields: &mut Fields<'_>,
    variables: &Variables,
    making: &mut Making,
) -> Result<(), ImportError> {
    let Some(mut call) = fields.fields("graphql")? else { return Ok(()) };
    let query = variables.fill(&call.text("query")?.unwrap_or_default(), "the body", making);
    let given = match call.raw("variables") {
        Some(raw) if raw.starts_with('"') => variables.fill(&plain_text(raw), "the body", making),
        Some(raw) => raw.to_owned(),
        None => String::new(),
    };
    let given = if given.trim().is_empty() { "{}".to_owned() } else { given };
    let operation = call.text("operationName")?.filter(|name| !name.is_empty());
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let operation = operation.map(|name| format!("\"operationName\":{},", quoted(&name))).unwrap_or_default();
    add_media_type(making, "application/json");
    making.exchange.request.body =
        json_body(&format!("{{{operation}\"query\":{},\"variables\":{given}}}", quoted(&query)));
    Ok(())
}
