//! Validated before written: a record in the destination has the fields that every good record has.
//!
//! Good records are those of the happy path: a field that is filled in all of them must be filled here, with
//! the same type.

use super::Finding;
use crate::observed::{Context, Destinations, is_failure};
use crate::wording::brief;
use counterpart_stand_in::DeliveryEnd;
use serde_json::Value;
use std::mem::discriminant;

pub(super) fn check(context: &Context<'_>) -> Finding {
    if let Some(forged) = forged_and_taken(context) {
        return forged;
    }
    let Destinations { records, happy, .. } = match context.destinations() {
        Ok(destinations) => destinations,
        Err(reason) => return Finding::NotChecked(reason),
    };
    let Some(Value::Object(first)) = happy.first() else {
        return Finding::NotChecked("the happy path brings no record to compare with");
    };
    let always_filled: Vec<(&String, &Value)> = first
        .iter()
        .filter(|(field, value)| {
            let alike = |other: &Value| is_filled(other) && discriminant(other) == discriminant(*value);
            is_filled(value) && happy.iter().all(|record| record.get(*field).is_some_and(alike))
        })
        .collect();
    for record in records {
        for (field, good) in &always_filled {
            let value = record.get(*field).unwrap_or(&Value::Null);
            if !is_filled(value) || discriminant(value) != discriminant(*good) {
                return Finding::Broken {
                    message: format!("a record was written whose `{field}` is not as in any good record"),
                    expected: format!("`{field}` like {}", brief(good)),
                    actual: brief(record),
                    exchanges: context
                        .observed
                        .seen
                        .iter()
                        .filter(|seen| is_failure(seen))
                        .map(|seen| seen.seq)
                        .collect(),
                };
            }
        }
    }
    Finding::Held
}

/// A webhook that somebody forged, or signed long ago, is taken by nobody who looks at the signature.
fn forged_and_taken(context: &Context<'_>) -> Option<Finding> {
    const FORGED: [&str; 2] = ["webhook_bad_signature", "webhook_stale_timestamp"];
    let taken = context.observed.delivered.iter().find(|delivered| {
        delivered.fault.is_some_and(|fault| FORGED.contains(&fault))
            && matches!(delivered.end, DeliveryEnd::Accepted { .. })
    })?;
    Some(Finding::Broken {
        message: "a webhook was accepted whose signature is not to be believed".to_owned(),
        expected: "a refusal".to_owned(),
        actual: format!("{}: signature {}, {}", taken.exchange, taken.signature, taken.end),
        exchanges: Vec::new(),
    })
}

fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_i64() != Some(0),
        _ => true,
    }
}
