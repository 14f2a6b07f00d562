//! What a check found, and how that is said.

use crate::exit::Exit;
use serde::Serialize;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it must be, or not needed.
    Ok,
    /// A run works, but not all of it, or not well.
    Warning,
    /// A run does not work.
    Problem,
}

/// What was looked at, how it stands, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) state: State,
    pub(super) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// What a problem makes the command end with.
    #[serde(skip)]
    pub(super) exit: Exit,
}

impl Finding {
    pub(super) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, state: State::Ok, what: what.into(), mend: None, exit: Exit::Passed }
    }

    pub(super) fn warning(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        let (what, mend) = (what.into(), Some(mend.into()));
        Self { check, state: State::Warning, what, mend, exit: Exit::Passed }
    }

    /// Of the environment.
    pub(super) fn problem(check: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Self {
        let (what, mend) = (what.into(), Some(mend.into()));
        Self { check, state: State::Problem, what, mend, exit: Exit::Environment }
    }

    /// Of a file, whose error says itself how to mend it.
    pub(super) fn of_file(check: &'static str, error: impl std::fmt::Display) -> Self {
        Self { check, state: State::Problem, what: error.to_string(), mend: None, exit: Exit::Usage }
    }

    /// As lines of a table.
    pub(super) fn lines(&self) -> String {
        let word = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Problem => "problem",
        };
        let below = format!("\n{}", " ".repeat(20));
        let mend = self.mend.as_ref().map(|mend| format!("\nto mend it: {mend}")).unwrap_or_default();
        let text = format!("{}{mend}", self.what.trim_end()).replace('\n', &below);
        format!("{word:<8} {:<10} {text}", self.check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_this() {
        let findings = [
            Finding::ok("ports", "a free port can be listened on"),
            Finding::warning("files", "a process may have 256 files open", "ulimit -n 4096"),
            Finding::problem("subject", "`mine` (url): no answer\nconnection refused", "start it"),
            Finding::of_file("scenarios", "scenarios/a.yaml:5:1: unknown field `stepz`"),
        ];
        insta::assert_snapshot!(findings.map(|finding| finding.lines()).join("\n"), @"
        ok       ports      a free port can be listened on
        warning  files      a process may have 256 files open
                            to mend it: ulimit -n 4096
        problem  subject    `mine` (url): no answer
                            connection refused
                            to mend it: start it
        problem  scenarios  scenarios/a.yaml:5:1: unknown field `stepz`
        ");
    }
}
