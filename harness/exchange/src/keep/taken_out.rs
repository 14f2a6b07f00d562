//! What was taken out of a fixture, told without telling it: which rule, how often, where.

use crate::fixture::Fixture;
use crate::placeholder::for_each_text;
use crate::redaction::Rule;
use crate::{Placeholder, RedactedValue, find_placeholders};
use std::collections::BTreeMap;
use std::fmt;

/// Exchanges that one line names.
const MAX_EXCHANGES_SHOWN: usize = 3;

/// A secret that was taken out. It holds nothing of the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOut {
    /// What stands in its place.
    pub placeholder: Placeholder,
    /// Which rule took it.
    pub rule: Rule,
    /// How often its placeholder stands in the fixture.
    pub times: usize,
    /// The exchanges in which it stands, in their order. None where it is only a part of another secret.
    pub exchanges: Vec<String>,
}

impl fmt::Display for TakenOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.placeholder, self.rule)?;
        match self.exchanges.as_slice() {
            [] => write!(formatter, "; within another secret"),
            [one] if self.times == 1 => write!(formatter, "; once, in {one}"),
            all => {
                let shown = all[..all.len().min(MAX_EXCHANGES_SHOWN)].join(", ");
                let more = all.len().saturating_sub(MAX_EXCHANGES_SHOWN);
                write!(formatter, "; {} times, in {shown}", self.times)?;
                if more > 0 { write!(formatter, " and {more} more") } else { Ok(()) }
            }
        }
    }
}

/// What the rules took out of a fixture, by placeholder.
pub(super) fn taken_out(fixture: &Fixture, rules: BTreeMap<Placeholder, Rule>) -> Vec<TakenOut> {
    let mut all: BTreeMap<Placeholder, TakenOut> = rules
        .into_iter()
        .map(|(placeholder, rule)| {
            let one = TakenOut { placeholder: placeholder.clone(), rule, times: 0, exchanges: Vec::new() };
            (placeholder, one)
        })
        .collect();
    let mut note = |text: &str, exchange: Option<&str>| {
        for (_, placeholder) in find_placeholders(text) {
            let Some(one) = all.get_mut(&placeholder) else { continue };
            one.times += 1;
            if let Some(exchange) = exchange
                && one.exchanges.last().is_none_or(|last| last != exchange)
            {
                one.exchanges.push(exchange.to_owned());
            }
        }
    };
    for exchange in &fixture.exchanges {
        for_each_text(exchange, &mut |text| note(text, Some(exchange.id.as_str())));
    }
    fixture.redacted.values().flat_map(RedactedValue::texts).for_each(|text| note(text, None));
    all.into_values().collect()
}
