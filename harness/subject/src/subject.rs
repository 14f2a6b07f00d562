//! A running subject: set up, triggered, probed, its clock driven.

use crate::acts;
use crate::clock::{ClockBooks, ClockState, pause};
use crate::launch::{Launch, LaunchError, LaunchRequest, Running, Stopping, with_last_lines};
use crate::probe::{self, ProbeError, ProbeName, ProbeSource};
use crate::spec::{ClockKind, HttpCall, LaunchSpec, SubjectSpec};
use crate::template::{TemplateError, Variables};
use crate::trigger::Trigger;
use counterpart_exchange::concealed;
use jiff::Timestamp;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Real time within which the subject must answer a call of the harness.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Looks for the end of a process that may just have died, and how long between two.
const LOOKS_FOR_ITS_END: usize = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
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
    /// What a probe reads is not there, or is no list of records.
    #[error("{what}: {source}")]
    Probe {
        /// Which probe.
        what: String,
        /// Why.
        source: ProbeError,
    },
    /// What it says of its clock cannot be.
    #[error("clock: `{call}`: {lie}; docs/clock-protocol.md says what must hold")]
    Clock {
        /// Which call.
        call: String,
        /// What cannot be.
        lie: String,
    },
    /// It is no longer there although nobody ended it.
    #[error("the subject {how}")]
    Ended {
        /// How it ended.
        how: String,
    },
    /// It lives in real time, and real time ran out.
    #[error(
        "the subject lives in real time and did not come to rest within {within:?}; at last: {seen}; \
         with the clock endpoints of docs/clock-protocol.md its waits would take no time"
    )]
    NotAtRest {
        /// How long it was waited for.
        within: Duration,
        /// What it was still doing, as far as it was seen.
        seen: String,
    },
    /// It was asked for something that its description does not have.
    #[error("{0}")]
    NotDescribed(String),
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The status; 200 of what is no call and was done, 500 of what failed.
    pub status: u16,
    /// The body, null where it is not JSON.
    pub json: Value,
    /// The beginning of the body, for messages.
    pub excerpt: String,
    /// What it came to, for people: the status of a call.
    pub told: String,
}

impl Answered {
    /// Something other than a call that was done.
    pub(crate) fn done(told: String, json: Value) -> Self {
        Self { status: 200, json, excerpt: told.clone(), told }
    }
}

/// A subject that runs.
pub struct Subject {
    spec: SubjectSpec,
    running: Box<dyn Running>,
    http: reqwest::Client,
    variables: Variables,
    /// What it said of its clock before: what it says next must follow from that.
    books: ClockBooks,
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
        let mut variables = request.variables.clone();
        let running = launch.launch(request).await?;
        running.names().iter().for_each(|(name, value)| variables.set(name, value));
        Ok(Self { spec, running, http, variables, books: ClockBooks::default() })
    }

    /// How it is described.
    #[must_use]
    pub fn spec(&self) -> &SubjectSpec {
        &self.spec
    }

    /// Where it is reached: `http://host:port`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.running.base_url()
    }

    /// What its calls are filled in with.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        &self.variables
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
        self.running.names().iter().for_each(|(name, value)| self.variables.set(name, value));
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
    /// [`SubjectError`], but not for an answer that is no 2xx, nor for a program that fails.
    pub async fn trigger(&self, name: &str, words: &[(String, String)]) -> Result<Answered, SubjectError> {
        let what = format!("trigger.{name}");
        let trigger = self
            .spec
            .trigger
            .get(name)
            .ok_or_else(|| SubjectError::NotDescribed(format!("the subject has no trigger `{name}`")))?;
        let mut variables = self.variables.clone();
        words.iter().for_each(|(word, value)| variables.set(word, value));
        let done = match trigger {
            Trigger::Call(call) | Trigger::Tick(Some(call)) => {
                return self.call(&what, call, &variables).await;
            }
            // Whoever drives both clocks moves them.
            Trigger::Tick(None) => Err("a tick without a call is for whoever drives the clock".to_owned()),
            Trigger::Run(run) => acts::run_to_end(run, &variables, &self.spec.surroundings).await,
            Trigger::Put(drop) => acts::drop_file(drop, &variables, &self.spec.surroundings).await,
            Trigger::Batch(arguments) => {
                let fill = |text: &String| variables.fill(text);
                let filled = arguments.iter().map(fill).collect::<Result<Vec<_>, _>>();
                let filled =
                    filled.map_err(|source| SubjectError::Template { what: what.clone(), source })?;
                let end = self.running.run_once(filled, words).await?;
                Ok(Answered::done(end.told, end.json))
            }
        };
        done.map_err(|why| SubjectError::NotDescribed(format!("{what}: {why}")))
    }

    /// Whether a trigger is a tick of the subject's own schedule, which its clock brings about.
    #[must_use]
    pub fn is_tick(&self, trigger: &str) -> bool {
        matches!(self.spec.trigger.get(trigger), Some(Trigger::Tick(None)))
    }

    /// Whether it does nothing between two triggers, because it does not even run then.
    #[must_use]
    pub fn rests_between_triggers(&self) -> bool {
        matches!(self.spec.launch, LaunchSpec::Batch(_))
    }

    /// Shifts the dates that it sees.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub fn set_time(&self, now: Timestamp) -> Result<(), SubjectError> {
        self.running.set_time(now).map_err(SubjectError::from)
    }

    /// Makes any call.
    ///
    /// # Errors
    /// [`SubjectError`], but not for an answer that is no 2xx.
    pub async fn call_once(&self, call: &HttpCall) -> Result<Answered, SubjectError> {
        self.call("call", call, &self.variables).await
    }

    /// Makes any call, with words of its own for its braces.
    ///
    /// # Errors
    /// As [`Subject::call_once`].
    pub async fn call_with(
        &self,
        call: &HttpCall,
        words: &[(String, String)],
    ) -> Result<Answered, SubjectError> {
        let mut variables = self.variables.clone();
        words.iter().for_each(|(word, value)| variables.set(word, value));
        self.call("call", call, &variables).await
    }

    /// What a name in braces stands for, where it stands for something.
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// The folder where it takes files and leaves them, if its description names one.
    ///
    /// # Errors
    /// [`SubjectError::Template`].
    pub fn files_folder(&self) -> Result<Option<PathBuf>, SubjectError> {
        let Some(folder) = &self.spec.files else { return Ok(None) };
        let filled = self.variables.fill(folder);
        filled
            .map(|folder| Some(folder.into()))
            .map_err(|source| SubjectError::Template { what: "files".to_owned(), source })
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
        let ProbeSource::Http { get, records } = &probe.source else {
            let read = probe::read(&probe.source, variables, self.running.as_ref()).await;
            return read.map_err(|source| SubjectError::Probe { what, source });
        };
        let call = HttpCall { call: format!("GET {get}"), json: None };
        let answered = self.call(&what, &call, variables).await?;
        if answered.status != 200 {
            return Err(self.unexpected(&what, &call.call, &answered, "200 with JSON"));
        }
        records.records_of(&answered.json).map(Some).map_err(|found| {
            let found = match answered.json {
                Value::Null => format!("no JSON: {:?}", answered.excerpt),
                _ => found,
            };
            let place = format!("{} at {}", call.call, concealed(&self.running.base_url()));
            SubjectError::Probe { what, source: ProbeError::new(place, found, "a list of objects") }
        })
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
            ClockKind::Real | ClockKind::Faketime => Ok(None),
            ClockKind::Endpoint => self.clock_call("GET /clock", None, None).await.map(Some),
        }
    }

    /// Moves its clock: at most one timer fires.
    ///
    /// # Errors
    /// As [`Subject::clock`].
    pub async fn advance(&self, to: Timestamp) -> Result<ClockState, SubjectError> {
        let json = serde_json::json!({ "to": to.to_string() });
        self.clock_call("POST /clock/advance", Some(json), Some(to)).await
    }

    /// Lets a little real time pass, for a subject that lives in it.
    pub async fn wait(&self, duration: Duration) {
        pause(duration).await;
    }

    /// The first half of a restart, a kill or a deployment; whether it can be done by itself, and was.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn stop_first(&mut self, how: Stopping) -> Result<bool, SubjectError> {
        self.running.stop_first(how).await.map_err(SubjectError::from)
    }

    /// Stops it and starts it again on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn restart(&mut self, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.books.begin_anew();
        self.running.restart(clock_now).await.map_err(SubjectError::from)
    }

    /// Ends it without warning and starts it again on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn kill(&mut self, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.books.begin_anew();
        self.running.kill(clock_now).await.map_err(SubjectError::from)
    }

    /// Puts another version of it in place, on the same data.
    ///
    /// # Errors
    /// [`SubjectError::Launch`].
    pub async fn deploy(&mut self, version: &str, clock_now: Timestamp) -> Result<(), SubjectError> {
        self.books.begin_anew();
        self.running.deploy(version, clock_now).await.map_err(SubjectError::from)
    }

    /// The end of what it printed. Secrets are in it as it printed them.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        self.running.last_lines()
    }

    /// A reason, and below it what it printed last.
    #[must_use]
    pub fn with_last_lines(&self, why: &str) -> String {
        let lines = self.running.last_lines();
        if lines.is_empty() { why.to_owned() } else { with_last_lines(why, &lines) }
    }

    /// What it wrote by printing it.
    #[must_use]
    pub fn printed_records(&self) -> Vec<Value> {
        self.running.printed_records()
    }

    /// How it ended, if it did although nobody ended it.
    #[must_use]
    pub fn has_ended(&self) -> Option<String> {
        self.running.has_ended()
    }

    /// The same where it is about to, as far as a connection tells that broke just now.
    pub async fn ends_soon(&self) -> Option<String> {
        for _ in 0..LOOKS_FOR_ITS_END {
            if let Some(how) = self.running.has_ended() {
                return Some(how);
            }
            pause(BETWEEN_LOOKS).await;
        }
        None
    }

    /// Ends it after the last step.
    ///
    /// # Errors
    /// [`SubjectError::Launch`] where it does not end as it was asked to, or leaves something behind.
    pub async fn end(&mut self) -> Result<(), SubjectError> {
        self.running.end().await.map_err(SubjectError::from)
    }

    async fn clock_call(
        &self,
        call: &str,
        json: Option<Value>,
        asked_for: Option<Timestamp>,
    ) -> Result<ClockState, SubjectError> {
        let call = HttpCall { call: call.to_owned(), json };
        let answered = self.call("clock", &call, &Variables::default()).await?;
        match serde_json::from_value(answered.json.clone()) {
            Ok(state) if answered.status == 200 => match self.books.enter(state, asked_for) {
                Ok(()) => Ok(state),
                Err(lie) => Err(SubjectError::Clock { call: call.call, lie }),
            },
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
            |problem: String| SubjectError::Call { what: what.to_owned(), url: concealed(&url), problem };
        let method =
            reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let mut request = self.http.request(method, &url).timeout(CALL_TIMEOUT);
        if let Some(json) = &call.json {
            request = request.json(&variables.fill_json(json).map_err(template)?);
        }
        let broken = |error: reqwest::Error| match error.is_timeout() {
            true => failed(format!("it gave no whole answer within {CALL_TIMEOUT:?}; let it answer by then")),
            false => failed(causes(&error)),
        };
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(failed(format!("its answer is over {MAX_ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let excerpt = String::from_utf8_lossy(&body).chars().take(200).collect();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Answered { status, json, excerpt, told: status.to_string() })
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
            url: format!("{call} at {}", concealed(&self.running.base_url())),
            status: answered.status,
            body: answered.excerpt.clone(),
            expected,
        }
    }
}

/// An error with what caused it: reqwest's own text stops at the first.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
