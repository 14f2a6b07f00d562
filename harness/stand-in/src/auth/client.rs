//! Who asks for tokens: client authentication (RFC 6749 section 2.3).
//!
//! A client is known by what the recorded token requests show. Where they show none, every client is accepted: its
//! registration is nothing that a fixture could hold, and refusing all would make the flow unplayable.

use super::params::Params;
use super::refusal::{Refusal, Said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterpart_exchange::{ClientAuthentication, Request, RequestTarget};
use std::collections::BTreeSet;

/// A client, by the first id that was seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientId(String);

/// How a request says who it is from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Presented {
    /// Id and secret, in the head or in the body.
    Secret {
        how: ClientAuthentication,
        /// As sent, and decoded once more where it came in the head: RFC 6749 section 2.3.1 has it encoded as in a
        /// form, which not every client does.
        spellings: [(String, String); 2],
    },
    /// An id alone.
    Id(String),
    /// Nothing.
    Nobody,
}

/// A client of the recording.
#[derive(Clone, Default)]
struct Client {
    /// The flow that showed it.
    flow: String,
    ids: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

/// The clients of the recording.
#[derive(Clone, Default)]
pub(super) struct Clients {
    known: Vec<Client>,
    /// Whether tokens were handed out to somebody who said nothing of himself.
    anonymous: bool,
}

impl Presented {
    /// # Errors
    /// A refusal where a client uses more than one way (RFC 6749 section 2.3), or credentials that cannot be read.
    pub(super) fn of(request: &Request, params: &Params) -> Result<Self, Refusal> {
        let id = params.get("client_id");
        let secret = params.get("client_secret");
        if let Some(basic) = basic(request) {
            let Some(sent) = basic else {
                return Err(Refusal::new(
                    Said::InvalidClient,
                    "refused: the Basic credentials cannot be read",
                ));
            };
            let decoded = (form_decoded(&sent.0), form_decoded(&sent.1));
            let same_client = id.is_none_or(|id| id == sent.0 || id == decoded.0);
            if secret.is_some() || !same_client {
                let why = "refused: the client authenticates in two ways";
                return Err(Refusal::new(Said::InvalidRequest, why));
            }
            return Ok(Self::Secret { how: ClientAuthentication::Basic, spellings: [decoded, sent] });
        }
        Ok(match (id, secret) {
            (Some(id), Some(secret)) => {
                let sent = (id.to_owned(), secret.to_owned());
                Self::Secret { how: ClientAuthentication::Body, spellings: [sent.clone(), sent] }
            }
            (Some(id), None) => Self::Id(id.to_owned()),
            (None, Some(_)) => {
                return Err(Refusal::new(Said::InvalidClient, "refused: a client secret came without an id"));
            }
            (None, None) => Self::Nobody,
        })
    }

    pub(super) fn has_secret(&self) -> bool {
        matches!(self, Self::Secret { .. })
    }

    /// Id and secret, as far as they were given.
    pub(super) fn pair(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Secret { spellings: [(id, secret), _], .. } => (Some(id), Some(secret)),
            Self::Id(id) => (Some(id), None),
            Self::Nobody => (None, None),
        }
    }

    fn how(&self) -> ClientAuthentication {
        match self {
            Self::Secret { how, .. } => *how,
            Self::Id(_) | Self::Nobody => ClientAuthentication::None,
        }
    }
}

impl Clients {
    /// Learns from a request that was accepted in a flow. What one flow shows is one client: where its secret was
    /// redacted together with its id, the id of its authorization requests is another name of the same.
    pub(super) fn learn(&mut self, flow: &str, presented: &Presented) {
        let (id, secret) = match presented.pair() {
            (Some(id), secret) => (id.to_owned(), secret.map(str::to_owned)),
            (None, _) => {
                self.anonymous = true;
                return;
            }
        };
        let at = self.known.iter().position(|client| client.flow == flow || client.ids.contains(&id));
        let at = at.unwrap_or_else(|| {
            self.known.push(Client { flow: flow.to_owned(), ..Client::default() });
            self.known.len() - 1
        });
        self.known[at].ids.insert(id);
        self.known[at].secrets.extend(secret);
    }

    /// Who a client is that only names itself, as at the authorization endpoint.
    pub(super) fn named(&self, id: &str) -> Option<ClientId> {
        if self.known.is_empty() {
            return Some(ClientId(id.to_owned()));
        }
        self.known.iter().find(|client| client.ids.contains(id)).map(Client::id)
    }

    /// Who a client is, if it proves it.
    ///
    /// # Errors
    /// `invalid_client` where it does not.
    pub(super) fn authenticated(
        &self,
        presented: &Presented,
        allowed: &[ClientAuthentication],
    ) -> Result<ClientId, Refusal> {
        let refuse = |why| Err(Refusal::new(Said::InvalidClient, why));
        if !allowed.contains(&presented.how()) {
            return refuse("refused: the provider does not take this way of client authentication");
        }
        match presented {
            Presented::Nobody if self.known.is_empty() || self.anonymous => Ok(ClientId::default()),
            Presented::Nobody => refuse("refused: the client does not say who it is"),
            Presented::Id(id) => match self.known.iter().find(|client| client.ids.contains(id)) {
                Some(client) if client.secrets.is_empty() => Ok(client.id()),
                Some(_) => refuse("refused: the client secret is missing"),
                None if self.known.is_empty() => Ok(ClientId(id.clone())),
                None => refuse("refused: the client is not known"),
            },
            Presented::Secret { spellings, .. } if self.known.is_empty() => {
                Ok(ClientId(spellings[0].0.clone()))
            }
            Presented::Secret { spellings, .. } => {
                let fits = |client: &&Client| {
                    spellings
                        .iter()
                        .any(|(id, secret)| client.ids.contains(id) && client.secrets.contains(secret))
                };
                let found = self.known.iter().find(fits).map(Client::id);
                found.map_or_else(|| refuse("refused: the client secret is not the recorded one"), Ok)
            }
        }
    }
}

impl Client {
    fn id(&self) -> ClientId {
        ClientId(self.ids.first().cloned().unwrap_or_default())
    }
}

/// The credentials of `Authorization: Basic`: nothing without it, nothing within where they cannot be read.
fn basic(request: &Request) -> Option<Option<(String, String)>> {
    let (scheme, credentials) = request.headers.text("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| {
        let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    })
}

fn form_decoded(text: &str) -> String {
    let pair = format!("a={text}");
    let fields = RequestTarget { path: "", query: Some(&pair) }.query_fields();
    match fields.as_slice() {
        [(_, value)] => value.clone(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::{Body, Headers};

    const ALL: [ClientAuthentication; 3] =
        [ClientAuthentication::Basic, ClientAuthentication::Body, ClientAuthentication::None];

    fn presented(authorization: Option<&str>, form: &str) -> Result<Presented, Refusal> {
        let mut headers = Headers::default();
        if let Some(value) = authorization {
            headers.set("authorization", value);
        }
        let media_type = "application/x-www-form-urlencoded";
        headers.set("content-type", media_type);
        let body = Body::from_bytes(form.as_bytes(), Some(media_type));
        let request = Request { method: "POST".into(), target: "/token".into(), headers, body };
        let params = Params::of_body(&request);
        Presented::of(&request, &params)
    }

    fn basic_of(text: &str) -> String {
        format!("basic {}", STANDARD.encode(text))
    }

    fn said(refused: Result<impl Sized, Refusal>) -> Option<Said> {
        refused.err().map(|refusal| refusal.said)
    }

    #[test]
    fn a_client_authenticates_in_one_way_at_most() {
        let basic = basic_of("app:a+b%2F");
        let Ok(Presented::Secret { spellings, .. }) = presented(Some(&basic), "client_id=app") else {
            panic!("no credentials")
        };
        assert_eq!(spellings.map(|(_, secret)| secret), ["a b/", "a+b%2F"]);
        for form in ["client_id=app&client_secret=s", "client_secret=s", "client_id=other"] {
            assert_eq!(said(presented(Some(&basic), form)), Some(Said::InvalidRequest), "{form}");
        }
        for unreadable in ["Basic ", "Basic !", &basic_of("no colon")] {
            assert_eq!(said(presented(Some(unreadable), "")), Some(Said::InvalidClient), "{unreadable}");
        }
    }

    #[test]
    fn a_recorded_client_must_prove_itself_and_any_other_is_refused() {
        let mut clients = Clients::default();
        clients.learn("p/one", &presented(None, "client_id=app&client_secret=s").unwrap());
        clients.learn("p/one", &presented(Some(&basic_of("user-1:t")), "").unwrap());
        clients.learn("p/two", &presented(None, "client_id=public").unwrap());
        let who = |authorization: Option<&str>, form: &str| {
            clients.authenticated(&presented(authorization, form).unwrap(), &ALL)
        };
        let app = clients.named("app").unwrap();
        assert_eq!(who(None, "client_id=app&client_secret=s"), Ok(app.clone()));
        assert_eq!(who(Some(&basic_of("app:s")), ""), Ok(app.clone()));
        assert_eq!(who(Some(&basic_of("user-1:t")), ""), Ok(app.clone()), "another name of the same");
        assert_ne!(who(None, "client_id=public"), Ok(app));
        for form in [
            "client_id=app&client_secret=x",
            "client_id=app",
            "client_id=x",
            "client_id=public&client_secret=s",
            "",
        ] {
            assert_eq!(said(who(None, form)), Some(Said::InvalidClient), "{form}");
        }
        assert_eq!(clients.named("x"), None);
        let by_basic = presented(Some(&basic_of("app:s")), "").unwrap();
        let body_alone = [ClientAuthentication::Body];
        assert_eq!(said(clients.authenticated(&by_basic, &body_alone)), Some(Said::InvalidClient));
    }

    #[test]
    fn without_a_recorded_client_any_is_accepted() {
        let clients = Clients::default();
        for form in ["client_id=app&client_secret=s", "client_id=app"] {
            assert_eq!(
                clients.authenticated(&presented(None, form).unwrap(), &ALL),
                Ok(clients.named("app").unwrap())
            );
        }
    }
}
