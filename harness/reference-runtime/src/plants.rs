//! Known bugs that can be planted on purpose, so that a scenario can prove that it would catch them.
//!
//! Each is asked for at the one place where the bug would sit; this module knows none of those places.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Declares the bugs: what each is, its name, and what goes wrong with it in one sentence without a full stop.
macro_rules! plants {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $description:literal;)+) => {
        /// A known bug. Its name on the command line is its [`Display`](fmt::Display) form.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Plant {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Plant {
            /// All of them, in the order in which the documentation lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name by which it is asked for.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What goes wrong with it, in one sentence without a full stop.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)+ }
            }
        }
    };
}

plants! {
    /// The cursor moves before the page is checked and committed.
    CursorBeforeCommit = "cursor_before_commit",
        "the cursor is saved before the page is checked and committed, so a bad page is skipped on retry";
    /// What the provider says about when to come back is not heeded.
    RetryAfterIgnored = "retry_after_ignored", "waits one second whatever Retry-After or retry_after_ms says";
    /// Records are written unchecked.
    NoValidation = "no_validation",
        "writes what comes, a missing field as an empty string or 0, and holds nothing";
    /// A failed call is taken as the end of the history.
    ErrorSwallowed = "error_swallowed",
        "takes a failed call as the end of the history: the run succeeds, without an alert or a hold";
    /// The destination has no unique key.
    InsertNotUpsert = "insert_not_upsert",
        "the destination has no unique key, so a record that comes again is there twice";
    /// The provider is asked for what its contract does not allow.
    LimitNotANumber = "limit_not_a_number",
        "asks for pages of `all` records, where the provider's contract wants a number";
    /// An expired token is not refreshed.
    NoRefresh = "no_refresh", "takes an expired access token as a rejected credential";
    /// Requests have no time-out.
    NoTimeout = "no_timeout", "waits for an answer for ever";
    /// Retries come at once.
    NoBackoff = "no_backoff", "retries at once, without any wait";
    /// A refusal is retried like an outage.
    ForbiddenRetried = "forbidden_retried", "retries a 403 as if it were a 500";
    /// Messages of one kind are not written.
    NoticesSkipped = "notices_skipped", "does not write messages of the kind m.notice, and says nothing";
    /// Refreshed tokens are not stored.
    RefreshNotStored = "refresh_not_stored",
        "uses refreshed tokens for one request only, and then the old ones again";
    /// A restart forgets waits.
    WaitForgotten = "wait_forgotten", "a restart forgets how long a run had to wait";
    /// A restart forgets the cursor.
    CursorNotSaved = "cursor_not_saved", "a restart begins at the newest page again";
    /// Failed calls leave no audit row.
    AuditSkipped = "audit_skipped", "writes no audit row for a failed call";
    /// The access token, or a webhook's secret, is written to the log.
    SecretLogged = "secret_logged", "writes the access token, or a webhook's secret, into a log line";
    /// Holds raise no alert.
    AlertMissing = "alert_missing", "raises no alert for what it holds";
    /// A page that leads back is read again.
    CirclesUnnoticed = "circles_unnoticed", "follows a page that leads back to itself, as often as it does";
    /// A page that is not full is taken for the last.
    ShortPageIsLast = "short_page_is_last", "takes a page with fewer events than it asked for as the last";
    /// A page without records is taken for the last.
    EmptyPageIsLast = "empty_page_is_last",
        "takes a page without events as the last, whatever next page it names";
    /// Numbers are read as doubles.
    NumbersAsDoubles = "numbers_as_doubles", "reads whole numbers as doubles, so that large ones are rounded";
    /// What is new is invalid.
    UnknownRefused = "unknown_refused", "holds messages of a kind or with a field that it does not know";
    /// The order of a page is relied on.
    OrderTrusted = "order_trusted", "drops a message that is newer than the one before it on its page";
    /// The provider's clock is relied on.
    ProviderClockTrusted = "provider_clock_trusted",
        "drops messages that are newer than the Date of the answer that brings them";
    /// Requests are given up after a second.
    Impatient = "impatient", "gives a request one second instead of ten";
    /// A refresh without a new refresh token loses the old one.
    RefreshTokenDropped = "refresh_token_dropped",
        "forgets the refresh token when a refresh brings no new one";
    /// Any certificate is good.
    CertificateUnchecked = "certificate_unchecked", "trusts whatever certificate it is shown";
    /// Each attempt at a write has a key of its own.
    KeyPerAttempt = "key_per_attempt",
        "sends another idempotency key with each attempt, so that a retry is done twice";
    /// A write is repeated after its key has expired.
    KeyExpiryIgnored = "key_expiry_ignored",
        "sends a write again whose outcome is unknown, whether or not the provider still knows its key";
    /// An error with status 200 is a success.
    StatusBelieved = "status_believed", "believes a status of 2xx and does not look for errors in the body";
    /// A write that cannot be read back yet is sent again.
    UnseenWrittenAgain = "unseen_written_again", "writes again what it cannot read back yet";
    /// A webhook that comes again is applied again.
    WebhookNotDeduplicated = "webhook_not_deduplicated",
        "applies a webhook again that comes again, and the destination has no unique key";
    /// Signatures are not checked.
    WebhookUnverified = "webhook_unverified", "believes a webhook whatever its signature";
    /// The time of a signature is not checked.
    WebhookStaleAccepted = "webhook_stale_accepted", "takes a webhook however long ago it was signed";
    /// What comes last counts, whenever it happened.
    WebhookOlderWins = "webhook_older_wins",
        "takes what comes last for the latest, so an older webhook overwrites a newer one";
    /// The account in a webhook is not looked at.
    WebhookTenantUnchecked = "webhook_tenant_unchecked",
        "applies a webhook without looking whose account it is about";
    /// Events of unknown types are dropped.
    WebhookUnknownDropped = "webhook_unknown_dropped",
        "drops events of types that it does not know, and says nothing";
    /// A webhook is accepted and not written.
    WebhookLostAfterAnswer = "webhook_lost_after_answer", "answers a webhook with 200 and loses it";
    /// Payloads of an older version are dropped.
    WebhookOlderVersionDropped = "webhook_older_version_dropped",
        "takes a webhook's payload of before `authorizations` for nothing";
    /// A bad record ends its page.
    PartialPageCommitted = "partial_page_committed",
        "writes a page up to its first bad record and goes on to the next page, so the rest is never there";
    /// Retries have no end.
    UnboundedRetry = "unbounded_retry", "goes on retrying, once a day, when the schedule is at its end";
    /// Who was connected last is taken for who is worked for.
    TenantMixUp = "tenant_mix_up",
        "writes a page that came on a retry for the tenant that was connected last, whosever it is";
    /// An edit changes what is there, and nothing where nothing is.
    LostUpdate = "lost_update",
        "drops an edit that comes before what it edits, so the older text stays for good";
    /// What is held out of a page is not kept.
    HoldDropped = "hold_dropped", "tells of a record that it holds out of a page, and does not keep it";
    /// A slow worker's run is given to another, and both commit.
    StaleWorkerCommits = "stale_worker_commits",
        "takes a worker for lost after three seconds and lets it commit beside the one that took over";
}

impl fmt::Display for Plant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Plant {
    type Err = UnknownPlant;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|plant| plant.name() == name)
            .ok_or_else(|| UnknownPlant { name: name.chars().take(64).collect() })
    }
}

/// The name of a bug that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no plant is called {name:?}; there are {}", Plant::ALL.iter().map(|plant| plant.name()).collect::<Vec<_>>().join(", "))]
pub struct UnknownPlant {
    /// The name that was given, shortened to 64 characters.
    pub name: String,
}

/// The bugs that one runtime runs with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plants(BTreeSet<Plant>);

impl Plants {
    pub(crate) fn new(plants: BTreeSet<Plant>) -> Self {
        Self(plants)
    }

    pub(crate) fn has(&self, plant: Plant) -> bool {
        self.0.contains(&plant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_plant() {
        for plant in Plant::ALL.iter().copied() {
            assert_eq!(plant.to_string().parse(), Ok(plant));
            assert!(!plant.description().is_empty() && !plant.description().ends_with('.'));
        }
        assert_eq!(Plant::ALL.iter().collect::<BTreeSet<_>>().len(), Plant::ALL.len());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_valid_ones() {
        let message = "no_such".parse::<Plant>().unwrap_err().to_string();
        assert!(message.starts_with("no plant is called \"no_such\"; there are cursor_before_commit, "));
        assert!(message.ends_with(", stale_worker_commits"));
    }
}
