//! What redaction takes from real recordings that is no secret. They lie outside of the project; where they are not there,
//! the test says so. Reads just enough of the formats for that.

use crate::places::plain;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterpart_exchange::content_coding;
use counterpart_exchange::redaction::{Rule, redact};
use counterpart_exchange::{
    Body, Exchange, HeaderValue, Headers, ProviderProfile, RequestTarget, find_placeholders, parse_spanned,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// At most so many of all values may be replaced though they are no secret: the promise.
const MAX_FALSE: f64 = 0.01;

fn recordings() -> Option<PathBuf> {
    let named = std::env::var_os("COUNTERPART_REAL_RECORDINGS").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    Some(named.unwrap_or_else(beside)).filter(|folder| folder.is_dir())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    all.sort();
    all
}

fn document(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).ok().or_else(|| parse_spanned(path, text).ok())
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// Path and query of a URL.
fn target_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let target = rest.find('/').map_or("/", |at| &rest[at..]);
    target.split('#').next().unwrap_or("/").to_owned()
}

fn body(bytes: &[u8], headers: &Headers) -> Body {
    let coding = headers.text("content-encoding").unwrap_or_default();
    let decoded = content_coding::decode(bytes, coding, 8 * 1024 * 1024).unwrap_or_else(|_| bytes.to_vec());
    Body::from_bytes(&decoded, headers.text("content-type"))
}

/// The interactions of a cassette of VCR, in JSON or YAML.
fn of_cassette(document: &Value) -> Vec<Exchange> {
    let headers_of = |value: &Value| {
        let mut headers = Headers::default();
        for (name, values) in value["headers"].as_object().into_iter().flatten() {
            let values = values.as_array().map_or_else(|| vec![values.clone()], Clone::clone);
            for value in values.iter().filter_map(Value::as_str) {
                headers.append(name, HeaderValue::Text(value.to_owned()));
            }
        }
        headers
    };
    let body_of = |value: &Value, headers: &Headers| {
        let text = &value["body"];
        match text["base64_string"].as_str() {
            Some(packed) => {
                body(&STANDARD.decode(packed.replace(['\n', ' '], "")).unwrap_or_default(), headers)
            }
            None => body(text["string"].as_str().or(text.as_str()).unwrap_or_default().as_bytes(), headers),
        }
    };
    let mut all = Vec::new();
    for interaction in document["http_interactions"].as_array().into_iter().flatten() {
        let (asked, answered) = (&interaction["request"], &interaction["response"]);
        let mut one = plain();
        one.request.method = text_of(asked, "method").to_uppercase();
        one.request.target = target_of(text_of(asked, "uri"));
        one.request.headers = headers_of(asked);
        one.request.body = body_of(asked, &one.request.headers);
        if let Some(response) = &mut one.response {
            response.headers = headers_of(answered);
            response.body = body_of(answered, &response.headers);
        }
        all.push(one);
    }
    all
}

/// The entries of an HTTP archive.
fn of_archive(document: &Value) -> Vec<Exchange> {
    let headers_of = |value: &Value| {
        let mut headers = Headers::default();
        for field in value["headers"].as_array().into_iter().flatten() {
            let name = text_of(field, "name");
            if !name.starts_with(':') && !name.eq_ignore_ascii_case("content-encoding") {
                headers.append(name, HeaderValue::Text(text_of(field, "value").to_owned()));
            }
        }
        headers
    };
    let mut all = Vec::new();
    for entry in document["log"]["entries"].as_array().into_iter().flatten() {
        let (asked, answered) = (&entry["request"], &entry["response"]);
        let mut one = plain();
        one.request.method = text_of(asked, "method").to_owned();
        one.request.target = target_of(text_of(asked, "url"));
        one.request.headers = headers_of(asked);
        one.request.body = body(text_of(&asked["postData"], "text").as_bytes(), &one.request.headers);
        if let Some(response) = &mut one.response {
            response.headers = headers_of(answered);
            let content = &answered["content"];
            let text = text_of(content, "text");
            let bytes = match text_of(content, "encoding") {
                "base64" => STANDARD.decode(text).unwrap_or_default(),
                _ => text.as_bytes().to_vec(),
            };
            response.body = body(&bytes, &response.headers);
        }
        all.push(one);
    }
    all
}

/// A webhook that was delivered.
fn of_payload(document: &Value) -> Vec<Exchange> {
    let mut one = plain();
    one.request.body = Body::from_bytes(document.to_string().as_bytes(), Some("application/json"));
    one.response = None;
    vec![one]
}

/// Every value of an exchange, with the name that it stands under.
fn each_value(exchange: &Exchange, see: &mut impl FnMut(&str, &str)) {
    let target = RequestTarget::of(&exchange.request.target);
    target.segments().filter(|segment| !segment.is_empty()).for_each(|segment| see("(path)", &segment));
    target.query_fields().into_iter().for_each(|(name, value)| see(&format!("?{name}"), &value));
    let messages = std::iter::once((&exchange.request.headers, &exchange.request.body))
        .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)));
    for (headers, body) in messages {
        for (name, values) in headers.iter() {
            values.iter().filter_map(HeaderValue::as_text).for_each(|value| see(&format!("{name}:"), value));
        }
        match body {
            Body::Json(json) => {
                for scalar in json.scalars() {
                    see(scalar.key.as_deref().unwrap_or("[]"), &scalar.value);
                }
            }
            Body::Form(fields) => fields.iter().for_each(|(name, value)| see(name, value)),
            Body::Text(text) => see("(text)", text),
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
    }
}

#[test]
fn little_is_taken_that_is_no_secret() {
    let Some(root) = recordings() else {
        eprintln!("SKIPPED: there are no real recordings; name their folder in COUNTERPART_REAL_RECORDINGS");
        return;
    };
    let mut flows: Vec<(PathBuf, Vec<Exchange>)> = Vec::new();
    for folder in ["github-vcr-json", "stripe-vcr-yaml", "easypost-vcr-yaml", "contentful-vcr-yaml"] {
        flows.extend(files(&root.join(folder)).into_iter().filter_map(|path| {
            let exchanges = of_cassette(&document(&path)?);
            Some((path, exchanges))
        }));
    }
    flows.extend(files(&root.join("har")).into_iter().filter_map(|path| {
        let exchanges = of_archive(&document(&path)?);
        Some((path, exchanges))
    }));
    flows.extend(files(&root.join("github-webhook-payloads")).into_iter().filter_map(|path| {
        let exchanges = of_payload(&document(&path)?);
        Some((path, exchanges))
    }));
    flows.retain(|(_, exchanges)| !exchanges.is_empty());

    let (mut exchanges_count, mut values, mut refused) = (0, 0_usize, 0);
    // By rule, then by the name of the field.
    let mut replaced: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    for (_, exchanges) in flows {
        exchanges_count += exchanges.len();
        let kept_aside = std::env::var_os("COUNTERPART_KEPT_REAL");
        if let Some(folder) = &kept_aside {
            let (result, _) = crate::kept_in(exchanges.clone(), "", &[], Some(Path::new(folder)));
            refused += usize::from(result.is_err());
        }
        let redacted = redact(exchanges, &ProviderProfile::unknown("p"), &[]);
        for exchange in &redacted.exchanges {
            each_value(exchange, &mut |name, value| {
                values += 1;
                let Some((_, placeholder)) = find_placeholders(value).into_iter().next() else { return };
                let rule = match redacted.rules.get(&placeholder) {
                    Some(Rule::Name(_) | Rule::Profile(_)) => "by its place",
                    Some(Rule::Form(form)) => form,
                    Some(Rule::Random) => BY_LOOK,
                    Some(Rule::Known(_)) | None => "was there",
                };
                *replaced.entry(rule).or_default().entry(name.to_owned()).or_default() += 1;
            });
        }
    }
    let count = |rule: &str| replaced.get(rule).map_or(0, |fields| fields.values().sum::<usize>());
    let all: usize = replaced.keys().map(|rule| count(rule)).sum();
    let falsely: usize = replaced
        .iter()
        .flat_map(|(rule, fields)| fields.iter().map(move |(name, count)| (rule, name, count)))
        .filter(|(rule, name, _)| is_false(rule, name))
        .map(|(_, _, count)| count)
        .sum();
    let share = falsely as f64 / values as f64;
    println!(
        "{exchanges_count} real exchanges, {values} values: {all} replaced, {falsely} of them no secret: {:.2} %",
        share * 100.0
    );
    println!("  {refused} recordings were refused by the scan (counted only where they are kept aside)");
    for (rule, fields) in &replaced {
        println!("  {rule}: {}", count(rule));
        let mut most: Vec<_> = fields.iter().collect();
        most.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let told = |(name, count): &(&String, &usize)| {
            format!("{count} {name}{}", if is_false(rule, name) { " (no secret)" } else { "" })
        };
        println!("    {}", most.iter().take(24).map(told).collect::<Vec<_>>().join(", "));
    }
    assert!(share < MAX_FALSE, "{share}");
}

const BY_LOOK: &str = "looks drawn at random";

/// Judged by hand, over the values that were replaced under each name: which were no secret and tell of no person.
fn is_false(rule: &str, name: &str) -> bool {
    const SECRETS_BY_LOOK: [&str; 1] = ["encrypted_value"];
    match rule {
        BY_LOOK => !SECRETS_BY_LOOK.contains(&name),
        "by its place" => HARMLESS_AT_A_PLACE.contains(&name),
        _ => false,
    }
}

/// Names under which what was replaced by its place was no secret: they stand below a key that is called `credentials`.
const HARMLESS_AT_A_PLACE: [&str; 3] = ["client_id", "distribution_center", "pickup_id"];
