//! The stand-in of a test: what it answers, what it asserts, and what fails a test that asserted nothing.

use crate::client::{ALIAS, Importer, http_builder, status};
use counterpart_testing::{
    Fault, FaultSite, PlannedFault, TestStandIn, TestingError, Times, fixture, stand_in,
};
use std::panic::AssertUnwindSafe;

/// What a test panics with.
fn panic_of(act: impl FnOnce()) -> String {
    let payload = std::panic::catch_unwind(AssertUnwindSafe(act)).expect_err("it has to panic");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap()
}

/// The same, its port taken out.
fn panic_with(provider: &TestStandIn, act: impl FnOnce()) -> String {
    panic_of(act).replace(provider.base_url(), "http://provider")
}

#[tokio::test]
async fn a_fixture_is_played_in_one_line() {
    let provider = stand_in(fixture!("matrix/room-history")).await;
    let messages = Importer::of(&provider).import().await;
    assert_eq!(messages.len(), 81);
    provider.assert_requests("messages", 10);
    provider.assert_requests("GET /_matrix/client/v3/rooms/{any}/messages", 10);
    provider.assert_never("refresh");
    assert_eq!(provider.seen().len(), 10);
    assert!(provider.problems().is_empty());
}

#[tokio::test]
async fn a_fault_strikes_where_the_test_says() {
    let spelled = stand_in(fixture!("matrix/room-history")).with_fault("expired_token@messages-2").await;
    Importer::of(&spelled).import().await;
    spelled.assert_order(&["messages", "messages", "refresh", "messages"]);
    spelled.assert_requests("messages", 11);

    let at = FaultSite::Exchange("messages-2".into());
    let expired: PlannedFault = "expired_token@messages-1".parse().unwrap();
    let typed: Fault = expired.inject;
    let typed = stand_in(fixture!("matrix/room-history"))
        .with_fault(PlannedFault { at, times: Times::Count(1), inject: typed })
        .await;
    Importer::of(&typed).import().await;
    typed.assert_requests("refresh", 1);

    let later = stand_in(fixture!("matrix/room-history")).await;
    assert_eq!(status(later.base_url(), ALIAS, "none").await, 200);
    later.inject("not_found@resolve_alias-1");
    assert_eq!(status(later.base_url(), ALIAS, "none").await, 404);
}

#[tokio::test]
async fn a_request_that_was_not_recorded_fails_the_test_with_the_nearest() {
    let provider = stand_in(fixture!("matrix/room-history")).await;
    let wrong = ALIAS.replace("history", "histroy");
    assert_eq!(status(provider.base_url(), &wrong, "none").await, 501);
    insta::assert_snapshot!(panic_of(|| drop(provider)), @"
    the stand-in for matrix was left with problems:
    - GET /_matrix/client/v3/directory/room/%23histroy%3Atest.local has no recorded answer: nearest is matrix/room-history#resolve_alias-1: the path is /_matrix/client/v3/directory/room/#histroy:test.local, recorded /_matrix/client/v3/directory/room/#history:test.local
    ");
    let allowed = stand_in(fixture!("matrix/room-history")).allow_unmatched().await;
    assert_eq!(status(allowed.base_url(), &wrong, "none").await, 501);
}

#[tokio::test]
async fn a_fault_that_never_struck_fails_the_test() {
    let provider = stand_in(fixture!("matrix/room-history")).with_fault("timeout@messages-3*2").await;
    insta::assert_snapshot!(panic_of(|| provider.finish()), @"
    the stand-in for matrix was left with problems:
    - the fault timeout@messages-3*2 struck 0 time(s), so the test shows less than it says
    ");
    drop(
        stand_in(fixture!("matrix/room-history"))
            .with_fault("timeout@messages-3")
            .allow_unused_faults()
            .await,
    );
}

#[tokio::test]
async fn a_quota_refuses_and_one_that_nobody_meets_fails_the_test() {
    let twice = || {
        let quota = "kind: {token_bucket: {capacity: 2, refill_per_s: 1/60}}";
        stand_in(fixture!("matrix/room-history")).virtual_clock().with_quota(quota)
    };
    let provider = twice().await;
    for expected in [200, 200, 429] {
        assert_eq!(status(provider.base_url(), ALIAS, "none").await, expected);
    }
    provider.finish();
    let provider = twice().await;
    status(provider.base_url(), ALIAS, "none").await;
    insta::assert_snapshot!(panic_of(|| provider.finish()), @"
    the stand-in for matrix was left with problems:
    - nobody came up against limit 1 of the quota, so the test shows less than it says
    ");
    drop(twice().allow_unused_faults().await);
}

#[tokio::test]
async fn a_test_that_fails_already_is_not_failed_twice() {
    let provider = stand_in(fixture!("matrix/room-history")).with_fault("timeout@messages-3").await;
    let said = panic_of(move || {
        let _dropped_while_panicking = provider;
        panic!("the first reason")
    });
    assert_eq!(said, "the first reason");
}

#[tokio::test]
async fn assertions_tell_what_came_instead() {
    let provider = stand_in(fixture!("matrix/room-history")).await;
    let nothing = panic_with(&provider, || provider.assert_requests("messages", 1));
    insta::assert_snapshot!(nothing, @"0 request(s) to messages, expected 1; nothing came at all: is the code under test given http://provider?");
    status(provider.base_url(), ALIAS, "none").await;
    insta::assert_snapshot!(panic_with(&provider, || provider.assert_requests("messages", 1)), @"
    0 request(s) to messages, expected 1; of 1 that came:
      GET /_matrix/client/v3/directory/room/%23history%3Atest.local -> 200 (replayed)
    ");
    insta::assert_snapshot!(panic_with(&provider, || provider.assert_order(&["resolve_alias", "messages"])), @"
    after resolve_alias no further request came to messages; of 1 that came:
      GET /_matrix/client/v3/directory/room/%23history%3Atest.local -> 200 (replayed)
    ");
    insta::assert_snapshot!(panic_with(&provider, || provider.assert_never("mesages")), @"matrix has no operation `mesages`; did you mean `messages`?");
    let unused = panic_with(&provider, || provider.assert_all_used());
    assert!(unused.starts_with("never asked for: matrix/room-history#messages-1, "), "{unused}");
    insta::assert_snapshot!(panic_with(&provider, || drop(provider.value("api_key:1").to_owned())), @"the fixture has no placeholder «api_key:1»; it has: access_token:1, access_token:2, refresh_token:1, refresh_token:2");
}

#[tokio::test]
async fn what_cannot_be_played_is_told_with_its_place() {
    let error = |started: Result<TestStandIn, TestingError>| started.map(drop).unwrap_err().to_string();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let folder = format!("{}/", folder.display());
    let told = error(stand_in(fixture!("matrix/room-histroy")).try_start().await);
    insta::assert_snapshot!(told.replace(&folder, ""), @"fixtures/matrix/room-histroy.yaml: there is no fixture matrix/room-histroy; did you mean `matrix/room-history`?");
    insta::assert_snapshot!(error(stand_in("room-history").try_start().await), @"room-history: not the path of a fixture; expected <fixtures>/<provider>/<flow>.yaml, as in fixtures/matrix/room-history.yaml");
    let fault = stand_in(fixture!("matrix/room-history")).with_fault("timeout@messages-12").try_start().await;
    insta::assert_snapshot!(error(fault), @"the fault timeout@messages-12: no exchange of the fixtures is called `messages-12`; did you mean `messages-1`?");
    let fault = stand_in(fixture!("matrix/room-history")).with_fault("timout@messages-1").try_start().await;
    insta::assert_snapshot!(error(fault), @r#"the fault cannot be read: "timout@messages-1": there is no fault `timout`; did you mean `timeout`?; expected FAULT[JSON]@PLACE[*TIMES], as in expired_token@messages-2 or rate_limited{"retry_after_s":30}@messages-2*3"#);
    let limits = [
        "kind: {calls_per_secnd: {limit: 3}}",
        "{kind: {calls_per_second: {limit: 3}}, operations: [mesages]}",
    ];
    for (limit, expected) in limits.into_iter().zip(["calls_per_second", "did you mean `messages`?"]) {
        let told = error(stand_in(fixture!("matrix/room-history")).with_quota(limit).try_start().await);
        assert!(told.contains(expected), "{told}");
    }
    let two =
        stand_in(fixture!("matrix/room-history")).and(fixture!("stripe/create-customer")).try_start().await;
    insta::assert_snapshot!(error(two), @"stripe/create-customer is of another provider than matrix; start one stand-in for each provider");
}

#[tokio::test]
async fn tls_is_of_an_authority_made_for_the_test() {
    let provider = stand_in(fixture!("matrix/room-history")).with_tls().await;
    assert!(provider.base_url().starts_with("https://"));
    let trusted = reqwest::Certificate::from_pem(provider.ca_pem().unwrap().as_bytes()).unwrap();
    let url = format!("{}{ALIAS}", provider.base_url());
    let trusting = http_builder().tls_certs_only([trusted]).build().unwrap();
    assert_eq!(trusting.get(&url).send().await.unwrap().status().as_u16(), 200);
    let distrusting = http_builder().tls_certs_only([]).build().unwrap();
    assert!(distrusting.get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_webhook_is_delivered_signed() {
    let receiver = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::header_exists("x-slack-signature"))
        .respond_with(wiremock::ResponseTemplate::new(200))
        .mount(&receiver)
        .await;
    let provider = stand_in(fixture!("slack/channel-messages")).await;
    let report = provider.deliver("event-1", &format!("{}/hooks", receiver.uri())).await;
    assert_eq!(report.first_attempts[0].status(), Some(200));
    assert_eq!(provider.webhook_keys().unwrap().scheme, "slack");
    assert_eq!(provider.delivered().len(), 1);
    let error = provider.try_deliver("event-99", &receiver.uri()).await.unwrap_err().to_string();
    assert!(error.contains("event-"), "{error}");
}
