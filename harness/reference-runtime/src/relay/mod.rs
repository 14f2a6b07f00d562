//! The integration `relay`: a document that was handed over, to the provider, once.
//!
//! One step is one call: send the document, or read it back where that was asked for. All attempts at a document carry
//! the same idempotency key, so that one whose answer was lost is not done twice. `judge` knows how each protocol tells
//! its errors; this file knows what to do about either.

mod judge;
mod soap;

use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::calls;
use crate::clock::Work;
use crate::credentials::Credentials;
use crate::doubt::Doubt;
use crate::identity::Lane;
use crate::journal::Level;
use crate::outbound::verdict::Verdict;
use crate::outbound::{Call, Sent};
use crate::outcome::{Outcome, RunEnd, hold_run};
use crate::plants::{Plant, Plants};
use crate::store::{Claim, Document, StoreError, Task};
use crate::vocabulary::{HoldReason, Operation};
use crate::worker::Context;

/// Takes the next step of `claim`'s document.
///
/// # Errors
/// When its outcome could not be committed; the step is then still to be taken.
pub(crate) async fn step(context: &Context, work: &mut Work, claim: Claim) -> Result<(), StoreError> {
    let Task::Delivery(document) = &claim.task else { return Ok(()) };
    let document = document.clone();
    let unable = |detail: &str| RunEnd {
        reason: HoldReason::CredentialRejected,
        detail: detail.to_owned(),
        failed_attempts: 0,
    };
    if claim.paused {
        let detail = "the connection is paused since its credential was rejected; PUT it with a new one";
        return hold_run(context, claim, None, unable(detail)).await;
    }
    let credentials = context.vault.open(&claim.lane, &claim.sealed);
    let call = credentials.and_then(|credentials| call(&claim, &document, &credentials, &context.plants));
    let Some(call) = call else {
        let detail = "the connection's credential or base_url is unusable; PUT the connection again";
        return hold_run(context, claim, None, unable(detail)).await;
    };
    let operation = claim.operation();
    let doubt = Doubt::before(&claim, &context.plants);
    if let Some(doubt) = doubt.filter(|doubt| doubt.forbids(context.clock.now())) {
        if doubt.reads_back {
            return context.store.read_back(claim.lease, context.clock.now()).await;
        }
        let end = RunEnd { reason: HoldReason::OutcomeUnknown, detail: doubt.told(""), failed_attempts: 0 };
        return hold_run(context, claim, None, end).await;
    }
    let Some(mut made) = calls::make(context, work, &claim, call).await? else { return Ok(()) };
    let (reply, now) = (made.take_reply(), context.clock.now());
    let verdict = match operation {
        Operation::Confirm => judge::read_back(&document, reply, now),
        _ => judge::delivered(&document, reply, now, &context.plants),
    };
    let audit = calls::judged(context, &claim, &made, &verdict, now);
    let doubt = Doubt::after(&claim, &verdict, audit.at, &context.plants);
    Outcome { context, claim, audit, now, told_now: None, doubt }.settle_document(document, verdict).await
}

fn call(claim: &Claim, document: &Document, credentials: &Credentials, plants: &Plants) -> Option<Call> {
    let at = |path: &str| Url::parse(&format!("{}{path}", claim.base_url)).ok();
    let bearer = Some(credentials.access_token.clone());
    let ca_pem = claim.ca_pem.clone();
    match document.confirm.as_ref().filter(|_| document.delivered) {
        Some(confirm) => {
            let url = at(confirm)?;
            Some(Call { method: Method::GET, url, bearer, content: None, idempotency_key: None, ca_pem })
        }
        None => {
            let content_type = HeaderValue::from_str(&document.content_type).ok()?;
            let attempt = if plants.has(Plant::KeyPerAttempt) { claim.attempt() } else { 1 };
            Some(Call {
                method: Method::from_bytes(document.method.as_bytes()).ok()?,
                url: at(&document.path)?,
                bearer,
                content: Some(Sent { content_type, body: document.body.clone() }),
                idempotency_key: Some(match &document.effect_key {
                    Some(key) if attempt == 1 => key.clone(),
                    _ => key_of_attempt(&claim.lane, &claim.room, document, attempt),
                }),
                ca_pem,
            })
        }
    }
}

/// The same for all attempts at a document, and for no other: what is handed over again as it was is the same.
pub(crate) fn effect_key(lane: &Lane, reference: &str, document: &Document) -> String {
    key_of_attempt(lane, reference, document, 1)
}

/// Another key for each attempt, as nothing but a planted bug has it.
fn key_of_attempt(lane: &Lane, reference: &str, document: &Document, attempt: u32) -> String {
    let mut hash = Sha256::new();
    let parts = [
        lane.tenant.as_str(),
        lane.connection.as_str(),
        reference,
        &document.method,
        &document.path,
        &document.body,
    ];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(attempt.to_be_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Outcome<'_> {
    async fn settle_document(self, document: Document, verdict: Verdict<()>) -> Result<(), StoreError> {
        let plants = &self.context.plants;
        match verdict {
            Verdict::Done(()) => self.delivered(document).await,
            _ if plants.has(Plant::ErrorSwallowed) => self.finish().await,
            unseen @ Verdict::Failed { .. }
                if document.delivered && plants.has(Plant::UnseenWrittenAgain) =>
            {
                self.context.store.forget_delivery(self.claim.run()).await?;
                self.unlucky(unseen).await
            }
            unlucky => self.unlucky(unlucky).await,
        }
    }

    async fn delivered(self, document: Document) -> Result<(), StoreError> {
        let Self { context, claim, audit, now, .. } = self;
        let is_over = document.confirm.is_none() || document.delivered;
        context.store.commit_delivered(audit, claim.room.clone(), document, now).await?;
        let event = if is_over { "run_succeeded" } else { "delivered" };
        context.note(Level::Info, event, (&claim.lane, claim.run()), json!({}));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Name;
    use crate::store::Protocol;

    #[test]
    fn a_document_has_a_key_of_its_own() {
        let name = |text| Name::parse(text).unwrap();
        let lane = |tenant| Lane { tenant: name(tenant), connection: name("c") };
        let document = |body: &str| Document {
            protocol: Protocol::Rest,
            method: "POST".to_owned(),
            path: "/a".to_owned(),
            content_type: "application/json".to_owned(),
            body: body.to_owned(),
            confirm: None,
            effect_key: None,
            delivered: false,
            doubt_since: None,
        };
        let key = |tenant, reference, body| effect_key(&lane(tenant), reference, &document(body));
        assert_eq!(key("acme", "o-1", "{}"), key("acme", "o-1", "{}"));
        for other in [key("acme", "o-2", "{}"), key("acme", "o-1", "[]"), key("bolt", "o-1", "{}")] {
            assert_ne!(key("acme", "o-1", "{}"), other);
        }
        assert_eq!(key("acme", "o-1", "{}").len(), 32);
    }
}
