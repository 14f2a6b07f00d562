//! The example in Node: a connector that takes webhooks, played whole, and with a bug put in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran, repository};
use counterpart_outcome::read_run;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A copy of the example, where there is a Node to run it; else that is said.
fn example(test: &str) -> Option<Project> {
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) {
        let told =
            format!("SKIPPED {test}: there is no `node` to run it with (Debian: apt-get install nodejs)");
        assert!(std::env::var_os("COUNTERPART_REQUIRE_EXAMPLES").is_none(), "{told}");
        // Past the test harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "{told}");
        return None;
    }
    let project = Project::new();
    copy(&repository().join("scenarios/examples/node"), &project.path("."));
    let text = std::fs::read_to_string(project.path("counterpart.toml")).unwrap();
    let fixtures = format!("fixtures = {:?}", repository().join("fixtures"));
    project.write("counterpart.toml", &text.replace("fixtures = \"../../../fixtures\"", &fixtures));
    Some(project)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

fn run(project: &Project) -> Ran {
    project.run(&["run", "--subject", "node", "--out", "out"])
}

/// The scenarios that did not pass.
fn not_passed(project: &Project) -> Vec<String> {
    let run = read_run(&project.path("out/run.json")).unwrap();
    let others = run.scenarios.into_iter().filter(|one| one.verdict != counterpart_outcome::Verdict::Passed);
    others.map(|one| one.name).collect()
}

#[test]
fn every_scenario_of_it_passes() {
    let Some(project) = example("every_scenario_of_it_passes") else { return };
    let ran = run(&project);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let played = read_run(&project.path("out/run.json")).unwrap();
    assert!(played.totals().passed >= 13, "{}", ran.out);
}

/// What is written, and what is written instead.
type Change = (&'static str, &'static str);

/// Bugs as people write them: what is put in the place of what, in which file, and the scenario that finds it.
const BUGS: [(&str, &[Change], &str); 7] = [
    (
        "signature.mjs",
        &[("claimed.length !== expected.length || !timingSafeEqual(claimed, expected)", "false")],
        "bad-signature",
    ),
    ("signature.mjs", &[("> TOLERANCE_S", "> Infinity")], "stale-timestamp"),
    ("connector.mjs", &[("!known || Number(said.as_of) >= Number(known.as_of)", "true")], "out-of-order"),
    (
        "connector.mjs",
        &[("[JSON.parse(body.toString(\"utf8\"))].flat()", "[JSON.parse(body.toString(\"utf8\"))]")],
        "batch",
    ),
    (
        "connector.mjs",
        &[
            ("store.accept(event)", "(store.accept(event), true)"),
            ("known?.events.includes(event.event_id)", "false"),
        ],
        "duplicate",
    ),
    ("connector.mjs", &[("if (event.team_id !== TEAM) return", "if (false) return")], "wrong-tenant"),
    (
        "connector.mjs",
        &[("let waiting = [...store.inbox.values()]", "let waiting = []")],
        "killed-after-the-acknowledgement",
    ),
];

#[test]
fn a_bug_that_is_put_in_is_found() {
    let Some(project) = example("a_bug_that_is_put_in_is_found") else { return };
    for (file, changes, finds) in BUGS {
        let sound = std::fs::read_to_string(project.path(file)).unwrap();
        let mut text = sound.clone();
        for (old, new) in changes {
            assert!(text.contains(old), "{file} has no {old:?}");
            text = text.replace(old, new);
        }
        project.write(file, &text);
        let ran = run(&project);
        assert_eq!(ran.code, 1, "{finds}: {}{}", ran.out, ran.err);
        assert!(not_passed(&project).contains(&finds.to_owned()), "{finds}: {}", ran.out);
        project.write(file, &sound);
    }
}

#[test]
fn a_file_that_is_no_record_is_told() {
    let Some(project) = example("a_file_that_is_no_record_is_told") else { return };
    let sound = std::fs::read_to_string(project.path("store.mjs")).unwrap();
    project.write(
        "store.mjs",
        &sound.replace("`${path}.new`, JSON.stringify(message)", "`${path}.new`, \"half of a \""),
    );
    let ran = project.run(&["run", "--subject", "node", "--out", "out", "--filter", "bad-signature"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("probe.destination") && ran.out.contains("no JSON"), "{}", ran.out);
}
