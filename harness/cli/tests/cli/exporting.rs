//! `counterpart export`: what goes to standard output and to files, what is told, and what `--strict` refuses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::Project;
use std::process::Output;

fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = project.command(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_fixture_goes_to_standard_output_or_to_a_file() {
    let project = Project::new();
    let (code, stdout, stderr) = run(&project, &["export", "har", "matrix/missing"]);
    assert_eq!(code, Some(0), "{stderr}");
    let har: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 1);
    assert!(!stdout.contains('«'), "a placeholder went out");
    insta::assert_snapshot!(stderr, @"1 placeholder is a value made up for it: no secret, and the same each time");
    let (code, stdout, _) = run(&project, &["export", "har", "matrix/missing", "-o", "out/missing.har"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "wrote out/missing.har: 1 exchange\n"));
    let written = std::fs::read_to_string(project.path("out/missing.har")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), har);
}

#[test]
fn losses_are_told_and_refused_where_that_is_asked() {
    let project = Project::new();
    let (code, stdout, stderr) = run(&project, &["export", "pact", "matrix/rate-limited", "-o", "p.json"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "wrote p.json: 10 exchanges\n"));
    insta::assert_snapshot!(stderr, @r"
    2 placeholders are values made up for it: no secret, and the same each time
    matrix/rate-limited: exchanges 7, 9 and 10 lose the place in the order: the same request stands there before, and a pact knows no order
    ");
    let (code, stdout, stderr) =
        run(&project, &["export", "pact", "matrix/rate-limited", "-o", "strict.json", "--strict"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(stderr, @r"
    error: not all of it can be said, so nothing was written (--strict):
    matrix/rate-limited: exchanges 7, 9 and 10 lose the place in the order: the same request stands there before, and a pact knows no order
    take these out of the fixture, or leave --strict out
    ");
    assert!(!project.path("strict.json").exists());
    let (code, stdout, _) = run(&project, &["export", "pact", "matrix/rate-limited", "--strict"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    let (code, _, stderr) =
        run(&project, &["export", "har", "matrix/rate-limited", "--strict", "-o", "r.har"]);
    assert_eq!(code, Some(0), "a HAR says it all: {stderr}");
}

#[test]
fn json_for_programs() {
    let project = Project::new();
    let arguments =
        ["--format", "json", "export", "pact", "matrix/send-message", "-o", "p.json", "--consumer", "shop"];
    let (code, stdout, _) = run(&project, &arguments);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(stdout, @r#"
    {
      "format": "pact",
      "fixture": "matrix/send-message",
      "file": "p.json",
      "exchanges": 3,
      "losses": [
        {
          "exchange": 2,
          "what": "the place in the order: the same request stands there before, and a pact knows no order"
        }
      ]
    }
    "#);
    let written = std::fs::read_to_string(project.path("p.json")).unwrap();
    let pact: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&pact["consumer"]["name"], &pact["provider"]["name"]), (&"shop".into(), &"matrix".into()));
}

#[test]
fn what_cannot_be_exported_is_told() {
    let project = Project::new();
    for (arguments, told) in [
        (vec!["export", "har", "matrix/missin"], "did you mean `matrix/missing`?"),
        (
            vec!["export", "har", "matrix"],
            "matrix: holds several fixtures; name one: matrix/forbidden, matrix/missing",
        ),
        (vec!["export", "vcr", "matrix/missing"], "invalid value 'vcr' for '<FORMAT>'"),
    ] {
        let (code, stdout, stderr) = run(&project, &arguments);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(stderr.contains(told), "{stderr}");
    }
    project.write("taken", "");
    let (code, _, stderr) = run(&project, &["export", "har", "matrix/missing", "-o", "taken/x.har"]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("taken/x.har: cannot be written"), "{stderr}");
}

/// Out and in again, redaction included: the values that stand for secrets become placeholders once more.
#[test]
fn what_went_out_comes_in_again() {
    let project = Project::new();
    for (format, file) in [("har", "x.har"), ("wiremock", "mappings/x.json"), ("pact", "x.pact.json")] {
        let (code, _, stderr) = run(&project, &["export", format, "matrix/send-message", "-o", file]);
        assert_eq!(code, Some(0), "{stderr}");
        let arguments =
            ["import", format, file, "--provider", "matrix", "--flow", format, "--out", "again", "--strict"];
        let (code, stdout, stderr) = run(&project, &arguments);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.contains(": 3 exchanges"), "{stdout}");
        let again = std::fs::read_to_string(project.path(&format!("again/matrix/{format}.yaml"))).unwrap();
        assert!(again.contains("authorization: Bearer «"), "{again}");
    }
}
