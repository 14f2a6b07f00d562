//! The exchanges at which a fault may be placed: their names, and which of them are never replayed.
//!
//! Taken from the fixtures once, so that a fault can be checked long after they are gone.

use crate::auth::is_endpoint;
use crate::behaviour::is_evidence;
use crate::planned::WebhookSelector;
use counterpart_exchange::{Direction, Fixture, OperationName, ProviderProfile, suggest};
use std::collections::HashSet;
use std::sync::Arc;

/// The names of a provider's exchanges.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<Place>);

#[derive(Debug)]
struct Place {
    /// `provider/flow#id`.
    name: Box<str>,
    kind: PlaceKind,
}

#[derive(Debug)]
enum PlaceKind {
    /// A request that is answered from it.
    Replayed,
    /// It only shows a form, with this status, and is never replayed.
    Form(u16),
    /// What the provider sends, by its operation.
    Webhook(Arc<OperationName>),
}

impl Places {
    pub(crate) fn of(profile: &ProviderProfile, fixtures: &[Fixture]) -> Self {
        let mut places = Vec::with_capacity(fixtures.iter().map(|fixture| fixture.exchanges.len()).sum());
        let mut operations: HashSet<Arc<OperationName>> = HashSet::new();
        for fixture in fixtures {
            let of = fixture.name();
            places.extend(fixture.exchanges.iter().map(|exchange| {
                let operation = profile.operation_of_request(&exchange.request);
                let is_form = is_evidence(profile, &operation, exchange) && !is_endpoint(profile, &operation);
                let kind = if exchange.direction == Direction::Inbound {
                    let known = operations.get(&operation).map(Arc::clone);
                    PlaceKind::Webhook(known.unwrap_or_else(|| {
                        let new = Arc::new(operation);
                        operations.insert(Arc::clone(&new));
                        new
                    }))
                } else if is_form {
                    PlaceKind::Form(exchange.response.as_ref().map_or(0, |response| response.status))
                } else {
                    PlaceKind::Replayed
                };
                Place { name: format!("{of}#{}", exchange.id).into(), kind }
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
            [Place { kind: PlaceKind::Webhook(_), .. }] => Err(format!(
                "`{wanted}` is a webhook, which the provider sends; place the fault at {{webhook: {{exchange: {wanted}}}}}, \
                 or @webhook:{wanted}"
            )),
            [Place { kind: PlaceKind::Form(status), .. }] => Err(format!(
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

impl Places {
    /// What is wrong with a selection of webhooks, if anything.
    ///
    /// # Errors
    /// A sentence that names the nearest webhook there is.
    pub(crate) fn check_webhook(
        &self,
        selector: &WebhookSelector,
        profile: &ProviderProfile,
    ) -> Result<(), String> {
        if profile.webhooks.is_none() {
            return Err(format!(
                "the profile of {} says nothing of `webhooks`: nothing is known of how they are signed",
                profile.provider
            ));
        }
        let inbound = self.0.iter().filter_map(|place| match &place.kind {
            PlaceKind::Webhook(operation) => Some((place, operation)),
            PlaceKind::Replayed | PlaceKind::Form(_) => None,
        });
        let (wanted, kind, names): (&str, &str, Vec<&str>) = match selector {
            WebhookSelector::Exchange(wanted) => (
                wanted,
                "webhook of the fixtures",
                inbound.flat_map(|(place, _)| [place.id(), &place.name]).collect(),
            ),
            WebhookSelector::Operation(wanted) => (
                &wanted.0,
                "kind of webhook in the fixtures",
                inbound.map(|(_, operation)| operation.0.as_str()).collect(),
            ),
        };
        if names.contains(&wanted) {
            return Ok(());
        }
        let near = suggest(wanted, names.iter().copied());
        let hint = near.map_or_else(
            || match names.is_empty() {
                true => "they hold none; a webhook is an exchange with `direction: inbound`".to_owned(),
                false => format!("there are: {}", listed(&names)),
            },
            |near| format!("did you mean `{near}`?"),
        );
        Err(format!("no {kind} is called `{wanted}`; {hint}"))
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
