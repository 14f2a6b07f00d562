//! Endpoints that many tenants share: whose an event is, and what nobody else learns of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::support::hooks::{Answered, SECRET, Sender, sent};
use crate::support::{Subject, start};
use counterpart_signatures::Scheme;
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

const SLACK: Sender<'static> = Sender { path: "/hooks/team-app", scheme: Scheme::Slack, secret: SECRET };
const HUBSPOT: Sender<'static> = Sender { path: "/hooks/crm-app", scheme: Scheme::Hubspot, secret: SECRET };

/// Two apps. At the one, acme has the workspace T1 and bolt T2; at the other, acme the portal 11 and bolt 22.
async fn shared() -> Subject {
    let subject = start().await;
    for (app, provider) in [("team-app", "slack"), ("crm-app", "hubspot")] {
        let body = json!({ "provider": provider, "scheme": provider, "secret": SECRET });
        let answer = subject.call("PUT", &format!("/apps/{app}"), Some(body)).await;
        assert_eq!(answer, (200, json!({ "app": app })));
    }
    for (tenant, team, portal) in [("acme", "T1", "11"), ("bolt", "T2", "22")] {
        assert_eq!(connect(&subject, tenant, "slack", "team-app", team).await.0, 201);
        assert_eq!(connect(&subject, tenant, "hubspot", "crm-app", portal).await.0, 201);
    }
    subject
}

async fn connect(subject: &Subject, tenant: &str, provider: &str, app: &str, account: &str) -> (u16, Value) {
    let body = json!({ "provider": provider, "base_url": "http://127.0.0.1:9", "access_token": "a",
                       "webhook": { "app": app, "account": account } });
    subject.call("PUT", &format!("/connections/{tenant}/{provider}"), Some(body)).await
}

fn posted(team: &str, id: &str, text: &str) -> Value {
    json!({ "team_id": team, "event_id": id, "type": "event_callback", "authorizations": [], "event": {
        "type": "message", "channel": "C1", "user": "U1", "text": text, "ts": "100.000001",
        "event_ts": "100.000001" } })
}

fn changed(portal: u64, event: u64, value: &str) -> Value {
    json!({ "eventId": event, "subscriptionId": 51, "portalId": portal, "occurredAt": 1_564_113_600_000_i64,
            "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 123,
            "changeSource": "CRM", "propertyName": "firstname", "propertyValue": value })
}

async fn send(sender: Sender<'_>, subject: &Subject, body: &Value) -> Answered {
    sender.send(subject, "", body.to_string().as_bytes()).await
}

async fn bodies(subject: &Subject, tenant: &str) -> Vec<Value> {
    let records = subject.list_of(tenant, "/destination/messages", "records").await;
    records.into_iter().map(|record| record["body"].clone()).collect()
}

#[tokio::test]
async fn each_event_goes_to_the_tenant_whose_account_it_names() {
    let subject = shared().await;
    for (team, text) in [("T1", "for acme"), ("T2", "for bolt")] {
        // The same id in two workspaces is two events.
        let answer = send(SLACK, &subject, &posted(team, "Ev1", text)).await;
        assert_eq!((answer.status, &answer.body["accepted"]), (200, &json!(1)));
    }
    assert_eq!(
        (bodies(&subject, "acme").await, bodies(&subject, "bolt").await),
        (vec![json!("for acme")], vec![json!("for bolt")])
    );
    for (tenant, other) in [("acme", "bolt"), ("bolt", "acme")] {
        for (path, key) in
            [("/runs", "runs"), ("/audit", "entries"), ("/alerts", "alerts"), ("/holds", "holds")]
        {
            let rows = Value::Array(subject.list_of(tenant, path, key).await).to_string();
            assert!(!rows.contains(other), "{path}: {rows}");
        }
        let audit = subject.list_of(tenant, "/audit", "entries").await;
        let rows: Vec<_> = audit.iter().map(|row| (&row["operation"], &row["path"])).collect();
        assert_eq!(rows, [(&json!("webhook"), &json!("/hooks/team-app"))]);
    }
    let again = send(SLACK, &subject, &posted("T2", "Ev1", "for bolt")).await;
    assert_eq!(again.body, json!({ "accepted": 0, "duplicates": 1, "refused": 0 }));
}

#[tokio::test]
async fn a_batch_is_split_by_tenant_and_what_is_nobody_s_is_counted() {
    let subject = shared().await;
    let batch =
        json!([changed(11, 1, "Ann"), changed(33, 2, "Eve"), changed(22, 3, "Bob"), changed(11, 4, "Anna")]);
    let answer = send(HUBSPOT, &subject, &batch).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "accepted": 3, "duplicates": 0, "refused": 1 })));
    assert_eq!(
        (bodies(&subject, "acme").await, bodies(&subject, "bolt").await),
        (vec![json!("Anna")], vec![json!("Bob")])
    );
    let details = |rows: Vec<Value>| rows.into_iter().map(|row| row["detail"].clone()).collect::<Vec<_>>();
    let told = details(subject.list_of("acme", "/audit", "entries").await);
    assert_eq!(told, ["2 accepted, 0 duplicates, 0 refused"], "nothing of the others' numbers");
    // A repetition counts up, and is known all the same.
    let mut repeated = changed(22, 3, "Bob");
    repeated["attemptNumber"] = 1.into();
    assert_eq!(send(HUBSPOT, &subject, &json!([repeated])).await.body["duplicates"], 1);
    assert!(subject.list_of("bolt", "/alerts", "alerts").await.is_empty(), "it is no other event");
}

#[tokio::test]
async fn an_event_that_came_to_an_app_is_sent_on_for_its_tenant() {
    let (subject, provider) = (shared().await, MockServer::start().await);
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&provider).await;
    let body = json!({ "provider": "http", "base_url": provider.uri(), "access_token": "a",
                       "webhook": { "app": "crm-app", "account": "44", "forward": "/changes", "order_by": "/objectId" } });
    assert_eq!(subject.call("PUT", "/connections/cora/crm", Some(body)).await.0, 201);
    let batch = json!([changed(44, 1, "Ann"), changed(11, 2, "Bob"), changed(44, 3, "Anna")]);
    assert_eq!(send(HUBSPOT, &subject, &batch).await.body["accepted"], 3);
    let bodies_sent: Vec<String> = sent(&provider).await.into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies_sent, [changed(44, 1, "Ann").to_string(), changed(44, 3, "Anna").to_string()]);
    assert!(bodies(&subject, "cora").await.is_empty(), "it is sent on instead");
}

#[tokio::test]
async fn one_answer_for_whatever_takes_nothing() {
    let subject = shared().await;
    let alone = send(SLACK, &subject, &posted("T9", "Ev1", "whose?")).await;
    assert_eq!(alone.status, 404);
    let body = json!({ "provider": "slack", "base_url": "http://127.0.0.1:9", "access_token": "a" });
    subject.call("PUT", "/connections/acme/silent", Some(body)).await;
    for path in [
        "/hooks/nobody",
        "/hooks/acme/none",
        "/hooks/none/slack",
        "/hooks/acme/silent",
        "/hooks/acme/slack",
        "/hooks/TEAM",
    ] {
        let answer = send(Sender { path, ..SLACK }, &subject, &posted("T1", "Ev1", "hello")).await;
        assert_eq!(answer, alone, "{path}");
    }
    assert!(bodies(&subject, "acme").await.is_empty());
}

#[tokio::test]
async fn a_forgery_is_refused_and_the_secret_is_nowhere() {
    let subject = shared().await;
    let forger = Sender { secret: "another secret", ..SLACK };
    let event = posted("T1", "Ev1", "forged");
    assert_eq!(send(forger, &subject, &event).await.status, 401);
    assert_eq!(
        send(Sender { path: HUBSPOT.path, ..SLACK }, &subject, &event).await.status,
        401,
        "of another scheme"
    );
    send(SLACK, &subject, &posted("T1", "Ev1", "hello")).await;
    assert_eq!(bodies(&subject, "acme").await, ["hello"]);
    assert!(!subject.get("/log").await.to_string().contains(SECRET));
    let directory = subject.shutdown().await;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
}

#[tokio::test]
async fn an_app_is_replaced_at_once_and_kept_over_a_restart() {
    let subject = shared().await;
    let event = posted("T1", "Ev1", "hello");
    assert_eq!(send(SLACK, &subject, &event).await.status, 200);
    let body = json!({ "provider": "slack", "scheme": "slack", "secret": "bmV3", "url": "https://proxy.example/hook" });
    assert_eq!(subject.call("PUT", "/apps/team-app", Some(body)).await.0, 200);
    assert_eq!(send(SLACK, &subject, &event).await.status, 401);
    let subject = subject.restart().await;
    assert_eq!(send(Sender { secret: "bmV3", ..SLACK }, &subject, &event).await.body["duplicates"], 1);
}

#[tokio::test]
async fn an_account_belongs_to_one_connection_of_an_app() {
    let subject = shared().await;
    let (status, answer) = connect(&subject, "eve", "slack", "team-app", "T1").await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("conflict")));
    assert!(!answer.to_string().contains("acme"), "whose it is is not told");
    assert_eq!(subject.call("GET", "/connections/eve/slack", None).await.0, 404, "nothing was changed");
    assert_eq!(subject.lines(&["connection_stored"]).await.len(), 4, "nor is it told that it was");
    send(SLACK, &subject, &posted("T1", "Ev1", "hello")).await;
    assert_eq!((bodies(&subject, "acme").await.len(), bodies(&subject, "eve").await.len()), (1, 0));
    assert_eq!(connect(&subject, "acme", "slack", "team-app", "T1").await.0, 200, "it may be put again");
    assert_eq!(connect(&subject, "acme", "slack", "team-app", "T7").await.0, 200);
    assert_eq!(connect(&subject, "eve", "slack", "team-app", "T1").await.0, 201, "once it is free");
}

#[tokio::test]
async fn an_app_that_makes_no_sense_is_refused() {
    let subject = start().await;
    let good = json!({ "provider": "slack", "scheme": "slack", "secret": SECRET });
    for (key, value) in [
        ("provider", json!("http")),
        ("provider", json!("matrix")),
        ("scheme", json!("none")),
        ("secret", json!("")),
        ("url", json!("/hook")),
        ("surplus", json!(1)),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let (status, answer) = subject.call("PUT", "/apps/team-app", Some(body)).await;
        assert_eq!(status, 422, "{key}: {answer}");
        assert!(!answer.to_string().contains(SECRET));
    }
    assert_eq!(subject.call("PUT", "/apps/Team", Some(good)).await.0, 422);
}
