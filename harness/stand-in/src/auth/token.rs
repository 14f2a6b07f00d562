//! The token endpoint (RFC 6749 section 3.2): codes, refresh tokens and clients' own credentials become tokens.

use super::client::{ClientId, Presented};
use super::grant::{HandedOut, RefreshTold, answer as grant_answer};
use super::params::Params;
use super::recorded::{Asked, GrantKind};
use super::refusal::{Refusal, Said};
use super::scope::Scope;
use super::store::{Family, FamilyId, RedirectUri, RefreshStanding};
use super::{Judgement, Server, Tokens, all_scopes, until};
use counterpart_exchange::{OnReuse, RefreshTokens, Request};

/// What is to be handed out.
struct Grant {
    kind: GrantKind,
    family: FamilyId,
    /// What the access token opens.
    scope: Option<Scope>,
    scope_is_as_asked: bool,
    refresh: NextRefresh,
    note: &'static str,
}

/// What becomes of the refresh token.
enum NextRefresh {
    /// A first one.
    First,
    /// This one was used.
    After(String),
    /// None is due.
    Nothing,
}

/// Answers a token request.
pub(super) fn answer(tokens: &mut Tokens, server: &Server<'_>, request: &Request) -> Judgement {
    let params = Params::of_body(request);
    let asked = Asked::of(&params);
    if matches!(&asked, Asked::Other(grant_type) if tokens.recorded.replayed.contains(grant_type)) {
        return Judgement::Admitted;
    }
    match granted(tokens, server, request, &params, &asked) {
        Ok(grant) => hand_out(tokens, server, grant),
        Err(refusal) => {
            let response = refusal.answer(server.profile, server.forms, request);
            Judgement::Answered(Box::new(response), refusal.why, None)
        }
    }
}

fn granted(
    tokens: &mut Tokens,
    server: &Server<'_>,
    request: &Request,
    params: &Params,
    asked: &Asked,
) -> Result<Grant, Refusal> {
    if params.has_repetition() {
        return Err(Refusal::new(Said::InvalidRequest, "refused: a parameter is repeated"));
    }
    let presented = Presented::of(request, params)?;
    let client = tokens.clients.authenticated(&presented, &server.oauth2.client_authentication)?;
    match asked {
        Asked::Kind(GrantKind::AuthorizationCode) => by_code(tokens, server, params, client),
        Asked::Kind(GrantKind::ClientCredentials) => {
            by_client(tokens, server, params, client, presented.has_secret())
        }
        Asked::Kind(GrantKind::Refresh) => by_refresh(tokens, server, params, &client),
        Asked::Other(_) => {
            let why = "refused: the grant type is neither played nor recorded";
            Err(Refusal::new(Said::UnsupportedGrantType, why))
        }
        Asked::Nothing => Err(Refusal::new(Said::InvalidRequest, "refused: the grant type is missing")),
    }
}

/// RFC 6749 section 4.1.3. A code that comes again takes with it what it brought (section 4.1.2).
fn by_code(
    tokens: &mut Tokens,
    server: &Server<'_>,
    params: &Params,
    client: ClientId,
) -> Result<Grant, Refusal> {
    let refuse = |why| Err(Refusal::new(Said::InvalidGrant, why));
    let Some(sent) = params.get("code") else {
        return Err(Refusal::new(Said::InvalidRequest, "refused: the authorization code is missing"));
    };
    let Some(code) = tokens.store.code(sent).cloned() else {
        return refuse("refused: the authorization code is not known");
    };
    if let Some(family) = code.redeemed {
        tokens.store.revoke_family(family);
        return refuse("refused: the authorization code was used before; its tokens are revoked");
    }
    if code.until.is_some_and(|until| until <= server.now) {
        return refuse("refused: the authorization code has expired");
    }
    if code.client.as_ref().is_some_and(|owner| *owner != client) {
        return refuse("refused: the authorization code is another client's");
    }
    let same_uri = match &code.redirect_uri {
        RedirectUri::Same(uri) => params.get("redirect_uri") == Some(uri),
        RedirectUri::NotNamed | RedirectUri::Unjudged => true,
    };
    if !same_uri {
        return refuse("refused: the redirect URI is not that of the authorization request");
    }
    code.challenge.verify(params.get("code_verifier"))?;
    let family = tokens.store.begin(Family::of(client, code.scope.clone()));
    tokens.store.redeem(sent, family);
    Ok(Grant {
        kind: GrantKind::AuthorizationCode,
        family,
        scope: code.scope,
        // The client asked for it at the other endpoint.
        scope_is_as_asked: true,
        refresh: NextRefresh::First,
        note: "authorized: the code was exchanged for tokens",
    })
}

/// RFC 6749 section 4.4: for clients with a secret alone, and without a refresh token unless one was recorded.
fn by_client(
    tokens: &mut Tokens,
    server: &Server<'_>,
    params: &Params,
    client: ClientId,
    has_secret: bool,
) -> Result<Grant, Refusal> {
    if !has_secret {
        let why = "refused: a client without a secret has no credentials of its own";
        return Err(Refusal::new(Said::UnauthorizedClient, why));
    }
    let asked = asked_scope(server, params)?;
    let scope_is_as_asked = asked.is_some();
    let scope = asked.or_else(|| all_scopes(server.oauth2));
    let shows_refresh = tokens.recorded.next(GrantKind::ClientCredentials).is_some_and(|(recorded, _)| {
        super::handed_out(server.profile, &recorded.response).refresh_token.is_some()
    });
    Ok(Grant {
        kind: GrantKind::ClientCredentials,
        family: tokens.store.begin(Family::of(client, scope.clone())),
        scope,
        scope_is_as_asked,
        refresh: if shows_refresh { NextRefresh::First } else { NextRefresh::Nothing },
        note: "authorized: the client was given a token of its own",
    })
}

/// RFC 6749 section 6.
fn by_refresh(
    tokens: &mut Tokens,
    server: &Server<'_>,
    params: &Params,
    client: &ClientId,
) -> Result<Grant, Refusal> {
    let refuse = |why| Err(Refusal::new(Said::InvalidGrant, why).rather("refresh_refused"));
    let Some(sent) = params.get(&server.oauth2.fields.refresh_token) else {
        return Err(Refusal::new(Said::InvalidRequest, "refused: the refresh token is missing"));
    };
    if tokens.store.client_of(sent).is_some_and(|owner| owner != client) {
        return refuse("refused: the refresh token is another client's");
    }
    let family = match tokens.store.refresh_standing(sent, server.now) {
        RefreshStanding::Good(family) => family,
        RefreshStanding::UsedUp(family) if on_reuse(server) == OnReuse::RevokeFamily => {
            tokens.store.revoke_family(family);
            return refuse("refused: the refresh token was used before; its family is revoked");
        }
        RefreshStanding::UsedUp(_) => return refuse("refused: the refresh token was used before"),
        RefreshStanding::Expired => return refuse("refused: the refresh token has expired"),
        RefreshStanding::Revoked => return refuse("refused: the refresh token was revoked"),
        RefreshStanding::Unknown => return refuse("refused: the refresh token is not known"),
    };
    let granted = tokens.store.family(family).and_then(Family::scope_left);
    let asked = asked_scope(server, params)?;
    if let (Some(asked), Some(granted)) = (&asked, &granted)
        && !granted.covers(asked)
    {
        let why = "refused: more scopes are asked for than were granted";
        return Err(Refusal::new(Said::InvalidScope, why));
    }
    let lessened = tokens.store.family(family).is_some_and(|family| family.scope != granted);
    Ok(Grant {
        kind: GrantKind::Refresh,
        family,
        scope_is_as_asked: !lessened,
        scope: asked.or(granted),
        refresh: NextRefresh::After(sent.to_owned()),
        note: "refreshed: new tokens were handed out",
    })
}

fn on_reuse(server: &Server<'_>) -> OnReuse {
    match server.oauth2.refresh_tokens {
        RefreshTokens::Rotated { on_reuse, .. } => on_reuse,
        RefreshTokens::Kept { .. } | RefreshTokens::NotIssued => OnReuse::Refuse,
    }
}

fn asked_scope(server: &Server<'_>, params: &Params) -> Result<Option<Scope>, Refusal> {
    params
        .get(&server.oauth2.fields.scope)
        .map(|asked| {
            Scope::parse(asked)
                .ok_or_else(|| Refusal::new(Said::InvalidScope, "refused: the scope is malformed"))
        })
        .transpose()
}

/// Makes the tokens and the answer, after the recorded answer of the same kind, else of any.
fn hand_out(tokens: &mut Tokens, server: &Server<'_>, grant: Grant) -> Judgement {
    let now = server.now;
    let own = tokens.recorded.next(grant.kind).map(|(answer, is_first)| (answer.clone(), is_first));
    let form = own.as_ref().map(|(answer, _)| answer).or_else(|| tokens.recorded.any()).cloned();
    let recorded = own.as_ref().filter(|(_, is_first)| *is_first).map(|(answer, _)| &answer.response);
    let recorded = recorded.map(|response| super::handed_out(server.profile, response)).unwrap_or_default();
    tokens.recorded.count(grant.kind);
    let access_token = tokens.recorded_or_fresh(recorded.access_token, "access token");
    let (life_s, replaces, new) = match (server.oauth2.refresh_tokens, grant.refresh) {
        (RefreshTokens::NotIssued, _) | (_, NextRefresh::Nothing) => (None, None, None),
        (RefreshTokens::Rotated { life_s, .. } | RefreshTokens::Kept { life_s }, NextRefresh::First) => {
            (life_s, None, Some(tokens.recorded_or_fresh(recorded.refresh_token, "refresh token")))
        }
        (RefreshTokens::Rotated { life_s, .. }, NextRefresh::After(old)) => {
            (life_s, Some(old), Some(tokens.recorded_or_fresh(recorded.refresh_token, "refresh token")))
        }
        (RefreshTokens::Kept { .. }, NextRefresh::After(old)) => (None, Some(old), None),
    };
    let out = HandedOut {
        access_token: &access_token,
        refresh_token: match (&new, &replaces) {
            (Some(new), _) => RefreshTold::New(new),
            (None, Some(same)) => RefreshTold::Same(same),
            (None, None) => RefreshTold::Nothing,
        },
        life_s: server.oauth2.access_token_life_s,
        scope: grant.scope.as_ref(),
        scope_is_as_asked: grant.scope_is_as_asked,
    };
    let form = form.as_ref().map(|answer| &answer.response);
    let (response, life_ms) = grant_answer(&server.oauth2.fields, form, &out);
    tokens.store.issue_access(access_token, grant.family, grant.scope, until(now, life_ms), now);
    if let Some(token) = new {
        let life_ms = life_s.map(|life_s| i64::try_from(life_s).unwrap_or(i64::MAX).saturating_mul(1_000));
        tokens.store.issue_refresh(token, grant.family, replaces, until(now, life_ms), now);
    }
    Judgement::Answered(Box::new(response), grant.note, own.map(|(answer, _)| answer.exchange))
}
