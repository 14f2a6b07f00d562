//! What the fixtures tell of tokens, codes and clients before the first request comes.
//!
//! A token that the provider accepted is good, one that it only ever refused is not. Recorded 401s and grants are
//! evidence of their form, never of the order: what a grant hands out is good only once it was handed out.

use super::carried::{credential, name_and_password};
use super::client::Presented;
use super::params::Params;
use super::pkce::Challenge;
use super::recorded::{Asked, GrantKind, asked_of};
use super::store::{Code, ExpiryTold, Family, FamilyId, RedirectUri};
use super::{Credentials, Handed, Tokens, bearer, handed_out};
use counterpart_exchange::{Auth, Exchange, OperationName, ProviderProfile, Request, Response};
use jiff::Timestamp;
use std::borrow::Cow;

/// What is not known before all exchanges were seen.
struct Learning<'a> {
    profile: &'a ProviderProfile,
    tokens: Tokens,
    credentials: Credentials,
    /// Access tokens that recorded grants handed out, and refresh tokens.
    issued: Vec<String>,
    issued_refresh: Vec<String>,
    at_public: Vec<(String, FamilyId)>,
    /// Each flow with its family: one flow is one grant, for nothing in it ties an access token to a refresh token.
    flows: Vec<(String, FamilyId)>,
}

/// Learns from exchanges as they go over the wire, placeholders filled in, with their names.
pub(super) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)]) -> (Tokens, Credentials) {
    let mut learning = Learning {
        profile,
        tokens: Tokens::default(),
        credentials: Credentials::default(),
        issued: Vec::new(),
        issued_refresh: Vec::new(),
        at_public: Vec::new(),
        flows: Vec::new(),
    };
    if profile.auth.judges_credentials() {
        for (name, exchange) in exchanges {
            learning.see(name, exchange);
        }
    }
    let Learning { mut tokens, credentials, issued, issued_refresh, at_public, .. } = learning;
    // Where no token is needed none is judged: nothing speaks against one that was seen only there.
    for (token, family) in at_public {
        if !tokens.store.is_known(&token) {
            tokens.store.issue_access(token, family, None, None, BEFORE_ALL);
        }
    }
    tokens.store.forget(issued.iter().chain(&issued_refresh));
    (tokens, credentials)
}

/// No token of the recording has expired before the run begins.
const BEFORE_ALL: Timestamp = Timestamp::MIN;

impl Learning<'_> {
    fn see(&mut self, name: &str, exchange: &Exchange) {
        let request = &exchange.request;
        let operation = self.profile.operation_of(&request.method, &request.target);
        let flow = name.rsplit_once('#').map_or(name, |(flow, _)| flow);
        let family = self.family_of(flow);
        if let Some(token) = credential(&self.profile.auth, request).map(Cow::into_owned) {
            let refused = exchange.response.as_ref().is_some_and(|response| response.status == 401);
            self.token_seen(token, &operation, refused, family);
        }
        if self.profile.auth.token_operation() == Some(&operation) {
            self.grant_seen(name, flow, exchange, family);
        } else if let Auth::OAuth2(oauth2) = &self.profile.auth {
            let accepted = exchange.response.as_ref().filter(|response| response.status < 400);
            if let (true, Some(response)) = (oauth2.revoke.as_ref() == Some(&operation), accepted) {
                self.client_seen(flow, request, &Params::of_body(request));
                self.tokens.recorded.keep_revocation(name, response);
            }
            if oauth2.authorize.as_ref() == Some(&operation) {
                self.tokens.recorded.authorization.get_or_insert_with(|| name.to_owned());
                if let (Some(id), Some(_)) = (Params::of_query(request).get("client_id"), accepted) {
                    self.tokens.clients.learn(flow, &Presented::Id(id.to_owned()));
                    self.credentials.client_id.get_or_insert_with(|| id.to_owned());
                }
            }
        }
    }

    fn family_of(&mut self, flow: &str) -> FamilyId {
        if let Some((_, family)) = self.flows.iter().find(|(known, _)| known == flow) {
            return *family;
        }
        let family = self.tokens.store.begin(Family::default());
        self.flows.push((flow.to_owned(), family));
        family
    }

    fn token_seen(&mut self, token: String, operation: &OperationName, refused: bool, family: FamilyId) {
        if !self.issued.contains(&token) {
            self.begun_with(&token);
        }
        let store = &mut self.tokens.store;
        if self.profile.auth.admits_without_credential(operation) {
            self.at_public.push((token, family));
        } else if !refused {
            store.issue_access(token, family, None, None, BEFORE_ALL);
        } else if !store.is_known(&token) {
            store.issue_access(token.clone(), family, None, None, BEFORE_ALL);
            store.expire(&token, ExpiryTold::Unauthorized);
        }
    }

    fn begun_with(&mut self, token: &str) {
        match &self.profile.auth {
            Auth::Basic(_) => {
                let known = &mut self.credentials.name_and_password;
                *known = known.take().or_else(|| name_and_password(token));
            }
            _ => {
                self.credentials.access_token.get_or_insert_with(|| token.to_owned());
            }
        }
    }

    fn grant_seen(&mut self, name: &str, flow: &str, exchange: &Exchange, family: FamilyId) {
        let (profile, request) = (self.profile, &exchange.request);
        let succeeded = exchange.response.as_ref().filter(|response| (200..300).contains(&response.status));
        let handed = succeeded.map(|response| handed_out(profile, response)).unwrap_or_default();
        let params = Params::of_body(request);
        let accepted = match &profile.auth {
            // Some authorization servers say with 200 that they refuse.
            Auth::OAuth2(_) => succeeded.filter(|_| handed.access_token.is_some()),
            Auth::Bearer(_) | Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => succeeded,
        };
        match asked_of(profile, request) {
            Asked::Kind(kind) => {
                self.evidence_seen(kind, request, &params, accepted.is_some(), family);
                if let Some(response) = accepted {
                    self.tokens.recorded.keep(kind, name, response);
                    self.issued_seen(handed, request);
                }
            }
            Asked::Other(grant_type) => self.replayed_seen(grant_type, accepted, handed, family),
            Asked::Nothing => {}
        }
        if accepted.is_some() {
            self.client_seen(flow, request, &params);
        }
    }

    /// The refresh token or the code that a token request carries.
    fn evidence_seen(
        &mut self,
        kind: GrantKind,
        request: &Request,
        params: &Params,
        accepted: bool,
        family: FamilyId,
    ) {
        match kind {
            GrantKind::ClientCredentials => {}
            GrantKind::Refresh => {
                let Some(sent) = sent_refresh(self.profile, request) else { return };
                self.credentials.refresh_token.get_or_insert_with(|| sent.clone());
                let store = &mut self.tokens.store;
                if accepted {
                    // Refused before or afterwards, as one that was used up is: it begins as good.
                    store.issue_refresh(sent, family, None, None, BEFORE_ALL);
                } else if !store.is_known(&sent) {
                    store.issue_refresh(sent.clone(), family, None, None, BEFORE_ALL);
                    store.revoke_refresh(&sent);
                }
            }
            GrantKind::AuthorizationCode => {
                let Some(code) = params.get("code").filter(|_| accepted) else { return };
                let recorded = Code {
                    client: None,
                    redirect_uri: RedirectUri::Unjudged,
                    challenge: Challenge::Unjudged,
                    scope: None,
                    until: None,
                    redeemed: None,
                };
                self.tokens.store.issue_code(code.to_owned(), recorded, BEFORE_ALL);
            }
        }
    }

    fn issued_seen(&mut self, handed: Handed, request: &Request) {
        self.issued.extend(handed.access_token);
        // A provider that does not rotate may repeat the old one, which then was not handed out here.
        let sent = sent_refresh(self.profile, request);
        self.issued_refresh.extend(handed.refresh_token.filter(|token| Some(token) != sent.as_ref()));
    }

    /// What a replayed grant hands out is good whenever it comes.
    fn replayed_seen(
        &mut self,
        grant_type: String,
        accepted: Option<&Response>,
        handed: Handed,
        family: FamilyId,
    ) {
        if accepted.is_none() && self.tokens.recorded.replayed.contains(&grant_type) {
            return;
        }
        self.tokens.recorded.replayed.push(grant_type);
        let store = &mut self.tokens.store;
        if let Some(token) = handed.access_token {
            store.issue_access(token, family, None, None, BEFORE_ALL);
        }
        if let Some(token) = handed.refresh_token {
            store.issue_refresh(token, family, None, None, BEFORE_ALL);
        }
    }

    fn client_seen(&mut self, flow: &str, request: &Request, params: &Params) {
        let Auth::OAuth2(_) = &self.profile.auth else { return };
        if let Ok(presented) = Presented::of(request, params) {
            self.tokens.clients.learn(flow, &presented);
            if let (Some(id), Some(secret)) = presented.pair()
                && self.credentials.client_secret.is_none()
            {
                // The pair that belongs together.
                self.credentials.client_id = Some(id.to_owned());
                self.credentials.client_secret = Some(secret.to_owned());
            } else if let (Some(id), _) = presented.pair() {
                self.credentials.client_id.get_or_insert_with(|| id.to_owned());
            }
        }
    }
}

/// The refresh token that a token request carries.
pub(super) fn sent_refresh(profile: &ProviderProfile, request: &Request) -> Option<String> {
    match &profile.auth {
        Auth::None | Auth::ApiKey(_) | Auth::Basic(_) => None,
        Auth::Bearer(known) => bearer::field(&request.body, &known.refresh.as_ref()?.refresh_token),
        Auth::OAuth2(oauth2) => Params::of_body(request).get(&oauth2.fields.refresh_token).map(str::to_owned),
    }
}
