//! Numbers within their bounds.

use super::build::{Built, Schema, Stop};
use super::validity::keep;
use proptest::prelude::*;
use serde_json::Value;

/// Beyond it a double does not hold every whole number, and neither does many a client.
const SAFE: i64 = 1 << 53;
/// Where nothing bounds a number that need not be whole.
const TAME: f64 = 1e9;

/// Whole numbers.
pub(super) fn whole(schema: &Schema) -> Built {
    let (lowest, highest) = whole_bounds(schema)?;
    let step = match schema.value.get("multipleOf") {
        None => 1,
        Some(step) => whole_step(schema, step)?,
    };
    let (first, last) =
        (lowest.div_euclid(step) + i64::from(lowest.rem_euclid(step) != 0), highest.div_euclid(step));
    if first > last {
        return Err(schema.impossible(format!("no multiple of {step} lies between {lowest} and {highest}")));
    }
    Ok((first..=last).prop_map(move |count| Value::from(count * step)).boxed())
}

/// Any numbers.
pub(super) fn any(schema: &Schema) -> Built {
    if let Some(step) = schema.value.get("multipleOf") {
        return multiples(schema, step);
    }
    let bounds = Bounds::of(schema)?;
    let (lowest, highest) = (bounds.lowest.unwrap_or(-TAME), bounds.highest.unwrap_or(TAME));
    let (lowest, highest) = match (bounds.lowest, bounds.highest) {
        (Some(_), None) => (lowest, lowest.max(0.0) + TAME),
        (None, Some(_)) => (highest.min(0.0) - TAME, highest),
        _ => (lowest, highest),
    };
    let is_empty =
        lowest > highest || (lowest == highest && (bounds.excludes_lowest || bounds.excludes_highest));
    if is_empty {
        return Err(schema.impossible(format!("no number lies between {lowest} and {highest}")));
    }
    let fits = move |value: &Value| {
        let number = value.as_f64().unwrap_or(f64::NAN);
        (number > lowest || !bounds.excludes_lowest && number >= lowest)
            && (number < highest || !bounds.excludes_highest && number <= highest)
    };
    let floats = (lowest..=highest).prop_map(Value::from).boxed();
    let (first, last) = (lowest.ceil() as i64, highest.floor() as i64);
    // Whole ones first: they are what a failure shrinks to.
    let all = match first <= last {
        true => prop_oneof![(first..=last).prop_map(Value::from), floats].boxed(),
        false => floats,
    };
    keep(all, fits, schema, "hardly any number lies within the bounds")
}

/// Multiples of a step that need not be whole, counted in its smallest decimal.
fn multiples(schema: &Schema, step: &Value) -> Built {
    let (units, decimals) = decimal(schema, step)?;
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX));
    let bounds = Bounds::of(schema)?;
    let step = units as f64 / scale;
    let (lowest, highest) = (bounds.lowest.unwrap_or(-TAME), bounds.highest.unwrap_or(TAME));
    let mut first = (lowest / step).ceil() as i64;
    let mut last = (highest / step).floor() as i64;
    let spelled = move |count: i64| -> Value {
        // By its decimals: a product of doubles is not the number that stands in a document.
        let sum = i128::from(count) * i128::from(units);
        match decimals {
            0 => i64::try_from(sum).map(Value::from).unwrap_or_default(),
            _ => (sum as f64 / scale).into(),
        }
    };
    let number = |count: i64| spelled(count).as_f64().unwrap_or_default();
    first += i64::from(number(first) < lowest || bounds.excludes_lowest && number(first) <= lowest);
    last -= i64::from(number(last) > highest || bounds.excludes_highest && number(last) >= highest);
    if first > last {
        return Err(schema.impossible(format!("no multiple of {step} lies between {lowest} and {highest}")));
    }
    Ok((first..=last).prop_map(spelled).boxed())
}

struct Bounds {
    lowest: Option<f64>,
    highest: Option<f64>,
    excludes_lowest: bool,
    excludes_highest: bool,
}

impl Bounds {
    fn of(schema: &Schema) -> Result<Self, Stop> {
        let number = |key: &str| match schema.value.get(key) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_f64().filter(|number| number.is_finite());
                number.ok_or_else(|| schema.error(format!("`{key}` is {value}; expected a number"))).map(Some)
            }
        };
        let (minimum, above) = (number("minimum")?, number("exclusiveMinimum")?);
        let (maximum, below) = (number("maximum")?, number("exclusiveMaximum")?);
        let excludes_lowest = above.is_some_and(|above| minimum.is_none_or(|minimum| above >= minimum));
        let excludes_highest = below.is_some_and(|below| maximum.is_none_or(|maximum| below <= maximum));
        let lowest = if excludes_lowest { above } else { minimum };
        let highest = if excludes_highest { below } else { maximum };
        Ok(Self { lowest, highest, excludes_lowest, excludes_highest })
    }
}

fn whole_bounds(schema: &Schema) -> Result<(i64, i64), Stop> {
    let bounds = Bounds::of(schema)?;
    let (smallest, largest) = match schema.value.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (-SAFE, SAFE),
    };
    // A bound beyond what is safe is kept where only it is left.
    let exact = |key: &str| schema.value.get(key).and_then(Value::as_i64);
    let lowest = bounds.lowest.map(|lowest| match bounds.excludes_lowest {
        true => exact("exclusiveMinimum").unwrap_or_else(|| lowest.floor() as i64).saturating_add(1),
        false => exact("minimum").unwrap_or_else(|| lowest.ceil() as i64),
    });
    let highest = bounds.highest.map(|highest| match bounds.excludes_highest {
        true => exact("exclusiveMaximum").unwrap_or_else(|| highest.ceil() as i64).saturating_sub(1),
        false => exact("maximum").unwrap_or_else(|| highest.floor() as i64),
    });
    let first = lowest.unwrap_or_else(|| smallest.min(highest.unwrap_or(0)));
    let last = highest.unwrap_or_else(|| largest.max(lowest.unwrap_or(0)));
    match first > last {
        true => Err(schema.impossible(format!("no whole number lies between {first} and {last}"))),
        false => Ok((first, last)),
    }
}

/// The smallest whole number that is a multiple of a step.
fn whole_step(schema: &Schema, step: &Value) -> Result<i64, Stop> {
    let (units, decimals) = decimal(schema, step)?;
    let scale = 10_i64.pow(decimals);
    Ok(units / greatest_common(units, scale))
}

fn greatest_common(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { greatest_common(other, one % other) }
}

/// A number above zero as units of its last decimal: 0.25 is 25 with 2 decimals.
fn decimal(schema: &Schema, step: &Value) -> Result<(i64, u32), Stop> {
    let refuse =
        || schema.error(format!("`multipleOf` is {step}; expected a number above 0 with at most 9 decimals"));
    let spelled = step.to_string();
    let (whole, fraction) = spelled.split_once('.').unwrap_or((&spelled, ""));
    let fraction = fraction.trim_end_matches('0');
    let decimals = u32::try_from(fraction.len()).ok().filter(|decimals| *decimals <= 9).ok_or_else(refuse)?;
    let units: i64 = format!("{whole}{fraction}").parse().map_err(|_| refuse())?;
    if units > 0 { Ok((units, decimals)) } else { Err(refuse()) }
}
