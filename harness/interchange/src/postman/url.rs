//! URLs of a collection: text, or an object with its parts.

use super::variables::Variables;
use super::{Pair, pairs};
use crate::ImportError;
use crate::fields::{Fields, plain_text};
use crate::making::{Making, shown};
use crate::source::{At, Source};
use crate::url::ForeignUrl;
use serde_json::value::RawValue;

/// Reads a URL in either spelling.
pub(super) fn read<'a>(
    source: Source<'a>,
    raw: &'a str,
    variables: &Variables,
    making: &mut Making,
) -> Result<(), ImportError> {
    let at = source.offset_of(raw);
    if raw.starts_with('"') {
        return set(source, at, &plain_text(raw), variables, making);
    }
    let mut fields = Fields::read(source, raw, "a URL: text, or an object with `raw`, `host` and `path`")?;
    let own = Variables::read(&mut fields, "variable")?;
    let text = match fields.text("raw")? {
        Some(raw) if !fields.has("host") && !fields.has("path") => raw,
        _ => join(source, &mut fields)?,
    };
    set(source, at, &fill_path(&text, &own, making), variables, making)
}

/// Takes over a URL whose variables are not filled in yet.
pub(super) fn set(
    source: Source<'_>,
    at: At,
    text: &str,
    variables: &Variables,
    making: &mut Making,
) -> Result<(), ImportError> {
    let text = without_unknown_host(text.trim(), variables, making);
    let filled = variables.fill(&text, "the URL", making);
    let has_host = filled.contains("://") || filled.starts_with('/');
    let url = if has_host { filled } else { format!("http://{filled}") };
    let url = ForeignUrl::parse(&url)
        .map_err(|why| source.refuse(at, format!("the URL {why}; mend or take out this request")))?;
    making.set_url(url);
    Ok(())
}

/// `{{base}}/users` where nobody says what `base` is: the path alone.
fn without_unknown_host(text: &str, variables: &Variables, making: &mut Making) -> String {
    let after_scheme = text.split_once("://").map_or(text, |(_, after)| after);
    if let Some((name, rest)) = after_scheme.strip_prefix("{{").and_then(|from| from.split_once("}}"))
        && variables.get(name).is_none()
    {
        making.lose(format!("the host: the collection does not give the variable `{}`", shown(name)));
        let path = rest.find(['/', '?']).map_or("", |start| &rest[start..]);
        return if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    }
    text.to_owned()
}

/// The parts of a URL put together, as Postman does.
fn join(source: Source<'_>, fields: &mut Fields<'_>) -> Result<String, ImportError> {
    let mut url = String::new();
    if let Some(protocol) = fields.text("protocol")?.filter(|protocol| !protocol.is_empty()) {
        url.push_str(&protocol);
        url.push_str("://");
    }
    if let Some(raw) = fields.raw("host") {
        url.push_str(&parts(source, raw, ".")?);
    }
    if let Some(port) = fields.raw("port").map(plain_text).filter(|port| !port.is_empty()) {
        url.push(':');
        url.push_str(&port);
    }
    if let Some(raw) = fields.raw("path") {
        let path = parts(source, raw, "/")?;
        if !path.starts_with('/') {
            url.push('/');
        }
        url.push_str(&path);
    }
    if let Some(raw) = fields.raw("query") {
        // As it is typed: what cannot stand in a query is encoded when it is sent.
        let encode = |part: &str| part.replace('#', "%23").replace('&', "%26");
        let query: Vec<String> = pairs(source, raw)?
            .into_iter()
            .map(|Pair { key, value, .. }| match value {
                Some(value) => format!("{}={}", encode(&key), encode(&value)),
                None => encode(&key),
            })
            .collect();
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query.join("&"));
        }
    }
    Ok(url)
}

/// A list of words, or text; a word of a path may be an object with `value`.
fn parts(source: Source<'_>, raw: &str, between: &str) -> Result<String, ImportError> {
    if !raw.starts_with('[') {
        return Ok(plain_text(raw));
    }
    let all: Vec<&RawValue> = crate::json::parse(source, raw, "a list of words")?;
    let mut words = Vec::new();
    for part in all {
        words.push(match part.get() {
            object if object.starts_with('{') => {
                Fields::read(source, object, "a word of a path")?.text("value")?.unwrap_or_default()
            }
            word => plain_text(word),
        });
    }
    Ok(words.join(between))
}

/// `/users/:id` with what the URL itself says of `id`, else with the variable's name.
fn fill_path(url: &str, own: &Variables, making: &mut Making) -> String {
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (start, path) = match path.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), path),
    };
    let words: Vec<String> = path
        .split('/')
        .enumerate()
        .map(|(index, word)| match word.strip_prefix(':').filter(|name| index > 0 && !name.is_empty()) {
            None => word.to_owned(),
            Some(name) => match own.get(name).filter(|value| !value.is_empty()) {
                Some(value) => value.to_owned(),
                None => {
                    let what = format!(
                        "the path variable `{}`, which is not given; its name stands for it",
                        shown(name)
                    );
                    making.lose(what);
                    name.to_owned()
                }
            },
        })
        .collect();
    format!("{start}{}{query}", words.join("/"))
}
