//! The provider's own forms of its errors, taken from what was recorded.

use crate::behaviour::told::{http_date, later};
use counterpart_exchange::{
    Body, Direction, ErrorForm, Fixture, HeaderValue, Headers, JsonText, OperationName, ProviderProfile,
    Refusal, Response, RetryAfterForm, StandInValues, suggest,
};
use indexmap::IndexMap;
use jiff::Timestamp;

/// One recorded answer for each error that the profile describes and a fixture shows.
#[derive(Clone, Debug, Default)]
pub struct ErrorForms {
    forms: IndexMap<String, Response>,
    retry_after_ms_field: Option<String>,
}

/// The errors whose form is asked for, by fault or by state.
const KNOWN: &[&str] = &[
    "expired_token",
    "unknown_token",
    "revoked_token",
    "insufficient_scope",
    "refresh_refused",
    "rate_limited",
    "forbidden",
    "server_error",
    "not_found",
    "precondition_failed",
    "expired_cursor",
    "handshake_failed",
    "conflict",
    "gone",
    "unprocessable",
    "too_early",
    "error_with_200",
    "graphql_errors",
    "persisted_query_not_found",
    "soap_fault",
    "json_rpc_error",
    // The codes of RFC 6749 section 5.2.
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

impl ErrorForms {
    /// What is wrong with the names of the profile's errors, if anything.
    ///
    /// # Errors
    /// A sentence that names the nearest error.
    pub fn check(profile: &ProviderProfile) -> Result<(), String> {
        let mut known = KNOWN.to_vec();
        for name in profile.forms_named() {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        match profile.errors.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(format!(
                "the profile of {} describes the error `{name}`, which nothing asks for; {}",
                profile.provider,
                suggest(name, known.iter().copied()).map_or_else(
                    || format!("there are: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?")
                )
            )),
        }
    }

    /// Looks through all fixtures of a provider, in order, for the first answer of each described form.
    #[must_use]
    pub fn from_evidence<'a>(
        profile: &ProviderProfile,
        fixtures: impl IntoIterator<Item = &'a Fixture>,
    ) -> Self {
        let mut forms: IndexMap<String, Response> = IndexMap::new();
        for fixture in fixtures {
            // Placeholders live in files only: what goes over the wire has values in their place.
            let mut values = None;
            // The answer to a webhook is the integration's.
            for exchange in fixture.exchanges.iter().filter(|one| one.direction == Direction::Outbound) {
                let Some(response) = &exchange.response else { continue };
                let operation = profile.operation_of_request(&exchange.request);
                for (name, form) in &profile.errors {
                    if !forms.contains_key(name) && fits(form, &operation, response) {
                        let values = values.get_or_insert_with(|| StandInValues::of(fixture));
                        forms
                            .extend(values.fill_exchange(exchange).response.map(|form| (name.clone(), form)));
                    }
                }
            }
        }
        Self { forms, retry_after_ms_field: profile.rate_limit.retry_after_ms_field.clone() }
    }

    /// The recorded form of an error, if there is one.
    #[must_use]
    pub fn recorded(&self, name: &str) -> Option<&Response> {
        self.forms.get(name)
    }

    /// The form of an error: as recorded, else plain JSON that says what it is.
    #[must_use]
    pub fn form(&self, name: &str, status: u16, meaning: &str) -> Response {
        self.recorded(name).cloned().unwrap_or_else(|| plain(status, meaning))
    }

    /// A declared refusal: as recorded, else in the profile's words, else plain JSON that says what it is.
    #[must_use]
    pub(crate) fn refusal(&self, refusal: &Refusal, meaning: &str) -> Response {
        let status = refusal.status.get();
        let recorded = refusal.form.as_ref().and_then(|name| self.recorded(name)).cloned();
        let mut answer = recorded.unwrap_or_else(|| match &refusal.json {
            Some(json) => own(status, json),
            None => plain(status, meaning),
        });
        answer.status = status;
        answer
    }

    /// A 429 or 503 that tells the client to wait so many seconds, or keeps silent about it.
    #[must_use]
    pub fn with_retry_after(&self, response: Response, retry_after_s: Option<u64>) -> Response {
        // Seconds are told without a look at the time.
        self.with_wait(response, retry_after_s, RetryAfterForm::Seconds, Timestamp::UNIX_EPOCH)
    }

    /// The same in a form of the vendor's.
    #[must_use]
    pub(crate) fn with_wait(
        &self,
        mut response: Response,
        wait_s: Option<u64>,
        told_as: RetryAfterForm,
        now: Timestamp,
    ) -> Response {
        let wait_s = wait_s.filter(|_| told_as != RetryAfterForm::Absent);
        response.headers.remove("retry-after");
        if let Some(seconds) = wait_s {
            let text = match told_as {
                RetryAfterForm::DecimalSeconds => format!("{seconds}.0"),
                RetryAfterForm::HttpDate => http_date(later(now, seconds)),
                RetryAfterForm::Seconds | RetryAfterForm::Absent => seconds.to_string(),
            };
            response.headers.append("retry-after", HeaderValue::Text(text));
        }
        if let (Some(field), Some(json)) = (&self.retry_after_ms_field, response.body.json()) {
            let mut value = json.to_value();
            if let Some(object) = value.as_object_mut() {
                match wait_s {
                    Some(seconds) => object.insert(field.clone(), seconds.saturating_mul(1000).into()),
                    None => object.shift_remove(field),
                };
                if let Ok(changed) = JsonText::parse(&value.to_string()) {
                    response.body = Body::Json(changed);
                }
            }
        }
        response
    }
}

/// Whether an answer to an operation has a form.
pub(crate) fn fits(form: &ErrorForm, operation: &OperationName, response: &Response) -> bool {
    let body_fits = || {
        let value = response.body.json().map(JsonText::to_value).unwrap_or_default();
        form.json.iter().all(|(field, expected)| at_path(&value, field) == Some(expected))
    };
    let contains = |text: &String| String::from_utf8_lossy(&response.body.to_bytes()).contains(text);
    form.status == response.status
        && form.operation.as_ref().is_none_or(|wanted| wanted == operation)
        && (form.json.is_empty() || body_fits())
        && form.contains.as_ref().is_none_or(contains)
}

/// A top-level field, or what a dotted path leads to; elements of lists by their index.
fn at_path<'a>(body: &'a serde_json::Value, path: &str) -> Option<&'a serde_json::Value> {
    body.get(path).or_else(|| {
        path.split('.').try_fold(body, |at, part| match at {
            serde_json::Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            other => other.get(part),
        })
    })
}

/// An answer of the stand-in's own making, for a provider whose form nobody recorded.
pub(crate) fn plain(status: u16, meaning: &str) -> Response {
    own(status, &serde_json::json!({ "error": meaning }))
}

/// JSON of the stand-in's own.
pub(crate) fn own(status: u16, json: &serde_json::Value) -> Response {
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text("application/json".to_owned()));
    Response {
        status,
        headers,
        body: Body::from_bytes(json.to_string().as_bytes(), Some("application/json")),
    }
}
