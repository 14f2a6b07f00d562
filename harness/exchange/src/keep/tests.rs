use super::*;
use crate::{Direction, Ended, ExchangeId, Headers, Recorded, Request, Response};

fn exchange(target: &str, answer: Body) -> Exchange {
    Exchange {
        id: ExchangeId::from("get-1"),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: "GET".into(),
            target: target.into(),
            headers: Headers::default(),
            body: Body::None,
        },
        response: Some(Response { status: 200, headers: Headers::default(), body: answer }),
    }
}

fn fixture(answer: Body) -> Fixture {
    Fixture {
        provider: "acme".into(),
        flow: "flow".into(),
        provenance: Provenance::Recorded(Recorded {
            at: "2026-11-22T08:00:00Z".parse().unwrap(),
            upstream: "http://127.0.0.1:1".into(),
            by: "counterpart 0.1.0".into(),
            server: None,
        }),
        redacted: std::collections::BTreeMap::new(),
        exchanges: vec![exchange("/x", answer)],
    }
}

fn destination(root: &Path) -> Destination {
    Destination {
        library: Library::new(root),
        name: "acme/flow".parse().unwrap(),
        profile: ProviderProfile::unknown("acme"),
    }
}

fn json(text: &str) -> Body {
    Body::from_bytes(text.as_bytes(), Some("application/json"))
}

fn secret() -> KnownSecret {
    KnownSecret { kind: "api_key".into(), value: "correct horse battery".into() }
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

#[test]
fn what_is_clean_is_moved_into_place() {
    let root = tempfile::tempdir().unwrap();
    let large = Body::Binary([0xff; 70_000].to_vec());
    write_and_search(&fixture(large.clone()), Some("# draft\n"), &destination(root.path()), &[secret()])
        .unwrap();
    let folder = root.path().join("acme");
    assert_eq!(names_in(&folder), ["flow.bodies", "flow.yaml", "provider.yaml"]);
    assert_eq!(Fixture::read(&folder.join("flow.yaml")).unwrap(), fixture(large));

    // The next recording of the flow has no such body, and brings no profile in place of the one there is.
    write_and_search(&fixture(json("[1]")), Some("# other\n"), &destination(root.path()), &[]).unwrap();
    assert_eq!(names_in(&folder), ["flow.yaml", "provider.yaml"]);
    assert_eq!(std::fs::read_to_string(folder.join("provider.yaml")).unwrap(), "# draft\n");
}

#[test]
fn a_secret_in_the_fixture_is_refused_with_its_place() {
    let root = tempfile::tempdir().unwrap();
    let left = fixture(json(r#"{"a":1,"note":"it is correct horse battery."}"#));
    let error = write_and_search(&left, None, &destination(root.path()), &[secret()]).unwrap_err();
    let KeepError::SecretLeft { findings, .. } = &error else { panic!("{error}") };
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].exchange.as_deref(), Some("get-1"));
    assert_eq!(findings[0].field.as_deref(), Some("note"));
    let message = error.to_string();
    assert!(message.contains("acme/flow") && message.contains("secrets.fields"), "{message}");
    assert!(!message.contains("battery"), "{message}");
    assert!(names_in(root.path()).is_empty(), "not even an empty folder is left");
}

#[test]
fn what_only_a_reader_of_the_fixture_sees_is_refused_too() {
    let root = tempfile::tempdir().unwrap();
    let left = fixture(json(r#"{"a":1,"password":"pw-7"}"#));
    let error = write_and_search(&left, None, &destination(root.path()), &[]).unwrap_err();
    let KeepError::SecretLeft { findings, .. } = &error else { panic!("{error}") };
    assert_eq!(
        (findings[0].exchange.as_deref(), findings[0].field.as_deref()),
        (Some("get-1"), Some("password"))
    );
    assert!(!error.to_string().contains("pw-7"), "{error}");
}

#[test]
fn secrets_beside_the_fixture_are_found_too() {
    for content in [
        Body::Text(format!("{}correct horse battery", "x ".repeat(40_000))),
        Body::Binary([&[0xff; 70_000][..], b"correct horse battery"].concat()),
    ] {
        let root = tempfile::tempdir().unwrap();
        let error =
            write_and_search(&fixture(content), None, &destination(root.path()), &[secret()]).unwrap_err();
        let KeepError::SecretLeft { findings, .. } = &error else { panic!("{error}") };
        assert!(findings[0].file.starts_with("flow.bodies"), "{error}");
    }
    let root = tempfile::tempdir().unwrap();
    let draft = "# correct horse battery\n";
    let error = write_and_search(&fixture(json("{}")), Some(draft), &destination(root.path()), &[secret()])
        .unwrap_err();
    assert!(error.to_string().contains("provider.yaml line 1"), "{error}");
}

#[test]
fn a_refusal_leaves_an_older_fixture_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("acme");
    let older = Body::Text("older ".repeat(20_000));
    write_and_search(&fixture(older), None, &destination(root.path()), &[]).unwrap();
    let before = std::fs::read(folder.join("flow.yaml")).unwrap();
    let bodies = names_in(&folder.join("flow.bodies"));
    let left = fixture(json(r#"{"note":"correct horse battery"}"#));
    write_and_search(&left, None, &destination(root.path()), &[secret()]).unwrap_err();
    assert_eq!(std::fs::read(folder.join("flow.yaml")).unwrap(), before);
    assert_eq!(names_in(&folder.join("flow.bodies")), bodies);
    assert_eq!(names_in(&folder), ["flow.bodies", "flow.yaml"]);
}

#[test]
fn a_fixture_that_cannot_be_put_in_place_leaves_no_part_aside() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("acme");
    std::fs::create_dir_all(folder.join("flow.yaml").join("in-the-way")).unwrap();
    let error = write_and_search(&fixture(json("{}")), None, &destination(root.path()), &[]).unwrap_err();
    assert!(matches!(error, KeepError::Write { .. }), "{error}");
    assert_eq!(names_in(&folder), ["flow.yaml"]);
}

#[test]
fn a_fixture_that_cannot_be_read_again_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut twice = fixture(json("{}"));
    twice.exchanges.push(twice.exchanges[0].clone());
    let error = write_and_search(&twice, None, &destination(root.path()), &[]).unwrap_err();
    assert!(error.to_string().contains("given twice"), "{error}");
    assert!(names_in(root.path()).is_empty());
}

fn recorded(upstream: &str) -> Provenance {
    Provenance::Recorded(Recorded {
        at: jiff::Timestamp::UNIX_EPOCH,
        upstream: upstream.into(),
        by: "counterpart 0.1.0".into(),
        server: None,
    })
}

#[test]
fn no_exchange_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let error = keep(Vec::new(), recorded("http://127.0.0.1:1"), &destination(root.path()), &[]).unwrap_err();
    assert!(matches!(error, KeepError::Nothing { .. }));
    assert!(names_in(root.path()).is_empty());
}

#[test]
fn a_secret_in_the_upstream_is_replaced_as_in_the_exchanges() {
    let root = tempfile::tempdir().unwrap();
    let known = [KnownSecret { kind: "tenant".into(), value: "Blue-Whale-17".into() }];
    let seen = vec![exchange("/x", json(r#"{"of":"Blue-Whale-17"}"#))];
    let upstream = recorded("http://127.0.0.1:1/Blue-Whale-17/v1?token=only-here");
    let kept = keep(seen, upstream, &destination(root.path()), &known).unwrap();
    let text = std::fs::read_to_string(&kept.path).unwrap();
    assert!(text.contains("127.0.0.1:1/«tenant:1»/v1?token=«token»"), "{text}");
    assert!(text.contains(r#""of": "«tenant:1»""#) && !text.contains("Whale"), "{text}");
}

fn asking(target: &str, token: &str) -> Exchange {
    let mut asking = exchange(target, Body::None);
    asking.request.headers.set("authorization", &format!("Bearer {token}"));
    asking
}

fn provenance() -> Provenance {
    fixture(Body::None).provenance
}

#[test]
fn what_is_kept_behind_a_fixture_leaves_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let destination = destination(folder.path());
    let path = folder.path().join("acme/flow.yaml");
    let first = vec![asking("/x", "q7Jx92KdLm3PzR8vTn0Ws4Ya"), asking("/x", "q7Jx92KdLm3PzR8vTn0Ws4Ya")];
    keep(first, provenance(), &destination, &[]).unwrap();
    // Ids that somebody gave by hand stay, and no new one is theirs.
    let text = std::fs::read_to_string(&path).unwrap().replace("id: get-x-1", "id: get-x-7");
    std::fs::write(&path, &text).unwrap();

    let earlier = Fixture::read(&path).unwrap();
    let mut cause = asking("/x", "Zk3x9Tq7LmN2pR5sV8wY1abc");
    cause.id = ExchangeId::from("1");
    let mut effect = asking("/y", "Zk3x9Tq7LmN2pR5sV8wY1abc");
    effect.caused_by = Some(ExchangeId::from("1"));
    let kept = keep_after(earlier.clone(), vec![cause, effect], &destination, &[]).unwrap();
    assert_eq!((kept.exchanges, kept.redacted, kept.drafted), (4, 2, None));

    let now = std::fs::read_to_string(&path).unwrap();
    let exchanges = |text: &str| text.split_once("exchanges:\n").unwrap().1.to_owned();
    assert!(exchanges(&now).starts_with(&exchanges(&text)), "{now}");
    let read = Fixture::read(&path).unwrap();
    let ids: Vec<&str> = read.exchanges.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["get-x-7", "get-x-2", "get-x-8", "get-y-1"]);
    assert_eq!(read.exchanges[3].caused_by, Some(ExchangeId::from("get-x-8")));
    assert_eq!(read.exchanges[3].request.headers.text("authorization"), Some("Bearer «access_token:2»"));
    assert_eq!(read.provenance, earlier.provenance);
    let lengths: Vec<usize> = read.redacted.values().map(|value| value.length_chars).collect();
    assert_eq!(lengths, [24, 24]);
    assert!(!now.contains("Zk3x9Tq7LmN2pR5sV8wY1abc"));
    assert!(matches!(keep_after(read, Vec::new(), &destination, &[]), Err(KeepError::Nothing { .. })));
}

#[test]
fn recorded_again_an_exchange_keeps_its_id() {
    let root = tempfile::tempdir().unwrap();
    let ids = |targets: &[&str]| -> Vec<String> {
        let seen = targets.iter().map(|target| exchange(target, json("{}"))).collect();
        let kept = keep(seen, recorded("http://127.0.0.1:1"), &destination(root.path()), &[]).unwrap();
        Fixture::read(&kept.path).unwrap().exchanges.iter().map(|one| one.id.to_string()).collect()
    };
    assert_eq!(ids(&["/x?page=1", "/x?page=2"]), ["get-x-1", "get-x-2"]);
    assert_eq!(ids(&["/x?page=0", "/x?page=1", "/x?page=2"]), ["get-x-3", "get-x-1", "get-x-2"]);
}

#[test]
fn a_webhook_is_tied_before_its_id_is_redacted_and_the_server_is_the_providers() {
    let root = tempfile::tempdir().unwrap();
    let mut call = exchange("/sessions", json(r#"{"session_id":"aB3dE5fG7hI9jK1lM3nO5"}"#));
    call.id = ExchangeId::from("1");
    call.request.method = "POST".into();
    let mut hook = exchange("/hooks", Body::None);
    hook.id = ExchangeId::from("2");
    hook.direction = Direction::Inbound;
    hook.request.method = "POST".into();
    hook.request.body = json(r#"{"session_id":"aB3dE5fG7hI9jK1lM3nO5"}"#);
    for (one, server) in [(&mut hook, "mine/1"), (&mut call, "acme/1")] {
        let answer = one.response.as_mut().unwrap();
        answer.headers.append("server", crate::HeaderValue::Text(server.into()));
    }
    let kept =
        keep(vec![call, hook], recorded("http://127.0.0.1:1"), &destination(root.path()), &[]).unwrap();
    let fixture = Fixture::read(&kept.path).unwrap();
    let text = std::fs::read_to_string(&kept.path).unwrap();
    assert!(!text.contains("aB3dE5fG7hI9jK1lM3nO5"), "{text}");
    assert_eq!(fixture.exchanges[1].id.as_str(), "post-hooks-1");
    assert_eq!(fixture.exchanges[1].caused_by, Some(ExchangeId::from("post-sessions-1")));
    let Provenance::Recorded(told) = &fixture.provenance else { panic!() };
    assert_eq!(told.server.as_deref(), Some("acme/1"));
}
