//! The counts written as an OpenAPI 3.1 document and as its evidence.
//!
//! Everything that is not a count comes from the profile. Keys are sorted wherever the order in which
//! things were first seen would show.

use crate::contract::Contract;
use crate::evidence::{
    BodyEvidence, Evidence, FieldCount, MediaEvidence, OperationEvidence, ResponseEvidence,
};
use crate::infer::observed::{Observed, ObservedBody, ObservedMedia, ObservedOperation, ObservedResponse};
use crate::infer::path::PathForm;
use counterpart_exchange::{Auth, Fixture, KeyPlace, OperationName, Provenance, ProviderProfile};
use serde_json::{Map, Value, json};
use serde_saphyr::FlowMap;
use std::collections::{BTreeMap, BTreeSet};

/// The version of OpenAPI that is written.
const OPENAPI_VERSION: &str = "3.1.1";

/// Says of a Request Body or Response Object that the body is sometimes left out, which OpenAPI has
/// no word for in an answer.
pub(crate) const MAY_BE_EMPTY: &str = "x-counterpart-may-be-empty";

/// The document, path by path.
pub(crate) fn contract_of(profile: &ProviderProfile, fixtures: &[Fixture], observed: &Observed) -> Contract {
    let mut paths: BTreeMap<String, Value> = BTreeMap::new();
    for (key, operation) in named_operations(profile, observed) {
        let path_item = paths.entry(key.path.clone()).or_insert_with(|| json!({}));
        path_item[&key.method] = operation_of(profile, &key, operation);
    }
    let mut document = Map::new();
    document.insert("openapi".into(), json!(OPENAPI_VERSION));
    document.insert("info".into(), info_of(profile));
    if profile.source.starts_with("https://") || profile.source.starts_with("http://") {
        document.insert("externalDocs".into(), json!({"url": profile.source}));
    }
    let servers: Vec<Value> = servers_of(fixtures).into_iter().map(|url| json!({"url": url})).collect();
    if !servers.is_empty() {
        document.insert("servers".into(), json!(servers));
    }
    let security = security_scheme(&profile.auth);
    if let Some((name, _)) = &security {
        document.insert("security".into(), json!([{*name: []}]));
    }
    document.insert("paths".into(), Value::Object(paths.into_iter().collect()));
    if !observed.webhooks.is_empty() {
        document.insert("webhooks".into(), webhooks_of(observed));
    }
    if let Some((name, scheme)) = security {
        document.insert("components".into(), json!({"securitySchemes": {name: scheme}}));
    }
    Contract::built(Value::Object(document))
}

/// What requests prove themselves with, under a name (OpenAPI 3.1, Security Scheme Object).
fn security_scheme(auth: &Auth) -> Option<(&'static str, Value)> {
    Some(match auth {
        Auth::None => return None,
        Auth::Bearer(_) | Auth::OAuth2(_) => ("bearer", json!({"type": "http", "scheme": "bearer"})),
        Auth::Basic(_) => ("basic", json!({"type": "http", "scheme": "basic"})),
        Auth::ApiKey(key) => {
            let scheme = match &key.place {
                KeyPlace::Header(name) => json!({"type": "apiKey", "in": "header", "name": name}),
                KeyPlace::Query(name) => json!({"type": "apiKey", "in": "query", "name": name}),
                KeyPlace::Authorization(scheme) => {
                    json!({"type": "http", "scheme": scheme.to_ascii_lowercase()})
                }
            };
            ("api_key", scheme)
        }
    })
}

/// The counts behind the document.
pub(crate) fn evidence_of(profile: &ProviderProfile, fixtures: &[Fixture], observed: &Observed) -> Evidence {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for fixture in fixtures {
        *counted.entry(fixture.name()).or_default() += fixture.exchanges.len() as u64;
    }
    let operations = named_operations(profile, observed)
        .into_iter()
        .map(|(key, seen)| {
            let request = format!("{} {}", key.method.to_ascii_uppercase(), key.path);
            (key.operation_id, counts_of(request, seen))
        })
        .collect();
    let mut webhooks = BTreeMap::new();
    for ((name, method), seen) in &observed.webhooks {
        let method = method.to_ascii_uppercase();
        webhooks.insert(format!("{name} {method}"), counts_of(method, seen));
    }
    Evidence {
        counterpart: "evidence/1".into(),
        provider: profile.provider.clone(),
        fixtures: counted,
        left_out: observed.left_out,
        operations,
        webhooks,
    }
}

/// Where an operation stands in the document.
struct OperationKey {
    path: String,
    variables: Vec<String>,
    method: String,
    operation_id: String,
    /// The profile's name, where the profile has a template for it.
    named_by_profile: Option<OperationName>,
}

fn named_operations<'o>(
    profile: &ProviderProfile,
    observed: &'o Observed,
) -> Vec<(OperationKey, &'o ObservedOperation)> {
    let mut taken: BTreeSet<String> = profile.operations.keys().map(|name| name.0.clone()).collect();
    observed
        .operations
        .iter()
        .map(|((form, method), operation)| {
            let (path, variables) = form.named(profile);
            let named_by_profile = name_in_profile(profile, form, method);
            let operation_id = named_by_profile.as_ref().map_or_else(
                || free_name(&format!("{method}-{}", form.words(&variables).join("-")), &mut taken),
                |name| name.0.clone(),
            );
            (
                OperationKey { path, variables, method: method.clone(), operation_id, named_by_profile },
                operation,
            )
        })
        .collect()
}

fn name_in_profile(profile: &ProviderProfile, form: &PathForm, method: &str) -> Option<OperationName> {
    let fits = |(_, template): &(&OperationName, &counterpart_exchange::OperationTemplate)| {
        // One path item holds all calls of a protocol's endpoint: none of them gives it its name.
        template.call.is_none()
            && template.method.eq_ignore_ascii_case(method)
            && PathForm::of_template(template) == *form
    };
    profile.operations.iter().find(fits).map(|(name, _)| name.clone())
}

/// The name, numbered where it is taken: an `operationId` is unique in its document.
fn free_name(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let wanted = wanted.trim_end_matches('-');
    let mut name = wanted.to_owned();
    let mut number = 1;
    while !taken.insert(name.clone()) {
        number += 1;
        name = format!("{wanted}-{number}");
    }
    name
}

fn info_of(profile: &ProviderProfile) -> Value {
    let title = if profile.title.is_empty() { &profile.provider } else { &profile.title };
    let version =
        if profile.api_versions.is_empty() { "unknown".to_owned() } else { profile.api_versions.join(", ") };
    json!({"title": title, "version": version})
}

/// The servers that were recorded. A loopback address is where somebody's test server was, not the API.
fn servers_of(fixtures: &[Fixture]) -> BTreeSet<String> {
    let mut servers = BTreeSet::new();
    for fixture in fixtures {
        if let Provenance::Recorded(recorded) = &fixture.provenance {
            servers.extend(origin_of(&recorded.upstream));
        } else {
            let hosts = fixture.exchanges.iter().filter_map(|exchange| exchange.request.headers.text("host"));
            servers.extend(hosts.filter_map(|host| origin_of(&format!("https://{host}"))));
        }
    }
    servers
}

fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // What stands before an `@` is a credential.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_loopback =
        name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]";
    let is_plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    (!host.is_empty() && is_plain && !is_loopback).then(|| format!("{scheme}://{host}"))
}

fn operation_of(profile: &ProviderProfile, key: &OperationKey, seen: &ObservedOperation) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".into(), json!(key.operation_id));
    if let Some(name) = &key.named_by_profile
        && profile.auth.judges_credentials()
        && profile.auth.admits_without_credential(name)
    {
        operation.insert("security".into(), json!([]));
    }
    let path_parameters = key
        .variables
        .iter()
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let parameters: Vec<Value> = path_parameters.chain(query_parameters(seen)).collect();
    if !parameters.is_empty() {
        operation.insert("parameters".into(), json!(parameters));
    }
    insert_messages(&mut operation, seen);
    Value::Object(operation)
}

fn query_parameters(seen: &ObservedOperation) -> impl Iterator<Item = Value> {
    seen.query.iter().map(|(name, field, always)| {
        let mut parameter = json!({"name": name, "in": "query"});
        if always {
            parameter["required"] = json!(true);
        }
        parameter["schema"] = field.to_schema();
        parameter
    })
}

fn webhooks_of(observed: &Observed) -> Value {
    let mut webhooks: BTreeMap<&str, Value> = BTreeMap::new();
    for ((name, method), seen) in &observed.webhooks {
        let mut operation = Map::new();
        let parameters: Vec<Value> = query_parameters(seen).collect();
        if !parameters.is_empty() {
            operation.insert("parameters".into(), json!(parameters));
        }
        insert_messages(&mut operation, seen);
        webhooks.entry(name).or_insert_with(|| json!({}))[method] = Value::Object(operation);
    }
    json!(webhooks)
}

fn insert_messages(operation: &mut Map<String, Value>, seen: &ObservedOperation) {
    if !seen.body.media.is_empty() {
        let mut body = Map::new();
        if seen.body.absent == 0 {
            body.insert("required".into(), json!(true));
        }
        body.insert("content".into(), content_of(&seen.body));
        operation.insert("requestBody".into(), Value::Object(body));
    }
    let responses: Map<String, Value> = seen
        .responses
        .iter()
        .map(|(status, seen)| (status.to_string(), response_of(*status, seen)))
        .collect();
    if !responses.is_empty() {
        operation.insert("responses".into(), Value::Object(responses));
    }
}

fn response_of(status: u16, seen: &ObservedResponse) -> Value {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut response = Map::new();
    response.insert("description".into(), json!(reason.unwrap_or("A status without a registered meaning")));
    let headers: Map<String, Value> = seen
        .headers
        .iter()
        .map(|(name, header)| {
            let mut object = Map::new();
            if header.samples == seen.samples {
                object.insert("required".into(), json!(true));
            }
            let kind = if header.all_integers { "integer" } else { "string" };
            object.insert("schema".into(), json!({"type": kind}));
            ((*name).to_owned(), Value::Object(object))
        })
        .collect();
    if !headers.is_empty() {
        response.insert("headers".into(), Value::Object(headers));
    }
    if !seen.body.media.is_empty() {
        response.insert("content".into(), content_of(&seen.body));
        if seen.body.absent > 0 {
            response.insert(MAY_BE_EMPTY.into(), json!(true));
        }
    }
    Value::Object(response)
}

fn content_of(body: &ObservedBody) -> Value {
    let media = body.media.iter().map(|(media_type, seen)| {
        let object = schema_of(seen).map_or_else(|| json!({}), |schema| json!({"schema": schema}));
        (media_type.clone(), object)
    });
    Value::Object(media.collect())
}

/// The schema of a media type; none where nothing was told of it, or one sample was not of its form.
fn schema_of(seen: &ObservedMedia) -> Option<Value> {
    if seen.broken > 0 {
        None
    } else if seen.json.samples > 0 {
        Some(seen.json.to_schema())
    } else if seen.form.messages > 0 {
        Some(seen.form.to_schema())
    } else {
        (seen.texts > 0).then(|| json!({"type": "string"}))
    }
}

fn counts_of(request: String, seen: &ObservedOperation) -> OperationEvidence {
    OperationEvidence {
        request,
        samples: seen.requests,
        query: in_flow(seen.query.counts()),
        body: body_counts(&seen.body),
        responses: seen
            .responses
            .iter()
            .map(|(status, seen)| {
                let counts = ResponseEvidence { samples: seen.samples, body: body_counts(&seen.body) };
                (status.to_string(), counts)
            })
            .collect(),
    }
}

fn body_counts(body: &ObservedBody) -> BodyEvidence {
    let media = body.media.iter().map(|(media_type, seen)| {
        let mut fields = seen.form.counts();
        seen.json.count_fields("", &mut fields);
        let samples = seen.json.samples + seen.form.messages + seen.texts;
        (media_type.clone(), MediaEvidence { samples, fields: in_flow(fields) })
    });
    BodyEvidence(media.collect())
}

/// Each count on one line: there is one for every field of the API.
fn in_flow(counts: BTreeMap<String, FieldCount>) -> BTreeMap<String, FlowMap<FieldCount>> {
    counts.into_iter().map(|(place, count)| (place, FlowMap(count))).collect()
}
