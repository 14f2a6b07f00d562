//! The exchanges at which a fault may be placed: their names, and which of them are never replayed.
//!
//! Taken from the fixtures once, so that a fault can be checked long after they are gone.

use crate::auth::is_endpoint;
use crate::behaviour::is_evidence;
use counterpart_exchange::{Fixture, ProviderProfile, suggest};

/// The names of a provider's exchanges.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    /// `provider/flow#id`.
    name: Box<str>,
    /// The recorded status of what only shows a form and is never replayed.
    shows: Option<u16>,
}

impl Places {
    pub(crate) fn of(profile: &ProviderProfile, fixtures: &[Fixture]) -> Self {
        let mut places = Vec::with_capacity(fixtures.iter().map(|fixture| fixture.exchanges.len()).sum());
        for fixture in fixtures {
            let of = fixture.name();
            places.extend(fixture.exchanges.iter().map(|exchange| {
                let operation = profile.operation_of_request(&exchange.request);
                let is_form = is_evidence(profile, &operation, exchange) && !is_endpoint(profile, &operation);
                let status = exchange.response.as_ref().map_or(0, |response| response.status);
                Place { name: format!("{of}#{}", exchange.id).into(), shows: is_form.then_some(status) }
            }));
        }
        Self(places)
    }

    /// What is wrong with a place, if anything.
    ///
    /// # Errors
    /// A sentence that names the nearest place there is.
    pub(crate) fn check(&self, wanted: &str) -> Result<(), String> {
        let named: Vec<&Place> =
            self.0.iter().filter(|place| *place.name == *wanted || place.id() == wanted).collect();
        match named[..] {
            [Place { shows: Some(status), .. }] => Err(format!(
                "`{wanted}` is a recorded {status}: it shows the provider's form and is never replayed; \
                 place the fault at an exchange that answers"
            )),
            [_] => Ok(()),
            [] => {
                let ids: Vec<&str> = self.0.iter().map(Place::id).collect();
                Err(match suggest(wanted, ids.iter().copied()) {
                    Some(near) => {
                        format!("no exchange of the fixtures is called `{wanted}`; did you mean `{near}`?")
                    }
                    None if ids.is_empty() => {
                        format!("no exchange of the fixtures is called `{wanted}`; there is none at all")
                    }
                    None => format!(
                        "no exchange of the fixtures is called `{wanted}`; there are: {}",
                        listed(&ids)
                    ),
                })
            }
            _ => Err(format!(
                "`{wanted}` is the name of {} exchanges; write the fixture before it: provider/flow#{wanted}",
                named.len()
            )),
        }
    }
}

impl Place {
    fn id(&self) -> &str {
        self.name.rsplit_once('#').map_or(&self.name, |(_, id)| id)
    }
}

/// Names in a sentence: not more than a person reads.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 50;
    match names.get(MOST..) {
        Some([_, ..]) => format!("{} and {} more", names[..MOST].join(", "), names.len() - MOST),
        _ => names.join(", "),
    }
}
