//! What keeps the house in order: crate arrows, file sizes, names, schemas, forgotten files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{Project, repository};
use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Lines of a source file before its tests.
const MAX_LINES: usize = 600;

/// Names that say nothing.
const BANNED_NAMES: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "misc", "manager"];

#[test]
fn every_crate_arrow_is_drawn_in_the_architecture() {
    let metadata =
        MetadataCommand::new().manifest_path(repository().join("Cargo.toml")).no_deps().exec().unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let short = |name: &str| name.trim_start_matches("counterpart-").to_owned();
    for package in &metadata.packages {
        let arrows = found.entry(short(&package.name)).or_default();
        let ours = package.dependencies.iter().filter(|one| one.path.is_some());
        // Tests may use more than what they test; the suite and the benches are nothing but tests.
        let is_test_crate = matches!(package.name.as_str(), "counterpart-scenarios" | "counterpart-benches");
        arrows.extend(
            ours.filter(|one| is_test_crate || one.kind == DependencyKind::Normal)
                .map(|one| short(&one.name)),
        );
    }
    let text = std::fs::read_to_string(repository().join("docs/architecture.md")).unwrap();
    let block = text.split("```arrows\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let drawn: BTreeMap<String, BTreeSet<String>> = block
        .lines()
        .map(|line| {
            let (from, to) = line.split_once("->").unwrap_or_else(|| panic!("{line:?} is no arrow"));
            (from.trim().to_owned(), to.split_whitespace().map(str::to_owned).collect())
        })
        .collect();
    assert_eq!(found, drawn, "left: Cargo.toml files; right: the arrows block of docs/architecture.md");
}

#[test]
fn the_default_members_leave_out_what_is_heavy_and_nothing_else() {
    let metadata =
        MetadataCommand::new().manifest_path(repository().join("Cargo.toml")).no_deps().exec().unwrap();
    let default: BTreeSet<_> = metadata.workspace_default_members.iter().collect();
    let left_out: BTreeSet<_> = metadata
        .packages
        .iter()
        .filter(|package| !default.contains(&package.id))
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(left_out, BTreeSet::from(["counterpart-benches", "counterpart-container-subject"]));
}

#[test]
fn source_files_stay_readable_and_well_named() {
    let mut wrong = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines before its tests; at most {MAX_LINES}", path.display()));
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        if BANNED_NAMES.contains(&stem.as_str()) || BANNED_NAMES.contains(&folder.as_ref()) {
            wrong.push(format!("{}: the name says nothing", path.display()));
        }
        if !text.starts_with("//!") && !stem.ends_with("tests") {
            wrong.push(format!("{}: does not open by saying what it is for", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_forgotten() {
    // A folder of tests is declared by any of the tests beside it.
    let test_roots = |folder: &Path| -> Vec<PathBuf> {
        let is_tests = folder.file_name().is_some_and(|name| name == "tests");
        let entries = is_tests.then(|| std::fs::read_dir(folder).unwrap());
        entries
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .collect()
    };
    let mut forgotten = Vec::new();
    for path in sources().into_iter().filter(|path| is_module(path)) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap();
        // Programs of their own, that no module declares.
        let is_program = ["bin", "examples", "fuzz_targets"].iter().any(|name| folder.ends_with(name));
        if matches!(stem.as_str(), "lib" | "main") || is_program {
            continue;
        }
        let (name, folder) = if stem == "mod" {
            (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.parent().unwrap())
        } else {
            (stem, folder)
        };
        let parents = [
            folder.join("lib.rs"),
            folder.join("main.rs"),
            folder.join("mod.rs"),
            folder.with_extension("rs"),
        ];
        let declared = parents
            .into_iter()
            .chain(test_roots(folder))
            .filter_map(|parent| std::fs::read_to_string(parent).ok())
            .any(|text| text.contains(&format!("mod {name};")));
        let by_path = std::fs::read_dir(folder).unwrap().filter_map(Result::ok).any(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            text.contains(&format!("#[path = \"{}\"]", path.file_name().unwrap().to_string_lossy()))
        });
        if !declared && !by_path {
            forgotten.push(path.display().to_string());
        }
    }
    assert!(forgotten.is_empty(), "no module declares: {}", forgotten.join(", "));
}

#[test]
fn the_committed_schemas_are_those_of_the_code() {
    let project = Project::new();
    assert_eq!(project.run(&["schema", "--out", "schema"]).code, 0);
    for entry in std::fs::read_dir(project.path("schema")).unwrap() {
        let path = entry.unwrap().path();
        let committed = repository().join("docs/schema").join(path.file_name().unwrap());
        let same = std::fs::read_to_string(&path).unwrap()
            == std::fs::read_to_string(&committed).unwrap_or_default();
        assert!(same, "{} is stale; run: counterpart schema --out docs/schema", committed.display());
    }
}

#[test]
fn the_committed_page_of_faults_is_that_of_the_code() {
    let project = Project::new();
    assert_eq!(project.run(&["faults", "--out", "faults.md"]).code, 0);
    let written = std::fs::read_to_string(project.path("faults.md")).unwrap();
    let committed = std::fs::read_to_string(repository().join("docs/faults.md")).unwrap_or_default();
    assert!(written == committed, "docs/faults.md is stale; run: counterpart faults --out docs/faults.md");
}

#[test]
fn every_bundled_scenario_can_be_planned() {
    let ran = Project::new().command(&["run", "--list"]).current_dir(repository()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn nothing_of_the_machine_it_was_made_on_is_committed() {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/nowhere".to_owned());
    let root = repository().display().to_string();
    let mut wrong = Vec::new();
    for path in committed(&repository()) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for word in [home.as_str(), root.as_str()] {
            if word.len() > 3 && text.contains(word) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a file is compiled only if another one declares it: cargo finds the roots of tests and benches itself.
fn is_module(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    folder != "tests" && folder != "benches"
}

fn sources() -> Vec<PathBuf> {
    committed(&repository())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// Files of the repository; what is built or belongs to git is left out.
fn committed(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "target" | ".git" | "__pycache__") {
            found.extend(committed(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    found
}
