//! `auth.bearer.refresh`: a provider's own way to a new token, with field names of its own.

use super::grant::GrantBody;
use super::recorded::GrantKind;
use super::store::RefreshStanding;
use super::{Judgement, Tokens, until};
use crate::forms::ErrorForms;
use counterpart_exchange::{Body, Refresh, Request, Response};
use jiff::Timestamp;

/// Answers a refresh.
pub(super) fn refresh(
    tokens: &mut Tokens,
    refresh: &Refresh,
    forms: &ErrorForms,
    request: &Request,
    now: Timestamp,
) -> Judgement {
    let sent = field(&request.body, &refresh.refresh_token);
    let good = sent.and_then(|sent| match tokens.store.refresh_standing(&sent, now) {
        RefreshStanding::Good(family) => Some((sent, family)),
        _ => None,
    });
    let recorded =
        tokens.recorded.next(GrantKind::Refresh).map(|(answer, is_first)| (answer.clone(), is_first));
    let (Some((sent, family)), Some((recorded, is_first))) = (good, recorded) else {
        let meaning = "refused: the refresh token is not good";
        return Judgement::Answered(Box::new(forms.form("refresh_refused", 401, meaning)), meaning, None);
    };
    let answer = if is_first { recorded.response } else { renewed(tokens, refresh, recorded.response) };
    tokens.recorded.count(GrantKind::Refresh);
    let life_ms =
        answer.body.json().and_then(|json| json.to_value().get(refresh.expires_in_ms.as_ref()?)?.as_i64());
    if let Some(token) = field(&answer.body, &refresh.access_token) {
        tokens.store.issue_access(token, family, None, until(now, life_ms), now);
    }
    if let Some(token) = refresh.new_refresh_token.as_ref().and_then(|name| field(&answer.body, name)) {
        // Rotation: the old one is used up.
        tokens.store.issue_refresh(token, family, Some(sent), None, now);
    }
    Judgement::Answered(Box::new(answer), "refreshed: new tokens were handed out", Some(recorded.exchange))
}

/// The recorded answer with fresh tokens.
fn renewed(tokens: &mut Tokens, refresh: &Refresh, mut recorded: Response) -> Response {
    let number = tokens.recorded.given(GrantKind::Refresh);
    let names = std::iter::once(&refresh.access_token).chain(&refresh.new_refresh_token);
    if let Ok(mut body) = GrantBody::of(&recorded.body) {
        for name in names {
            if let Some(old) = body.text(name) {
                body.set(name, tokens.fresh.numbered(&old, number).into());
            }
        }
        recorded.body = body.into_body();
    }
    recorded
}

/// A text field at the top of a JSON body.
pub(super) fn field(body: &Body, name: &str) -> Option<String> {
    body.json()?.to_value().get(name)?.as_str().map(str::to_owned)
}
