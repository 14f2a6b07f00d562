//! Names that outlive a recording: when a flow is recorded again, an exchange that was there keeps its id, and a secret
//! that stands where one stood keeps its placeholder. So what a pull request shows is what changed.
//!
//! Ids and placeholders are names and nothing else; no evidence is changed.

use crate::comparison::pair;
use crate::placeholder::map_texts;
use crate::{
    Body, Exchange, ExchangeId, Fixture, HeaderValue, Headers, Placeholder, Provenance, ProviderProfile,
    find_placeholders,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Gives exchanges their ids: an older fixture's where it has the same exchange, else operation and number, past
/// those that are given. What an exchange names as its cause is renamed with it. Gives the placeholders that are called
/// otherwise now.
pub(super) fn name_exchanges(
    fixture: &mut Fixture,
    older: Option<&Fixture>,
    profile: &ProviderProfile,
) -> BTreeMap<Placeholder, Placeholder> {
    let known = older.map_or(&[][..], |older| older.exchanges.as_slice());
    let partners = pair(known, &fixture.exchanges, profile);
    // Of an older one that is gone, too: an id never comes to mean something else from one recording to the next.
    let mut namer = Namer::past(known);
    for (exchange, partner) in fixture.exchanges.iter_mut().zip(&partners) {
        let kept = partner.map(|place| known[place].id.clone());
        namer.name(exchange, kept, profile);
    }
    older.map_or_else(BTreeMap::new, |older| keep_placeholders(fixture, older, &partners))
}

/// Gives ids to the exchanges from a place on. Those before it keep theirs.
pub(super) fn name_behind(fixture: &mut Fixture, place: usize, profile: &ProviderProfile) {
    let place = place.min(fixture.exchanges.len());
    let (named, unnamed) = fixture.exchanges.split_at_mut(place);
    let mut namer = Namer::past(named);
    unnamed.iter_mut().for_each(|exchange| namer.name(exchange, None, profile));
}

/// Names exchanges one after the other.
struct Namer {
    taken: HashSet<ExchangeId>,
    next: HashMap<String, usize>,
    renamed: HashMap<ExchangeId, ExchangeId>,
}

impl Namer {
    /// Numbers go on behind the highest that is given: one between them may have been an exchange that somebody took out.
    fn past(exchanges: &[Exchange]) -> Self {
        let mut next: HashMap<String, usize> = HashMap::new();
        for (operation, number) in
            exchanges.iter().filter_map(|exchange| exchange.id.as_str().rsplit_once('-'))
        {
            if let Ok(number) = number.parse::<u32>() {
                let highest = next.entry(operation.to_owned()).or_default();
                *highest = usize::try_from(number).unwrap_or_default().max(*highest);
            }
        }
        let taken = exchanges.iter().map(|exchange| exchange.id.clone()).collect();
        Self { taken, next, renamed: HashMap::new() }
    }

    fn name(&mut self, exchange: &mut Exchange, kept: Option<ExchangeId>, profile: &ProviderProfile) {
        let id = kept.unwrap_or_else(|| self.free(&profile.operation_of_request(&exchange.request).0));
        exchange.caused_by = exchange.caused_by.take().and_then(|cause| self.renamed.get(&cause).cloned());
        self.renamed.insert(std::mem::replace(&mut exchange.id, id.clone()), id);
    }

    fn free(&mut self, operation: &str) -> ExchangeId {
        let number = self.next.entry(operation.to_owned()).or_default();
        loop {
            *number += 1;
            let id = ExchangeId::nth(operation, *number);
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

fn keep_placeholders(
    fixture: &mut Fixture,
    older: &Fixture,
    partners: &[Option<usize>],
) -> BTreeMap<Placeholder, Placeholder> {
    let mut names: BTreeMap<Placeholder, Placeholder> = BTreeMap::new();
    let mut given: HashSet<Placeholder> = HashSet::new();
    for (exchange, place) in fixture.exchanges.iter().zip(partners) {
        let Some(before) = place.map(|place| &older.exchanges[place]) else { continue };
        let (before, after) = (by_place(before), by_place(exchange));
        for (place, now) in after {
            let Some(then) = before.get(&place) else { continue };
            if !now.iter().map(|one| &one.kind).eq(then.iter().map(|one| &one.kind)) {
                continue;
            }
            for (now, then) in now.into_iter().zip(then) {
                // Where two recordings disagree about what is equal, the first place that shows it decides.
                if !names.contains_key(&now) && given.insert(then.clone()) {
                    names.insert(now, then.clone());
                }
            }
        }
    }
    let unnamed: BTreeSet<Placeholder> = fixture
        .exchanges
        .iter()
        .flat_map(by_place)
        .flat_map(|(_, all)| all)
        .chain(fixture.redacted.keys().cloned())
        .filter(|placeholder| !names.contains_key(placeholder))
        .collect();
    for placeholder in unnamed {
        let kind = placeholder.kind.clone();
        let numbered = (1..).map(|number| Placeholder { kind: kind.clone(), number });
        let name = numbered.into_iter().find(|name| given.insert(name.clone()));
        names.extend(name.map(|name| (placeholder, name)));
    }
    rename(fixture, &names);
    names
}

fn rename(fixture: &mut Fixture, names: &BTreeMap<Placeholder, Placeholder>) {
    if names.iter().all(|(now, name)| now == name) {
        return;
    }
    let renamed = |text: &str| {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (range, placeholder) in find_placeholders(text) {
            out.push_str(&text[at..range.start]);
            out.push_str(&names.get(&placeholder).unwrap_or(&placeholder).to_string());
            at = range.end;
        }
        out + &text[at..]
    };
    fixture.exchanges.iter_mut().for_each(|exchange| map_texts(exchange, &renamed));
    match &mut fixture.provenance {
        Provenance::Recorded(recorded) => recorded.upstream = renamed(&recorded.upstream),
        Provenance::Imported(imported) => imported.source = renamed(&imported.source),
        Provenance::Written(written) => written.after = renamed(&written.after),
    }
    fixture.redacted = std::mem::take(&mut fixture.redacted)
        .into_iter()
        .map(|(placeholder, mut value)| {
            value.map_texts(&renamed);
            (names.get(&placeholder).cloned().unwrap_or(placeholder), value)
        })
        .collect();
}

/// The placeholders of an exchange in their order, each under the part of the message that it stands in.
fn by_place(exchange: &Exchange) -> BTreeMap<String, Vec<Placeholder>> {
    let mut places = BTreeMap::new();
    see(&mut places, "request target", &exchange.request.target);
    in_message(&mut places, "request", &exchange.request.headers, &exchange.request.body);
    if let Some(response) = &exchange.response {
        in_message(&mut places, "answer", &response.headers, &response.body);
    }
    places
}

fn in_message(places: &mut BTreeMap<String, Vec<Placeholder>>, side: &str, headers: &Headers, body: &Body) {
    for (name, values) in headers.iter() {
        for text in values.iter().filter_map(HeaderValue::as_text) {
            see(places, &format!("{side} {name}"), text);
        }
    }
    match body {
        Body::Json(json) => see(places, side, json.as_str()),
        Body::Text(text) => see(places, side, text),
        Body::Form(fields) => {
            fields.iter().for_each(|(name, value)| see(places, &format!("{side} form {name}"), value));
        }
        Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
    }
}

fn see(places: &mut BTreeMap<String, Vec<Placeholder>>, place: &str, text: &str) {
    for (_, placeholder) in find_placeholders(text) {
        places.entry(place.to_owned()).or_default().push(placeholder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recorded;
    use crate::comparison::tests::exchange;
    use crate::fixture::RedactedValue;

    fn fixture(exchanges: &[(&str, &str)]) -> Fixture {
        let exchanges = exchanges.iter().enumerate().map(|(place, (request, answer))| {
            let id = |place: usize| ExchangeId::from(place.to_string().as_str());
            Exchange {
                id: id(place),
                caused_by: place.checked_sub(1).map(id),
                ..exchange(request, 200, answer)
            }
        });
        Fixture {
            provider: "p".into(),
            flow: "f".into(),
            provenance: Provenance::Recorded(Recorded {
                at: jiff::Timestamp::UNIX_EPOCH,
                upstream: "http://127.0.0.1:1".into(),
                by: "counterpart 0.1.0".into(),
                server: None,
            }),
            redacted: BTreeMap::new(),
            exchanges: exchanges.collect(),
        }
    }

    fn named(exchanges: &[(&str, &str)], older: Option<&Fixture>) -> Fixture {
        let mut fixture = fixture(exchanges);
        let text: String = fixture
            .exchanges
            .iter()
            .map(|one| String::from_utf8_lossy(&one.response.as_ref().unwrap().body.to_bytes()).into_owned())
            .collect();
        for (_, placeholder) in find_placeholders(&text) {
            fixture.redacted.insert(placeholder, RedactedValue::of_length(8));
        }
        name_exchanges(&mut fixture, older, &ProviderProfile::unknown("p"));
        fixture
    }

    fn ids(fixture: &Fixture) -> Vec<&str> {
        fixture.exchanges.iter().map(|exchange| exchange.id.as_str()).collect()
    }

    #[test]
    fn an_exchange_that_was_there_keeps_its_id() {
        let mut older = named(&[("GET /a?page=1", "{}"), ("GET /a?page=2", "{}"), ("GET /b", "{}")], None);
        assert_eq!(ids(&older), ["get-a-1", "get-a-2", "get-b-1"]);
        older.exchanges[2].id = ExchangeId::from("the-list");
        let again = [
            ("GET /a?page=0", "{}"),
            ("GET /a?page=1", "{}"),
            ("GET /a?page=2", "{}"),
            ("GET /c", "{}"),
            ("GET /b", "{}"),
        ];
        let newer = named(&again, Some(&older));
        assert_eq!(ids(&newer), ["get-a-3", "get-a-1", "get-a-2", "get-c-1", "the-list"]);
        let causes: Vec<_> =
            newer.exchanges.iter().filter_map(|one| one.caused_by.as_ref()).map(ExchangeId::as_str).collect();
        assert_eq!(causes, ["get-a-3", "get-a-1", "get-a-2", "get-c-1"]);
    }

    #[test]
    fn an_id_that_is_gone_is_given_to_no_other() {
        let older = named(&[("GET /a?page=1", "{}"), ("POST /a", "{}")], None);
        let newer = named(&[("GET /a?page=1", "{}"), ("GET /a?page=9", "{}")], Some(&older));
        assert_eq!(ids(&newer), ["get-a-1", "get-a-2"]);
        let fewer = named(&[("POST /a", "{}")], Some(&older));
        assert_eq!(
            ids(&named(&[("POST /a", "{}"), ("GET /a", "{}")], Some(&fewer))),
            ["post-a-1", "get-a-1"]
        );
    }

    #[test]
    fn a_secret_that_stands_where_one_stood_keeps_its_placeholder() {
        let older = named(&[("GET /a", r#"{"t":"«token:1»","u":"«token:2»"}"#)], None);
        let again = [
            ("GET /new", r#"{"x":"«token:1»","m":"«email:1»"}"#),
            ("GET /a", r#"{"t":"«token:2»","u":"«token:3»"}"#),
        ];
        let newer = named(&again, Some(&older));
        let body = |place: usize| {
            let response = newer.exchanges[place].response.as_ref().unwrap();
            String::from_utf8(response.body.to_bytes()).unwrap()
        };
        assert_eq!(body(0), r#"{"x":"«token:3»","m":"«email:1»"}"#);
        assert_eq!(body(1), r#"{"t":"«token:1»","u":"«token:2»"}"#);
        let redacted: Vec<String> = newer.redacted.keys().map(ToString::to_string).collect();
        assert_eq!(redacted, ["«email:1»", "«token:1»", "«token:2»", "«token:3»"]);
    }

    #[test]
    fn secrets_that_are_no_longer_equal_stay_apart() {
        let older = named(&[("GET /a", r#"{"t":"«token:1»","u":"«token:1»"}"#)], None);
        let newer = named(&[("GET /a", r#"{"t":"«token:1»","u":"«token:2»"}"#)], Some(&older));
        let body = newer.exchanges[0].response.as_ref().unwrap().body.to_bytes();
        assert_eq!(String::from_utf8(body).unwrap(), r#"{"t":"«token:1»","u":"«token:2»"}"#);
    }
}
