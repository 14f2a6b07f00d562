//! The bundled examples: connectors in other languages, run as anybody would run their own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test"
)]

use crate::support::{Ran, repository};
use std::process::Command;

/// Set where nothing may be left out.
const REQUIRE: &str = "COUNTERPART_REQUIRE_EXAMPLES";

/// Whether python3 has what the examples need. Where it has not, that is said, or a failure.
fn has_python() -> bool {
    let asked = Command::new("python3").args(["-c", "import requests"]).output();
    let has = asked.is_ok_and(|output| output.status.success());
    if !has {
        assert!(std::env::var_os(REQUIRE).is_none(), "{REQUIRE} is set, and python3 has no module requests");
        eprintln!(
            "SKIPPED: the examples in Python need python3 with the module requests (pip install requests)"
        );
    }
    has
}

/// Copies an example, changes its source, and runs it.
fn run(example: &str, change: Option<(&str, &str, &str)>) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let from = repository().join("scenarios/examples").join(example);
    let copied = Command::new("cp").arg("-r").arg(&from).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let copy = folder.path().join(example);
    let config = std::fs::read_to_string(copy.join("counterpart.toml")).unwrap();
    let fixtures = format!("fixtures = {:?}", repository().join("fixtures"));
    std::fs::write(
        copy.join("counterpart.toml"),
        config.replace("fixtures = \"../../../fixtures\"", &fixtures),
    )
    .unwrap();
    if let Some((file, good, bad)) = change {
        let source = std::fs::read_to_string(copy.join(file)).unwrap();
        assert!(source.contains(good), "{good:?} is in {file}");
        std::fs::write(copy.join(file), source.replace(good, bad)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpart"));
    command.args(["run", "--subject", example]).current_dir(&copy).env_remove("CI").env("NO_COLOR", "1");
    Ran::of(&command.output().unwrap())
}

#[test]
fn the_connector_in_python_passes() {
    if has_python() {
        let ran = run("python", None);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("8 scenarios: 8 passed"), "{}", ran.out);
    }
}

#[test]
fn bugs_in_it_are_found() {
    if has_python() {
        // What was under way is not gone on with; and Retry-After is not read.
        for (good, bad, found) in [
            (
                "run[\"state\"] == \"working\"]",
                "run[\"state\"] == \"lost\"]",
                "failed   killed-in-the-middle",
            ),
            ("int(told) if told and told.isdigit() else wait", "wait", "failed   rate-limited"),
        ] {
            let ran = run("python", Some(("connector.py", good, bad)));
            assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
            assert!(ran.out.contains(found), "{}", ran.out);
        }
    }
}

#[test]
fn the_singer_tap_passes_and_a_bug_in_it_is_found() {
    if has_python() {
        let ran = run("singer", None);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("5 scenarios: 5 passed"), "{}", ran.out);
        // It begins anew, whatever its state says.
        let early = ("tap.py", "cursor = state.get(\"cursor\")", "cursor = None");
        let ran = run("singer", Some(early));
        assert!(ran.out.contains("failed   run-fails-and-goes-on"), "{}", ran.out);
    }
}
