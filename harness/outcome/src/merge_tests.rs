//! What is merged, and what is refused.

use super::*;
use crate::{CaseKind, Digest, ScenarioOutcome, SubjectSeen, Totals, Verdict, selection_digest};

const NAMES: [&str; 6] = ["a/one", "a/two", "b/three", "b/four", "c/five", "c/six"];

fn outcome(name: &str) -> ScenarioOutcome {
    ScenarioOutcome {
        name: name.into(),
        title: name.into(),
        file: format!("scenarios/{name}.yaml"),
        digest: Digest::of(name.as_bytes()),
        covers: vec!["edge/any".into()],
        fixtures: Vec::new(),
        verdict: if name == "b/four" { Verdict::Failed } else { Verdict::Passed },
        attempts: Vec::new(),
        snapshots_pending: Vec::new(),
        quarantine: None,
    }
}

fn whole() -> Run {
    let mut scenarios: Vec<ScenarioOutcome> = NAMES.map(outcome).into();
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    let mut covered_by: Vec<String> = NAMES.map(str::to_owned).into();
    covered_by.sort();
    Run {
        counterpart: "run/1".into(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        wall_ms: 40,
        seed: 7,
        environment: Environment { counterpart: "1".into(), os: "o".into(), arch: "a".into(), cpus: 2 },
        subject: SubjectSeen {
            name: "s".into(),
            kind: "url".into(),
            version: Some("1".into()),
            digest: Digest::of(b"subject"),
            plants: Vec::new(),
        },
        scenarios,
        coverage: Coverage {
            cases: vec![Catalogued {
                id: "edge/any".into(),
                kind: CaseKind::EdgeCase,
                title: "t".into(),
                why: "w".into(),
                required: false,
                covered_by,
                failed_in: Vec::new(),
            }],
        },
        integrations: Vec::new(),
        shard: None,
    }
}

fn shards(count: u32) -> Vec<(PathBuf, Run)> {
    let all = whole();
    let whole_digest = selection_digest(all.scenarios.iter().map(|one| (one.name.as_str(), &one.digest)));
    let part = |index| {
        let shard = Shard { index, count };
        let mut run = all.clone();
        run.scenarios.retain(|scenario| shard.takes(&scenario.name));
        run.coverage.cases[0].covered_by.retain(|name| shard.takes(name));
        run.wall_ms = 10 * u64::from(index);
        run.shard = Some(ShardOf { part: shard, whole: whole_digest.clone() });
        (PathBuf::from(format!("{index}/run.json")), run)
    };
    (1..=count).map(part).collect()
}

#[test]
fn the_shards_of_a_run_are_the_run() {
    for count in [1, 2, 4, 40] {
        let mut parts = shards(count);
        parts.reverse();
        let merged = merge(parts).unwrap();
        assert_eq!(Run { wall_ms: 40, ..merged.clone() }, whole(), "{count} shards");
        assert_eq!(merged.totals(), Totals { total: 6, passed: 5, failed: 1, ..Totals::default() });
    }
}

/// Why shards are refused that were changed like this.
fn refused(change: impl FnOnce(&mut Vec<(PathBuf, Run)>)) -> String {
    let mut parts = shards(4);
    change(&mut parts);
    merge(parts).unwrap_err().to_string()
}

#[test]
fn what_is_not_exactly_one_run_is_refused() {
    insta::assert_snapshot!([
        refused(Vec::clear),
        refused(|parts| drop(parts.remove(2))),
        refused(|parts| parts.truncate(1)),
        refused(|parts| parts.push(("again.json".into(), parts[1].1.clone()))),
        refused(|parts| parts[3].1.shard = None),
        refused(|parts| parts[3].1.seed = 8),
        refused(|parts| parts[3].1.environment.counterpart = "2".into()),
        refused(|parts| parts[3].1.environment.os = "other".into()),
        refused(|parts| parts[3].1.subject.digest = Digest::of(b"other")),
        refused(|parts| parts[3].1.subject.name = "other".into()),
        refused(|parts| parts[3].1.subject.plants = vec!["bug".into()]),
        refused(|parts| parts[3].1.coverage.cases[0].why = "another".into()),
        refused(|parts| parts[3].1.coverage.cases.clear()),
        refused(|parts| parts[3].1.shard.as_mut().unwrap().part.count = 5),
        refused(|parts| parts[3].1.shard.as_mut().unwrap().whole = Digest::of(b"others")),
        refused(|parts| parts.iter_mut().for_each(|(_, run)| {
            run.scenarios.retain(|scenario| scenario.name != "a/two");
        })),
        refused(|parts| {
            let stray = parts[3].1.scenarios[0].clone();
            parts[0].1.scenarios.push(stray);
        }),
        refused(|parts| {
            let part = parts.iter_mut().find(|(_, run)| !run.scenarios.is_empty()).unwrap();
            let twice = part.1.scenarios[0].clone();
            part.1.scenarios.push(twice);
        }),
    ]
    .join("\n"), @r##"
    no run file was given; expected one of each shard
    shard 3 of 4 missing, so not everything was judged; give each shard's run file, or run it again with --shard
    shards 2, 3, 4 of 4 missing, so not everything was judged; give each shard's run file, or run it again with --shard
    shard 2/4 is there twice: 2/run.json and again.json; leave one of them out
    4/run.json: is of a whole run, not of a shard; merge what `counterpart run --shard i/n` wrote
    4/run.json: the seed is 8, but 7 in 1/run.json; merge shards of one run only
    4/run.json: the version of counterpart is 2, but 1 in 1/run.json; merge shards of one run only
    4/run.json: the machine is other a, but o a in 1/run.json; merge shards of one run only
    4/run.json: the subject is `s` d9298a10d1b0, but `s` a9491f4c1bf7 in 1/run.json; merge shards of one run only
    4/run.json: the subject is other, but s in 1/run.json; merge shards of one run only
    4/run.json: the subject is `s` a9491f4c1bf7 with bugs planted, but `s` a9491f4c1bf7 in 1/run.json; merge shards of one run only
    4/run.json: the catalogue is of 1 entries (134f4683f63d), but of 1 entries (f1e0156f0785) in 1/run.json; merge shards of one run only
    4/run.json: the catalogue is of 0 entries (4f53cda18c2b), but of 1 entries (f1e0156f0785) in 1/run.json; merge shards of one run only
    4/run.json: the number of shards is 5, but 4 in 1/run.json; merge shards of one run only
    4/run.json: the selection of scenarios is 01db91d06032, but 6c75c9595904 in 1/run.json; merge shards of one run only
    the shards hold 5 scenarios, but not those that the run was cut from; run all shards again
    1/run.json: holds `a/one`, which belongs to shard 4/4; the file was changed, or written by another build
    the shards hold 7 scenarios, but not those that the run was cut from; run all shards again
    "##);
}

#[test]
fn a_shard_that_met_no_subject_does_not_know_its_version() {
    let mut parts = shards(4);
    for (_, run) in parts.iter_mut().filter(|(_, run)| run.scenarios.is_empty()) {
        run.subject.version = None;
        run.subject.digest = Digest::of(b"without a version");
    }
    let met_none = parts.iter().filter(|(_, run)| run.subject.version.is_none()).count();
    assert!(met_none < 4);
    assert_eq!(merge(parts).unwrap().subject, whole().subject);
}

#[test]
fn a_run_file_of_before_there_were_shards_is_read() {
    let mut text = serde_json::to_value(whole()).unwrap();
    assert!(text.as_object_mut().unwrap().remove("shard").is_none(), "a whole run does not speak of shards");
    assert_eq!(serde_json::from_value::<Run>(text).unwrap(), whole());
}
