//! Random lives of tokens, held against a model that is written down once more and differently: who is admitted is
//! computed from the history of what happened, not from any token's state.

use super::*;
use counterpart_exchange::{Body, HeaderValue, Headers, OnReuse, RefreshTokens, parse_document};
use proptest::prelude::*;
use std::path::Path;

const ACCESS_LIFE_S: i64 = 100;
const REFRESH_LIFE_S: i64 = 250;
const CODE_LIFE_S: i64 = 60;

const PROFILE: &str = "
counterpart: provider/1
provider: p
operations:
  authorize: GET /authorize
  token: POST /token
  revoke: POST /revoke
  member: GET /member
auth:
  oauth2:
    authorize: authorize
    token: token
    revoke: revoke
    access_token_life_s: 100
    code_life_s: 60
    refresh_tokens: {rotated: {life_s: 250}}
";

#[derive(Clone, Debug)]
enum Step {
    Authorize,
    Redeem(usize),
    OwnToken,
    Refresh(usize),
    /// A refresh whose answer then leaves the new refresh token out.
    RefreshWithheld(usize),
    GiveBackAccess(usize),
    GiveBackRefresh(usize),
    RevokeGrant(usize),
    Expire(usize),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let any = any::<usize>;
    let step = prop_oneof![
        2 => Just(Step::Authorize),
        3 => any().prop_map(Step::Redeem),
        1 => Just(Step::OwnToken),
        5 => any().prop_map(Step::Refresh),
        2 => any().prop_map(Step::RefreshWithheld),
        1 => any().prop_map(Step::GiveBackAccess),
        1 => any().prop_map(Step::GiveBackRefresh),
        1 => any().prop_map(Step::RevokeGrant),
        1 => any().prop_map(Step::Expire),
        3 => (1_i64..90).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A token with its grant and the second at which it was issued.
#[derive(Clone, Debug)]
struct Issued {
    token: String,
    grant: usize,
    at_s: i64,
}

/// What happened.
#[derive(Default)]
struct History {
    now_s: i64,
    grants: usize,
    codes: Vec<(String, i64, Option<usize>)>,
    access: Vec<Issued>,
    refresh: Vec<Issued>,
    revoked_grants: Vec<usize>,
    /// Access tokens that were expired or given back one by one.
    ended: Vec<String>,
    used: Vec<String>,
}

impl History {
    fn admits(&self, issued: &Issued) -> bool {
        !self.revoked_grants.contains(&issued.grant)
            && !self.ended.contains(&issued.token)
            && self.now_s < issued.at_s + ACCESS_LIFE_S
    }

    fn could_refresh(&self, issued: &Issued) -> bool {
        !self.revoked_grants.contains(&issued.grant)
            && !self.used.contains(&issued.token)
            && self.now_s < issued.at_s + REFRESH_LIFE_S
    }
}

struct Machine {
    tokens: Tokens,
    profile: ProviderProfile,
    history: History,
    on_reuse: OnReuse,
}

impl Machine {
    fn new(on_reuse: OnReuse) -> Self {
        let mut profile: ProviderProfile = parse_document(Path::new("provider.yaml"), PROFILE).unwrap();
        if let Auth::OAuth2(oauth2) = &mut profile.auth {
            let life_s = u64::try_from(REFRESH_LIFE_S).ok();
            oauth2.refresh_tokens = RefreshTokens::Rotated { on_reuse, life_s };
        }
        Self { tokens: Tokens::default(), profile, history: History::default(), on_reuse }
    }

    /// The answer of the state, if it does not let the request on.
    fn ask(&mut self, method: &str, target: &str, headers: Headers, body: Body) -> Option<Response> {
        let request = Request { method: method.into(), target: target.into(), headers, body };
        let operation = self.profile.operation_of(method, target);
        let now = Timestamp::from_second(self.history.now_s).unwrap();
        let forms = ErrorForms::default();
        match self.tokens.judge(&self.profile, &forms, &operation, &Received::part(&request), now) {
            Judgement::Admitted => None,
            Judgement::Answered(response, ..) => Some(*response),
        }
    }

    fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Response {
        let client = [("client_id", "app"), ("client_secret", "s")];
        let fields =
            client.iter().chain(fields).map(|(name, value)| ((*name).into(), (*value).into())).collect();
        self.ask("POST", target, Headers::default(), Body::Form(fields)).unwrap()
    }

    fn of_bearer(token: &str) -> Headers {
        let mut headers = Headers::default();
        headers.append("authorization", HeaderValue::Text(format!("Bearer {token}")));
        headers
    }

    /// Takes down what a token request brought.
    fn handed(&mut self, response: &Response, grant: usize) {
        let value = response.body.json().unwrap().to_value();
        let at_s = self.history.now_s;
        let issued =
            |name: &str| value[name].as_str().map(|token| Issued { token: token.to_owned(), grant, at_s });
        self.history.access.extend(issued("access_token"));
        self.history.refresh.extend(issued("refresh_token"));
    }

    fn step(&mut self, step: &Step) {
        let pick = |all: &[Issued], at: usize| (!all.is_empty()).then(|| all[at % all.len()].clone());
        match step {
            Step::Authorize => {
                let target = "/authorize?response_type=code&client_id=app&redirect_uri=http://a/cb";
                let response = self.ask("GET", target, Headers::default(), Body::None).unwrap();
                let location = response.headers.text("location").unwrap().to_owned();
                let code = location.rsplit_once("code=").unwrap().1.to_owned();
                self.history.codes.push((code, self.history.now_s, None));
            }
            Step::Redeem(at) => self.redeem(*at),
            Step::OwnToken => {
                let response = self.post("/token", &[("grant_type", "client_credentials")]);
                self.history.grants += 1;
                self.handed(&response, self.history.grants);
            }
            Step::Refresh(at) | Step::RefreshWithheld(at) => {
                let Some(sent) = pick(&self.history.refresh, *at) else { return };
                let could = self.history.could_refresh(&sent);
                let fields = [("grant_type", "refresh_token"), ("refresh_token", sent.token.as_str())];
                let response = self.post("/token", &fields);
                assert_eq!(response.status, if could { 200 } else { 400 }, "{sent:?}");
                if could {
                    self.handed(&response, sent.grant);
                    if matches!(step, Step::RefreshWithheld(_)) {
                        let withheld = self.history.refresh.pop().unwrap();
                        self.tokens.withhold_refresh(&withheld.token);
                    } else {
                        self.history.used.push(sent.token.clone());
                    }
                } else if self.history.used.contains(&sent.token) && self.on_reuse == OnReuse::RevokeFamily {
                    self.history.revoked_grants.push(sent.grant);
                }
            }
            Step::GiveBackAccess(at) => {
                let Some(sent) = pick(&self.history.access, *at) else { return };
                assert_eq!(self.post("/revoke", &[("token", &sent.token)]).status, 200);
                self.history.ended.push(sent.token);
            }
            Step::GiveBackRefresh(at) => {
                let Some(sent) = pick(&self.history.refresh, *at) else { return };
                assert_eq!(self.post("/revoke", &[("token", &sent.token)]).status, 200);
                self.history.revoked_grants.push(sent.grant);
            }
            Step::RevokeGrant(at) | Step::Expire(at) => {
                let Some(sent) = pick(&self.history.access, *at) else { return };
                let headers = Self::of_bearer(&sent.token);
                let request =
                    Request { method: "GET".into(), target: "/member".into(), headers, body: Body::None };
                if matches!(step, Step::Expire(_)) {
                    self.tokens.expire(&self.profile, &request, ExpiryTold::Unauthorized).unwrap();
                    self.history.ended.push(sent.token);
                } else {
                    self.tokens.revoke(&self.profile, &request).unwrap();
                    self.history.revoked_grants.push(sent.grant);
                }
            }
            Step::Wait(seconds) => self.history.now_s += seconds,
        }
    }

    fn redeem(&mut self, at: usize) {
        if self.history.codes.is_empty() {
            return;
        }
        let at = at % self.history.codes.len();
        let (code, issued_s, grant) = self.history.codes[at].clone();
        let fields =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", "http://a/cb")];
        let response = self.post("/token", &fields);
        let good = grant.is_none() && self.history.now_s < issued_s + CODE_LIFE_S;
        assert_eq!(response.status, if good { 200 } else { 400 });
        if good {
            self.history.grants += 1;
            self.history.codes[at].2 = Some(self.history.grants);
            self.handed(&response, self.history.grants);
        } else {
            self.history.revoked_grants.extend(grant);
        }
    }

    /// Every token is worth what the history says, and no grant has two refresh tokens that are good.
    fn holds(&mut self) {
        for issued in self.history.access.clone() {
            let admitted = self.ask("GET", "/member", Self::of_bearer(&issued.token), Body::None).is_none();
            assert_eq!(admitted, self.history.admits(&issued), "{issued:?} at {}", self.history.now_s);
        }
        let now = Timestamp::from_second(self.history.now_s).unwrap();
        for grant in 1..=self.history.grants {
            let of_grant: Vec<&Issued> =
                self.history.refresh.iter().filter(|issued| issued.grant == grant).collect();
            if let Some(family) = of_grant.first().and_then(|one| self.tokens.store.family_of(&one.token)) {
                let all = self.history.refresh.iter().map(|issued| &issued.token);
                assert!(self.tokens.store.live_refresh_tokens(all, family, now) <= 1);
            }
        }
        let mut all: Vec<&String> =
            self.history.access.iter().chain(&self.history.refresh).map(|issued| &issued.token).collect();
        all.extend(self.history.codes.iter().map(|(code, ..)| code));
        assert!(all.iter().all(|token| self.tokens.fresh().contains(token)), "each is known as a secret");
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "no token comes twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_are_worth_what_their_history_says(
        steps in steps(),
        on_reuse in prop_oneof![3 => Just(OnReuse::RevokeFamily), 1 => Just(OnReuse::Refuse)],
    ) {
        let mut machine = Machine::new(on_reuse);
        for step in &steps {
            machine.step(step);
            machine.holds();
        }
    }
}
