//! Which recorded exchange a request asks for.
//!
//! Requests that are the same ([`crate::key`]) are answered in recorded order. The cost of a look-up does not
//! grow with the fixture, and a request that is spelled just as it was recorded is not even taken apart.

use crate::behaviour::{idempotency, is_evidence};
use crate::bindings::{self, Chosen, Echo, Echoes};
use crate::hosts::{Host, KnownHosts};
use crate::journal::Looseness;
use crate::key::{Digested, Digester, HeadDigest, KeyDigest, RequestKey};
use crate::prepared::{Prepared, SharedParts};
use crate::received::Received;
use crate::versions::{KnownVersions, Version};
use counterpart_exchange::protocol::{protocol_of, split_exchange};
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, Headers, OperationName, ProviderProfile, Request, Volatile,
};
use std::collections::{HashMap, HashSet, hash_map};
use std::sync::Arc;

/// The recorded exchanges, by what asks for them.
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
    pub(crate) versions: KnownVersions,
    pub(crate) hosts: KnownHosts,
    sequences: Vec<Sequence>,
    by_key: HashMap<KeyDigest, u32, Digested>,
    /// By method and target as they were recorded: the first entry of that spelling.
    as_spelled: HashMap<u64, u32, Digested>,
    digester: Digester,
    has_any_body: bool,
    /// The profile as if nothing were volatile, where something is.
    strict: Option<Box<ProviderProfile>>,
}

/// One exchange that can be replayed.
pub(crate) struct Entry {
    /// `provider/flow#id`.
    pub(crate) name: Arc<str>,
    pub(crate) operation: Arc<OperationName>,
    pub(crate) method: http::Method,
    /// Path and query as they go over the wire.
    pub(crate) target: Arc<str>,
    /// Path and query as they may be shown.
    pub(crate) shown_target: Arc<str>,
    pub(crate) request_body: Body,
    /// Where they tell what is asked for.
    request_headers: Headers,
    /// Whether the request may be sent again without changing anything.
    is_safe: bool,
    pub(crate) answer: Option<Arc<Prepared>>,
    /// What the client chose and some answer repeats.
    pub(crate) chosen: Box<[Chosen]>,
    /// Where the answer repeats what a client chose.
    pub(crate) echoes: Box<[Echo]>,
    head: HeadDigest,
    /// Which sequence it stands in.
    sequence: u32,
    /// The version of the API that it is of.
    pub(crate) version: Option<Version>,
    /// The host that it is of, where its fixture shows several.
    pub(crate) host: Option<Host>,
}

/// What a request asks for.
pub(crate) struct Wanted {
    pub(crate) operation: Arc<OperationName>,
    /// Path and query, where they were recorded in this spelling: as they may be shown.
    pub(crate) shown_target: Option<Arc<str>>,
    pub(crate) key: KeyDigest,
    /// The recorded answers to it, in order.
    pub(crate) sequence: Option<SequenceIndex>,
    pub(crate) version: Option<Version>,
}

/// A sequence of recorded answers to the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SequenceIndex(u32);

#[derive(Debug, Default)]
struct Sequence {
    first: u32,
    further: Vec<u32>,
    next: u32,
}

/// What the recording has for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Candidate {
    /// The next recorded answer.
    Next(usize),
    /// All were given; the request is safe, so the last may be given again.
    LastAgain(usize),
    /// All were given, and the request is not safe.
    Exhausted(usize),
    /// Nothing was recorded for it.
    None,
}

impl Recording {
    /// Takes in exchanges as they go over the wire, each with its name, leaving out what is decided by state.
    /// `shown_targets` are their paths and queries with their placeholders.
    pub(crate) fn new(
        profile: &ProviderProfile,
        exchanges: Vec<(String, Exchange)>,
        shown_targets: Vec<String>,
        versions: KnownVersions,
    ) -> Self {
        let mut recording = Self {
            entries: Vec::new(),
            versions,
            hosts: KnownHosts::learn(&exchanges),
            sequences: Vec::new(),
            by_key: HashMap::default(),
            as_spelled: HashMap::default(),
            digester: Digester::new(profile),
            has_any_body: false,
            strict: strict(profile),
        };
        let mut intake = Intake::default();
        for (recorded, shown_target) in exchanges.into_iter().zip(shown_targets) {
            for (name, exchange) in alone(profile, recorded) {
                recording.take_in(profile, name, exchange, shown_target.clone(), &mut intake);
            }
        }
        recording.entries.shrink_to_fit();
        recording.keep_what_is_echoed();
        recording
    }

    /// Forgets what clients chose and no answer repeats: most of it, and looking for it would cost every request.
    fn keep_what_is_echoed(&mut self) {
        let echoes = Echoes::of(self.entries.iter().flat_map(|entry| &entry.chosen));
        let mut found: HashSet<String> = HashSet::new();
        for entry in &mut self.entries {
            let Some(answer) = &entry.answer else { continue };
            entry.echoes = echoes.within(answer).into();
            found.extend(entry.echoes.iter().map(|echo| echo.recorded().to_owned()));
        }
        for entry in self.entries.iter_mut().filter(|entry| !entry.chosen.is_empty()) {
            let chosen = std::mem::take(&mut entry.chosen).into_iter();
            entry.chosen = chosen.filter(|chosen| found.contains(chosen.value())).collect();
        }
    }

    fn take_in(
        &mut self,
        profile: &ProviderProfile,
        name: String,
        exchange: Exchange,
        shown_target: String,
        intake: &mut Intake,
    ) {
        let operation = profile.operation_of_request(&exchange.request);
        let Ok(method) = http::Method::from_bytes(exchange.request.method.to_ascii_uppercase().as_bytes())
        else {
            return;
        };
        if exchange.direction == Direction::Inbound
            || !shows_an_answer(&exchange)
            || is_evidence(profile, &operation, &exchange)
            || intake.repetitions.shows(profile, &operation, &exchange)
        {
            return;
        }
        let only_reads = profile.reads.contains(&operation);
        let Ok(index) = u32::try_from(self.entries.len()) else { return };
        let Exchange { request, response, ended, .. } = exchange;
        // A call is told by what it asks for; what else there is, by the bytes of its body.
        let call = protocol_of(profile, &request).map(|_| RequestKey::of(&request, profile));
        let (head, key) = match &call {
            Some(call) => (self.digester.head(call), self.digester.call(call)),
            None => {
                let spelled_out = RequestKey::without_body(method.as_str(), &request.target, profile);
                let head = self.digester.head(&spelled_out);
                (head, self.digester.whole(head, self.digester.recorded_body(&request.body)))
            }
        };
        let version = self.versions.of_recorded(&request);
        let host = self.hosts.of_recorded(&name, &request);
        let key = key.within(version).at(host);
        let is_call = call.is_some();
        self.has_any_body |= matches!(request.body, Body::Omitted { .. });
        let sequence = match self.by_key.entry(key) {
            hash_map::Entry::Occupied(known) => {
                self.sequences[*known.get() as usize].further.push(index);
                *known.get()
            }
            hash_map::Entry::Vacant(new) => {
                // There are no more of them than entries, whose number fits.
                let sequence = u32::try_from(self.sequences.len()).unwrap_or(u32::MAX);
                self.sequences.push(Sequence { first: index, further: Vec::new(), next: 0 });
                *new.insert(sequence)
            }
        };
        if !is_call {
            self.as_spelled.entry(self.digester.raw(method.as_str(), &request.target)).or_insert(index);
        }
        let chosen = bindings::chosen(profile, method.as_str(), &request.target, || &request).into();
        let target: Arc<str> = request.target.into();
        let shown_target =
            if *target == *shown_target { Arc::clone(&target) } else { Arc::from(shown_target) };
        self.entries.push(Entry {
            name: name.into(),
            operation: intake.operation(operation),
            target,
            shown_target,
            chosen,
            echoes: Box::default(),
            request_body: request.body,
            answer: response.map(|response| Arc::new(intake.shared.prepare(response, ended))),
            is_safe: only_reads || call.map_or_else(|| method.is_safe(), |call| call.is_safe()),
            request_headers: if is_call { request.headers } else { Headers::default() },
            method,
            head,
            sequence,
            version,
            host,
        });
    }

    /// What a request asks for; the profile is asked only where nothing was recorded in this spelling.
    pub(crate) fn wanted(&self, profile: &ProviderProfile, received: &Received) -> Wanted {
        let version = self.versions.of(received);
        let host = self.hosts.of(received);
        if !profile.protocols.is_empty() && protocol_of(profile, received.request()).is_some() {
            let key = RequestKey::of(received.request(), profile);
            let operation = Arc::new(profile.operation_of_request(received.request()));
            let key = self.digester.call(&key).within(version);
            let (key, sequence) = self.sequence_at(key, host);
            return Wanted { operation, shown_target: None, key, sequence, version };
        }
        let (method, target) = (received.method(), received.target());
        let spelled = self
            .as_spelled
            .get(&self.digester.raw(method.as_str(), target))
            .and_then(|index| self.entries.get(*index as usize))
            .filter(|entry| entry.method == *method && *entry.target == *target);
        let (operation, shown_target, head) = match spelled {
            Some(entry) => (Arc::clone(&entry.operation), Some(Arc::clone(&entry.shown_target)), entry.head),
            None => (
                Arc::new(profile.operation_of(method.as_str(), target)),
                None,
                self.digester.head(&RequestKey::without_body(method.as_str(), target, profile)),
            ),
        };
        let body = self.digester.body(received.body(), received.header("content-type"));
        let key = self.digester.whole(head, body).within(version);
        // Without a body, what is spelled alike is alike: there is nothing more to look up.
        let alike = spelled.filter(|entry| {
            received.body().is_empty()
                && matches!(entry.request_body, Body::None)
                && entry.version == version
                && self.hosts.tells_none()
        });
        let (mut key, mut sequence) = match alike {
            Some(entry) => (key, Some(SequenceIndex(entry.sequence))),
            None => self.sequence_at(key, host),
        };
        if self.has_any_body && sequence.is_none() {
            let any_body = self.digester.any_body(head).within(version);
            if let (any_body, Some(of_any)) = self.sequence_at(any_body, host) {
                (key, sequence) = (any_body, Some(of_any));
            }
        }
        Wanted { operation, shown_target, key, sequence, version }
    }

    /// What was recorded under a key at the hosts that may answer: the first of them that has an answer left, or else the
    /// first that had one.
    fn sequence_at(&self, key: KeyDigest, host: Option<Host>) -> (KeyDigest, Option<SequenceIndex>) {
        if self.hosts.tells_none() {
            return (key, self.sequence_of(key));
        }
        let found = self.hosts.asked(host).filter_map(|host| {
            let key = key.at(host);
            Some((key, self.sequence_of(key)?))
        });
        let mut first = None;
        for (key, sequence) in found {
            if matches!(self.peek(Some(sequence)), Candidate::Next(_)) {
                return (key, Some(sequence));
            }
            first.get_or_insert((key, Some(sequence)));
        }
        first.unwrap_or_else(|| (key.at(host), None))
    }

    fn sequence_of(&self, key: KeyDigest) -> Option<SequenceIndex> {
        self.by_key.get(&key).copied().map(SequenceIndex)
    }

    fn sequence(&self, index: Option<SequenceIndex>) -> Option<&Sequence> {
        self.sequences.get(index?.0 as usize)
    }

    /// What a request would be answered with. Nothing is consumed.
    pub(crate) fn peek(&self, sequence: Option<SequenceIndex>) -> Candidate {
        let Some(sequence) = self.sequence(sequence) else { return Candidate::None };
        match sequence.entry(sequence.next) {
            Some(index) => Candidate::Next(index),
            None => {
                let last = *sequence.further.last().unwrap_or(&sequence.first) as usize;
                if self.entries.get(last).is_some_and(|entry| entry.is_safe) {
                    Candidate::LastAgain(last)
                } else {
                    Candidate::Exhausted(last)
                }
            }
        }
    }

    /// In what a request differs from the recorded one that answers it, if in anything.
    pub(crate) fn looseness(&self, index: usize, received: &Received) -> Option<Looseness> {
        let entry = self.entries.get(index)?;
        if matches!(entry.request_body, Body::Omitted { .. }) {
            return Some(Looseness::AnyBody);
        }
        let strict = self.strict.as_ref()?;
        if entry.is_spelled_as(received) {
            return None;
        }
        let sent = RequestKey::of(received.request(), strict);
        (sent != RequestKey::of(&entry.request(), strict)).then_some(Looseness::Volatile)
    }

    /// Begins anew with the first answer to everything.
    pub(crate) fn rewind(&mut self) {
        self.sequences.iter_mut().for_each(|sequence| sequence.next = 0);
    }

    /// The exchange that answered a request the last time, if one did.
    pub(crate) fn last_given(&self, sequence: Option<SequenceIndex>) -> Option<&Entry> {
        let sequence = self.sequence(sequence)?;
        self.entries.get(sequence.entry(sequence.next.checked_sub(1)?)?)
    }

    /// Takes the next recorded answer out of the sequence.
    pub(crate) fn consume(&mut self, sequence: Option<SequenceIndex>) {
        if let Some(sequence) = sequence.and_then(|index| self.sequences.get_mut(index.0 as usize))
            && sequence.entry(sequence.next).is_some()
        {
            sequence.next += 1;
        }
    }

    /// Exchanges that were never asked for, of operations that the recording decides.
    pub(crate) fn unused(&self, is_decided: impl Fn(&OperationName) -> bool) -> Vec<Arc<str>> {
        let mut unused: Vec<usize> = self
            .sequences
            .iter()
            .flat_map(|sequence| (sequence.next..).map_while(|place| sequence.entry(place)))
            .collect();
        unused.sort_unstable();
        let unused = unused.into_iter().map(|index| &self.entries[index]);
        unused.filter(|entry| is_decided(&entry.operation)).map(|entry| Arc::clone(&entry.name)).collect()
    }
}

impl Sequence {
    fn entry(&self, place: u32) -> Option<usize> {
        let index = match place.checked_sub(1) {
            None => self.first,
            Some(further) => *self.further.get(further as usize)?,
        };
        Some(index as usize)
    }
}

impl Entry {
    /// Whether a request has target and body byte for byte as they were recorded: most have, and nothing need be taken
    /// apart to see it.
    fn is_spelled_as(&self, received: &Received) -> bool {
        let body: &[u8] = match &self.request_body {
            Body::None => b"",
            Body::Json(json) => json.as_str().as_bytes(),
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
            Body::Form(_) | Body::Omitted { .. } => return false,
        };
        *self.target == *received.target() && *received.body() == body
    }

    /// The request as it was recorded, without its header fields.
    pub(crate) fn request(&self) -> Request {
        Request {
            method: self.method.to_string(),
            target: self.target.to_string(),
            headers: self.request_headers.clone(),
            body: self.request_body.clone(),
        }
    }
}

/// A recorded exchange, or those of the calls that it holds.
fn alone(profile: &ProviderProfile, (name, exchange): (String, Exchange)) -> Vec<(String, Exchange)> {
    match split_exchange(profile, &exchange) {
        None => vec![(name, exchange)],
        Some(calls) => {
            let fixture = name.rsplit_once('#').map_or("", |(fixture, _)| fixture);
            calls.into_iter().map(|call| (format!("{fixture}#{}", call.id), call)).collect()
        }
    }
}

/// What is known while exchanges are taken in, and not afterwards.
#[derive(Default)]
struct Intake {
    shared: SharedParts,
    operations: HashSet<Arc<OperationName>>,
    repetitions: idempotency::Evidence,
}

impl Intake {
    fn operation(&mut self, name: OperationName) -> Arc<OperationName> {
        if let Some(known) = self.operations.get(&name) {
            return Arc::clone(known);
        }
        let new = Arc::new(name);
        self.operations.insert(Arc::clone(&new));
        new
    }
}

/// The profile as if nothing were volatile; none where nothing is.
fn strict(profile: &ProviderProfile) -> Option<Box<ProviderProfile>> {
    (profile.volatile != Volatile::default())
        .then(|| Box::new(ProviderProfile { volatile: Volatile::default(), ..profile.clone() }))
}

/// Whether the provider did something that can be replayed: it answered, or hung up without a word.
fn shows_an_answer(exchange: &Exchange) -> bool {
    exchange.response.is_some() || exchange.ended == Ended::AnswerCutShort
}
