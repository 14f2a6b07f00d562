//! `files`: what the subject left in its folder.

use super::Judge;
use crate::file::names::fill_text;
use crate::file::{FilesExpected, Matcher};
use crate::files::{SeenFile, pattern};
use crate::wording::{brief, some_of};
use serde_json::Value;

pub(super) fn judge(expected: &FilesExpected, judge: &mut Judge<'_, '_>) -> Result<(), String> {
    let observed = judge.context.observed;
    let all: Vec<String> = observed.files.iter().map(|file| file.name.clone()).collect();
    let fitting = |text: &str| -> Result<(String, Vec<&SeenFile>), String> {
        let text = fill_text(text, &observed.names);
        let glob = pattern(&text)?;
        Ok((text, observed.files.iter().filter(|file| glob.is_match(&file.name)).collect()))
    };
    for wanted in &expected.exist {
        let (text, found) = fitting(&wanted.value)?;
        if found.is_empty() {
            judge.broken("a file is missing", text, format!("there are: {}", some_of(&all)), vec![]);
        }
    }
    for gone in &expected.gone {
        let (text, found) = fitting(&gone.value)?;
        if !found.is_empty() {
            let names: Vec<String> = found.iter().map(|file| file.name.clone()).collect();
            judge.broken("a file is still there", format!("no {text}"), some_of(&names), vec![]);
        }
    }
    for (wanted, counts) in &expected.counts {
        let (text, found) = fitting(&wanted.value)?;
        judge.counted(&format!("file {text}"), &format!("files {text}"), *counts, found.len(), vec![]);
    }
    for (wanted, matcher) in &expected.content {
        let (text, found) = fitting(&wanted.value)?;
        let matcher: Matcher = matcher.filled(&observed.names);
        if found.is_empty() {
            judge.broken("a file is missing", text, format!("there are: {}", some_of(&all)), vec![]);
        }
        for file in found {
            let content = content(file);
            if !matcher.fits(Some(&content)) {
                let message = format!("the file {} does not hold what it must", file.name);
                judge.broken(message, matcher.words(), brief(&content), vec![]);
            }
        }
    }
    Ok(())
}

/// JSON by the file's name, where it is JSON; otherwise text.
fn content(file: &SeenFile) -> Value {
    let text = String::from_utf8_lossy(&file.content);
    let lines = || -> Result<Value, serde_json::Error> {
        text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str::<Value>).collect()
    };
    let parsed: Option<Value> = match file.name.rsplit('.').next() {
        Some("json") => serde_json::from_str(&text).ok(),
        Some("jsonl" | "ndjson") => lines().ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.clone().into_owned()))
}
