//! WireMock stub mappings, version 1 to 3: a single one, `{"mappings": [...]}`, or a list.
//!
//! A mapping describes requests by patterns, an exchange is one request. Where the pattern allows one request alone, it
//! is that one; else an example that fits, told as a loss. A body that is described and not given is a body that nobody
//! knows, which fits any on replay. What has no answer to keep (a proxy, a message stub) is left out, and told.

mod matcher;
mod request;
mod response;
mod states;

use crate::beside::Beside;
use crate::comments::blanked;
use crate::extras::Extras;
use crate::fields::Fields;
use crate::making::Making;
use crate::source::Source;
use crate::{ImportError, Imported};
use counterpart_exchange::Body;
use serde_json::value::RawValue;
use std::path::Path;

const A_MAPPING: &str = "a WireMock mapping: an object with `request` and `response`";

/// Reads WireMock mappings. Bodies that they name are looked for in a folder `__files` beside the file's folder.
///
/// # Errors
/// [`ImportError`] with the place of what is not as WireMock has it, or of a body's name that leads out of `__files`.
pub fn import_wiremock(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let text = blanked(text.trim_start_matches('\u{feff}'));
    let source = Source::new(path, &text);
    let mut mappings = Vec::new();
    let mut imported = Imported::default();
    if text.trim_start().starts_with('[') {
        let all: Vec<&RawValue> = crate::json::parse(source, &text, "a list of WireMock mappings")?;
        mappings.extend(all.into_iter().map(RawValue::get));
    } else {
        let mut file = Fields::read(source, &text, "a WireMock mapping, or an object with `mappings`")?;
        if file.has("mappings") || file.has("messageMappings") {
            mappings.extend(file.list("mappings")?.unwrap_or_default());
            mappings.extend(file.list("messageMappings")?.unwrap_or_default());
            file.pass_over(&["meta", "importOptions", "$schema"]);
            imported.warnings.extend(file.unread().map(|key| {
                format!("`{}` of the file is not known here and is left out", crate::making::shown(key))
            }));
        } else {
            mappings.push(text.trim());
        }
    }
    let mut bodies = Beside::folder(path, "__files");
    let mut states = states::States::default();
    for (number, part) in mappings.into_iter().enumerate() {
        let fields = Fields::read(source, part, A_MAPPING)?;
        read_mapping(
            source,
            fields,
            Making::new("mapping", number),
            &mut bodies,
            &mut states,
            &mut imported,
        )?;
    }
    states.put_in_order(&mut imported);
    Ok(imported)
}

fn read_mapping(
    source: Source<'_>,
    mut fields: Fields<'_>,
    mut making: Making,
    bodies: &mut Beside,
    states: &mut states::States,
    imported: &mut Imported,
) -> Result<(), ImportError> {
    if fields.has("trigger") && fields.has("actions") {
        making.give_up(imported, "a stub for messages on a WebSocket is no request with its answer");
        return Ok(());
    }
    if !fields.has("request") && !fields.has("response") {
        return Err(fields.refuse(format!("has neither `request` nor `response`; expected {A_MAPPING}")));
    }
    let extras = extras(&mut fields)?;
    if let Some(request) = fields.fields("request")? {
        request::read(source, request, &mut making)?;
    } else {
        making.lose("the mapping takes any request; `GET /` stands for it");
    }
    if let Some(response) = fields.fields("response")? {
        if response.has("proxyBaseUrl") {
            making.give_up(
                imported,
                "the mapping hands requests on to another server (`proxyBaseUrl`), so it has no answer",
            );
            return Ok(());
        }
        response::read(source, response, &mut making, bodies)?;
    } else {
        making.answer();
    }
    let state = states::State::read(&mut fields)?;
    if let Some(extras) = extras {
        // What the mapping has of patterns and states, our own exporter gave it.
        making.lost_nothing();
        fields.pass_over(&["priority"]);
        extras.add_to(&mut making.exchange).map_err(|problem| fields.refuse(problem))?;
        states.note(state, imported.exchanges.len(), None);
    } else {
        if fields.raw("priority").is_some() {
            making.lose("`priority` is left out: on replay the nearest exchange answers");
        }
        states.note(state, imported.exchanges.len(), Some(making.number()));
        give_form(&mut making);
    }
    for key in ["postServeActions", "serveEventListeners"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw.trim(), "[]" | "{}")) {
            making.lose(format!("`{key}` is left out: a call that WireMock makes is no exchange yet"));
        }
    }
    fields.pass_over(&["id", "uuid", "name", "persistent", "insertionIndex", "metadata", "$schema"]);
    making.lose_keys("mapping", fields.unread());
    making.finish(imported);
    Ok(())
}

/// What our own exporter wrote beside a mapping.
fn extras(fields: &mut Fields<'_>) -> Result<Option<Extras>, ImportError> {
    let Some(raw) = fields.raw("metadata") else { return Ok(None) };
    if !raw.starts_with('{') {
        return Ok(None);
    }
    fields.read_within(raw, "`metadata`")?.value("counterpart", "what Counterpart writes")
}

/// Gives the request's body the form that its media type asks for.
fn give_form(making: &mut Making) {
    let request = &mut making.exchange.request;
    if !matches!(request.body, Body::Omitted { .. } | Body::Json(_)) {
        let bytes = std::mem::take(&mut request.body).into_bytes();
        request.body = crate::making::body_of(&bytes, &request.headers);
    }
}
