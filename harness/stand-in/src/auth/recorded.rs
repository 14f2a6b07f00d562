//! What the recording shows of the authorization server: its answers, by what was asked of it.
//!
//! Recorded answers give form and, the first time, their tokens. Knows nothing of which tokens are good.

use super::params::Params;
use counterpart_exchange::{Auth, Exchange, OperationName, ProviderProfile, Request, Response};

/// The ways to tokens that are played as state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrantKind {
    AuthorizationCode,
    ClientCredentials,
    Refresh,
}

impl GrantKind {
    fn of(grant_type: &str) -> Option<Self> {
        match grant_type {
            "authorization_code" => Some(Self::AuthorizationCode),
            "client_credentials" => Some(Self::ClientCredentials),
            "refresh_token" => Some(Self::Refresh),
            _ => None,
        }
    }
}

/// What a request at the token endpoint asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Tokens, in a way that is played as state.
    Kind(GrantKind),
    /// Tokens in another way, such as `password` or `urn:ietf:params:oauth:grant-type:device_code`.
    Other(String),
    /// It does not say.
    Nothing,
}

impl Asked {
    pub(super) fn of(params: &Params) -> Self {
        match params.get("grant_type") {
            None => Self::Nothing,
            Some(word) => GrantKind::of(word).map_or_else(|| Self::Other(word.to_owned()), Self::Kind),
        }
    }
}

/// A recorded answer, with its exchange.
#[derive(Clone, Debug)]
pub(super) struct RecordedAnswer {
    /// `provider/flow#id`.
    pub(super) exchange: String,
    pub(super) response: Response,
}

/// The recorded answers of the authorization server.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordedAnswers {
    grants: Vec<(GrantKind, RecordedAnswer)>,
    /// How many of each kind were given.
    given: Vec<(GrantKind, usize)>,
    /// Grant types that are replayed and not played as state.
    pub(super) replayed: Vec<String>,
    pub(super) revocation: Option<RecordedAnswer>,
    /// The exchange of the first authorization request.
    pub(super) authorization: Option<String>,
}

impl RecordedAnswers {
    pub(super) fn keep(&mut self, kind: GrantKind, exchange: &str, response: &Response) {
        let answer = RecordedAnswer { exchange: exchange.to_owned(), response: response.clone() };
        self.grants.push((kind, answer));
    }

    /// Keeps the first answer to a revocation.
    pub(super) fn keep_revocation(&mut self, exchange: &str, response: &Response) {
        self.revocation.get_or_insert_with(|| RecordedAnswer {
            exchange: exchange.to_owned(),
            response: response.clone(),
        });
    }

    /// How many of a kind were given so far, recorded or beyond.
    pub(super) fn given(&self, kind: GrantKind) -> usize {
        self.given.iter().find(|(one, _)| *one == kind).map_or(0, |(_, given)| *given)
    }

    /// The answer that the next grant of a kind has, and whether it is given for the first time.
    pub(super) fn next(&self, kind: GrantKind) -> Option<(&RecordedAnswer, bool)> {
        let of_kind = || self.grants.iter().filter(move |(one, _)| *one == kind).map(|(_, answer)| answer);
        let first = of_kind().nth(self.given(kind)).map(|answer| (answer, true));
        first.or_else(|| of_kind().next_back().map(|answer| (answer, false)))
    }

    /// A recorded grant of any kind: providers use one form for all.
    pub(super) fn any(&self) -> Option<&RecordedAnswer> {
        self.grants.first().map(|(_, answer)| answer)
    }

    pub(super) fn count(&mut self, kind: GrantKind) {
        match self.given.iter_mut().find(|(one, _)| *one == kind) {
            Some((_, given)) => *given += 1,
            None => self.given.push((kind, 1)),
        }
    }
}

/// Whether the profile declares as behaviour what an exchange shows: it is evidence then, and never replayed.
pub(crate) fn is_behaviour(
    profile: &ProviderProfile,
    operation: &OperationName,
    exchange: &Exchange,
) -> bool {
    let refused = exchange.response.as_ref().is_some_and(|response| response.status == 401);
    match &profile.auth {
        Auth::None => false,
        Auth::ApiKey(_) | Auth::Basic(_) => refused,
        Auth::Bearer(_) => refused || profile.auth.token_operation() == Some(operation),
        Auth::OAuth2(oauth2) if *operation == oauth2.token => {
            refused || !matches!(Asked::of(&Params::of_body(&exchange.request)), Asked::Other(_))
        }
        Auth::OAuth2(oauth2) => refused || oauth2.endpoints().any(|endpoint| endpoint == operation),
    }
}

/// Whether an operation is the authorization server's own: its recorded answers are evidence, and yet a fault may
/// be placed at them.
pub(crate) fn is_endpoint(profile: &ProviderProfile, operation: &OperationName) -> bool {
    match &profile.auth {
        Auth::None | Auth::ApiKey(_) | Auth::Basic(_) => false,
        Auth::Bearer(_) => profile.auth.token_operation() == Some(operation),
        Auth::OAuth2(oauth2) => oauth2.endpoints().any(|endpoint| endpoint == operation),
    }
}

/// What a request at the token endpoint asks for. With `auth.bearer` there is nothing but refreshes.
pub(super) fn asked_of(profile: &ProviderProfile, request: &Request) -> Asked {
    match &profile.auth {
        Auth::Bearer(_) | Auth::ApiKey(_) | Auth::Basic(_) | Auth::None => Asked::Kind(GrantKind::Refresh),
        Auth::OAuth2(_) => Asked::of(&Params::of_body(request)),
    }
}
