//! A running subject: set up, triggered, probed, its clock driven.

use crate::clock::{ClockState, pause};
use crate::launch::{Launch, LaunchError, LaunchRequest, Running};
use crate::spec::{ClockKind, HttpCall, ProbeName, SubjectSpec};
use crate::template::{TemplateError, Variables};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Real time within which the subject must answer a call of the harness.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read from a subject.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// A subject that could not be dealt with.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It did not come to run.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A call's braces cannot be filled in.
    #[error("{what}: {source}")]
    Template {
        /// Which call.
        what: String,
        /// Why.
        source: TemplateError,
    },
    /// It could not be reached, or did not answer in time.
    #[error("{what}: {url} could not be called: {problem}")]
    Call {
        /// Which call.
        what: String,
        /// Where.
        url: String,
        /// Why.
        problem: String,
    },
    /// It answered something else than it must.
    #[error("{what}: {url} answered {status}: {body}; expected {expected}")]
    Unexpected {
        /// Which call.
        what: String,
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
        /// What it must answer.
        expected: &'static str,
    },
    /// It lives in real time, and real time ran out.
    #[error(
        "the subject lives in real time and did not come to rest within {within:?}; \
         with the clock endpoints of docs/clock-protocol.md its waits would take no time"
    )]
    NotAtRest {
        /// How long it was waited for.
        within: Duration,
    },
    /// It was asked for something that its description does not have.
    #[error("{0}")]
    NotDescribed(String),
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body, null where it is not JSON.
    pub json: Value,
    /// The beginning of the body, for messages.
    pub excerpt: String,
}

/// A subject that runs.
pub struct Subject {
    spec: SubjectSpec,
    running: Box<dyn Running>,
    http: reqwest::Client,
    variables: Variables,
}

impl Subject {
    /// Launches a fresh subject.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn launch(
        spec: SubjectSpec,
        launch: &dyn Launch,
        request: LaunchRequest,
        http: reqwest::Client,
    ) -> Result<Self, SubjectError> {
        let variables = request.variables.clone();
        let running = launch.launch(request).await?;
        Ok(Self { spec, running, http, variables })
    }

    /// How it is described.
    #[must_use]
    pub fn spec(&self) -> &SubjectSpec {
        &self.spec
    }

    /// The URL where it takes webhooks, if its description says where.
    ///
    /// # Errors
    /// [`SubjectError::Template`].
    pub fn webhooks_url(&self) -> Result<Option<String>, SubjectError> {
        let Some(path) = &self.spec.webhooks else { return Ok(None) };
        let path = self
            .variables
            .fill_path(path)
            .map_err(|source| SubjectError::Template { what: "webhooks".to_owned(), source })?;
        Ok(Some(format!("{}{path}", self.running.base_url().trim_end_matches('/'))))
    }

    /// Makes the calls that hand over credentials and base URLs.
    ///
    /// # Errors
    /// [`SubjectError`], also where one is answered with anything but 2xx.
    pub async fn set_up(&mut self, variables: Variables) -> Result<(), SubjectError> {
        self.variables = variables;
        self.set_up_beside(&self.variables).await
    }

    /// Makes the calls of its setup for somebody else: another tenant.
    ///
    /// # Errors
    /// As [`Subject::set_up`].
    pub async fn set_up_beside(&self, variables: &Variables) -> Result<(), SubjectError> {
        for (name, call) in &self.spec.setup {
            let what = format!("setup.{name}");
            let answered = self.call(&what, call, variables).await?;
            if !(200..300).contains(&answered.status) {
                return Err(self.unexpected(&what, &call.call, &answered, "2xx"));
            }
        }
        Ok(())
    }

    /// Sets a trigger off with its own words; what it answered.
    ///
    /// # Errors
    /// [`SubjectError`], but not for an answer that is no 2xx.
    pub async fn trigger(&self, name: &str, words: &[(String, String)]) -> Result<Answered, SubjectError> {
        let call = self
            .spec
            .trigger
            .get(name)
            .ok_or_else(|| SubjectError::NotDescribed(format!("the subject has no trigger `{name}`")))?;
        let mut variables = self.variables.clone();
        words.iter().for_each(|(word, value)| variables.set(word, value));
        self.call(&format!("trigger.{name}"), call, &variables).await
    }

    /// Makes any call.
    ///
    /// # Errors
    /// [`SubjectError`], but not for an answer that is no 2xx.
    pub async fn call_once(&self, call: &HttpCall) -> Result<Answered, SubjectError> {
        self.call("call", call, &self.variables).await
    }

    /// The records that a probe shows; nothing where the subject does not offer it.
    ///
    /// # Errors
    /// [`SubjectError`] where it is offered and cannot be read.
    pub async fn probe(&self, name: ProbeName) -> Result<Option<Vec<Value>>, SubjectError> {
        self.probe_of(name, &self.variables).await
    }

    /// The records that a probe shows of somebody else: another tenant.
    ///
    /// # Errors
    /// As [`Subject::probe`].
    pub async fn probe_of(
        &self,
        name: ProbeName,
        variables: &Variables,
    ) -> Result<Option<Vec<Value>>, SubjectError> {
        let Some(probe) = self.spec.probe.get(&name) else { return Ok(None) };
        let what = format!("probe.{}", name.word());
        let call = HttpCall { call: format!("GET {}", probe.get), json: None };
        let answered = self.call(&what, &call, variables).await?;
        match answered.json.pointer(&probe.records) {
            Some(Value::Array(records)) if answered.status == 200 => Ok(Some(records.clone())),
            _ => {
                Err(self.unexpected(&what, &call.call, &answered, "200 with a list at the probe's `records`"))
            }
        }
    }

    /// What the subject says its version is.
    pub async fn version(&self) -> Option<String> {
        let call = HttpCall { call: format!("GET {}", self.spec.health.as_ref()?), json: None };
        let answered = self.call("health", &call, &self.variables).await.ok()?;
        answered.json.get("version")?.as_str().map(str::to_owned)
    }

    /// The state of its clock; nothing where it lives in real time.
    ///
    /// # Errors
    /// [`SubjectError`] where the endpoint does not answer as the protocol says.
    pub async fn clock(&self) -> Result<Option<ClockState>, SubjectError> {
        match self.spec.clock {
            ClockKind::Real => Ok(None),
            ClockKind::Endpoint => self.clock_call("GET /clock", None).await.map(Some),
        }
    }

    /// Moves its clock: at most one timer fires.
    ///
    /// # Errors
    /// As [`Subject::clock`].
    pub async fn advance(&self, to: Timestamp) -> Result<ClockState, SubjectError> {
        self.clock_call("POST /clock/advance", Some(serde_json::json!({ "to": to.to_string() }))).await
    }

    /// Lets a little real time pass, for a subject that lives in it.
    pub async fn wait(&self, duration: Duration) {
        pause(duration).await;
    }

    /// Stops it and starts it again on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn restart(&mut self, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.running.restart(clock_now).await.map_err(SubjectError::from)
    }

    /// Ends it without warning and starts it again on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn kill(&mut self, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.running.kill(clock_now).await.map_err(SubjectError::from)
    }

    /// Puts another version of it in place, on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn deploy(&mut self, version: &str, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.running.deploy(version, clock_now).await.map_err(SubjectError::from)
    }

    /// The end of what it printed. Secrets are in it as it printed them.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        self.running.last_lines()
    }

    async fn clock_call(&self, call: &str, json: Option<Value>) -> Result<ClockState, SubjectError> {
        let call = HttpCall { call: call.to_owned(), json };
        let answered = self.call("clock", &call, &Variables::default()).await?;
        match serde_json::from_value(answered.json.clone()) {
            Ok(state) if answered.status == 200 => Ok(state),
            _ => Err(self.unexpected("clock", &call.call, &answered, "200 with the state of the clock")),
        }
    }

    async fn call(
        &self,
        what: &str,
        call: &HttpCall,
        variables: &Variables,
    ) -> Result<Answered, SubjectError> {
        let template = |source| SubjectError::Template { what: what.to_owned(), source };
        let (method, path) = call.call.split_once(' ').unwrap_or(("GET", &call.call));
        let url = format!("{}{}", self.running.base_url(), variables.fill_path(path).map_err(template)?);
        let failed =
            |problem: String| SubjectError::Call { what: what.to_owned(), url: url.clone(), problem };
        let method =
            reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let mut request = self.http.request(method, &url).timeout(CALL_TIMEOUT);
        if let Some(json) = &call.json {
            request = request.json(&variables.fill_json(json).map_err(template)?);
        }
        let mut response = request.send().await.map_err(|error| failed(causes(&error)))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(causes(&error)))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(failed(format!("its answer is over {MAX_ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let excerpt = String::from_utf8_lossy(&body).chars().take(200).collect();
        Ok(Answered { status, json: serde_json::from_slice(&body).unwrap_or_default(), excerpt })
    }

    fn unexpected(
        &self,
        what: &str,
        call: &str,
        answered: &Answered,
        expected: &'static str,
    ) -> SubjectError {
        SubjectError::Unexpected {
            what: what.to_owned(),
            url: format!("{call} at {}", self.running.base_url()),
            status: answered.status,
            body: answered.excerpt.clone(),
            expected,
        }
    }
}

/// An error with what caused it: reqwest's own text stops at the first.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
