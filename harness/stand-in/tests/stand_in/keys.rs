//! Keys and passwords: what each request carries, and nobody hands out.

use crate::provider::{Played, fixture, got, profile_of};
use crate::wire::{Ask, ask};
use counterpart_exchange::{Exchange, HeaderValue, RedactedBasic, RedactedValue};
use counterpart_stand_in::{SeenNote, StandIn};

const LIST: &str = "/orders?page=1";

fn played(auth: &str, exchanges: Vec<Exchange>) -> Played {
    let profile = profile_of(&format!(
        "counterpart: provider/1\nprovider: rooms\noperations:\n  ping: GET /ping\n  list: GET /orders\nauth: {auth}\n"
    ));
    Played::of(profile, vec![fixture("flow", exchanges)])
}

/// A recorded exchange whose request carries this header and no other.
fn carrying(mut exchange: Exchange, name: &str, value: &str) -> Exchange {
    exchange.request.headers.remove("authorization");
    exchange.request.headers.append(name, HeaderValue::Text(value.to_owned()));
    exchange
}

async fn status(stand_in: &StandIn, asked: &Ask) -> u16 {
    ask(stand_in, asked).await.status()
}

fn key_of(stand_in: &StandIn) -> String {
    stand_in.credentials().access_token.unwrap()
}

#[tokio::test]
async fn who_has_the_key_is_let_in_wherever_it_is_carried() {
    let header = || carrying(got("list-1", LIST, "[1]"), "x-api-key", "«api_key:1»");
    let scheme = || carrying(got("list-1", LIST, "[1]"), "authorization", "Token «access_token:1»");
    let query = || {
        let mut exchange = got("list-1", "/orders?page=1&key=«api_key:1»", "[1]");
        exchange.request.headers.remove("authorization");
        exchange
    };
    type With = fn(&str) -> Ask;
    let table: [(&str, Exchange, With); 3] = [
        ("{header: X-Api-Key}", header(), |key| Ask::get(LIST).header("x-api-key", key)),
        ("{authorization: Token}", scheme(), |key| {
            Ask::get(LIST).header("authorization", &format!("token {key}"))
        }),
        ("{query: key}", query(), |key| Ask::get(&format!("/orders?page=1&key={key}"))),
    ];
    for (place, exchange, with) in table {
        let stand_in = played(&format!("{{api_key: {{in: {place}}}}}"), vec![exchange]).start().await;
        let key = key_of(&stand_in);
        assert_eq!(status(&stand_in, &with(&key)).await, 200, "{place}");
        let refused = ask(&stand_in, &with("another")).await;
        assert_eq!((refused.status(), refused.all("www-authenticate").len()), (401, 0), "{place}");
        assert_eq!(status(&stand_in, &Ask::get(LIST)).await, 401, "{place}");
        let as_bearer = Ask::get(LIST).bearer(&key);
        assert_eq!(status(&stand_in, &as_bearer).await, 401, "{place}: it is not looked for elsewhere");
        let notes: Vec<SeenNote> = stand_in.seen().into_iter().map(|seen| seen.note).collect();
        assert_eq!(notes[1], SeenNote::Behaved("refused: the credential is not known"), "{place}");
    }
}

#[tokio::test]
async fn a_name_and_a_password_are_one_credential() {
    let basic = carrying(got("list-1", LIST, "[1]"), "authorization", "Basic «basic:1»");
    let mut flow = fixture("flow", vec![basic]);
    let password = RedactedBasic { user: None, password: Some("«password:1»".to_owned()) };
    let redacted = |basic| RedactedValue { length_chars: 30, jwt: None, basic };
    flow.redacted.insert("«basic:1»".parse().unwrap(), redacted(Some(password)));
    flow.redacted.insert("«password:1»".parse().unwrap(), redacted(None));
    let mut played = played("{basic: {public: [ping]}}", Vec::new());
    played.config.providers[0].fixtures = vec![flow];
    let stand_in = played.start().await;
    let (name, password) = stand_in.credentials().name_and_password.unwrap();
    assert_eq!(name, "user-1");
    let with = |name: &str, password: &str| {
        use base64::Engine;
        let plain = format!("{name}:{password}");
        let encoded = base64::engine::general_purpose::STANDARD.encode(plain);
        Ask::get(LIST).header("authorization", &format!("Basic {encoded}"))
    };
    assert_eq!(ask(&stand_in, &with(&name, &password)).await.text(), "[1]");
    for asked in [with(&name, "wrong"), with("somebody", &password), Ask::get(LIST)] {
        let refused = ask(&stand_in, &asked).await;
        assert_eq!(refused.status(), 401, "{asked:?}");
        assert_eq!(refused.all("www-authenticate"), ["Basic realm=\"rooms\""], "RFC 7617 section 2");
    }
}

/// Nothing refreshes a key: it is refused from then on.
#[tokio::test]
async fn a_key_can_be_taken_back_and_expire() {
    let header = || carrying(got("list-1", LIST, "[1]"), "x-api-key", "«api_key:1»");
    let auth = "{api_key: {in: {header: x-api-key}}}";
    for fault in ["revoked_token@list-1", "expired_token@list-1"] {
        let stand_in = played(auth, vec![header(), header()]).fault(fault).start().await;
        let with_key = Ask::get(LIST).header("x-api-key", &key_of(&stand_in));
        for _ in 0..2 {
            assert_eq!(status(&stand_in, &with_key).await, 401, "{fault}");
        }
        assert!(stand_in.unused_faults().is_empty(), "{fault}");
    }
    let stand_in = played(auth, vec![header()]).fault("revoked_token@list").start().await;
    assert_eq!(status(&stand_in, &Ask::get(LIST)).await, 401);
    assert_eq!(stand_in.unused_faults()[0].struck, 0, "there was no key to take back");
    let stand_in = played(auth, vec![header()]).fault("refresh_refused@list").start().await;
    let with_key = Ask::get(LIST).header("x-api-key", &key_of(&stand_in));
    assert_eq!(status(&stand_in, &with_key).await, 200);
    assert!(matches!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(_)), "keys are not refreshed");
}

/// A recorded refusal shows its form; it is none of the answers.
#[tokio::test]
async fn recorded_refusals_are_evidence() {
    let mut refused = carrying(got("list-1", LIST, r#"{"code":"bad_key"}"#), "x-api-key", "«api_key:2»");
    refused.response.as_mut().unwrap().status = 401;
    let good = carrying(got("list-2", LIST, "[1]"), "x-api-key", "«api_key:1»");
    let auth = "{api_key: {in: {header: x-api-key}}}\nerrors:\n  unknown_token: {status: 401}";
    let stand_in = played(auth, vec![refused, good]).start().await;
    let key = stand_in.stand_in_values().into_iter().find(|(name, _)| name == "api_key:1").unwrap().1;
    let received = ask(&stand_in, &Ask::get(LIST).header("x-api-key", key)).await;
    assert_eq!((received.status(), received.text()), (200, "[1]"));
    let received = ask(&stand_in, &Ask::get(LIST).header("x-api-key", "nobody's")).await;
    assert_eq!((received.status(), received.text()), (401, r#"{"code":"bad_key"}"#));
}
