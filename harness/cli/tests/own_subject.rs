//! A subject that somebody else runs: described in `counterpart.toml`, met over HTTP alone.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod support;

use counterpart_outcome::{Verdict, read_run};
use support::{GOOD, Project, repository};

/// Describes the bundled runtime, in a process of its own, as anybody would describe their connector.
fn describe(project: &Project, address: &str, clock: &str) {
    let reference = repository().join("harness/reference-subject/src/reference.toml");
    let text = std::fs::read_to_string(reference).unwrap();
    let (_, rest) = text.split_once("health =").unwrap();
    let subject = format!("launch = {{ url = \"http://{address}\" }}\nclock = \"{clock}\"\nhealth ={rest}")
        .replace("\n[", "\n[subject.mine.");
    let fixtures = repository().join("fixtures");
    let head = format!("counterpart = \"config/1\"\nfixtures = {fixtures:?}\n\n[subject.mine]\n");
    project.write("counterpart.toml", &format!("{head}{subject}"));
}

#[test]
fn the_whole_suite_runs_against_it_and_again() {
    let project = Project::new();
    let runtime = project.start(&["runtime", "serve", "--data", "data", "--test-clock"]);
    describe(&project, &runtime.address(), "endpoint");
    let suite = repository().join("scenarios/chat-import");
    for round in ["first", "second"] {
        let ran = project.run(&["run", suite.to_str().unwrap(), "--subject", "mine", "--out", round]);
        assert_eq!(ran.code, 5, "all but one could be judged: {}{}", ran.out, ran.err);
        let run = read_run(&project.path(round).join("run.json")).unwrap();
        assert_eq!((run.subject.name.as_str(), run.subject.kind.as_str()), ("mine", "url"));
        assert_eq!(run.subject.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!((run.totals().passed, run.totals().skipped), (run.totals().total - 1, 1));
        let skipped: Vec<&str> = run
            .scenarios
            .iter()
            .filter(|one| matches!(one.verdict, Verdict::Skipped { .. }))
            .map(|one| one.name.rsplit('/').next().unwrap())
            .collect();
        assert_eq!(skipped, ["restarted-while-waiting"], "it cannot be restarted from here");
    }
}

#[test]
fn one_that_lives_in_real_time_is_waited_for() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let runtime = project.start(&["runtime", "serve", "--data", "data"]);
    describe(&project, &runtime.address(), "real");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn one_that_is_not_there_could_not_be_judged() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    describe(&project, &closed.to_string(), "endpoint");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 3, "errored and nothing failed");
    assert!(ran.out.contains(&closed.to_string()) && ran.out.contains("refused"), "{}", ran.out);
}
