//! The schemas of a contract, compiled when first needed and once only.
//!
//! Each is compiled where it stands in the document, so that its references into `components` hold.
//! Nothing is ever fetched. Compositions are judged as the compiler judges them: a contract written to
//! nest `anyOf` in `anyOf` without end costs as much as it asks for.

use crate::check::violation::{quoted, shortened, shown};
use crate::contract::Contract;
use crate::node::Node;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, Registry, ValidationError, Validator};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The name of the document among the compiler's resources; it is looked up there and nowhere else.
const DOCUMENT: &str = "urn:counterpart:contract";

/// What of a pointer may stand in a URI fragment as it is.
const FRAGMENT_SET: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A body with more faults than this has been told enough about.
const MAX_FAULTS: usize = 20;

/// The schemas of one contract.
pub(crate) struct Schemas<'c> {
    document: &'c Value,
    registry: Result<Registry<'c>, String>,
    compiled: RefCell<HashMap<String, Rc<Result<Validator, String>>>>,
}

/// One way in which a value does not fit.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) pointer: String,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

impl<'c> Schemas<'c> {
    pub(crate) fn of(contract: &'c Contract) -> Self {
        let document = contract.as_value();
        let registry = Registry::new()
            .draft(Draft::Draft202012)
            .add(DOCUMENT, document)
            .and_then(jsonschema::RegistryBuilder::prepare)
            .map_err(|error| error.to_string());
        Self { document, registry, compiled: RefCell::default() }
    }

    /// The first faults of a value, or why the schema cannot be used.
    pub(crate) fn faults(&self, pointer: &str, value: &Value) -> Result<Vec<Fault>, String> {
        match self.validator(pointer).as_ref() {
            Ok(validator) if validator.is_valid(value) => Ok(Vec::new()),
            Ok(validator) => {
                Ok(validator.iter_errors(value).take(MAX_FAULTS).map(|error| fault(&error)).collect())
            }
            Err(problem) => Err(problem.clone()),
        }
    }

    fn validator(&self, pointer: &str) -> Rc<Result<Validator, String>> {
        if let Some(known) = self.compiled.borrow().get(pointer) {
            return Rc::clone(known);
        }
        let compiled = Rc::new(self.compile(pointer));
        self.compiled.borrow_mut().insert(pointer.to_owned(), Rc::clone(&compiled));
        compiled
    }

    fn compile(&self, pointer: &str) -> Result<Validator, String> {
        let registry = self.registry.as_ref().map_err(Clone::clone)?;
        // The compiler takes a circle of references for a schema that anything fits.
        Node::at(self.document, pointer)
            .map(Node::resolved)
            .transpose()
            .map_err(|circle| circle.to_string())?;
        let reference = format!("{DOCUMENT}#{}", utf8_percent_encode(pointer, FRAGMENT_SET));
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(registry)
            .offline()
            .build(&json!({"$ref": reference}))
            .map_err(|error| error.to_string())
    }

    /// The types that a schema allows, as far as it names them: what a text in a query may stand for.
    pub(crate) fn types(&self, pointer: &str) -> Vec<&'c str> {
        let mut types = Vec::new();
        let mut seen = HashSet::new();
        let mut open: Vec<Node<'c>> = Node::at(self.document, pointer).into_iter().collect();
        while let Some(schema) = open.pop() {
            let Ok(schema) = schema.resolved() else { continue };
            if !seen.insert(schema.pointer.clone()) {
                continue;
            }
            match schema.value.get("type") {
                Some(Value::String(one)) => types.push(one.as_str()),
                Some(Value::Array(several)) => types.extend(several.iter().filter_map(Value::as_str)),
                _ => {}
            }
            for keyword in ["anyOf", "oneOf", "allOf"] {
                open.extend(schema.get(keyword).and_then(|list| list.items().ok()).unwrap_or_default());
            }
        }
        types
    }

    /// Where the schema of a member of an object, or of the items of a list (`items`), stands.
    pub(crate) fn below(&self, pointer: &str, steps: &[&str]) -> Option<String> {
        let schema = Node::at(self.document, pointer)?.resolved().ok()?;
        steps.iter().try_fold(schema, |node, step| node.get(step)).map(|node| node.pointer)
    }
}

fn fault(error: &ValidationError<'_>) -> Fault {
    let found = shown(error.instance());
    let (expected, actual) = match error.kind() {
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => (one.to_string(), found),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(several) } => {
            let names: Vec<String> = several.iter().map(|one| one.to_string()).collect();
            (names.join(" or "), found)
        }
        ValidationErrorKind::Required { property } => {
            (format!("the property {}", shown(property)), format!("{found} without it"))
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            ("no other properties than those declared".to_owned(), quoted(&unexpected.join(", ")))
        }
        ValidationErrorKind::Enum { options } => {
            (format!("one of {}", shortened(&options.to_string())), found)
        }
        ValidationErrorKind::Constant { expected_value } => (shortened(&expected_value.to_string()), found),
        ValidationErrorKind::Pattern { pattern } => (format!("a match of {}", quoted(pattern)), found),
        ValidationErrorKind::Minimum { limit } => (format!("at least {limit}"), found),
        ValidationErrorKind::Maximum { limit } => (format!("at most {limit}"), found),
        ValidationErrorKind::MinLength { limit } => (format!("at least {limit} characters"), found),
        ValidationErrorKind::MaxLength { limit } => (format!("at most {limit} characters"), found),
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            ("a fit with one of the declared forms".to_owned(), found)
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            ("a fit with one declared form alone".to_owned(), found)
        }
        other => (format!("what the keyword `{}` asks for", other.keyword()), found),
    };
    Fault { pointer: error.instance_path().as_str().to_owned(), expected, actual }
}
