//! Postman collections, format 2.1.
//!
//! A collection holds requests, in folders within folders, each with the answers that somebody saved as examples. Each
//! such example is an exchange; a request without one is left out, and told. Variables that the collection gives are
//! filled in. Scripts are never run.

mod auth;
mod body;
mod url;
mod variables;

use crate::assembly::Assembly;
use crate::fields::{Fields, plain_text};
use crate::making::{Making, add_header, body_of, shown};
use crate::source::Source;
use crate::{ImportError, Imported};
use auth::Auth;
use counterpart_exchange::Headers;
use std::path::Path;
use variables::Variables;

/// Folders within folders: parts of a file are read one at a time, so the parser does not bound them.
const MAX_DEPTH: usize = 64;

const A_COLLECTION: &str = "a Postman collection: an object with `info` and `item`";

/// Reads a Postman collection.
///
/// # Errors
/// [`ImportError`] with the place of what is not as format 2.1 has it.
pub fn import_postman(path: &Path, text: &str) -> Result<Imported, ImportError> {
    let source = Source::new(path, text);
    let mut file = Fields::read(source, text, A_COLLECTION)?;
    // The service's API wraps what the application exports.
    let mut collection = if file.has("collection") && !file.has("item") {
        file.fields("collection")?.ok_or_else(|| file.refuse(format!("expected {A_COLLECTION}")))?
    } else {
        file
    };
    check_version(&mut collection)?;
    let items = collection.list("item")?;
    let items = items.ok_or_else(|| collection.refuse(format!("has no `item`; expected {A_COLLECTION}")))?;
    let variables = Variables::read(&mut collection, "variable")?;
    let inherited = Inherited {
        auth: Auth::read(&mut collection)?.unwrap_or_default(),
        has_scripts: has_scripts(&mut collection)?,
        depth: 0,
    };
    let mut reader = Reader { source, variables, assembly: Assembly::new(source) };
    reader.read_items(items, &inherited)?;
    collection.pass_over(&["protocolProfileBehavior"]);
    for key in collection.unread() {
        reader
            .assembly
            .warn_of_file(format!("`{}` of the collection is not known here and is left out", shown(key)));
    }
    Ok(reader.assembly.finish())
}

fn check_version(collection: &mut Fields<'_>) -> Result<(), ImportError> {
    let schema = match collection.fields("info")? {
        Some(mut info) => info.text("schema")?,
        None => None,
    };
    match schema.as_deref() {
        Some(schema) if schema.contains("/v2.1") => Ok(()),
        Some(_) => {
            Err(collection
                .refuse("is of another collection format; export it from Postman as Collection v2.1"))
        }
        None => Err(collection.refuse(format!("has no `info.schema`; expected {A_COLLECTION}"))),
    }
}

/// What a folder hands down to what is in it.
#[derive(Clone, Default)]
struct Inherited {
    auth: Auth,
    has_scripts: bool,
    /// How many folders lie around it.
    depth: usize,
}

struct Reader<'a> {
    source: Source<'a>,
    variables: Variables,
    assembly: Assembly<'a>,
}

impl<'a> Reader<'a> {
    /// Reads folders and requests.
    fn read_items(&mut self, items: Vec<&'a str>, inherited: &Inherited) -> Result<(), ImportError> {
        for part in items {
            let mut item = Fields::read(self.source, part, "a folder with `item`, or a `request`")?;
            let mut handed = inherited.clone();
            handed.depth += 1;
            if handed.depth > MAX_DEPTH {
                return Err(item.refuse(format!("lies in more than {MAX_DEPTH} folders; expected fewer")));
            }
            handed.has_scripts |= has_scripts(&mut item)?;
            if let Some(auth) = Auth::read(&mut item)? {
                handed.auth = auth;
            }
            match item.list("item")? {
                Some(items) => self.read_items(items, &handed)?,
                None => self.read_request(part, item, &handed)?,
            }
        }
        Ok(())
    }

    fn read_request(
        &mut self,
        part: &'a str,
        mut item: Fields<'a>,
        inherited: &Inherited,
    ) -> Result<(), ImportError> {
        let Some(request) = item.raw("request") else {
            return Err(item.refuse("has neither `item` nor `request`; expected a folder or a request"));
        };
        let examples = item.list("response")?.unwrap_or_default();
        if examples.is_empty() {
            let making = Making::new(self.source.offset_of(part));
            return making.give_up(&mut self.assembly, "the request has no saved answer");
        }
        for example in examples {
            self.read_example(request, example, inherited)?;
        }
        Ok(())
    }

    fn read_example(
        &mut self,
        request: &'a str,
        example: &'a str,
        inherited: &Inherited,
    ) -> Result<(), ImportError> {
        let mut fields = Fields::read(self.source, example, "a saved answer: an object with `code`")?;
        let mut making = Making::new(self.source.offset_of(example));
        let request = fields.raw("originalRequest").unwrap_or(request);
        read_original(self.source, request, &self.variables, inherited, &mut making)?;
        let Some(code) = fields.raw("code") else {
            return making.give_up(&mut self.assembly, "the saved answer has no status (`code`)");
        };
        making.set_status(self.source, code)?;
        let headers = headers(self.source, &mut fields, &self.variables, &mut making)?;
        let body = fields.text("body")?.unwrap_or_default();
        making.answer().body = body_of(body.as_bytes(), &headers);
        if headers.values("set-cookie").is_empty()
            && fields.list("cookie")?.is_some_and(|list| !list.is_empty())
        {
            making.lose("`cookie` of the saved answer: no `Set-Cookie` header says it");
        }
        making.answer().headers = headers;
        // A number, or null, or text in old files.
        let time: Option<f64> = fields.raw("responseTime").and_then(|raw| plain_text(raw).parse().ok());
        making.exchange.latency_ms = time.filter(|ms| *ms > 0.0).map_or(0, |ms| ms.round() as u64);
        if inherited.has_scripts {
            making.lose("the scripts: what they change of a request is not there");
        }
        fields.pass_over(&[
            "id",
            "uid",
            "name",
            "status",
            "timings",
            "cookie",
            "_postman_previewlanguage",
            "_postman_previewtype",
            "description",
        ]);
        making.lose_keys("saved answer", fields.unread());
        making.finish(&mut self.assembly)
    }
}

/// Whether there are scripts that are not empty.
fn has_scripts(fields: &mut Fields<'_>) -> Result<bool, ImportError> {
    for part in fields.list("event")?.unwrap_or_default() {
        let mut event = fields.read_within(part, "an event: an object with `script`")?;
        if let Some(mut script) = event.fields("script")? {
            let lines = match script.raw("exec") {
                Some(raw) if raw.starts_with('[') => serde_json::from_str(raw).unwrap_or_default(),
                Some(raw) => vec![plain_text(raw)],
                None => Vec::new(),
            };
            if script.has("src") || lines.iter().any(|line| !line.trim().is_empty()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A request: an object, or its URL alone.
fn read_original<'a>(
    source: Source<'a>,
    part: &'a str,
    variables: &Variables,
    inherited: &Inherited,
    making: &mut Making,
) -> Result<(), ImportError> {
    if part.starts_with('"') {
        url::set(source, source.offset_of(part), &plain_text(part), variables, making)?;
        inherited.auth.add_to(variables, making);
        return Ok(());
    }
    let mut fields = Fields::read(source, part, "a request: an object with `method` and `url`, or a URL")?;
    if let Some(method) = fields.text("method")? {
        making.exchange.request.method = variables.fill(&method, "the method", making);
    }
    match fields.raw("url") {
        Some(raw) => url::read(source, raw, variables, making)?,
        None => making.lose("the URL, which is missing; `/` stands for it"),
    }
    let headers = headers(source, &mut fields, variables, making)?;
    for (name, values) in headers.iter() {
        for value in values {
            making.exchange.request.headers.append(name, value.clone());
        }
    }
    if let Some(body) = fields.fields("body")? {
        body::read(source, body, variables, making)?;
    }
    let own = Auth::read(&mut fields)?;
    own.as_ref().unwrap_or(&inherited.auth).add_to(variables, making);
    for key in ["proxy", "certificate"] {
        if fields.raw(key).is_some_and(|raw| raw != "{}") {
            making.lose(format!("`{key}` of the request"));
        }
    }
    fields.pass_over(&["description", "name"]);
    making.lose_keys("request", fields.unread());
    Ok(())
}

/// A list of `{key, value, disabled}`, or lines of text.
fn headers(
    source: Source<'_>,
    fields: &mut Fields<'_>,
    variables: &Variables,
    making: &mut Making,
) -> Result<Headers, ImportError> {
    let mut headers = Headers::default();
    let Some(raw) = fields.raw("header") else { return Ok(headers) };
    if raw.starts_with('"') {
        for line in plain_text(raw).lines() {
            if let Some((name, value)) = line.split_once(':') {
                add_header(&mut headers, name.trim(), &variables.fill(value.trim(), "a header", making));
            }
        }
        return Ok(headers);
    }
    for Pair { key, value, .. } in pairs(source, raw)? {
        let whose = format!("the header `{}`", shown(&key));
        add_header(&mut headers, &key, &variables.fill(&value.unwrap_or_default(), &whose, making));
    }
    Ok(headers)
}

/// One of a list of `{key, value}` that is switched on.
struct Pair<'a> {
    key: String,
    value: Option<String>,
    /// What it is beside: a file of a form.
    fields: Fields<'a>,
}

fn pairs<'a>(source: Source<'a>, raw: &'a str) -> Result<Vec<Pair<'a>>, ImportError> {
    let all: Vec<&serde_json::value::RawValue> =
        crate::json::parse(source, raw, "a list of `key` and `value`")?;
    let mut pairs = Vec::new();
    for part in all.into_iter().map(serde_json::value::RawValue::get).filter(|part| part.starts_with('{')) {
        let mut fields = Fields::read(source, part, "an object with `key` and `value`")?;
        if fields.raw("disabled") == Some("true") {
            continue;
        }
        let key = fields.raw("key").map(plain_text).unwrap_or_default();
        let value = fields.raw("value").map(plain_text);
        pairs.push(Pair { key, value, fields });
    }
    Ok(pairs)
}
