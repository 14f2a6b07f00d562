//! The request that a mapping of WireMock's describes.

use super::matcher::{self, Described};
use crate::ImportError;
use crate::example::{self, Example};
use crate::fields::{Fields, plain_text};
use crate::making::{ANY_BODY, Making, add_header, decode_base64, json_body, shown};
use crate::query::{self, with_slash};
use crate::source::Source;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::Body;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Reads a request. Says whether there is one.
pub(super) fn read(
    source: Source<'_>,
    mut fields: Fields<'_>,
    making: &mut Making,
) -> Result<bool, ImportError> {
    read_method(source, &mut fields, making)?;
    let Some(path) = read_path(source, &mut fields, making)? else { return Ok(false) };
    let mut query: Vec<(String, String)> = Vec::new();
    for (name, part) in fields.named("queryParameters")? {
        for described in matcher::read_several(source, part)? {
            let value = take(described, &format!("the query field `{}`", shown(&name)), making);
            query.extend(value.map(|value| (name.clone(), value)));
        }
    }
    making.exchange.request.target =
        query::target(&path, query.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))));
    read_headers(source, &mut fields, making)?;
    read_body(source, &mut fields, making)?;
    for key in ["port", "scheme", "clientIp", "customMatcher"] {
        if fields.raw(key).is_some() {
            making.lose(format!("`{key}` of the request"));
        }
    }
    making.lose_keys("request", fields.unread());
    Ok(true)
}

fn take(described: Described, whose: &str, making: &mut Making) -> Option<String> {
    let (value, told) = described.resolve(whose);
    if let Some(told) = told {
        making.lose(told);
    }
    value
}

fn read_method(source: Source<'_>, fields: &mut Fields<'_>, making: &mut Making) -> Result<(), ImportError> {
    let method = match fields.raw("method") {
        None => "ANY".to_owned(),
        Some(raw) if raw.starts_with('{') => match matcher::read(source, raw)? {
            Described::Exactly(method) => method,
            _ => "ANY".to_owned(),
        },
        Some(raw) => plain_text(raw),
    };
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fields.refuse("`method` is no HTTP method; expected one such as GET, or ANY"));
    }
    if method == "ANY" {
        making.lose("that any method fits; `GET` stands for it");
    } else {
        making.exchange.request.method = method;
    }
    Ok(())
}

/// Path and, where the mapping gives them in one, query. Nothing where no path can be said.
fn read_path(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    making: &mut Making,
) -> Result<Option<String>, ImportError> {
    if let Some(path) = fields.text("url")?.or(fields.text("urlPath")?) {
        return Ok(Some(with_slash(&path)));
    }
    if let Some(template) = fields.text("urlPathTemplate")? {
        let values = fields.named("pathParameters")?;
        return fill_template(source, &template, &values, making).map(Some);
    }
    for key in ["urlPattern", "urlPathPattern"] {
        if let Some(pattern) = fields.text(key)? {
            let example = example::of_path_pattern(&pattern);
            if matches!(example, Some(Example::OneOf(_))) {
                making.lose(format!("the pattern of the path (`{key}`); a path that fits stands for it"));
            }
            return Ok(example.map(Example::into_text));
        }
    }
    making.lose("that any path fits; `/` stands for it");
    Ok(Some("/".to_owned()))
}

/// `/contacts/{id}` with what `pathParameters` says of `id`, else with the variable's name.
fn fill_template(
    source: Source<'_>,
    template: &str,
    values: &[(String, &str)],
    making: &mut Making,
) -> Result<String, ImportError> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, from)| Some((before, from.split_once('}')?)))
    {
        out.push_str(before);
        let described = match values.iter().find(|(known, _)| known == name) {
            Some((_, part)) => matcher::read(source, part)?,
            None => Described::Like(name.to_owned(), "urlPathTemplate"),
        };
        let value = take(described, &format!("the path variable `{}`", shown(name)), making);
        let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| name.to_owned());
        out.push_str(
            &utf8_percent_encode(&value, NON_ALPHANUMERIC)
                .to_string()
                .replace("%2D", "-")
                .replace("%5F", "_")
                .replace("%2E", "."),
        );
        rest = after;
    }
    out.push_str(rest);
    Ok(with_slash(&out))
}

fn read_headers(source: Source<'_>, fields: &mut Fields<'_>, making: &mut Making) -> Result<(), ImportError> {
    for (name, part) in fields.named("headers")? {
        for described in matcher::read_several(source, part)? {
            if let Some(value) = take(described, &format!("the header `{}`", shown(&name)), making) {
                add_header(&mut making.exchange.request.headers, &name, &value);
            }
        }
    }
    if let Some(part) = fields.raw("host")
        && let Some(value) = take(matcher::read(source, part)?, "`host`", making)
    {
        add_header(&mut making.exchange.request.headers, "host", &value);
    }
    let mut cookies = Vec::new();
    for (name, part) in fields.named("cookies")? {
        let value = take(matcher::read(source, part)?, &format!("the cookie `{}`", shown(&name)), making);
        cookies.extend(value.map(|value| format!("{name}={value}")));
    }
    if !cookies.is_empty() {
        add_header(&mut making.exchange.request.headers, "cookie", &cookies.join("; "));
    }
    if let Some(mut basic) = fields.fields("basicAuthCredentials")?.or(fields.fields("basicAuth")?) {
        let user = basic.text("username")?.unwrap_or_default();
        let password = basic.text("password")?.unwrap_or_default();
        let value = format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
        add_header(&mut making.exchange.request.headers, "authorization", &value);
    }
    Ok(())
}

fn read_body(source: Source<'_>, fields: &mut Fields<'_>, making: &mut Making) -> Result<(), ImportError> {
    let mut form = Vec::new();
    for (name, part) in fields.named("formParameters")? {
        for described in matcher::read_several(source, part)? {
            let value = take(described, &format!("the form field `{}`", shown(&name)), making);
            form.extend(value.map(|value| (name.clone(), value)));
        }
    }
    if !form.is_empty() {
        let headers = &mut making.exchange.request.headers;
        if headers.values("content-type").is_empty() {
            add_header(headers, "content-type", "application/x-www-form-urlencoded");
        }
        making.exchange.request.body = Body::Form(form);
    }
    if fields.list("multipartPatterns")?.is_some_and(|parts| !parts.is_empty()) {
        making.lose("the patterns of the multipart body; any body fits on replay");
        making.exchange.request.body = ANY_BODY;
        return Ok(());
    }
    let patterns = fields.list("bodyPatterns")?.unwrap_or_default();
    let has_no_form = making.exchange.request.body == Body::None;
    let method = making.exchange.request.method.as_str();
    if patterns.is_empty() && has_no_form && matches!(method, "POST" | "PUT" | "PATCH") {
        // Without a pattern WireMock takes any body, and so does a body that nobody knows.
        making.exchange.request.body = ANY_BODY;
    }
    for (index, part) in patterns.iter().enumerate() {
        let body = body_pattern(source, part, making)?;
        if index == 0 {
            making.exchange.request.body = body.unwrap_or(ANY_BODY);
        } else {
            making.lose("the body patterns but the first");
        }
    }
    Ok(())
}

/// The body that a pattern allows alone; nothing where it allows several.
fn body_pattern(source: Source<'_>, part: &str, making: &mut Making) -> Result<Option<Body>, ImportError> {
    let mut fields = Fields::read(source, part, "a body pattern: an object such as {\"equalTo\": ...}")?;
    if let Some(raw) = fields.raw("equalToJson") {
        for key in ["ignoreArrayOrder", "ignoreExtraElements"] {
            if fields.raw(key) == Some("true") {
                making.lose(format!("`{key}` of `equalToJson`: on replay the body must be the same"));
            }
        }
        let text = plain_text(raw);
        if text.contains("${json-unit") {
            making.lose("the placeholders of JSON Unit in the body; any body fits on replay");
            return Ok(None);
        }
        return Ok(Some(json_body(if raw.starts_with('"') { &text } else { raw })));
    }
    if let Some(raw) = fields.raw("equalTo") {
        if fields.raw("caseInsensitive") == Some("true") {
            making.lose("that upper and lower case do not matter in the body: on replay they do");
        }
        return Ok(Some(Body::Text(plain_text(raw))));
    }
    if let Some(raw) = fields.raw("equalToXml") {
        making.lose("that white space and order do not matter in the XML: on replay they do");
        return Ok(Some(Body::Text(plain_text(raw))));
    }
    if let Some(raw) = fields.raw("binaryEqualTo") {
        return Ok(Some(Body::Binary(decode_base64(source, raw, &plain_text(raw))?)));
    }
    if fields.raw("absent") == Some("true") {
        return Ok(Some(Body::None));
    }
    let how = fields.unread().next().map(shown).unwrap_or_default();
    making.lose(format!("the pattern of the body (`{how}`); any body fits on replay"));
    Ok(None)
}
