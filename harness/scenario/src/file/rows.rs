//! From a file to the scenarios that it holds: one, or one for each row of its table.

use super::ScenarioFile;
use super::names::{Names, is_name, parts};
use super::place::Location;
use super::problem::{Problem, quoted};
use super::reading::read;
use super::tree::{Content, Node, ScenarioTree};
use super::uses::{Captured, filled};
use counterpart_exchange::{DocumentError, parse_document};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Bytes of a scenario's file: what is larger was not written by hand.
const MAX_FILE_BYTES: usize = 1024 * 1024;
/// Rows of a table.
const MAX_ROWS: usize = 1_000;
/// Bytes of the file, once for each row.
const MAX_READ_BYTES: usize = 64 * 1024 * 1024;
/// Problems that are told of one file.
pub(crate) const MAX_PROBLEMS: usize = 50;

/// One scenario of a file.
#[derive(Debug)]
pub(crate) struct Row {
    /// The row's name; none where the file has no table.
    pub(crate) name: Option<String>,
    pub(crate) file: ScenarioFile,
}

impl Row {
    /// The path after which its snapshots are called.
    pub(crate) fn snapshot_path(&self, file: &Path) -> PathBuf {
        path_of_row(file, self.name.as_deref())
    }
}

/// The path of a file, with a row of its table.
pub(crate) fn path_of_row(file: &Path, row: Option<&str>) -> PathBuf {
    match row {
        // The ending is taken off again.
        Some(row) => {
            let case = file.file_stem().unwrap_or_default().to_string_lossy();
            file.with_file_name(format!("{case}[{row}].yaml"))
        }
        None => file.to_owned(),
    }
}

/// The scenarios of a file, each read for itself.
pub(crate) fn rows(path: &Path, text: &str) -> Result<Vec<Row>, Vec<DocumentError>> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!(
            "is {} bytes long; a scenario has at most {MAX_FILE_BYTES}: put large data into a file that a step names",
            text.len()
        );
        return Err(vec![DocumentError::whole(path, message)]);
    }
    let tree: ScenarioTree = parse_document(path, text).map_err(|error| vec![error])?;
    let root = tree.0.spelled_as_in(text);
    let told = |problems: Vec<Problem>| -> Vec<DocumentError> {
        let mut told: Vec<DocumentError> = Vec::new();
        for problem in problems.iter().map(|problem| problem.in_file(path, text)) {
            // What stands outside of the table is the same in each row.
            if !told.contains(&problem) && told.len() < MAX_PROBLEMS {
                told.push(problem);
            }
        }
        told
    };
    let table = table(&root, text.len()).map_err(told)?;
    let count = table.len();
    let mut rows = Vec::with_capacity(count);
    let mut problems: Vec<(Option<String>, Problem)> = Vec::new();
    for (name, names) in table {
        let outcome = filled(&root, &names, Captured::default()).and_then(|tree| match read(&tree) {
            Ok(file) => Ok(file),
            Err(problem) => Err(vec![problem]),
        });
        match outcome {
            Ok(file) => rows.push(Row { name, file }),
            Err(found) => problems.extend(found.into_iter().map(|problem| (name.clone(), problem))),
        }
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(told(with_rows(&problems, count))) }
}

/// The problems, those that are not in every row with the first that has them.
fn with_rows(problems: &[(Option<String>, Problem)], rows: usize) -> Vec<Problem> {
    let mut told: Vec<Problem> = Vec::new();
    for (index, (row, problem)) in problems.iter().enumerate() {
        let is_same = |(_, other): &&(Option<String>, Problem)| other == problem;
        if problems[..index].iter().any(|one| is_same(&one)) {
            continue;
        }
        let in_row = row.as_ref().filter(|_| problems.iter().filter(is_same).count() < rows);
        let message = match in_row {
            Some(row) => format!("{}; in the row `{row}`", problem.message),
            None => problem.message.clone(),
        };
        told.push(Problem::new(problem.location, message));
    }
    told
}

/// Each row's name with its variables; one row without a name where there is no table.
fn table(root: &Node, length: usize) -> Result<Vec<(Option<String>, Names)>, Vec<Problem>> {
    let mut problems = Vec::new();
    let shared = match root.get("variables") {
        Some(node) => variables(node, &mut problems),
        None => Names::new(),
    };
    let Some(cases) = root.get("cases") else {
        return if problems.is_empty() { Ok(vec![(None, shared)]) } else { Err(problems) };
    };
    let Content::Map(rows) = &cases.content else {
        problems.push(Problem::new(
            cases.location,
            "expected a mapping of rows, each a name with its variables, as in {not-found: {status: 404}}",
        ));
        return Err(problems);
    };
    if rows.is_empty() {
        problems.push(Problem::new(
            cases.location,
            "`cases` has no row, so nothing would be played; add one or leave it out",
        ));
    }
    if rows.len() > MAX_ROWS || rows.len() * length > MAX_READ_BYTES {
        let message = format!(
            "`cases` has {} rows; at most {MAX_ROWS}, and {MAX_READ_BYTES} bytes of them, are played: split the file",
            rows.len()
        );
        problems.push(Problem::new(cases.location, message));
        return Err(problems);
    }
    let mut table = Vec::with_capacity(rows.len());
    let first: Vec<&str> = rows.first().map_or(Vec::new(), |(_, row)| keys(row));
    for (key, row) in rows {
        if key.name.is_empty()
            || !key.name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one))
        {
            let message = format!(
                "`{}` cannot name a row; expected letters, digits, `-`, `_` and `.`",
                quoted(&key.name)
            );
            problems.push(Problem::new(key.location, message));
        }
        let mut names = shared.clone();
        names.extend(variables(row, &mut problems));
        let own = keys(row);
        for missing in first.iter().filter(|name| !own.contains(name) && !shared.contains_key(**name)) {
            let message =
                format!("the row `{}` has no `{missing}`, which the first row has", quoted(&key.name));
            problems.push(Problem::new(key.location, message));
        }
        table.push((Some(key.name.clone()), names));
    }
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

fn keys(row: &Node) -> Vec<&str> {
    row.entries().iter().map(|(key, _)| key.name.as_str()).collect()
}

fn variables(node: &Node, problems: &mut Vec<Problem>) -> Names {
    let mut names = Names::new();
    if !matches!(node.content, Content::Map(_)) {
        problems.push(Problem::new(node.location, "expected a mapping of names to values, as in {room: x}"));
    }
    for (key, value) in node.entries() {
        match variable(&key.name, key.location, value) {
            Ok(value) => drop(names.insert(key.name.clone(), value)),
            Err(problem) => problems.push(problem),
        }
    }
    names
}

fn variable(name: &str, location: Location, node: &Node) -> Result<Value, Problem> {
    let shown = quoted(name);
    if !is_name(name) {
        let message =
            format!("`{shown}` is no name; expected lower-case letters, digits and `_`, a letter first");
        return Err(Problem::new(location, message));
    }
    if counterpart_subject::is_given(name) {
        let message = format!(
            "`{shown}` is given to every subject and means something else already; choose another name"
        );
        return Err(Problem::new(location, message));
    }
    match &node.content {
        Content::Text(text)
            if parts(text).iter().any(|part| !matches!(part, super::names::Part::Plain(_))) =>
        {
            let message =
                format!("the value of `{shown}` holds a name in braces; a value is taken as it stands");
            Err(Problem::new(node.location, message))
        }
        Content::Text(_) | Content::Bool(..) | Content::Number(..) => Ok(node.into()),
        _ => {
            let message = format!("the value of `{shown}` must be a text, a number, or true or false");
            Err(Problem::new(node.location, message))
        }
    }
}
