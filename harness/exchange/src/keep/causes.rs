//! Which call made a webhook happen: told by the ids that the webhook repeats.
//!
//! An id belongs to the first call that showed it and may have made something: the provider mints it in an answer, or
//! the client names it in its request. A webhook is tied to the call that its ids belong to. Where they belong to
//! several, the rarest id decides, then the call that shows the others' ids too; else nothing does, for a wrong cause
//! is worse than none. Reads make nothing happen, nor does asking for a token.
//!
//! It runs over exchanges as they were seen, before redaction, and holds digests of ids alone. Its time grows with the
//! size of the exchanges, its memory is bounded. Knows nothing of files.

use super::ids::{IdDigest, Ids, Role};
use crate::protocol::{Effect, call_of};
use crate::{Body, Direction, Exchange, OperationName, ProviderProfile, RequestTarget};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most ids of a message that are looked at. A webhook with more is tied to nothing.
const MAX_IDS: usize = 256;
/// Most ids of a read that are noted as known already.
const MAX_IDS_OF_READ: usize = 4_096;
/// Most ids that are known at a time; what first shows further ones is never found.
const MAX_KNOWN: usize = 1_000_000;
/// Keys of an answer that hands out tokens.
const TOKEN_KEYS: [&str; 4] = ["access_token", "refresh_token", "accessToken", "refreshToken"];

/// Ties each webhook that has no cause yet to the call whose id it repeats, where that is plain. A webhook that comes
/// again has the cause that it had at first.
pub(super) fn tie_to_causes(exchanges: &mut [Exchange], profile: &ProviderProfile) {
    if exchanges.iter().all(|one| one.direction == Direction::Outbound) {
        return;
    }
    let webhooks = Webhooks::of(exchanges);
    let owners = Owners::of(exchanges, profile, &webhooks.paths);
    let mut causes: HashMap<usize, Option<usize>> = HashMap::new();
    for webhook in &webhooks.all {
        let cause = match webhook.repeats {
            Some(first) => causes.get(&first).copied().flatten(),
            None => owners.cause_of(webhook, &webhooks.occurrences),
        };
        causes.insert(webhook.index, cause);
        if let Some(cause) = cause
            && exchanges[webhook.index].caused_by.is_none()
        {
            exchanges[webhook.index].caused_by = Some(exchanges[cause].id.clone());
        }
    }
}

/// What arrived.
struct Webhooks {
    all: Vec<Webhook>,
    /// In how many different webhooks an id stands.
    occurrences: HashMap<IdDigest, u32>,
    /// The paths that were called.
    paths: HashSet<String>,
}

struct Webhook {
    index: usize,
    ids: Vec<IdDigest>,
    /// The webhook that it is again.
    repeats: Option<usize>,
}

impl Webhooks {
    fn of(exchanges: &[Exchange]) -> Self {
        let mut webhooks = Self { all: Vec::new(), occurrences: HashMap::new(), paths: HashSet::new() };
        let mut first: HashMap<u64, usize> = HashMap::new();
        for (index, exchange) in exchanges.iter().enumerate() {
            if exchange.direction == Direction::Outbound {
                continue;
            }
            let repeats = request_digest(exchange).and_then(|digest| match first.get(&digest) {
                Some(index) => Some(*index),
                None => {
                    first.insert(digest, index);
                    None
                }
            });
            let mut ids = Vec::new();
            if repeats.is_none() {
                let found = Ids::of_request(&exchange.request, MAX_IDS);
                if !found.is_cut {
                    ids = found.sorted().into_iter().map(|(id, _)| id).collect();
                }
                for id in &ids {
                    if webhooks.occurrences.len() < MAX_KNOWN || webhooks.occurrences.contains_key(id) {
                        *webhooks.occurrences.entry(*id).or_default() += 1;
                    }
                }
                webhooks.paths.insert(RequestTarget::of(&exchange.request.target).path.to_owned());
            }
            webhooks.all.push(Webhook { index, ids, repeats });
        }
        webhooks
    }
}

/// Whose an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// It was there before any call that may have made something showed it.
    Known,
    /// The client named it in this call first.
    Named(usize),
    /// The provider answered this call with it first.
    Minted(usize),
    /// Several calls showed it that have nothing else in common.
    Nobody,
}

/// A call that may have made something.
struct Call {
    operation: OperationName,
    /// All that it showed, in order.
    shown: Vec<IdDigest>,
    /// Whether it registered the webhooks' address.
    registers: bool,
}

#[derive(Default)]
struct Owners {
    of: HashMap<IdDigest, Owner>,
    calls: HashMap<usize, Call>,
}

impl Owners {
    fn of(exchanges: &[Exchange], profile: &ProviderProfile, webhook_paths: &HashSet<String>) -> Self {
        let mut owners = Self::default();
        let mut seen: HashSet<u64> = HashSet::new();
        for (index, exchange) in exchanges.iter().enumerate() {
            if exchange.direction == Direction::Inbound || !may_make(exchange, profile) {
                owners.note(exchange);
                continue;
            }
            let is_new = request_digest(exchange).is_none_or(|digest| seen.insert(digest));
            let path = RequestTarget::of(&exchange.request.target).path;
            let named = Ids::of_request(&exchange.request, MAX_IDS).sorted();
            let answer = exchange.response.as_ref();
            let minted = answer.map_or_else(Vec::new, |it| Ids::of_answer(it, path, MAX_IDS).sorted());
            let operation = profile.operation_of_request(&exchange.request);
            for (id, role) in &named {
                owners.named(*id, *role, index, is_new);
            }
            for (id, role) in minted.iter().filter(|(id, _)| !holds(&named, *id)) {
                owners.minted(*id, *role, index, is_new.then_some(&operation));
            }
            let mut shown: Vec<IdDigest> = named.into_iter().chain(minted).map(|(id, _)| id).collect();
            shown.sort_unstable();
            shown.dedup();
            let registers = registers(exchange, webhook_paths);
            owners.calls.insert(index, Call { operation, shown, registers });
        }
        owners
    }

    /// Notes what an exchange shows that makes nothing happen.
    fn note(&mut self, exchange: &Exchange) {
        let path = RequestTarget::of(&exchange.request.target).path;
        let answer = exchange.response.as_ref().filter(|_| exchange.direction == Direction::Outbound);
        let ids = Ids::of_request(&exchange.request, MAX_IDS_OF_READ).sorted();
        let answered = answer.map_or_else(Vec::new, |it| Ids::of_answer(it, path, MAX_IDS_OF_READ).sorted());
        for (id, _) in ids.into_iter().chain(answered) {
            self.put(id, Owner::Known);
        }
    }

    fn named(&mut self, id: IdDigest, role: Role, call: usize, is_new: bool) {
        let owner = match (self.of.get(&id), role) {
            (None, Role::Context) => Owner::Known,
            (None | Some(Owner::Known), Role::Subject) => Owner::Named(call),
            // Two calls on the same thing: which of them it was cannot be told by its id.
            (Some(Owner::Named(_)), _) if is_new => Owner::Nobody,
            (Some(Owner::Known | Owner::Named(_) | Owner::Minted(_) | Owner::Nobody), _) => return,
        };
        self.put(id, owner);
    }

    /// Takes in an id of an answer that was not in its request. `operation` is the call's, unless the call was made
    /// before.
    fn minted(&mut self, id: IdDigest, role: Role, call: usize, operation: Option<&OperationName>) {
        let owner = match (self.of.get(&id), role) {
            (None, Role::Context) => Owner::Known,
            (None, Role::Subject) => Owner::Minted(call),
            // Each answer of its kind has it: an account, a currency.
            (Some(Owner::Minted(first)), _)
                if operation.is_some() && operation == self.calls.get(first).map(|call| &call.operation) =>
            {
                Owner::Nobody
            }
            (Some(_), _) => return,
        };
        self.put(id, owner);
    }

    fn put(&mut self, id: IdDigest, owner: Owner) {
        let is_there = self.of.contains_key(&id);
        if is_there && owner == Owner::Known || !is_there && self.of.len() >= MAX_KNOWN {
            return;
        }
        self.of.insert(id, owner);
    }

    /// The call that made a webhook happen, where that is plain.
    fn cause_of(&self, webhook: &Webhook, occurrences: &HashMap<IdDigest, u32>) -> Option<usize> {
        let rarity = |id: &IdDigest| occurrences.get(id).copied().unwrap_or(u32::MAX);
        let owned: Vec<(usize, IdDigest)> = webhook
            .ids
            .iter()
            .filter_map(|id| match self.of.get(id) {
                Some(Owner::Named(call) | Owner::Minted(call)) if *call < webhook.index => Some((*call, *id)),
                _ => None,
            })
            .collect();
        let registers = |call: usize| self.calls.get(&call).is_some_and(|call| call.registers);
        let (registering, making): (Vec<_>, Vec<_>) =
            owned.into_iter().partition(|(call, _)| registers(*call));
        if making.is_empty() {
            // The id of a subscription stands in all that comes of it; in one webhook alone, it is about itself.
            return only(registering.iter().filter(|(_, id)| rarity(id) == 1).map(|(call, _)| *call));
        }
        let rarest = making.iter().map(|(_, id)| rarity(id)).min()?;
        let nearest: Vec<(usize, IdDigest)> =
            making.into_iter().filter(|(_, id)| rarity(id) == rarest).collect();
        only(nearest.iter().map(|(call, _)| *call)).or_else(|| {
            let shows_all = |call: &usize| {
                let shown = self.calls.get(call).map_or(&[] as &[_], |call| call.shown.as_slice());
                nearest.iter().all(|(_, id)| shown.binary_search(id).is_ok())
            };
            let calls: HashSet<usize> = nearest.iter().map(|(call, _)| *call).collect();
            only(calls.into_iter().filter(shows_all))
        })
    }
}

/// The one value that all are; nothing where there is none, or another.
fn only(mut values: impl Iterator<Item = usize>) -> Option<usize> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn holds(ids: &[(IdDigest, Role)], id: IdDigest) -> bool {
    ids.binary_search_by_key(&id, |(id, _)| *id).is_ok()
}

/// Whether a call may have made something: it is no read, or was answered as one that begins something (201, 202);
/// it was not refused; and it asked for no token.
fn may_make(exchange: &Exchange, profile: &ProviderProfile) -> bool {
    let request = &exchange.request;
    let status = exchange.response.as_ref().map(|response| response.status);
    let is_safe =
        ["GET", "HEAD", "OPTIONS", "TRACE"].iter().any(|it| request.method.eq_ignore_ascii_case(it));
    let only_reads = profile.reads.contains(&profile.operation_of_request(request))
        || match call_of(profile, request) {
            Some(Ok(call)) => call.effect == Effect::Reads,
            Some(Err(_)) | None => is_safe,
        };
    let begins = matches!(status, Some(201 | 202));
    let is_refused = status.is_some_and(|status| (400..500).contains(&status));
    (!only_reads || begins) && !is_refused && !hands_out_tokens(exchange)
}

fn hands_out_tokens(exchange: &Exchange) -> bool {
    let Some(Body::Json(json)) = exchange.response.as_ref().map(|response| &response.body) else {
        return false;
    };
    TOKEN_KEYS.iter().any(|key| json.as_str().contains(&format!("\"{key}\":")))
}

/// Whether a request names the URL of a webhook that arrived.
fn registers(exchange: &Exchange, webhook_paths: &HashSet<String>) -> bool {
    let text = match &exchange.request.body {
        Body::Json(json) => std::borrow::Cow::Owned(json.as_str().replace("\\/", "/")),
        Body::Form(fields) => {
            fields.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ").into()
        }
        Body::Text(text) => text.as_str().into(),
        Body::None | Body::Binary(_) | Body::Omitted { .. } => return false,
    };
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '?' | '#');
    text.split("://").skip(1).any(|rest| {
        let url = rest.split(ends).next().unwrap_or_default();
        url.find('/').is_some_and(|at| webhook_paths.contains(&url[at..]))
    })
}

/// What two sendings of one request have in common; nothing where its body is not known.
fn request_digest(exchange: &Exchange) -> Option<u64> {
    let request = &exchange.request;
    let mut hasher = DefaultHasher::new();
    (request.method.as_str(), request.target.as_str(), exchange.direction == Direction::Inbound)
        .hash(&mut hasher);
    match &request.body {
        Body::Omitted { .. } => return None,
        Body::None => {}
        Body::Json(json) => json.as_str().hash(&mut hasher),
        Body::Form(fields) => fields.hash(&mut hasher),
        Body::Text(text) => text.hash(&mut hasher),
        Body::Binary(bytes) => bytes.hash(&mut hasher),
    }
    Some(hasher.finish())
}

#[cfg(test)]
mod tests;
