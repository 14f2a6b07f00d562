//! What a recording leaves on the disk: a fixture without secrets, or nothing.

use crate::wire::{
    Provider, Session, bounded, config, finish, folder_of, free_again, nowhere, record, record_within,
};
use counterpart_exchange::keep::KeepError;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Auth, Fixture, ProviderProfile};
use counterpart_recorder::{Limits, Recorder, RecorderError};
use std::time::Duration;

const TOKEN: &str = "q7Jx92KdLm3PzR8vTn0Ws4Ya";

fn json_answer(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n")
}

async fn exchange(session: &Session, provider: &Provider, request: &str, answer: &str) -> String {
    tokio::join!(provider.answer(answer), session.ask(request)).1
}

#[tokio::test]
async fn no_secret_reaches_the_disk_and_the_same_secret_is_the_same_placeholder() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let form = "username=jo.doe%40example.org&password=hunter2%7E";
    let login = format!(
        "POST /v1/login HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    let granted = json_answer(&format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#))
        .replace("\r\nContent-Type", "\r\nSet-Cookie: sid=s3cret-session; HttpOnly\r\nContent-Type");
    exchange(&session, &provider, &login, &granted).await;
    let me = format!(
        "GET /v1/me?access_token={TOKEN} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
         Cookie: sid=s3cret-session\r\n\r\n"
    );
    exchange(&session, &provider, &me, &json_answer(r#"{"email":"jo.doe@example.org"}"#)).await;
    let moved = "HTTP/1.1 302 Found\r\nLocation: https://app.example/back?code=Ab3De5Fg7Hi9Jk1Lm3No5\r\n\
                 Content-Length: 0\r\n\r\n";
    exchange(&session, &provider, &get("/v1/authorize"), moved).await;

    let kept = session.finish().await;
    let text = kept.text();
    for secret in [TOKEN, "hunter2", "s3cret-session", "jo.doe", "Ab3De5Fg7Hi9Jk1Lm3No5"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    let [login, me, _] = kept.fixture.exchanges.as_slice() else { panic!() };
    let granted = login.response.as_ref().unwrap();
    assert!(granted.body.json().unwrap().as_str().contains("«access_token:1»"), "{text}");
    assert_eq!(me.request.headers.text("authorization"), Some("Bearer «access_token:1»"));
    assert_eq!(me.request.target, "/v1/me?access_token=«access_token:1»");
    assert_eq!(granted.headers.text("set-cookie"), Some("sid=«cookie:1»; HttpOnly"));
    assert_eq!(me.request.headers.text("cookie"), Some("sid=«cookie:1»"));
    assert!(text.contains("password: «password:1»"), "{text}");
    assert_eq!(kept.recording.kept.redacted, kept.fixture.redacted.len());
}

#[tokio::test]
async fn what_cannot_be_searched_by_field_is_not_kept() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    // Escapes in lower case, and a document that is not whole: neither has fields that could be replaced.
    let form = "password=p%2fw";
    let login = format!(
        "POST /login HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let cut =
        json_answer(r#"{"password":"hunter2","next":"#).replace("Content-Length: 2", "Content-Length: 99");
    exchange(&session, &provider, &login, &cut).await;
    let kept = session.finish().await;
    assert!(!kept.text().contains("p%2fw") && !kept.text().contains("hunter2"), "{}", kept.text());
    assert_eq!(kept.recording.kept.omitted, 2);
}

#[tokio::test]
async fn known_secrets_go_however_they_look() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&provider.url, &folder);
    config.known_secrets = vec![KnownSecret { kind: "tenant".into(), value: "Blue Whale Ltd".into() }];
    let recorder = Recorder::start(config).await.unwrap();
    let session = Session { folder, recorder };
    let answer = json_answer(r#"{"greeting":"Hello Blue Whale Ltd!"}"#);
    exchange(&session, &provider, &get("/hello?to=Blue%20Whale%20Ltd"), &answer).await;
    let kept = session.finish().await;
    assert_eq!(kept.only().request.target, "/hello?to=«tenant:1»");
    assert!(!kept.text().contains("Blue"), "{}", kept.text());
}

/// Redaction changes no key of JSON; the search judges every one of what was written.
#[tokio::test]
async fn a_recording_with_a_secret_left_is_refused_and_the_older_fixture_stays() {
    let provider = Provider::start().await;
    let first = record(&provider.url).await;
    exchange(&first, &provider, &get("/note"), &json_answer(r#"{"note":"hello"}"#)).await;
    let Session { folder, recorder } = first;
    let path = finish(recorder).await.unwrap().kept.path;
    let before = std::fs::read(&path).unwrap();

    let recorder = Recorder::start(config(&provider.url, &folder)).await.unwrap();
    let session = Session { folder, recorder };
    let leaking = json_answer(&format!(r#"{{"note":{{"{TOKEN}":"keep it"}}}}"#));
    exchange(&session, &provider, &get("/note"), &leaking).await;
    let Session { folder, recorder } = session;
    let error = finish(recorder).await.unwrap_err();
    let message = error.to_string();
    let RecorderError::Keep(KeepError::SecretLeft { findings, .. }) = error else { panic!("{message}") };
    assert_eq!(findings[0].exchange.as_deref(), Some("get-note-1"));
    assert_eq!(findings[0].field, None, "a key that looks like a token is not shown");
    assert!(message.contains("line ") && message.contains("provider.yaml"), "{message}");
    assert!(!message.contains(TOKEN), "{message}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path().join("acme")).unwrap().map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["flow.yaml", "provider.yaml"], "nothing is left aside");
}

#[tokio::test]
async fn what_was_sent_is_what_is_read_back() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    let body = r#"{"z":1,"a":[1.0,"ü"],"z":2}"#;
    exchange(&session, &provider, &get("/items/%C3%A9?q=%20&q="), &json_answer(body)).await;
    let kept = session.finish().await;
    let one = kept.only();
    assert_eq!((one.request.method.as_str(), one.request.target.as_str()), ("GET", "/items/%C3%A9?q=%20&q="));
    let response = one.response.as_ref().unwrap();
    assert_eq!(response.body.json().unwrap().as_str(), body);
    assert_eq!(response.headers.text("content-type"), Some("application/json"));
    assert_eq!(kept.fixture.name(), "acme/flow");
    let counterpart_exchange::Provenance::Recorded(recorded) = &kept.fixture.provenance else { panic!() };
    assert!(recorded.by.starts_with("counterpart "), "{}", recorded.by);
}

#[tokio::test]
async fn exchanges_are_numbered_by_the_profile_in_order_of_their_requests() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let profile = "counterpart: provider/1\nprovider: acme\noperations:\n  item: GET /items/{id}\n";
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    std::fs::write(folder.path().join("acme/provider.yaml"), profile).unwrap();
    let recorder = Recorder::start(config(&provider.url, &folder)).await.unwrap();
    let session = Session { folder, recorder };
    // The first request is answered last.
    let mut slow = session.client().await;
    slow.send(&get("/items/1")).await;
    let mut upstream = provider.accept().await;
    upstream.until("\r\n\r\n").await;
    exchange(&session, &provider, &get("/items/2"), &json_answer("{}")).await;
    exchange(&session, &provider, &get("/other"), &json_answer("{}")).await;
    upstream.send(&json_answer("{}")).await;
    slow.rest().await;
    let path = folder_of(&session).join("provider.yaml");
    let kept = session.finish().await;
    let seen: Vec<_> =
        kept.fixture.exchanges.iter().map(|one| (one.id.as_str(), one.request.target.as_str())).collect();
    assert_eq!(seen, [("item-1", "/items/1"), ("item-2", "/items/2"), ("get-other-1", "/other")]);
    assert!(kept.fixture.exchanges.is_sorted_by_key(|one| one.offset_ms));
    assert_eq!(std::fs::read_to_string(path).unwrap(), profile, "a profile there is stays as it is");
    assert_eq!(kept.recording.kept.drafted, None);
}

#[tokio::test]
async fn a_provider_without_a_profile_gets_a_draft_that_is_read() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    exchange(&session, &provider, &get("/rooms"), &json_answer("[]")).await;
    let authorized =
        get("/rooms/17").replace("\r\n\r\n", &format!("\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"));
    exchange(&session, &provider, &authorized, &json_answer("{}")).await;
    let kept = session.finish().await;
    let path = kept.recording.kept.drafted.clone().unwrap();
    let profile = ProviderProfile::read(&path).unwrap();
    assert_eq!(profile.provider, "acme");
    assert_eq!(profile.operation_of("GET", "/rooms/99").0, "get-room");
    let Auth::Bearer(bearer) = &profile.auth else { panic!("{:?}", profile.auth) };
    assert_eq!(bearer.public.iter().map(|name| name.0.as_str()).collect::<Vec<_>>(), ["get-rooms"]);
    assert!(!std::fs::read_to_string(&path).unwrap().contains(TOKEN));
    let ids: Vec<_> = kept.fixture.exchanges.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["get-rooms-1", "get-room-1"]);
}

#[tokio::test]
async fn the_recording_is_idle_when_nothing_happened_for_a_while() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut idling = config(&provider.url, &folder);
    idling.until_idle = Some(Duration::from_millis(30));
    let recorder = Recorder::start(idling).await.unwrap();
    let session = Session { folder, recorder };
    tokio::join!(bounded(session.recorder.idle()), async {
        exchange(&session, &provider, &get("/a"), &json_answer("{}")).await;
    });
    assert_eq!(session.recorder.captured(), 1);
    assert_eq!(session.finish().await.recording.kept.exchanges, 1);
}

#[tokio::test]
async fn without_a_bound_the_recording_is_never_idle() {
    let upstream = nowhere();
    let session = record(&upstream.url).await;
    session.ask(&get("/a")).await;
    assert_eq!(session.recorder.captured(), 1);
    tokio::select! {
        biased;
        () = session.recorder.idle() => panic!("idle without a bound"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn exchanges_beyond_the_bound_are_proxied_and_counted() {
    let provider = Provider::start().await;
    let session = record_within(&provider.url, Limits { exchanges: 1, ..Limits::default() }).await;
    exchange(&session, &provider, &get("/a"), &json_answer("{}")).await;
    let seen = exchange(&session, &provider, &get("/b"), &json_answer(r#"{"b":1}"#)).await;
    assert!(seen.ends_with(r#"{"b":1}"#), "{seen}");
    let kept = session.finish().await;
    assert_eq!((kept.recording.kept.exchanges, kept.recording.not_kept), (1, 1));
}

#[tokio::test]
async fn a_recording_without_exchanges_writes_nothing() {
    let session = record("http://127.0.0.1:1").await;
    let error = finish(session.recorder).await.unwrap_err();
    assert!(matches!(error, RecorderError::NothingCaptured { .. }), "{error}");
    assert_eq!(std::fs::read_dir(session.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_recorder_that_is_dropped_stops_listening() {
    let session = record("http://127.0.0.1:1").await;
    let address = session.recorder.address();
    drop(session);
    free_again(address).await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = Provider::start().await;
    let start = async |change: &dyn Fn(&mut counterpart_recorder::RecorderConfig)| {
        let mut config = config("http://127.0.0.1:1", &folder);
        change(&mut config);
        Recorder::start(config).await.unwrap_err().to_string()
    };
    let address = taken.authority();
    let message = start(&|config| config.listen = address.parse().unwrap()).await;
    assert!(message.starts_with(&format!("{address} is in use already")), "{message}");
    let message = start(&|config| config.listen = "192.0.2.1:0".parse().unwrap()).await;
    assert!(message.starts_with("cannot listen on 192.0.2.1:0"), "{message}");
    let message = start(&|config| config.flow = "../up".into()).await;
    assert!(message.contains("expected provider/flow"), "{message}");
    let message = start(&|config| config.flow = "provider".into()).await;
    assert!(message.contains("call it otherwise"), "{message}");
    let message = start(&|config| config.upstream = Some("ftp://host/".parse().unwrap())).await;
    assert!(message.starts_with("the upstream has the scheme ftp"), "{message}");
    std::fs::create_dir(folder.path().join("acme")).unwrap();
    std::fs::write(folder.path().join("acme/provider.yaml"), "counterpart: fixture/1\n").unwrap();
    let message = start(&|_| ()).await;
    assert!(message.contains("provider.yaml:1:1"), "{message}");
}

#[tokio::test]
async fn a_fixture_is_never_seen_in_part() {
    let provider = Provider::start().await;
    let session = record(&provider.url).await;
    exchange(&session, &provider, &get("/a"), &json_answer("{}")).await;
    let folder = folder_of(&session);
    assert!(!folder.exists(), "nothing is on the disk before the end");
    let kept = session.finish().await;
    assert_eq!(Fixture::read(&folder.join("flow.yaml")).unwrap(), kept.fixture);
}
