//! Tokens as state: which are good, which have expired, and how new ones are had.
//!
//! What a fixture shows decides how it begins ([`learn`]). With `auth.bearer` the provider has a refresh of its
//! own ([`bearer`]); with `auth.oauth2` it is an authorization server with its endpoints ([`authorize`], [`token`],
//! [`revoke`]). Keys and passwords (`auth.api_key`, `auth.basic`) are tokens that nobody hands out. All are kept in one
//! place ([`store`]), are found where the profile says ([`carried`]), and open the resources in one way ([`resource`]).
//! The time is passed in. Knows nothing of connections, faults or what else is recorded.

mod authorize;
mod bearer;
mod bounded;
mod carried;
mod client;
mod fresh;
mod grant;
mod learn;
#[cfg(test)]
mod machine_tests;
mod params;
mod pkce;
mod recorded;
mod refusal;
mod resource;
mod revoke;
mod scope;
mod store;
mod token;

pub(crate) use grant::{GrantBody, token_fields};
pub(crate) use recorded::{is_behaviour, is_endpoint};
pub(crate) use store::ExpiryTold;

use crate::forms::ErrorForms;
use crate::received::Received;
use carried::{credential, noun};
use client::Clients;
use counterpart_exchange::{Auth, Exchange, OAuth2, OperationName, ProviderProfile, Request, Response};
use fresh::Fresh;
use jiff::{SignedDuration, Timestamp};
use recorded::{Asked, RecordedAnswers, asked_of};
use scope::Scope;
use std::borrow::Cow;
use store::{FamilyId, Store};

/// What the subject is given to authenticate with.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The access token, or the key, that the flow begins with.
    pub access_token: Option<String>,
    /// The refresh token that the flow begins with.
    pub refresh_token: Option<String>,
    /// The client that the recorded token requests name.
    pub client_id: Option<String>,
    /// The secret that they prove it with.
    pub client_secret: Option<String>,
    /// With `auth.basic` the name and the password that the flow begins with.
    pub name_and_password: Option<(String, String)>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials")
    }
}

/// The tokens of one stand-in.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    store: Store,
    recorded: RecordedAnswers,
    clients: Clients,
    fresh: Fresh,
}

/// What the state of the tokens says to a request.
pub(crate) enum Judgement {
    /// Go on to the recording.
    Admitted,
    /// Answered by state: with what, why, and after which exchange's form.
    Answered(Box<Response>, &'static str, Option<String>),
}

/// An authorization server at a point in time.
struct Server<'a> {
    profile: &'a ProviderProfile,
    oauth2: &'a OAuth2,
    forms: &'a ErrorForms,
    now: Timestamp,
}

impl Tokens {
    /// Learns from exchanges as they go over the wire, placeholders filled in.
    pub(crate) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)]) -> (Self, Credentials) {
        learn::learn(profile, exchanges)
    }

    /// Tokens and codes that were handed out beyond the recording: no placeholder stands for them.
    pub(crate) fn fresh(&self) -> &[String] {
        self.fresh.tokens()
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
        match &profile.auth {
            Auth::None => return Judgement::Admitted,
            Auth::ApiKey(_) | Auth::Basic(_) => {}
            Auth::Bearer(known) => {
                if let Some(refresh) = known.refresh.as_ref().filter(|it| it.operation == *operation) {
                    return bearer::refresh(self, refresh, forms, received.request(), now);
                }
            }
            Auth::OAuth2(oauth2) => {
                let server = Server { profile, oauth2, forms, now };
                if *operation == oauth2.token {
                    return token::answer(self, &server, received.request());
                }
                if oauth2.authorize.as_ref() == Some(operation) {
                    return authorize::answer(self, &server, received.request());
                }
                if oauth2.revoke.as_ref() == Some(operation) {
                    return revoke::answer(self, &server, received.request());
                }
            }
        }
        if profile.auth.admits_without_credential(operation) {
            return Judgement::Admitted;
        }
        resource::judge(self, profile, forms, operation, received, now)
    }

    /// The exchange whose form the authorization server's next answer to a request has, if it is accepted.
    pub(crate) fn recorded_for(
        &self,
        profile: &ProviderProfile,
        operation: &OperationName,
        received: &Received,
    ) -> Option<&str> {
        if profile.auth.token_operation() == Some(operation) {
            let Asked::Kind(kind) = asked_of(profile, received.request()) else { return None };
            return self.recorded.next(kind).map(|(answer, _)| answer.exchange.as_str());
        }
        let Auth::OAuth2(oauth2) = &profile.auth else { return None };
        if oauth2.revoke.as_ref() == Some(operation) {
            return self.recorded.revocation.as_ref().map(|answer| answer.exchange.as_str());
        }
        self.recorded.authorization.as_deref().filter(|_| oauth2.authorize.as_ref() == Some(operation))
    }

    /// Ends the life of the credential that a request carries, and says how that is told.
    ///
    /// # Errors
    /// A sentence, where it carries none that ever lived.
    pub(crate) fn expire(
        &mut self,
        profile: &ProviderProfile,
        request: &Request,
        told: ExpiryTold,
    ) -> Result<(), String> {
        let token = carried_by(profile, request)?;
        self.store.expire(&token, told).ok_or_else(|| not_known(profile))
    }

    /// Revokes the credential that a request carries, with every token of its grant.
    ///
    /// # Errors
    /// A sentence, where it carries none that ever lived.
    pub(crate) fn revoke(&mut self, profile: &ProviderProfile, request: &Request) -> Result<(), String> {
        let family = self.family_of(profile, request)?;
        self.store.revoke_family(family);
        Ok(())
    }

    /// Takes a scope away from the grant of the token that a request carries: the named one, else all that its
    /// operation needs, else, where the profile names none for it, the operation itself.
    ///
    /// # Errors
    /// A sentence, where it carries no token that ever lived, or its operation needs no token or not that scope.
    pub(crate) fn take_scope(
        &mut self,
        profile: &ProviderProfile,
        request: &Request,
        scope: Option<&str>,
    ) -> Result<(), String> {
        let operation = profile.operation_of(&request.method, &request.target);
        if profile.auth.admits_without_credential(&operation) {
            return Err(format!("`{operation}` needs no credential"));
        }
        let family = self.family_of(profile, request)?;
        let needed: &[String] = match &profile.auth {
            Auth::OAuth2(oauth2) => oauth2.scopes.get(&operation).map_or(&[], Vec::as_slice),
            Auth::Bearer(_) | Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => &[],
        };
        match scope {
            Some(scope) => {
                let is_needed = |one: &&String| *one == scope;
                let taken = needed.iter().find(is_needed).ok_or_else(|| {
                    format!("`{operation}` does not need the scope `{scope}` by `auth.oauth2.scopes`")
                })?;
                self.store.take_scopes(family, std::slice::from_ref(taken));
            }
            None if needed.is_empty() => self.store.deny(family, operation),
            None => self.store.take_scopes(family, needed),
        }
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
        let name = match &profile.auth {
            Auth::OAuth2(oauth2) => Some(&oauth2.fields.refresh_token),
            Auth::Bearer(bearer) => bearer.refresh.as_ref().map(|refresh| &refresh.refresh_token),
            Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => None,
        };
        let name =
            name.ok_or("the provider profile says nothing of `auth.oauth2` or `auth.bearer.refresh`")?;
        let sent = learn::sent_refresh(profile, request)
            .ok_or_else(|| format!("the request carries no `{name}`"))?;
        self.store.revoke_refresh(&sent);
        Ok(())
    }

    /// Takes back a refresh token that was handed out in an answer which then was changed: the one that was used
    /// for it stays good.
    pub(crate) fn withhold_refresh(&mut self, token: &str) {
        self.store.withhold(token);
    }

    fn family_of(&self, profile: &ProviderProfile, request: &Request) -> Result<FamilyId, String> {
        let token = carried_by(profile, request)?;
        self.store.family_of(&token).ok_or_else(|| not_known(profile))
    }

    /// The recorded token, if nobody has it yet, else a fresh one.
    fn recorded_or_fresh(&mut self, recorded: Option<String>, kind: &str) -> String {
        match recorded {
            Some(token) if !self.store.is_known(&token) => token,
            _ => self.fresh.after(kind),
        }
    }
}

fn carried_by(profile: &ProviderProfile, request: &Request) -> Result<String, String> {
    let carried = credential(&profile.auth, request).map(Cow::into_owned);
    carried.ok_or_else(|| format!("the request carries no {}", noun(&profile.auth)))
}

fn not_known(profile: &ProviderProfile) -> String {
    format!("the request's {} is not known", noun(&profile.auth))
}

/// The tokens of an answer.
#[derive(Default)]
struct Handed {
    access_token: Option<String>,
    refresh_token: Option<String>,
}

fn handed_out(profile: &ProviderProfile, response: &Response) -> Handed {
    let (Some(fields), Ok(body)) = (token_fields(profile), GrantBody::of(&response.body)) else {
        return Handed::default();
    };
    let may_rotate = match &profile.auth {
        Auth::Bearer(bearer) => {
            bearer.refresh.as_ref().is_some_and(|refresh| refresh.new_refresh_token.is_some())
        }
        Auth::OAuth2(_) | Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => true,
    };
    Handed {
        access_token: body.text(&fields.access_token),
        refresh_token: body.text(&fields.refresh_token).filter(|_| may_rotate),
    }
}

/// When a life that begins now is over; never, where it is not known or beyond all dates.
fn until(now: Timestamp, life_ms: Option<i64>) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_millis(life_ms?)).ok()
}

/// Every scope that the profile knows of; nothing where it knows none.
fn all_scopes(oauth2: &OAuth2) -> Option<Scope> {
    let all: Scope = oauth2.scopes.values().flatten().cloned().collect();
    Some(all).filter(|all| !all.is_empty())
}
