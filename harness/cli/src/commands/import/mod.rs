//! `counterpart import`: what another tool recorded becomes fixtures.
//!
//! All files are read before anything is written, so a file that cannot be used leaves nothing behind.

mod account;

pub(super) use account::loss_lines;

use crate::arguments::{Format, Global, Import};
use crate::exit::{Exit, Stop};
use crate::known_secrets::known_secrets;
use crate::output;
use crate::project::Project;
use account::{Account, FileAccount};
use anyhow::anyhow;
use counterpart_exchange::keep::{Destination, KeepError, keep};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Exchange, ExchangeId, FixtureRef, Imported as ImportedFrom, Library, Provenance};
use counterpart_interchange::{Imported, MAX_FILE_BYTES, import as import_bytes};
use std::path::{Path, PathBuf};

/// More exchanges than this do not become one fixture.
const MAX_EXCHANGES: usize = 100_000;

/// How many files a fixture's provenance names.
const MAX_SOURCES_NAMED: usize = 10;

/// How many files that cannot be used are told.
const MAX_REFUSED_TOLD: usize = 20;

/// A fixture to be made of files.
struct Plan {
    name: FixtureRef,
    files: Vec<(PathBuf, Imported)>,
}

pub(crate) fn import(global: &Global, arguments: &Import) -> Result<Exit, Stop> {
    let known = known_secrets(&arguments.secret_env)?;
    let library = match &arguments.out {
        Some(out) => Library::new(out),
        None => Project::find(global)?.library(),
    };
    let plans = plans(arguments, &library, &known)?;
    if arguments.strict {
        refuse_losses(&plans, &known)?;
    }
    let mut refused = Vec::new();
    let mut accounts = Vec::new();
    for plan in plans {
        match write(plan, arguments, &library, &known) {
            Ok(account) => accounts.push(account),
            Err(stop) => refused.push(stop),
        }
    }
    if !accounts.is_empty() {
        tell(global, arguments, &accounts, &known)?;
    }
    end(&refused, accounts.len())
}

/// Every file read, and each fixture with its name.
fn plans(arguments: &Import, library: &Library, known: &[KnownSecret]) -> Result<Vec<Plan>, Stop> {
    let checked = |flow: &str| {
        let name: FixtureRef = format!("{}/{flow}", arguments.provider)
            .parse()
            .map_err(|why: String| Stop::usage(anyhow!(why)))?;
        Destination::new(library.clone(), name.clone()).map_err(Stop::usage)?;
        Ok::<_, Stop>(name)
    };
    let mut names = Vec::new();
    match &arguments.flow {
        Some(flow) => names.push(checked(flow)?),
        None => {
            for file in &arguments.files {
                names.push(checked(&flow_of(file, &names))?);
            }
        }
    }
    let mut files = read_all(arguments, known)?.into_iter();
    let each = if arguments.flow.is_some() { arguments.files.len() } else { 1 };
    Ok(names.into_iter().map(|name| Plan { name, files: files.by_ref().take(each).collect() }).collect())
}

/// A flow's name after a file's, told from those that are taken.
fn flow_of(file: &Path, taken: &[FixtureRef]) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mut words = String::new();
    for c in stem.chars().take(120) {
        if c.is_ascii_alphanumeric() || c == '_' {
            words.push(c);
        } else if !words.ends_with('-') {
            words.push('-');
        }
    }
    let name = match words.trim_matches(['-', '_']) {
        "" => "flow".to_owned(),
        // The profile has that name.
        "provider" => "provider-flow".to_owned(),
        words => words.to_owned(),
    };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let is_free = |name: &String| !taken.iter().any(|other| other.flow == *name);
    std::iter::once(name.clone()).chain(numbered).find(is_free).unwrap_or(name)
}

fn read_all(arguments: &Import, known: &[KnownSecret]) -> Result<Vec<(PathBuf, Imported)>, Stop> {
    let mut imported = Vec::new();
    let mut refused = Vec::new();
    for file in &arguments.files {
        match read(arguments, file) {
            Ok(one) => imported.push((file.clone(), one)),
            Err(why) => refused.push(account::hidden(&why.to_string(), known)),
        }
    }
    if refused.is_empty() {
        return Ok(imported);
    }
    let all = refused.len();
    refused.truncate(MAX_REFUSED_TOLD);
    if let more @ 1.. = all - refused.len() {
        refused.push(format!("and {more} more"));
    }
    if arguments.files.len() > 1 {
        refused
            .push(format!("{all} of {} files cannot be used, so nothing was written", arguments.files.len()));
    }
    Err(Stop::usage(anyhow!(refused.join("\n"))))
}

fn read(arguments: &Import, file: &Path) -> anyhow::Result<Imported> {
    let problem = |error: std::io::Error| anyhow!("{}: cannot be read: {error}", file.display());
    let size_bytes = std::fs::metadata(file).map_err(problem)?.len();
    if size_bytes > MAX_FILE_BYTES as u64 {
        return Err(anyhow!(
            "{}: is {size_bytes} bytes long; at most {MAX_FILE_BYTES} are read: split it",
            file.display()
        ));
    }
    let bytes = std::fs::read(file).map_err(problem)?;
    Ok(import_bytes(arguments.from, file, &bytes)?)
}

fn refuse_losses(plans: &[Plan], known: &[KnownSecret]) -> Result<(), Stop> {
    let files: Vec<FileAccount> = plans
        .iter()
        .flat_map(|plan| &plan.files)
        .map(|(path, imported)| FileAccount::of(path, imported, known))
        .filter(|file| !file.losses.is_empty())
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let mut lines = vec!["not all of it can be kept, so nothing was written (--strict):".to_owned()];
    lines.extend(files.iter().flat_map(|file| file.loss_lines(true)));
    lines.push("take these out of the files, or leave --strict out".to_owned());
    Err(Stop::usage(anyhow!(lines.join("\n"))))
}

fn write(plan: Plan, arguments: &Import, library: &Library, known: &[KnownSecret]) -> Result<Account, Stop> {
    let files: Vec<FileAccount> =
        plan.files.iter().map(|(path, imported)| FileAccount::of(path, imported, known)).collect();
    let provenance = Provenance::Imported(ImportedFrom {
        format: arguments.from.name().to_owned(),
        source: source_of(&plan.files),
    });
    let exchanges = one_after_the_other(plan.files.into_iter().map(|(_, imported)| imported.exchanges));
    if exchanges.len() > MAX_EXCHANGES {
        let found = exchanges.len();
        let message =
            format!("{found} exchanges; at most {MAX_EXCHANGES} become one fixture: name fewer files");
        return Err(Stop::usage(anyhow!(message)));
    }
    // The flow before it may have left a profile.
    let destination = Destination::new(library.clone(), plan.name).map_err(Stop::usage)?;
    let kept = keep(exchanges, provenance, &destination, known).map_err(stopped)?;
    Ok(Account { fixture: destination.name().to_string(), kept, files })
}

/// The exchanges of several files, as if each had been recorded when the one before it was over.
fn one_after_the_other(files: impl Iterator<Item = Vec<Exchange>>) -> Vec<Exchange> {
    let mut all: Vec<Exchange> = Vec::new();
    for (number, exchanges) in files.enumerate() {
        let begins = all.iter().map(|one| one.offset_ms.saturating_add(one.latency_ms)).max().unwrap_or(0);
        // Ids tell exchanges apart within their file.
        let within = |id: ExchangeId| ExchangeId::from(format!("{number}/{id}").as_str());
        all.extend(exchanges.into_iter().map(|mut exchange| {
            exchange.offset_ms = exchange.offset_ms.saturating_add(begins);
            exchange.id = within(exchange.id);
            exchange.caused_by = exchange.caused_by.map(within);
            exchange
        }));
    }
    all
}

fn source_of(files: &[(PathBuf, Imported)]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut names: Vec<String> = files.iter().take(MAX_SOURCES_NAMED).map(|(path, _)| name(path)).collect();
    if let Some(more @ 1..) = files.len().checked_sub(MAX_SOURCES_NAMED) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn stopped(error: KeepError) -> Stop {
    match error {
        KeepError::Write { .. } => Stop::environment(error),
        KeepError::Nothing { .. } => Stop { exit: Exit::NothingSelected, error: error.into() },
        other => Stop::usage(other),
    }
}

fn tell(
    global: &Global,
    arguments: &Import,
    accounts: &[Account],
    known: &[KnownSecret],
) -> Result<(), Stop> {
    if global.format == Format::Json {
        let fixtures: Vec<_> = accounts.iter().map(Account::json).collect();
        let summary = serde_json::json!({ "format": arguments.from.name(), "fixtures": fixtures });
        return output::json(&summary).map_err(Stop::environment);
    }
    for account in accounts {
        if !global.quiet {
            output::result(&account::hidden(&account.result(), known));
        }
        account.notes(global).iter().for_each(|note| output::note(note));
    }
    Ok(())
}

/// How the command ends: what could not be kept is told, the others are there.
fn end(refused: &[Stop], written: usize) -> Result<Exit, Stop> {
    // The first of 2, 3 and 4 that applies.
    let gravest = [Exit::Usage, Exit::Environment, Exit::NothingSelected]
        .into_iter()
        .find(|exit| refused.iter().any(|stop| stop.exit == *exit));
    let Some(exit) = gravest else { return Ok(Exit::Passed) };
    let all = refused.len();
    let mut told: Vec<String> =
        refused.iter().take(MAX_REFUSED_TOLD).map(|stop| stop.error.to_string()).collect();
    if let Some(more @ 1..) = all.checked_sub(MAX_REFUSED_TOLD) {
        told.push(format!("and {more} more"));
    }
    if all + written > 1 {
        told.push(format!("{all} of {} fixtures were not written", all + written));
    }
    Err(Stop { exit, error: anyhow!(told.join("\n")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_named_after_its_file() {
        let taken = ["p/charge", "p/charge-2"].map(|name| name.parse().unwrap());
        for (file, flow) in [
            ("a/Charge is created.yml", "charge-is-created"),
            ("charge.har", "charge-3"),
            ("spec__x_Y--z!.json", "spec__x_y-z"),
            ("provider.yaml", "provider-flow"),
            ("\u{fc}.yml", "flow"),
        ] {
            assert_eq!(flow_of(Path::new(file), &taken), flow, "{file}");
        }
    }
}
