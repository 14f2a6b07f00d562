//! One exchange held to one operation, rule by rule.

use crate::check::schemas::Schemas;
use crate::check::violation::{ContractRule, ContractViolation, quoted, shortened};
use crate::declared::{
    DeclaredMedia, DeclaredOperation, DeclaredResponse, Presence, QueryParameter, Spelling, StatusPattern,
    media_for,
};
use crate::media::{Content, content_of, media_type_of};
use crate::scalar::value_for;
use counterpart_exchange::{Body, Ended, Exchange, Headers, RequestTarget, Response};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// An exchange under judgement.
pub(crate) struct Case<'a, 'c> {
    schemas: &'a Schemas<'c>,
    fixture: &'a str,
    exchange: &'a Exchange,
    operation: Option<String>,
    /// The pointers of schemas that were told to be unusable already.
    unusable: &'a mut HashSet<String>,
    violations: &'a mut Vec<ContractViolation>,
}

/// Which message of the exchange a body belongs to.
#[derive(Clone, Copy)]
enum Side {
    Request,
    Response,
}

impl<'a, 'c> Case<'a, 'c> {
    pub(crate) fn new(
        schemas: &'a Schemas<'c>,
        fixture: &'a str,
        exchange: &'a Exchange,
        unusable: &'a mut HashSet<String>,
        violations: &'a mut Vec<ContractViolation>,
    ) -> Self {
        Self { schemas, fixture, exchange, operation: None, unusable, violations }
    }

    pub(crate) fn violation(&mut self, rule: ContractRule, place: &str, expected: String, actual: String) {
        self.violations.push(ContractViolation {
            fixture: self.fixture.to_owned(),
            exchange: self.exchange.id.clone(),
            operation: self.operation.clone(),
            rule,
            place: place.to_owned(),
            expected,
            actual,
        });
    }

    /// Holds the exchange to an operation.
    pub(crate) fn check(&mut self, operation: &DeclaredOperation) {
        self.operation = Some(operation.name.clone());
        let exchange = self.exchange;
        let request = &exchange.request;
        let sent = RequestTarget::of(&request.target).query_fields();
        for parameter in &operation.query {
            self.check_query(parameter, &sent);
        }
        let is_whole = exchange.ended == Ended::Complete;
        if let Some(declared) = &operation.body {
            if request.body == Body::None {
                if declared.presence == Presence::Required && is_whole {
                    let expected = media_list(&declared.media);
                    self.violation(ContractRule::MissingRequestBody, "", expected, "no body".into());
                }
            } else {
                self.check_body(Side::Request, &declared.media, &request.headers, &request.body);
            }
        }
        if let Some(response) = &exchange.response {
            match operation.response(response.status) {
                Some(declared) => self.check_response(declared, response),
                None => self.undeclared_status(operation, response.status),
            }
        }
    }

    fn undeclared_status(&mut self, operation: &DeclaredOperation, status: u16) {
        let declared: Vec<String> = operation
            .responses
            .iter()
            .map(|(pattern, _)| match pattern {
                StatusPattern::Exactly(code) => code.to_string(),
                StatusPattern::Range(digit) => format!("{digit}XX"),
                StatusPattern::Any => "any".to_owned(),
            })
            .collect();
        let expected = if declared.is_empty() { "no answer at all".into() } else { declared.join(" or ") };
        self.violation(ContractRule::UndeclaredStatus, "", expected, status.to_string());
    }

    fn check_query(&mut self, parameter: &QueryParameter, sent: &[(String, String)]) {
        let deep_prefix = format!("{}[", parameter.name);
        let is_this = |name: &str| match parameter.spelling {
            Spelling::DeepObject => name.starts_with(&deep_prefix),
            Spelling::Repeated | Spelling::Parted(_) => name == parameter.name,
        };
        let values: Vec<&str> =
            sent.iter().filter(|(name, _)| is_this(name)).map(|(_, value)| value.as_str()).collect();
        let types = parameter.schema.as_ref().map(|schema| self.schemas.types(schema)).unwrap_or_default();
        // The members of an object are fields of their own, under names of their own.
        let is_spread = parameter.spelling == Spelling::Repeated && types.contains(&"object");
        if values.is_empty() {
            if parameter.presence == Presence::Required && !is_spread {
                let expected = format!("the field {}", quoted(&parameter.name));
                let rule = ContractRule::MissingQueryParameter;
                self.violation(rule, &parameter.name, expected, "none".into());
            }
            return;
        }
        let Some(schema) = &parameter.schema else { return };
        if is_spread || parameter.spelling == Spelling::DeepObject {
            return;
        }
        let judged: Vec<Value> = if types.contains(&"array") {
            let texts: Vec<&str> = match parameter.spelling {
                Spelling::Parted(mark) => values.iter().flat_map(|value| value.split(mark)).collect(),
                _ => values,
            };
            let item_types = self
                .schemas
                .below(schema, &["items"])
                .map(|items| self.schemas.types(&items))
                .unwrap_or_default();
            vec![texts.into_iter().map(|text| value_for(&item_types, text)).collect()]
        } else {
            values.into_iter().map(|text| value_for(&types, text)).collect()
        };
        for value in judged {
            self.hold_to(schema, &value, ContractRule::WrongQueryParameter, Some(&parameter.name));
        }
    }

    fn check_response(&mut self, declared: &DeclaredResponse, response: &Response) {
        for name in &declared.required_headers {
            if response.headers.values(name).is_empty() {
                let expected = format!("the field `{}`", shortened(name));
                self.violation(ContractRule::MissingResponseHeader, name, expected, "none".into());
            }
        }
        if self.exchange.request.method.eq_ignore_ascii_case("head") {
            return;
        }
        if response.body != Body::None {
            self.check_body(Side::Response, &declared.media, &response.headers, &response.body);
            return;
        }
        // These never have a body (RFC 9110, section 6.4.1).
        let is_bodiless = matches!(response.status, 100..=199 | 204 | 304);
        let is_due = !declared.media.is_empty() && declared.presence == Presence::Required;
        if is_due && !is_bodiless && self.exchange.ended == Ended::Complete {
            let expected = media_list(&declared.media);
            self.violation(ContractRule::MissingResponseBody, "", expected, "no body".into());
        }
    }

    fn check_body(&mut self, side: Side, declared: &[DeclaredMedia], headers: &Headers, body: &Body) {
        if declared.is_empty() {
            return;
        }
        let media_type = media_type_of(headers, body);
        let Some(media) = media_for(declared, &media_type) else {
            let rule = match side {
                Side::Request => ContractRule::UndeclaredRequestMediaType,
                Side::Response => ContractRule::UndeclaredResponseMediaType,
            };
            self.violation(rule, "", media_list(declared), quoted(&media_type));
            return;
        };
        let Some(schema) = &media.schema else { return };
        if self.exchange.ended != Ended::Complete {
            return;
        }
        let rule = match side {
            Side::Request => ContractRule::WrongRequestBody,
            Side::Response => ContractRule::WrongResponseBody,
        };
        let value = match content_of(&media_type, body) {
            Content::Json(value) => value,
            Content::Text(text) => Value::String(text),
            Content::Form(fields) => self.form_value(schema, fields),
            Content::Broken(found) => {
                self.violation(rule, "", format!("`{media_type}`"), found.to_owned());
                return;
            }
            Content::Opaque => return,
        };
        self.hold_to(schema, &value, rule, None);
    }

    /// A form as the object that its schema means: field by field, text where the schema wants text.
    fn form_value(&self, schema: &str, fields: Vec<(String, String)>) -> Value {
        let mut grouped: Map<String, Value> = Map::new();
        for (name, text) in fields {
            let property = self.schemas.below(schema, &["properties", &name]);
            let types = property.as_ref().map(|at| self.schemas.types(at)).unwrap_or_default();
            if types.contains(&"array") {
                let items = property.and_then(|at| self.schemas.below(&at, &["items"]));
                let item_types = items.map(|at| self.schemas.types(&at)).unwrap_or_default();
                let list = grouped.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(value_for(&item_types, &text));
                }
            } else {
                grouped.insert(name, value_for(&types, &text));
            }
        }
        Value::Object(grouped)
    }

    /// Holds a value to a schema. The place is the name of a parameter, else the pointer into a body.
    fn hold_to(&mut self, schema: &str, value: &Value, rule: ContractRule, parameter: Option<&str>) {
        match self.schemas.faults(schema, value) {
            Ok(faults) => {
                for fault in faults {
                    let place = parameter.unwrap_or(&fault.pointer).to_owned();
                    self.violation(rule, &place, fault.expected, fault.actual);
                }
            }
            Err(problem) => {
                if self.unusable.insert(schema.to_owned()) {
                    let rule = ContractRule::UnusableSchema;
                    self.violation(
                        rule,
                        schema,
                        "a JSON Schema (2020-12)".into(),
                        format!("one that is refused: {}", shortened(&problem)),
                    );
                }
            }
        }
    }
}

fn media_list(declared: &[DeclaredMedia]) -> String {
    let ranges: Vec<String> = declared.iter().map(|media| format!("`{}`", media.range)).collect();
    if ranges.is_empty() { "a body".to_owned() } else { shortened(&ranges.join(" or ")) }
}
