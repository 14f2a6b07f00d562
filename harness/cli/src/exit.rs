//! Exit codes, in one place.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | passed |
//! | 1 | something failed |
//! | 2 | wrong usage, or a file that cannot be used |
//! | 3 | the environment (a port in use, a disk full), or something could not be judged and nothing failed |
//! | 4 | nothing was selected |
//! | 5 | inconclusive: something was skipped, or failed in quarantine, and nothing worse; or an invalid load |
//! | 6 | snapshots wait for review |
//! | 130 | told to stop (Ctrl-C, SIGTERM) before the end |
//!
//! Where several apply, the first of 2, 3, 1, 5, 6, 4 is given. "Could not be judged" yields to a failure:
//! its 3 stands only where nothing failed, so that for outcomes the order is 1, 3, 5, 6, 4.
//!
//! `exec` ends with the code of the command that it ran ([`Exit::OfCommand`]), and where that is 0 with one of these.

use counterpart_outcome::Run;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Passed,
    Failed,
    Usage,
    Environment,
    NothingSelected,
    Inconclusive,
    SnapshotsPending,
    Interrupted,
    /// What a command ended with that was run.
    OfCommand(u8),
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::NothingSelected => 4,
            Self::Inconclusive => 5,
            Self::SnapshotsPending => 6,
            Self::Interrupted => 130,
            Self::OfCommand(code) => code,
        }
    }

    /// What a run's outcomes come to.
    pub(crate) fn of(run: &Run) -> Self {
        let totals = run.totals();
        match () {
            () if totals.failed > 0 => Self::Failed,
            () if totals.errored > 0 => Self::Environment,
            () if totals.skipped + totals.quarantined > 0 => Self::Inconclusive,
            () if totals.snapshots_pending > 0 => Self::SnapshotsPending,
            () if totals.total == 0 => Self::NothingSelected,
            () => Self::Passed,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An end before anything could be judged: why, and with which code.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}

impl Stop {
    /// A file or an argument that cannot be used.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// Something outside: a port, a disk, a server.
    pub(crate) fn environment(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Environment, error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_outcome::{Coverage, Digest, Environment, ScenarioOutcome, SubjectSeen, Verdict};

    fn run(verdicts: &[Verdict], pending: usize) -> Run {
        let scenario = |verdict: &Verdict| ScenarioOutcome {
            name: String::new(),
            title: String::new(),
            file: String::new(),
            digest: Digest(String::new()),
            covers: Vec::new(),
            fixtures: Vec::new(),
            verdict: verdict.clone(),
            attempts: Vec::new(),
            snapshots_pending: vec![String::new(); pending],
            quarantine: None,
        };
        Run {
            counterpart: "run/1".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            wall_ms: 0,
            seed: 0,
            environment: Environment {
                counterpart: String::new(),
                os: String::new(),
                arch: String::new(),
                cpus: 1,
            },
            subject: SubjectSeen {
                name: String::new(),
                kind: String::new(),
                version: None,
                digest: Digest(String::new()),
                plants: Vec::new(),
            },
            scenarios: verdicts.iter().map(scenario).collect(),
            coverage: Coverage::default(),
            integrations: Vec::new(),
            shard: None,
        }
    }

    #[test]
    fn the_gravest_outcome_decides() {
        use Verdict::{Errored, Failed, Flaky, Passed};
        let skipped = Verdict::Skipped { reason: String::new() };
        for (verdicts, pending, exit) in [
            (vec![Passed, Flaky], 0, Exit::Passed),
            (vec![Passed, skipped.clone()], 1, Exit::Inconclusive),
            (vec![Errored, skipped], 0, Exit::Environment),
            (vec![Passed, Failed, Errored], 1, Exit::Failed),
            (vec![Passed, Errored], 1, Exit::Environment),
            (vec![Passed], 1, Exit::SnapshotsPending),
            (vec![], 0, Exit::NothingSelected),
        ] {
            assert_eq!(Exit::of(&run(&verdicts, pending)), exit, "{verdicts:?}");
        }
    }

    #[test]
    fn a_failure_in_quarantine_is_neither_a_failure_nor_a_pass() {
        for verdict in [Verdict::Failed, Verdict::Errored] {
            let mut run = run(&[Verdict::Passed, verdict], 0);
            let quarantine = |counts| counterpart_outcome::Quarantine {
                reason: "known".into(),
                owner: "somebody".into(),
                until: jiff::civil::date(2026, 12, 31),
                counts,
            };
            run.scenarios[1].quarantine = Some(quarantine(true));
            assert_eq!(Exit::of(&run), Exit::Inconclusive);
            run.scenarios[1].quarantine = Some(quarantine(false));
            assert!(matches!(Exit::of(&run), Exit::Failed | Exit::Environment), "its time is over");
        }
    }
}
