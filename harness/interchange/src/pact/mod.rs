//! Pact files, specification versions 1 to 4.
//!
//! Each interaction over HTTP is an exchange: its example is what it says literally, and matching rules, which allow
//! more than the example, are told as losses. Messages are no exchanges; they are left out, each told.

mod body;

use crate::assembly::Assembly;
use crate::extras::Extras;
use crate::fields::{Fields, plain_text};
use crate::making::{Making, add_header, shown};
use crate::query;
use crate::source::Source;
use crate::{ImportError, Imported};
use counterpart_exchange::Headers;
use serde_json::value::RawValue;
use std::path::Path;

const A_MESSAGE: &str = "a message over a queue is no request with its answer";

/// The version of the specification that a file follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V1,
    V2,
    V3,
    V4,
}

/// Reads a Pact file.
///
/// # Errors
/// [`ImportError`] with the place of what is not as its version has it.
pub fn import_pact(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let what = "a Pact file: an object with `consumer`, `provider` and `interactions`";
    let mut file = Fields::read(source, text, what)?;
    if !file.has("interactions") && !file.has("messages") {
        return Err(file.refuse(format!("has neither `interactions` nor `messages`; expected {what}")));
    }
    let mut assembly = Assembly::new(source);
    let version = version(&mut file, &mut assembly)?;
    for part in file.list("interactions")?.unwrap_or_default() {
        let interaction = Fields::read(source, part, "an interaction: an object")?;
        read_interaction(source, interaction, version, Making::new(source.offset_of(part)), &mut assembly)?;
    }
    for part in file.list("messages")?.unwrap_or_default() {
        Making::new(source.offset_of(part)).give_up(&mut assembly, A_MESSAGE)?;
    }
    file.pass_over(&["consumer", "provider", "createdAt", "_links"]);
    for key in file.unread() {
        assembly.warn_of_file(format!("`{}` of the file is not known here and is left out", shown(key)));
    }
    Ok(assembly.finish())
}

/// `metadata.pactSpecification.version`, and its older spellings. Without one it is version 2, as tools take it to be.
fn version(file: &mut Fields<'_>, assembly: &mut Assembly<'_>) -> Result<Version, ImportError> {
    let mut found = None;
    if let Some(mut metadata) = file.fields("metadata")? {
        for key in ["pactSpecification", "pact-specification"] {
            if let Some(mut specification) = metadata.fields(key)? {
                found = found.or(specification.text("version")?);
            }
        }
        found = found.or(metadata.text("pactSpecificationVersion")?);
    }
    match found.as_deref().map(|version| version.split('.').next().unwrap_or_default()) {
        Some("1") => Ok(Version::V1),
        Some("2") => Ok(Version::V2),
        Some("3") => Ok(Version::V3),
        Some("4") => Ok(Version::V4),
        None => {
            assembly.warn_of_file("says no version of the Pact specification; it is read as version 2");
            Ok(Version::V2)
        }
        Some(_) => {
            Err(file.refuse("is of a version of the Pact specification that is not known; expected 1 to 4"))
        }
    }
}

fn read_interaction(
    source: Source<'_>,
    mut fields: Fields<'_>,
    version: Version,
    mut making: Making,
    assembly: &mut Assembly<'_>,
) -> Result<(), ImportError> {
    let kind = fields.text("type")?;
    match kind.as_deref() {
        None | Some("Synchronous/HTTP") => {}
        Some("Asynchronous/Messages" | "Synchronous/Messages") => {
            return making.give_up(assembly, A_MESSAGE);
        }
        Some(_) => {
            return making.give_up(assembly, "an interaction of a type that is not known here");
        }
    }
    let extras = extras(&mut fields, &mut making)?;
    let (Some(request), Some(response)) = (fields.fields("request")?, fields.fields("response")?) else {
        return Err(fields.refuse("has no `request` or no `response`; expected both in each interaction"));
    };
    read_request(source, request, version, &mut making)?;
    read_response(source, response, version, &mut making)?;
    for key in ["providerState", "provider_state", "providerStates"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw, "[]" | "\"\"")) {
            making.lose("the provider state: an exchange does not say what the provider knew before");
        }
    }
    if fields.raw("pending") == Some("true") {
        making.lose("that it is `pending`: an exchange is not on trial");
    }
    for key in ["pluginConfiguration", "interactionMarkup"] {
        if fields.raw(key).is_some_and(|raw| raw != "{}") {
            making.lose(format!("the `{key}`"));
        }
    }
    fields.pass_over(&["_id", "key", "description", "transport"]);
    making.lose_keys("interaction", fields.unread());
    match extras {
        Some(extras) => making.finish_written(extras, source, assembly),
        None => making.finish(assembly),
    }
}

/// What our own exporter wrote, under `comments`. What others wrote there is told.
fn extras(fields: &mut Fields<'_>, making: &mut Making) -> Result<Option<Extras>, ImportError> {
    let Some(mut comments) = fields.fields("comments")? else { return Ok(None) };
    let extras = comments.value("counterpart", "what Counterpart writes")?;
    let is_empty = |raw: &str| matches!(raw, "[]" | "\"\"" | "{}");
    comments.raw("testname");
    let has_text =
        comments.raw("text").is_some_and(|raw| !is_empty(raw)) || comments.unread().next().is_some();
    if has_text {
        making.lose("the `comments`: an exchange has no place for them");
    }
    Ok(extras)
}

fn read_request(
    source: Source<'_>,
    mut fields: Fields<'_>,
    version: Version,
    making: &mut Making,
) -> Result<(), ImportError> {
    let method = fields.text("method")?.unwrap_or_else(|| "GET".to_owned()).to_ascii_uppercase();
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fields.refuse("`method` is no HTTP method; expected one such as GET"));
    }
    making.exchange.request.method = method;
    let path = fields.text("path")?.unwrap_or_else(|| "/".to_owned());
    let path = query::with_slash(&path);
    making.exchange.request.target = match fields.raw("query") {
        None => path,
        Some(raw) if raw.starts_with('"') => {
            let query = plain_text(raw);
            let query = query.trim_start_matches('?');
            if query.is_empty() { path } else { format!("{path}?{query}") }
        }
        Some(raw) => query::target_of_groups(&path, &query_fields(source, raw)?),
    };
    making.exchange.request.headers = headers(source, &mut fields)?;
    let request = &mut making.exchange.request;
    request.body = body::read(source, &mut fields, version, &request.headers)?;
    lose_rules(&mut fields, "request", making);
    making.lose_keys("request", fields.unread());
    Ok(())
}

fn read_response(
    source: Source<'_>,
    mut fields: Fields<'_>,
    version: Version,
    making: &mut Making,
) -> Result<(), ImportError> {
    making.answer();
    if let Some(raw) = fields.raw("status") {
        making.set_status(source, raw)?;
    }
    let headers = headers(source, &mut fields)?;
    let answer = making.answer();
    answer.body = body::read(source, &mut fields, version, &headers)?;
    answer.headers = headers;
    lose_rules(&mut fields, "response", making);
    making.lose_keys("response", fields.unread());
    Ok(())
}

fn lose_rules(fields: &mut Fields<'_>, within: &str, making: &mut Making) {
    for (key, what) in [
        ("matchingRules", "the example stands for all that they allow"),
        ("generators", "the example stands as it is written"),
    ] {
        if let Some(raw) = fields.raw(key) {
            let names = rule_places(raw);
            if !names.is_empty() {
                making.lose(format!("`{key}` of the {within} ({}): {what}", names.join(", ")));
            }
        }
    }
}

/// What the rules are about: `body`, `header`, `path`; the first few.
fn rule_places(raw: &str) -> Vec<String> {
    let rules: indexmap::IndexMap<String, &RawValue> = serde_json::from_str(raw).unwrap_or_default();
    // Version 2 has paths such as `$.headers.Accept`, later ones have categories.
    let place =
        |name: &str| name.trim_start_matches("$.").split(['.', '[']).next().map(shown).unwrap_or_default();
    let mut places: Vec<String> =
        rules.iter().filter(|(_, rule)| rule.get() != "{}").map(|(name, _)| place(name)).collect();
    places.dedup();
    places.truncate(5);
    places
}

/// `{"a": ["1", "2"], "b": "3"}`; a value that is `null` is a name without `=`.
fn query_fields(source: Source<'_>, raw: &str) -> Result<query::Groups, ImportError> {
    let object: indexmap::IndexMap<String, &RawValue> =
        crate::json::parse(source, raw, "a query: an object of names with lists of values, or text")?;
    let value = |raw: &str| if raw == "null" { None } else { Some(plain_text(raw)) };
    object
        .into_iter()
        .map(|(name, raw)| {
            let values = if raw.get().starts_with('[') {
                let all: Vec<&RawValue> = crate::json::parse(source, raw.get(), "a list of values")?;
                all.into_iter().map(|raw| value(raw.get())).collect()
            } else {
                vec![value(raw.get())]
            };
            Ok((name, values))
        })
        .collect()
}

/// `{"Accept": "text/plain"}` in versions 1 to 3, lists of values in version 4; either is read in any.
fn headers(source: Source<'_>, fields: &mut Fields<'_>) -> Result<Headers, ImportError> {
    let mut headers = Headers::default();
    for (name, raw) in fields.named("headers")? {
        if raw.starts_with('[') {
            let all: Vec<&RawValue> = crate::json::parse(source, raw, "a list of values")?;
            for value in all {
                add_header(&mut headers, &name, &plain_text(value.get()));
            }
        } else {
            add_header(&mut headers, &name, &plain_text(raw));
        }
    }
    Ok(headers)
}
