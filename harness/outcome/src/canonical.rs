//! The canonical form of a run: what must be the same whenever the same seed plays the same files.

use crate::{ExchangeSeen, Run, ScenarioOutcome};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The run without real time and machine, and with the exchanges of one instant in a fixed order.
#[must_use]
pub fn canonical(run: &Run) -> Value {
    json!({
        "seed": run.seed,
        "subject": run.subject,
        "scenarios": canonical_outcomes(&run.scenarios),
        "coverage": run.coverage,
        "integrations": run.integrations,
    })
}

/// The same of some outcomes.
#[must_use]
pub fn canonical_outcomes(outcomes: &[ScenarioOutcome]) -> Value {
    let mut outcomes = outcomes.to_vec();
    for attempt in outcomes.iter_mut().flat_map(|scenario| &mut scenario.attempts) {
        attempt.wall_ms = 0;
        attempt.exchanges.sort_by(|a, b| order(a).cmp(&order(b)));
        for (exchange, seq) in attempt.exchanges.iter_mut().zip(1..) {
            exchange.seq = seq;
        }
        for violation in &mut attempt.violations {
            // They point at numbers that have just changed.
            violation.exchanges.clear();
        }
    }
    json!(outcomes)
}

/// All but the number: what is alike in all of this may change places.
type Order<'a> = (Timestamp, &'a str, &'a str, &'a str, Option<&'a str>, Option<&'a str>, Option<u16>);

fn order(exchange: &ExchangeSeen) -> Order<'_> {
    let ExchangeSeen { at, operation, target, note, exchange, fault, status, .. } = exchange;
    (*at, operation, target, note, exchange.as_deref(), fault.as_deref(), *status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Attempt, Coverage, Digest, Environment, ExchangeSeen, ScenarioOutcome, SubjectSeen, Verdict,
    };

    fn run(order: [u64; 2], wall_ms: u64) -> Run {
        let exchange = |seq, operation: u64| ExchangeSeen {
            seq,
            at: jiff::Timestamp::UNIX_EPOCH,
            operation: format!("operation-{operation}"),
            method: "GET".into(),
            target: "/".into(),
            exchange: None,
            fault: None,
            status: Some(200),
            note: "replayed".into(),
        };
        Run {
            counterpart: "run/1".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            wall_ms,
            seed: 7,
            environment: Environment { counterpart: "0".into(), os: "o".into(), arch: "a".into(), cpus: 2 },
            subject: SubjectSeen {
                name: "s".into(),
                kind: "url".into(),
                version: None,
                digest: Digest(String::new()),
                plants: Vec::new(),
            },
            scenarios: vec![ScenarioOutcome {
                name: "a/b".into(),
                title: "t".into(),
                file: "f".into(),
                digest: Digest(String::new()),
                covers: Vec::new(),
                fixtures: Vec::new(),
                verdict: Verdict::Passed,
                attempts: vec![Attempt {
                    number: 1,
                    verdict: Verdict::Passed,
                    error: None,
                    steps: Vec::new(),
                    began_at: None,
                    violations: Vec::new(),
                    invariants: Vec::new(),
                    evidence: crate::Evidence::default(),
                    replay: crate::Replay::default(),
                    exchanges: vec![exchange(1, order[0]), exchange(2, order[1])],
                    virtual_ms: 5,
                    wall_ms,
                }],
                snapshots_pending: Vec::new(),
                quarantine: None,
            }],
            coverage: Coverage::default(),
            integrations: Vec::new(),
            shard: None,
        }
    }

    #[test]
    fn requests_of_one_instant_are_a_set_and_real_time_is_left_out() {
        assert_eq!(canonical(&run([1, 2], 3)), canonical(&run([2, 1], 9)));
        assert_ne!(canonical(&run([1, 2], 3)), canonical(&run([1, 3], 3)));
    }

    #[test]
    fn a_run_file_reads_back_and_a_newer_one_is_refused() {
        let folder = std::env::temp_dir().join(format!("counterpart-run-{}", std::process::id()));
        let path = folder.join("run.json");
        let one = run([1, 2], 3);
        crate::write_run(&path, &one).unwrap();
        assert_eq!(crate::read_run(&path).unwrap(), one);
        let newer = std::fs::read_to_string(&path).unwrap().replace("run/1", "run/2");
        std::fs::write(&path, newer).unwrap();
        assert!(crate::read_run(&path).unwrap_err().to_string().contains("use a newer counterpart"));
        std::fs::write(&path, "{\"counterpart\": \"run/1\"}").unwrap();
        assert!(crate::read_run(&path).unwrap_err().to_string().contains(":1:"));
        // A hole in a file costs no space.
        std::fs::File::create(&path).unwrap().set_len(2_048 << 20).unwrap();
        let refusal = crate::read_run(&path).unwrap_err().to_string();
        assert!(refusal.contains("is of 2048 MiB, and a run file of at most 1024 MiB is read"), "{refusal}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
