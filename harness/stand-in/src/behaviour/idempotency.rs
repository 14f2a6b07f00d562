//! Repeated writes: the same key with the same request gets the first answer again, and nothing is consumed.
//!
//! After draft-ietf-httpapi-idempotency-key-header-06 (sections 2.6 and 2.7) and what Stripe documents under
//! "Idempotent requests". A key is taken while its first request is under way, and kept once it was answered.

use super::keyed::{Key, Keyed};
use crate::forms::ErrorForms;
use crate::key::{KeyDigest, RequestKey};
use counterpart_exchange::{
    Exchange, IdempotencyKey, KeptAnswers, KeyScope, OperationName, OtherRequest, ProviderProfile, Request,
    RequestTarget, Response,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of kept bodies; beyond them the oldest go.
const MAX_KEPT_BYTES: usize = 256 * 1024 * 1024;

/// The key that a request carries, with the request as it is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySent {
    key: Key,
    request: KeyDigest,
}

impl KeySent {
    pub(crate) fn of(profile: &ProviderProfile, request: &Request, same: KeyDigest) -> Option<Self> {
        let word = word_of(profile, request)?;
        Some(Self { key: Key::of(&[Some(&word)]), request: same })
    }
}

/// The key that a request carries, if the profile declares one for it.
fn word_of(profile: &ProviderProfile, request: &Request) -> Option<String> {
    match profile.idempotency.as_ref()? {
        IdempotencyKey::Header(header) => {
            let operation = || profile.operation_of(&request.method, &request.target);
            let looks_at_it = match header.operations.as_slice() {
                [] => {
                    !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
                        && !profile.reads.contains(&operation())
                }
                operations => operations.contains(&operation()),
            };
            let word = request.headers.text(header.name.as_str()).filter(|_| looks_at_it)?;
            Some(match header.scope {
                KeyScope::Target => format!("{} {word}", request.target),
                KeyScope::Provider => word.to_owned(),
            })
        }
        IdempotencyKey::PathVariable(path) => {
            let fitting = profile.template_of(&request.method, &request.target)?;
            (path.operations.contains(fitting.name)
                && fitting.variables.iter().any(|(known, _)| *known == path.name))
            .then(|| RequestTarget::of(&request.target).path.to_owned())
        }
    }
}

/// What a provider remembers of keys.
#[derive(Debug, Default)]
pub(crate) struct Idempotency {
    declared: Option<IdempotencyKey>,
    keys: Keyed<Remembered>,
    kept_bytes: usize,
}

#[derive(Debug)]
struct Remembered {
    /// The request that the key came with first.
    request: KeyDigest,
    /// When.
    since: Timestamp,
    state: State,
}

#[derive(Debug)]
enum State {
    UnderWay,
    Answered { exchange: Arc<str>, response: Box<Response>, size_bytes: usize },
}

/// A key that was taken: it must be answered or given up.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a key that is neither answered nor given up is under way for ever"]
pub(crate) struct Ticket(Key);

/// What a key comes to.
#[derive(Debug)]
pub(crate) enum Repetition {
    /// The request carries none, and needs none.
    NoKey,
    /// It is the first with its key.
    First(Ticket),
    /// It is answered: with what, why, and from which exchange.
    Answered(Box<Response>, &'static str, Option<Arc<str>>),
}

impl Idempotency {
    pub(crate) fn new(profile: &ProviderProfile) -> Self {
        Self { declared: profile.idempotency.clone(), ..Self::default() }
    }

    /// The exchange that answered a key first, if it is still known: what a repetition is answered from.
    pub(crate) fn first_exchange(&self, sent: KeySent, now: Timestamp) -> Option<&Arc<str>> {
        let remembered = self.keys.get(sent.key).filter(|one| !self.is_over(one, now))?;
        let is_answered = remembered.request == sent.request
            || self.declared.as_ref().map(IdempotencyKey::other_request) == Some(OtherRequest::FirstAnswer);
        match &remembered.state {
            State::Answered { exchange, .. } if is_answered => Some(exchange),
            _ => None,
        }
    }

    /// Judges a request by its key, and takes the key where it is new.
    pub(crate) fn judge(
        &mut self,
        forms: &ErrorForms,
        operation: &OperationName,
        sent: Option<KeySent>,
        now: Timestamp,
    ) -> Repetition {
        if let Some(KeySent { key, .. }) = sent
            && self.keys.get(key).is_some_and(|remembered| self.is_over(remembered, now))
        {
            self.forget(key);
        }
        let Some(declared) = &self.declared else { return Repetition::NoKey };
        let Some(KeySent { key, request }) = sent else {
            return declared.missing(operation).map_or(Repetition::NoKey, |refusal| {
                let why = "refused: the request carries no idempotency key";
                Repetition::Answered(Box::new(forms.refusal(&refusal, why)), why, None)
            });
        };
        let Some(remembered) = self.keys.get(key) else {
            return Repetition::First(self.take(key, request, now));
        };
        let is_same = remembered.request == request;
        match (&remembered.state, declared.other_request()) {
            (_, OtherRequest::Refused(refusal)) if !is_same => {
                let why = "refused: the same idempotency key came with another request before";
                Repetition::Answered(Box::new(forms.refusal(&refusal, why)), why, None)
            }
            (State::UnderWay, _) => {
                let why = "refused: the first request with this idempotency key is under way";
                Repetition::Answered(Box::new(forms.refusal(&declared.in_flight(), why)), why, None)
            }
            (State::Answered { exchange, response, .. }, _) => {
                let mut first = response.clone();
                for (name, value) in &declared.repeated().headers {
                    first.headers.set(name.as_str(), value.as_str());
                }
                let why = "the same key as before: the first answer again";
                Repetition::Answered(first, why, Some(Arc::clone(exchange)))
            }
        }
    }

    /// Takes a key for a request that something else answers, or never does: while it is under way the key is
    /// taken. A key that is known is left alone.
    pub(crate) fn hold(&mut self, sent: Option<KeySent>, now: Timestamp) -> Option<Ticket> {
        let KeySent { key, request } = sent?;
        self.keys.get(key).is_none().then(|| self.take(key, request, now))
    }

    /// A first request is over: what the provider keeps is the answer to its key; nothing frees the key.
    pub(crate) fn settle(&mut self, Ticket(key): Ticket, answer: Option<(Arc<str>, Response)>) {
        let keeps = self.declared.as_ref().map(|declared| declared.repeated().keeps);
        let kept = answer.filter(|(_, response)| match keeps {
            Some(KeptAnswers::Every) => true,
            Some(KeptAnswers::Accepted) => (200..300).contains(&response.status),
            None => false,
        });
        let Some((exchange, response)) = kept else {
            self.forget(key);
            return;
        };
        let size_bytes = response.body.to_bytes().len();
        if let Some(remembered) = self.keys.get_mut(key) {
            remembered.state = State::Answered { exchange, response: Box::new(response), size_bytes };
            self.kept_bytes += size_bytes;
        }
        while self.kept_bytes > MAX_KEPT_BYTES
            && let Some(oldest) = self.keys.pop_idlest(may_go)
        {
            self.kept_bytes -= oldest.size_bytes();
        }
    }

    /// Makes a ticket; the caller has looked whether the key is free.
    fn take(&mut self, key: Key, request: KeyDigest, now: Timestamp) -> Ticket {
        while self.keys.is_full()
            && let Some(oldest) = self.keys.pop_idlest(may_go)
        {
            self.kept_bytes -= oldest.size_bytes();
        }
        self.keys.touch(key, may_go, || Remembered { request, since: now, state: State::UnderWay });
        Ticket(key)
    }

    fn forget(&mut self, key: Key) {
        if let Some(remembered) = self.keys.remove(key) {
            self.kept_bytes -= remembered.size_bytes();
        }
    }

    fn is_over(&self, remembered: &Remembered, now: Timestamp) -> bool {
        let retention_s = self.declared.as_ref().and_then(|declared| declared.repeated().retention_s);
        may_go(remembered)
            && retention_s.is_some_and(|retention_s| {
                let kept_until = super::told::later(remembered.since, u64::from(retention_s.get()));
                now.as_nanosecond() >= kept_until
            })
    }
}

impl Remembered {
    fn size_bytes(&self) -> usize {
        match &self.state {
            State::UnderWay => 0,
            State::Answered { size_bytes, .. } => *size_bytes,
        }
    }
}

/// A request that is under way must find its key again.
fn may_go(remembered: &Remembered) -> bool {
    matches!(remembered.state, State::Answered { .. })
}

/// What makes two requests the same.
fn digest(request: &RequestKey) -> Key {
    let query = request.query.iter().flat_map(|(name, value)| [Some(name.as_str()), Some(value.as_str())]);
    let words: Vec<Option<&str>> =
        [Some(request.method.as_str()), Some(request.path.as_str()), request.body.as_deref()]
            .into_iter()
            .chain(query)
            .collect();
    Key::of(&words)
}

/// Which recorded exchanges show the behaviour, and are no further answers.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Keys that were accepted, with the request they came with.
    accepted: HashMap<String, Key>,
}

impl Evidence {
    /// Takes the exchanges of a recording in their order.
    pub(crate) fn shows(
        &mut self,
        profile: &ProviderProfile,
        operation: &OperationName,
        exchange: &Exchange,
    ) -> bool {
        let (Some(declared), Some(response)) = (&profile.idempotency, &exchange.response) else {
            return false;
        };
        let is_refusal = |status: u16| response.status == status;
        let Some(key) = word_of(profile, &exchange.request) else {
            return declared.missing(operation).is_some_and(|refusal| is_refusal(refusal.status.get()));
        };
        let request = digest(&RequestKey::of(&exchange.request, profile));
        match self.accepted.get(&key) {
            // The same key accepted again shows the behaviour.
            Some(_) if (200..300).contains(&response.status) => true,
            Some(first) if *first != request => match declared.other_request() {
                OtherRequest::Refused(refusal) => is_refusal(refusal.status.get()),
                OtherRequest::FirstAnswer => false,
            },
            Some(_) => is_refusal(declared.in_flight().status.get()),
            None => {
                if (200..300).contains(&response.status) {
                    self.accepted.insert(key, request);
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::keyed::MAX_KEYS;
    use super::*;
    use counterpart_exchange::{Body, Headers, KeyHeader, Repeated};

    fn idempotency() -> Idempotency {
        let header = KeyHeader {
            name: "idempotency-key".to_owned().try_into().unwrap(),
            operations: Vec::new(),
            scope: KeyScope::Target,
            required: Vec::new(),
            missing: None,
            repeated: Repeated::default(),
        };
        let declared = Some(IdempotencyKey::Header(header));
        Idempotency::new(&ProviderProfile { idempotency: declared, ..ProviderProfile::unknown("p") })
    }

    fn judge(idempotency: &mut Idempotency, key: usize) -> Repetition {
        let sent = KeySent { key: Key::of(&[Some(&key.to_string())]), request: KeyDigest::default() };
        let operation = OperationName("any".to_owned());
        idempotency.judge(&ErrorForms::default(), &operation, Some(sent), Timestamp::UNIX_EPOCH)
    }

    fn first(idempotency: &mut Idempotency, key: usize) -> Ticket {
        match judge(idempotency, key) {
            Repetition::First(ticket) => ticket,
            other => panic!("{key}: {other:?}"),
        }
    }

    fn kept(size_bytes: usize) -> Option<(Arc<str>, Response)> {
        let body = Body::Text("x".repeat(size_bytes));
        Some(("p/f#a-1".into(), Response { status: 201, headers: Headers::default(), body }))
    }

    #[test]
    fn the_oldest_key_goes_but_none_that_is_under_way() {
        let mut idempotency = idempotency();
        let under_way = first(&mut idempotency, 0);
        for key in 1..MAX_KEYS + 3 {
            let ticket = first(&mut idempotency, key);
            idempotency.settle(ticket, kept(1));
        }
        assert_eq!((idempotency.keys.len(), idempotency.kept_bytes), (MAX_KEYS, MAX_KEYS - 1));
        assert!(
            matches!(judge(&mut idempotency, 0), Repetition::Answered(answer, ..) if answer.status == 409)
        );
        assert!(
            matches!(judge(&mut idempotency, 4), Repetition::Answered(answer, ..) if answer.status == 201)
        );
        let again = first(&mut idempotency, 1);
        idempotency.settle(again, None);
        idempotency.settle(under_way, None);
        let _ = first(&mut idempotency, 0);
    }

    #[test]
    fn kept_bodies_are_bounded() {
        let mut idempotency = idempotency();
        for key in 0..5 {
            let ticket = first(&mut idempotency, key);
            idempotency.settle(ticket, kept(MAX_KEPT_BYTES / 3));
        }
        assert_eq!((idempotency.keys.len(), idempotency.kept_bytes), (3, MAX_KEPT_BYTES / 3 * 3));
        assert!(matches!(judge(&mut idempotency, 4), Repetition::Answered(..)), "the newest is there");
    }
}
