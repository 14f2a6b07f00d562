//! Faults of tokens and of the endpoint that hands them out, as a client of bytes sees them: with a provider that
//! is an authorization server, and with one that refreshes in a way of its own.

use crate::faults::struck;
use crate::oauth::{authorized, flow, member, oauth, pair as pair_of, refresh, token};
use crate::provider::{got, pair, playing, refreshed};
use crate::wire::{Ask, Received, ask};
use counterpart_stand_in::{SeenNote, StandIn};

cases! {
    expires_in_missing: nobody_says_how_long_the_token_lives,
    expires_in_text: the_life_is_told_as_text,
    forbidden_for_expiry: an_expired_token_gets_403,
    missing_scope: a_scope_is_gone_until_somebody_authorises_anew,
    missing_scope: an_operation_is_gone_where_no_scope_is_named,
    refresh_token_missing: no_new_refresh_token_comes_and_the_old_one_stays_good,
    revoked_token: the_whole_grant_is_refused_for_good,
    token_error_with_200: the_refusal_comes_with_200,
    token_form_encoded: the_tokens_come_as_a_form,
}

const MEMBER: &str = "/rooms/a/member";

/// The provider with a refresh of its own, and a fault.
async fn bearer_with(spec: &str) -> StandIn {
    let exchanges = vec![
        got("member-1", MEMBER, "[1]"),
        got("messages-1", "/rooms/a/messages", "[2]"),
        refreshed("refresh-1", 1, 200, &pair(2)),
    ];
    playing(exchanges).fault(spec).start().await
}

/// Its refresh, with the refresh token that the flow begins with.
async fn own_refresh(stand_in: &StandIn) -> Received {
    let refresh_token = stand_in.credentials().refresh_token.clone().unwrap();
    let body = format!(r#"{{"refresh_token":"{refresh_token}"}}"#);
    ask(stand_in, &Ask::new("POST", "/refresh").json(&body)).await
}

async fn of_user(stand_in: &StandIn, target: &str) -> Received {
    ask(stand_in, &Ask::get(target).of_user(stand_in)).await
}

async fn nobody_says_how_long_the_token_lives(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@token")).start().await;
    let granted = token(&stand_in, "grant_type=client_credentials").await;
    assert_eq!(granted.status_line, "HTTP/1.1 200 OK");
    assert!(granted.json().get("expires_in").is_none(), "{}", granted.text());
    let (access, _) = pair_of(&granted);
    stand_in.clock().advance_to(jiff::Timestamp::from_second(3_599).unwrap());
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    stand_in.clock().advance_to(jiff::Timestamp::from_second(3_600).unwrap());
    assert_eq!(member(&stand_in, &access).await.status(), 401, "it expires as it would have");
    assert_eq!(token(&stand_in, "grant_type=client_credentials").await.json()["expires_in"], 3600);
    struck(&stand_in, fault, &[0]);

    let stand_in = bearer_with(&format!("{fault}@refresh-1")).await;
    let granted = own_refresh(&stand_in).await.json();
    assert!(granted.get("expires_in_ms").is_none() && granted.get("access_token").is_some(), "{granted}");
    struck(&stand_in, fault, &[0]);
}

async fn the_life_is_told_as_text(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@token")).start().await;
    let granted = token(&stand_in, "grant_type=client_credentials").await;
    assert_eq!(granted.json()["expires_in"], "3600");
    struck(&stand_in, fault, &[0]);

    let stand_in = bearer_with(&format!("{fault}@refresh")).await;
    assert_eq!(own_refresh(&stand_in).await.json()["expires_in_ms"], "3000");
    struck(&stand_in, fault, &[0]);
}

async fn an_expired_token_gets_403(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@member")).start().await;
    let (access, refresh_token) = authorized(&stand_in, "").await;
    for _ in 0..2 {
        let received = member(&stand_in, &access).await;
        assert_eq!(received.status_line, "HTTP/1.1 403 Forbidden");
        assert_eq!(received.json()["error"], "invalid_token");
    }
    let (access, _) = pair_of(&refresh(&stand_in, &refresh_token).await);
    assert_eq!(member(&stand_in, &access).await.text(), "[1]");
    struck(&stand_in, fault, &[2]);

    let stand_in = bearer_with(&format!("{fault}@member-1")).await;
    let received = of_user(&stand_in, MEMBER).await;
    assert_eq!(
        (received.status_line.as_str(), received.text()),
        ("HTTP/1.1 403 Forbidden", r#"{"errcode":"EXPIRED","soft_logout":true}"#),
        "the form of expiry, the status of a permission"
    );
    struck(&stand_in, fault, &[0]);
}

async fn a_scope_is_gone_until_somebody_authorises_anew(fault: &str) {
    let stand_in =
        oauth(flow(), &[]).fault(&format!(r#"{fault}{{"scope":"rooms.write"}}@send"#)).start().await;
    let send = |token: &str| Ask::new("PUT", "/rooms/a/send/1").bearer(token);
    let (access, refresh_token) = authorized(&stand_in, "").await;
    let received = ask(&stand_in, &send(&access)).await;
    assert_eq!(received.status_line, "HTTP/1.1 403 Forbidden");
    assert_eq!(received.json()["error"], "insufficient_scope");
    assert_eq!(
        received.all("www-authenticate"),
        [
            "Bearer realm=\"rooms\", error=\"insufficient_scope\", error_description=\"the access token lacks a scope\", scope=\"rooms.read rooms.write\""
        ]
    );
    assert_eq!(member(&stand_in, &access).await.status(), 200, "the other scope is left");
    let refreshed = refresh(&stand_in, &refresh_token).await;
    assert_eq!(refreshed.json()["scope"], "rooms.read", "the client is told what is left");
    assert_eq!(ask(&stand_in, &send(&pair_of(&refreshed).0)).await.status(), 403);
    let (access, _) = authorized(&stand_in, "").await;
    assert_eq!(ask(&stand_in, &send(&access)).await.text(), "[2]");
    struck(&stand_in, fault, &[2]);

    let stand_in = oauth(flow(), &[]).fault(&format!(r#"{fault}{{"scope":"admin"}}@send"#)).start().await;
    let (access, _) = authorized(&stand_in, "").await;
    assert_eq!(ask(&stand_in, &send(&access)).await.text(), "[2]");
    let why = "`send` does not need the scope `admin` by `auth.oauth2.scopes`";
    assert_eq!(stand_in.seen()[2].note, SeenNote::FaultInapplicable(why.to_owned()));
}

async fn an_operation_is_gone_where_no_scope_is_named(fault: &str) {
    let stand_in = bearer_with(&format!("{fault}@member-1")).await;
    for _ in 0..2 {
        let received = of_user(&stand_in, MEMBER).await;
        assert_eq!(
            (received.status(), received.text()),
            (403, r#"{"errcode":"FORBIDDEN"}"#),
            "the provider's own form of 403"
        );
    }
    assert_eq!(of_user(&stand_in, "/rooms/a/messages").await.text(), "[2]");
    let granted = own_refresh(&stand_in).await.json();
    let renewed = Ask::get(MEMBER).bearer(granted["access_token"].as_str().unwrap());
    assert_eq!(ask(&stand_in, &renewed).await.status(), 403, "a refresh does not bring it back");
    struck(&stand_in, fault, &[0]);
}

async fn no_new_refresh_token_comes_and_the_old_one_stays_good(fault: &str) {
    let plan = format!(r#"{{"at":{{"request":{{"to":"token","nth":2}}}},"fault":"{fault}"}}"#);
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let planned = counterpart_stand_in::PlannedFault {
        at: serde_json::from_value(plan["at"].clone()).unwrap(),
        times: counterpart_stand_in::Times::default(),
        inject: counterpart_stand_in::Fault::named(fault, serde_json::json!({})).unwrap(),
    };
    let stand_in = oauth(flow(), &[]).planned(planned).start().await;
    let (_, first) = authorized(&stand_in, "").await;
    let granted = refresh(&stand_in, &first).await;
    assert!(granted.json().get("refresh_token").is_none(), "{}", granted.text());
    let (access, _) = pair_of(&granted);
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    let (_, second) = pair_of(&refresh(&stand_in, &first).await);
    assert_eq!(refresh(&stand_in, &second).await.status(), 200);
    assert_eq!(refresh(&stand_in, &first).await.status(), 400, "now it is used up");
    struck(&stand_in, fault, &[2]);

    let stand_in = bearer_with(&format!("{fault}@refresh")).await;
    assert!(own_refresh(&stand_in).await.json().get("refresh_token").is_none());
    assert!(own_refresh(&stand_in).await.json().get("refresh_token").is_some());
    assert_eq!(own_refresh(&stand_in).await.status(), 403);
    struck(&stand_in, fault, &[0]);
}

async fn the_whole_grant_is_refused_for_good(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@member")).start().await;
    let (access, refresh_token) = authorized(&stand_in, "").await;
    for _ in 0..2 {
        let received = member(&stand_in, &access).await;
        assert_eq!(received.status_line, "HTTP/1.1 401 Unauthorized");
        assert_eq!(received.json()["error_description"], "the access token was revoked");
    }
    let received = refresh(&stand_in, &refresh_token).await;
    assert_eq!((received.status(), received.json()["error"].as_str()), (400, Some("invalid_grant")));
    let (access, _) = authorized(&stand_in, "").await;
    assert_eq!(member(&stand_in, &access).await.text(), "[1]");
    struck(&stand_in, fault, &[2]);

    let stand_in = bearer_with(&format!("{fault}@member-1")).await;
    let received = of_user(&stand_in, MEMBER).await;
    assert_eq!(
        (received.status(), received.text()),
        (401, r#"{"errcode":"UNKNOWN","soft_logout":false}"#),
        "the provider's own form of a token that is not good"
    );
    let received = own_refresh(&stand_in).await;
    assert_eq!((received.status(), received.text()), (403, r#"{"errcode":"NO_REFRESH"}"#));
    struck(&stand_in, fault, &[0]);
}

async fn the_refusal_comes_with_200(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@token")).start().await;
    let received = token(&stand_in, "grant_type=client_credentials").await;
    assert_eq!(
        (received.status_line.as_str(), received.text()),
        ("HTTP/1.1 200 OK", r#"{"error":"invalid_grant"}"#)
    );
    assert_eq!(token(&stand_in, "grant_type=client_credentials").await.status(), 200);
    struck(&stand_in, fault, &[0]);

    let spec = format!(r#"{fault}{{"error":"temporarily_unavailable"}}@token"#);
    let stand_in = oauth(flow(), &[]).fault(&spec).start().await;
    let received = token(&stand_in, "grant_type=client_credentials").await;
    assert_eq!(received.text(), r#"{"error":"temporarily_unavailable"}"#);

    let stand_in = bearer_with(&format!("{fault}@refresh-1")).await;
    let received = own_refresh(&stand_in).await;
    assert_eq!((received.status(), received.text()), (200, r#"{"errcode":"NO_REFRESH"}"#));
    assert!(own_refresh(&stand_in).await.json().get("access_token").is_some(), "nothing was used up");
    struck(&stand_in, fault, &[0]);

    let stand_in = bearer_with(&format!("{fault}@member-1")).await;
    assert_eq!(of_user(&stand_in, MEMBER).await.text(), "[1]");
    let why = "`member` hands out no tokens; put the fault at `refresh`";
    assert_eq!(stand_in.seen()[0].note, SeenNote::FaultInapplicable(why.to_owned()));
}

async fn the_tokens_come_as_a_form(fault: &str) {
    let stand_in = oauth(flow(), &[]).fault(&format!("{fault}@token")).start().await;
    let received = token(&stand_in, "grant_type=client_credentials&scope=rooms.read").await;
    assert_eq!(received.status_line, "HTTP/1.1 200 OK");
    assert_eq!(received.all("content-type"), ["application/x-www-form-urlencoded; charset=utf-8"]);
    let access = stand_in.fresh_tokens().pop().unwrap();
    assert_eq!(received.text(), format!("access_token={access}&token_type=Bearer&expires_in=3600"));
    assert_eq!(member(&stand_in, &access).await.status(), 200);
    struck(&stand_in, fault, &[0]);

    let stand_in = bearer_with(&format!("{fault}@refresh")).await;
    let received = own_refresh(&stand_in).await;
    let hidden = stand_in.hide(received.text());
    assert_eq!(hidden, "access_token=«access_token:2»&refresh_token=«refresh_token:2»&expires_in_ms=3000");
    struck(&stand_in, fault, &[0]);
}

/// A fault of the tokens that are handed out waits while none are.
#[tokio::test]
async fn it_waits_while_the_token_endpoint_refuses() {
    let stand_in = oauth(flow(), &[]).fault("token_form_encoded@token").start().await;
    assert_eq!(refresh(&stand_in, "nobody's").await.status(), 400);
    assert_eq!((stand_in.seen()[0].fault, stand_in.unused_faults().len()), (None, 1));
    token(&stand_in, "grant_type=client_credentials").await;
    struck(&stand_in, "token_form_encoded", &[1]);
}

/// An answer that was recorded and is replayed is changed in the same way.
#[tokio::test]
async fn a_replayed_token_answer_is_changed_too() {
    let answer = r#"{"access_token":"«access_token:2»","expires_in":60}"#;
    let mut grant = crate::provider::recorded("token-1", "POST", "/oauth/token", 200, answer);
    grant.request.headers.remove("authorization");
    let body = r#"{"grant_type":"urn:x:device_code","device_code":"d"}"#;
    let grant = crate::provider::sending(grant, body);
    let stand_in = oauth([flow(), vec![grant]].concat(), &[]).fault("expires_in_text@token-1").start().await;
    let received = ask(&stand_in, &Ask::new("POST", "/oauth/token").json(body)).await;
    assert_eq!(received.json()["expires_in"], "60");
    struck(&stand_in, "expires_in_text", &[0]);
}
