//! The judge: what was sent and answered, held against what arrived: requests at the destination, and records that the
//! runtime wrote itself. It knows no runtime and no clock.
//!
//! What was acknowledged must have arrived, once, as it was sent, and where an order was promised in that order. What
//! was sent and never acknowledged may have arrived. Nothing else may.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one vendor sent, in the order in which it began to.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    events: Vec<Sent>,
    places: BTreeMap<String, usize>,
    /// The places of those that are to be records, by tenant and key.
    records: BTreeMap<(String, String), usize>,
    unexpected: Vec<String>,
}

/// One event, however often it was delivered.
#[derive(Debug)]
struct Sent {
    id: String,
    effect: Effect,
    acknowledged: bool,
    accepted: u64,
}

/// What an event is to come to.
#[derive(Debug)]
enum Effect {
    /// A request with this body. Those of one group are applied in the order of acceptance. Their sender waits for each
    /// before the next.
    Request { body: Vec<u8>, group: Option<String> },
    /// A record that the runtime writes itself.
    Record(Record),
}

impl Ledger {
    /// An event that is to be forwarded is about to be delivered for the first time.
    pub(crate) fn sent(&mut self, id: &str, body: &[u8], group: Option<&str>) {
        self.add(id, Effect::Request { body: body.to_owned(), group: group.map(str::to_owned) });
    }

    /// The same for one of which the runtime is to make a record.
    pub(crate) fn sent_for_record(&mut self, id: &str, record: Record) {
        let known = self.records.insert(record.place(), self.events.len());
        assert!(known.is_none(), "{record:?} was used before");
        self.add(id, Effect::Record(record));
    }

    fn add(&mut self, id: &str, effect: Effect) {
        let known = self.places.insert(id.to_owned(), self.events.len());
        assert!(known.is_none(), "{id} was used before");
        self.events.push(Sent { id: id.to_owned(), effect, acknowledged: false, accepted: 0 });
    }

    /// A delivery of it was answered with 2xx, and said whether it was new.
    pub(crate) fn acknowledged(&mut self, id: &str, accepted: u64) {
        let sent = &mut self.events[self.places[id]];
        sent.acknowledged = true;
        sent.accepted += accepted;
    }

    /// An answer that a sound receiver does not give.
    pub(crate) fn unexpected(&mut self, answer: String) {
        self.unexpected.push(answer);
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn acknowledgements(&self) -> usize {
        self.events.iter().filter(|one| one.acknowledged).count()
    }

    fn place(&self, body: &[u8]) -> Option<usize> {
        let event: Value = serde_json::from_slice(body).ok()?;
        self.places.get(event.get("id")?.as_str()?).copied()
    }
}

/// One request that the destination took.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Applied {
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

/// A record that the runtime wrote, or is to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) tenant: String,
    pub(crate) key: String,
    /// All of it.
    pub(crate) content: Value,
}

impl Record {
    fn place(&self) -> (String, String) {
        (self.tenant.clone(), self.key.clone())
    }
}

/// What arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrived {
    /// What the runtime wrote itself.
    pub(crate) records: Vec<Record>,
    /// The first request of each key at the destination, in order.
    pub(crate) applied: Vec<Applied>,
    /// Requests that came with a known key and another body.
    pub(crate) conflicts: BTreeSet<Applied>,
    /// Requests without a key.
    pub(crate) keyless: u64,
    /// All requests.
    pub(crate) requests: u64,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Violation {
    Lost { id: String },
    Doubled { id: String, times: usize },
    Invented { key: String, body: String },
    Changed { id: String, body: String },
    OutOfOrder { group: String, id: String, after: String },
    KeyOfTwo { key: String, body: String },
    Keyless { requests: u64 },
    AcceptedTwice { id: String, accepted: u64 },
    UnexpectedAnswer { answer: String },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { id } => write!(f, "{id} was acknowledged and never arrived"),
            Self::Doubled { id, times } => write!(f, "{id} was applied {times} times"),
            Self::Invented { key, body } => write!(f, "key {key} brought what nobody sent: {body}"),
            Self::Changed { id, body } => write!(f, "{id} arrived changed: {body}"),
            Self::OutOfOrder { group, id, after } => {
                write!(f, "{group}: {id} arrived after {after}, which was accepted later")
            }
            Self::KeyOfTwo { key, body } => write!(f, "key {key} came again with another body: {body}"),
            Self::Keyless { requests } => write!(f, "{requests} requests had no idempotency key"),
            Self::AcceptedTwice { id, accepted } => write!(f, "{id} was told to be new {accepted} times"),
            Self::UnexpectedAnswer { answer } => write!(f, "a delivery was answered with {answer}"),
        }
    }
}

/// Every promise that was broken.
pub(crate) fn judge(ledger: &Ledger, arrived: &Arrived) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut arrivals = vec![0; ledger.events.len()];
    judge_requests(ledger, &arrived.applied, &mut arrivals, &mut broken);
    judge_records(ledger, &arrived.records, &mut arrivals, &mut broken);
    for (sent, arrivals) in ledger.events.iter().zip(arrivals) {
        let id = || sent.id.clone();
        match arrivals {
            0 if sent.acknowledged => broken.push(Violation::Lost { id: id() }),
            0 | 1 => {}
            times => broken.push(Violation::Doubled { id: id(), times }),
        }
        if sent.accepted > 1 {
            broken.push(Violation::AcceptedTwice { id: id(), accepted: sent.accepted });
        }
    }
    broken.extend(
        arrived
            .conflicts
            .iter()
            .map(|one| Violation::KeyOfTwo { key: one.key.clone(), body: shortened(&one.body) }),
    );
    if arrived.keyless > 0 {
        broken.push(Violation::Keyless { requests: arrived.keyless });
    }
    broken.extend(ledger.unexpected.iter().map(|one| Violation::UnexpectedAnswer { answer: one.clone() }));
    broken
}

/// Counts what arrived at the destination, and tells what nobody sent, what is changed and what came in another order.
fn judge_requests(
    ledger: &Ledger,
    requests: &[Applied],
    arrivals: &mut [usize],
    broken: &mut Vec<Violation>,
) {
    let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
    for Applied { key, body } in requests {
        let sent = ledger.place(body).map(|place| (place, &ledger.events[place]));
        let Some((place, Sent { id, effect: Effect::Request { body: own, group }, .. })) = sent else {
            broken.push(Violation::Invented { key: key.clone(), body: shortened(body) });
            continue;
        };
        arrivals[place] += 1;
        if own != body {
            broken.push(Violation::Changed { id: id.clone(), body: shortened(body) });
        }
        // One that arrives again is doubled, and told so; only its first arrival has an order.
        if let (Some(group), 1) = (group, arrivals[place]) {
            let last = newest.entry(group).or_insert(place);
            if place < *last {
                let after = ledger.events[*last].id.clone();
                broken.push(Violation::OutOfOrder { group: group.clone(), id: id.clone(), after });
            }
            *last = place.max(*last);
        }
    }
}

/// Counts the records, and tells those that nobody sent and those that are changed.
fn judge_records(ledger: &Ledger, records: &[Record], arrivals: &mut [usize], broken: &mut Vec<Violation>) {
    for record in records {
        let body = || shortened(record.content.to_string().as_bytes());
        let sent = ledger.records.get(&record.place()).map(|place| (*place, &ledger.events[*place]));
        let Some((place, Sent { id, effect: Effect::Record(own), .. })) = sent else {
            let key = format!("{}/{}", record.tenant, record.key);
            broken.push(Violation::Invented { key, body: body() });
            continue;
        };
        arrivals[place] += 1;
        if own != record {
            broken.push(Violation::Changed { id: id.clone(), body: body() });
        }
    }
}

fn shortened(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Applied, Arrived, Ledger, Record, Violation, judge};

    fn body(id: &str) -> Vec<u8> {
        format!("{{\"id\": \"{id}\", \"n\": 1}}").into_bytes()
    }

    /// Three events of one group that were acknowledged, and one that was not.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for id in ["e1", "e2", "e3"] {
            ledger.sent(id, &body(id), Some("acme"));
            ledger.acknowledged(id, 1);
        }
        ledger.sent("open", &body("open"), None);
        ledger
    }

    fn arrived(ids: &[&str]) -> Arrived {
        let applied = ids.iter().enumerate();
        let applied = applied.map(|(n, id)| Applied { key: format!("key-{n}"), body: body(id) }).collect();
        Arrived { applied, ..Arrived::default() }
    }

    fn of(ids: &[&str]) -> Vec<Violation> {
        judge(&ledger(), &arrived(ids))
    }

    #[test]
    fn what_was_acknowledged_and_arrived_once_in_order_is_well() {
        assert_eq!(of(&["e1", "e2", "e3"]), []);
        assert_eq!(of(&["e1", "open", "e2", "e3"]), [], "what was not acknowledged may arrive");
        assert_eq!((ledger().len(), ledger().acknowledgements()), (4, 3));
    }

    #[test]
    fn an_acknowledged_event_that_is_not_there_is_lost() {
        assert_eq!(of(&["e1", "e3"]), [Violation::Lost { id: "e2".into() }]);
        assert_eq!(of(&[]).len(), 3);
    }

    #[test]
    fn an_event_under_two_keys_is_doubled_and_so_is_one_that_was_not_acknowledged() {
        assert_eq!(of(&["e1", "e2", "e3", "e2"]), [Violation::Doubled { id: "e2".into(), times: 2 }]);
        assert_eq!(
            of(&["open", "e1", "e2", "e3", "open"]),
            [Violation::Doubled { id: "open".into(), times: 2 }]
        );
    }

    #[test]
    fn what_nobody_sent_is_invented() {
        for stranger in [&b"{\"id\": \"e9\"}"[..], b"no JSON", b"{}", b"[]", b"{\"id\": 7}"] {
            let mut arrived = arrived(&["e1", "e2", "e3"]);
            arrived.applied.push(Applied { key: "k".into(), body: stranger.to_vec() });
            let text = String::from_utf8_lossy(stranger).into_owned();
            assert_eq!(judge(&ledger(), &arrived), [Violation::Invented { key: "k".into(), body: text }]);
        }
    }

    #[test]
    fn a_body_that_is_not_that_which_was_sent_is_changed_even_by_a_blank() {
        let mut arrived = arrived(&["e1", "e2", "e3"]);
        arrived.applied[1].body = b"{\"id\":\"e2\",\"n\":1}".to_vec();
        assert_eq!(
            judge(&ledger(), &arrived),
            [Violation::Changed { id: "e2".into(), body: "{\"id\":\"e2\",\"n\":1}".into() }]
        );
    }

    #[test]
    fn another_order_than_that_of_acceptance_is_told_once_for_each_that_came_late() {
        let late =
            |id: &str| Violation::OutOfOrder { group: "acme".into(), id: id.into(), after: "e3".into() };
        assert_eq!(of(&["e1", "e3", "e2"]), [late("e2")]);
        assert_eq!(of(&["e3", "e1", "e2"]), [late("e1"), late("e2")]);
    }

    #[test]
    fn groups_are_ordered_each_by_itself() {
        let mut ledger = Ledger::default();
        for (id, group) in [("a1", Some("a")), ("b1", Some("b")), ("a2", Some("a")), ("x", None)] {
            ledger.sent(id, &body(id), group);
            ledger.acknowledged(id, 1);
        }
        assert_eq!(judge(&ledger, &arrived(&["x", "a1", "a2", "b1"])), []);
        assert_eq!(judge(&ledger, &arrived(&["a2", "b1", "a1", "x"])).len(), 1);
    }

    fn record(tenant: &str, key: &str, text: &str) -> Record {
        let content = serde_json::json!({ "event_id": key, "body": text });
        Record { tenant: tenant.to_owned(), key: key.to_owned(), content }
    }

    /// What is wrong with records, where m1 of acme and m2 of umbra were acknowledged.
    fn of_records(records: &[Record]) -> Vec<Violation> {
        let mut ledger = Ledger::default();
        for (id, tenant) in [("m1", "acme"), ("m2", "umbra"), ("open", "acme")] {
            ledger.sent_for_record(id, record(tenant, id, "text"));
        }
        ledger.acknowledged("m1", 1);
        ledger.acknowledged("m2", 1);
        judge(&ledger, &Arrived { records: records.to_vec(), ..Arrived::default() })
    }

    #[test]
    fn records_are_judged_as_requests_are_and_each_in_its_tenant() {
        let [one, two] = [record("acme", "m1", "text"), record("umbra", "m2", "text")];
        assert_eq!(of_records(&[two.clone(), one.clone()]), [], "in any order");
        let open = record("acme", "open", "text");
        assert_eq!(of_records(&[one.clone(), two.clone(), open]), [], "not acknowledged, and there");
        let lost = |id: &str| Violation::Lost { id: id.into() };
        assert_eq!(of_records(std::slice::from_ref(&one)), [lost("m2")]);
        let twice = [one.clone(), two.clone(), one.clone()];
        assert_eq!(of_records(&twice), [Violation::Doubled { id: "m1".into(), times: 2 }]);
        let changed = record("acme", "m1", "text ");
        let body = changed.content.to_string();
        assert_eq!(of_records(&[changed, two]), [Violation::Changed { id: "m1".into(), body }]);
        let elsewhere = record("acme", "m2", "text");
        let (key, body) = ("acme/m2".to_owned(), elsewhere.content.to_string());
        assert_eq!(of_records(&[one, elsewhere]), [Violation::Invented { key, body }, lost("m2")]);
    }

    #[test]
    fn what_is_to_be_a_record_is_no_request_and_the_other_way_round() {
        let mut ledger = Ledger::default();
        ledger.sent_for_record("m1", record("acme", "m1", "text"));
        ledger.sent("e1", &body("e1"), None);
        let mut arrived = arrived(&["m1"]);
        arrived.records.push(record("acme", "e1", "text"));
        let broken = judge(&ledger, &arrived);
        assert!(
            matches!(&broken[..], [Violation::Invented { .. }, Violation::Invented { .. }]),
            "{broken:?}"
        );
    }

    #[test]
    fn a_key_of_two_events_and_a_request_without_one_are_told() {
        let mut arrived = arrived(&["e1", "e2", "e3"]);
        arrived.conflicts.insert(Applied { key: "key-0".into(), body: body("e2") });
        arrived.keyless = 2;
        let text = String::from_utf8(body("e2")).unwrap();
        assert_eq!(
            judge(&ledger(), &arrived),
            [Violation::KeyOfTwo { key: "key-0".into(), body: text }, Violation::Keyless { requests: 2 }]
        );
    }

    #[test]
    fn an_event_that_was_new_twice_and_an_odd_answer_are_told() {
        let mut ledger = ledger();
        ledger.acknowledged("e1", 0);
        assert_eq!(judge(&ledger, &arrived(&["e1", "e2", "e3"])), []);
        ledger.acknowledged("e1", 1);
        ledger.unexpected("500 for e2".into());
        let broken = judge(&ledger, &arrived(&["e1", "e2", "e3"]));
        let told: Vec<String> = broken.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["e1 was told to be new 2 times", "a delivery was answered with 500 for e2"]);
    }
}
