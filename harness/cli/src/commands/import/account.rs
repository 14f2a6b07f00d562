//! What an import tells: what was written, and what of the files it does not hold.

use crate::arguments::Global;
use crate::output::{self, counted};
use counterpart_exchange::keep::Kept;
use counterpart_exchange::redaction::KnownSecret;
use counterpart_interchange::Imported;
use std::collections::BTreeMap;
use std::path::Path;

/// How many exchanges a line names.
const MAX_NAMED: usize = 10;

/// What became of a fixture's files.
pub(super) struct Account {
    pub(super) fixture: String,
    pub(super) kept: Kept,
    pub(super) files: Vec<FileAccount>,
}

/// What was read of one file.
pub(super) struct FileAccount {
    name: String,
    exchanges: usize,
    /// By exchange, from 1.
    pub(super) losses: Vec<(usize, String)>,
    warnings: Vec<String>,
}

/// A text without the secrets that are known by name.
pub(super) fn hidden(text: &str, known: &[KnownSecret]) -> String {
    known
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(&secret.value, &format!("«{}»", secret.kind)))
}

impl FileAccount {
    pub(super) fn of(path: &Path, imported: &Imported, known: &[KnownSecret]) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self {
            name: hidden(&name, known),
            exchanges: imported.exchanges.len(),
            losses: imported
                .losses
                .iter()
                .map(|loss| (loss.exchange + 1, hidden(&loss.what, known)))
                .collect(),
            warnings: imported.warnings.iter().map(|warning| hidden(warning, known)).collect(),
        }
    }

    /// The losses of the file: the same of several exchanges in one line, or each by itself.
    pub(super) fn loss_lines(&self, is_grouped: bool) -> Vec<String> {
        loss_lines(&self.name, &self.losses, is_grouped)
    }
}

/// Losses by exchange, from 1: the same of several exchanges in one line, or each by itself.
pub(in crate::commands) fn loss_lines(
    name: &str,
    losses: &[(usize, String)],
    is_grouped: bool,
) -> Vec<String> {
    if !is_grouped {
        let line = |(exchange, what): &(usize, String)| format!("{name}: exchange {exchange} loses {what}");
        return losses.iter().map(line).collect();
    }
    let mut by_what: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (exchange, what) in losses {
        by_what.entry(what).or_default().push(*exchange);
    }
    by_what
        .iter()
        .map(|(what, exchanges)| {
            let loses = if exchanges.len() == 1 { "loses" } else { "lose" };
            format!("{name}: {} {loses} {what}", named(exchanges))
        })
        .collect()
}

impl Account {
    pub(super) fn result(&self) -> String {
        let exchanges = counted(self.kept.exchanges, "exchange", "exchanges");
        let mut text = format!("wrote {}: {exchanges}", self.kept.path.display());
        if self.files.len() > 1 {
            for file in &self.files {
                let exchanges = counted(file.exchanges, "exchange", "exchanges");
                text.push_str(&format!("\n  {}: {exchanges}", file.name));
            }
        }
        text
    }

    pub(super) fn notes(&self, global: &Global) -> Vec<String> {
        let mut notes = Vec::new();
        if !global.quiet {
            notes.extend(output::kept_lines(&self.kept));
        }
        for file in &self.files {
            notes.extend(file.loss_lines(global.verbose == 0));
            notes.extend(file.warnings.iter().map(|warning| format!("warning: {}: {warning}", file.name)));
        }
        notes
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|file| {
                let losses: Vec<_> = file
                    .losses
                    .iter()
                    .map(|(exchange, what)| serde_json::json!({ "exchange": exchange, "what": what }))
                    .collect();
                serde_json::json!({
                    "file": file.name,
                    "exchanges": file.exchanges,
                    "losses": losses,
                    "warnings": file.warnings,
                })
            })
            .collect();
        serde_json::json!({
            "fixture": self.fixture,
            "path": self.kept.path,
            "exchanges": self.kept.exchanges,
            "secrets_replaced": self.kept.redacted,
            "bodies_not_kept": self.kept.omitted,
            "drafted": self.kept.drafted,
            "files": files,
        })
    }
}

/// `exchanges 1, 2 and 5 more`.
fn named(exchanges: &[usize]) -> String {
    let mut shown: Vec<String> = exchanges.iter().take(MAX_NAMED).map(ToString::to_string).collect();
    if let Some(more @ 1..) = exchanges.len().checked_sub(MAX_NAMED) {
        shown.push(format!("{more} more"));
    }
    match shown.split_last() {
        Some((only, [])) => format!("exchange {only}"),
        Some((last, others)) => format!("exchanges {} and {last}", others.join(", ")),
        None => String::new(),
    }
}
