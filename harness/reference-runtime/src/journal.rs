//! The structured log: each line kept in a bounded ring that `GET /log` shows, and handed to `tracing`.
//!
//! Lines are built from names, numbers and our own sentences; credentials and record contents have no way in.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

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
    lines: Mutex<VecDeque<Value>>,
}

impl Journal {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, lines: Mutex::default() }
    }

    /// Writes one line; `fields` is a JSON object of what is particular to the event.
    pub(crate) fn line(&self, level: Level, event: &str, about: About<'_>, fields: Value) {
        let (tenant, connection, run) = match about {
            About::Runtime => (None, None, None),
            About::Connection(lane) => (Some(&lane.tenant), Some(&lane.connection), None),
            About::Run(lane, run) => (Some(&lane.tenant), Some(&lane.connection), Some(run.to_string())),
        };
        let mut line = Map::new();
        line.insert("at".to_owned(), json!(self.clock.now()));
        line.insert("level".to_owned(), json!(level.word()));
        line.insert("event".to_owned(), json!(event));
        line.insert("tenant".to_owned(), json!(tenant.map(Name::as_str)));
        line.insert("connection".to_owned(), json!(connection.map(Name::as_str)));
        line.insert("run".to_owned(), json!(run));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let line = Value::Object(line);
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

    /// The lines that are kept, oldest first.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::config::ClockMode;

    #[test]
    fn the_ring_keeps_the_newest_lines() {
        let journal = Journal::new(Clock::new(ClockMode::Test { start: Timestamp::UNIX_EPOCH }));
        for number in 0..=KEPT_LINES {
            journal.line(Level::Info, "counted", About::Runtime, json!({ "number": number }));
        }
        let lines = journal.lines();
        assert_eq!(lines.len(), KEPT_LINES);
        assert_eq!(lines.first().unwrap()["number"], 1);
        assert_eq!(lines.last().unwrap()["number"], KEPT_LINES);
        assert_eq!(lines.last().unwrap()["at"], "1970-01-01T00:00:00Z");
    }
}
