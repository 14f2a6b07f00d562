//! Each known bug, planted: it must change what can be seen from outside, where the sound runtime does well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::provider::{
    error, inject, message, mount_pages, mount_refresh, ok, page, requests, soft_logout, three_pages,
    whole_history,
};
use crate::support::raw::{RawProvider, Script};
use crate::support::tls::within_tls;
use crate::support::{ACCESS_TOKEN, Subject, start_with};
use counterpart_reference_runtime::Plant;
use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

/// The sound runtime, then the one with the bug.
async fn both(plant: Plant) -> [Subject; 2] {
    [start_with(&[]).await, start_with(&[plant]).await]
}

/// Imports from a fresh three-page provider with one fault in it, on both.
async fn imported(plant: Plant, cursor: Option<&str>, times: u64, fault: ResponseTemplate) -> [Subject; 2] {
    let subjects = both(plant).await;
    for subject in &subjects {
        let provider = three_pages().await;
        inject(&provider, cursor, times, fault.clone()).await;
        subject.import(&provider.uri()).await;
    }
    subjects
}

#[tokio::test]
async fn cursor_before_commit_skips_a_page() {
    let fault = ok(json!({ "start": "t1", "end": "t2" }));
    let [sound, planted] = imported(Plant::CursorBeforeCommit, Some("t1"), 1, fault).await;
    assert_eq!(sound.bodies().await, whole_history());
    assert_eq!(planted.bodies().await, ["m1", "m2", "m5", "m6"]);
}

#[tokio::test]
async fn retry_after_ignored_comes_back_too_early() {
    let fault = ResponseTemplate::new(429).insert_header("retry-after", "60");
    let [sound, planted] = imported(Plant::RetryAfterIgnored, None, 1, fault).await;
    assert_eq!(sound.elapsed().await, SignedDuration::from_secs(60));
    assert_eq!(planted.elapsed().await, SignedDuration::from_secs(1));
}

#[tokio::test]
async fn no_validation_writes_what_comes() {
    let mut half = message(1);
    half["content"] = json!({});
    let fault = ok(json!({ "chunk": [half] }));
    let [sound, planted] = imported(Plant::NoValidation, None, 1, fault).await;
    assert_eq!((sound.records().await.len(), sound.alerts().await.len()), (0, 1));
    assert_eq!((planted.bodies().await, planted.alerts().await.len()), (vec![json!("")], 0));
}

#[tokio::test]
async fn error_swallowed_ends_early_and_says_nothing() {
    let [sound, planted] = imported(Plant::ErrorSwallowed, Some("t1"), 1, error(500, "M_UNKNOWN")).await;
    assert_eq!(sound.bodies().await, whole_history());
    assert_eq!((planted.state(1).await.as_str(), planted.bodies().await.len()), ("succeeded", 2));
    assert!(planted.alerts().await.is_empty() && planted.list("/holds", "holds").await.is_empty());
}

#[tokio::test]
async fn limit_not_a_number_asks_for_all() {
    for (subject, asked) in both(Plant::LimitNotANumber).await.iter().zip(["limit=10", "limit=all"]) {
        let provider = three_pages().await;
        subject.import(&provider.uri()).await;
        let pages: Vec<String> =
            requests(&provider).await.into_iter().filter(|one| one.contains("/messages")).collect();
        assert!(!pages.is_empty() && pages.iter().all(|one| one.contains(asked)), "{pages:?}");
    }
}

#[tokio::test]
async fn insert_not_upsert_writes_twice() {
    let [sound, planted] = both(Plant::InsertNotUpsert).await;
    for (subject, expected) in [(&sound, 6), (&planted, 12)] {
        let provider = three_pages().await;
        subject.import(&provider.uri()).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.records().await.len(), expected);
    }
}

/// Lets the token expire at `cursor`; the refresh brings `second`.
async fn refreshed(subject: &Subject, expiries: &[Option<&str>]) -> MockServer {
    let provider = three_pages().await;
    mount_pages(&provider, "second").await;
    for cursor in expiries {
        inject(&provider, *cursor, 1, soft_logout()).await;
    }
    mount_refresh(&provider, ok(json!({ "access_token": "second", "refresh_token": "next" }))).await;
    subject.import(&provider.uri()).await;
    provider
}

#[tokio::test]
async fn no_refresh_gives_up_on_an_expired_token() {
    let [sound, planted] = both(Plant::NoRefresh).await;
    refreshed(&sound, &[None]).await;
    assert_eq!(sound.state(1).await, "succeeded");
    refreshed(&planted, &[None]).await;
    assert_eq!(
        (planted.state(1).await.as_str(), planted.alerts().await),
        ("held", vec![json!("credential_rejected")])
    );
}

#[tokio::test]
async fn refresh_not_stored_goes_back_to_the_old_token() {
    for (subject, expected) in
        both(Plant::RefreshNotStored).await.iter().zip(["Bearer second", "Bearer syt_first_access"])
    {
        let provider = refreshed(subject, &[None]).await;
        let last = provider.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(last.headers["authorization"], expected);
    }
}

#[tokio::test]
async fn no_timeout_hangs_for_ever() {
    for (subject, timer) in
        both(Plant::NoTimeout).await.iter().zip([json!("2026-01-05T00:00:10Z"), Value::Null])
    {
        let provider = RawProvider::start(vec![Script::Hang]).await;
        subject.connect(&provider.url()).await;
        subject.trigger().await;
        assert_eq!(subject.quiet(1).await["next_timer"], timer);
    }
}

#[tokio::test]
async fn no_backoff_hammers() {
    let [sound, planted] = imported(Plant::NoBackoff, None, 9, error(500, "M_UNKNOWN")).await;
    assert!(sound.elapsed().await >= SignedDuration::from_hours(75));
    assert_eq!(planted.elapsed().await, SignedDuration::ZERO);
    assert_eq!(planted.state(1).await, "succeeded");
}

#[tokio::test]
async fn forbidden_retried_does_not_take_no() {
    let [sound, planted] = imported(Plant::ForbiddenRetried, None, 1, error(403, "M_FORBIDDEN")).await;
    assert_eq!(
        (sound.state(1).await.as_str(), sound.alerts().await),
        ("held", vec![json!("permission_denied")])
    );
    assert_eq!(planted.outcomes().await, ["refused", "ok", "ok", "ok"]);
}

#[tokio::test]
async fn notices_skipped_loses_them_without_a_word() {
    let mut notice = message(1);
    notice["content"]["msgtype"] = json!("m.notice");
    let fault = ok(json!({ "chunk": [message(2), notice] }));
    let [sound, planted] = imported(Plant::NoticesSkipped, None, 1, fault).await;
    assert_eq!(sound.bodies().await, ["m1", "m2"]);
    assert_eq!((planted.bodies().await, planted.alerts().await.len()), (vec![json!("m2")], 0));
}

/// Stops at the second page, restarts, and runs to the end.
async fn restarted(subject: Subject, fault: ResponseTemplate) -> (Subject, MockServer) {
    let provider = three_pages().await;
    inject(&provider, Some("t1"), 1, fault).await;
    subject.connect(&provider.uri()).await;
    subject.trigger().await;
    subject.quiet(0).await;
    let subject = subject.restart().await;
    subject.settle().await;
    (subject, provider)
}

#[tokio::test]
async fn wait_forgotten_comes_back_at_once() {
    for (subject, expected_s) in both(Plant::WaitForgotten).await.into_iter().zip([60, 0]) {
        let fault = ResponseTemplate::new(429).insert_header("retry-after", "60");
        let (subject, _provider) = restarted(subject, fault).await;
        assert_eq!(subject.elapsed().await, SignedDuration::from_secs(expected_s));
        assert_eq!(subject.bodies().await, whole_history());
    }
}

#[tokio::test]
async fn cursor_not_saved_begins_again() {
    for (subject, expected) in both(Plant::CursorNotSaved).await.into_iter().zip([4, 5]) {
        let (_subject, provider) = restarted(subject, error(500, "M_UNKNOWN")).await;
        assert_eq!(requests(&provider).await.len(), expected);
    }
}

#[tokio::test]
async fn audit_skipped_keeps_failures_off_the_trail() {
    let [sound, planted] = imported(Plant::AuditSkipped, None, 1, error(500, "M_UNKNOWN")).await;
    assert_eq!(sound.outcomes().await, ["server_error", "ok", "ok", "ok"]);
    assert_eq!(planted.outcomes().await, ["ok", "ok", "ok"]);
    let [sound, planted] = imported(Plant::AuditSkipped, None, 1, error(403, "M_FORBIDDEN")).await;
    assert_eq!((sound.outcomes().await.len(), planted.outcomes().await.len()), (1, 0));
}

#[tokio::test]
async fn secret_logged_shows_the_token() {
    let [sound, planted] = both(Plant::SecretLogged).await;
    for (subject, expected) in [(&sound, false), (&planted, true)] {
        subject.import(&three_pages().await.uri()).await;
        assert_eq!(subject.get("/log").await.to_string().contains(ACCESS_TOKEN), expected);
    }
}

#[tokio::test]
async fn alert_missing_holds_in_silence() {
    let [sound, planted] = imported(Plant::AlertMissing, None, 1, error(404, "M_NOT_FOUND")).await;
    assert_eq!((sound.alerts().await.len(), planted.alerts().await.len()), (1, 0));
    let [sound, planted] = imported(Plant::AlertMissing, None, 1, ok(json!({ "chunk": [{}] }))).await;
    assert_eq!((sound.alerts().await.len(), planted.alerts().await.len()), (1, 0));
    assert_eq!(planted.list("/holds", "holds").await.len(), 1);
}

#[tokio::test]
async fn circles_unnoticed_reads_on() {
    let circle = ok(json!({ "chunk": [message(3)], "end": "t1" }));
    let [sound, planted] = imported(Plant::CirclesUnnoticed, Some("t2"), 1, circle).await;
    assert_eq!(sound.outcomes().await, ["ok", "ok", "invalid_body", "ok"]);
    assert_eq!(planted.outcomes().await, ["ok", "ok", "ok", "ok", "ok"]);
}

#[tokio::test]
async fn short_page_is_last_stops_early() {
    let [sound, planted] = both(Plant::ShortPageIsLast).await;
    for (subject, expected) in [(&sound, 6), (&planted, 2)] {
        subject.import(&three_pages().await.uri()).await;
        assert_eq!(subject.records().await.len(), expected);
    }
}

#[tokio::test]
async fn empty_page_is_last_loses_what_is_behind_it() {
    let fault = ok(page(&[], Some("t2")));
    let [sound, planted] = imported(Plant::EmptyPageIsLast, Some("t1"), 1, fault).await;
    assert_eq!(sound.bodies().await, ["m1", "m2", "m5", "m6"]);
    assert_eq!(planted.bodies().await, ["m5", "m6"]);
}

#[tokio::test]
async fn numbers_as_doubles_are_rounded() {
    let mut late = message(1);
    late["origin_server_ts"] = json!(9_007_199_254_740_993_i64);
    let [sound, planted] = imported(Plant::NumbersAsDoubles, None, 1, ok(json!({ "chunk": [late] }))).await;
    assert_eq!(sound.records().await[0]["sent_at_ms"], 9_007_199_254_740_993_i64);
    assert_eq!(planted.records().await[0]["sent_at_ms"], 9_007_199_254_740_992_i64);
}

#[tokio::test]
async fn unknown_refused_holds_what_is_new() {
    let (mut field, mut kind) = (message(2), message(1));
    field["thread"] = json!(1);
    kind["content"]["msgtype"] = json!("org.example.new");
    let [sound, planted] =
        imported(Plant::UnknownRefused, None, 1, ok(json!({ "chunk": [field, kind] }))).await;
    assert_eq!((sound.records().await.len(), sound.alerts().await.len()), (2, 0));
    assert_eq!((planted.records().await.len(), planted.alerts().await.len()), (0, 2));
}

#[tokio::test]
async fn order_trusted_drops_what_comes_late() {
    let oldest_first = ok(json!({ "chunk": [message(1), message(2)] }));
    let [sound, planted] = imported(Plant::OrderTrusted, None, 1, oldest_first).await;
    assert_eq!((sound.bodies().await.len(), planted.bodies().await), (2, vec![json!("m1")]));
}

#[tokio::test]
async fn provider_clock_trusted_drops_what_seems_to_come_from_the_future() {
    let past = ok(json!({ "chunk": [message(1)] })).insert_header("date", "Thu, 01 Jan 1970 00:00:00 GMT");
    let [sound, planted] = imported(Plant::ProviderClockTrusted, None, 1, past).await;
    assert_eq!((sound.bodies().await.len(), planted.bodies().await.len()), (1, 0));
}

#[tokio::test]
async fn impatient_gives_up_after_a_second() {
    let timers = ["2026-01-05T00:00:10Z", "2026-01-05T00:00:01Z"];
    for (subject, timer) in both(Plant::Impatient).await.iter().zip(timers) {
        let provider = RawProvider::start(vec![Script::Hang]).await;
        subject.connect(&provider.url()).await;
        subject.trigger().await;
        assert_eq!(subject.quiet(1).await["next_timer"], timer);
    }
}

#[tokio::test]
async fn refresh_token_dropped_can_refresh_once() {
    for (subject, expected) in both(Plant::RefreshTokenDropped).await.iter().zip(["succeeded", "held"]) {
        let provider = three_pages().await;
        mount_pages(&provider, "second").await;
        for cursor in [None, Some("t1")] {
            inject(&provider, cursor, 1, soft_logout()).await;
        }
        mount_refresh(&provider, ok(json!({ "access_token": "second" }))).await;
        subject.import(&provider.uri()).await;
        assert_eq!(subject.state(1).await, expected);
    }
}

#[tokio::test]
async fn certificate_unchecked_talks_to_anybody() {
    let (address, _) = within_tls("localhost").await;
    let outcomes = ["certificate_rejected", "connection_failed"];
    for (subject, outcome) in both(Plant::CertificateUnchecked).await.iter().zip(outcomes) {
        subject.connect(&format!("https://{address}")).await;
        subject.trigger().await;
        subject.quiet(0).await;
        assert_eq!(subject.outcomes().await, [outcome]);
    }
}

/// Hands a document over and lets time run.
async fn relayed(subject: &Subject, provider: &MockServer, confirm: Option<&str>) {
    subject.connect(&provider.uri()).await;
    let body = json!({ "tenant": "acme", "connection": "chat", "reference": "order-1", "protocol": "rest",
                       "method": "POST", "path": "/orders", "content_type": "application/json",
                       "body": r#"{"state": "new"}"#, "confirm": confirm });
    subject.call("POST", "/integrations/relay/documents", Some(body)).await;
    subject.settle().await;
}

async fn keys(provider: &MockServer) -> Vec<String> {
    let requests = provider.received_requests().await.unwrap();
    let keys = requests.iter().filter_map(|request| request.headers.get("idempotency-key"));
    keys.map(|key| key.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn key_per_attempt_makes_a_retry_another_write() {
    let mut distinct = Vec::new();
    for subject in both(Plant::KeyPerAttempt).await {
        let provider = MockServer::start().await;
        let answers = [(500, 1), (201, 2)];
        for (status, priority) in answers {
            let mock = wiremock::Mock::given(wiremock::matchers::method("POST"));
            let mock = mock.respond_with(ResponseTemplate::new(status)).with_priority(priority);
            if status == 500 { mock.up_to_n_times(1) } else { mock }.mount(&provider).await;
        }
        relayed(&subject, &provider, None).await;
        let mut keys = keys(&provider).await;
        assert_eq!(keys.len(), 2);
        keys.dedup();
        distinct.push(keys.len());
    }
    assert_eq!(distinct, [1, 2]);
}

#[tokio::test]
async fn key_expiry_ignored_writes_again_under_a_key_that_is_forgotten() {
    for (subject, expected) in both(Plant::KeyExpiryIgnored).await.iter().zip([7, 10]) {
        let provider = MockServer::start().await;
        let post = wiremock::Mock::given(wiremock::matchers::method("POST"));
        post.respond_with(ResponseTemplate::new(500)).mount(&provider).await;
        relayed(subject, &provider, None).await;
        assert_eq!(keys(&provider).await.len(), expected);
    }
}

#[tokio::test]
async fn status_believed_takes_an_error_for_a_delivery() {
    for (subject, expected) in both(Plant::StatusBelieved).await.iter().zip([0, 1]) {
        let provider = MockServer::start().await;
        let refused = ok(json!({ "error": "the order is not known" }));
        wiremock::Mock::given(wiremock::matchers::method("POST"))
            .respond_with(refused)
            .mount(&provider)
            .await;
        relayed(subject, &provider, None).await;
        assert_eq!(subject.list("/destination/deliveries", "records").await.len(), expected);
    }
}

#[tokio::test]
async fn unseen_written_again_writes_twice() {
    for (subject, expected) in both(Plant::UnseenWrittenAgain).await.iter().zip([1, 2]) {
        let provider = MockServer::start().await;
        let given = |name| wiremock::Mock::given(wiremock::matchers::method(name));
        given("POST").respond_with(ok(json!({ "id": 1 }))).mount(&provider).await;
        let old = given("GET").respond_with(ok(json!({ "state": "old" })));
        old.up_to_n_times(1).with_priority(1).mount(&provider).await;
        given("GET").respond_with(ok(json!({ "state": "new" }))).mount(&provider).await;
        relayed(subject, &provider, Some("/orders/1")).await;
        assert_eq!(keys(&provider).await.len(), expected);
        assert_eq!(subject.list("/destination/deliveries", "records").await.len(), 1);
    }
}

/// A page of which the second record cannot be written.
fn page_with_a_bad_record() -> ResponseTemplate {
    let mut half = message(2);
    half["content"] = json!({});
    ok(json!({ "chunk": [message(1), half, message(3)] }))
}

#[tokio::test]
async fn partial_page_committed_loses_what_comes_behind_a_bad_record() {
    let [sound, planted] = imported(Plant::PartialPageCommitted, None, 1, page_with_a_bad_record()).await;
    assert_eq!(sound.bodies().await, ["m1", "m3"]);
    assert_eq!(planted.bodies().await, ["m1"]);
}

#[tokio::test]
async fn hold_dropped_tells_and_keeps_nothing() {
    let [sound, planted] = imported(Plant::HoldDropped, None, 1, page_with_a_bad_record()).await;
    assert_eq!((sound.holds().await.len(), sound.alerts().await.len()), (1, 1));
    assert_eq!((planted.holds().await.len(), planted.alerts().await.len()), (0, 1));
}

#[tokio::test]
async fn unbounded_retry_never_gives_up() {
    let [sound, planted] = imported(Plant::UnboundedRetry, None, 30, error(500, "M_UNKNOWN")).await;
    assert_eq!(sound.state(1).await, "held");
    assert_eq!(planted.state(1).await, "succeeded");
}

#[tokio::test]
async fn tenant_mix_up_writes_a_retried_page_for_another() {
    for (subject, is_seen) in both(Plant::TenantMixUp).await.iter().zip([false, true]) {
        let provider = three_pages().await;
        inject(&provider, None, 1, error(500, "M_UNKNOWN")).await;
        subject.connect(&provider.uri()).await;
        let other = json!({ "provider": "matrix", "base_url": provider.uri(), "access_token": "another" });
        let (status, _) = subject.call("PUT", "/connections/other/matrix", Some(other)).await;
        assert!((200..300).contains(&status), "{status}");
        subject.trigger().await;
        subject.settle().await;
        let seen = subject.list_of("other", "/destination", "records").await;
        assert_eq!(!seen.is_empty(), is_seen);
    }
}

#[tokio::test]
async fn stale_worker_commits_gives_a_run_away_after_three_seconds() {
    let timers = [json!("2026-01-05T00:00:10Z"), json!("2026-01-05T00:00:03Z")];
    for (subject, timer) in both(Plant::StaleWorkerCommits).await.iter().zip(timers) {
        let provider = RawProvider::start(vec![Script::Hang]).await;
        subject.connect(&provider.url()).await;
        subject.trigger().await;
        assert_eq!(subject.quiet(1).await["next_timer"], timer);
    }
}

#[tokio::test]
async fn every_plant_has_its_test() {
    let source = [include_str!("plants.rs"), include_str!("webhooks.rs")].concat();
    for plant in Plant::ALL {
        assert!(source.contains(&format!("Plant::{plant:?}")), "{plant}");
    }
}
