//! Inference: from the exchanges of a provider's fixtures to the contract that all of them keep.
//!
//! The same exchanges give the same bytes, in whatever order their fixtures come. Counts alone flow
//! from the exchanges to the contract, so no recorded value can turn up in it but the names of
//! paths, fields and media types.

mod document;
mod fields;
mod identifier;
mod observed;
mod path;
mod shape;

pub(crate) use document::MAY_BE_EMPTY;
pub(crate) use observed::METHODS;

use crate::contract::Contract;
use crate::evidence::Evidence;
use counterpart_exchange::{Fixture, ProviderProfile};
use observed::Observed;

/// A contract with the counts behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The contract that every exchange keeps.
    pub contract: Contract,
    /// How much was seen of each part of it.
    pub evidence: Evidence,
}

/// Infers the contract of a provider from its fixtures.
#[must_use]
pub fn infer(profile: &ProviderProfile, fixtures: &[Fixture]) -> Inferred {
    let mut observed = Observed::default();
    for exchange in fixtures.iter().flat_map(|fixture| &fixture.exchanges) {
        observed.observe(profile, exchange);
    }
    Inferred {
        contract: document::contract_of(profile, fixtures, &observed),
        evidence: document::evidence_of(profile, fixtures, &observed),
    }
}

#[cfg(test)]
mod tests {
    use super::shape::Shape;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            Just(json!(1e30)),
            "[a-z«»0-9]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..5).prop_map(Value::from),
                btree_map("[a-c]", inner.clone(), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                btree_map("[0-9]{1,3}|[a-z]{1,2}", inner, 0..20)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_sample_fits_the_schema_and_their_order_does_not_matter(samples in vec(any_json(), 1..8)) {
            let schema_of = |samples: &mut dyn Iterator<Item = &Value>| {
                let mut shape = Shape::default();
                samples.for_each(|sample| shape.observe(sample));
                shape.to_schema()
            };
            let schema = schema_of(&mut samples.iter());
            prop_assert_eq!(
                serde_json::to_string(&schema).unwrap(),
                serde_json::to_string(&schema_of(&mut samples.iter().rev())).unwrap()
            );
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            for sample in &samples {
                prop_assert!(validator.is_valid(sample), "{} does not fit {}", sample, schema);
            }
        }
    }
}
