//! Which exchange of one recording is which of another, told by what was asked and not by its number.
//!
//! A recording is made again on another day: ids, cursors and times are others, a page may have come in between. Within
//! an operation the same request is the same exchange, what it was answered deciding between several; what is left is
//! paired in order. Knows nothing of what differs within a pair.

use crate::protocol::canonical_json;
use crate::{Body, Direction, Exchange, OperationName, ProviderProfile, RequestTarget, find_placeholders};
use std::collections::{HashMap, VecDeque};

/// For each of the newer exchanges the place of its older one, where it has one. No older one is given twice.
pub(crate) fn pair(older: &[Exchange], newer: &[Exchange], profile: &ProviderProfile) -> Vec<Option<usize>> {
    let older: Vec<Told> = older.iter().map(|exchange| Told::of(exchange, profile)).collect();
    let newer: Vec<Told> = newer.iter().map(|exchange| Told::of(exchange, profile)).collect();
    let mut pairing = Pairing { partner: vec![None; newer.len()], taken: vec![false; older.len()] };
    pairing.by(&older, &newer, |told| (told.operation.clone(), told.request.clone(), told.status));
    pairing.by(&older, &newer, |told| (told.operation.clone(), told.request.clone()));
    pairing.by(&older, &newer, |told| (told.operation.clone(), told.status));
    pairing.by(&older, &newer, |told| told.operation.clone());
    pairing.partner
}

/// What an exchange is told by.
struct Told {
    operation: (Direction, OperationName),
    /// The request without what the profile calls volatile.
    request: String,
    status: Option<u16>,
}

impl Told {
    fn of(exchange: &Exchange, profile: &ProviderProfile) -> Self {
        let request = &exchange.request;
        Self {
            operation: (exchange.direction, profile.operation_of_request(request)),
            request: without_numbers(&format!(
                "{} {}\n{}",
                request.method,
                canonical_target(&request.method, &request.target, profile),
                canonical_body(&request.body, profile)
            )),
            status: exchange.response.as_ref().map(|response| response.status),
        }
    }
}

struct Pairing {
    partner: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Pairing {
    /// Pairs, in order, those that have no partner yet and are told alike.
    fn by<K: std::hash::Hash + Eq>(&mut self, older: &[Told], newer: &[Told], told_by: impl Fn(&Told) -> K) {
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (place, told) in older.iter().enumerate().filter(|(place, _)| !self.taken[*place]) {
            waiting.entry(told_by(told)).or_default().push_back(place);
        }
        for (told, partner) in newer.iter().zip(&mut self.partner).filter(|(_, partner)| partner.is_none()) {
            *partner = waiting.get_mut(&told_by(told)).and_then(VecDeque::pop_front);
            if let Some(place) = *partner {
                self.taken[place] = true;
            }
        }
    }
}

fn canonical_target(method: &str, target: &str, profile: &ProviderProfile) -> String {
    let cut = RequestTarget::of(target);
    let mut path = cut.path.to_owned();
    if let Some(fitting) = profile.template_of(method, target) {
        let is_volatile =
            |(name, _): &&(String, String)| profile.volatile.path_variables.iter().any(|known| known == name);
        for (name, value) in fitting.variables.iter().filter(is_volatile) {
            path = path.replace(value.as_str(), &format!("{{{name}}}"));
        }
    }
    let mut query = cut.query_fields();
    query.retain(|(name, _)| !profile.volatile.query.contains(name));
    query.sort();
    query.iter().fold(path, |path, (name, value)| format!("{path}\u{1f}{name}={value}"))
}

fn canonical_body(body: &Body, profile: &ProviderProfile) -> String {
    let volatile = &profile.volatile.fields;
    match body {
        Body::Json(json) => canonical_json(&json.to_value(), volatile),
        Body::Form(fields) => {
            let mut kept: Vec<_> = fields.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort();
            kept.iter().fold(String::new(), |text, (name, value)| format!("{text}\u{1f}{name}={value}"))
        }
        Body::Text(text) => text.clone(),
        Body::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::None | Body::Omitted { .. } => String::new(),
    }
}

/// A text in which placeholders have no number: a secret is another one on another day.
pub(super) fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, placeholder) in find_placeholders(text) {
        out.push_str(&text[at..range.start]);
        out.push_str(&format!("«{}»", placeholder.kind));
        at = range.end;
    }
    out + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::exchange;

    fn pairs(older: &[(&str, u16)], newer: &[(&str, u16)]) -> Vec<Option<usize>> {
        let profile = serde_json::json!({
            "counterpart": "provider/1", "provider": "p",
            "operations": {"list": "GET /items", "read": "GET /items/{id}", "make": "POST /items"},
            "volatile": {"query": ["ts"]},
        });
        let profile: ProviderProfile = serde_json::from_value(profile).unwrap();
        let all = |list: &[(&str, u16)]| -> Vec<Exchange> {
            list.iter().map(|(request, status)| exchange(request, *status, "{}")).collect()
        };
        pair(&all(older), &all(newer), &profile)
    }

    #[test]
    fn the_same_request_is_the_same_exchange_wherever_it_stands() {
        let older = [("GET /items?ts=1", 200), ("GET /items?page=2", 200), ("POST /items", 201)];
        let newer = [
            ("POST /items", 201),
            ("GET /items?ts=2", 200),
            ("GET /items?page=1b", 200),
            ("GET /items?page=2", 200),
        ];
        assert_eq!(pairs(&older, &newer), [Some(2), Some(0), None, Some(1)]);
    }

    #[test]
    fn the_answer_decides_between_equal_requests_and_order_between_the_rest() {
        let older = [("GET /items", 401), ("GET /items", 200)];
        assert_eq!(pairs(&older, &[("GET /items", 200)]), [Some(1)]);
        assert_eq!(pairs(&older, &[("GET /items", 500), ("GET /items", 200)]), [Some(0), Some(1)]);
        let older = [("GET /items/1", 200), ("GET /items/2", 404), ("GET /items/3", 200)];
        let newer =
            [("GET /items/7", 404), ("GET /items/8", 200), ("GET /items/9", 200), ("GET /items/10", 200)];
        assert_eq!(pairs(&older, &newer), [Some(1), Some(0), Some(2), None]);
    }

    #[test]
    fn the_request_decides_before_the_status_and_what_is_volatile_never() {
        let older = [("GET /items?page=1", 500), ("GET /items?page=2", 200)];
        assert_eq!(
            pairs(&older, &[("GET /items?page=2", 500), ("GET /items?page=1", 200)]),
            [Some(1), Some(0)]
        );
        assert_eq!(pairs(&[("GET /items/1", 200)], &[("GET /items/9", 404)]), [Some(0)]);
        let newer = [("GET /items?page=3", 200), ("GET /items?ts=9", 200)];
        assert_eq!(pairs(&[("GET /items?ts=1", 200)], &newer), [None, Some(0)]);
    }

    #[test]
    fn another_operation_is_another_exchange() {
        assert_eq!(pairs(&[("GET /items", 200)], &[("GET /items/1", 200)]), [None]);
    }
}
