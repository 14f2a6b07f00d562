//! Whether a value is of a schema, where a strategy alone cannot see to it.

use super::build::{Built, Schema, Stop};
use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;

/// Values tried before a strategy that throws some away is given out.
const TRIED: usize = 128;
/// Of them, those that have to fit: with fewer, proptest gives up now and then.
const MUST_FIT: usize = 4;

/// A schema that values are held against.
#[derive(Clone)]
pub(super) struct Validity(Arc<jsonschema::Validator>);

impl Validity {
    /// That of a schema whose references lead into a document.
    pub(super) fn of(document: &Value, schema: &Schema) -> Result<Self, Stop> {
        let mut root = serde_json::Map::new();
        for (key, value) in document.as_object().into_iter().flatten() {
            // Keywords at the top of a document that is itself a schema would constrain as well.
            if !matches!(key.as_str(), "$id" | "$schema") && !is_keyword(key) {
                root.insert(key.clone(), value.clone());
            }
        }
        root.insert("x-schema".to_owned(), schema.value.clone());
        root.insert("$ref".to_owned(), json!("#/x-schema"));
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&Value::Object(root))
            .map_err(|error| schema.error(format!("is no schema that can be used: {error}")))?;
        Ok(Self(Arc::new(validator)))
    }

    pub(super) fn holds(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// The values that are of the schema, or those that are not.
    pub(super) fn keep(
        self,
        from: BoxedStrategy<Value>,
        are_valid: bool,
        schema: &Schema,
        too_few: &'static str,
    ) -> Built {
        keep(from, move |value| self.holds(value) == are_valid, schema, too_few)
    }
}

fn is_keyword(key: &str) -> bool {
    !matches!(key, "openapi" | "info" | "paths" | "components" | "$defs" | "definitions")
        && !key.starts_with("x-")
}

/// The values that fit, where enough of them do.
pub(super) fn keep(
    from: BoxedStrategy<Value>,
    fits: impl Fn(&Value) -> bool + Send + Sync + 'static,
    schema: &Schema,
    too_few: &'static str,
) -> Built {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut fitting = 0;
    for _ in 0..TRIED {
        let made =
            from.new_tree(&mut runner).map_err(|reason| schema.error(format!("{too_few}: {reason}")))?;
        fitting += usize::from(fits(&made.current()));
    }
    if fitting < MUST_FIT {
        return Err(schema.error(format!("{too_few}: {fitting} of {TRIED} that were tried fit")));
    }
    Ok(from.prop_filter(too_few, move |value| fits(value)).boxed())
}
