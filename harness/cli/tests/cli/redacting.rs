//! `counterpart redact`: what it finds is told with its place and never shown; what it takes out is explained.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, repository};

const FIXTURE: &str = r#"counterpart: fixture/1
provider: acme
flow: login
provenance: {written: {after: the docs}}
exchanges:
- id: login-1
  request:
    method: POST
    target: /login
    body:
      json: |
        {
          "pin": "7788",
          "note": "to jo@example.org"
        }
  response:
    status: 204
"#;

fn acme() -> Project {
    let project = Project::new();
    project.write("fixtures/acme/login.yaml", FIXTURE);
    project.write(
        "fixtures/acme/provider.yaml",
        "counterpart: provider/1\nprovider: acme\nsecrets: {fields: [pin]}\n",
    );
    project
}

#[test]
fn what_is_left_in_committed_fixtures_fails_the_check_and_is_taken_out() {
    let project = acme();
    let found = project.run(&["redact", "--check", "fixtures"]);
    assert_eq!(found.code, 1, "{}", found.err);
    insta::assert_snapshot!(found.out, @r"
    fixtures/acme/login.yaml:13: exchange login-1, `pin`: the value of a field whose name says that it is secret
    fixtures/acme/login.yaml:14: exchange login-1, `note`: text that has the form of a secret (e-mail address)
    ");
    for value in ["7788", "jo@example.org"] {
        assert!(!found.out.contains(value) && !found.err.contains(value), "{value} is shown");
    }

    let taken = project.run(&["redact", "--explain", "fixtures/acme/login.yaml"]);
    assert_eq!(taken.code, 0, "{}", taken.err);
    insta::assert_snapshot!(taken.out, @r"
    fixtures/acme/login.yaml: 2 secrets were taken out
      «email:1»: by its form: e-mail address; once, in login-1
      «pin:1»: profile, `secrets`: pin; once, in login-1
    ");
    let again = project.run(&["redact", "--check", "fixtures"]);
    assert_eq!((again.code, again.out.as_str()), (0, ""), "{}", again.err);
}

#[test]
fn a_secret_that_the_environment_names_is_found_in_any_file() {
    let project = acme();
    project.write("fixtures/acme/notes.md", "the key is b3BlbiBzZXNhbWUgMTc=\n");
    let mut command =
        project.command(&["redact", "--check", "--secret-env", "ACME_KEY", "fixtures/acme/notes.md"]);
    let output = command.env("ACME_KEY", "open sesame 17").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(out, "fixtures/acme/notes.md:1: a known secret (acme_key) is still there\n");
}

#[test]
fn a_path_that_is_not_there_and_a_fixture_that_cannot_be_read_are_no_pass() {
    let project = acme();
    assert_eq!(project.run(&["redact", "--check", "gone"]).code, 3);
    project.write("fixtures/acme/login.yaml", "counterpart: fixture/1\nprovider: [\n");
    assert_eq!(project.run(&["redact", "--check", "fixtures"]).code, 2);
    assert_eq!(project.run(&["redact"]).code, 2);
}

#[test]
fn the_committed_fixtures_pass() {
    let fixtures = repository().join("fixtures");
    let checked = Project::new().run(&["redact", "--check", fixtures.to_str().unwrap()]);
    assert_eq!((checked.code, checked.out.as_str()), (0, ""), "{}", checked.err);
    assert!(checked.err.contains("fixtures among them: nothing looks secret"), "{}", checked.err);
}
