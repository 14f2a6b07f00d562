//! The GitHub Action: its form, and its shell steps run as a runner runs them.
//!
//! What is not run here is what GitHub does itself: conditions, caches, artifacts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn action() -> Value {
    let path = repository().join("action.yml");
    counterpart_exchange::parse_spanned(&path, &std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn steps(action: &Value) -> &Vec<Value> {
    action["runs"]["steps"].as_array().unwrap()
}

/// Every `${{ ... }}` in a text.
fn expressions(text: &str) -> Vec<String> {
    let parts = text.split("${{").skip(1);
    parts.map(|part| part.split("}}").next().unwrap().trim().to_owned()).collect()
}

/// The names in an expression that begin so: `steps.run.outputs.run-file`.
fn names<'t>(text: &'t str, beginning: &str) -> Vec<&'t str> {
    let is_name = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '-' | '_');
    text.split(|one: char| !is_name(one))
        .filter_map(|word| word.strip_prefix(beginning))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn the_action_is_well_formed() {
    let action = action();
    assert_eq!(action["runs"]["using"], "composite");
    for input in action["inputs"].as_object().unwrap().values() {
        assert!(input["description"].is_string() && input["default"].is_string(), "{input}");
    }
    for step in steps(&action) {
        assert!(step["name"].is_string(), "{step}");
        match (&step["run"], &step["uses"]) {
            (Value::String(script), Value::Null) => {
                assert_eq!(step["shell"], "bash", "{step}");
                // What an input says must never become a part of a script.
                assert_eq!(expressions(script), Vec::<String>::new(), "{step}");
            }
            (Value::Null, Value::String(uses)) => assert!(uses.contains("@v"), "{uses}"),
            _ => panic!("a step either runs or uses: {step}"),
        }
    }
}

#[test]
fn what_the_action_speaks_of_is_there() {
    let action = action();
    let text = std::fs::read_to_string(repository().join("action.yml")).unwrap();
    let inputs: Vec<&String> = action["inputs"].as_object().unwrap().keys().collect();
    let used = names(&text, "inputs.");
    for input in &used {
        assert!(inputs.iter().any(|known| known == input), "{input} is no input");
    }
    for input in inputs {
        assert!(used.contains(&input.as_str()), "{input} is not used");
    }
    for said in names(&text, "steps.") {
        let parts: Vec<&str> = said.split('.').collect();
        let step = steps(&action).iter().find(|step| step["id"] == parts[0]);
        let step = step.unwrap_or_else(|| panic!("{said}: no step has this id"));
        match (&parts[1..], step["run"].as_str()) {
            (["outcome"], _) | (["outputs", "cache-hit"], None) => {}
            (["outputs", name], Some(script)) => assert!(script.contains(&format!("{name}=")), "{said}"),
            other => panic!("{said}: {other:?}"),
        }
    }
}

/// A job that runs the action's shell steps in order, as a runner does.
struct Job<'p> {
    project: &'p Project,
    inputs: BTreeMap<&'static str, String>,
    outputs: BTreeMap<String, String>,
    ended: Vec<(String, i32)>,
}

impl<'p> Job<'p> {
    fn new(project: &'p Project, inputs: &[(&'static str, &str)]) -> Self {
        std::fs::create_dir_all(project.path("runner/path")).unwrap();
        // A compiler that has been at work already.
        let cargo = "#!/bin/sh\necho \"$@\" > \"$RUNNER_TEMP/cargo-was-told\"\n\
                     while [ $# -gt 0 ]; do case \"$1\" in --target-dir) target=$2;; esac; shift; done\n\
                     mkdir -p \"$target/release\" && cd \"$target/release\"\n\
                     printf '#!/bin/sh\\nexec \"$COUNTERPART\" \"$@\"\\n' > counterpart && chmod +x counterpart\n";
        project.write("runner/path/cargo", cargo);
        let made = Command::new("chmod").arg("+x").arg(project.path("runner/path/cargo")).status().unwrap();
        assert!(made.success());
        let inputs = inputs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { project, inputs, outputs: BTreeMap::new(), ended: Vec::new() }
    }

    fn value(&self, expression: &str, action: &Value) -> String {
        if let Some(input) = expression.strip_prefix("inputs.") {
            let default = action["inputs"][input]["default"].as_str().unwrap();
            return self.inputs.get(input).cloned().unwrap_or_else(|| default.to_owned());
        }
        if expression == "github.action_path" {
            return repository().display().to_string();
        }
        self.outputs.get(expression).cloned().unwrap_or_else(|| panic!("{expression} is not known"))
    }

    fn filled(&self, text: &str, action: &Value) -> String {
        let mut text = text.to_owned();
        for expression in expressions(&text.clone()) {
            text = text.replace(&format!("${{{{ {expression} }}}}"), &self.value(&expression, action));
        }
        text
    }

    /// Runs all shell steps, also those behind conditions.
    fn run(&mut self) -> i32 {
        let action = action();
        let temp = self.project.path("runner");
        for step in steps(&action) {
            let Some(script) = step["run"].as_str() else { continue };
            self.project.write("runner/script.sh", script);
            self.project.write("runner/output", "");
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(temp.join("script.sh"));
            let within = step["working-directory"]
                .as_str()
                .map_or_else(|| ".".to_owned(), |folder| self.filled(folder, &action));
            command.current_dir(self.project.path(&within));
            let path = std::env::var("PATH").unwrap();
            command
                .env("PATH", format!("{}:{path}", temp.join("path").display()))
                .env("COUNTERPART", env!("CARGO_BIN_EXE_counterpart"))
                .env("RUNNER_TEMP", &temp)
                .env("GITHUB_OUTPUT", temp.join("output"))
                .env("GITHUB_STEP_SUMMARY", temp.join("summary.md"))
                .env("CI", "true")
                .env("NO_COLOR", "1");
            for (name, value) in step["env"].as_object().into_iter().flatten() {
                command.env(name, self.filled(value.as_str().unwrap(), &action));
            }
            let output = command.output().unwrap();
            let code = output.status.code().unwrap();
            self.ended.push((step["name"].as_str().unwrap().to_owned(), code));
            let id = step["id"].as_str().unwrap_or("none");
            for line in std::fs::read_to_string(temp.join("output")).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                self.outputs.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
            if code != 0
                && step["name"] != "Say the verdict"
                && step["name"] != "Take the run file as the baseline"
            {
                panic!("{}: {}", step["name"], String::from_utf8_lossy(&output.stderr));
            }
        }
        self.ended.last().unwrap().1
    }

    fn output(&self, name: &str) -> &str {
        &self.outputs[name]
    }
}

fn project() -> Project {
    let project = Project::new();
    for name in ["a/one", "a/two", "b/three"] {
        project.write(&format!("scenarios/{name}.yaml"), GOOD);
    }
    project
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_run_that_passes_is_summed_up_and_kept() {
    let project = project();
    let mut job = Job::new(&project, &[]);
    assert_eq!(job.run(), 0, "{:?}", job.ended);
    assert!(read(project.path("runner/summary.md")).starts_with("## GO: all 3 scenarios passed"));
    assert_eq!(job.output("steps.run.outputs.exit-code"), "0");
    assert_eq!(job.output("steps.run.outputs.artifact"), "counterpart");
    assert_eq!(job.output("steps.build.outputs.key").len(), 40);
    let run_file = job.output("steps.run.outputs.run-file").to_owned();
    assert_eq!(
        read(run_file),
        read(project.path("runner/counterpart-baseline/run.json")),
        "the baseline is kept"
    );
    let told = read(project.path("runner/cargo-was-told"));
    assert!(
        told.starts_with("build --release --locked --manifest-path ") && told.contains("-p counterpart-cli")
    );
    assert_eq!(job.output("steps.baseline.outputs.file"), "", "there was none before");
    let mut next = Job::new(&project, &[]);
    next.run();
    assert!(next.output("steps.baseline.outputs.file").ends_with("counterpart-baseline/run.json"));
}

#[test]
fn a_run_that_fails_is_summed_up_all_the_same_and_fails_the_job() {
    let project = project();
    project.write("scenarios/a/two.yaml", &GOOD.replace("count: 72", "count: 73"));
    let mut job = Job::new(&project, &[("retries", "1")]);
    assert_eq!(job.run(), 1);
    assert!(read(project.path("runner/summary.md")).starts_with("## NO-GO: 1 of 3 scenarios failed"));
    assert!(project.path("runner/counterpart-reports/junit.xml").exists());
    project.write("scenarios/a/two.yaml", "counterpart: scenario/2\n");
    std::fs::remove_file(project.path("runner/summary.md")).unwrap();
    let mut broken = Job::new(&project, &[]);
    assert_eq!(broken.run(), 2);
    assert_eq!(broken.output("steps.run.outputs.run-file"), "", "nothing is left of the run before");
}

#[test]
fn shards_are_merged_by_the_same_action() {
    let project = project();
    let mut kept = Vec::new();
    for index in 1..=2 {
        let shard = format!("{index}/2");
        let mut job = Job::new(&project, &[("shard", shard.as_str())]);
        assert_eq!(job.run(), 0);
        assert_eq!(job.output("steps.run.outputs.artifact"), format!("counterpart-{index}-of-2"));
        let folder = project.path(&format!("kept {index}"));
        std::fs::rename(project.path("runner/counterpart-reports"), &folder).unwrap();
        kept.push(folder.display().to_string());
    }
    let _ = std::fs::remove_file(project.path("runner/summary.md"));
    let both = kept.join("\n");
    assert_eq!(Job::new(&project, &[("merge", both.as_str())]).run(), 0);
    assert!(read(project.path("runner/summary.md")).starts_with("## GO: all 3 scenarios passed"));
    assert_eq!(Job::new(&project, &[("merge", kept[0].as_str())]).run(), 2);
}

#[test]
fn what_an_input_says_is_one_word_and_never_run() {
    let project = project();
    let hostile = "$(touch owned) `touch owned` ; touch owned";
    let mut job = Job::new(&project, &[("filter", hostile)]);
    assert_eq!(job.run(), 4, "no scenario is called so");
    assert!(!project.path("owned").exists());
    project.write("scenarios/with space/four.yaml", GOOD);
    let paths = "scenarios/with space\nscenarios/a/one.yaml";
    let mut job = Job::new(&project, &[("paths", paths), ("arguments", "--seed\n7"), ("jobs", "2")]);
    assert_eq!(job.run(), 0);
    let run = counterpart_outcome::read_run(Path::new(job.output("steps.run.outputs.run-file"))).unwrap();
    assert_eq!((run.scenarios.len(), run.seed), (2, 7));
}
