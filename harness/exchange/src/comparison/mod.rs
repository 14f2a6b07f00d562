//! Two recordings of a flow, compared by what they mean: which exchange is which, and what differs within each pair.
//!
//! Evidence is compared, never judged: whether a change is good or bad is the contract's to say. Differences of dates,
//! lengths and the like are kept apart from those of values, and those from differences of form.

mod header;
mod json;
mod message;
mod pairing;

pub(crate) use pairing::pair;

use crate::{Exchange, ExchangeId, Fixture, Provenance, ProviderProfile};
use serde::Serialize;
use std::collections::HashSet;

/// What one recording says and another does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FixtureComparison {
    /// What differs in where they come from.
    pub provenance: Vec<Difference>,
    /// Exchanges that are not the same in both, in the newer one's order; those that are gone stand behind.
    pub exchanges: Vec<ExchangeComparison>,
    /// How many are the same in both.
    pub same: usize,
}

/// An exchange that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeComparison {
    /// The newer one alone has it.
    New(Named),
    /// The older one alone has it.
    Gone(Named),
    /// Both have it.
    Changed {
        /// Its id in the older one.
        older: ExchangeId,
        /// Its id in the newer one.
        newer: ExchangeId,
        /// What differs, in the order of the message.
        differences: Vec<Difference>,
    },
}

/// An exchange in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its id.
    pub id: ExchangeId,
    /// Its method.
    pub method: String,
    /// Its target.
    pub target: String,
    /// Its answer's status, if one came.
    pub status: Option<u16>,
}

impl Named {
    fn of(exchange: &Exchange) -> Self {
        Self {
            id: exchange.id.clone(),
            method: exchange.request.method.clone(),
            target: exchange.request.target.clone(),
            status: exchange.response.as_ref().map(|response| response.status),
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where: `request query page`, `answer body items[2].name`.
    pub place: String,
    /// What stood there in the older one; nothing where the place is new.
    pub older: Option<String>,
    /// What stands there in the newer one; nothing where the place is gone.
    pub newer: Option<String>,
    /// What it means.
    pub weight: Weight,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It differs between any two recordings: a date, a length, an id of the request.
    Incidental,
    /// Another value of the same form.
    Value,
    /// Another form: a field more or less, another type, another status.
    Form,
}

/// Compares an older recording with a newer one.
#[must_use]
pub fn compare(older: &Fixture, newer: &Fixture, profile: &ProviderProfile) -> FixtureComparison {
    let partners = pair(&older.exchanges, &newer.exchanges, profile);
    let mut exchanges = Vec::new();
    let mut same = 0;
    for (exchange, partner) in newer.exchanges.iter().zip(&partners) {
        let Some(before) = partner.map(|place| &older.exchanges[place]) else {
            exchanges.push(ExchangeComparison::New(Named::of(exchange)));
            continue;
        };
        let differences = message::differences(before, exchange, profile);
        if differences.is_empty() && before.id == exchange.id {
            same += 1;
        } else {
            exchanges.push(ExchangeComparison::Changed {
                older: before.id.clone(),
                newer: exchange.id.clone(),
                differences,
            });
        }
    }
    let kept: HashSet<usize> = partners.iter().flatten().copied().collect();
    let gone = (0..older.exchanges.len()).filter(|place| !kept.contains(place));
    exchanges.extend(gone.map(|place| ExchangeComparison::Gone(Named::of(&older.exchanges[place]))));
    FixtureComparison { provenance: provenance(&older.provenance, &newer.provenance), exchanges, same }
}

impl FixtureComparison {
    /// Whether both mean the same: nothing but what is incidental differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let counts = |all: &[Difference]| all.iter().any(|one| one.weight > Weight::Incidental);
        !counts(&self.provenance)
            && self.exchanges.iter().all(|exchange| match exchange {
                ExchangeComparison::New(_) | ExchangeComparison::Gone(_) => false,
                ExchangeComparison::Changed { older, newer, differences } => {
                    older == newer && !counts(differences)
                }
            })
    }
}

fn provenance(older: &Provenance, newer: &Provenance) -> Vec<Difference> {
    let told = |provenance: &Provenance| match provenance {
        Provenance::Recorded(recorded) => {
            ("recorded", Some(recorded.at.to_string()), recorded.server.clone())
        }
        Provenance::Imported(imported) => ("imported", Some(imported.source.clone()), None),
        Provenance::Written(written) => ("written", Some(written.after.clone()), None),
    };
    let ((older_kind, older_origin, older_server), (newer_kind, newer_origin, newer_server)) =
        (told(older), told(newer));
    let all = [
        ("provenance", Some(older_kind.to_owned()), Some(newer_kind.to_owned()), Weight::Form),
        ("origin", older_origin, newer_origin, Weight::Incidental),
        ("server", older_server, newer_server, Weight::Value),
    ];
    all.into_iter()
        .filter(|(_, older, newer, _)| older != newer)
        .map(|(place, older, newer, weight)| Difference { place: place.to_owned(), older, newer, weight })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
