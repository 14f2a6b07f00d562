//! Webhooks as their senders see them: what is answered, and what is there afterwards.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::{Subject, start, start_with};
use counterpart_reference_runtime::Plant;
use counterpart_signatures::{Delivery, Scheme, Secret};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

/// The runtime, with `acme/chat` taking Slack's webhooks of the workspace T1.
async fn taking(plants: &[Plant]) -> Subject {
    let subject = if plants.is_empty() { start().await } else { start_with(plants).await };
    connect(&subject, "slack").await;
    subject
}

async fn connect(subject: &Subject, scheme: &str) {
    let body = json!({ "provider": "slack", "base_url": "http://127.0.0.1:9", "access_token": "a",
        "webhook": { "scheme": scheme, "secret": SECRET, "account": "T1" } });
    let (status, answer) = subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    assert!(status == 201 || status == 200, "{answer}");
}

fn posted(id: &str, text: &str) -> Value {
    json!({ "team_id": "T1", "event_id": id, "type": "event_callback", "authorizations": [], "event": {
        "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": "100.000001",
        "event_ts": "100.000001" } })
}

fn edited(id: &str, text: &str) -> Value {
    json!({ "team_id": "T1", "event_id": id, "type": "event_callback", "authorizations": [], "event": {
        "type": "message", "subtype": "message_changed", "channel": "C1", "ts": "200.000000",
        "event_ts": "200.000000", "message": { "user": "U1", "text": text, "ts": "100.000001" } } })
}

/// Sends bytes that were signed with a secret, so long ago.
async fn send_signed(subject: &Subject, body: &[u8], secret: &str, ago: SignedDuration) -> (u16, Value) {
    let url = format!("{}/hooks/acme/chat", subject.url());
    let at: Timestamp = subject.now().await - ago;
    let unsigned = Delivery { method: "POST", url: &url, headers: &[], body };
    let signed = Scheme::Slack.sign(&Secret::new(secret), &unsigned, at).unwrap();
    let answer = post(&url, signed.headers, body).await;
    subject.quiet(0).await;
    answer
}

async fn post(url: &str, headers: Vec<(String, String)>, body: &[u8]) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(url).body(body.to_vec());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn send(subject: &Subject, body: &Value) -> (u16, Value) {
    send_signed(subject, body.to_string().as_bytes(), SECRET, SignedDuration::ZERO).await
}

/// What the audit trail says of the latest delivery.
async fn outcome(subject: &Subject) -> Value {
    let audit = subject.list("/audit", "entries").await;
    let deliveries = audit.iter().filter(|row| row["operation"] == "webhook");
    deliveries.map(|row| row["outcome"].clone()).next_back().unwrap()
}

#[tokio::test]
async fn a_webhook_is_written_before_it_is_acknowledged() {
    let subject = taking(&[]).await;
    let (status, counts) = send(&subject, &posted("Ev1", "hello")).await;
    assert_eq!((status, &counts["accepted"]), (200, &json!(1)));
    let subject = subject.restart().await;
    assert_eq!(subject.bodies().await, ["hello"]);
    let audit = subject.list("/audit", "entries").await;
    assert_eq!(
        (&audit[0]["operation"], &audit[0]["run"], &audit[0]["status"]),
        (&json!("webhook"), &Value::Null, &json!(200))
    );
    let (status, counts) = send(&subject, &posted("Ev1", "hello")).await;
    assert_eq!((status, &counts["duplicates"]), (200, &json!(1)), "remembered over a restart");
}

#[tokio::test]
async fn duplicates_at_the_same_moment_are_applied_once() {
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookNotDeduplicated]).await];
    for (subject, records) in [(&sound, 1), (&planted, 4)] {
        let event = posted("Ev1", "hello");
        let all = tokio::join!(
            send(subject, &event),
            send(subject, &event),
            send(subject, &event),
            send(subject, &event)
        );
        for (status, _) in [all.0, all.1, all.2, all.3] {
            assert_eq!(status, 200);
        }
        assert_eq!(subject.records().await.len(), records);
    }
}

#[tokio::test]
async fn the_same_id_with_another_body_is_told_and_the_first_counts() {
    let subject = taking(&[]).await;
    send(&subject, &posted("Ev1", "first")).await;
    assert_eq!(send(&subject, &posted("Ev1", "second")).await.0, 200);
    assert_eq!(subject.bodies().await, ["first"]);
    assert_eq!(subject.alerts().await, ["event_conflict"]);
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_is_refused() {
    let body = posted("Ev1", "forged").to_string();
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookUnverified]).await];
    let forged = send_signed(&sound, body.as_bytes(), "another secret", SignedDuration::ZERO).await;
    assert_eq!((forged.0, &forged.1["error"]["code"]), (401, &json!("unverified")));
    let url = format!("{}/hooks/acme/chat", sound.url());
    assert_eq!(post(&url, vec![], body.as_bytes()).await.0, 401, "no signature at all");
    assert_eq!((sound.records().await.len(), outcome(&sound).await), (0, json!("unverified")));
    let taken = send_signed(&planted, body.as_bytes(), "another secret", SignedDuration::ZERO).await;
    assert_eq!((taken.0, planted.records().await.len()), (200, 1));
}

#[tokio::test]
async fn what_was_signed_long_ago_is_refused_as_stale() {
    let body = posted("Ev1", "old").to_string();
    let six_minutes = SignedDuration::from_mins(6);
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookStaleAccepted]).await];
    for ago in [six_minutes, -six_minutes] {
        assert_eq!(send_signed(&sound, body.as_bytes(), SECRET, ago).await.0, 400);
        assert_eq!((sound.records().await.len(), outcome(&sound).await), (0, json!("stale")));
    }
    assert_eq!(send_signed(&planted, body.as_bytes(), SECRET, six_minutes).await.0, 200);
}

#[tokio::test]
async fn an_older_event_does_not_overwrite_a_newer_one() {
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookOlderWins]).await];
    for (subject, body) in [(&sound, "edited"), (&planted, "posted")] {
        send(subject, &edited("Ev2", "edited")).await;
        assert_eq!(send(subject, &posted("Ev1", "posted")).await.0, 200);
        assert_eq!(subject.bodies().await, [body]);
    }
}

#[tokio::test]
async fn an_edit_that_comes_first_is_kept() {
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::LostUpdate]).await];
    for (subject, body) in [(&sound, "edited"), (&planted, "posted")] {
        send(subject, &edited("Ev2", "edited")).await;
        send(subject, &posted("Ev1", "posted")).await;
        assert_eq!(subject.bodies().await, [body]);
    }
}

#[tokio::test]
async fn another_account_s_event_is_refused_alone_or_in_a_batch() {
    let mut other = posted("Ev9", "theirs");
    other["team_id"] = "T2".into();
    other["event"]["ts"] = "300.000000".into();
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookTenantUnchecked]).await];
    assert_eq!(send(&sound, &other).await.0, 403);
    let (status, counts) = send(&sound, &json!([posted("Ev1", "ours"), other])).await;
    assert_eq!((status, &counts["accepted"], &counts["refused"]), (200, &json!(1), &json!(1)));
    assert_eq!(sound.bodies().await, ["ours"]);
    assert_eq!(sound.alerts().await, ["wrong_tenant"; 2]);
    assert_eq!((send(&planted, &other).await.0, planted.bodies().await), (200, vec![json!("theirs")]));
}

#[tokio::test]
async fn what_is_not_understood_is_held_and_told() {
    let mut unknown = posted("Ev1", "");
    unknown["event"]["type"] = "unheard_of".into();
    let mut invalid = posted("Ev2", "");
    invalid["event"]["text"] = 7.into();
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookUnknownDropped]).await];
    for subject in [&sound, &planted] {
        assert_eq!(send(subject, &json!([unknown, invalid])).await.0, 200);
    }
    let holds = sound.list("/holds", "holds").await;
    assert_eq!((&holds[0]["reason"], &holds[0]["key"]), (&json!("unknown_event"), &json!("Ev1")));
    assert_eq!((&holds[0]["payload"], &holds[1]["reason"]), (&unknown, &json!("invalid_record")));
    assert_eq!(sound.alerts().await, ["unknown_event", "record_held"]);
    assert_eq!(planted.list("/holds", "holds").await.len(), 1);
}

#[tokio::test]
async fn an_older_payload_is_understood() {
    let mut older = posted("Ev1", "old form");
    older.as_object_mut().unwrap().shift_remove("authorizations");
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::WebhookOlderVersionDropped]).await];
    for (subject, records) in [(&sound, 1), (&planted, 0)] {
        assert_eq!(send(subject, &older).await.0, 200);
        assert_eq!(subject.records().await.len(), records);
    }
}

#[tokio::test]
async fn accepted_means_written() {
    let planted = taking(&[Plant::WebhookLostAfterAnswer]).await;
    assert_eq!((send(&planted, &posted("Ev1", "gone")).await.0, planted.records().await.len()), (200, 0));
}

#[tokio::test]
async fn bodies_are_bounded_and_must_be_json() {
    let subject = taking(&[]).await;
    let mut large = vec![b' '; 3_000_000];
    large.push(b'1');
    assert_eq!(send_signed(&subject, &large, SECRET, SignedDuration::ZERO).await.0, 413);
    assert_eq!(outcome(&subject).await, "too_large");
    for bad in ["{", "", "<xml/>", "[1"] {
        assert_eq!(send_signed(&subject, bad.as_bytes(), SECRET, SignedDuration::ZERO).await.0, 400, "{bad}");
    }
    assert_eq!(outcome(&subject).await, "invalid_body");
    let many = Value::Array(vec![json!(1); 1_001]);
    assert_eq!(send(&subject, &many).await.0, 400);
    assert_eq!(send(&subject, &json!([])).await.0, 200, "nothing to do is no fault");
}

#[tokio::test]
async fn nobody_learns_which_tenants_there_are() {
    let subject = taking(&[]).await;
    let body = json!({ "provider": "matrix", "base_url": "http://127.0.0.1:9", "access_token": "a" });
    subject.call("PUT", "/connections/acme/silent", Some(body)).await;
    let mut answers = Vec::new();
    for path in ["acme/none", "none/chat", "acme/silent", "ACME/chat", "acme/a%20b"] {
        answers.push(post(&format!("{}/hooks/{path}", subject.url()), vec![], b"{}").await);
    }
    assert_eq!(answers[0].0, 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_challenge_is_repeated_once_it_is_believed() {
    let subject = taking(&[]).await;
    let asked = json!({ "type": "url_verification", "challenge": "3eZbrw1aB" });
    assert_eq!(send(&subject, &asked).await, (200, json!("3eZbrw1aB")));
    let forged = send_signed(&subject, asked.to_string().as_bytes(), "other", SignedDuration::ZERO).await;
    assert_eq!(forged.0, 401);
}

#[tokio::test]
async fn a_scheme_that_is_not_known_is_refused_when_it_is_set() {
    let subject = start().await;
    let body = json!({ "provider": "slack", "base_url": "http://127.0.0.1:9", "access_token": "a",
        "webhook": { "scheme": "none", "secret": SECRET, "account": "T1" } });
    let (status, answer) = subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    assert_eq!(status, 422);
    assert!(!answer.to_string().contains(SECRET));
    // Put again without: it takes none any more.
    connect(&subject, "slack").await;
    let body = json!({ "provider": "slack", "base_url": "http://127.0.0.1:9", "access_token": "a" });
    subject.call("PUT", "/connections/acme/chat", Some(body)).await;
    assert_eq!(send(&subject, &posted("Ev1", "")).await.0, 404);
}

#[tokio::test]
async fn the_secret_is_neither_in_the_database_nor_in_the_log() {
    let [sound, planted] = [taking(&[]).await, taking(&[Plant::SecretLogged]).await];
    for subject in [&sound, &planted] {
        send(subject, &posted("Ev1", "hello")).await;
    }
    assert!(planted.get("/log").await.to_string().contains(SECRET));
    assert!(!sound.get("/log").await.to_string().contains(SECRET));
    let directory = sound.shutdown().await;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
}
