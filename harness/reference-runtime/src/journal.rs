//! The structured log: each line kept in a bounded ring that `GET /log` shows, and handed to `tracing`.
//!
//! Lines are built from names, numbers and our own sentences; credentials and record contents have no way in.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::identity::{Lane, Name, RunId};

/// How many lines the ring keeps; the oldest make room.
const KEPT_LINES: usize = 10_000;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Whom a line is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About<'a> {
    Runtime,
    Connection(&'a Lane),
    Run(&'a Lane, RunId),
}

#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    lines: Mutex<VecDeque<Line>>,
}

/// A line as it is kept. It becomes JSON when somebody reads it: most are never read.
#[derive(Debug)]
struct Line {
    at: Timestamp,
    level: Level,
    event: &'static str,
    lane: Option<Lane>,
    run: Option<RunId>,
    fields: Value,
}

impl Line {
    fn json(&self) -> Value {
        let lane = self.lane.as_ref();
        let mut line = Map::new();
        line.insert("at".to_owned(), json!(self.at));
        line.insert("level".to_owned(), json!(self.level.word()));
        line.insert("event".to_owned(), json!(self.event));
        line.insert("tenant".to_owned(), json!(lane.map(|lane| lane.tenant.as_str())));
        line.insert("connection".to_owned(), json!(lane.map(|lane| lane.connection.as_str())));
        line.insert("run".to_owned(), json!(self.run.map(|run| run.to_string())));
        if let Value::Object(fields) = &self.fields {
            line.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Value::Object(line)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json().fmt(formatter)
    }
}

impl Journal {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, lines: Mutex::default() }
    }

    /// Writes one line; `fields` is a JSON object of what is particular to the event.
    pub(crate) fn line(&self, level: Level, event: &'static str, about: About<'_>, fields: Value) {
        let (lane, run) = match about {
            About::Runtime => (None, None),
            About::Connection(lane) => (Some(lane.clone()), None),
            About::Run(lane, run) => (Some(lane.clone()), Some(run)),
        };
        let line = Line { at: self.clock.now(), level, event, lane, run, fields };
        match level {
            Level::Info => tracing::info!(event, %line),
            Level::Warn => tracing::warn!(event, %line),
            Level::Error => tracing::error!(event, %line),
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The lines that are kept, oldest first: all, or those of a tenant and those that are about nobody.
    pub(crate) fn lines(&self, tenant: Option<&Name>) -> Vec<Value> {
        let is_asked_for = |line: &&Line| {
            tenant.is_none_or(|tenant| line.lane.as_ref().is_none_or(|lane| lane.tenant == *tenant))
        };
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(is_asked_for).map(Line::json).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClockMode;

    #[test]
    fn the_ring_keeps_the_newest_lines() {
        let journal = Journal::new(Clock::new(ClockMode::Test { start: Timestamp::UNIX_EPOCH }));
        for number in 0..=KEPT_LINES {
            journal.line(Level::Info, "counted", About::Runtime, json!({ "number": number }));
        }
        let lines = journal.lines(None);
        assert_eq!(lines.len(), KEPT_LINES);
        assert_eq!(lines.first().unwrap()["number"], 1);
        assert_eq!(lines.last().unwrap()["number"], KEPT_LINES);
        assert_eq!(lines.last().unwrap()["at"], "1970-01-01T00:00:00Z");
    }
}
