//! Faults of webhooks, as a receiver of bytes sees them.

use crate::receiver::{Receiver, Says};
use crate::webhooks::{EVENT, inbound, next_wait_s, playing, signed_by, verify};
use crate::wire::until;
use counterpart_signatures::{Rejection, Scheme};
use counterpart_stand_in::{DeliveryEnd, StandIn};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Barrier;

cases! {
    webhook_batch: several_events_come_in_one_webhook,
    webhook_batch: a_batch_spans_tenants,
    webhook_batch: a_batch_within_a_field_keeps_what_stands_beside_it,
    webhook_bad_signature: a_signature_of_another_secret_and_then_the_right_one,
    webhook_bad_signature: a_signature_of_another_body,
    webhook_bad_signature: a_signature_that_is_not_there,
    webhook_bad_signature: a_fault_that_no_receiver_could_notice_is_none,
    webhook_burst: ten_thousand_come_each_under_its_own_id,
    webhook_concurrent_duplicates: copies_are_under_way_at_the_same_moment,
    webhook_delayed: it_comes_late_and_is_signed_when_it_comes,
    webhook_duplicate: it_comes_again_although_it_was_accepted,
    webhook_duplicate: it_comes_again_after_a_while,
    webhook_lost: it_never_comes,
    webhook_older_version: the_payload_is_of_an_older_version,
    webhook_out_of_order: a_later_one_overtakes_it,
    webhook_out_of_order: it_is_not_held_back_for_ever,
    webhook_oversize: the_body_is_far_too_large_and_then_it_is_not,
    webhook_replayed: the_same_bytes_come_again_later,
    webhook_stale_timestamp: it_was_signed_long_ago,
    webhook_stale_timestamp: a_scheme_that_signs_no_time_cannot_be_stale,
    webhook_unknown_type: one_of_an_unknown_type_comes_before,
    webhook_wrong_tenant: one_of_another_account_comes_before,
}

/// Two recorded webhooks, signed as Slack's, the first of which a fault strikes.
async fn struck(fault: &str) -> (StandIn, Receiver) {
    struck_with(&signed_by("slack", ""), fault).await
}

async fn struck_with(profile: &str, fault: &str) -> (StandIn, Receiver) {
    let second = EVENT.replace("evt_10000001", "evt_20000002").replace("one", "two");
    let webhooks = vec![inbound("event-1", EVENT), inbound("event-2", &second)];
    let played = playing(profile, webhooks).fault(&format!("{fault}@webhook:event-1"));
    (played.start().await, Receiver::start().await)
}

async fn deliver(stand_in: &StandIn, receiver: &Receiver) -> Vec<Option<u16>> {
    let report = stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert!(report.fault.is_some(), "the fault strikes");
    report.first_attempts.iter().map(DeliveryEnd::status).collect()
}

fn bodies(receiver: &Receiver) -> Vec<Value> {
    receiver.came().iter().map(|came| serde_json::from_slice(&came.body).unwrap()).collect()
}

fn ids(receiver: &Receiver) -> Vec<Value> {
    bodies(receiver).iter().map(|body| body["id"].clone()).collect()
}

/// Waits until nothing is under way.
async fn rest(stand_in: &StandIn, deliveries: u64) {
    until("the deliveries", || {
        let traffic = stand_in.traffic();
        traffic.deliveries >= deliveries && traffic.deliveries_under_way == 0
    })
    .await;
}

async fn it_comes_again_although_it_was_accepted(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"times":2}}"#)).await;
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(200); 3]);
    assert_eq!(ids(&receiver), ["evt_10000001"; 3]);
    for came in receiver.came() {
        verify(&stand_in, &receiver, &came).unwrap();
    }
    assert!(stand_in.unused_faults().is_empty());
    let report = stand_in.deliver("rooms", "event-1", &receiver.url()).await.unwrap();
    assert_eq!((report.fault, report.first_attempts.len()), (None, 1), "once, and then no more");
}

async fn it_comes_again_after_a_while(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"after_s":90}}"#)).await;
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(200)]);
    assert_eq!(next_wait_s(&stand_in).await, 90);
    assert_eq!(ids(&receiver), ["evt_10000001"; 2]);
    verify(&stand_in, &receiver, &receiver.came()[1]).unwrap();
}

async fn copies_are_under_way_at_the_same_moment(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"copies":3}}"#)).await;
    // None is answered before all have come: one after the other they would wait for ever.
    let barrier = Arc::new(Barrier::new(3));
    let receiver = receiver.saying((0..3).map(|_| Says::OnceAllCame(Arc::clone(&barrier))));
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(200); 3]);
    assert_eq!(ids(&receiver), ["evt_10000001"; 3]);
}

async fn a_later_one_overtakes_it(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    assert!(deliver(&stand_in, &receiver).await.is_empty());
    assert!(receiver.came().is_empty());
    stand_in.deliver("rooms", "event-2", &receiver.url()).await.unwrap();
    rest(&stand_in, 2).await;
    assert_eq!(ids(&receiver), ["evt_20000002", "evt_10000001"]);
    assert_eq!(stand_in.clock().next_timer(), None, "nothing waits any more");
}

async fn it_is_not_held_back_for_ever(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"at_most_s":120}}"#)).await;
    assert!(deliver(&stand_in, &receiver).await.is_empty());
    assert_eq!(next_wait_s(&stand_in).await, 120);
    assert_eq!(ids(&receiver), ["evt_10000001"]);
}

async fn it_comes_late_and_is_signed_when_it_comes(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"by_s":7200}}"#)).await;
    assert!(deliver(&stand_in, &receiver).await.is_empty());
    assert!(receiver.came().is_empty());
    assert_eq!(next_wait_s(&stand_in).await, 7_200);
    verify(&stand_in, &receiver, &receiver.came()[0]).unwrap();
}

async fn it_never_comes(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    assert!(deliver(&stand_in, &receiver).await.is_empty());
    assert_eq!((receiver.came().len(), stand_in.clock().next_timer()), (0, None));
    assert_eq!(stand_in.delivered()[0].end, DeliveryEnd::Lost);
}

async fn a_signature_of_another_secret_and_then_the_right_one(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    let receiver = receiver.statuses([401]);
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(401)]);
    rest(&stand_in, 2).await;
    let came = receiver.came();
    let refused = verify(&stand_in, &receiver, &came[0]);
    assert_eq!(refused, Err(Rejection::NoSignatureFits { secrets: 1 }));
    verify(&stand_in, &receiver, &came[1]).unwrap();
    assert_eq!(came[0].body, came[1].body);
}

async fn a_signature_of_another_body(fault: &str) {
    for scheme in Scheme::ALL.map(Scheme::name).into_iter().filter(|name| {
        !matches!(*name, "adyen" | "amazon_sns" | "matrix_application_service" | "standard_webhooks")
    }) {
        let (stand_in, receiver) =
            struck_with(&signed_by(scheme, ""), &format!(r#"{fault}{{"how":"other_body"}}"#)).await;
        deliver(&stand_in, &receiver).await;
        let came = &receiver.came()[0];
        assert!(verify(&stand_in, &receiver, came).is_err(), "{scheme}");
        assert_eq!((came.body.len(), came.text() == EVENT), (EVENT.len(), false), "{scheme}");
    }
}

async fn a_signature_that_is_not_there(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"how":"missing"}}"#)).await;
    deliver(&stand_in, &receiver).await;
    let refused = verify(&stand_in, &receiver, &receiver.came()[0]);
    assert!(matches!(refused, Err(Rejection::MissingHeader { .. })), "{refused:?}");
}

async fn a_fault_that_no_receiver_could_notice_is_none(fault: &str) {
    let profile = signed_by("matrix_application_service", "");
    let (stand_in, receiver) = struck_with(&profile, &format!(r#"{fault}{{"how":"other_body"}}"#)).await;
    deliver(&stand_in, &receiver).await;
    let DeliveryEnd::Inapplicable(why) = &stand_in.delivered()[0].end else {
        panic!("no bearer token covers a body")
    };
    assert!(why.contains("does not notice it"), "{why}");
    assert_eq!(receiver.came()[0].text(), EVENT, "it goes out as it is");
}

async fn it_was_signed_long_ago(fault: &str) {
    for scheme in ["slack", "stripe", "hubspot", "paddle", "standard_webhooks"] {
        let more = if scheme == "standard_webhooks" { "  headers: {webhook-id: '{id}'}\n" } else { "" };
        let (stand_in, receiver) = struck_with(&signed_by(scheme, more), fault).await;
        deliver(&stand_in, &receiver).await;
        let refused = verify(&stand_in, &receiver, &receiver.came()[0]);
        assert!(matches!(refused, Err(Rejection::TooOld { .. })), "{scheme}: {refused:?}");
    }
}

async fn a_scheme_that_signs_no_time_cannot_be_stale(fault: &str) {
    let (stand_in, receiver) = struck_with(&signed_by("github", ""), fault).await;
    deliver(&stand_in, &receiver).await;
    let DeliveryEnd::Inapplicable(why) = &stand_in.delivered()[0].end else { panic!("GitHub signs no time") };
    assert!(why.contains("does not sign when"), "{why}");
}

async fn the_same_bytes_come_again_later(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    let receiver = receiver.statuses([200, 400]);
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(200)]);
    assert_eq!(next_wait_s(&stand_in).await, 3_600);
    let came = receiver.came();
    let signature = |index: usize| came[index].header("x-slack-signature").unwrap().to_owned();
    assert_eq!((&came[0].body, signature(0)), (&came[1].body, signature(1)));
    assert!(matches!(verify(&stand_in, &receiver, &came[1]), Err(Rejection::TooOld { .. })));
    assert_eq!(stand_in.clock().next_timer(), None, "whoever replays does not try again");
}

async fn one_of_another_account_comes_before(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"tenant":"acct_2"}}"#)).await;
    let receiver = receiver.statuses([403]);
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(403), Some(200)]);
    let accounts: Vec<Value> = bodies(&receiver).iter().map(|body| body["account"].clone()).collect();
    assert_eq!(accounts, ["acct_2", "acct_1"]);
    assert_ne!(ids(&receiver)[0], ids(&receiver)[1]);
    verify(&stand_in, &receiver, &receiver.came()[0]).unwrap();
    assert_eq!(stand_in.clock().next_timer(), None, "it does not come again");
}

async fn one_of_an_unknown_type_comes_before(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(200); 2]);
    let types: Vec<Value> = bodies(&receiver).iter().map(|body| body["type"].clone()).collect();
    assert_eq!(types, ["counterpart.unheard_of", "room.renamed"]);
    verify(&stand_in, &receiver, &receiver.came()[0]).unwrap();
}

async fn the_payload_is_of_an_older_version(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    deliver(&stand_in, &receiver).await;
    let body = &bodies(&receiver)[0];
    assert_eq!(
        (body.get("made_at"), &body["when"], &body["data"]["name"]),
        (None, &"then".into(), &"one".into())
    );
    verify(&stand_in, &receiver, &receiver.came()[0]).unwrap();
}

async fn the_body_is_far_too_large_and_then_it_is_not(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"size_mb":3}}"#)).await;
    let receiver = receiver.statuses([413]);
    assert_eq!(deliver(&stand_in, &receiver).await, [Some(413)]);
    rest(&stand_in, 2).await;
    let came = receiver.came();
    let sizes: Vec<usize> = came.iter().map(|one| one.body.len()).collect();
    assert_eq!(sizes, [EVENT.len() + 3_000_000, EVENT.len()]);
    verify(&stand_in, &receiver, &came[0]).unwrap();
    assert_eq!(bodies(&receiver)[0], bodies(&receiver)[1], "the same JSON");
    assert!(stand_in.delivered()[0].body.len() < 100_000, "the journal keeps the beginning");
}

async fn ten_thousand_come_each_under_its_own_id(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    assert_eq!(deliver(&stand_in, &receiver).await.len(), 10_001);
    let distinct: BTreeSet<String> = ids(&receiver).iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), 10_001);
    verify(&stand_in, &receiver, receiver.came().last().unwrap()).unwrap();
    assert_eq!(stand_in.traffic().deliveries_under_way, 0);
}

async fn several_events_come_in_one_webhook(fault: &str) {
    let (stand_in, receiver) = struck(fault).await;
    deliver(&stand_in, &receiver).await;
    let events = bodies(&receiver)[0].as_array().unwrap().clone();
    let distinct: BTreeSet<String> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!((events.len(), distinct.len()), (3, 3));
    verify(&stand_in, &receiver, &receiver.came()[0]).unwrap();
}

async fn a_batch_spans_tenants(fault: &str) {
    let (stand_in, receiver) = struck(&format!(r#"{fault}{{"events":2,"other_tenant":"acct_2"}}"#)).await;
    deliver(&stand_in, &receiver).await;
    let events = bodies(&receiver)[0].as_array().unwrap().clone();
    let accounts: Vec<&Value> = events.iter().map(|event| &event["account"]).collect();
    assert_eq!(accounts, ["acct_1", "acct_1", "acct_2"]);
}

async fn a_batch_within_a_field_keeps_what_stands_beside_it(fault: &str) {
    let profile = signed_by("matrix_application_service", "  events: {field: events}\n")
        .replace("id: {body: id}", "id: path_end");
    let body = r#"{"ephemeral":[],"events":[{"id":1},{"id":2}]}"#;
    let played = playing(&profile, vec![inbound("event-1", body)]);
    let stand_in = played.fault(&format!(r#"{fault}{{"events":2}}@webhook:event-1"#)).start().await;
    let receiver = Receiver::start().await;
    deliver(&stand_in, &receiver).await;
    assert_eq!(
        receiver.came()[0].text(),
        r#"{"ephemeral":[],"events":[{"id":1},{"id":2},{"id":1},{"id":2}]}"#
    );
}

#[tokio::test]
async fn a_parameter_beyond_its_bounds_is_told_and_the_webhook_goes_out_as_it_is() {
    for (spec, expected) in [
        (r#"webhook_duplicate{"times":0}"#, "times is 0; expected 1 to 1000"),
        (r#"webhook_concurrent_duplicates{"copies":65}"#, "copies is 65; expected 2 to 64"),
        (r#"webhook_burst{"count":100001}"#, "count is 100001; expected 1 to 100000"),
        (r#"webhook_oversize{"size_mb":257}"#, "size_mb is 257; expected 1 to 256"),
        (r#"webhook_batch{"events":1}"#, "events is 1; expected 2 to 1000"),
        (r#"webhook_delayed{"by_s":0}"#, "by_s is 0; expected 1 to"),
        (r#"webhook_replayed{"after_s":0}"#, "after_s is 0; expected 1 to"),
        (r#"webhook_stale_timestamp{"by_s":0}"#, "by_s is 0; expected 1 to"),
        (r#"webhook_out_of_order{"overtaken_by":0}"#, "overtaken_by is 0; expected 1 to"),
    ] {
        let (stand_in, receiver) = struck(spec).await;
        assert_eq!(deliver(&stand_in, &receiver).await, [Some(200)], "{spec}");
        let DeliveryEnd::Inapplicable(why) = &stand_in.delivered()[0].end else { panic!("{spec}") };
        assert!(why.contains(expected), "{spec}: {why}");
        assert_eq!(receiver.came()[0].text(), EVENT, "{spec}");
        assert_eq!(stand_in.unused_faults().len(), 1, "{spec}");
    }
}

#[test]
fn a_place_that_does_not_fit_is_refused() {
    use counterpart_stand_in::PlannedFault;
    let profile = crate::provider::profile_of(&signed_by("slack", ""));
    let fixtures = [crate::provider::fixture("flow", vec![inbound("event-1", EVENT)])];
    let problem = |spec: &str| spec.parse::<PlannedFault>().unwrap().check(&profile, &fixtures).err();
    assert_eq!(problem("webhook_lost@webhook:event-1"), None);
    assert_eq!(problem("webhook_lost@webhook:event"), None);
    let wrong = [
        (
            "webhook_lost@webhook:event-2",
            "no webhook of the fixtures is called `event-2`; did you mean `event-1`?",
        ),
        (
            "webhook_lost@webhook:evnt",
            "no kind of webhook in the fixtures is called `evnt`; did you mean `event`?",
        ),
        ("webhook_lost@event-1", "`event-1` is a webhook, which the provider sends"),
        ("webhook_lost@event", "webhook_lost strikes what the provider sends"),
        ("webhook_lost@connection:1", "webhook_lost needs a request"),
        ("timeout@webhook:event-1", "timeout strikes requests to the provider"),
    ];
    for (spec, expected) in wrong {
        let found = problem(spec).unwrap();
        assert!(found.contains(expected), "{spec}: {found}");
    }
    let silent = crate::provider::profile();
    let found = "webhook_lost@webhook:event-1".parse::<PlannedFault>().unwrap().check(&silent, &fixtures);
    assert!(found.unwrap_err().contains("says nothing of `webhooks`"));
}
