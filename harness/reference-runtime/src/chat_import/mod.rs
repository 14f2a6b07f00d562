//! The integration `chat-import`: a Matrix room's history, newest first, into the destination table.
//!
//! One step is one call and what follows from it: resolve the room's alias, fetch the page at the cursor, or refresh
//! the access token. A step reads all it needs from the claimed run and commits all it learnt, so it can be repeated
//! or taken up by another process at any time. `matrix` knows the provider's API, `validate` what a record must be;
//! this file knows what to do about either.

mod matrix;
mod planted;
mod remarks;
mod validate;

use serde_json::json;

use self::matrix::{Page, Progress, Success, Tokens};
use crate::calls;
use crate::clock::{Work, later};
use crate::credentials::Credentials;
use crate::journal::Level;
use crate::outbound::verdict::Verdict;
use crate::outcome::{Outcome, RunEnd, hold_run};
use crate::plants::{Plant, Plants};
use crate::store::{Claim, PageCommit, Record, StoreError, TokensCommit};
use crate::vocabulary::{HoldReason, Operation};
use crate::worker::Context;

/// So many refreshes may follow one another without an accepted call between.
const MAX_REFRESHES_IN_A_ROW: u32 = 2;

/// So often may the provider call the cursor of a run no longer good.
const MAX_BEGUN_ANEW: u32 = 3;

/// A history of more pages than this, a million events, does not end.
const MAX_PAGES: u32 = 100_000;

/// The record that an event held out of a page is by the rules of today; `None` where it is none of the import's.
///
/// # Errors
/// What is still wrong with it.
pub(crate) fn look_again(payload: &str, plants: &Plants) -> Result<Option<Record>, String> {
    validate::look_again(payload, plants)
}

/// Takes the next step of `claim`'s run.
///
/// # Errors
/// When its outcome could not be committed; the step is then still to be taken.
pub(crate) async fn step(context: &Context, work: &mut Work, claim: Claim) -> Result<(), StoreError> {
    let unable = |reason, detail: &str| RunEnd { reason, detail: detail.to_owned(), failed_attempts: 0 };
    if let Some((reason, detail)) = obstacle(&claim) {
        return hold_run(context, claim, None, unable(reason, detail)).await;
    }
    let stored = || context.vault.open(&claim.lane, &claim.sealed);
    let unsaved = context.remember(&claim.lane, |memory| memory.unsaved.take());
    let Some(credentials) = unsaved.or_else(stored) else {
        let detail = "the stored credential does not open with the key file; PUT the connection again";
        return hold_run(context, claim, None, unable(HoldReason::CredentialRejected, detail)).await;
    };
    let operation = claim.operation();
    let Some(mut call) = matrix::call(&claim, &credentials) else {
        let detail = "the connection's base_url or refresh token is unusable; PUT the connection again";
        return hold_run(context, claim, None, unable(HoldReason::CredentialRejected, detail)).await;
    };

    if context.plants.has(Plant::LimitNotANumber) && operation == Operation::Messages {
        planted::ask_for_all(&mut call.url);
    }
    if context.plants.has(Plant::SecretLogged) {
        let fields = json!({ "authorization": format!("Bearer {}", credentials.access_token.expose()) });
        context.note(Level::Info, "request_sent", (&claim.lane, claim.run()), fields);
    }
    let Some(mut made) = calls::make(context, work, &claim, call).await? else { return Ok(()) };
    let reply = made.take_reply();
    if context.plants.has(Plant::CursorBeforeCommit)
        && operation == Operation::Messages
        && let Some(end) = matrix::named_end(&reply)
    {
        context.store.save_cursor(claim.run(), end).await?;
    }

    let now = context.clock.now();
    let told_now = remarks::told_now(&reply);
    if let Some(off_s) = told_now.and_then(|told| remarks::clock_off_s(told, now))
        && context.remember(&claim.lane, |memory| remarks::is_news(off_s, memory.clock_off_s.replace(off_s)))
    {
        let fields = json!({ "what": "clock_off", "by_s": off_s });
        context.note(Level::Info, "remarked", (&claim.lane, claim.run()), fields);
    }
    let progress = if claim.cursor.is_some() { Progress::UnderWay } else { Progress::AtTheBegin };
    let verdict = matrix::judge(operation, progress, reply, now, &context.plants);
    let verdict = not_in_circles(context, &claim, verdict).await?;
    let audit = calls::judged(context, &claim, &made, &verdict, now);
    Outcome { context, claim, audit, now, told_now, doubt: None }.settle(verdict, credentials).await
}

/// A page that leads back to where a page began would be read for ever: it is no page. An empty one is the last: so
/// older servers tell the end of the history (Synapse before 1.61).
async fn not_in_circles(
    context: &Context,
    claim: &Claim,
    mut verdict: Verdict<Success>,
) -> Result<Verdict<Success>, StoreError> {
    let Verdict::Done(Success::Page(page)) = &mut verdict else { return Ok(verdict) };
    let Some(end) = page.end.clone().filter(|_| !context.plants.has(Plant::CirclesUnnoticed)) else {
        return Ok(verdict);
    };
    if context.store.leads_back(claim.run(), end).await? {
        if !page.events.is_empty() {
            return Ok(Verdict::invalid_body("the page's end leads back to a page that was read"));
        }
        page.end = None;
    }
    Ok(verdict)
}

/// Why the run cannot go on, without asking the provider.
fn obstacle(claim: &Claim) -> Option<(HoldReason, &'static str)> {
    if claim.paused {
        let detail =
            "the connection is paused since its credential was rejected; PUT the connection with a new one";
        return Some((HoldReason::CredentialRejected, detail));
    }
    (claim.pages >= MAX_PAGES).then_some((
        HoldReason::Refused,
        "the history has more than 100,000 pages: its paging does not seem to end",
    ))
}

impl Outcome<'_> {
    async fn settle(self, verdict: Verdict<Success>, credentials: Credentials) -> Result<(), StoreError> {
        let failed = !matches!(verdict, Verdict::Done(_) | Verdict::TokenExpired);
        if failed && self.context.plants.has(Plant::ErrorSwallowed) {
            return self.finish().await;
        }
        match verdict {
            Verdict::Done(Success::Room(room_id)) => self.room(room_id).await,
            Verdict::Done(Success::Page(page)) => self.page(page).await,
            Verdict::Done(Success::Tokens(tokens)) => self.tokens(tokens, credentials).await,
            Verdict::TokenExpired => self.expired(&credentials).await,
            Verdict::StartAnew { detail } => self.begin_anew(detail).await,
            unlucky => self.unlucky(unlucky).await,
        }
    }

    async fn room(self, room_id: String) -> Result<(), StoreError> {
        self.context.store.commit_room(self.audit, room_id, self.now).await
    }

    async fn page(self, page: Page) -> Result<(), StoreError> {
        let Self { context, claim, audit, now, told_now, .. } = self;
        let about = (&claim.lane, claim.run());
        let plants = &context.plants;
        // An empty chunk that names a next page does not end the history: it may be hidden from this account for a while.
        let is_last = plants.has(Plant::ShortPageIsLast) && page.events.len() < matrix::PAGE_LIMIT as usize
            || plants.has(Plant::EmptyPageIsLast) && page.events.is_empty();
        let next = page.end.filter(|_| !is_last);
        let mut checked = validate::check(&page.events, plants);
        checked.records = planted::taken(checked.records, told_now, plants);
        checked.remarks.note_fields(page.unknown_fields);
        let room_id = claim.room_id.clone().unwrap_or_else(|| claim.room.clone());
        for hold in &mut checked.holds {
            hold.room_id = Some(room_id.clone());
        }
        let (imported, held, withdrawn) =
            (checked.records.len(), checked.holds.clone(), checked.withdrawn.len());
        let last = next.is_none();
        let commit = PageCommit {
            room_id,
            records: checked.records,
            holds: checked.holds,
            withdrawn: checked.withdrawn,
            next,
            mixed_up_with: planted::mixed_up_with(context, &claim),
        };
        let written = context.store.commit_page(audit, commit, now).await?;

        let fields = json!({
            "imported": imported, "new": written.new, "repeated": written.repeated,
            "held_records": held.len(), "withdrawn": withdrawn,
        });
        context.note(Level::Info, "page_committed", about, fields);
        for fields in checked.remarks.lines() {
            context.note(Level::Info, "remarked", about, fields);
        }
        for hold in held {
            let fields = json!({ "key": hold.key, "detail": hold.detail });
            context.note(Level::Warn, "record_held", about, fields);
        }
        if last {
            context.note(Level::Info, "run_succeeded", about, json!({}));
        }
        Ok(())
    }

    /// Stores the refreshed tokens before they are used: the old ones may be worth nothing already.
    async fn tokens(self, tokens: Tokens, old: Credentials) -> Result<(), StoreError> {
        let kept_or_replaced = if tokens.refresh_token.is_some() { "replaced" } else { "kept" };
        let refreshed = Credentials {
            access_token: tokens.access_token,
            refresh_token: tokens
                .refresh_token
                .or(old.refresh_token.filter(|_| !self.context.plants.has(Plant::RefreshTokenDropped))),
        };
        let sealed = if self.context.plants.has(Plant::RefreshNotStored) {
            self.context.remember(&self.claim.lane, |memory| memory.unsaved = Some(refreshed));
            None
        } else {
            let Some(sealed) = self.context.vault.seal(&self.claim.lane, &refreshed) else {
                let detail = "the refreshed credential could not be encrypted; PUT the connection again";
                return self.hold(HoldReason::CredentialRejected, detail.to_owned()).await;
            };
            Some(sealed)
        };
        let Self { context, claim, audit, now, .. } = self;
        let expires_at = tokens.expires_in.map(|lifetime| later(now, lifetime));
        let commit = TokensCommit { sealed, expires_at, replaces: claim.generation };
        context.store.commit_tokens(audit, commit, now).await?;
        let fields = json!({
            "access_token_expires_at": expires_at,
            "refresh_token": kept_or_replaced,
            "written_as": tokens.written_as.word(),
        });
        context.note(Level::Info, "refreshed", (&claim.lane, claim.run()), fields);
        Ok(())
    }

    async fn expired(self, credentials: &Credentials) -> Result<(), StoreError> {
        let refused = if credentials.refresh_token.is_none() {
            Some("the access token has expired, and there is no refresh token")
        } else if self.claim.refreshes_in_a_row >= MAX_REFRESHES_IN_A_ROW {
            Some("the provider takes each refreshed access token for expired")
        } else if self.context.plants.has(Plant::NoRefresh) {
            Some("the access token was rejected")
        } else {
            None
        };
        if let Some(detail) = refused {
            return self.hold(HoldReason::CredentialRejected, detail.to_owned()).await;
        }
        let Self { context, claim, audit, now, .. } = self;
        // A 401 is daily business. That a provider tells an expiry otherwise is worth a look.
        let level = if audit.status == Some(401) { Level::Info } else { Level::Warn };
        context.store.commit_expiry(audit, claim.generation, now).await?;
        context.note(level, "token_expired", (&claim.lane, claim.run()), json!({}));
        Ok(())
    }

    /// Reads the history again from its newest page: each record is written over itself.
    async fn begin_anew(self, detail: String) -> Result<(), StoreError> {
        if self.claim.begun_anew >= MAX_BEGUN_ANEW {
            let detail = format!("begun anew {MAX_BEGUN_ANEW} times, and once more: {detail}");
            return self.hold(HoldReason::Refused, detail).await;
        }
        let Self { context, claim, audit, now, .. } = self;
        context.store.commit_anew(audit, now).await?;
        context.note(Level::Warn, "begun_anew", (&claim.lane, claim.run()), json!({ "detail": detail }));
        Ok(())
    }
}
