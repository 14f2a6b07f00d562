//! The provider's data as state: what the profile declares as resources, paged, written and listed.
//!
//! The play asks here before it turns to the recording. What an answer changes is handed back with it and kept once the
//! answer is given, so that an answer that is spoilt on its way has changed nothing. Knows nothing of connections, tokens,
//! or which fault is planned where.

mod client_fields;
mod collection;
mod disturbances;
pub(crate) mod field_path;
mod ids;
mod kind;
mod learning;
mod pages;
mod per_version;
pub(crate) mod stamps;
mod subscriptions;
#[cfg(test)]
mod tests;
mod writes;

pub(crate) use disturbances::{ShiftedItem, Staleness, seconds_after, tombstone_of};
pub(crate) use pages::tell_next;
pub(crate) use per_version::DataByVersion;
pub use subscriptions::{HandshakeDue, Subscription, Verification};

use crate::forms::{ErrorForms, plain};
use crate::prepared::Prepared;
use collection::{Collection, Position};
use counterpart_exchange::{Exchange, Grow, OperationName, ProviderProfile, Request, Response};
use disturbances::Disturbances;
use jiff::Timestamp;
use kind::{Kind, Scope};
use learning::{Begins, Verb};
use pages::List;
use std::collections::HashMap;
use subscriptions::Subscribed;
use writes::{Named, Write};

/// What clients may write, at most.
#[derive(Clone, Copy, Debug)]
struct Room {
    records: usize,
    /// Of JSON, all records together.
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { records: 100_000, bytes: 256 * 1024 * 1024 }
    }
}

/// A request, with what it is judged by.
pub(crate) struct Ask<'a> {
    pub(crate) profile: &'a ProviderProfile,
    pub(crate) forms: &'a ErrorForms,
    pub(crate) operation: &'a OperationName,
    pub(crate) request: &'a Request,
    pub(crate) now: Timestamp,
    /// What the recording answered the last time to the same request, if it did.
    pub(crate) last_given: Option<&'a Prepared>,
}

/// An answer by state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) response: Response,
    /// What was done, in words.
    pub(crate) note: &'static str,
    /// The exchange whose form it has.
    pub(crate) exchange: Option<String>,
    /// What is so once the answer is given.
    pub(crate) change: Change,
}

/// What an answer changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    write: Option<Write>,
    used: Used,
}

/// A disturbance that an answer used up once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Used {
    #[default]
    Nothing,
    StaleState,
    StaleRecording(String),
}

/// The data of one stand-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    kinds: Vec<Kind>,
    verbs: HashMap<OperationName, (usize, Verb)>,
    base_url: String,
    /// What clients wrote: where, and how many bytes of JSON.
    written: HashMap<(usize, Scope, Position), usize>,
    written_bytes: usize,
    room: Room,
    last_write: Option<Write>,
    disturbances: Disturbances,
    subscribed: Option<Subscribed>,
}

impl Data {
    /// Learns what the profile declares from exchanges as they go over the wire. `base_url` is where clients reach the
    /// stand-in: links to further pages begin with it.
    pub(crate) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)], base_url: &str) -> Self {
        let subscribed = profile.webhook_subscriptions.clone();
        let mut data = Self { base_url: base_url.to_owned(), ..Self::default() };
        for name in profile.resources.keys() {
            let holds_subscriptions = subscribed.as_ref().is_some_and(|hooks| hooks.resource == *name);
            let begins = if holds_subscriptions { Begins::Empty } else { Begins::AsRecorded };
            let index = data.kinds.len();
            if let (true, Some(hooks)) = (holds_subscriptions, &subscribed) {
                data.subscribed = Some(Subscribed::new(hooks.clone(), index));
            }
            data.kinds.push(learning::learn(profile, name, exchanges, begins));
            let verbs = learning::verbs(&profile.resources[name]);
            data.verbs.extend(verbs.into_iter().map(|(operation, verb)| (operation.clone(), (index, verb))));
        }
        data
    }

    /// Where clients reach the stand-in.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether state, not the recording, answers an operation.
    pub(crate) fn decides(&self, operation: &OperationName) -> bool {
        self.verbs.contains_key(operation)
    }

    /// Whether there may be anything to say to an operation: most stand-ins have no data at all.
    pub(crate) fn may_answer(&self, operation: &OperationName) -> bool {
        self.decides(operation) || !self.disturbances.is_empty()
    }

    /// Grows a resource to so many records in each of its collections.
    ///
    /// # Errors
    /// A sentence, where there is no such resource, nothing to grow from, or something was written already.
    pub(crate) fn grow(&mut self, resource: &str, to: u64) -> Result<(), String> {
        let known: Vec<String> = self.kinds.iter().map(|kind| kind.name.clone()).collect();
        if to > Grow::MAX_TO {
            return Err(format!("{to} records are too many; {} are the most", Grow::MAX_TO));
        }
        if !self.written.is_empty() {
            return Err("records were written already; grow a stand-in before it is used".to_owned());
        }
        let kind = self.kinds.iter_mut().find(|kind| kind.name == resource).ok_or_else(|| {
            match counterpart_exchange::suggest(resource, known.iter().map(String::as_str)) {
                Some(near) => format!("there is no resource `{resource}`; did you mean `{near}`?"),
                None => format!("there is no resource `{resource}`; there are: {}", known.join(", ")),
            }
        })?;
        if kind.collections.values().all(|collection| collection.recorded_len() == 0) {
            return Err(format!("no record of `{resource}` was recorded, so there is nothing to grow from"));
        }
        kind.make_ids_for(to);
        learning::grow_to(kind, to);
        Ok(())
    }

    /// What state answers to a request; none where it has nothing to say, and the recording answers.
    pub(crate) fn answer(&mut self, ask: &Ask<'_>) -> Option<Answered> {
        self.disturbances.lift(ask);
        if let Some(disturbed) = self.disturbances.answer(ask) {
            return Some(disturbed);
        }
        let (index, verb) = *self.verbs.get(ask.operation)?;
        let (scope, id) = learning::scope_of(ask.profile, &ask.request.method, &ask.request.target, verb)?;
        let past = matches!(verb, Verb::Read | Verb::List)
            .then(|| self.disturbances.past(index, &self.kinds[index], ask.now))
            .flatten();
        let used = if past.is_some() { Used::StaleState } else { Used::Nothing };
        let kind = past.as_ref().unwrap_or(&self.kinds[index]);
        if verb == Verb::List {
            let list = List::of(kind, &scope, &ask.request.target)?;
            let (response, note) = match list.page(ask) {
                Ok(page) => (list.answer(&page, ask, &self.base_url)?, "listed from state"),
                Err(refused) => (refused, "refused: no such page"),
            };
            let exchange = kind.forms.list.as_ref().map(|(_, exchange)| exchange.clone());
            return Some(Answered { response, note, exchange, change: Change { write: None, used } });
        }
        let (written, note) = match &id {
            None => (writes::create(kind, index, &scope, ask), "created in state"),
            Some(id) => match self.named(kind, index, &scope, id, ask) {
                Ok(named) => (named.written(verb, ask), done_to(verb)),
                Err(missing) => ((*missing, None, None), "refused: there is no such record"),
            },
        };
        let (response, write, exchange) = self.bounded(written, index);
        Some(Answered { response, note, exchange, change: Change { write, used } })
    }

    fn named<'a>(
        &self,
        kind: &'a Kind,
        index: usize,
        scope: &Scope,
        id: &str,
        ask: &Ask<'_>,
    ) -> Result<Named<'a>, Box<Response>> {
        if let Some(gone) = self.disturbances.gone(index, id) {
            return Err(Box::new(gone.clone()));
        }
        let missing = || Box::new(kind.not_found(ask.forms, id));
        let (scope, collection, position) = kind.find(scope, id).ok_or_else(missing)?;
        let record = collection.record(position).ok_or_else(missing)?;
        Ok(Named { kind, index, scope, position, record })
    }

    /// The answer, if there is room for what it changes; else 507 (RFC 4918 section 11.5).
    fn bounded(&self, written: writes::Written, index: usize) -> writes::Written {
        let (response, write, exchange) = written;
        let Some(write) = write else { return (response, None, exchange) };
        let bytes = write.after.as_ref().map_or(0, |record| record.json.len());
        let place = (write.kind, write.scope.clone(), write.position);
        let known = self.written.get(&place);
        let too_many = known.is_none() && self.written.len() >= self.room.records;
        let too_large = self.written_bytes - known.unwrap_or(&0) + bytes > self.room.bytes;
        if too_many || too_large {
            let Room { records, bytes } = self.room;
            let why = format!(
                "the stand-in keeps at most {records} written records of {bytes} bytes together; start it anew"
            );
            return (plain(507, &why), None, None);
        }
        if let Some(refused) = self.subscribed.as_ref().and_then(|hooks| hooks.refuse(index, &write)) {
            return (refused, None, None);
        }
        (response, Some(write), exchange)
    }

    /// Makes so what an answer that was given has changed.
    pub(crate) fn keep(&mut self, change: Change) {
        self.disturbances.use_up(&change.used);
        let Some(write) = change.write else { return };
        if let Some(hooks) = &mut self.subscribed {
            hooks.see(&write);
        }
        self.apply(&write);
        self.last_write = Some(write);
    }

    fn apply(&mut self, write: &Write) {
        let kind = &mut self.kinds[write.kind];
        kind.next_number += write.numbers;
        kind.writable.extend(write.wrote.iter().cloned());
        let order = kind.resource.order;
        let collection =
            kind.collections.entry(write.scope.clone()).or_insert_with(|| Collection::new(order));
        match &write.after {
            Some(record) => collection.put(write.position, record.clone()),
            None => collection.remove(write.position),
        }
        let bytes = write.after.as_ref().map_or(0, |record| record.json.len());
        let before = self.written.insert((write.kind, write.scope.clone(), write.position), bytes);
        self.written_bytes = self.written_bytes - before.unwrap_or(0) + bytes;
    }

    /// Who wants which webhooks.
    pub(crate) fn subscriptions(&self) -> Vec<Subscription> {
        let Some(hooks) = &self.subscribed else { return Vec::new() };
        let collections = self.kinds[hooks.kind].collections.values();
        let records = collections.flat_map(|collection| {
            collection.listed_from(Position::MIN).filter_map(|position| collection.record(position))
        });
        records.filter_map(|record| hooks.subscription(&record)).collect()
    }

    /// The handshakes that are due, each handed out once: send them before the answer that made them due.
    pub(crate) fn take_handshakes(&mut self) -> Vec<HandshakeDue> {
        self.subscribed.as_mut().map(Subscribed::take_due).unwrap_or_default()
    }

    /// Says how a handshake went. Where it failed the subscription is gone, and the answer to be given instead is handed back.
    pub(crate) fn handshake_done(
        &mut self,
        subscription: &str,
        went: Result<(), String>,
        forms: &ErrorForms,
    ) -> Option<Response> {
        let hooks = self.subscribed.as_mut()?;
        let why = hooks.done(subscription, went)?;
        let kind = &mut self.kinds[hooks.kind];
        for collection in kind.collections.values_mut() {
            if let Some(position) = collection.find(subscription) {
                collection.remove(position);
            }
        }
        Some(forms.form("handshake_failed", 400, &format!("the webhook's URL could not be verified: {why}")))
    }
}

fn done_to(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created in state",
        Verb::Read => "read from state",
        Verb::Update => "changed in state",
        Verb::Archive => "archived in state",
        Verb::Delete => "deleted from state",
        Verb::List => "listed from state",
    }
}

/// A record as it was before a write, for whoever must not see the write yet.
fn undo(kind: &Kind, write: &Write) -> Kind {
    let mut past = kind.clone();
    if let Some(collection) = past.collections.get_mut(&write.scope) {
        match write.before.clone() {
            Some(record) => collection.put(write.position, record),
            None => collection.remove(write.position),
        }
    }
    past
}
