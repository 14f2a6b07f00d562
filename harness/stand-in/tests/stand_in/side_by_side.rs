//! Several providers behind one address: told apart by host, by handshake and by path.

use crate::provider::{Played, fixture, got, profile_of};
use crate::wire::{Ask, ask};
use counterpart_certificates::{CertificateAuthority, Life};
use counterpart_exchange::Fixture;
use counterpart_stand_in::{ErrorForms, ProviderConfig, SeenNote, StandIn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn provider(name: &str, hosts: &str) -> ProviderConfig {
    let profile = profile_of(&format!(
        "counterpart: provider/1\nprovider: {name}\nhosts: [{hosts}]\noperations: {{list: GET /list}}\n"
    ));
    let answer = format!(r#"["{name}"]"#);
    let fixture =
        Fixture { provider: name.to_owned(), ..fixture("flow", vec![got("list-1", "/list", &answer)]) };
    ProviderConfig { profile, fixtures: vec![fixture], forms: ErrorForms::default(), faults: Vec::new() }
}

fn both() -> Played {
    let mut played = Played::of(profile_of("counterpart: provider/1\nprovider: none\n"), Vec::new());
    played.config.providers =
        vec![provider("mail", "mail.example"), provider("shop", "'*.shop.example', api.shop.example")];
    played
}

async fn said(stand_in: &StandIn, host: &str, target: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(stand_in.address()).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_provider_is_found_by_host_or_path() {
    let stand_in = both().start().await;
    for (host, target, expected) in [
        ("mail.example", "/list", r#"["mail"]"#),
        ("MAIL.example:8443", "/list", r#"["mail"]"#),
        ("eu.shop.example", "/list", r#"["shop"]"#),
        ("127.0.0.1", "/mail/list", r#"["mail"]"#),
        ("anything.example", "/shop/list", r#"["shop"]"#),
    ] {
        assert_eq!(said(&stand_in, host, target).await, expected, "{host} {target}");
    }
    assert_eq!(stand_in.providers()[0].base_url(), format!("{}/mail", stand_in.base_url()));
    assert!(said(&stand_in, "mail.example", "/shop/list").await.contains("unmatched"), "the host decides");
}

#[tokio::test]
async fn a_request_to_nobody_is_counted_as_unmatched() {
    let stand_in = both().start().await;
    let answer = ask(&stand_in, &Ask::get(&format!("/nobody/{}?secret=1", "x".repeat(5_000)))).await;
    assert_eq!(answer.status(), 404);
    assert!(answer.text().contains("there are: mail, shop"), "{}", answer.text());
    assert_eq!(stand_in.counts().unmatched, 1);
    let seen = stand_in.seen().pop().unwrap();
    assert!(matches!(seen.note, SeenNote::Unmatched(_)));
    assert!(!seen.target.contains("secret") && seen.target.len() <= 200, "{}", seen.target);
    assert_eq!((stand_in.traffic().received, stand_in.traffic().answered), (1, 1));
}

#[tokio::test]
async fn a_host_that_two_claim_leads_to_neither() {
    let mut played = both();
    played.config.providers = vec![provider("mail", "api.example"), provider("shop", "api.example")];
    let stand_in = played.start().await;
    let shared: Vec<_> = stand_in.shared_hosts().collect();
    assert_eq!(shared, [("api.example", vec!["mail", "shop"])]);
    assert!(said(&stand_in, "api.example", "/list").await.contains("no_such_provider"));
    assert_eq!(said(&stand_in, "api.example", "/shop/list").await, r#"["shop"]"#);
}

#[tokio::test]
async fn within_tls_the_handshake_tells_where_the_request_does_not() {
    let mut played = both();
    let authority = CertificateAuthority::generate(Life::ANY_TIME).unwrap();
    let trusted = authority.certificate_pem().to_owned();
    played.config.tls = Some(authority);
    let stand_in = played.start().await;
    let mut tls = crate::tls::connect(&stand_in, &trusted, "api.shop.example", &[b"http/1.1"]).await.unwrap();
    tls.write_all(b"GET /list HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(r#"["shop"]"#), "{answer}");
}

#[tokio::test]
async fn each_provider_has_a_state_of_its_own() {
    let stand_in = both().start().await;
    said(&stand_in, "mail.example", "/list").await;
    let counts: Vec<u64> = stand_in.providers().iter().map(|provider| provider.counts().replayed).collect();
    assert_eq!(counts, [1, 0]);
    assert_eq!(stand_in.providers()[1].unused_exchanges().len(), 1);
    stand_in.reset(Some("mail"), counterpart_stand_in::FaultsAfterReset::AsStarted);
    assert_eq!(stand_in.providers()[0].unused_exchanges().len(), 1);
    assert_eq!(stand_in.seen(), []);
}
