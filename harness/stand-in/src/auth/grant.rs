//! The answer that hands out tokens: read, changed field by field, and made where none was recorded.
//!
//! JSON or a form, as the provider has it. A changed field keeps its place; of JSON, numbers elsewhere may be
//! spelled anew. Knows nothing of which tokens are good.

use super::refusal::not_stored;
use super::scope::Scope;
use crate::forms::own;
use counterpart_exchange::{Auth, Body, JsonText, LifeUnit, ProviderProfile, Response, TokenFields};
use serde_json::{Value, json};

/// The fields of a token answer.
#[derive(Clone, Debug)]
pub(crate) enum GrantBody {
    /// A JSON object.
    Json(serde_json::Map<String, Value>),
    /// A form.
    Form(Vec<(String, String)>),
}

impl GrantBody {
    /// # Errors
    /// A sentence, where the body has no fields.
    pub(crate) fn of(body: &Body) -> Result<Self, String> {
        match body {
            Body::Form(fields) => Ok(Self::Form(fields.clone())),
            Body::Json(json) => match json.to_value() {
                Value::Object(fields) => Ok(Self::Json(fields)),
                _ => Err("the answer's body is not a JSON object".to_owned()),
            },
            _ => Err("the answer's body is neither JSON nor a form".to_owned()),
        }
    }

    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Form(fields) => Body::Form(fields),
            Self::Json(fields) => {
                let text = Value::Object(fields).to_string();
                // What serde_json writes, it reads.
                JsonText::parse(&text).map_or(Body::Text(text), Body::Json)
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        match self {
            Self::Json(fields) => fields.get(name).cloned(),
            Self::Form(fields) => {
                fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str().into())
            }
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(str::to_owned)
    }

    /// Sets a field, in its place if it has one, as text where it was text.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let spelled = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self {
            Self::Json(fields) => {
                let was_text = fields.get(name).is_some_and(Value::is_string);
                fields.insert(name.to_owned(), if was_text { spelled.into() } else { value });
            }
            Self::Form(fields) => match fields.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = spelled,
                None => fields.push((name.to_owned(), spelled)),
            },
        }
    }

    /// Takes a field out, and says whether it was there.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        match self {
            Self::Json(fields) => fields.shift_remove(name).is_some(),
            Self::Form(fields) => {
                let before = fields.len();
                fields.retain(|(known, _)| known != name);
                fields.len() < before
            }
        }
    }

    /// The life that it tells, in milliseconds.
    fn life_ms(&self, fields: &TokenFields) -> Option<i64> {
        let told = self.get(&fields.expires_in)?;
        let count = told.as_i64().or_else(|| told.as_str()?.trim().parse().ok())?;
        match fields.expires_in_unit {
            LifeUnit::Seconds => count.checked_mul(1_000),
            LifeUnit::Milliseconds => Some(count),
        }
    }
}

/// What the fields of the provider's token answers are called, if it hands out any.
pub(crate) fn token_fields(profile: &ProviderProfile) -> Option<TokenFields> {
    match &profile.auth {
        Auth::None | Auth::ApiKey(_) | Auth::Basic(_) => None,
        Auth::OAuth2(oauth2) => Some(oauth2.fields.clone()),
        Auth::Bearer(bearer) => {
            let refresh = bearer.refresh.as_ref()?;
            let standard = TokenFields::default();
            Some(TokenFields {
                access_token: refresh.access_token.clone(),
                refresh_token: refresh.new_refresh_token.clone().unwrap_or(standard.refresh_token),
                expires_in: refresh.expires_in_ms.clone().unwrap_or(standard.expires_in),
                expires_in_unit: LifeUnit::Milliseconds,
                scope: standard.scope,
            })
        }
    }
}

/// What is handed out.
pub(super) struct HandedOut<'a> {
    pub(super) access_token: &'a str,
    pub(super) refresh_token: RefreshTold<'a>,
    /// The life that the profile gives, in seconds.
    pub(super) life_s: Option<u64>,
    /// What is granted, where it is known.
    pub(super) scope: Option<&'a Scope>,
    /// Whether the client asked for just that: then it need not be told (RFC 6749 section 5.1).
    pub(super) scope_is_as_asked: bool,
}

/// What an answer says of the refresh token.
pub(super) enum RefreshTold<'a> {
    /// Here is one.
    New(&'a str),
    /// It is the old one, which providers repeat or leave out.
    Same(&'a str),
    /// Nothing.
    Nothing,
}

/// The answer, after a recorded one where there is any, and the life of the access token in milliseconds.
pub(super) fn answer(
    fields: &TokenFields,
    recorded: Option<&Response>,
    out: &HandedOut<'_>,
) -> (Response, Option<i64>) {
    let form = recorded.and_then(|form| Some((form, GrantBody::of(&form.body).ok()?)));
    let was_recorded = form.is_some();
    let (mut response, mut body) = match form {
        Some((form, body)) => (form.clone(), body),
        None => {
            let standard = json!({ &fields.access_token: "", "token_type": "Bearer" });
            let body = GrantBody::Json(standard.as_object().cloned().unwrap_or_default());
            (not_stored(own(200, &standard)), body)
        }
    };
    body.set(&fields.access_token, out.access_token.into());
    if let Some(life_s) = out.life_s {
        let told = match fields.expires_in_unit {
            LifeUnit::Seconds => life_s,
            LifeUnit::Milliseconds => life_s.saturating_mul(1_000),
        };
        // A provider that keeps silent about it when it is recorded does so now.
        if !was_recorded || body.get(&fields.expires_in).is_some() {
            body.set(&fields.expires_in, told.into());
        }
    }
    let life_ms = match out.life_s {
        Some(life_s) => Some(i64::try_from(life_s).unwrap_or(i64::MAX).saturating_mul(1_000)),
        None => body.life_ms(fields),
    };
    match out.refresh_token {
        RefreshTold::New(token) => body.set(&fields.refresh_token, token.into()),
        RefreshTold::Same(token) if body.get(&fields.refresh_token).is_some() => {
            body.set(&fields.refresh_token, token.into());
        }
        RefreshTold::Same(_) => {}
        RefreshTold::Nothing => {
            body.remove(&fields.refresh_token);
        }
    }
    if let Some(scope) = out.scope
        && (!out.scope_is_as_asked || body.get(&fields.scope).is_some())
    {
        body.set(&fields.scope, scope.to_string().into());
    }
    response.body = body.into_body();
    (response, life_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed_out<'a>(refresh_token: RefreshTold<'a>, scope: Option<&'a Scope>) -> HandedOut<'a> {
        HandedOut { access_token: "new", refresh_token, life_s: Some(60), scope, scope_is_as_asked: true }
    }

    fn after(recorded: &str, media_type: &str, out: &HandedOut<'_>) -> String {
        let mut form = own(200, &json!({}));
        form.body = Body::from_bytes(recorded.as_bytes(), Some(media_type));
        let (response, _) = answer(&TokenFields::default(), Some(&form), out);
        String::from_utf8(response.body.to_bytes()).unwrap()
    }

    #[test]
    fn a_recorded_answer_keeps_its_form() {
        let scope = Scope::parse("a b").unwrap();
        assert_eq!(
            after(
                r#"{"scope":"x","expires_in":"3599","instance_url":"https://x","refresh_token":"old","access_token":"old","issued_at":1}"#,
                "application/json",
                &handed_out(RefreshTold::New("next"), Some(&scope))
            ),
            r#"{"scope":"a b","expires_in":"60","instance_url":"https://x","refresh_token":"next","access_token":"new","issued_at":1}"#
        );
        assert_eq!(
            after(
                "access_token=old&scope=repo%2Cgist&token_type=bearer",
                "application/x-www-form-urlencoded",
                &handed_out(RefreshTold::New("next"), None)
            ),
            "access_token=new&scope=repo%2Cgist&token_type=bearer&refresh_token=next"
        );
        assert_eq!(
            after(
                r#"{"access_token":"old","refresh_token":"old"}"#,
                "application/json",
                &handed_out(RefreshTold::Nothing, None)
            ),
            r#"{"access_token":"new"}"#
        );
    }

    #[test]
    fn without_a_recorded_answer_it_is_that_of_the_standard() {
        let scope = Scope::parse("a").unwrap();
        let mut out = handed_out(RefreshTold::New("next"), Some(&scope));
        let (response, life_ms) = answer(&TokenFields::default(), None, &out);
        assert_eq!(
            response.body.json().unwrap().as_str(),
            r#"{"access_token":"new","token_type":"Bearer","expires_in":60,"refresh_token":"next"}"#
        );
        assert_eq!((life_ms, response.headers.text("cache-control")), (Some(60_000), Some("no-store")));
        out.scope_is_as_asked = false;
        out.life_s = None;
        out.refresh_token = RefreshTold::Same("old");
        let (response, life_ms) = answer(&TokenFields::default(), None, &out);
        assert_eq!(
            response.body.json().unwrap().as_str(),
            r#"{"access_token":"new","token_type":"Bearer","scope":"a"}"#
        );
        assert_eq!(life_ms, None);
    }
}
