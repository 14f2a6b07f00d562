//! Tokens: which are good, what refuses the others, and how new ones are had.

use crate::provider::{
    Played, ending, fixture, got, pair, playing, profile, profile_with, recorded, refreshed, with_token,
};
use crate::wire::{Ask, Client, Received, ask};
use counterpart_exchange::{Ended, Exchange};
use counterpart_stand_in::{SeenNote, StandIn};
use jiff::Timestamp;

const MEMBER: &str = "/rooms/a/member";
const EXPIRED: &str = r#"{"errcode":"EXPIRED","soft_logout":true}"#;
const UNKNOWN: &str = r#"{"errcode":"UNKNOWN","soft_logout":false}"#;
const NO_REFRESH: &str = r#"{"errcode":"NO_REFRESH"}"#;

fn member(token: &str) -> Ask {
    Ask::get(MEMBER).bearer(token)
}

async fn refresh(stand_in: &StandIn, token: &str) -> Received {
    let body = serde_json::json!({ "refresh_token": token }).to_string();
    ask(stand_in, &Ask::new("POST", "/refresh").json(&body)).await
}

/// The pair that a refresh hands out.
async fn granted(stand_in: &StandIn, token: &str) -> (String, String) {
    let received = refresh(stand_in, token).await;
    assert_eq!(received.status(), 200, "{received:?}");
    let word = |name: &str| received.json()[name].as_str().unwrap().to_owned();
    (word("access_token"), word("refresh_token"))
}

/// Status and body.
async fn answer(stand_in: &StandIn, asked: &Ask) -> (u16, String) {
    let received = ask(stand_in, asked).await;
    (received.status(), received.text().to_owned())
}

fn first_pair(stand_in: &StandIn) -> (String, String) {
    let credentials = stand_in.credentials();
    (credentials.access_token.clone().unwrap(), credentials.refresh_token.clone().unwrap())
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

fn expired() -> (u16, String) {
    (401, EXPIRED.to_owned())
}

/// As a subject lives it: a page, a refusal, a refresh, the page again and one more.
fn flow() -> Vec<Exchange> {
    vec![
        recorded("find-1", "GET", "/find/a", 200, "[0]"),
        got("member-1", MEMBER, "[1]"),
        recorded("member-2", "GET", MEMBER, 401, EXPIRED),
        refreshed("refresh-1", 1, 200, &pair(2)),
        with_token(got("member-3", MEMBER, "[2]"), 2),
        with_token(got("member-4", MEMBER, "[3]"), 2),
    ]
}

#[tokio::test]
async fn an_unknown_token_gets_the_providers_own_refusal_and_so_does_none() {
    let stand_in = playing(flow()).start().await;
    let (access, refresh_token) = first_pair(&stand_in);
    let basic = Ask::get(MEMBER).header("authorization", &format!("Basic {access}"));
    for asked in [member("nobody's"), member(&refresh_token), member(""), Ask::get(MEMBER), basic] {
        assert_eq!(answer(&stand_in, &asked).await, (401, UNKNOWN.to_owned()), "{asked:?}");
    }
    let lower = Ask::get(MEMBER).header("Authorization", &format!("bearer  {access}"));
    assert_eq!(
        answer(&stand_in, &lower).await,
        ok("[1]"),
        "nothing was consumed, and the scheme has no case"
    );
    let seen = stand_in.seen();
    assert_eq!(seen[0].note, SeenNote::Behaved("refused: the access token is not known"));
}

#[tokio::test]
async fn without_evidence_a_refusal_is_plain() {
    let mut played = playing(flow());
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::default();
    let stand_in = played.start().await;
    let refused = ask(&stand_in, &member("nobody's")).await;
    assert_eq!(refused.status_line, "HTTP/1.1 401 Unauthorized");
    assert_eq!(refused.text(), r#"{"error":"refused: the access token is not known"}"#);
}

#[tokio::test]
async fn recorded_refusals_are_no_members_of_the_sequence() {
    let stand_in = playing(flow()).start().await;
    let (access, _) = first_pair(&stand_in);
    let mut client = Client::connect(&stand_in).await;
    let mut bodies = Vec::new();
    for _ in 0..4 {
        let received = client.ask(&member(&access)).await;
        bodies.push((received.status(), received.text().to_owned()));
    }
    assert_eq!(bodies, ["[1]", "[2]", "[3]", "[3]"].map(ok));
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_both_old_ones_are_refused() {
    let stand_in = playing(flow()).fault("expired_token@member-3").start().await;
    let (old_access, old_refresh) = first_pair(&stand_in);
    assert_eq!(answer(&stand_in, &member(&old_access)).await, ok("[1]"));
    assert_eq!(answer(&stand_in, &member(&old_access)).await, expired());
    let (access, refresh_token) = granted(&stand_in, &old_refresh).await;
    assert!(access != old_access && refresh_token != old_refresh);
    assert_eq!(answer(&stand_in, &member(&access)).await, ok("[2]"));
    assert_eq!(answer(&stand_in, &member(&old_access)).await, expired());
    let (status, body) = {
        let received = refresh(&stand_in, &old_refresh).await;
        (received.status(), received.text().to_owned())
    };
    assert_eq!((status, body.as_str()), (403, NO_REFRESH), "rotation: a used refresh token is used up");
    assert_eq!(answer(&stand_in, &member(&access)).await, ok("[3]"), "the new pair is not harmed by it");
    let seen = stand_in.seen();
    assert_eq!(seen[2].exchange.as_deref(), Some("rooms/flow#refresh-1"));
    assert_eq!(seen[2].note, SeenNote::Behaved("refreshed: new tokens were handed out"));
}

#[tokio::test]
async fn what_a_refresh_hands_out_is_not_good_before() {
    let stand_in = playing(flow()).start().await;
    let value = |placeholder: &str| {
        stand_in.secret_values().find(|value| stand_in.hide(value) == placeholder).unwrap().to_owned()
    };
    let (access, refresh_token) = (value("«access_token:2»"), value("«refresh_token:2»"));
    assert_eq!(answer(&stand_in, &member(&access)).await, (401, UNKNOWN.to_owned()));
    assert_eq!(refresh(&stand_in, &refresh_token).await.text(), NO_REFRESH);
    let (_, old_refresh) = first_pair(&stand_in);
    assert_eq!(granted(&stand_in, &old_refresh).await, (access.clone(), refresh_token.clone()));
    assert_eq!(answer(&stand_in, &member(&access)).await, ok("[1]"));
    granted(&stand_in, &refresh_token).await;
}

#[tokio::test]
async fn refreshes_beyond_the_recording_hand_out_fresh_tokens() {
    let stand_in = playing(flow()).start().await;
    let (mut access, mut refresh_token) = first_pair(&stand_in);
    let mut all = vec![access.clone(), refresh_token.clone()];
    for _ in 0..5 {
        let used = refresh_token.clone();
        (access, refresh_token) = granted(&stand_in, &used).await;
        assert_eq!(refresh(&stand_in, &used).await.status(), 403);
        assert_eq!(answer(&stand_in, &member(&access)).await.0, 200);
        all.extend([access.clone(), refresh_token.clone()]);
    }
    // The first refresh is the recorded one: four pairs are beyond it.
    assert_eq!(stand_in.fresh_tokens(), all[4..], "each is known as a secret");
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "no token comes twice");

    // And the same ones on every start.
    let again = playing(flow()).start().await;
    let mut same = first_pair(&again);
    for _ in 0..5 {
        same = granted(&again, &same.1.clone()).await;
    }
    assert_eq!(same, (access, refresh_token));
}

#[tokio::test]
async fn recorded_refreshes_are_handed_out_in_order() {
    let stand_in = playing(vec![
        got("member-1", MEMBER, "[1]"),
        refreshed("refresh-1", 1, 200, &pair(2)),
        refreshed("refresh-2", 2, 200, &pair(3)),
        with_token(got("member-2", MEMBER, "[2]"), 3),
    ])
    .start()
    .await;
    let (_, first) = first_pair(&stand_in);
    let second = stand_in.secret_values().find(|value| stand_in.hide(value) == "«refresh_token:2»").unwrap();
    assert_eq!(refresh(&stand_in, second).await.text(), NO_REFRESH, "not handed out yet");
    let (access_2, second) = granted(&stand_in, &first).await;
    let (access_3, third) = granted(&stand_in, &second).await;
    let shown = [access_2, second, access_3, third].map(|token| stand_in.hide(&token));
    assert_eq!(shown, ["«access_token:2»", "«refresh_token:2»", "«access_token:3»", "«refresh_token:3»"]);
}

#[tokio::test]
async fn a_provider_that_does_not_rotate_lets_its_refresh_token_live() {
    let answer = r#"{"access_token":"«access_token:2»"}"#;
    let exchanges = vec![got("member-1", MEMBER, "[1]"), refreshed("refresh-1", 1, 200, answer)];
    let stand_in = Played::of(
        profile_with(&[("      new_refresh_token: refresh_token\n", "")]),
        vec![fixture("flow", exchanges)],
    )
    .start()
    .await;
    let (first, refresh_token) = first_pair(&stand_in);
    let mut tokens = vec![first];
    for _ in 0..3 {
        let received = refresh(&stand_in, &refresh_token).await;
        tokens.push(received.json()["access_token"].as_str().unwrap().to_owned());
        assert_eq!(ask(&stand_in, &member(tokens.last().unwrap())).await.status(), 200);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
}

#[tokio::test]
async fn a_tokens_life_runs_on_the_stand_ins_clock() {
    let stand_in = playing(flow()).start().await;
    let at_ms = |ms| stand_in.clock().advance_to(Timestamp::from_millisecond(ms).unwrap());
    let (first, refresh_token) = first_pair(&stand_in);
    at_ms(1_000);
    let (access, refresh_token) = granted(&stand_in, &refresh_token).await;
    at_ms(3_999);
    assert_eq!(answer(&stand_in, &member(&access)).await, ok("[1]"));
    at_ms(4_000);
    assert_eq!(answer(&stand_in, &member(&access)).await, expired());
    // The one that the flow begins with has no recorded life.
    assert_eq!(answer(&stand_in, &member(&first)).await, ok("[2]"));
    let (access, _) = granted(&stand_in, &refresh_token).await;
    assert_eq!(answer(&stand_in, &member(&access)).await, ok("[3]"));
    at_ms(7_000);
    assert_eq!(answer(&stand_in, &member(&access)).await, expired(), "fresh tokens live no longer");
    assert_eq!(stand_in.seen()[0].at, Timestamp::from_millisecond(1_000).unwrap());
}

#[tokio::test]
async fn public_operations_need_no_token() {
    let stand_in = playing(flow()).fault("expired_token@member-1").start().await;
    let (access, _) = first_pair(&stand_in);
    assert_eq!(answer(&stand_in, &member(&access)).await, expired());
    for asked in
        [Ask::get("/find/a"), Ask::get("/find/a").bearer("nobody's"), Ask::get("/find/a").bearer(&access)]
    {
        assert_eq!(answer(&stand_in, &asked).await, ok("[0]"));
    }
}

#[tokio::test]
async fn a_provider_without_authentication_judges_none() {
    let stand_in =
        Played::of(counterpart_exchange::ProviderProfile::unknown("rooms"), vec![fixture("flow", flow())])
            .fault("expired_token@member-1")
            .start()
            .await;
    assert_eq!(stand_in.credentials().access_token, None);
    assert!(stand_in.unused_faults().len() == 1);
    assert_eq!(answer(&stand_in, &Ask::get("/find/a")).await, ok("[0]"));
}

#[tokio::test]
async fn a_recording_tells_what_its_tokens_are_worth() {
    let only_public = vec![recorded("find-1", "GET", "/find/a", 200, "[0]")];
    let only_refused = vec![
        recorded("find-1", "GET", "/find/a", 200, "[0]"),
        recorded("member-1", "GET", MEMBER, 401, EXPIRED),
    ];
    let no_answer =
        vec![Exchange { response: None, ..ending(got("member-1", MEMBER, ""), Ended::AnswerCutShort) }];
    let forbidden = vec![recorded("member-1", "GET", MEMBER, 403, "[4]")];
    for (exchanges, status) in
        [(only_public, Some(501)), (only_refused, Some(401)), (no_answer, None), (forbidden, Some(403))]
    {
        let described = format!("{:?}", exchanges.last().unwrap().request);
        let stand_in = playing(exchanges).start().await;
        let token = stand_in.credentials().access_token.clone().unwrap();
        let mut client = Client::connect(&stand_in).await;
        client.send(&member(&token).bytes()).await;
        client.finish_sending().await;
        client.rest().await;
        assert_eq!(stand_in.seen()[0].status, status, "{described}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_refused_once_it_was_used_begins_as_good() {
    let used_twice = vec![
        got("member-1", MEMBER, "[1]"),
        refreshed("refresh-1", 1, 200, &pair(2)),
        refreshed("refresh-2", 1, 403, NO_REFRESH),
    ];
    let stand_in = playing(used_twice).start().await;
    let (_, refresh_token) = first_pair(&stand_in);
    granted(&stand_in, &refresh_token).await;
    assert_eq!(refresh(&stand_in, &refresh_token).await.status(), 403);

    let only_refused = vec![got("member-1", MEMBER, "[1]"), refreshed("refresh-1", 1, 403, NO_REFRESH)];
    let stand_in = playing(only_refused).start().await;
    let (_, refresh_token) = first_pair(&stand_in);
    assert_eq!(refresh(&stand_in, &refresh_token).await.text(), NO_REFRESH);
}

#[tokio::test]
async fn a_fault_does_not_make_an_unknown_token_an_expired_one() {
    let stand_in = playing(flow()).fault("expired_token@member-1").start().await;
    assert_eq!(answer(&stand_in, &member("nobody's")).await, (401, UNKNOWN.to_owned()));
    assert_eq!(stand_in.unused_faults().len(), 1, "it had nothing to expire");
    let (access, _) = first_pair(&stand_in);
    assert_eq!(answer(&stand_in, &member(&access)).await, expired());
    assert_eq!(stand_in.unused_faults(), []);
    assert!(profile().errors.contains_key("expired_token"));
}

#[tokio::test]
async fn a_json_web_token_is_played_as_one_that_says_the_same() {
    use base64::Engine;
    use counterpart_exchange::{HeaderValue, redaction};
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let token = format!(
        "{}.{}.{}",
        encode(r#"{"alg":"RS256","typ":"JWT"}"#),
        encode(r#"{"sub":"42","email":"jo@example.org","scope":"rooms.read"}"#),
        encode("thirty-two bytes of a signature..")
    );
    let mut exchanges = vec![
        recorded("member-1", "GET", MEMBER, 200, "[1]"),
        recorded("member-2", "GET", MEMBER, 401, EXPIRED),
        recorded("member-3", "GET", MEMBER, 401, UNKNOWN),
    ];
    exchanges[0].request.headers.set("authorization", "x");
    for (_, value) in exchanges[0].request.headers.iter_mut() {
        *value = HeaderValue::Text(format!("Bearer {token}"));
    }
    let redacted = redaction::redact(exchanges, &profile(), &[]);
    let mut recording = fixture("flow", redacted.exchanges);
    recording.redacted.extend(redacted.values);
    let stand_in = Played::of(profile(), vec![recording]).start().await;

    let played = stand_in.credentials().access_token.clone().unwrap();
    assert_ne!(played, token);
    let claims =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(played.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        claims,
        serde_json::json!({"sub": "42", "email": "person-1@example.invalid", "scope": "rooms.read"})
    );
    assert_eq!(answer(&stand_in, &member(&played)).await, ok("[1]"));
    let forged = format!("{}x", &played[..played.len() - 1]);
    assert_eq!(answer(&stand_in, &member(&forged)).await, (401, UNKNOWN.to_owned()));
    assert_eq!(
        answer(&stand_in, &member(&token)).await,
        (401, UNKNOWN.to_owned()),
        "the real one is not known"
    );
}
