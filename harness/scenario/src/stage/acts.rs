//! Acts: steps that set something off, each judged by what the subject answers at once. What comes of them later is
//! settled like everything else.

use super::{Stage, of_step};
use crate::file::names::{Names, as_text, fill_text};
use crate::file::{CallStep, Captures, FileStep, Location, Matcher, Spanned, Step, TriggerStep};
use crate::files::{FileName, put, read_bounded};
use crate::known::Words;
use crate::observed::LastRun;
use crate::plan::PROVIDER;
use crate::unjudged::Unjudged;
use crate::wording::brief;
use counterpart_outcome::Violation;
use counterpart_stand_in::DeliveryEnd;
use counterpart_subject::{Answered, HttpCall, SubjectError};
use futures_util::future::join_all;
use serde_json::Value;
use std::path::Path;

/// What a step came to.
pub(crate) struct Done {
    pub(super) location: Location,
    pub(super) step: String,
    pub(super) result: String,
    pub(super) violations: Vec<Violation>,
    pub(super) captured: Names,
    /// Of a run of a batch: how it went.
    pub(super) run: Option<LastRun>,
}

impl Done {
    pub(super) fn new(location: Location, step: &str, result: &str) -> Self {
        Self {
            location,
            step: step.to_owned(),
            result: result.to_owned(),
            violations: Vec::new(),
            captured: Names::new(),
            run: None,
        }
    }
}

impl Stage<'_> {
    /// Takes acts at the same time.
    pub(super) async fn act_together(&mut self, steps: &[Spanned<Step>]) -> Result<Vec<Done>, Unjudged> {
        let stage = &*self;
        let acts = steps
            .iter()
            .map(|step| async move { stage.act(step).await.map_err(|error| of_step(step, &error)) });
        let all: Vec<Done> = join_all(acts).await.into_iter().collect::<Result<_, _>>()?;
        let triggers = steps
            .iter()
            .zip(&all)
            .filter(|(step, done)| matches!(step.value, Step::Trigger(_)) && done.violations.is_empty());
        self.triggers += triggers.count();
        Ok(all)
    }

    pub(super) async fn act(&self, step: &Spanned<Step>) -> Result<Done, SubjectError> {
        let location = step.referenced;
        match &step.value {
            Step::Trigger(trigger) => self.trigger(location, trigger).await,
            Step::Call(call) => self.call(location, call).await,
            Step::Webhook { exchange, status } => self.webhook(location, exchange, *status).await,
            Step::File(file) => self.file(location, file),
            // A plan in which another step stands here is refused.
            other => Err(SubjectError::NotDescribed(format!("`{}` sets nothing off", other.word()))),
        }
    }

    async fn trigger(&self, location: Location, trigger: &TriggerStep) -> Result<Done, SubjectError> {
        let names = self.names();
        let (name, words) = trigger.named.first().map_or(("", Vec::new()), |(name, words)| {
            let words = words.iter().map(|(word, value)| (word.clone(), fill_text(value, &names)));
            (name.as_str(), words.collect())
        });
        if self.subject.is_tick(name) {
            let settled = self.conductor().tick().await?;
            return Ok(self.settled(location, &format!("trigger {name}"), &settled));
        }
        let words = self.for_provider(&words);
        let before = self.done_by_providers();
        let answered = self.subject.trigger(name, &words).await?;
        let mut done = Done::new(location, &format!("trigger {name}"), &self.stand_in.hide(&answered.told));
        done.violations.extend(self.status(location, "trigger", &answered, None));
        self.answered(&mut done, "trigger", &answered, trigger.answer.as_ref(), &trigger.capture);
        if self.subject.spec().is_batch() {
            let was_disturbed = self.was_disturbed_since(before);
            if was_disturbed && answered.json["exit_code"].is_null() {
                let expected = "it ends by itself, whatever a provider does";
                let message = "a signal ended the run while a provider misbehaved";
                done.violations.push(self.broken(location, "trigger", message, expected, &done.result));
            }
            done.run = Some(LastRun {
                // One that a signal ended has none.
                has_failed: answered.json["exit_code"] != 0,
                told: done.result.clone(),
                was_disturbed,
            });
        }
        Ok(done)
    }

    /// The last request so far, and how often a fault has struck.
    fn done_by_providers(&self) -> (u64, u64) {
        let last = self.stand_in.seen().last().map_or(0, |seen| seen.seq);
        (last, self.stand_in.faults_struck())
    }

    /// Whether a fault struck since, or a request was answered otherwise than recorded. Of connections that are refused
    /// nothing is seen here: where there may be any, there may have been.
    fn was_disturbed_since(&self, (last, strikes): (u64, u64)) -> bool {
        self.stand_in.faults_struck() > strikes
            || self.stand_in.fails_connections()
            || self.stand_in.seen().iter().any(|seen| seen.seq > last && !seen.note.is_as_recorded())
    }

    /// A trigger that is meant for one provider is filled in with what is known of that one.
    fn for_provider(&self, words: &Words) -> Words {
        let named = words.iter().find(|(word, _)| word == PROVIDER);
        let known = named.and_then(|(_, provider)| self.of_providers.get(provider));
        known.into_iter().flatten().cloned().chain(words.iter().cloned()).collect()
    }

    async fn call(&self, location: Location, step: &CallStep) -> Result<Done, SubjectError> {
        let words: Vec<(String, String)> =
            self.captured.iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
        let json = step.json.as_ref().map(|json| with_numbers(json, &self.captured));
        let call = HttpCall { call: step.request.clone(), json };
        let answered = self.subject.call_with(&call, &words).await?;
        let name = format!("call {}", self.stand_in.hide(&step.request));
        let mut done = Done::new(location, &name, &answered.status.to_string());
        done.violations.extend(self.status(location, "call", &answered, step.status));
        self.answered(&mut done, "call", &answered, step.answer.as_ref(), &step.capture);
        Ok(done)
    }

    fn status(
        &self,
        location: Location,
        step: &str,
        answered: &Answered,
        wanted: Option<u16>,
    ) -> Option<Violation> {
        let good = match wanted {
            Some(wanted) => answered.status == wanted,
            None => (200..300).contains(&answered.status),
        };
        let is_call = answered.told == answered.status.to_string();
        let actual = match is_call {
            true => format!("{}: {}", answered.status, answered.excerpt),
            false => answered.excerpt.clone(),
        };
        let expected = wanted.map_or_else(|| "2xx".to_owned(), |wanted| wanted.to_string());
        let expected = if is_call { expected } else { "a program that ends with exit code 0".to_owned() };
        (!good).then(|| self.broken(location, step, "the subject refused it", &expected, &actual))
    }

    /// Judges an answer, and keeps of it what later steps need.
    fn answered(
        &self,
        done: &mut Done,
        step: &str,
        answered: &Answered,
        wanted: Option<&Matcher>,
        capture: &Captures,
    ) {
        let wanted = wanted.map(|matcher| matcher.filled(&self.names()));
        if let Some(matcher) = wanted.filter(|matcher| !matcher.fits(Some(&answered.json))) {
            let message = "the subject's answer is not what it must be";
            let actual = brief(&answered.json);
            done.violations.push(self.broken(done.location, step, message, &matcher.words(), &actual));
        }
        for (name, query) in capture {
            let found = query.path.query(&answered.json).all();
            match found[..] {
                [value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))] => {
                    done.captured.insert(name.clone(), value.clone());
                }
                _ => {
                    let message = format!("`{name}` could not be captured from the answer");
                    let expected = format!("one text, number or boolean at {}", query.text);
                    let actual =
                        format!("{} values there; the answer: {}", found.len(), brief(&answered.json));
                    done.violations.push(self.broken(done.location, step, &message, &expected, &actual));
                    // Later steps are taken all the same; what they are made of shows what is missing.
                    done.captured.insert(name.clone(), Value::String(format!("not-captured-{name}")));
                }
            }
        }
    }

    fn file(&self, location: Location, step: &FileStep) -> Result<Done, SubjectError> {
        let names = self.names();
        let name = fill_text(&step.name, &names);
        let refuse = |why: String| SubjectError::NotDescribed(format!("{name}: {why}"));
        let folder = self
            .subject
            .files_folder()?
            .ok_or_else(|| refuse("the subject's description does not say where its files are".to_owned()))?;
        let parsed = FileName::parse(&name).map_err(&refuse)?;
        let content = match (&step.text, &step.put) {
            (Some(text), _) => fill_text(text, &names).into_bytes(),
            (None, Some(source)) => {
                let source = self.plan.path.parent().unwrap_or(Path::new("")).join(source);
                read_bounded(&source).map_err(|error| refuse(format!("{}: {error}", source.display())))?
            }
            (None, None) => Vec::new(),
        };
        put(&folder, &parsed, &content, step.half).map_err(|error| refuse(error.to_string()))?;
        let result = match step.half {
            true => format!("{} of {} bytes, and no more", content.len() / 2, content.len()),
            false => format!("{} bytes", content.len()),
        };
        Ok(Done::new(location, &format!("file {name}"), &result))
    }

    /// Has the provider deliver a webhook. What comes of it later is settled like everything else.
    async fn webhook(
        &self,
        location: Location,
        exchange: &str,
        wanted: Option<u16>,
    ) -> Result<Done, SubjectError> {
        let name = format!("webhook {exchange}");
        let Some(url) = self.subject.webhooks_url()? else {
            return Err(SubjectError::NotDescribed("the subject takes no webhooks".to_owned()));
        };
        let report = match self.stand_in.deliver(&self.plan.profile.provider, exchange, &url).await {
            Ok(report) => report,
            Err(error) => {
                let error = error.to_string();
                let broken =
                    self.broken(location, "webhook", "it could not be delivered", "a delivery", &error);
                return Ok(Done { violations: vec![broken], ..Done::new(location, &name, &error) });
            }
        };
        let first = report.first_attempts.first().map(DeliveryEnd::status);
        let good = match (wanted, first) {
            (Some(wanted), first) => first == Some(Some(wanted)),
            (None, _) if report.fault.is_some() => true,
            (None, first) => first.flatten().is_some_and(|status| (200..300).contains(&status)),
        };
        let came_to: Vec<String> = report.first_attempts.iter().take(5).map(ToString::to_string).collect();
        let more = report.first_attempts.len().saturating_sub(came_to.len());
        let told = match (came_to.is_empty(), more) {
            (true, _) => "nothing was sent yet".to_owned(),
            (false, 0) => came_to.join(", "),
            (false, more) => format!("{}, and {more} more", came_to.join(", ")),
        };
        let mut done = Done::new(location, &name, &told);
        if !good {
            let expected = wanted.map_or_else(|| "2xx".to_owned(), |wanted| wanted.to_string());
            let message = "the subject did not answer the webhook as it must";
            done.violations.push(self.broken(location, "webhook", message, &expected, &told));
        }
        Ok(done)
    }
}

/// A body with the numbers and booleans that were captured; texts are filled in with all other names.
fn with_numbers(json: &Value, captured: &Names) -> Value {
    match json {
        Value::String(text) => {
            let name = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match name.and_then(|name| captured.get(name)) {
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.clone(),
                _ => json.clone(),
            }
        }
        Value::Array(items) => items.iter().map(|item| with_numbers(item, captured)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), with_numbers(value, captured)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}
