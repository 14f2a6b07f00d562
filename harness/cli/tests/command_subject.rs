//! A subject that is a program: started for each scenario, and ended with all that it started.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod support;

use counterpart_outcome::read_run;
use support::{GOOD, Project, repository};

/// The bundled runtime as anybody would describe their connector, with its launch.
fn describe(project: &Project, launch: &str, clock: &str) {
    let reference = repository().join("harness/reference-subject/src/reference.toml");
    let text = std::fs::read_to_string(reference).unwrap();
    let (_, rest) = text.split_once("health =").unwrap();
    let subject =
        format!("launch = {launch}\nclock = \"{clock}\"\nhealth ={rest}").replace("\n[", "\n[subject.mine.");
    let fixtures = repository().join("fixtures");
    let head = format!("counterpart = \"config/1\"\nfixtures = {fixtures:?}\n\n[subject.mine]\n");
    project.write("counterpart.toml", &format!("{head}{subject}"));
}

fn runtime(further: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_counterpart");
    format!(
        "{{ command = {{ run = [{binary:?}, \"runtime\", \"serve\", \"--data\", \"{{data}}\", \
         \"--listen\", \"127.0.0.1:{{port}}\", \"--test-clock\", \"--clock-start\", \"{{clock_start}}\"], {further} }} }}"
    )
}

#[test]
fn the_bundled_runtime_is_one_like_any_other() {
    let project = Project::new();
    describe(&project, &runtime("ready = { http = \"/health\" }"), "endpoint");
    let suite = repository().join("scenarios/chat-import");
    let ran = project.run(&["run", suite.to_str().unwrap(), "--subject", "mine", "--out", "out"]);
    assert_eq!(ran.code, 0, "also what restarts it: {}{}", ran.out, ran.err);
    let run = read_run(&project.path("out/run.json")).unwrap();
    assert_eq!((run.subject.kind.as_str(), run.totals().passed), ("command", run.totals().total));
}

#[test]
fn one_for_the_whole_suite_is_started_once() {
    let project = Project::new();
    let binary = env!("CARGO_BIN_EXE_counterpart");
    let script = "echo started >> started; exec \\"$0\\" runtime serve --data \\"$1\\" --listen \\"$2\\" --test-clock";
    let launch = format!(
        "{{ command = {{ run = [\"sh\", \"-c\", \"{script}\", {binary:?}, \"{{data}}\", \"127.0.0.1:{{port}}\"], \
         each = \"suite\" }} }}"
    );
    describe(&project, &launch, "endpoint");
    project.write("scenarios/s/good.yaml", GOOD);
    project.write("scenarios/s/again.yaml", GOOD);
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(std::fs::read_to_string(project.path("started")).unwrap(), "started\n");
    let refused = launch.replace("{port}", "{port}{access_token}");
    describe(&project, &refused, "endpoint");
    let ran = project.run(&["run", "--subject", "mine"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("{access_token} differs from play to play"), "{}", ran.err);
}
