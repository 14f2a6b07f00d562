//! The revocation endpoint (RFC 7009): a client gives a token back.

use super::client::Presented;
use super::params::Params;
use super::refusal::{Refusal, Said};
use super::{Judgement, Server, Tokens};
use counterpart_exchange::{Body, Headers, Request, Response};

/// Answers a revocation request.
pub(super) fn answer(tokens: &mut Tokens, server: &Server<'_>, request: &Request) -> Judgement {
    match revoked(tokens, server, request) {
        Ok(note) => {
            let recorded = tokens.recorded.revocation.as_ref();
            let response = recorded.map_or_else(
                || Response { status: 200, headers: Headers::default(), body: Body::None },
                |answer| answer.response.clone(),
            );
            let exchange = recorded.map(|answer| answer.exchange.clone());
            Judgement::Answered(Box::new(response), note, exchange)
        }
        Err(refusal) => {
            let response = refusal.answer(server.profile, server.forms, request);
            Judgement::Answered(Box::new(response), refusal.why, None)
        }
    }
}

fn revoked(tokens: &mut Tokens, server: &Server<'_>, request: &Request) -> Result<&'static str, Refusal> {
    let params = Params::of_body(request);
    if params.has_repetition() {
        return Err(Refusal::new(Said::InvalidRequest, "refused: a parameter is repeated"));
    }
    let presented = Presented::of(request, &params)?;
    let client = tokens.clients.authenticated(&presented, &server.oauth2.client_authentication)?;
    let Some(token) = params.get("token") else {
        return Err(Refusal::new(Said::InvalidRequest, "refused: the token to be revoked is missing"));
    };
    // Whose token it is comes before whether it is good: section 2.1.
    if tokens.store.client_of(token).is_some_and(|owner| *owner != client) {
        return Err(Refusal::new(Said::UnauthorizedClient, "refused: the token is another client's"));
    }
    let Some(family) = tokens.store.family_of(token) else {
        // Section 2.2: what is not known is not good either, which is all that the client wants.
        return Ok("revoked: the token was not known");
    };
    if tokens.store.is_refresh(token) {
        tokens.store.revoke_family(family);
        return Ok("revoked: the refresh token, with every token of its grant");
    }
    tokens.store.revoke_access(token);
    Ok("revoked: the access token")
}
