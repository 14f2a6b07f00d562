//! `counterpart import`: what is written, what is told, and what is refused without a trace.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};

const CASSETTE: &str = "http_interactions:
- request:
    method: get
    uri: https://api.example.com/orders?page=1
    headers:
      Authorization: [Bearer a-secret-of-the-test-9]
  response:
    status: {code: 200, message: OK}
    headers: {Content-Type: [application/json]}
    body: {encoding: UTF-8, string: '{\"orders\": []}'}
  recorded_at: Thu, 17 Apr 2025 14:49:18 GMT
";

const HAR: &str = r#"{"log": {"entries": [
  {"startedDateTime": "2024-05-01T10:00:00.000Z", "time": 12,
   "request": {"method": "GET", "url": "https://api.example.com/logo.png", "headers": []},
   "response": {"status": 200, "headers": [], "content": {"mimeType": "image/png", "size": 900}}}
]}}"#;

/// Runs `import` in a project; fixtures go to `out`.
fn import(project: &Project, arguments: &[&str]) -> Ran {
    let mut all = vec!["import"];
    all.extend(arguments);
    all.extend(["--provider", "acme", "--out", "out"]);
    project.run(&all)
}

fn project() -> Project {
    let project = Project::new();
    project.write("Orders, first page.yml", CASSETTE);
    project.write("second.yml", &CASSETTE.replace("page=1", "page=2"));
    project.write("logo.har", HAR);
    project.write("broken.yml", &CASSETTE.replace("code: 200", "code: 2<X>0"));
    project
}

fn is_written(project: &Project, name: &str) -> bool {
    project.path(&format!("out/acme/{name}")).exists()
}

#[test]
fn several_files_become_one_flow_in_their_order() {
    let project = project();
    let ran = import(&project, &["vcr", "Orders, first page.yml", "second.yml", "--flow", "orders"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!(format!("{}--\n{}", ran.out, ran.err), @r"
    wrote out/acme/orders.yaml: 2 exchanges
      Orders, first page.yml: 1 exchange
      second.yml: 1 exchange
    --
    1 secret was replaced, 0 bodies were not kept
    drafted out/acme/provider.yaml: look it over, it decides how the fixture is played
    ");
    let text = std::fs::read_to_string(project.path("out/acme/orders.yaml")).unwrap();
    assert!(text.contains("source: Orders, first page.yml, second.yml"), "{text}");
    assert!(text.find("page=1").unwrap() < text.find("page=2").unwrap(), "{text}");
    assert!(text.contains("host: api.example.com") && !text.contains("a-secret-of-the-test"), "{text}");
}

#[test]
fn without_a_flow_each_file_is_one() {
    let project = project();
    let ran = import(&project, &["vcr", "Orders, first page.yml", "second.yml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(is_written(&project, "orders-first-page.yaml") && is_written(&project, "second.yaml"));
}

#[test]
fn what_is_lost_is_told_and_refused_where_that_is_asked_for() {
    let project = project();
    let strict = import(&project, &["har", "logo.har", "--strict"]);
    assert_eq!(strict.code, 2);
    assert!(!project.path("out").exists(), "nothing is written");
    let told = import(&project, &["har", "logo.har"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let each = import(&project, &["har", "logo.har", "-v"]);
    insta::assert_snapshot!([strict.err, told.out, told.err, each.err].join("--\n"), @r"
    error: not all of it can be kept, so nothing was written (--strict):
    logo.har: exchange 1 loses the body of the response: it is not in the file
    take these out of the files, or leave --strict out
    --
    wrote out/acme/logo.yaml: 1 exchange
    --
    0 secrets were replaced, 1 body was not kept
    drafted out/acme/provider.yaml: look it over, it decides how the fixture is played
    logo.har: exchange 1 loses the body of the response: it is not in the file
    --
    0 secrets were replaced, 1 body was not kept
    logo.har: exchange 1 loses the body of the response: it is not in the file
    ");
}

#[test]
fn programs_are_told_the_same() {
    let project = project();
    let ran = import(&project, &["har", "logo.har", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!(ran.out, @r#"
    {
      "format": "har",
      "fixtures": [
        {
          "fixture": "acme/logo",
          "path": "out/acme/logo.yaml",
          "exchanges": 1,
          "secrets_replaced": 0,
          "bodies_not_kept": 1,
          "drafted": "out/acme/provider.yaml",
          "files": [
            {
              "file": "logo.har",
              "exchanges": 1,
              "losses": [
                {
                  "exchange": 1,
                  "what": "the body of the response: it is not in the file"
                }
              ],
              "warnings": []
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn a_file_that_cannot_be_used_leaves_nothing_behind() {
    let project = project();
    let ran = import(&project, &["vcr", "second.yml", "broken.yml", "not-there.yml", "logo.har"]);
    assert_eq!(ran.code, 2);
    assert!(!project.path("out").exists(), "nothing is written");
    insta::assert_snapshot!(ran.err, @r"
    error: broken.yml:2:3: the status of a response is not a number; expected an interaction: `request` with `method` and `uri`, `response` with `status`
    not-there.yml: cannot be read: No such file or directory (os error 2)
    logo.har: holds no interactions; expected a cassette of VCR (`http_interactions`), or of vcrpy or go-vcr (`interactions`, `version`); it looks like a har file
    3 of 4 files cannot be used, so nothing was written
    ");
}

#[test]
fn nothing_to_import_is_told_by_the_code() {
    let project = project();
    project.write("empty.yml", "http_interactions: []\n");
    let ran = import(&project, &["vcr", "empty.yml"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{}", ran.err);
    let ran = import(&project, &["vrc", "empty.yml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `vcr`?"), "{}", ran.err);
}

#[test]
fn a_secret_of_the_environment_is_in_no_file_and_no_message() {
    let project = project();
    project.write("two.yml", &CASSETTE.replace("api.example.com", "blue-whale-17.example.com"));
    project.write("blue-whale-17.yml", CASSETTE);
    let arguments =
        "import vcr two.yml blue-whale-17.yml --provider acme --flow f --out out --secret-env TENANT";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let ran = Ran::of(&project.command(&arguments).env("TENANT", "blue-whale-17").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = std::fs::read_to_string(project.path("out/acme/f.yaml")).unwrap();
    assert!(text.contains("host: «tenant:1».example.com"), "{text}");
    for told in [text, ran.out, ran.err] {
        assert!(!told.contains("blue-whale"), "{told}");
    }
}
