//! The clock protocol, and the one place where this side of the harness reads real time.
//!
//! `GET /clock` tells [`ClockState`]; `POST /clock/advance {"to": <instant>}` fires the earliest timer that is
//! due by then, one at a time, and answers with the state after it. docs/clock-protocol.md has the whole of it.

use jiff::Timestamp;
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a subject says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct ClockState {
    /// Its time.
    pub now: Timestamp,
    /// When it will next do something by itself, if it will.
    pub next_timer: Option<Timestamp>,
    /// Units of work that wait neither for a timer nor for an answer from outside.
    pub busy: u64,
    /// Requests to providers that were begun.
    pub started: u64,
    /// Requests to providers that are over, however they ended.
    pub finished: u64,
}

/// Advances at one instant in which nothing is begun and no timer goes: one that is fired has a next.
const MAX_IDLE_ADVANCES: u64 = 2_000;

/// What a subject said of its clock so far, to hold against what it says next.
#[derive(Debug, Default)]
pub(crate) struct ClockBooks(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: Option<ClockState>,
    idle_advances: u64,
}

impl ClockBooks {
    /// It was started again, and counts anew.
    pub(crate) fn begin_anew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }

    /// Takes down a state, `asked_for` being the instant of the advance that it answers. Why it cannot be, if it cannot.
    pub(crate) fn enter(&self, state: ClockState, asked_for: Option<Timestamp>) -> Result<(), String> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.finished > state.started {
            return Err(format!(
                "finished is {}, more than started, which is {}: a request is over only after it was begun",
                state.finished, state.started
            ));
        }
        if let Some(next) = state.next_timer.filter(|next| *next < state.now) {
            let now = state.now;
            return Err(format!(
                "next_timer is {next}, before now, which is {now}: a timer that is due fires"
            ));
        }
        if let Some(last) = entries.last {
            follows(&last, &state, asked_for)?;
            let stands = last.now == state.now && last.next_timer == state.next_timer;
            let is_idle = stands && last.started == state.started && state.next_timer == Some(state.now);
            if asked_for.is_some() {
                entries.idle_advances = if is_idle { entries.idle_advances + 1 } else { 0 };
            }
        }
        if entries.idle_advances > MAX_IDLE_ADVANCES {
            return Err(format!(
                "after {MAX_IDLE_ADVANCES} advances to {0} next_timer still is {0}, and nothing was begun: the timer \
                 never fires; take it out of the list when it does",
                state.now
            ));
        }
        entries.last = Some(state);
        Ok(())
    }
}

/// Whether a state can follow from the one before.
fn follows(last: &ClockState, state: &ClockState, asked_for: Option<Timestamp>) -> Result<(), String> {
    if state.now < last.now {
        return Err(format!("now is {}, and was {} before: time goes backwards", state.now, last.now));
    }
    for (name, count, before) in
        [("started", state.started, last.started), ("finished", state.finished, last.finished)]
    {
        if count < before {
            return Err(format!(
                "{name} is {count}, and was {before} before: it counts from the start of the process"
            ));
        }
    }
    let due = |to: Timestamp| last.next_timer.filter(|next| *next <= to).unwrap_or(to);
    match asked_for {
        None if state.now != last.now => Err(format!(
            "now is {}, and was {} before, without an advance: it must stand still",
            state.now, last.now
        )),
        Some(to) if state.now != due(to) => Err(format!(
            "now is {} after an advance to {to}; expected {}{}",
            state.now,
            due(to),
            if due(to) == to { "" } else { ", the instant of the earliest timer" }
        )),
        _ => Ok(()),
    }
}

/// Real time that has passed, for bounds and for wall times in reports.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where real time is measured")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Real time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Real milliseconds since the start.
    #[must_use]
    pub fn elapsed_ms(self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Lets real time pass: only for subjects that live in it.
#[expect(clippy::disallowed_methods, reason = "a subject on real time can only be waited for")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// The same for a thread that may block.
#[expect(clippy::disallowed_methods, reason = "what a process leaves behind can only be looked for again")]
pub(crate) fn pause_blocking(duration: Duration) {
    std::thread::sleep(duration);
}

/// What a future comes to, unless so much real time passes before.
#[expect(clippy::disallowed_methods, reason = "whoever starts a process waits for it in real time")]
pub(crate) async fn within<T>(duration: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(duration, work).await.ok()
}

/// The date, for a program that is to see another.
#[expect(clippy::disallowed_methods, reason = "a date can only be shifted from the real one")]
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> ClockState {
        serde_json::from_str(text).unwrap()
    }

    fn at(second: u8, next: Option<u8>, started: u64, finished: u64) -> ClockState {
        let instant = |second: u8| format!("\"2026-01-01T00:00:{second:02}Z\"");
        let next = next.map_or("null".to_owned(), instant);
        let now = instant(second);
        state(&format!(
            r#"{{"now": {now}, "next_timer": {next}, "busy": 0, "started": {started}, "finished": {finished}}}"#
        ))
    }

    #[test]
    fn what_follows_from_what_was_said_is_taken() {
        let books = ClockBooks::default();
        books.enter(at(0, Some(5), 0, 0), None).unwrap();
        books.enter(at(0, Some(5), 1, 0), None).unwrap();
        books.enter(at(5, Some(5), 1, 1), Some(at(5, None, 0, 0).now)).unwrap();
        books.enter(at(5, None, 1, 1), Some(at(5, None, 0, 0).now)).unwrap();
        books.enter(at(9, None, 1, 1), Some(at(9, None, 0, 0).now)).unwrap();
        books.begin_anew();
        books.enter(at(0, None, 0, 0), None).unwrap();
    }

    #[test]
    fn lies_are_told() {
        let to = |second| Some(at(second, None, 0, 0).now);
        let told: Vec<String> = [
            (at(5, None, 1, 1), at(4, None, 1, 1), None),
            (at(5, None, 1, 1), at(6, None, 1, 1), None),
            (at(5, None, 1, 1), at(5, None, 0, 0), None),
            (at(5, None, 1, 1), at(5, None, 1, 2), None),
            (at(5, None, 1, 1), at(5, Some(4), 1, 1), None),
            (at(5, Some(7), 1, 1), at(9, None, 1, 1), to(9)),
            (at(5, None, 1, 1), at(5, None, 1, 1), to(9)),
        ]
        .map(|(first, then, asked_for)| {
            let books = ClockBooks::default();
            books.enter(first, None).unwrap();
            books.enter(then, asked_for).unwrap_err()
        })
        .into();
        insta::assert_snapshot!(told.join("\n"), @"
        now is 2026-01-01T00:00:04Z, and was 2026-01-01T00:00:05Z before: time goes backwards
        now is 2026-01-01T00:00:06Z, and was 2026-01-01T00:00:05Z before, without an advance: it must stand still
        started is 0, and was 1 before: it counts from the start of the process
        finished is 2, more than started, which is 1: a request is over only after it was begun
        next_timer is 2026-01-01T00:00:04Z, before now, which is 2026-01-01T00:00:05Z: a timer that is due fires
        now is 2026-01-01T00:00:09Z after an advance to 2026-01-01T00:00:09Z; expected 2026-01-01T00:00:07Z, the instant of the earliest timer
        now is 2026-01-01T00:00:05Z after an advance to 2026-01-01T00:00:09Z; expected 2026-01-01T00:00:09Z
        ");
    }

    #[test]
    fn a_timer_that_never_fires_is_told() {
        let books = ClockBooks::default();
        let stuck = at(5, Some(5), 1, 1);
        books.enter(stuck, None).unwrap();
        let lie = (0..5_000).find_map(|_| books.enter(stuck, Some(stuck.now)).err());
        assert!(lie.unwrap().contains("the timer never fires"));
    }
}
