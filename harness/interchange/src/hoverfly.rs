//! Hoverfly simulations, schema version 5 (v5, v5.1 to v5.3).
//!
//! Each pair is an exchange. A matcher that allows one value alone gives that one; of any other an example that fits is
//! taken, and told as a loss. Older schemas are refused: Hoverfly itself rewrites them.

use crate::assembly::Assembly;
use crate::beside::{Beside, NotRead};
use crate::example::{self, Example};
use crate::fields::{Fields, plain_text};
use crate::making::{ANY_BODY, Making, add_header, body_of, decode_base64, json_body, shown};
use crate::query;
use crate::source::Source;
use crate::{ImportError, Imported};
use counterpart_exchange::{Body, RequestTarget};
use regex::Regex;
use serde_json::value::RawValue;
use std::path::Path;

/// Delays longer than an hour are no delays.
const MAX_DELAY_MS: u64 = 3_600_000;

/// Reads a Hoverfly simulation.
///
/// # Errors
/// [`ImportError`] with the place of what is not as schema version 5 has it.
pub fn import_hoverfly(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let what = "a Hoverfly simulation: an object with `data` and `meta`";
    let mut file = Fields::read(source, text, what)?;
    check_version(&mut file)?;
    let Some(mut data) = file.fields("data")? else {
        return Err(file.refuse(format!("has no `data`; expected {what}")));
    };
    let mut assembly = Assembly::new(source);
    let mut actions = match data.fields("globalActions")? {
        Some(actions) => Actions::read(actions, &mut assembly)?,
        None => Actions::default(),
    };
    let mut bodies = Beside::same_folder(path);
    for part in data.list("pairs")?.unwrap_or_default() {
        let pair = Fields::read(source, part, "a pair: an object with `request` and `response`")?;
        read_pair(
            source,
            pair,
            Making::new(source.offset_of(part)),
            &mut bodies,
            &mut actions,
            &mut assembly,
        )?;
    }
    for key in ["variables", "literals"] {
        if data.raw(key).is_some_and(|raw| raw != "[]") {
            assembly.warn_of_file(format!("`{key}` are for templates, which are not run; they are left out"));
        }
    }
    let unknown = data.unread().chain(file.unread()).filter(|key| *key != "$schema");
    for key in unknown {
        assembly.warn_of_file(format!("`{}` is not known here and is left out", shown(key)));
    }
    Ok(assembly.finish())
}

fn check_version(file: &mut Fields<'_>) -> Result<(), ImportError> {
    let version = match file.fields("meta")? {
        Some(mut meta) => meta.text("schemaVersion")?,
        None => None,
    };
    match version.as_deref() {
        Some(version) if version == "v5" || version.starts_with("v5.") => Ok(()),
        Some(_) => Err(file.refuse(
            "is of a schema version other than v5; load it into Hoverfly and export it again, which rewrites it",
        )),
        None => Err(file.refuse("has no `meta.schemaVersion`; expected v5, v5.1, v5.2 or v5.3")),
    }
}

fn read_pair(
    source: Source<'_>,
    mut pair: Fields<'_>,
    mut making: Making,
    bodies: &mut Beside,
    actions: &mut Actions,
    assembly: &mut Assembly<'_>,
) -> Result<(), ImportError> {
    let (Some(request), Some(response)) = (pair.fields("request")?, pair.fields("response")?) else {
        return Err(pair.refuse("has no `request` or no `response`; expected both in each pair"));
    };
    if !read_request(source, request, &mut making)? {
        return making.give_up(assembly, "`path` is a pattern for which no path can be said");
    }
    read_response(source, response, &mut making, bodies)?;
    pass_over(&mut pair, &mut making, &["labels"], "pair");
    actions.apply(&mut making);
    making.finish(assembly)
}

fn pass_over(fields: &mut Fields<'_>, making: &mut Making, keys: &[&str], within: &str) {
    fields.pass_over(keys);
    making.lose_keys(within, fields.unread());
}

/// Reads a request. Says whether there is one.
fn read_request(
    source: Source<'_>,
    mut fields: Fields<'_>,
    making: &mut Making,
) -> Result<bool, ImportError> {
    read_method(source, &mut fields, making)?;
    if let Some(host) = one(source, &mut fields, "destination", making)?.filter(|host| !host.is_empty()) {
        add_header(&mut making.exchange.request.headers, "host", &host);
    }
    // An exchange goes to a provider, however that is reached.
    fields.pass_over(&["scheme"]);
    let has_path = fields.has("path");
    let path = match one(source, &mut fields, "path", making)? {
        Some(path) => query::with_slash(&path),
        None if has_path => return Ok(false),
        None => {
            making.lose("that any path fits; `/` stands for it");
            "/".to_owned()
        }
    };
    let mut queries: Vec<(String, String)> = Vec::new();
    for (name, part) in fields.named("query")? {
        for value in values(source, part, &format!("the query field `{}`", shown(&name)), making)? {
            queries.push((name.clone(), value));
        }
    }
    let target =
        query::target(&path, queries.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))));
    making.exchange.request.target = match one(source, &mut fields, "deprecatedQuery", making)? {
        Some(query) if !query.is_empty() && queries.is_empty() => format!("{target}?{query}"),
        _ => target,
    };
    for (name, part) in fields.named("headers")? {
        for value in values(source, part, &format!("the header `{}`", shown(&name)), making)? {
            add_header(&mut making.exchange.request.headers, &name, &value);
        }
    }
    read_request_body(source, &mut fields, making)?;
    if fields.raw("requiresState").is_some_and(|raw| raw != "{}") {
        making.lose("the `requiresState`: identical requests are answered in their order");
    }
    pass_over(&mut fields, making, &[], "request");
    Ok(true)
}

/// The method, where one matcher says it alone.
fn read_method(source: Source<'_>, fields: &mut Fields<'_>, making: &mut Making) -> Result<(), ImportError> {
    for part in fields.list("method")?.unwrap_or_default() {
        let matcher = Matcher::read(source, part)?;
        let method = plain_text(matcher.value);
        if matcher.kind == "exact" && !method.is_empty() {
            making.exchange.request.method = method;
            return Ok(());
        }
    }
    making.lose("that several methods fit; `GET` stands for them");
    Ok(())
}

/// The matchers of a field, where there are several all must fit: the first one that gives a value is taken.
fn one(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    making: &mut Making,
) -> Result<Option<String>, ImportError> {
    let Some(part) = fields.raw(key) else { return Ok(None) };
    Ok(values(source, part, &format!("`{key}`"), making)?.into_iter().next())
}

/// The values that a list of matchers gives.
fn values(
    source: Source<'_>,
    part: &str,
    whose: &str,
    making: &mut Making,
) -> Result<Vec<String>, ImportError> {
    let parts: Vec<&RawValue> = crate::json::parse(source, part, "a list of matchers")?;
    let mut found: Vec<String> = Vec::new();
    for part in parts {
        let matcher = Matcher::read(source, part.get())?;
        match matcher.kind.as_str() {
            "exact" => found.push(plain_text(matcher.value)),
            "array" => found.extend(
                crate::json::parse::<Vec<&RawValue>>(source, matcher.value, "a list of values")?
                    .into_iter()
                    .map(|value| plain_text(value.get())),
            ),
            kind => {
                let text = plain_text(matcher.value);
                let example = match kind {
                    "glob" => Some(example::of_glob(&text)),
                    "regex" if whose == "`path`" => example::of_path_pattern(&text),
                    "regex" => example::of_pattern(&text),
                    _ => None,
                };
                match example {
                    Some(Example::Exact(text)) => found.push(text),
                    Some(Example::OneOf(text)) => {
                        making.lose(format!(
                            "the pattern of {whose} (`{kind}`); a value that fits stands for it"
                        ));
                        found.push(text);
                    }
                    None => making.lose(format!("{whose}: no value can be said for `{}`", shown(kind))),
                }
            }
        }
        if matcher.goes_on {
            making.lose(format!("`doMatch` of {whose}"));
        }
    }
    Ok(found)
}

struct Matcher<'a> {
    kind: String,
    /// As it stands in the file.
    value: &'a str,
    goes_on: bool,
}

impl<'a> Matcher<'a> {
    fn read(source: Source<'a>, part: &'a str) -> Result<Self, ImportError> {
        let mut fields = Fields::read(source, part, "a matcher: an object with `matcher` and `value`")?;
        let kind = fields.text("matcher")?.unwrap_or_else(|| "exact".to_owned());
        let value = fields.raw("value").unwrap_or("\"\"");
        Ok(Self { kind, value, goes_on: fields.raw("doMatch").is_some() })
    }
}

fn read_request_body(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    making: &mut Making,
) -> Result<(), ImportError> {
    let Some(parts) = fields.list("body")? else {
        if matches!(making.exchange.request.method.as_str(), "POST" | "PUT" | "PATCH") {
            making.exchange.request.body = ANY_BODY;
        }
        return Ok(());
    };
    for (index, part) in parts.into_iter().enumerate() {
        let matcher = Matcher::read(source, part)?;
        if index > 0 {
            making.lose("the matchers of the body but the first");
            break;
        }
        let text = plain_text(matcher.value);
        making.exchange.request.body = match matcher.kind.as_str() {
            "exact" => body_of(text.as_bytes(), &making.exchange.request.headers),
            "json" => json_body(&text),
            "xml" => {
                making.lose("that white space does not matter in the XML: on replay it does");
                body_of(text.as_bytes(), &making.exchange.request.headers)
            }
            "form" => form(source, matcher.value, making)?,
            kind => {
                making.lose(format!("the pattern of the body (`{}`); any body fits on replay", shown(kind)));
                ANY_BODY
            }
        };
    }
    Ok(())
}

/// A form, each field with matchers of its own.
fn form(source: Source<'_>, part: &str, making: &mut Making) -> Result<Body, ImportError> {
    let object: indexmap::IndexMap<String, &RawValue> =
        crate::json::parse(source, part, "an object of form fields")?;
    let mut form = Vec::new();
    for (name, part) in object {
        for value in values(source, part.get(), &format!("the form field `{}`", shown(&name)), making)? {
            form.push((name.clone(), value));
        }
    }
    Ok(Body::Form(form))
}

fn read_response(
    source: Source<'_>,
    mut fields: Fields<'_>,
    making: &mut Making,
    bodies: &mut Beside,
) -> Result<(), ImportError> {
    making.answer();
    if let Some(raw) = fields.raw("status") {
        making.set_status(source, raw)?;
    }
    for (name, raw) in fields.named("headers")? {
        let all: Vec<&RawValue> = crate::json::parse(source, raw, "a list of values")?;
        for value in all {
            add_header(&mut making.answer().headers, &name, &plain_text(value.get()));
        }
    }
    let is_encoded = fields.raw("encodedBody") == Some("true");
    let bytes = match fields.raw("body") {
        Some(raw) if is_encoded => Some(decode_base64(source, raw, &plain_text(raw))?),
        Some(raw) => Some(plain_text(raw).into_bytes()),
        None => None,
    };
    let headers = making.answer().headers.clone();
    let body = bytes.map(|bytes| body_of(&bytes, &headers)).filter(|body| *body != Body::None);
    making.answer().body = match (body, fields.raw("bodyFile").filter(|raw| *raw != "\"\"")) {
        (Some(body), _) => body,
        (None, Some(raw)) => read_body_file(source, raw, making, bodies)?,
        (None, None) => Body::None,
    };
    if fields.raw("templated") == Some("true") && holds_template(&making.answer().body) {
        making.lose("the template of the body: it stands as it is written, with its braces");
    }
    match fields.value::<u64>("fixedDelay", "a number of milliseconds")? {
        Some(delay_ms) if delay_ms <= MAX_DELAY_MS => making.exchange.latency_ms = delay_ms,
        Some(_) => making.lose("the `fixedDelay`: it is over an hour"),
        None => {}
    }
    if fields.raw("logNormalDelay").is_some() {
        making.lose("the `logNormalDelay`: an exchange has one latency, which is told and not replayed");
    }
    for key in ["transitionsState", "removesState"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw, "{}" | "[]")) {
            making.lose(format!("the `{key}`: identical requests are answered in their order"));
        }
    }
    for key in ["postServeAction", "postActionHooks"] {
        if fields.raw(key).is_some_and(|raw| !matches!(raw, "\"\"" | "[]")) {
            making.lose(format!("the `{key}`: what Hoverfly does after an answer is no exchange"));
        }
    }
    pass_over(&mut fields, making, &[], "response");
    Ok(())
}

fn holds_template(body: &Body) -> bool {
    body.to_bytes().windows(2).any(|pair| pair == b"{{")
}

fn read_body_file(
    source: Source<'_>,
    raw: &str,
    making: &mut Making,
    bodies: &mut Beside,
) -> Result<Body, ImportError> {
    let at = source.offset_of(raw);
    match bodies.read(&plain_text(raw)) {
        Ok(bytes) => Ok(body_of(&bytes, &making.answer().headers)),
        Err(NotRead::Missing) => {
            making.lose("the body in the file that `bodyFile` names: it is not beside the simulation");
            Ok(ANY_BODY)
        }
        Err(NotRead::LeadsOut) => {
            Err(source
                .refuse(at, "`bodyFile` leads out of the simulation's folder; expected a name within it"))
        }
        Err(NotRead::TooLarge) => {
            Err(source.refuse(at, "the bodies that this file names are over 256 MiB together; split it"))
        }
    }
}

/// Delays that hold for all pairs of a place.
#[derive(Default)]
struct Actions {
    delays: Vec<Delay>,
}

struct Delay {
    url: Regex,
    method: Option<String>,
    /// Nothing where it is drawn anew each time.
    delay_ms: Option<u64>,
}

/// Delays of one simulation.
const MAX_DELAYS: usize = 1_000;

impl Actions {
    fn read(mut fields: Fields<'_>, assembly: &mut Assembly<'_>) -> Result<Self, ImportError> {
        let mut delays = Vec::new();
        for key in ["delays", "delaysLogNormal"] {
            for part in fields.list(key)?.unwrap_or_default() {
                if delays.len() == MAX_DELAYS {
                    return Err(fields.refuse(format!("has over {MAX_DELAYS} delays; expected fewer")));
                }
                let mut delay =
                    fields.read_within(part, "a delay: an object with `urlPattern` and `delay`")?;
                let pattern = delay.text("urlPattern")?.unwrap_or_default();
                let url = regex::RegexBuilder::new(&pattern).size_limit(64 * 1024).build();
                let Ok(url) = url else {
                    assembly.warn_of_file(format!(
                        "the `urlPattern` of one of `{key}` cannot be read; that delay is left out"
                    ));
                    continue;
                };
                let method = delay.text("httpMethod")?.filter(|method| !method.is_empty());
                let delay_ms = delay.value("delay", "a number of milliseconds")?;
                delays.push(Delay { url, method, delay_ms: delay_ms.filter(|ms| *ms <= MAX_DELAY_MS) });
            }
        }
        Ok(Self { delays })
    }

    /// The first delay whose pattern fits host and path holds.
    fn apply(&mut self, making: &mut Making) {
        let request = &making.exchange.request;
        let host = request.headers.text("host").unwrap_or_default();
        let place = format!("{host}{}", RequestTarget::of(&request.target).path);
        let fits = |delay: &&Delay| {
            delay.url.is_match(&place)
                && delay.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
        };
        match self.delays.iter().find(fits).map(|delay| delay.delay_ms) {
            None => {}
            Some(Some(delay_ms)) => making.exchange.latency_ms += delay_ms,
            Some(None) => {
                making.lose("a delay of `globalActions`: it is drawn anew each time, or over an hour");
            }
        }
    }
}
