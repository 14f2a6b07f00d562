//! Recordings side by side: each fixture is kept once.

use crate::wire::{Provider, config};
use counterpart_exchange::Fixture;
use counterpart_recorder::{Recorder, RecorderError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn ask(recorder: &Recorder, provider: &Provider, target: &str) {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: r\r\nConnection: close\r\nAuthorization: Bearer q7Jx92KdLm3PzR8vTn0Ws4Ya\r\n\r\n"
    );
    let asking = async {
        let mut stream = TcpStream::connect(recorder.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_string(&mut String::new()).await.unwrap();
    };
    tokio::join!(provider.answer(ANSWER), asking);
}

#[tokio::test]
async fn what_two_recorders_took_down_of_one_flow_is_one_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Provider::start().await, Provider::start().await);
    let first = Recorder::start(config(&one.url, &folder)).await.unwrap();
    let second = Recorder::start(config(&other.url, &folder)).await.unwrap();
    let mut third = config(&one.url, &folder);
    third.flow = "unused".into();
    let third = Recorder::start(third).await.unwrap();
    ask(&second, &other, "/a").await;
    ask(&first, &one, "/b").await;

    let mut kept = Recorder::finish_together(vec![first, second, third], Vec::new()).await;
    let (unused, nothing) = kept.pop().unwrap();
    assert_eq!(unused.to_string(), "acme/unused");
    assert!(matches!(nothing, Err(RecorderError::NothingCaptured { .. })));
    let [(name, recording)] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(name.to_string(), "acme/flow");
    let fixture = Fixture::read(&recording.as_ref().unwrap().kept.path).unwrap();
    let mut seen: Vec<_> = fixture
        .exchanges
        .iter()
        .map(|one| (one.request.target.as_str(), one.request.headers.text("host").unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("/a", other.authority()), ("/b", one.authority())]);
    let tokens: Vec<_> =
        fixture.exchanges.iter().filter_map(|one| one.request.headers.text("authorization")).collect();
    assert_eq!(tokens, ["Bearer «access_token:1»"; 2], "one secret is one placeholder, whoever took it down");
}

#[tokio::test]
async fn what_is_added_to_a_fixture_stands_behind_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start().await;
    let recorder = Recorder::start(config(&provider.url, &folder)).await.unwrap();
    ask(&recorder, &provider, "/a").await;
    let kept = Recorder::finish_together(vec![recorder], Vec::new()).await;
    let path = kept[0].1.as_ref().unwrap().kept.path.clone();
    let earlier = Fixture::read(&path).unwrap();

    let recorder = Recorder::start(config(&provider.url, &folder)).await.unwrap();
    ask(&recorder, &provider, "/b").await;
    let kept = Recorder::finish_together(vec![recorder], vec![earlier.clone()]).await;
    assert_eq!(kept[0].1.as_ref().unwrap().kept.exchanges, 2);
    let fixture = Fixture::read(&path).unwrap();
    assert_eq!(fixture.exchanges[0], earlier.exchanges[0]);
    assert_eq!(fixture.exchanges[1].request.target, "/b");
    assert_eq!(fixture.provenance, earlier.provenance);
}
