//! Webhooks as a receiver of bytes sees them: signed by every scheme, and repeated as the vendors repeat.

use crate::provider::{Played, fixture, got, json, profile_of, recorded};
use crate::receiver::{Came, Receiver, Says};
use crate::wire::{Ask, ask, until};
use counterpart_exchange::{Direction, Exchange, HeaderValue, Headers};
use counterpart_signatures::{
    Delivery, Rejection, Scheme, Secret, Verified, amazon_sns_signing_certificate_url,
};
use counterpart_stand_in::{DeliveryEnd, StandIn, StandInClock};
use jiff::Timestamp;

const PROFILE: &str = "
counterpart: provider/1
provider: rooms
operations:
  event: POST /events
  transaction: PUT /_matrix/app/v1/transactions/{txn}
webhooks:
  scheme: SCHEME
  id: {body: id}
  event_type: {body: type}
  tenant: {body: account}
  older_version: {without: [made_at], with: {when: then}}
";

/// A profile whose webhooks are signed by a scheme, with further lines under `webhooks`.
pub(crate) fn signed_by(scheme: &str, more: &str) -> String {
    format!("{}{more}", PROFILE.replace("SCHEME", scheme))
}

/// A recorded webhook.
pub(crate) fn inbound(id: &str, body: &str) -> Exchange {
    let mut exchange = recorded(id, "POST", "/events", 200, "{}");
    exchange.direction = Direction::Inbound;
    exchange.request.headers = Headers::default();
    exchange.request.headers.append("content-type", HeaderValue::Text("application/json".to_owned()));
    exchange.request.body = json(body);
    exchange
}

pub(crate) const EVENT: &str =
    r#"{"id":"evt_10000001","type":"room.renamed","account":"acct_1","made_at":1,"data":{"name":"one"}}"#;

pub(crate) fn playing(profile: &str, webhooks: Vec<Exchange>) -> Played {
    let mut played = Played::of(profile_of(profile), vec![fixture("flow", webhooks)]);
    played.config.clock = StandInClock::starting_at(Timestamp::from_second(1_700_000_000).unwrap());
    played
}

/// Verifies what came, as its receiver must.
pub(crate) fn verify(stand_in: &StandIn, receiver: &Receiver, came: &Came) -> Result<Verified, Rejection> {
    let keys = stand_in.webhook_keys().pop().unwrap();
    let scheme: Scheme = keys.scheme.parse().unwrap();
    let origin = receiver.url().replace("/hooks", "");
    let url = format!("{origin}{}", came.target);
    let delivery = Delivery { method: &came.method, url: &url, headers: &came.headers, body: &came.body };
    scheme.verify(&[Secret::new(keys.secret)], &delivery, stand_in.clock().now(), scheme.tolerance())
}

fn body_of(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Adyen => {
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"8515131751004933","eventCode":"AUTHORISATION","success":"true","additionalData":{"hmacSignature":"recorded"}}}]}"#
        }
        Scheme::AmazonSns => {
            r#"{"Type":"Notification","MessageId":"22b80b92","TopicArn":"arn:aws:sns:us-west-2:1:t","Message":"m","Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1","Signature":"recorded","SigningCertURL":"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3.pem"}"#
        }
        _ => EVENT,
    }
}

#[tokio::test]
async fn every_scheme_is_delivered_so_that_its_receiver_accepts_it() {
    for scheme in Scheme::ALL {
        let more = match scheme {
            Scheme::StandardWebhooks => "  headers: {webhook-id: '{id}'}\n",
            Scheme::MatrixApplicationService => "  calls: path_behind\n",
            _ => "",
        };
        let mut exchange = inbound("event-1", body_of(scheme));
        if scheme == Scheme::MatrixApplicationService {
            exchange.request.method = "PUT".to_owned();
            exchange.request.target = "/_matrix/app/v1/transactions/35".to_owned();
        }
        let stand_in = playing(&signed_by(scheme.name(), more), vec![exchange]).start().await;
        let receiver = Receiver::start().await;
        let report = stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
        assert_eq!(report.first_attempts, [DeliveryEnd::Accepted { status: 200 }], "{scheme}");
        let came = receiver.came();
        let verified = verify(&stand_in, &receiver, &came[0]).unwrap_or_else(|why| panic!("{scheme}: {why}"));
        if scheme == Scheme::MatrixApplicationService {
            assert_eq!(verified.id.as_deref(), Some("35"));
            assert_eq!(
                (came[0].method.as_str(), came[0].target.as_str()),
                ("PUT", "/hooks/_matrix/app/v1/transactions/35")
            );
        }
        let mut altered = came[0].clone();
        if !matches!(scheme, Scheme::MatrixApplicationService) {
            altered.body = altered
                .text()
                .replace("evt_1", "evt_2")
                .replace("8515", "8516")
                .replace("22b8", "22b9")
                .into();
            assert!(
                verify(&stand_in, &receiver, &altered).is_err(),
                "{scheme}: the bytes are what is signed"
            );
        }
        let noted = stand_in.delivered();
        assert_eq!((noted[0].attempt, noted[0].signature), (1, "right"));
        let secret = stand_in.webhook_keys()[0].secret.clone();
        assert!(!format!("{noted:?}").contains(&secret), "{scheme}: the journal shows the secret");
    }
}

/// Lets the time pass that the stand-in waits for next, and says how many seconds that was.
pub(crate) async fn next_wait_s(stand_in: &StandIn) -> i64 {
    until("a timer", || stand_in.clock().next_timer().is_some()).await;
    let (before, next) = (stand_in.clock().now(), stand_in.clock().next_timer().unwrap());
    let deliveries = stand_in.traffic().deliveries;
    stand_in.clock().advance_to(next);
    until("the attempt", || {
        let traffic = stand_in.traffic();
        traffic.deliveries > deliveries && traffic.deliveries_under_way == 0
    })
    .await;
    next.duration_since(before).as_secs()
}

#[tokio::test]
async fn what_is_not_accepted_comes_again_as_the_vendor_repeats_and_is_signed_anew() {
    let more = "  retry_headers: {x-slack-retry-num: '{retry}'}\n";
    let stand_in = playing(&signed_by("slack", more), vec![inbound("event-1", EVENT)]).start().await;
    let receiver = Receiver::start().await.statuses([500, 503, 404, 200]);
    let report = stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert_eq!(report.first_attempts, [DeliveryEnd::Refused { status: 500 }]);
    until("the second attempt, which comes at once", || {
        stand_in.traffic().deliveries == 2 && stand_in.traffic().deliveries_under_way == 0
    })
    .await;
    assert_eq!([next_wait_s(&stand_in).await, next_wait_s(&stand_in).await], [60, 300]);
    assert_eq!(stand_in.clock().next_timer(), None, "accepted at last");
    let came = receiver.came();
    let retries: Vec<_> = came.iter().map(|one| one.header("x-slack-retry-num")).collect();
    assert_eq!(retries, [None, Some("1"), Some("2"), Some("3")]);
    assert!(verify(&stand_in, &receiver, &came[3]).is_ok(), "signed when it is sent");
    assert!(matches!(verify(&stand_in, &receiver, &came[0]), Err(Rejection::TooOld { .. })));
    let ends: Vec<_> = stand_in.delivered().iter().map(|one| one.end.status()).collect();
    assert_eq!(ends, [Some(500), Some(503), Some(404), Some(200)]);
}

#[tokio::test]
async fn a_vendor_gives_up() {
    let more = "  retry: {waits_s: [5], final_statuses: [410]}\n";
    let stand_in = playing(&signed_by("github", more), vec![inbound("event-1", EVENT)]).start().await;
    let receiver = Receiver::start().await.statuses([500, 500, 410]);
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert_eq!(next_wait_s(&stand_in).await, 5);
    assert_eq!(stand_in.clock().next_timer(), None);
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert_eq!(stand_in.clock().next_timer(), None, "410 is final");
    assert_eq!(receiver.came().len(), 3);
}

#[tokio::test]
async fn silence_is_no_answer() {
    let more = "  retry: {waits_s: [], timeout_s: 1}\n";
    let mut played = playing(&signed_by("github", more), vec![inbound("event-1", EVENT)]);
    played.config.clock = StandInClock::Real;
    let stand_in = played.start().await;
    let receiver = Receiver::start().await.saying([Says::Nothing]);
    let report = stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert_eq!(report.first_attempts, [DeliveryEnd::TimedOut]);
    let nobody = stand_in.deliver("rooms", "event-1", "http://127.0.0.1:1/hooks").await.unwrap();
    assert!(matches!(&nobody.first_attempts[..], [DeliveryEnd::Failed(_)]), "{nobody:?}");
}

#[tokio::test]
async fn what_cannot_be_delivered_is_said() {
    let stand_in = playing(&signed_by("github", ""), vec![inbound("event-1", EVENT)]).start().await;
    assert_eq!(stand_in.providers()[0].webhooks(), ["rooms/flow#event-1"]);
    let error = |error: Result<_, counterpart_stand_in::DeliveryError>| match error {
        Err(error) => error.to_string(),
        Ok(report) => panic!("{report:?}"),
    };
    let to = "http://127.0.0.1:1/";
    let unknown = error(stand_in.deliver("rooms", "evnt-1", to).await);
    assert!(unknown.contains("did you mean `event-1`?"), "{unknown}");
    assert!(error(stand_in.deliver("room", "event-1", to).await).contains("did you mean `rooms`?"));
    for url in ["https://a.example/", "ftp://a", "nonsense", ""] {
        assert!(error(stand_in.deliver("rooms", "event-1", url).await).contains("http://"), "{url}");
    }
    let silent = crate::provider::playing(vec![]).start().await;
    assert!(error(silent.deliver("rooms", "event-1", to).await).contains("says nothing of `webhooks`"));
}

#[tokio::test]
async fn a_scheme_that_nobody_knows_is_refused_before_anything_is_played() {
    let played = playing(&signed_by("strip", ""), vec![]);
    let error = played.try_start().await.err().unwrap().to_string();
    assert!(error.contains("did you mean `stripe`?"), "{error}");
}

#[tokio::test]
async fn a_webhook_answers_no_request() {
    let stand_in = playing(&signed_by("github", ""), vec![inbound("event-1", EVENT)]).start().await;
    let answered = ask(&stand_in, &Ask::new("POST", "/events").json(EVENT)).await;
    assert_eq!(answered.status(), 501);
}

#[tokio::test]
async fn a_subscription_to_a_topic_is_confirmed_by_a_visit_and_its_certificate_is_served() {
    let confirmation = r#"{"Type":"SubscriptionConfirmation","MessageId":"165545c9","Token":"2336412f37","TopicArn":"arn:aws:sns:us-west-2:1:t","Message":"confirm","SubscribeURL":"https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription","Timestamp":"2012-04-26T20:45:04.751Z","SignatureVersion":"2","Signature":"recorded","SigningCertURL":"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3.pem"}"#;
    let stand_in =
        playing(&signed_by("amazon_sns", ""), vec![inbound("event-1", confirmation)]).start().await;
    let receiver = Receiver::start().await;
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    let came = receiver.came().pop().unwrap();
    let url = receiver.url();
    let delivery = Delivery { method: "POST", url: &url, headers: &came.headers, body: &came.body };
    let certificate_url = amazon_sns_signing_certificate_url(&delivery).unwrap();
    let path = certificate_url.strip_prefix("https://sns.us-west-2.amazonaws.com").unwrap();
    let certificate = ask(&stand_in, &Ask::get(path)).await;
    let verified = Scheme::AmazonSns.verify(
        &[Secret::new(certificate.text())],
        &delivery,
        stand_in.clock().now(),
        Scheme::AmazonSns.tolerance(),
    );
    assert_eq!(verified.unwrap().id.as_deref(), Some("165545c9"));
    let body: serde_json::Value = serde_json::from_slice(&came.body).unwrap();
    let visit = body["SubscribeURL"].as_str().unwrap().strip_prefix(stand_in.base_url()).unwrap().to_owned();
    assert!(stand_in.providers()[0].confirmed_subscriptions().is_empty());
    assert_eq!(ask(&stand_in, &Ask::get(&visit.replace("2336412f37", "other"))).await.status(), 400);
    let confirmed = ask(&stand_in, &Ask::get(&visit)).await;
    assert!(confirmed.status() == 200 && confirmed.text().contains("<SubscriptionArn>"));
    assert_eq!(stand_in.providers()[0].confirmed_subscriptions(), ["2336412f37"]);
}

#[tokio::test]
async fn a_new_url_is_verified_before_its_subscription_holds() {
    let profile = signed_by("slack", "").replace("operations:\n", "operations:\n  subscribe: POST /hooks\n")
        + "resources: {hooks: {id: id, create: subscribe}}\n\
           webhook_subscriptions: {resource: hooks, url: url, handshake: {body: {challenge: challenge}}}\n";
    let subscribe =
        |receiver: &Receiver| Ask::new("POST", "/hooks").json(&format!(r#"{{"url":"{}"}}"#, receiver.url()));
    let recorded = crate::provider::sending(
        recorded("subscribe-1", "POST", "/hooks", 201, r#"{"id":"hook_1","url":"https://a.example/"}"#),
        r#"{"url":"https://a.example/"}"#,
    );
    let stand_in = playing(&profile, vec![recorded, got("list-1", "/", "{}")]).start().await;
    let (good, bad) = (Receiver::start().await.saying([Says::Echo("challenge")]), Receiver::start().await);
    assert_eq!(ask(&stand_in, &subscribe(&good)).await.status(), 201);
    assert!(ask(&stand_in, &subscribe(&bad)).await.status() >= 400, "it did not repeat the challenge");
    let urls: Vec<String> = stand_in.providers()[0].subscriptions().into_iter().map(|one| one.url).collect();
    assert_eq!(urls, [good.url()]);
}

#[tokio::test]
async fn what_falls_due_while_deliveries_are_paused_is_under_way_and_not_sent() {
    let more = "  retry: {waits_s: [30]}\n";
    let stand_in = playing(&signed_by("slack", more), vec![inbound("event-1", EVENT)]).start().await;
    let receiver = Receiver::start().await.statuses([500]);
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    let paused = stand_in.pause_deliveries();
    stand_in.clock().advance_to(stand_in.clock().next_timer().unwrap());
    assert_eq!(stand_in.traffic().deliveries_under_way, 1, "at the very instant at which it is due");
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!((receiver.came().len(), stand_in.traffic().deliveries_under_way), (1, 1));
    drop(paused);
    until("the second attempt", || stand_in.traffic().deliveries_under_way == 0).await;
    assert_eq!(receiver.came().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_was_ended_is_called_over_new_connections() {
    let stand_in = playing(&signed_by("slack", ""), vec![inbound("event-1", EVENT)]).start().await;
    let receiver = Receiver::start().await;
    for (ends, connections) in [(false, 1), (false, 1), (true, 2), (false, 2)] {
        if ends {
            stand_in.leave_receivers();
        }
        stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
        assert_eq!(receiver.connections(), connections);
    }
}

#[tokio::test]
async fn a_secret_comes_from_a_placeholder_or_is_given() {
    let placeholder = "webhook_secret:1".to_owned();
    let profile = signed_by("github", &format!("  secret: {{placeholder: '{placeholder}'}}\n"));
    let mut played = playing(&profile, vec![inbound("event-1", EVENT)]);
    let without = playing(&profile, vec![inbound("event-1", EVENT)]).try_start().await;
    let error = without.err().unwrap().to_string();
    assert!(error.contains("no exchange that is played has «webhook_secret:1»"), "{error}");
    let exchange = &mut played.config.providers[0].fixtures[0].exchanges[0];
    exchange.request.headers.append("x-token", HeaderValue::Text("«webhook_secret:1»".to_owned()));
    let stand_in = played.start().await;
    let values: Vec<String> = stand_in.stand_in_values().map(|(_, value)| value.to_owned()).collect();
    assert_eq!([stand_in.webhook_keys()[0].secret.clone()], values[..]);
    let receiver = Receiver::start().await;
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    stand_in.providers()[0].sign_webhooks_with("given".to_owned()).unwrap();
    stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    let came = receiver.came();
    assert!(
        verify(&stand_in, &receiver, &came[0]).is_err() && verify(&stand_in, &receiver, &came[1]).is_ok()
    );
    let adyen = playing(&signed_by("adyen", ""), vec![]).start().await;
    let unfit = adyen.providers()[0].sign_webhooks_with("not hexadecimal".to_owned()).unwrap_err();
    assert!(
        unfit.contains("does not fit the scheme `adyen`") && !unfit.contains("not hexadecimal"),
        "{unfit}"
    );
}

#[tokio::test]
async fn a_body_that_no_fixture_holds_is_delivered_too() {
    let stand_in = playing(&signed_by("stripe", ""), vec![]).start().await;
    let receiver = Receiver::start().await;
    let webhook = counterpart_stand_in::GivenWebhook {
        name: "mine".to_owned(),
        method: "POST".parse().unwrap(),
        target: "/".to_owned(),
        headers: vec![("x-mine".to_owned(), "1".to_owned())],
        body: r#"{"id":"evt_9"}"#.into(),
    };
    let report = stand_in.deliver_given("rooms", webhook, &receiver.url()).await.unwrap();
    assert_eq!(report.first_attempts, [DeliveryEnd::Accepted { status: 200 }]);
    let came = receiver.came().pop().unwrap();
    assert_eq!((came.header("x-mine"), came.text()), (Some("1"), r#"{"id":"evt_9"}"#));
    verify(&stand_in, &receiver, &came).unwrap();
    let noted = &stand_in.delivered()[0];
    assert_eq!((&*noted.exchange, noted.id.as_deref()), ("mine", Some("evt_9")));
}

#[tokio::test]
async fn what_a_webhook_shows_is_no_part_of_the_api() {
    let profile = profile_of(
        "
counterpart: provider/1
provider: rooms
operations: {member: 'GET /member', event: 'POST /events'}
auth: {bearer: {}}
errors: {unknown_token: {status: 401}, server_error: {status: 503}}
",
    );
    let mut webhook = inbound("event-1", EVENT);
    webhook.request.headers.set("authorization", "Bearer «access_token:1»");
    webhook.response = recorded("event-1", "POST", "/events", 503, r#"{"mine":"busy"}"#).response;
    let mut refused = inbound("event-2", EVENT);
    refused.response = recorded("event-2", "POST", "/events", 401, r#"{"mine":"who?"}"#).response;
    let member = crate::provider::with_token(got("member-1", "/member", "[1]"), 2);
    let mut played = Played::of(profile.clone(), vec![fixture("flow", vec![webhook, refused, member])]);
    played.config.providers[0].forms =
        counterpart_stand_in::ErrorForms::from_evidence(&profile, &played.config.providers[0].fixtures);
    let stand_in = played.fault("server_error@member-1").start().await;

    // The integration's credential is the one that it called with, and the provider's opens nothing.
    let token = stand_in.credentials().access_token.clone().unwrap();
    assert!(token.starts_with("cp-2-"), "{token}");
    let failed = ask(&stand_in, &Ask::get("/member").bearer(&token)).await;
    assert!(failed.status() >= 500 && !failed.text().contains("mine"), "{failed:?}");
    let good = ask(&stand_in, &Ask::get("/member").bearer(&token)).await;
    assert_eq!((good.status(), good.text()), (200, "[1]"));
    let refused = ask(&stand_in, &Ask::get("/member").bearer("cp-1-of-a-webhook")).await;
    assert!(refused.status() == 401 && !refused.text().contains("mine"), "{refused:?}");
    // Nor is it answered with one, though the operation has its name.
    let unmatched = ask(&stand_in, &Ask::new("POST", "/events").bearer(&token).json(EVENT)).await;
    assert_eq!(unmatched.status(), 501, "{unmatched:?}");
}
