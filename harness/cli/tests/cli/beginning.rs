//! A project begins and is looked after: `init`, `doctor`, `completions`, `man`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, Ran};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpart"));
    command.args(arguments).current_dir(folder).env_remove("CI").env("NO_COLOR", "1");
    Ran::of(&command.output().unwrap())
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// Every file under a folder with its text.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_project_begins_with_a_scenario_that_passes_and_can_fail() {
    let folder = folder(&[]);
    let begun = run_in(folder.path(), &["init"]);
    assert_eq!(begun.code, 0, "{}", begun.err);
    insta::assert_snapshot!(begun.out, @"
    wrote fixtures/sample/provider.yaml
    wrote fixtures/sample/create-customer.yaml
    wrote scenarios/sample/overloaded.yaml
    wrote .gitignore
    wrote counterpart.toml

    Next:
      counterpart run
          plays the sample against the bundled runtime; it passes
      counterpart exec --record --provider NAME --flow FLOW -- YOUR TESTS
          records what your tests ask of the real API
      counterpart doctor
          looks whether this machine has what a run needs
    ");
    let ran = run_in(folder.path(), &["run"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("GO: the only scenario passed"), "{}", ran.out);
    let planted = run_in(folder.path(), &["run", "--plant", "error_swallowed"]);
    assert_eq!(planted.code, 1, "{}{}", planted.out, planted.err);
    let before = files(folder.path());
    let again = run_in(folder.path(), &["init"]);
    assert_eq!(again.code, 2);
    insta::assert_snapshot!(again.err.trim(), @"error: ./counterpart.toml: is there already, so there is nothing to begin; look what the project lacks with: counterpart doctor");
    assert_eq!(files(folder.path()), before);
    assert_eq!(run_in(folder.path(), &["doctor", "--quiet"]).code, 0);
}

#[test]
fn what_a_project_holds_is_found_out_and_stays_as_it_is() {
    let held = [
        ("package.json", "{\"name\": \"shop\"}"),
        (
            "compose.yaml",
            "services:\n  shop:\n    build: .\n    ports: [\"8080:80\"]\n  db:\n    image: postgres\n",
        ),
        ("fixtures/users.json", "[]"),
        (".gitignore", "node_modules\ntarget"),
        ("tests/__recordings__/list_1/recording.har", "{}"),
    ];
    let folder = folder(&held);
    let begun = run_in(folder.path(), &["init"]);
    assert_eq!(begun.code, 0, "{}", begun.err);
    insta::assert_snapshot!(begun.out, @"
    wrote counterpart/fixtures/sample/provider.yaml
    wrote counterpart/fixtures/sample/create-customer.yaml
    wrote counterpart/scenarios/sample/overloaded.yaml
    added to .gitignore
    wrote counterpart.toml

    Next:
      counterpart run
          plays the sample against the bundled runtime; it passes
      counterpart import polly tests/__recordings__/list_1/recording.har --provider NAME
          makes fixtures of what is recorded already
      counterpart exec --record --provider NAME --flow FLOW -- npm test
          records what your tests ask of the real API
      counterpart doctor
          looks whether this machine has what a run needs
    ");
    let now = files(folder.path());
    for (name, text) in held.iter().filter(|(name, _)| *name != ".gitignore") {
        assert_eq!(now[*name], *text, "{name}");
    }
    assert_eq!(now[".gitignore"], "node_modules\ntarget\n*.snap.new\n");
    assert!(now["counterpart.toml"].contains("fixtures = \"counterpart/fixtures\""));
    assert!(now["counterpart.toml"].contains("# launch = { url = \"http://127.0.0.1:8080\" }"));
    assert_eq!(run_in(folder.path(), &["run"]).code, 0);
}

#[test]
fn a_project_begins_in_another_folder_and_keeps_what_is_half_there() {
    let folder = folder(&[("shop/scenarios/sample/overloaded.yaml", "counterpart: scenario/1\n# mine\n")]);
    let begun = run_in(folder.path(), &["init", "shop"]);
    assert_eq!(begun.code, 0, "{}", begun.err);
    assert!(
        begun.out.contains("kept  scenarios/sample/overloaded.yaml (it was there already)"),
        "{}",
        begun.out
    );
    assert!(begun.out.contains("cd shop && counterpart run"), "{}", begun.out);
    assert!(files(folder.path())["shop/scenarios/sample/overloaded.yaml"].contains("# mine"));
}

/// The lines on one thing that was looked at.
fn told(ran: &Ran, check: &str) -> String {
    let starts = |line: &&str| line.split_whitespace().nth(1) == Some(check) && !line.starts_with(' ');
    let mut lines = ran.out.lines().skip_while(|line| !starts(line));
    let first = lines.next().unwrap_or_else(|| panic!("{check} is not in {}", ran.out)).to_owned();
    std::iter::once(first)
        .chain(lines.take_while(|line| line.starts_with(' ')).map(str::to_owned))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_sound_project_has_no_problem() {
    let project = Project::new();
    project.write("scenarios/s/good.yaml", crate::support::GOOD);
    let ran = project.run(&["doctor"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    for check in ["config", "subject", "scenarios", "contracts", "ports", "reports", "snapshots", "temporary"]
    {
        assert!(told(&ran, check).starts_with("ok "), "{}", ran.out);
    }
    let json = project.run(&["doctor", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, found["problems"].clone()), (0, 0.into()));
    assert!(found["checks"].as_array().unwrap().iter().all(|check| check["check"].is_string()));
}

#[test]
fn files_that_cannot_be_used_are_told_each_with_its_place() {
    let project = Project::new();
    project.write("counterpart.toml", "counterpart = \"config/1\"\n");
    project.write("scenarios/s/good.yaml", &crate::support::GOOD.replace("steps:", "stepz:"));
    project.write("fixtures/acme/list.yaml", "counterpart: fixture/1\nprovidr: acme\n");
    project.write("contracts/acme.openapi.yaml", "openapi: [");
    let ran = project.run(&["doctor"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    for (check, place) in [
        ("fixtures", "fixtures/acme/list.yaml:"),
        ("scenarios", "scenarios/s/good.yaml:5:1:"),
        ("contracts", "contracts/acme.openapi.yaml:"),
    ] {
        let told = told(&ran, check);
        assert!(told.starts_with("problem ") && told.contains(place), "{told}");
    }
    project.write("counterpart.toml", "counterpart = \"config/1\"\nfixturs = \"x\"\n");
    let ran = project.run(&["doctor"]);
    assert_eq!(ran.code, 2);
    assert!(told(&ran, "config").contains("unknown field `fixturs`"), "{}", ran.out);
    assert!(told(&ran, "ports").starts_with("ok"), "the machine is looked at all the same");
}

/// What stands against the built-in subject alone is nothing that the project could mend.
#[test]
fn a_scenario_is_held_against_the_subject_that_the_project_describes() {
    let project = Project::new();
    project.configure(
        "[subject.tap]\nlaunch.batch = { run = [\"pythonn3\", \"tap.py\"] }\ntrigger.sync = { batch = [] }\n\
         probe.destination = { stdout = {}, key = \"id\" }\n",
    );
    let scenario = crate::support::ONE_ROW
        .replace("steps:", "faults:\n  - {at: {exchange: messages-99}, inject: {server_error: {}}}\nsteps:");
    project.write("scenarios/s/row.yaml", &scenario);
    let ran = project.run(&["doctor"]);
    assert!(
        told(&ran, "scenarios").contains("no exchange of the fixtures is called `messages-99`"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("which is not given"), "{}", ran.out);
    assert!(ran.out.contains("`tap` (batch): its program \"pythonn3\" is not on the PATH"), "{}", ran.out);
}

#[test]
fn a_subject_that_does_not_answer_is_a_problem_of_the_environment() {
    let project = Project::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    project.write(
        "counterpart.toml",
        &format!("counterpart = \"config/1\"\n[subject.mine]\nlaunch = {{ url = \"http://{address}\" }}\n"),
    );
    project.write("scenarios/s/good.yaml", crate::support::GOOD);
    let ran = project.run(&["doctor", "--subject", "mine"]);
    let told = told(&ran, "subject").replace(&address.to_string(), "ADDRESS");
    assert!(told.starts_with("problem  subject    `mine` (url): "), "{told}");
    assert!(
        told.contains("to mend it: start it, or mend [subject.mine] launch.url = \"http://ADDRESS\""),
        "{told}"
    );
    // Without fixtures the scenario cannot be planned, and a file comes before the environment.
    assert_eq!(ran.code, 2);
    std::fs::remove_dir_all(project.path("scenarios/s")).unwrap();
    assert_eq!(project.run(&["doctor", "--subject", "mine"]).code, 3);
    let unknown = project.run(&["doctor", "--subject", "mien"]);
    assert_eq!((unknown.code, unknown.err.contains("did you mean `mine`?")), (2, true), "{}", unknown.err);
}

#[test]
fn services_are_looked_for_where_the_environment_says() {
    let project = Project::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    drop(silent);
    let with = |name: &str, value: &str| {
        let mut command = project.command(&["doctor"]);
        for name in
            ["DOCKER_HOST", "COUNTERPART_DATABASE_URL", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"]
        {
            command.env_remove(name);
        }
        Ran::of(&command.env(name, value).output().unwrap())
    };
    let url = format!("postgres://me:hunter2-secret@127.0.0.1:{port}/data");
    let ran = with("COUNTERPART_DATABASE_URL", &url);
    let told_of = told(&ran, "postgres");
    assert!(told_of.starts_with("problem ") && told_of.contains(&format!("127.0.0.1:{port}")), "{told_of}");
    assert!(!ran.out.contains("hunter2") && !ran.err.contains("hunter2"));
    assert_eq!(ran.code, 3);
    let ran = with("DOCKER_HOST", &format!("tcp://127.0.0.1:{port}"));
    assert!(told(&ran, "docker").contains("no engine answers at 127.0.0.1:"), "{}", ran.out);
    let ran = with("HTTP_PROXY", "http://127.0.0.1:3128");
    assert!(told(&ran, "proxy").starts_with("warning "), "{}", ran.out);
    assert!(told(&ran, "proxy").contains("export NO_PROXY=127.0.0.1,localhost"), "{}", ran.out);
}

#[test]
fn shells_complete_every_command_and_the_pages_tell_of_each() {
    let project = Project::new();
    for (shell, word) in [
        ("bash", "complete -F _counterpart"),
        ("zsh", "#compdef counterpart"),
        ("fish", "complete -c counterpart"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let ran = project.run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains(word) && ran.out.contains("doctor"), "{shell}");
    }
    assert_eq!(project.run(&["completions", "cmd"]).code, 2);
    let bash = project.run(&["completions", "bash"]).out;
    project.write("completions.bash", &bash);
    let script = "source completions.bash; COMP_WORDS=(counterpart mer); COMP_CWORD=1; _counterpart counterpart mer counterpart; echo \"${COMPREPLY[@]}\"";
    let shell = Command::new("bash").args(["-c", script]).current_dir(project.path(".")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout).trim(), "merge");
    let page = project.run(&["man"]);
    assert!(page.code == 0 && page.out.contains(".TH counterpart 1"), "{}", page.out);
    assert_eq!(project.run(&["man", "--out", "pages"]).code, 0);
    for page in ["counterpart.1", "counterpart-run.1", "counterpart-doctor.1", "counterpart-merge.1"] {
        assert!(project.path("pages").join(page).exists(), "{page}");
    }
}
