//! Why the control API does not do what it was asked: place, what was found, what was expected, how to mend it.

use serde_json::{Value, json};

/// Characters of what was sent that are shown.
const MAX_SHOWN_CHARS: usize = 200;

/// An error, as it is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    /// A word for programs.
    code: &'static str,
    place: Option<String>,
    found: Option<String>,
    expected: Option<String>,
    mend: Option<String>,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str) -> Self {
        Self { status, code, place: None, found: None, expected: None, mend: None }
    }

    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// What was found; cut where it is long.
    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        let found: String = found.into();
        let shown: String = found.chars().take(MAX_SHOWN_CHARS).collect();
        self.found = Some(if shown.len() < found.len() { format!("{shown}...") } else { found });
        self
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    pub(super) fn answer(self) -> (u16, Value) {
        let Self { status, code, place, found, expected, mend } = self;
        let body = json!({
            "error": { "code": code, "place": place, "found": found, "expected": expected, "mend": mend }
        });
        (status, body)
    }
}
