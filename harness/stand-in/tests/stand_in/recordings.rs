//! The recordings of a real homeserver, replayed to a client that pages as one would.

use crate::receiver::Receiver;
use crate::wire::{Ask, Client, ask};
use counterpart_exchange::{
    Direction, ExchangeId, Fixture, FixtureRef, Library, ProviderProfile, parse_document,
};
use counterpart_stand_in::{
    DeliveryEnd, ErrorForms, ProviderConfig, SeenNote, StandIn, StandInClock, StandInConfig,
};
use jiff::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};

async fn matrix(flow: &str, faults: &[&str]) -> (StandIn, Fixture) {
    matrix_sending(flow, faults, None).await
}

async fn matrix_sending(flow: &str, faults: &[&str], webhooks: Option<&str>) -> (StandIn, Fixture) {
    let library = Library::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"));
    let read = |name: &FixtureRef| library.fixture(name).unwrap();
    let mut profile = library.profile("matrix").unwrap();
    profile.webhooks = webhooks.map(|text| {
        let path = std::path::Path::new("provider.yaml");
        let text = format!("counterpart: provider/1\nprovider: matrix\nwebhooks: {text}\n");
        parse_document::<ProviderProfile>(path, &text).unwrap().webhooks.unwrap()
    });
    let evidence: Vec<Fixture> = library.flows("matrix").iter().map(read).collect();
    let fixture = read(&format!("matrix/{flow}").parse().unwrap());
    let stand_in = StandIn::start(StandInConfig {
        providers: vec![ProviderConfig {
            forms: ErrorForms::from_evidence(&profile, &evidence),
            profile,
            fixtures: vec![fixture.clone()],
            faults: faults.iter().map(|spec| spec.parse().unwrap()).collect(),
        }],
        tls: None,
        clock: StandInClock::starting_at(Timestamp::UNIX_EPOCH),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    })
    .await
    .unwrap();
    (stand_in, fixture)
}

/// Pages through a room from its alias, refreshing where it is asked to: the bodies of all pages.
async fn pages(stand_in: &StandIn) -> Vec<String> {
    let mut token = stand_in.credentials().access_token.clone().unwrap();
    let mut client = Client::connect(stand_in).await;
    let alias = Ask::get("/_matrix/client/v3/directory/room/%23history%3Atest.local");
    let found = client.ask(&alias).await;
    let room = found.json()["room_id"].as_str().unwrap().replace('!', "%21");
    let mut bodies = vec![found.text().to_owned()];
    let first = format!("/_matrix/client/v3/rooms/{room}/messages?limit=10&dir=b");
    let mut target = first.clone();
    while bodies.len() < 100 {
        let page = client.ask(&Ask::get(&target).bearer(&token)).await;
        if page.status() == 401 {
            assert_eq!(page.json()["soft_logout"], true);
            let refresh_token = stand_in.credentials().refresh_token.unwrap();
            let body = serde_json::json!({ "refresh_token": refresh_token }).to_string();
            let granted = client.ask(&Ask::new("POST", "/_matrix/client/v3/refresh").json(&body)).await;
            granted.json()["access_token"].as_str().unwrap().clone_into(&mut token);
            continue;
        }
        assert_eq!(page.status_line, "HTTP/1.1 200 OK", "{}", page.text());
        bodies.push(page.text().to_owned());
        match page.json()["end"].as_str() {
            Some(end) => target = format!("{first}&from={end}"),
            None => break,
        }
    }
    bodies
}

/// The recorded answers to accepted GETs, as they go over the wire.
fn accepted_gets(fixture: &Fixture) -> Vec<String> {
    let accepted = |status: u16| (200..300).contains(&status);
    fixture
        .exchanges
        .iter()
        .filter(|exchange| exchange.request.method == "GET")
        .filter_map(|exchange| exchange.response.as_ref().filter(|response| accepted(response.status)))
        .map(|response| response.body.json().unwrap().as_str().to_owned())
        .collect()
}

#[tokio::test]
async fn the_history_of_a_room_is_replayed_byte_for_byte() {
    let (stand_in, fixture) = matrix("room-history", &[]).await;
    let recorded = accepted_gets(&fixture);
    assert!(recorded.len() > 10, "the recording is the one that was meant");
    assert_eq!(pages(&stand_in).await, recorded);
    let seen = stand_in.seen();
    assert!(seen.iter().all(|one| one.note == SeenNote::Replayed), "{seen:?}");
    assert_eq!(seen.len(), recorded.len());
}

#[tokio::test]
async fn a_token_that_expires_in_between_costs_no_page() {
    let (stand_in, fixture) = matrix("room-history", &["expired_token@messages-5"]).await;
    assert_eq!(pages(&stand_in).await, accepted_gets(&fixture));
    assert_eq!(stand_in.unused_faults(), []);
}

#[tokio::test]
async fn every_recording_answers_its_own_first_request() {
    let library = Library::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"));
    for name in library.flows("matrix") {
        let (stand_in, fixture) = matrix(&name.flow, &[]).await;
        let first = fixture.exchanges.iter().find(|one| one.direction == Direction::Outbound).unwrap();
        let mut asked = Ask::new(&first.request.method, &first.request.target);
        if let Some(body) = first.request.body.json() {
            asked = asked.json(body.as_str());
        }
        let received = Client::connect(&stand_in).await.ask(&asked.of_user(&stand_in)).await;
        let recorded = first.response.as_ref().unwrap();
        assert_eq!(received.status(), recorded.status, "{name}");
        assert_eq!(received.text(), recorded.body.json().unwrap().as_str(), "{name}");
        assert_eq!(received.all("server"), [recorded.headers.text("server").unwrap()]);
        assert!(!received.text().contains('«'), "{name}");
    }
}

/// Recorded were two messages, and the pushes that came of them: the first was refused, cut short and sent again.
#[tokio::test]
async fn recorded_pushes_are_sent_anew_and_are_no_answers() {
    let webhooks =
        "{scheme: matrix_application_service, id: path_end, calls: path_behind, events: {field: events}}";
    let (stand_in, fixture) = matrix_sending("push-events", &[], Some(webhooks)).await;
    let inbound = |one: &&counterpart_exchange::Exchange| one.direction == Direction::Inbound;
    let pushes: Vec<_> = fixture.exchanges.iter().filter(inbound).collect();
    let causes: Vec<_> = pushes.iter().map(|push| push.caused_by.as_ref().map(ExchangeId::as_str)).collect();
    assert_eq!(causes, [Some("send-1"), Some("send-1"), Some("send-1"), Some("send-2"), None]);
    assert!(pushes[..3].iter().all(|push| push.request.target == pushes[0].request.target), "sent again");

    // The client is given the token that it called with, not the one that the server proves itself by.
    for call in fixture.exchanges.iter().filter(|one| one.direction == Direction::Outbound) {
        let asked = Ask::new("PUT", &call.request.target).json(call.request.body.json().unwrap().as_str());
        let received = ask(&stand_in, &asked.of_user(&stand_in)).await;
        assert_eq!(received.status(), 200, "{}", received.text());
        assert_eq!(received.text(), call.response.as_ref().unwrap().body.json().unwrap().as_str());
    }
    let push = Ask::new("PUT", &pushes[0].request.target).json("{}");
    assert_eq!(ask(&stand_in, &push.of_user(&stand_in)).await.status(), 501);
    let unused = stand_in.providers()[0].unused_exchanges();
    assert!(unused.is_empty(), "a push waits for no request: {unused:?}");

    let receiver = Receiver::start().await;
    let report = stand_in.deliver("matrix", "push-4", &receiver.url()).await.unwrap();
    assert_eq!(report.first_attempts, [DeliveryEnd::Accepted { status: 200 }]);
    let came = receiver.came();
    assert_eq!(came[0].target, format!("/hooks{}", pushes[3].request.target));
    assert_eq!(came[0].text(), pushes[3].request.body.json().unwrap().as_str());
}
