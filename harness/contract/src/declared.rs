//! What a contract declares, read once: operations with their parameters, bodies and answers.
//!
//! References are followed here, so that the checks meet plain declarations. Schemas stay in the
//! document and are known by their pointer. Knows nothing of exchanges.

use crate::contract::Contract;
use crate::infer::{MAY_BE_EMPTY, METHODS};
use crate::media::essence;
use crate::node::{Malformed, Node};
use crate::path_template::PathTemplate;
use std::collections::BTreeMap;

/// Everything that a contract declares.
#[derive(Debug)]
pub(crate) struct Declarations {
    /// The path parts of the servers' addresses, the longest first; what is left of a path is compared.
    pub(crate) base_paths: Vec<String>,
    pub(crate) paths: Vec<DeclaredPath>,
    /// Webhooks by name; none where the contract has no word about webhooks.
    pub(crate) webhooks: Option<BTreeMap<String, Vec<DeclaredOperation>>>,
}

/// One path with its operations.
#[derive(Debug)]
pub(crate) struct DeclaredPath {
    pub(crate) text: String,
    pub(crate) template: PathTemplate,
    pub(crate) operations: Vec<DeclaredOperation>,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct DeclaredOperation {
    /// The method, upper case.
    pub(crate) method: String,
    /// Its `operationId`, else method and path.
    pub(crate) name: String,
    pub(crate) query: Vec<QueryParameter>,
    pub(crate) body: Option<DeclaredBody>,
    pub(crate) responses: Vec<(StatusPattern, DeclaredResponse)>,
}

/// A query parameter.
#[derive(Debug)]
pub(crate) struct QueryParameter {
    pub(crate) name: String,
    pub(crate) presence: Presence,
    pub(crate) spelling: Spelling,
    /// The schema's pointer.
    pub(crate) schema: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// How a value is spelled in a query (OpenAPI 3.1, 4.8.12, style and explode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// A field for each item.
    Repeated,
    /// One field, its items parted by a character.
    Parted(char),
    /// Fields of their own, `name[key]=value`.
    DeepObject,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct DeclaredBody {
    pub(crate) presence: Presence,
    pub(crate) media: Vec<DeclaredMedia>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct DeclaredResponse {
    /// Whether a body must come where media types are declared.
    pub(crate) presence: Presence,
    pub(crate) required_headers: Vec<String>,
    pub(crate) media: Vec<DeclaredMedia>,
}

/// One media type or range of a body.
#[derive(Debug)]
pub(crate) struct DeclaredMedia {
    /// `application/json`, `image/*`, `*/*`.
    pub(crate) range: String,
    /// The schema's pointer.
    pub(crate) schema: Option<String>,
}

/// The key of a Responses Object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusPattern {
    /// `404`.
    Exactly(u16),
    /// `4XX`, by its first digit.
    Range(u16),
    /// `default`.
    Any,
}

impl Declarations {
    pub(crate) fn of(contract: &Contract) -> Result<Self, Malformed> {
        let root = Node::root(contract.as_value());
        let mut paths = Vec::new();
        for (text, item) in optional_members(&root, "paths")? {
            if text.starts_with("x-") {
                continue;
            }
            let template = PathTemplate::parse(text).map_err(|message| item.problem(message))?;
            let operations = operations_of(item, text)?;
            paths.push(DeclaredPath { text: text.to_owned(), template, operations });
        }
        let webhooks = match root.get("webhooks") {
            None => None,
            Some(webhooks) => {
                let named = webhooks
                    .members()?
                    .into_iter()
                    .map(|(name, item)| Ok((name.to_owned(), operations_of(item, name)?)));
                Some(named.collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { base_paths: base_paths(&root)?, paths, webhooks })
    }
}

impl DeclaredOperation {
    /// The declaration of a status: the code itself, else its range, else the default.
    pub(crate) fn response(&self, status: u16) -> Option<&DeclaredResponse> {
        [StatusPattern::Exactly(status), StatusPattern::Range(status / 100), StatusPattern::Any]
            .iter()
            .find_map(|wanted| self.responses.iter().find(|(pattern, _)| pattern == wanted))
            .map(|(_, response)| response)
    }
}

/// The declaration that fits a media type most closely.
pub(crate) fn media_for<'d>(declared: &'d [DeclaredMedia], media_type: &str) -> Option<&'d DeclaredMedia> {
    let whole_type = media_type.split('/').next().unwrap_or_default();
    [media_type, &format!("{whole_type}/*"), "*/*"]
        .iter()
        .find_map(|wanted| declared.iter().find(|media| media.range == *wanted))
}

/// The members of an object's field; none where the field is not there.
fn optional_members<'c>(node: &Node<'c>, key: &str) -> Result<Vec<(&'c str, Node<'c>)>, Malformed> {
    node.get(key).map_or_else(|| Ok(Vec::new()), |field| field.members())
}

/// The path parts of the servers, the longest first, at least the empty one.
fn base_paths(root: &Node<'_>) -> Result<Vec<String>, Malformed> {
    let mut bases = vec![String::new()];
    let servers = root.get("servers").map_or_else(|| Ok(Vec::new()), |servers| servers.items())?;
    for server in servers {
        let mut url = server.text("url").unwrap_or_default().to_owned();
        for (name, variable) in optional_members(&server, "variables")? {
            url = url.replace(&format!("{{{name}}}"), variable.text("default").unwrap_or_default());
        }
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
            None => &url,
        };
        bases.push(path.trim_end_matches('/').to_owned());
    }
    bases.sort_by_key(|base| std::cmp::Reverse(base.len()));
    bases.dedup();
    Ok(bases)
}

fn operations_of(item: Node<'_>, path: &str) -> Result<Vec<DeclaredOperation>, Malformed> {
    let item = item.resolved()?;
    item.members()?
        .into_iter()
        .filter(|(key, _)| METHODS.contains(key))
        .map(|(method, operation)| operation_of(&item, &operation, method, path))
        .collect()
}

fn operation_of(
    item: &Node<'_>,
    operation: &Node<'_>,
    method: &str,
    path: &str,
) -> Result<DeclaredOperation, Malformed> {
    operation.members()?;
    let method = method.to_ascii_uppercase();
    let name = operation.text("operationId").map_or_else(|| format!("{method} {path}"), str::to_owned);
    let body = match operation.get("requestBody") {
        None => None,
        Some(body) => {
            let body = body.resolved()?;
            let presence = presence(body.flag("required") == Some(true));
            Some(DeclaredBody { presence, media: media_of(&body)? })
        }
    };
    let mut responses = Vec::new();
    for (status, response) in optional_members(operation, "responses")? {
        if !status.starts_with("x-") {
            responses.push((status_pattern(status, &response)?, response_of(response)?));
        }
    }
    Ok(DeclaredOperation { method, name, query: query_of(item, operation)?, body, responses })
}

/// The query parameters of an operation; its own come before those of its path.
fn query_of(item: &Node<'_>, operation: &Node<'_>) -> Result<Vec<QueryParameter>, Malformed> {
    let mut declared: Vec<QueryParameter> = Vec::new();
    for owner in [operation, item] {
        let Some(parameters) = owner.get("parameters") else { continue };
        for parameter in parameters.items()? {
            let parameter = parameter.resolved()?;
            let name =
                parameter.text("name").ok_or_else(|| parameter.problem("a parameter has no `name`"))?;
            let is_known = declared.iter().any(|known| known.name == name);
            if parameter.text("in") == Some("query") && !is_known {
                declared.push(query_parameter(name, &parameter));
            }
        }
    }
    Ok(declared)
}

fn query_parameter(name: &str, parameter: &Node<'_>) -> QueryParameter {
    let style = parameter.text("style").unwrap_or("form");
    let explode = parameter.flag("explode").unwrap_or(style == "form");
    let spelling = match (style, explode) {
        ("deepObject", _) => Spelling::DeepObject,
        ("pipeDelimited", false) => Spelling::Parted('|'),
        ("spaceDelimited", false) => Spelling::Parted(' '),
        (_, false) => Spelling::Parted(','),
        (_, true) => Spelling::Repeated,
    };
    QueryParameter {
        name: name.to_owned(),
        presence: presence(parameter.flag("required") == Some(true)),
        spelling,
        schema: parameter.get("schema").map(|schema| schema.pointer),
    }
}

fn status_pattern(status: &str, response: &Node<'_>) -> Result<StatusPattern, Malformed> {
    let range = status.strip_suffix("XX").or_else(|| status.strip_suffix("xx"));
    match (status, range.map(str::parse), status.parse()) {
        ("default", _, _) => Ok(StatusPattern::Any),
        (_, Some(Ok(digit @ 1..=5)), _) => Ok(StatusPattern::Range(digit)),
        (_, _, Ok(code @ 100..=999)) => Ok(StatusPattern::Exactly(code)),
        _ => Err(response.problem("is no status: expected one like `200`, `4XX` or `default`")),
    }
}

fn response_of(response: Node<'_>) -> Result<DeclaredResponse, Malformed> {
    let response = response.resolved()?;
    let mut required_headers = Vec::new();
    for (name, header) in optional_members(&response, "headers")? {
        // "If a response header is defined with the name Content-Type, it shall be ignored" (4.8.17).
        let is_required = header.resolved()?.flag("required") == Some(true);
        if is_required && !name.eq_ignore_ascii_case("content-type") {
            required_headers.push(name.to_owned());
        }
    }
    let presence = presence(response.flag(MAY_BE_EMPTY) != Some(true));
    Ok(DeclaredResponse { presence, required_headers, media: media_of(&response)? })
}

fn media_of(owner: &Node<'_>) -> Result<Vec<DeclaredMedia>, Malformed> {
    Ok(optional_members(owner, "content")?
        .into_iter()
        .map(|(range, media)| DeclaredMedia {
            range: essence(range),
            schema: media.get("schema").map(|schema| schema.pointer),
        })
        .collect())
}

fn presence(required: bool) -> Presence {
    if required { Presence::Required } else { Presence::Optional }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(document: Value) -> Result<Declarations, Malformed> {
        Declarations::of(&Contract::built(document))
    }

    #[test]
    fn references_ranges_and_shared_parameters_are_read() {
        let declared = read(json!({
            "servers": [{"url": "https://{host}/v{n}/", "variables": {"host": {"default": "x"}, "n": {"default": "1"}}}],
            "paths": {"/a": {
                "parameters": [
                    {"$ref": "#/components/parameters/limit"},
                    {"name": "tags", "in": "query", "explode": false},
                    {"name": "trace", "in": "header", "required": true},
                ],
                "get": {
                    "parameters": [{"name": "limit", "in": "query", "required": true}],
                    "responses": {"200": {"$ref": "#/components/responses/ok"}, "4XX": {}, "default": {}},
                },
            }},
            "components": {
                "parameters": {"limit": {"name": "limit", "in": "query"}},
                "responses": {"ok": {
                    "headers": {"ETag": {"required": true}, "Content-Type": {"required": true}, "Age": {}},
                    "content": {"Application/JSON; charset=utf-8": {"schema": {}}},
                }},
            },
        }))
        .unwrap();
        assert_eq!(declared.base_paths, ["/v1", ""]);
        let get = &declared.paths[0].operations[0];
        assert_eq!(get.name, "GET /a");
        assert_eq!(get.query.len(), 2);
        assert_eq!(get.query[0].presence, Presence::Required);
        assert_eq!(get.query[1].spelling, Spelling::Parted(','));
        let ok = get.response(200).unwrap();
        assert_eq!(ok.required_headers, ["ETag"]);
        assert_eq!(ok.media[0].range, "application/json");
        assert_eq!(
            ok.media[0].schema.as_deref(),
            Some("/components/responses/ok/content/Application~1JSON; charset=utf-8/schema")
        );
        let patterns: Vec<_> = get.responses.iter().map(|(pattern, _)| *pattern).collect();
        assert_eq!(patterns, [StatusPattern::Exactly(200), StatusPattern::Range(4), StatusPattern::Any]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (document, pointer) in [
            (json!({"paths": []}), "/paths"),
            (json!({"paths": {"a": {}}}), "/paths/a"),
            (json!({"paths": {"/a": {"get": 1}}}), "/paths/~1a/get"),
            (json!({"paths": {"/a": {"get": {"parameters": [{}]}}}}), "/paths/~1a/get/parameters/0"),
            (json!({"paths": {"/a": {"get": {"responses": {"ok": {}}}}}}), "/paths/~1a/get/responses/ok"),
            (json!({"paths": {"/a": {"$ref": "#/b"}}}), "/paths/~1a"),
            (
                json!({"webhooks": {"x": {"post": {"requestBody": {"$ref": "x.yaml"}}}}}),
                "/webhooks/x/post/requestBody",
            ),
        ] {
            assert_eq!(read(document).unwrap_err().pointer, pointer);
        }
    }

    #[test]
    fn the_closest_media_range_is_taken() {
        let media = |range: &str| DeclaredMedia { range: range.into(), schema: None };
        let declared = [media("*/*"), media("image/*"), media("image/png")];
        let range = |media_type| media_for(&declared, media_type).unwrap().range.clone();
        assert_eq!(
            (range("image/png"), range("image/gif"), range("text/css")),
            ("image/png".into(), "image/*".into(), "*/*".into())
        );
        assert!(media_for(&declared[1..], "text/css").is_none());
    }
}
