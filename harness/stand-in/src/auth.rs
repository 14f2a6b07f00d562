//! Bearer tokens as state: which are good, which have expired, and how new ones are had.
//!
//! What a fixture shows decides how it begins: a token that the provider accepted is good, one that it
//! only ever refused is not. Recorded 401s and refreshes are evidence of their form, never of the order.

use crate::forms::ErrorForms;
use crate::matching::Played;
use crate::received::Received;
use counterpart_exchange::{
    Auth, Body, JsonText, OperationName, ProviderProfile, Refresh, Request, Response,
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// What the subject is given to authenticate with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The access token that the flow begins with.
    pub access_token: Option<String>,
    /// The refresh token that the flow begins with.
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Good { until: Option<Timestamp> },
    Expired,
    Revoked,
}

/// The tokens of one stand-in.
#[derive(Default)]
pub(crate) struct Tokens {
    access: HashMap<String, Life>,
    refresh: HashMap<String, Life>,
    /// Recorded answers to accepted refreshes, in order, with their exchange.
    grants: Vec<(Arc<str>, Response)>,
    granted: usize,
    /// Tokens handed out beyond the recording.
    fresh: Vec<String>,
}

/// What the state of the tokens says to a request.
pub(crate) enum Judgement {
    /// Go on to the recording.
    Admitted,
    /// Answered by state: with what, why, and after which exchange's form.
    Answered(Box<Response>, &'static str, Option<Arc<str>>),
}

impl Tokens {
    /// Learns from exchanges as they go over the wire, placeholders filled in.
    pub(crate) fn learn(profile: &ProviderProfile, played: &[Played]) -> (Self, Credentials) {
        let mut tokens = Self::default();
        let mut credentials = Credentials::default();
        let Auth::Bearer(bearer) = &profile.auth else { return (tokens, credentials) };
        let mut issued: Vec<String> = Vec::new();
        let mut at_public: Vec<String> = Vec::new();
        for Played { name, exchange, .. } in played {
            let operation = profile.operation_of(&exchange.request.method, &exchange.request.target);
            let refused = exchange.response.as_ref().is_some_and(|response| response.status == 401);
            if let Some(token) = bearer_token(&exchange.request) {
                if !issued.contains(&token) {
                    credentials.access_token.get_or_insert_with(|| token.clone());
                }
                if bearer.public.contains(&operation) {
                    at_public.push(token);
                } else if refused {
                    tokens.access.entry(token).or_insert(Life::Expired);
                } else {
                    tokens.access.insert(token, Life::Good { until: None });
                }
            }
            if let Some(refresh) = bearer.refresh.as_ref().filter(|refresh| refresh.operation == operation) {
                let accepted =
                    exchange.response.as_ref().is_some_and(|response| (200..300).contains(&response.status));
                if let Some(sent) = field(&exchange.request.body, &refresh.refresh_token) {
                    credentials.refresh_token.get_or_insert_with(|| sent.clone());
                    let life = tokens.refresh.entry(sent).or_insert(Life::Revoked);
                    if accepted {
                        // Refused before or afterwards, as one that was used up is: it begins as good.
                        *life = Life::Good { until: None };
                    }
                }
                if let (true, Some(response)) = (accepted, &exchange.response) {
                    issued.extend(field(&response.body, &refresh.access_token));
                    tokens.grants.push((name.as_str().into(), response.clone()));
                }
            }
        }
        // Where no token is needed none is judged: nothing speaks against one that was seen only there.
        for token in at_public {
            tokens.access.entry(token).or_insert(Life::Good { until: None });
        }
        // What a refresh hands out is good only once it was handed out.
        tokens.access.retain(|token, _| !issued.contains(token));
        let handed_out: Vec<String> = bearer
            .refresh
            .iter()
            .filter_map(|refresh| refresh.new_refresh_token.as_ref())
            .flat_map(|name| {
                tokens.grants.iter().filter_map(move |(_, response)| field(&response.body, name))
            })
            .collect();
        tokens.refresh.retain(|token, _| !handed_out.contains(token));
        (tokens, credentials)
    }

    /// Tokens that were handed out beyond the recording: no placeholder stands for them.
    pub(crate) fn fresh(&self) -> &[String] {
        &self.fresh
    }

    /// Judges a request by its token, or answers it if it asks for a new one.
    pub(crate) fn judge(
        &mut self,
        profile: &ProviderProfile,
        forms: &ErrorForms,
        operation: &OperationName,
        received: &Received,
        now: Timestamp,
    ) -> Judgement {
        let Auth::Bearer(bearer) = &profile.auth else { return Judgement::Admitted };
        if let Some(refresh) = bearer.refresh.as_ref().filter(|refresh| refresh.operation == *operation) {
            return self.refresh(refresh, forms, received.request(), now);
        }
        if bearer.public.contains(operation) {
            return Judgement::Admitted;
        }
        let life = received
            .header("authorization")
            .and_then(bearer_value)
            .and_then(|token| self.access.get(token).copied());
        let refuse = |name: &str, meaning: &'static str| {
            Judgement::Answered(Box::new(forms.form(name, 401, meaning)), meaning, None)
        };
        match life {
            Some(Life::Good { until }) if until.is_none_or(|until| now < until) => Judgement::Admitted,
            Some(Life::Good { .. } | Life::Expired) => {
                refuse("expired_token", "refused: the access token has expired")
            }
            Some(Life::Revoked) | None => refuse("unknown_token", "refused: the access token is not known"),
        }
    }

    /// The exchange that answers the next refresh, if it is accepted.
    pub(crate) fn next_grant(&self) -> Option<Arc<str>> {
        self.grants.get(self.granted).or(self.grants.last()).map(|(exchange, _)| Arc::clone(exchange))
    }

    /// Ends the life of the token that a request carries.
    ///
    /// # Errors
    /// A sentence, where it carries none that ever lived.
    pub(crate) fn expire(&mut self, request: &Request) -> Result<(), String> {
        let token = bearer_token(request).ok_or("the request carries no bearer token")?;
        let life = self.access.get_mut(&token).ok_or("the request's bearer token is not known")?;
        *life = Life::Expired;
        Ok(())
    }

    /// Takes back the refresh token that a request carries, for good.
    ///
    /// # Errors
    /// A sentence, where it carries none.
    pub(crate) fn revoke_refresh(
        &mut self,
        profile: &ProviderProfile,
        request: &Request,
    ) -> Result<(), String> {
        let refresh =
            refresh_of(profile).ok_or("the provider profile says nothing of `auth.bearer.refresh`")?;
        let sent = field(&request.body, &refresh.refresh_token)
            .ok_or_else(|| format!("the request carries no `{}`", refresh.refresh_token))?;
        self.refresh.insert(sent, Life::Revoked);
        Ok(())
    }

    fn refresh(
        &mut self,
        refresh: &Refresh,
        forms: &ErrorForms,
        request: &Request,
        now: Timestamp,
    ) -> Judgement {
        let sent = field(&request.body, &refresh.refresh_token);
        let good =
            sent.as_ref().is_some_and(|sent| matches!(self.refresh.get(sent), Some(Life::Good { .. })));
        let Some((exchange, recorded)) =
            self.grants.get(self.granted).or(self.grants.last()).filter(|_| good).cloned()
        else {
            let meaning = "refused: the refresh token is not good";
            return Judgement::Answered(Box::new(forms.form("refresh_refused", 401, meaning)), meaning, None);
        };
        let answer = self.grant(refresh, recorded);
        let life_ms = answer
            .body
            .json()
            .and_then(|json| json.to_value().get(refresh.expires_in_ms.as_ref()?)?.as_i64());
        let until = life_ms.and_then(|ms| now.checked_add(SignedDuration::from_millis(ms)).ok());
        if let Some(token) = field(&answer.body, &refresh.access_token) {
            self.access.insert(token, Life::Good { until });
        }
        if let Some(token) = refresh.new_refresh_token.as_ref().and_then(|name| field(&answer.body, name)) {
            // Rotation: the old one is used up.
            self.refresh.extend(sent.map(|sent| (sent, Life::Revoked)));
            self.refresh.insert(token, Life::Good { until: None });
        }
        Judgement::Answered(Box::new(answer), "refreshed: new tokens were handed out", Some(exchange))
    }

    /// The recorded answer, its tokens as recorded the first time and fresh ones afterwards.
    fn grant(&mut self, refresh: &Refresh, mut recorded: Response) -> Response {
        let number = self.granted;
        self.granted += 1;
        if number < self.grants.len() {
            return recorded;
        }
        let names = std::iter::once(&refresh.access_token).chain(&refresh.new_refresh_token);
        if let Some(json) = recorded.body.json() {
            let mut value = json.to_value();
            for name in names {
                if let Some(old) = value.get(name).and_then(|old| old.as_str()).map(str::to_owned) {
                    let fresh = fresh_token(&old, number);
                    self.fresh.push(fresh.clone());
                    value[name] = fresh.into();
                }
            }
            if let Ok(changed) = JsonText::parse(&value.to_string()) {
                recorded.body = Body::Json(changed);
            }
        }
        recorded
    }
}

/// How the provider refreshes tokens, if it does.
pub(crate) fn refresh_of(profile: &ProviderProfile) -> Option<&Refresh> {
    match &profile.auth {
        Auth::Bearer(bearer) => bearer.refresh.as_ref(),
        Auth::None => None,
    }
}

fn fresh_token(after: &str, number: usize) -> String {
    let digest = Sha256::digest(format!("{after}\n{number}"));
    let letters: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("cp-r{number}-{letters}")
}

fn bearer_token(request: &Request) -> Option<String> {
    bearer_value(request.headers.text("authorization")?).map(str::to_owned)
}

fn bearer_value(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn field(body: &Body, name: &str) -> Option<String> {
    body.json()?.to_value().get(name)?.as_str().map(str::to_owned)
}
