//! How requests are authenticated: the part of a provider profile that a recording shows least of.
//!
//! Policy alone, as YAML has it. Knows nothing of tokens, clocks or how any of it is played.

use crate::OperationName;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How requests are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// The API is open, or its credentials are not judged.
    #[default]
    None,
    /// `Authorization: Bearer` (RFC 6750).
    Bearer(BearerAuth),
    /// Bearer tokens that an OAuth 2.0 authorization server of the provider hands out (RFC 6749).
    #[serde(rename = "oauth2")]
    OAuth2(Box<OAuth2>),
    /// A key that the provider gave out once and that each request carries.
    ApiKey(ApiKeyAuth),
    /// `Authorization: Basic`, a name and a password in each request (RFC 7617).
    Basic(BasicAuth),
}

impl Auth {
    /// Whether requests carry credentials that are judged.
    #[must_use]
    pub fn judges_credentials(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether requests of an operation need no credential: all, where none is judged.
    #[must_use]
    pub fn admits_without_credential(&self, operation: &OperationName) -> bool {
        match self {
            Self::None => true,
            Self::Bearer(bearer) => bearer.public.contains(operation),
            Self::ApiKey(key) => key.public.contains(operation),
            Self::Basic(basic) => basic.public.contains(operation),
            Self::OAuth2(oauth2) => {
                oauth2.public.contains(operation) || oauth2.endpoints().any(|endpoint| endpoint == operation)
            }
        }
    }

    /// The operation that hands out tokens, if the profile names one.
    #[must_use]
    pub fn token_operation(&self) -> Option<&OperationName> {
        match self {
            Self::None | Self::ApiKey(_) | Self::Basic(_) => None,
            Self::Bearer(bearer) => bearer.refresh.as_ref().map(|refresh| &refresh.operation),
            Self::OAuth2(oauth2) => Some(&oauth2.token),
        }
    }

    /// What is wrong with it, if anything: what nobody could ever satisfy.
    pub(super) fn check(&self) -> Result<(), String> {
        let oauth2 = match self {
            Self::OAuth2(oauth2) => oauth2,
            Self::ApiKey(key) => return key.place.check(),
            Self::None | Self::Bearer(_) | Self::Basic(_) => return Ok(()),
        };
        if oauth2.client_authentication.is_empty() {
            return Err(
                "auth.oauth2.client_authentication is empty, so no client could ask for a token; name \
                        `basic`, `body` or `none`"
                    .to_owned(),
            );
        }
        if oauth2.pkce.methods().is_empty() {
            return Err("auth.oauth2.pkce.methods is empty; name `S256` or `plain`".to_owned());
        }
        let is_scope = |scope: &str| {
            let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            !scope.is_empty() && scope.bytes().all(allowed)
        };
        for (operation, scopes) in &oauth2.scopes {
            if let Some(bad) = scopes.iter().find(|scope| !is_scope(scope)) {
                return Err(format!(
                    "auth.oauth2.scopes.{operation}: {bad:?} is no scope; expected one word without spaces, quotes \
                     or backslashes"
                ));
            }
        }
        match oauth2.redirect_uris.iter().find(|uri| !uri.contains(':') || uri.contains(['#', ' '])) {
            Some(bad) => Err(format!(
                "auth.oauth2.redirect_uris: {bad:?} is no beginning of an absolute URI without fragment; expected \
                 one like `https://app.example/callback`"
            )),
            None => Ok(()),
        }
    }

    /// Every operation that is named here.
    pub(super) fn operations_named(&self) -> Vec<&OperationName> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer(bearer) => {
                bearer.public.iter().chain(bearer.refresh.as_ref().map(|it| &it.operation)).collect()
            }
            Self::OAuth2(oauth2) => {
                oauth2.public.iter().chain(oauth2.endpoints()).chain(oauth2.scopes.keys()).collect()
            }
            Self::ApiKey(key) => key.public.iter().collect(),
            Self::Basic(basic) => basic.public.iter().collect(),
        }
    }
}

/// A key in each request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAuth {
    /// Where a request carries it.
    #[serde(rename = "in")]
    pub place: KeyPlace,
    /// Operations that need no key.
    #[serde(default)]
    pub public: Vec<OperationName>,
}

/// Where a request carries its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyPlace {
    /// The whole value of the header of this name.
    Header(String),
    /// What follows this scheme in `Authorization`, as in `Authorization: Token abc`.
    Authorization(String),
    /// The field of this name in the query.
    Query(String),
}

impl KeyPlace {
    fn check(&self) -> Result<(), String> {
        // RFC 9110 section 5.6.2.
        let is_token = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            !text.is_empty() && text.bytes().all(allowed)
        };
        match self {
            Self::Header(name) if name.eq_ignore_ascii_case("authorization") => Err(
                "auth.api_key.in.header: `authorization` begins with a scheme; expected the scheme, as in \
                     `in: {authorization: Token}`"
                    .to_owned(),
            ),
            Self::Header(name) if !is_token(name) => Err(format!(
                "auth.api_key.in.header: {name:?} is no name of a header; expected one like `x-api-key`"
            )),
            Self::Authorization(scheme) if !is_token(scheme) => Err(format!(
                "auth.api_key.in.authorization: {scheme:?} is no scheme; expected one word like `Token`"
            )),
            Self::Authorization(scheme) if ["bearer", "basic"].contains(&&*scheme.to_ascii_lowercase()) => {
                Err(format!(
                    "auth.api_key.in.authorization: {scheme:?} has a kind of its own; write `auth: {{{}: {{}}}}`",
                    scheme.to_ascii_lowercase()
                ))
            }
            Self::Query(name) if name.is_empty() => {
                Err("auth.api_key.in.query is empty; expected the name of a field, like `key`".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A name and a password in each request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// Operations that need neither.
    #[serde(default)]
    pub public: Vec<OperationName>,
}

/// Bearer tokens, refreshed or not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerAuth {
    /// Operations that need no token.
    #[serde(default)]
    pub public: Vec<OperationName>,
    /// How a new token is had, if it can be.
    #[serde(default)]
    pub refresh: Option<Refresh>,
}

/// The exchange of a refresh token for an access token. All names are JSON fields at the top of a body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The operation that refreshes.
    pub operation: OperationName,
    /// Where the request carries the refresh token.
    pub refresh_token: String,
    /// Where the answer carries the new access token.
    pub access_token: String,
    /// Where the answer carries the new refresh token, if it may.
    #[serde(default)]
    pub new_refresh_token: Option<String>,
    /// Where the answer carries the token's life, in milliseconds.
    #[serde(default)]
    pub expires_in_ms: Option<String>,
}

/// An OAuth 2.0 authorization server, and the resources that its tokens open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The operation of the token endpoint (RFC 6749 section 3.2).
    pub token: OperationName,
    /// The operation of the authorization endpoint (RFC 6749 section 3.1), if the provider has one.
    #[serde(default)]
    pub authorize: Option<OperationName>,
    /// The operation of the revocation endpoint (RFC 7009), if the provider has one.
    #[serde(default)]
    pub revoke: Option<OperationName>,
    /// Further operations that need no token.
    #[serde(default)]
    pub public: Vec<OperationName>,
    /// Life of an access token, in seconds. Without it, as long as the recorded token answers tell, else for ever.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub access_token_life_s: Option<u64>,
    /// Life of an authorization code, in seconds: 600, the most that RFC 6749 section 4.1.2 recommends.
    #[serde(default = "default_code_life_s")]
    #[schemars(range(min = 1))]
    pub code_life_s: u64,
    /// Whether refresh tokens are handed out, and what becomes of one that was used.
    #[serde(default)]
    pub refresh_tokens: RefreshTokens,
    /// Whether an authorization code is bound to a key of the client's (RFC 7636).
    #[serde(default)]
    pub pkce: Pkce,
    /// How clients may authenticate (RFC 6749 section 2.3): in any way, where nothing is said.
    #[serde(default = "any_client_authentication")]
    pub client_authentication: Vec<ClientAuthentication>,
    /// Operation to the scopes that it needs, all of them (RFC 6749 section 3.3).
    #[serde(default)]
    pub scopes: IndexMap<OperationName, Vec<String>>,
    /// What a redirect URI must begin with, up to a slash, a port or a query. Without any, each absolute URI is good.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// What the fields of token requests and answers are called.
    #[serde(default)]
    pub fields: TokenFields,
}

impl OAuth2 {
    /// The operations of the authorization server itself.
    pub fn endpoints(&self) -> impl Iterator<Item = &OperationName> {
        std::iter::once(&self.token).chain(&self.authorize).chain(&self.revoke)
    }
}

fn default_code_life_s() -> u64 {
    600
}

fn any_client_authentication() -> Vec<ClientAuthentication> {
    vec![ClientAuthentication::Basic, ClientAuthentication::Body, ClientAuthentication::None]
}

/// Refresh tokens: handed out or not, and what becomes of one that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RefreshTokens {
    /// None are handed out.
    NotIssued,
    /// One stays good however often it is used.
    Kept {
        /// Its life, in seconds; for ever, without it.
        #[serde(default)]
        #[schemars(range(min = 1))]
        life_s: Option<u64>,
    },
    /// Each refresh brings a new one and uses up the old one (RFC 9700 section 4.14.2).
    Rotated {
        /// What happens when a used one comes again.
        #[serde(default)]
        on_reuse: OnReuse,
        /// Life of each, in seconds from when it was handed out; for ever, without it.
        #[serde(default)]
        #[schemars(range(min = 1))]
        life_s: Option<u64>,
    },
}

impl Default for RefreshTokens {
    fn default() -> Self {
        Self::Rotated { on_reuse: OnReuse::default(), life_s: None }
    }
}

/// What happens when a refresh token comes that was used already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnReuse {
    /// It was stolen, or its answer was: every token of the same grant is revoked (RFC 9700 section 4.14.2).
    #[default]
    RevokeFamily,
    /// It is refused, and nothing else happens.
    Refuse,
}

/// Proof Key for Code Exchange (RFC 7636).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pkce {
    /// An authorization request without a challenge is refused.
    Required {
        /// The challenge methods that are good.
        #[serde(default = "s256_alone")]
        methods: Vec<PkceMethod>,
    },
    /// A challenge may be given, and then it is held against the verifier.
    Optional {
        /// The challenge methods that are good.
        #[serde(default = "all_pkce_methods")]
        methods: Vec<PkceMethod>,
    },
}

impl Default for Pkce {
    fn default() -> Self {
        Self::Optional { methods: all_pkce_methods() }
    }
}

impl Pkce {
    /// The challenge methods that are good.
    #[must_use]
    pub fn methods(&self) -> &[PkceMethod] {
        match self {
            Self::Required { methods } | Self::Optional { methods } => methods,
        }
    }
}

fn s256_alone() -> Vec<PkceMethod> {
    vec![PkceMethod::S256]
}

fn all_pkce_methods() -> Vec<PkceMethod> {
    vec![PkceMethod::S256, PkceMethod::Plain]
}

/// How a challenge follows from its verifier (RFC 7636 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PkceMethod {
    /// It is the verifier's SHA-256 digest in base64url.
    S256,
    /// It is the verifier.
    #[serde(rename = "plain")]
    Plain,
}

/// How a client says who it is (RFC 6749 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// `Authorization: Basic` with id and secret.
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
    /// `client_id` alone: the client is public and has no secret.
    None,
}

/// What the fields of token requests and answers are called; by default as in RFC 6749 section 5.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenFields {
    /// Where an answer carries the access token.
    pub access_token: String,
    /// Where requests and answers carry the refresh token.
    pub refresh_token: String,
    /// Where an answer carries the life of the access token.
    pub expires_in: String,
    /// In what that life is counted.
    pub expires_in_unit: LifeUnit,
    /// Where requests and answers carry the scope.
    pub scope: String,
}

impl Default for TokenFields {
    fn default() -> Self {
        Self {
            access_token: "access_token".to_owned(),
            refresh_token: "refresh_token".to_owned(),
            expires_in: "expires_in".to_owned(),
            expires_in_unit: LifeUnit::Seconds,
            scope: "scope".to_owned(),
        }
    }
}

/// In what a life is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LifeUnit {
    /// Seconds, as in RFC 6749.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProviderProfile, parse_document};
    use std::path::Path;

    fn read(oauth2: &str) -> Result<ProviderProfile, String> {
        let text = format!(
            "counterpart: provider/1\nprovider: p\noperations:\n  token: POST /token\n  list: GET /list\nauth:\n  oauth2:\n{oauth2}"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider.yaml");
        std::fs::write(&path, &text).unwrap();
        ProviderProfile::read(&path).map_err(|error| error.message)
    }

    #[test]
    fn a_token_endpoint_is_enough() {
        let Auth::OAuth2(oauth2) = read("    token: token\n").unwrap().auth else { panic!("not OAuth") };
        assert_eq!(oauth2.code_life_s, 600);
        assert_eq!(oauth2.client_authentication.len(), 3);
        assert_eq!(
            oauth2.refresh_tokens,
            RefreshTokens::Rotated { on_reuse: OnReuse::RevokeFamily, life_s: None }
        );
        assert_eq!(oauth2.pkce.methods(), [PkceMethod::S256, PkceMethod::Plain]);
    }

    #[test]
    fn every_word_of_it_can_be_read() {
        let all = "
    token: token
    authorize: list
    revoke: list
    public: [list]
    access_token_life_s: 60
    code_life_s: 30
    refresh_tokens: {rotated: {on_reuse: refuse, life_s: 5}}
    pkce: {required: {methods: [S256, plain]}}
    client_authentication: [basic, body, none]
    scopes: {list: [a.read, 'https://x/b']}
    redirect_uris: [https://app.example/cb, 'com.example:/cb']
    fields: {access_token: token, expires_in: ttl, expires_in_unit: milliseconds}
";
        let profile = read(all).unwrap();
        let yaml = serde_json::to_value(&profile).unwrap();
        assert_eq!(serde_json::from_value::<ProviderProfile>(yaml).unwrap(), profile, "and written");
        for form in ["not_issued", "{kept: {}}", "{rotated: {}}"] {
            assert!(read(&format!("    token: token\n    refresh_tokens: {form}\n")).is_ok(), "{form}");
        }
        let bad = parse_document::<ProviderProfile>(
            Path::new("provider.yaml"),
            "counterpart: provider/1\nprovider: p\nauth:\n  oauth2:\n    token: token\n    rotation: always\n",
        );
        assert_eq!(bad.unwrap_err().place.map(|place| place.line), Some(6), "unknown words are refused");
    }

    #[test]
    fn what_nobody_could_satisfy_is_refused() {
        for (line, told) in [
            ("client_authentication: []", "no client could ask"),
            ("pkce: {required: {methods: []}}", "name `S256`"),
            ("scopes: {list: ['a b']}", "\"a b\" is no scope"),
            ("redirect_uris: [/cb]", "\"/cb\" is no beginning"),
            ("revoke: lists", "did you mean `list`?"),
            ("scopes: {lists: [a]}", "did you mean `list`?"),
        ] {
            let problem = read(&format!("    token: token\n    {line}\n")).unwrap_err();
            assert!(problem.contains(told), "{line}: {problem}");
        }
    }

    fn read_keys(auth: &str) -> Result<ProviderProfile, String> {
        let text =
            format!("counterpart: provider/1\nprovider: p\noperations:\n  list: GET /list\nauth: {auth}\n");
        ProviderProfile::parse(Path::new("provider.yaml"), &text).map_err(|error| error.message)
    }

    #[test]
    fn keys_and_passwords_say_where_they_are() {
        for (auth, expected) in [
            ("{api_key: {in: {header: x-api-key}}}", KeyPlace::Header("x-api-key".to_owned())),
            ("{api_key: {in: {query: key}, public: [list]}}", KeyPlace::Query("key".to_owned())),
            ("{api_key: {in: {authorization: Token}}}", KeyPlace::Authorization("Token".to_owned())),
        ] {
            let profile = read_keys(auth).unwrap();
            let Auth::ApiKey(key) = &profile.auth else { panic!("{:?}", profile.auth) };
            assert_eq!(key.place, expected);
            let again = serde_json::to_value(&profile).unwrap();
            assert_eq!(serde_json::from_value::<ProviderProfile>(again).unwrap(), profile, "and written");
        }
        assert_eq!(read_keys("{basic: {}}").unwrap().auth, Auth::Basic(BasicAuth::default()));
        for (auth, told) in [
            ("{api_key: {in: {header: Authorization}}}", "`in: {authorization: Token}`"),
            ("{api_key: {in: {header: 'x key'}}}", "\"x key\" is no name of a header"),
            ("{api_key: {in: {authorization: ''}}}", "is no scheme"),
            ("{api_key: {in: {authorization: Bearer}}}", "write `auth: {bearer: {}}`"),
            ("{api_key: {in: {query: ''}}}", "expected the name of a field"),
            ("{api_key: {in: {cookie: a}}}", "unknown variant `cookie`"),
            ("{api_key: {}}", "missing field `in`"),
            ("{basic: {public: [lists]}}", "did you mean `list`?"),
        ] {
            let problem = read_keys(auth).unwrap_err();
            assert!(problem.contains(told), "{auth}: {problem}");
        }
    }
}
