//! The example in a container, and what becomes of a subject in a container where none can be started.
//!
//! With the feature `containers` and a Docker engine the example is played whole. The image is built on
//! `COUNTERPART_TEST_BASE_IMAGE`, by default what the example names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project};

/// A subject in a container that is described like the example, but for its image.
fn describe(project: &Project, container: &str) {
    let example = crate::support::repository().join("scenarios/examples/container/counterpart.toml");
    let text = std::fs::read_to_string(example).unwrap();
    let (head, rest) = text.split_once("[subject.runtime.launch.container]\n").unwrap();
    let (_, rest) = rest.split_once("\n\n").unwrap();
    let fixtures = format!("fixtures = {:?}", crate::support::repository().join("fixtures"));
    let head = head.replace("fixtures = \"../../../fixtures\"", &fixtures);
    project.write(
        "counterpart.toml",
        &format!("{head}[subject.runtime.launch.container]\n{container}\n\n{rest}"),
    );
    project.write("scenarios/s/good.yaml", GOOD);
}

const RUN: [&str; 3] = ["run", "--subject", "runtime"];

#[test]
fn a_description_whose_words_do_not_go_together_is_refused_by_every_build() {
    let project = Project::new();
    describe(&project, "image = \"name\"\nport = 80");
    let ran = project.run(&RUN);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("[subject.runtime] launch: `image = \"name\"` has no tag"), "{}", ran.err);
}

#[cfg(not(feature = "containers"))]
#[test]
fn a_build_without_containers_says_how_to_make_one_with_them() {
    let project = Project::new();
    describe(&project, "image = \"name:1\"\nport = 80");
    let ran = project.run(&RUN);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("cargo build --release --package counterpart-cli --features containers"),
        "{}",
        ran.err
    );
}

#[cfg(feature = "containers")]
mod with_containers {
    use super::*;
    use crate::support::{Ran, repository};
    use counterpart_outcome::{Verdict, read_run};
    use std::io::Write;
    use std::process::Command;

    #[test]
    fn without_an_engine_scenarios_are_skipped_loudly_or_refused() {
        let project = Project::new();
        describe(&project, "image = \"name:1\"\nport = 80");
        let nowhere = |arguments: &[&str]| {
            Ran::of(&project.command(arguments).env("DOCKER_HOST", "unix:///nowhere").output().unwrap())
        };
        let ran = nowhere(&RUN);
        assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("there is no container engine"), "{}", ran.out);
        let ran = nowhere(&[&RUN[..], &["--require-docker"]].concat());
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("there is no container engine"), "{}", ran.err);
    }

    /// The example, where there is an engine; else that is said.
    fn example(test: &str) -> Option<Project> {
        let project = Project::new();
        describe(&project, "image = \"127.0.0.1:9/nobody/has:1\"\nport = 80");
        let ran = project.run(&[&RUN[..], &["--require-docker"]].concat());
        if ran.err.contains("there is no container engine") {
            let told = format!("SKIPPED {test}: {}", ran.err.trim());
            assert!(std::env::var_os("COUNTERPART_REQUIRE_DOCKER").is_none(), "{told}");
            // Past the test harness, which would keep it to itself.
            let _ = writeln!(std::io::stderr(), "{told}");
            return None;
        }
        assert_eq!(ran.code, 3, "an image that nobody has cannot be judged: {}{}", ran.out, ran.err);
        assert!(ran.out.contains("failed to pull the image"), "{}", ran.out);
        Some(project)
    }

    #[test]
    fn every_scenario_of_it_passes() {
        let Some(project) = example("every_scenario_of_it_passes") else { return };
        let folder = repository().join("scenarios/examples/container");
        let image = project.path("image");
        std::fs::create_dir(&image).unwrap();
        std::fs::copy(folder.join("image/Containerfile"), image.join("Containerfile")).unwrap();
        std::fs::copy(folder.join("prepare"), project.path("prepare")).unwrap();
        let prepared = Command::new(project.path("prepare")).arg(env!("CARGO_BIN_EXE_counterpart")).status();
        assert!(prepared.unwrap().success());
        let text = std::fs::read_to_string(folder.join("counterpart.toml")).unwrap();
        let fixtures = format!("fixtures = {:?}", repository().join("fixtures"));
        let text = text.replace("fixtures = \"../../../fixtures\"", &fixtures);
        let base = std::env::var("COUNTERPART_TEST_BASE_IMAGE").unwrap_or("debian:bookworm-slim".to_owned());
        project.write("counterpart.toml", &text.replace("debian:bookworm-slim", &base));
        let scenarios = folder.join("scenarios");
        let ran = project.run(&[&RUN[..], &["--out", "out", scenarios.to_str().unwrap()]].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let run = read_run(&project.path("out/run.json")).unwrap();
        assert!(run.scenarios.len() >= 4 && run.scenarios.iter().all(|one| one.verdict == Verdict::Passed));
    }

    #[test]
    fn one_that_never_gets_ready_is_errored_with_its_last_lines_and_the_suite_goes_on() {
        let Some(project) = example("one_that_never_gets_ready") else { return };
        let base = std::env::var("COUNTERPART_TEST_BASE_IMAGE").unwrap_or("debian:bookworm-slim".to_owned());
        project.write("image/Containerfile", "ARG BASE\nFROM ${BASE}\nENTRYPOINT [\"/bin/bash\", \"-c\"]\n");
        let run = "echo no database at hand; read -r -t 100 <> <(:)";
        describe(
            &project,
            &format!(
                "build = \"image\"\nargs = {{ BASE = {base:?} }}\nport = 80\nwithin = \"1s\"\nrun = [{run:?}]"
            ),
        );
        project.write("scenarios/s/other.yaml", GOOD);
        let ran = project.run(&[&RUN[..], &["--out", "out"]].concat());
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        let run = read_run(&project.path("out/run.json")).unwrap();
        for scenario in &run.scenarios {
            assert_eq!(scenario.verdict, Verdict::Errored);
            let error = scenario.attempts[0].error.as_deref().unwrap();
            assert!(
                error.contains("was not ready within 1s") && error.contains("no database at hand"),
                "{error}"
            );
        }
        assert_eq!(run.scenarios.len(), 2);
    }
}
