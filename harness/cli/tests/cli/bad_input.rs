//! Files that cannot be used: told with file, line and column, what is wrong and what would be right; exit code 2;
//! nothing is run and nothing is written.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, repository};

/// Runs the one scenario of a project and tells what was said.
fn refused(project: &Project) -> String {
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "", "nothing but the problem is told");
    assert!(!project.path("target").exists(), "nothing is written");
    ran.err
}

fn refused_scenario(text: &str) -> String {
    let project = Project::new();
    project.write("scenarios/s/bad.yaml", text);
    refused(&project)
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("title:", "titel:")));
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("count: 72", "count: many")));
}

#[test]
fn an_unknown_step() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("settle:", "setle:")));
}

#[test]
fn an_unknown_fixture() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("room-history]", "room-histroy]")));
}

#[test]
fn an_unknown_exchange_and_whatever_else_is_wrong_at_once() {
    let text = GOOD
        .replace("steps:", "faults:\n  - {at: {exchange: message-2}, inject: {timeout: {}}}\nsteps:")
        .replace("scheduled-import", "sheduled-import")
        .replace("destination: {count: 72}", "requests: {to: mesages, count: 1}");
    let first = refused_scenario(&text);
    insta::assert_snapshot!(first);
    insta::assert_snapshot!(refused_scenario(&text.replace("sheduled", "scheduled")));
}

#[test]
fn an_unknown_fault() {
    let text =
        GOOD.replace("steps:", "faults:\n  - {at: {exchange: messages-2}, inject: {time_out: {}}}\nsteps:");
    insta::assert_snapshot!(refused_scenario(&text));
}

#[test]
fn a_scenario_that_cannot_fail() {
    let vacuous = GOOD.replace("destination: {count: 72}", "destination: {same_as: happy_path}");
    insta::assert_snapshot!(refused_scenario(&vacuous));
    let (head, _) = GOOD.split_once("steps:").unwrap();
    insta::assert_snapshot!(refused_scenario(&format!("{head}steps: []\nexpect: []\n")));
}

#[test]
fn expectations_that_cannot_fail_or_cannot_hold() {
    let expected = [
        "destination: {}",
        "destination: {at_least: 0}",
        "requests: {to: messages}",
        "requests: {to: messages, at_least: 0}",
        "requests: {to: messages, at_least: 3, at_most: 2}",
        "requests: {to: messages, count: 1, apart: {}}",
        "requests: {to: messages, count: 1, apart: {at_least: 2s, at_most: 1s}}",
        "order: {requests: [messages]}",
        "elapsed: {}",
        "elapsed: {at_least: 0s}",
        "elapsed: {at_least: 40s, at_most: 30s}",
        "alerts: {}",
        "holds: {}",
        "holds: {at_least: 0}",
        "audit: {}",
        "audit: {at_least: 0}",
        "deliveries: {}",
        "deliveries: {at_least: 0}",
        "probe: {name: log, record: {level: error}, at_least: 0}",
        "snapshot: {of: []}",
    ];
    let (head, _) = GOOD.split_once("expect:").unwrap();
    let told = expected.map(|one| {
        let told = refused_scenario(&format!("{head}expect:\n  - {one}\n"));
        format!("{one}\n{told}")
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_quota_that_cannot_be_kept() {
    let told = [
        "kind: {calls_per_second: {limit: 3}}, operations: [mesages]",
        "kind: {calls_per_second: {limit: 3}}, cost: {messages: 4}",
        "kind: {calls_per_secnd: {limit: 3}}",
        "kind: {token_bucket: {capacity: 0, refill_per_s: 1}}",
        "kind: {token_bucket: {capacity: 1, refill_per_s: 1/0}}",
        "kind: {calls_per_second: {limit: 3}}, headers: {x-left: \"{remaining}\"}",
    ]
    .map(|limit| refused_scenario(&GOOD.replace("steps:", &format!("quota:\n  - {{{limit}}}\nsteps:"))));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn requests_that_nobody_can_make_are_expected_never() {
    let (head, _) = GOOD.split_once("expect:").unwrap();
    let requests = |to: &str, count: &str| {
        let (to, project) = (format!("\"{to}\""), Project::new());
        let expect =
            format!("expect:\n  - destination: {{count: 72}}\n  - requests: {{to: {to}, {count}}}\n");
        project.write("scenarios/s/a.yaml", &format!("{head}{expect}"));
        project.run(&["run"])
    };
    let misspelt = "GET /_matrix/client/v3/rooms/{{room_id}}/mesages";
    let told = [requests(misspelt, "count: 0"), requests("GET /elsewhere", "at_most: 3")].map(|ran| ran.err);
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(requests("DELETE /elsewhere", "count: 0").code, 0);
    assert_eq!(requests("GET /_matrix/client/v3/rooms/{{room_id}}/messages", "at_most: 10").code, 0);
}

#[test]
fn what_is_wrong_with_one_row_is_told_with_its_name() {
    let project = Project::new();
    let told = |exchange: &str| {
        let faults =
            format!("faults:\n  - {{at: {{exchange: {exchange}}}, inject: {{server_error: {{}}}}}}\nsteps:");
        let rows =
            "cases: {early: {page: messages-2}, late: {page: messages-99}, later: {page: messages-99}}\n";
        project.write("scenarios/s/table.yaml", &GOOD.replace("steps:", &format!("{rows}{faults}")));
        project.run(&["run"]).err
    };
    insta::assert_snapshot!([told("\"{page}\""), told("messages-98")].join("\n"), @r##"
    error: scenarios/s/table.yaml:7:10: no exchange of the fixtures is called `messages-99`; did you mean `messages-9`?; in the row `late`
      7 |   - {at: {exchange: "{page}"}, inject: {server_error: {}}}
        |          ^

    error: scenarios/s/table.yaml:7:10: no exchange of the fixtures is called `messages-98`; did you mean `messages-8`?
      7 |   - {at: {exchange: messages-98}, inject: {server_error: {}}}
        |          ^
    "##);
}

#[test]
fn rows_and_files_that_would_be_passed_over() {
    let project = Project::new();
    let table = GOOD.replace("steps:", "cases: {up: {n: 1}, down: {n: 2}}\nsteps:").replace("72", "\"{n}\"");
    project.write("scenarios/s/table.yaml", &table.replace("count: \"{n}\"", "count: 72"));
    project.write("scenarios/s/other.yml", GOOD);
    let whole = project.run(&["run"]).err;
    std::fs::remove_file(project.path("scenarios/s/other.yml")).unwrap();
    let doctor = project.run(&["doctor"]).out;
    assert!(doctor.contains("scenarios: 1 scenario"), "a table is no problem: {doctor}");
    let told = ["s/table[dwn]", "s/table[left]", "s/tabel[up]", "table", "scenarios/s/table.yaml[dwn]"]
        .map(|name| project.run(&["run", name]).err);
    let explored = project.run(&["explore", "s/table"]).err;
    insta::assert_snapshot!([whole, told.concat(), explored].join("\n"));
}

#[test]
fn a_trigger_with_other_words_than_it_asks_for() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("{room:", "{rom:")));
}

#[test]
fn a_fault_at_an_exchange_that_is_never_replayed() {
    let text =
        GOOD.replace("steps:", "faults:\n  - {at: {exchange: messages-6}, inject: {timeout: {}}}\nsteps:");
    insta::assert_snapshot!(refused_scenario(&text));
}

#[test]
fn webhooks_that_are_none() {
    let text = GOOD
        .replace("matrix/room-history", "slack/channel-messages")
        .replace("- trigger: {sync: {room: \"#history:test.local\"}}", "- webhook: {exchange: evnt-1}")
        .replace(
            "steps:",
            "faults:\n  - {at: {webhook: {exchange: event-9}}, inject: {webhook_lost: {}}}\n  \
             - {at: {exchange: event-1}, inject: {timeout: {}}}\n  \
             - {at: {webhook: {operation: event}}, inject: {timeout: {}}}\nsteps:",
        );
    assert!(text.contains("evnt-1"), "{text}");
    insta::assert_snapshot!(refused_scenario(&text));
}

#[test]
fn a_webhook_of_a_provider_that_sends_none() {
    insta::assert_snapshot!(refused_scenario(&GOOD.replace("settle: {}", "webhook: {exchange: messages-1}")));
}

#[test]
fn a_yaml_bomb() {
    let mut bomb = String::from("counterpart: scenario/1\ntitle: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("k{level}: &a{level} [{inner}]\n"));
    }
    let message = refused_scenario(&bomb);
    assert!(message.contains("bad.yaml:"), "{message}");
}

/// A project with its own copy of one fixture, changed.
fn with_fixture(change: impl Fn(String) -> String) -> Project {
    let project = Project::new();
    project.write("counterpart.toml", "counterpart = \"config/1\"\n");
    project.write("scenarios/s/good.yaml", &GOOD.replace("room-history", "missing"));
    let matrix = repository().join("fixtures/matrix");
    let profile = std::fs::read_to_string(matrix.join("provider.yaml")).unwrap();
    project.write("fixtures/matrix/provider.yaml", &profile);
    let fixture = std::fs::read_to_string(matrix.join("missing.yaml")).unwrap();
    project.write("fixtures/matrix/missing.yaml", &change(fixture));
    project
}

#[test]
fn a_fixture_of_a_newer_version() {
    insta::assert_snapshot!(refused(&with_fixture(|text| text.replace("fixture/1", "fixture/2"))));
}

#[test]
fn a_truncated_fixture() {
    let in_the_body = with_fixture(|text| text[..text.rfind("errcode").unwrap() + 12].to_owned());
    insta::assert_snapshot!(refused(&in_the_body));
    let before_the_exchanges = with_fixture(|text| text[..text.find("- id:").unwrap()].to_owned());
    insta::assert_snapshot!(refused(&before_the_exchanges));
    let elsewhere = with_fixture(|text| text.replace("flow: missing", "flow: found"));
    insta::assert_snapshot!(refused(&elsewhere));
    let fewer = with_fixture(|text| text.replace("count: 1", "count: 2"));
    insta::assert_snapshot!(refused(&fewer));
}

#[test]
fn arguments_that_cannot_be_used() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let said = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.err);
        ran.err
    };
    insta::assert_snapshot!(
        [
            said(&["run", "nowhere"]),
            said(&["run", "--subject", "referense"]),
            said(&["run", "--plant", "no_such_bug"]),
            said(&["serve", "matrix/room-histroy"]),
            said(&["serve", "matrix/room-history", "--fault", "timout@messages-2"]),
            said(&["serve", "matrix/room-history", "--fault", "timeout@mesages"]),
            said(&["serve", "matrix/room-history", "--fault", "timeout@messages-99"]),
            said(&["contract", "check", "nowhere"]),
            said(&["record", "--provider", "p", "--flow", "f"]),
            said(&["record", "--provider", "p", "--flow", "f", "--webhooks", "/in=http://jo:pw@127.0.0.1:1"]),
            said(&["record", "--provider", "p", "--flow", "f", "--webhooks", "hooks"]),
            said(&[
                "record",
                "--provider",
                "p",
                "--flow",
                "f",
                "--webhooks",
                "/a=http://127.0.0.1:1",
                "--webhooks",
                "/a/b=http://127.0.0.1:2",
            ]),
            said(&["runtime", "serve", "--data", "data", "--plant", "no_timeout"]),
        ]
        .join("\n")
        .replace(&repository().display().to_string(), "[repository]")
    );
}

#[test]
fn a_configuration_that_cannot_be_used() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    project.write("counterpart.toml", "counterpart = \"config/1\"\nfixture = \"fixtures\"\n");
    insta::assert_snapshot!(refused(&project));
}

#[test]
fn a_configuration_whose_line_holds_a_password() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let database = "postgers://reader:hunter2secret@127.0.0.1/app";
    let text = format!(
        "counterpart = \"config/1\"\n[subject.mine]\nlaunch = {{ url = \"http://127.0.0.1:1\" }}\n\
         probe.destination = {{ sql = \"SELECT 1\", database = \"{database}\" }}\n"
    );
    project.write("counterpart.toml", &text);
    insta::assert_snapshot!(refused(&project));
    let looked = project.run(&["doctor"]);
    assert!(
        looked.out.contains("postgers://***") || looked.err.contains("postgers://***"),
        "{}{}",
        looked.out,
        looked.err
    );
    assert!(!format!("{}{}", looked.out, looked.err).contains("hunter2"), "{}{}", looked.out, looked.err);
}

#[test]
fn a_fixtures_folder_that_is_none() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    project.write("counterpart.toml", "counterpart = \"config/1\"\nfixtures = \"nofixtures\"\n");
    let missing = refused(&project);
    project.write("nofixtures", "");
    insta::assert_snapshot!([missing, refused(&project)].join("\n"));
}

#[test]
fn a_provider_without_a_profile() {
    let project = with_fixture(|text| text);
    std::fs::remove_file(project.path("fixtures/matrix/provider.yaml")).unwrap();
    let text = GOOD.replace("room-history", "missing");
    project.write(
        "scenarios/s/good.yaml",
        &text.replace("destination: {count: 72}", "requests: {to: messages, count: 1}"),
    );
    insta::assert_snapshot!(refused(&project));
    let looked = project.run(&["doctor"]);
    assert!(looked.out.contains("fixtures/matrix/provider.yaml is not there"), "{}", looked.out);
}

#[test]
fn an_entry_of_a_catalogue_that_is_not_there() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    std::fs::remove_file(project.path("scenarios/catalogue.yaml")).unwrap();
    insta::assert_snapshot!(refused(&project));
}

#[test]
fn files_that_are_none() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", &format!("{GOOD}---\ncounterpart: scenario/1\n"));
    let second = refused(&project);
    std::fs::write(project.path("binary.toml"), b"counterpart = \"\xff\"").unwrap();
    let said =
        ["binary.toml", "nope.toml", "scenarios"].map(|file| project.run(&["run", "--config", file]).err);
    // A folder in the place of the configuration is no configuration that is not there.
    std::fs::remove_file(project.path("counterpart.toml")).unwrap();
    std::fs::create_dir(project.path("counterpart.toml")).unwrap();
    let folder = project.run(&["run"]);
    assert_eq!(folder.code, 2);
    insta::assert_snapshot!([second, said.concat(), folder.err].join("\n"));
}

#[test]
fn a_plant_that_is_nearly_one() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", GOOD);
    let said = project.run(&["run", "--plant", "no_validaton"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `no_validation`?"), "{}", said.err);
}
