//! WireMock stub mappings, version 1 to 3: a single one, `{"mappings": [...]}`, or a list.
//!
//! A mapping describes requests by patterns, an exchange is one request. Where the pattern allows one request alone, it
//! is that one; else an example that fits, told as a loss. A body that is described and not given is a body that nobody
//! knows, which fits any on replay. What has no answer to keep (a proxy, a message stub) is left out, and told.

mod matcher;
mod request;
mod response;
mod states;

use crate::assembly::Assembly;
use crate::beside::Beside;
use crate::comments::blanked;
use crate::extras::Extras;
use crate::fields::Fields;
use crate::making::Making;
use crate::source::Source;
use crate::{ImportError, Imported};
use serde_json::value::RawValue;
use std::path::Path;

const A_MAPPING: &str = "a WireMock mapping: an object with `request` and `response`";

/// Reads WireMock mappings. Bodies that they name are looked for in a folder `__files` beside the file's folder.
///
/// # Errors
/// [`ImportError`] with the place of what is not as WireMock has it, or of a body's name that leads out of `__files`.
pub fn import_wiremock(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let text = blanked(text);
    let source = Source::new(path, &text);
    let mut mappings = Vec::new();
    let mut assembly = Assembly::new(source);
    if text.trim_start().starts_with('[') {
        let all: Vec<&RawValue> = crate::json::parse(source, &text, "a list of WireMock mappings")?;
        mappings.extend(all.into_iter().map(RawValue::get));
    } else {
        let mut file = Fields::read(source, &text, "a WireMock mapping, or an object with `mappings`")?;
        if file.has("mappings") || file.has("messageMappings") {
            mappings.extend(file.list("mappings")?.unwrap_or_default());
            mappings.extend(file.list("messageMappings")?.unwrap_or_default());
            file.pass_over(&["meta", "importOptions", "$schema"]);
            for key in file.unread() {
                assembly.warn_of_file(format!(
                    "`{}` of the file is not known here and is left out",
                    crate::making::shown(key)
                ));
            }
        } else {
            mappings.push(text.trim());
        }
    }
    let mut reader = Reader {
        source,
        bodies: Beside::folder(path, "__files"),
        states: states::States::default(),
        assembly,
        kept: 0,
    };
    for (number, part) in mappings.into_iter().enumerate() {
        reader.read(number, part)?;
    }
    let mut imported = reader.assembly.finish();
    reader.states.put_in_order(&mut imported);
    imported.losses.sort_by_key(|loss| loss.exchange);
    Ok(imported)
}

struct Reader<'a> {
    source: Source<'a>,
    bodies: Beside,
    states: states::States,
    assembly: Assembly<'a>,
    /// How many exchanges there are.
    kept: usize,
}

impl<'a> Reader<'a> {
    /// Reads a mapping, by its number in the file.
    fn read(&mut self, number: usize, part: &'a str) -> Result<(), ImportError> {
        let mut fields = Fields::read(self.source, part, A_MAPPING)?;
        let mut making = Making::new(self.source.offset_of(part));
        if fields.has("trigger") && fields.has("actions") {
            return making.give_up(
                &mut self.assembly,
                "a stub for messages on a WebSocket is no request with its answer",
            );
        }
        if !fields.has("request") && !fields.has("response") {
            return Err(fields.refuse(format!("has neither `request` nor `response`; expected {A_MAPPING}")));
        }
        let extras = extras(&mut fields)?;
        if let Some(request) = fields.fields("request")? {
            if !request::read(self.source, request, &mut making)? {
                let why = "its URL is a pattern for which no path can be said";
                return making.give_up(&mut self.assembly, why);
            }
        } else {
            making.lose("that any request fits; `GET /` stands for it");
        }
        if let Some(response) = fields.fields("response")? {
            if response.has("proxyBaseUrl") {
                let why =
                    "the mapping hands requests on to another server (`proxyBaseUrl`), so it has no answer";
                return making.give_up(&mut self.assembly, why);
            }
            response::read(self.source, response, &mut making, &mut self.bodies)?;
        } else {
            making.answer();
        }
        let state = states::State::read(&mut fields)?;
        self.states.note(state, self.kept, extras.is_none().then_some(number));
        self.kept += 1;
        if let Some(extras) = extras {
            // What the mapping has of patterns and states, our own exporter gave it.
            making.lost_nothing();
            fields.pass_over(&["priority"]);
            lose_rest(&mut fields, &mut making);
            return making.finish_written(extras, self.source, &mut self.assembly);
        }
        if fields.raw("priority").is_some() {
            making.lose("the `priority`: on replay the nearest exchange answers");
        }
        lose_rest(&mut fields, &mut making);
        making.finish(&mut self.assembly)
    }
}

fn lose_rest(fields: &mut Fields<'_>, making: &mut Making) {
    for key in ["postServeActions", "serveEventListeners"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw, "[]" | "{}")) {
            making.lose(format!("the `{key}`: what WireMock calls by itself is no exchange"));
        }
    }
    fields.pass_over(&["id", "uuid", "name", "persistent", "insertionIndex", "metadata", "$schema"]);
    making.lose_keys("mapping", fields.unread());
}

/// What our own exporter wrote beside a mapping.
fn extras(fields: &mut Fields<'_>) -> Result<Option<Extras>, ImportError> {
    let Some(raw) = fields.raw("metadata") else { return Ok(None) };
    if !raw.starts_with('{') {
        return Ok(None);
    }
    fields.read_within(raw, "`metadata`")?.value("counterpart", "what Counterpart writes")
}
