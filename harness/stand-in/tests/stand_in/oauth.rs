//! The authorization server: every way to a token, what refuses the others, and what the recording tells of it.

use crate::provider::{Played, fixture, got, profile_of, recorded, sending};
use crate::wire::{Ask, Received, ask};
use counterpart_exchange::{Body, Exchange, HeaderValue};
use counterpart_stand_in::{SeenNote, StandIn};
use jiff::Timestamp;

const PROFILE: &str = "
counterpart: provider/1
provider: rooms
operations:
  authorize: GET /oauth/authorize
  token: POST /oauth/token
  revoke: POST /oauth/revoke
  ping: GET /ping
  member: GET /rooms/{room}/member
  send: PUT /rooms/{room}/send/{txn}
auth:
  oauth2:
    authorize: authorize
    token: token
    revoke: revoke
    public: [ping]
    access_token_life_s: 3600
    refresh_tokens: {rotated: {life_s: 86400}}
    pkce: {required: {}}
    scopes:
      member: [rooms.read]
      send: [rooms.read, rooms.write]
    redirect_uris: [http://127.0.0.1]
errors:
  unknown_token: {status: 401, json: {soft_logout: true}}
";

const MEMBER: &str = "/rooms/a/member";
const CALLBACK: &str = "http://127.0.0.1:4000/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn flow() -> Vec<Exchange> {
    vec![
        recorded("ping-1", "GET", "/ping", 200, "[0]"),
        got("member-1", MEMBER, "[1]"),
        recorded("send-1", "PUT", "/rooms/a/send/1", 200, "[2]"),
    ]
}

/// The provider plays these exchanges, with some words of its profile exchanged for others.
pub(crate) fn oauth(exchanges: Vec<Exchange>, changes: &[(&str, &str)]) -> Played {
    let mut text = PROFILE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "no {from:?} in the profile");
        text = text.replace(from, to);
    }
    let mut played = Played::of(profile_of(&text), vec![fixture("flow", exchanges)]);
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::default();
    played
}

pub(crate) async fn post(stand_in: &StandIn, target: &str, form: &str) -> Received {
    ask(stand_in, &Ask::new("POST", target).body("application/x-www-form-urlencoded", form)).await
}

/// A token request of a client with a secret.
pub(crate) async fn token(stand_in: &StandIn, form: &str) -> Received {
    post(stand_in, "/oauth/token", &format!("client_id=app&client_secret=s&{form}")).await
}

async fn authorize(stand_in: &StandIn, more: &str) -> Received {
    let target = format!("/oauth/authorize?response_type=code&client_id=app{more}");
    ask(stand_in, &Ask::get(&target)).await
}

/// A field of the redirect's query.
fn told(received: &Received, name: &str) -> Option<String> {
    let location = received.all("location").first()?.to_string();
    let fields = counterpart_exchange::RequestTarget::of(&location).query_fields();
    fields.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

async fn code(stand_in: &StandIn, more: &str) -> String {
    let more =
        format!("&redirect_uri={CALLBACK}&code_challenge={CHALLENGE}&code_challenge_method=S256{more}");
    let received = authorize(stand_in, &more).await;
    assert_eq!(received.status_line, "HTTP/1.1 302 Found");
    told(&received, "code").unwrap()
}

async fn redeem(stand_in: &StandIn, code: &str) -> Received {
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    token(stand_in, &form).await
}

/// Access token and refresh token of a whole authorization.
pub(crate) async fn authorized(stand_in: &StandIn, more: &str) -> (String, String) {
    pair(&redeem(stand_in, &code(stand_in, more).await).await)
}

pub(crate) fn pair(received: &Received) -> (String, String) {
    assert_eq!(received.status(), 200, "{received:?}");
    let word = |name: &str| received.json()[name].as_str().unwrap_or_default().to_owned();
    (word("access_token"), word("refresh_token"))
}

pub(crate) async fn refresh(stand_in: &StandIn, refresh_token: &str) -> Received {
    token(stand_in, &format!("grant_type=refresh_token&refresh_token={refresh_token}")).await
}

pub(crate) async fn member(stand_in: &StandIn, access_token: &str) -> Received {
    ask(stand_in, &Ask::get(MEMBER).bearer(access_token)).await
}

fn error(received: &Received) -> (u16, String) {
    (received.status(), received.json()["error"].as_str().unwrap().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn wait_until_s(stand_in: &StandIn, second: i64) {
    stand_in.clock().advance_to(Timestamp::from_second(second).unwrap());
}

#[tokio::test]
async fn a_code_with_its_key_becomes_tokens() {
    let stand_in = oauth(flow(), &[]).start().await;
    let more = format!(
        "&redirect_uri={CALLBACK}%3Fx%3D1&state=a%26b%20c&code_challenge={CHALLENGE}&code_challenge_method=S256&scope=rooms.read"
    );
    let received = authorize(&stand_in, &more).await;
    assert_eq!(received.status_line, "HTTP/1.1 302 Found");
    assert!(received.all("location")[0].starts_with(&format!("{CALLBACK}?x=1&code=")), "{received:?}");
    assert_eq!(told(&received, "state").unwrap(), "a&b c");
    assert_eq!(received.all("cache-control"), ["no-store"]);
    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri={CALLBACK}%3Fx%3D1&code_verifier={VERIFIER}",
        told(&received, "code").unwrap()
    );
    let granted = token(&stand_in, &form).await;
    assert_eq!((granted.status(), granted.all("cache-control")), (200, vec!["no-store"]));
    assert_eq!(granted.json()["token_type"], "Bearer");
    assert_eq!(granted.json()["expires_in"], 3600);
    let (access, _) = pair(&granted);
    assert_eq!(member(&stand_in, &access).await.text(), "[1]");
    assert_eq!(
        stand_in.seen().last().unwrap().note,
        SeenNote::Replayed,
        "what the token opens is the recording"
    );
    // Codes and tokens are secrets that no placeholder stands for, and the same on every start.
    let fresh = stand_in.fresh_tokens();
    assert!(fresh.len() == 3 && fresh.contains(&access), "{fresh:?}");
    let again = oauth(flow(), &[]).start().await;
    authorized(&again, "").await;
    assert_eq!(again.fresh_tokens(), fresh);
}

#[tokio::test]
async fn what_is_wrong_with_the_redirect_is_never_redirected() {
    let stand_in = oauth(flow(), &[]).start().await;
    for uri in [
        "&redirect_uri=http://127.0.0.1.evil.example/cb",
        "&redirect_uri=https://evil.example/cb",
        "&redirect_uri=http://127.0.0.1/cb%23fragment",
        "&redirect_uri=http://127.0.0.1/%0d%0aset-cookie:%20a",
        "&redirect_uri=/callback",
    ] {
        let received = authorize(&stand_in, &format!("{uri}&state=s")).await;
        assert_eq!((received.status(), received.all("location")), (400, vec![]), "{uri}");
        assert_eq!(received.all("set-cookie"), [] as [&str; 0]);
    }
    let without = ask(&stand_in, &Ask::get(&format!("/oauth/authorize?redirect_uri={CALLBACK}"))).await;
    assert_eq!((without.status(), without.all("location")), (400, vec![]));
    // Where only one is registered it need not be said.
    let received = authorize(&stand_in, "&code_challenge=x").await;
    assert!(received.all("location")[0].starts_with("http://127.0.0.1?error=invalid_request"));
}

#[tokio::test]
async fn other_mistakes_are_told_by_the_redirect_with_the_clients_state() {
    let stand_in = oauth(flow(), &[]).start().await;
    let key = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    for (more, error) in [
        (String::new(), "invalid_request"),
        (format!("&code_challenge={CHALLENGE}"), "invalid_request"),
        ("&code_challenge=short&code_challenge_method=S256".to_owned(), "invalid_request"),
        (format!("&code_challenge={CHALLENGE}&code_challenge_method=S512"), "invalid_request"),
        (format!("{key}&scope=a%22b"), "invalid_scope"),
        (format!("{key}&scope=a&scope=b"), "invalid_request"),
    ] {
        let received = authorize(&stand_in, &format!("&redirect_uri={CALLBACK}&state=s{more}")).await;
        let told = (told(&received, "error").unwrap(), told(&received, "state"), told(&received, "code"));
        assert_eq!(told, (error.to_owned(), Some("s".to_owned()), None), "{more}");
    }
    let implicit = format!("/oauth/authorize?response_type=token&client_id=app&redirect_uri={CALLBACK}");
    assert_eq!(
        told(&ask(&stand_in, &Ask::get(&implicit)).await, "error").unwrap(),
        "unsupported_response_type"
    );
}

#[tokio::test]
async fn a_code_is_good_once_shortly_and_for_who_got_it() {
    let stand_in = oauth(flow(), &[]).start().await;
    let first = code(&stand_in, "").await;
    let form = |verifier: &str, uri: &str| {
        format!("grant_type=authorization_code&code={first}&redirect_uri={uri}{verifier}")
    };
    let key = format!("&code_verifier={VERIFIER}");
    let other_key = format!("&code_verifier={}", "a".repeat(43));
    for wrong in
        [form("", CALLBACK), form(&other_key, CALLBACK), form(&key, "http://127.0.0.1:4001/callback")]
    {
        assert_eq!(error(&token(&stand_in, &wrong).await), refused(400, "invalid_grant"), "{wrong}");
    }
    let stolen =
        post(&stand_in, "/oauth/token", &format!("client_id=other&client_secret=s&{}", form(&key, CALLBACK)))
            .await;
    assert_eq!(error(&stolen), refused(400, "invalid_grant"));
    // None of it used the code up.
    let (access, refresh_token) = pair(&redeem(&stand_in, &first).await);
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    assert_eq!(error(&redeem(&stand_in, &first).await), refused(400, "invalid_grant"));
    assert_eq!(member(&stand_in, &access).await.status(), 401, "its tokens went with it");
    assert_eq!(error(&refresh(&stand_in, &refresh_token).await), refused(400, "invalid_grant"));

    let late = code(&stand_in, "").await;
    wait_until_s(&stand_in, 600);
    assert_eq!(error(&redeem(&stand_in, &late).await), refused(400, "invalid_grant"));
    assert_eq!(error(&redeem(&stand_in, "nobody's").await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn a_refresh_rotates_and_a_used_token_takes_its_family_along() {
    let stand_in = oauth(flow(), &[]).start().await;
    let (_, other) = authorized(&stand_in, "").await;
    let (first_access, first) = authorized(&stand_in, "").await;
    let (access, second) = pair(&refresh(&stand_in, &first).await);
    assert!(first != second && first_access != access);
    assert_eq!(member(&stand_in, &first_access).await.status(), 200, "it lives until it expires");
    assert_eq!(error(&refresh(&stand_in, &first).await), refused(400, "invalid_grant"));
    for token in [&first_access, &access] {
        assert_eq!(member(&stand_in, token).await.status(), 401);
    }
    assert_eq!(error(&refresh(&stand_in, &second).await), refused(400, "invalid_grant"));
    assert_eq!(refresh(&stand_in, &other).await.status(), 200, "another family is another family");
}

#[tokio::test]
async fn refresh_tokens_follow_the_profile() {
    let rotated = "refresh_tokens: {rotated: {life_s: 86400}}";
    let refuse = oauth(flow(), &[(rotated, "refresh_tokens: {rotated: {on_reuse: refuse}}")]).start().await;
    let (_, first) = authorized(&refuse, "").await;
    let (access, second) = pair(&refresh(&refuse, &first).await);
    assert_eq!(refresh(&refuse, &first).await.status(), 400);
    assert_eq!(
        (member(&refuse, &access).await.status(), refresh(&refuse, &second).await.status()),
        (200, 200)
    );

    let kept = oauth(flow(), &[(rotated, "refresh_tokens: {kept: {life_s: 100}}")]).start().await;
    let (_, only) = authorized(&kept, "").await;
    for _ in 0..3 {
        let (access, none) = pair(&refresh(&kept, &only).await);
        assert_eq!((member(&kept, &access).await.status(), none.as_str()), (200, ""));
    }
    wait_until_s(&kept, 100);
    assert_eq!(error(&refresh(&kept, &only).await), refused(400, "invalid_grant"));

    let none = oauth(flow(), &[(rotated, "refresh_tokens: not_issued")]).start().await;
    let (access, absent) = authorized(&none, "").await;
    assert_eq!((member(&none, &access).await.status(), absent.as_str()), (200, ""));

    let lived = oauth(flow(), &[]).start().await;
    let (_, first) = authorized(&lived, "").await;
    wait_until_s(&lived, 86_399);
    let (_, second) = pair(&refresh(&lived, &first).await);
    wait_until_s(&lived, 86_400 + 86_398);
    let (_, third) = pair(&refresh(&lived, &second).await);
    wait_until_s(&lived, 4 * 86_400);
    assert_eq!(error(&refresh(&lived, &third).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn a_client_has_a_token_of_its_own_if_it_has_a_secret() {
    let stand_in = oauth(flow(), &[]).start().await;
    let granted = token(&stand_in, "grant_type=client_credentials").await;
    let (access, absent) = pair(&granted);
    assert_eq!((member(&stand_in, &access).await.status(), absent.as_str()), (200, ""));
    assert_eq!(granted.json()["scope"], "rooms.read rooms.write", "it was not asked for, so it is told");
    let basic = Ask::new("POST", "/oauth/token")
        .header("authorization", "Basic YXBwOnM=")
        .body("application/x-www-form-urlencoded", "grant_type=client_credentials");
    assert_eq!(ask(&stand_in, &basic).await.status(), 200);
    let as_json = r#"{"grant_type":"client_credentials","client_id":"app","client_secret":"s"}"#;
    assert_eq!(ask(&stand_in, &Ask::new("POST", "/oauth/token").json(as_json)).await.status(), 200);
    let public = post(&stand_in, "/oauth/token", "client_id=app&grant_type=client_credentials").await;
    assert_eq!(error(&public), refused(400, "unauthorized_client"));
    for (form, code) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=u&password=p", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=%22", "invalid_scope"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=authorization_code", "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
    ] {
        assert_eq!(error(&token(&stand_in, form).await), refused(400, code), "{form}");
    }
    let no_basic = oauth(flow(), &[("    public:", "    client_authentication: [body]\n    public:")]);
    let no_basic = no_basic.start().await;
    let received = ask(&no_basic, &basic).await;
    assert_eq!(error(&received), refused(401, "invalid_client"));
    assert_eq!(received.all("www-authenticate"), ["Basic realm=\"rooms\""]);
}

#[tokio::test]
async fn a_resource_says_what_is_wrong_with_a_token() {
    let stand_in = oauth(flow(), &[]).start().await;
    let (access, _) = authorized(&stand_in, "&scope=rooms.read").await;
    let challenge = |received: &Received| received.all("www-authenticate").join(", ");
    let none = ask(&stand_in, &Ask::get(MEMBER)).await;
    assert_eq!((none.status(), challenge(&none).as_str()), (401, "Bearer realm=\"rooms\""));
    let unknown = member(&stand_in, "nobody's").await;
    assert_eq!(error(&unknown), refused(401, "invalid_token"));
    assert_eq!(
        challenge(&unknown),
        "Bearer realm=\"rooms\", error=\"invalid_token\", error_description=\"the access token is not known\""
    );
    let send = ask(&stand_in, &Ask::new("PUT", "/rooms/a/send/1").bearer(&access)).await;
    assert_eq!(error(&send), refused(403, "insufficient_scope"));
    assert!(challenge(&send).ends_with("scope=\"rooms.read rooms.write\""), "{send:?}");
    let twice = Ask::get(MEMBER).bearer(&access).bearer(&access);
    assert_eq!(error(&ask(&stand_in, &twice).await), refused(400, "invalid_request"));
    wait_until_s(&stand_in, 3_599);
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    wait_until_s(&stand_in, 3_600);
    let expired = member(&stand_in, &access).await;
    assert_eq!(error(&expired), refused(401, "invalid_token"));
    assert_eq!(expired.json()["error_description"], "the access token has expired");
    assert_eq!(ask(&stand_in, &Ask::get("/ping")).await.text(), "[0]", "public");
    // What the recording saw accepted is good from the start, and has no recorded life.
    assert_eq!(ask(&stand_in, &Ask::get(MEMBER).of_user(&stand_in)).await.status(), 200);
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_not_for_more() {
    let stand_in = oauth(flow(), &[]).start().await;
    let (_, first) = authorized(&stand_in, "&scope=rooms.read%20rooms.write").await;
    let (access, second) = pair(&refresh(&stand_in, &format!("{first}&scope=rooms.read")).await);
    let send = Ask::new("PUT", "/rooms/a/send/1").bearer(&access);
    assert_eq!(ask(&stand_in, &send).await.status(), 403);
    let more = refresh(&stand_in, &format!("{second}&scope=rooms.read%20admin")).await;
    assert_eq!(error(&more), refused(400, "invalid_scope"));
    let (access, _) = pair(&refresh(&stand_in, &second).await);
    assert_eq!(ask(&stand_in, &Ask::new("PUT", "/rooms/a/send/1").bearer(&access)).await.text(), "[2]");
}

#[tokio::test]
async fn a_token_can_be_given_back() {
    let stand_in = oauth(flow(), &[]).start().await;
    let give_back = async |client: &str, token: &str| {
        post(&stand_in, "/oauth/revoke", &format!("client_id={client}&client_secret=s&token={token}")).await
    };
    let (access, refresh_token) = authorized(&stand_in, "").await;
    assert_eq!(error(&give_back("other", &access).await), refused(400, "unauthorized_client"));
    let unknown = give_back("app", "nobody's").await;
    assert_eq!((unknown.status(), unknown.text()), (200, ""), "RFC 7009 section 2.2");
    assert_eq!(give_back("app", &access).await.status(), 200);
    assert_eq!(member(&stand_in, &access).await.status(), 401);
    let (access, refresh_token) = pair(&refresh(&stand_in, &refresh_token).await);
    assert_eq!(give_back("app", &refresh_token).await.status(), 200);
    assert_eq!(member(&stand_in, &access).await.status(), 401, "the whole grant");
    assert_eq!(error(&refresh(&stand_in, &refresh_token).await), refused(400, "invalid_grant"));
    assert_eq!(error(&give_back("app", "").await), refused(400, "invalid_request"));
}

/// A recorded token request of a client, answered with tokens of a number.
fn recorded_grant(id: &str, form: &str, number: usize) -> Exchange {
    let answer = format!(
        r#"{{"scope":"all","instance_url":"https://x","access_token":"«access_token:{number}»","refresh_token":"«refresh_token:{number}»","expires_in":7200,"issued_at":1}}"#
    );
    sent_form(recorded(id, "POST", "/oauth/token", 200, &answer), form)
}

fn sent_form(mut exchange: Exchange, form: &str) -> Exchange {
    exchange.request.headers.remove("authorization");
    exchange.request.headers.set("content-type", "application/x-www-form-urlencoded");
    let pairs = form.split('&').map(|pair| pair.split_once('=').unwrap());
    exchange.request.body = Body::Form(pairs.map(|(name, value)| (name.into(), value.into())).collect());
    exchange
}

#[tokio::test]
async fn what_was_recorded_gives_form_client_and_first_tokens() {
    let client = "client_id=recorded&client_secret=«client_secret:1»";
    let mut exchanges = flow();
    exchanges.push(recorded_grant(
        "token-1",
        &format!("grant_type=refresh_token&refresh_token=«refresh_token:1»&{client}"),
        2,
    ));
    let no_life = ("    access_token_life_s: 3600\n", "");
    let no_scopes = ("    scopes:\n      member: [rooms.read]\n      send: [rooms.read, rooms.write]\n", "");
    let stand_in = oauth(exchanges, &[no_life, no_scopes]).start().await;
    let credentials = stand_in.credentials().clone();
    assert_eq!(credentials.client_id.as_deref(), Some("recorded"));
    let secret = credentials.client_secret.unwrap();
    assert_eq!(stand_in.hide(&secret), "«client_secret:1»");
    let first = credentials.refresh_token.unwrap();
    let refreshed = async |token: &str, secret: &str| {
        let form = format!(
            "client_id=recorded&client_secret={secret}&grant_type=refresh_token&refresh_token={token}"
        );
        post(&stand_in, "/oauth/token", &form).await
    };
    assert_eq!(error(&refreshed(&first, "other").await), refused(400, "invalid_client"));
    assert_eq!(error(&refresh(&stand_in, &first).await), refused(400, "invalid_client"));
    let granted = refreshed(&first, &secret).await;
    let hidden = stand_in.hide(granted.text());
    assert_eq!(
        hidden,
        r#"{"scope":"all","instance_url":"https://x","access_token":"«access_token:2»","refresh_token":"«refresh_token:2»","expires_in":7200,"issued_at":1}"#
    );
    assert_eq!(stand_in.seen().last().unwrap().exchange.as_deref(), Some("rooms/flow#token-1"));
    let (_, second) = pair(&granted);
    let (access, third) = pair(&refreshed(&second, &secret).await);
    assert_eq!(stand_in.fresh_tokens(), [access.clone(), third], "beyond the recording");
    wait_until_s(&stand_in, 7_199);
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    wait_until_s(&stand_in, 7_200);
    assert_eq!(member(&stand_in, &access).await.status(), 401, "the recorded life");
}

#[tokio::test]
async fn a_recorded_code_is_good_once() {
    let mut exchanges = flow();
    let form =
        "grant_type=authorization_code&code=«code:1»&client_id=recorded&code_verifier=«code_verifier:1»";
    exchanges.push(recorded_grant("token-1", form, 2));
    let stand_in = oauth(exchanges, &[]).start().await;
    let values: Vec<_> = stand_in.stand_in_values().collect();
    let (_, code) = values.iter().find(|(name, _)| name == "code:1").unwrap();
    let form = format!("grant_type=authorization_code&client_id=recorded&code={code}");
    let granted = post(&stand_in, "/oauth/token", &form).await;
    assert_eq!(granted.json()["expires_in"], 3600, "the profile's life is told in the recorded form");
    assert_eq!(error(&post(&stand_in, "/oauth/token", &form).await), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn other_grants_are_replayed_if_they_were_recorded() {
    let mut exchanges = flow();
    exchanges.push(recorded_grant("token-1", "grant_type=password&username=u&password=p&client_id=app", 2));
    let stand_in = oauth(exchanges, &[]).start().await;
    let (access, refresh_token) = pair(
        &post(&stand_in, "/oauth/token", "grant_type=password&username=u&password=p&client_id=app").await,
    );
    assert_eq!(stand_in.seen().last().unwrap().note, SeenNote::Replayed);
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    let form = format!("client_id=app&grant_type=refresh_token&refresh_token={refresh_token}");
    assert_eq!(post(&stand_in, "/oauth/token", &form).await.status(), 200);
}

#[tokio::test]
async fn the_providers_own_form_of_an_error_comes_first() {
    let profile = profile_of(&PROFILE.replace(
        "errors:\n",
        "errors:\n  invalid_grant: {status: 422}\n  insufficient_scope: {status: 403}\n",
    ));
    let evidence = fixture(
        "errors",
        vec![
            recorded("member-1", "GET", MEMBER, 401, r#"{"soft_logout":true}"#),
            recorded("token-1", "POST", "/oauth/token", 422, r#"{"code":"GRANT"}"#),
            recorded("member-2", "GET", MEMBER, 403, r#"{"code":"SCOPE"}"#),
        ],
    );
    let mut played = Played::of(profile.clone(), vec![fixture("flow", flow())]);
    played.config.providers[0].forms = counterpart_stand_in::ErrorForms::from_evidence(&profile, [&evidence]);
    let stand_in = played.start().await;
    let shown = |received: Received| (received.status(), received.text().to_owned());
    assert_eq!(shown(refresh(&stand_in, "nobody's").await), (422, r#"{"code":"GRANT"}"#.to_owned()));
    assert_eq!(shown(member(&stand_in, "x").await), (401, r#"{"soft_logout":true}"#.to_owned()));
    let (access, _) = authorized(&stand_in, "&scope=other").await;
    assert_eq!(shown(member(&stand_in, &access).await), (403, r#"{"code":"SCOPE"}"#.to_owned()));
}

/// The secret of Basic credentials is redacted together with the id: another name of the same client.
#[tokio::test]
async fn a_client_that_was_recorded_with_basic_is_known_by_both_names() {
    let mut grant = recorded_grant("token-1", "grant_type=refresh_token&refresh_token=«refresh_token:1»", 2);
    grant.request.headers.append("authorization", HeaderValue::Text("Basic «basic:1»".to_owned()));
    let target = format!(
        "/oauth/authorize?response_type=code&client_id=recorded&redirect_uri={CALLBACK}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let mut asked = recorded("authorize-1", "GET", &target, 200, r#""login""#);
    asked.request.headers.remove("authorization");
    let stand_in = oauth([flow(), vec![asked, grant]].concat(), &[]).start().await;
    let received = ask(&stand_in, &Ask::get(&target)).await;
    let code = told(&received, "code").unwrap();
    let values: Vec<_> = stand_in.stand_in_values().collect();
    let (_, basic) = values.iter().find(|(name, _)| name == "basic:1").unwrap();
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let request = Ask::new("POST", "/oauth/token")
        .header("authorization", &format!("Basic {basic}"))
        .body("application/x-www-form-urlencoded", &form);
    assert_eq!(ask(&stand_in, &request).await.status(), 200);
    let stranger = ask(&stand_in, &Ask::get(&target.replace("recorded", "stranger"))).await;
    assert_eq!((stranger.status(), stranger.all("location")), (400, vec![]));
}

/// A body that is sent as JSON or with an unusual encoding is read as well.
#[tokio::test]
async fn a_recorded_json_request_teaches_as_much_as_a_form() {
    let grant = recorded_grant("token-1", "a=b", 2);
    let body = r#"{"grant_type":"refresh_token","refresh_token":"«refresh_token:1»","client_id":"app"}"#;
    let stand_in = oauth([flow(), vec![sending(grant, body)]].concat(), &[]).start().await;
    let first = stand_in.credentials().refresh_token.clone().unwrap();
    let form = format!("grant_type=refresh%5ftoken&client_id=app&refresh_token={first}");
    assert_eq!(post(&stand_in, "/oauth/token", &form).await.status(), 200);
}
