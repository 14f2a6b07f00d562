//! From exchanges that were seen to a fixture on the disk: redacted, numbered, written aside, searched, moved.
//!
//! The order is the guarantee. Redaction comes before the first byte is written; the search reads what was
//! written back, as a fixture and as text, by a way of its own; the fixture's own file is moved last. Until
//! then an older fixture of the name stays as it was. Knows nothing of how the exchanges were come by.

mod again;
mod causes;
mod check;
mod decoded;
mod draft;
mod ids;
mod names;
mod places;
mod searchable;
mod taken_out;

pub use again::redact_again;
pub use check::{Checked, check};
pub use searchable::path_for_log;
pub use taken_out::TakenOut;

use crate::document::{DocumentError, write_atomically};
use crate::fixture::{Fixture, FixtureError, Provenance};
use crate::library::{FixtureRef, Library};
use crate::redaction::{KnownSecret, Redacted, Rule, Scan, redact};
use crate::{Body, Direction, Exchange, Placeholder, ProviderProfile};
use causes::tie_to_causes;
use decoded::decode_bodies;
use draft::draft;
use names::{name_behind, name_exchanges};
use places::Places;
use searchable::make_searchable;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use taken_out::taken_out;
use tempfile::TempPath;

/// How many findings an error message lists.
const MAX_FINDINGS_SHOWN: usize = 20;

/// The name of a provider's profile in its folder.
const PROFILE_FILE: &str = "provider.yaml";

/// What was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The fixture.
    pub path: PathBuf,
    /// How many exchanges it holds.
    pub exchanges: usize,
    /// How many different secrets were taken out.
    pub redacted: usize,
    /// What was taken out now, and which rule took it.
    pub taken_out: Vec<TakenOut>,
    /// How many bodies were passed on and not kept: too large, encoded, not sent whole, or unsearchable.
    pub omitted: usize,
    /// The profile that was drafted, where the provider had none.
    pub drafted: Option<PathBuf>,
}

/// A place in what was about to be kept that looks secret. Never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftSecret {
    /// The file, relative to the provider's folder.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
    /// The exchange that the line belongs to.
    pub exchange: Option<String>,
    /// The field or header on the line, where it has a plain name.
    pub field: Option<String>,
    /// What was found.
    pub what: String,
}

impl fmt::Display for LeftSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} line {}", self.file.display(), self.line)?;
        if let Some(exchange) = &self.exchange {
            write!(formatter, ", exchange {exchange}")?;
        }
        if let Some(field) = &self.field {
            write!(formatter, ", `{field}`")?;
        }
        write!(formatter, ": {}", self.what)
    }
}

/// Exchanges that cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The name makes no fixture.
    #[error("{0}")]
    Name(String),
    /// The provider's profile is there and cannot be used.
    #[error(transparent)]
    Profile(DocumentError),
    /// There is no exchange, so nothing was written.
    #[error("there is no exchange for {fixture}, so nothing was written")]
    Nothing {
        /// `provider/flow`.
        fixture: String,
    },
    /// The search of what was about to be kept found secrets, so nothing was kept.
    #[error("{fixture} would hold what looks secret, so nothing was written:{}\nname each field in {profile} under `secrets.fields` (or `secrets.headers`), or, where it is harmless, under `identifiers`; then do it again", shown(findings), profile = profile.display())]
    SecretLeft {
        /// `provider/flow`.
        fixture: String,
        /// The profile in which the fields are to be named.
        profile: PathBuf,
        /// Where the secrets were.
        findings: Vec<LeftSecret>,
    },
    /// The fixture makes no YAML, or what was written cannot be read.
    #[error(transparent)]
    Fixture(#[from] FixtureError),
    /// The file system said no.
    #[error("{path}: cannot be read or written: {source}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

fn shown(findings: &[LeftSecret]) -> String {
    let mut out: String =
        findings.iter().take(MAX_FINDINGS_SHOWN).map(|finding| format!("\n  {finding}")).collect();
    if let Some(more @ 1..) = findings.len().checked_sub(MAX_FINDINGS_SHOWN) {
        out.push_str(&format!("\n  and {more} more"));
    }
    out
}

/// Where a fixture goes, and the profile that it is judged by.
#[derive(Clone, Debug)]
pub struct Destination {
    library: Library,
    name: FixtureRef,
    profile: ProviderProfile,
}

impl Destination {
    /// The place of a flow in a library, under its provider's profile; one that says nothing where there is none.
    ///
    /// # Errors
    /// [`KeepError::Name`] for a flow of a name that the profile has, [`KeepError::Profile`] for a profile that
    /// cannot be used.
    pub fn new(library: Library, name: FixtureRef) -> Result<Self, KeepError> {
        if name.flow == "provider" {
            let message =
                "a flow cannot be called `provider`: provider.yaml is the profile; call it otherwise";
            return Err(KeepError::Name(message.to_owned()));
        }
        let profile = library.profile(&name.provider).map_err(KeepError::Profile)?;
        Ok(Self { library, name, profile })
    }

    /// The name of the fixture.
    #[must_use]
    pub fn name(&self) -> &FixtureRef {
        &self.name
    }

    /// The profile by which secrets and operations are told.
    #[must_use]
    pub fn profile(&self) -> &ProviderProfile {
        &self.profile
    }

    fn folder(&self) -> PathBuf {
        self.library.root().join(&self.name.provider)
    }
}

/// Keeps exchanges, in the order of their requests, as the fixture of a destination. Their ids are given anew, those of an
/// older fixture of the name where it has the same exchange: what is there may be any names that tell them apart, as
/// `caused_by` uses them. A webhook without a `caused_by` is tied to the call whose id it repeats.
///
/// # Errors
/// [`KeepError`]; an older fixture of the name is untouched then.
pub fn keep(
    mut exchanges: Vec<Exchange>,
    provenance: Provenance,
    destination: &Destination,
    known: &[KnownSecret],
) -> Result<Kept, KeepError> {
    if exchanges.is_empty() {
        return Err(KeepError::Nothing { fixture: destination.name.to_string() });
    }
    prepare(&mut exchanges, &destination.profile);
    let fixture = Fixture {
        provider: destination.name.provider.clone(),
        flow: destination.name.flow.clone(),
        provenance,
        redacted: BTreeMap::new(),
        exchanges,
    };
    keep_redacted(fixture, 0, destination, known)
}

/// Keeps exchanges behind those that a fixture of the destination's name holds already, as it was read from its file.
/// What is there stays as it is: ids, placeholders and provenance. Whether a new secret is one of the old ones cannot be
/// known, so it gets a placeholder of its own.
///
/// # Errors
/// [`KeepError`]; the fixture on the disk is untouched then.
pub fn keep_after(
    mut earlier: Fixture,
    mut exchanges: Vec<Exchange>,
    destination: &Destination,
    known: &[KnownSecret],
) -> Result<Kept, KeepError> {
    if exchanges.is_empty() {
        return Err(KeepError::Nothing { fixture: destination.name.to_string() });
    }
    prepare(&mut exchanges, &destination.profile);
    let numbered = earlier.exchanges.len();
    let last_ms = earlier.exchanges.iter().map(|one| one.offset_ms).max().unwrap_or_default();
    for exchange in &mut exchanges {
        exchange.offset_ms = exchange.offset_ms.saturating_add(last_ms);
    }
    earlier.exchanges.append(&mut exchanges);
    keep_redacted(earlier, numbered, destination, known)
}

/// Makes of what was seen what can be searched for secrets.
fn prepare(exchanges: &mut [Exchange], profile: &ProviderProfile) {
    decode_bodies(exchanges);
    // Before anything is taken out: an id that is redacted ties as well.
    tie_to_causes(exchanges, profile);
    make_searchable(exchanges, profile);
}

/// Redacts, names and writes; the first so many exchanges have their names already.
fn keep_redacted(
    mut fixture: Fixture,
    numbered: usize,
    destination: &Destination,
    known: &[KnownSecret],
) -> Result<Kept, KeepError> {
    let profile = &destination.profile;
    let redacted = redact(std::mem::take(&mut fixture.exchanges), profile, known);
    fixture.provenance = told(fixture.provenance, &redacted, profile);
    // Those that the user named are among them.
    let known = redacted.found;

    let drafted = if destination.folder().join(PROFILE_FILE).exists() {
        None
    } else {
        draft(&destination.name.provider, origin_of(&fixture.provenance), &redacted.exchanges)
    };
    let profile = drafted.as_ref().map_or(profile, |drafted| &drafted.profile);
    fixture.redacted.extend(redacted.values);
    fixture.exchanges = redacted.exchanges;
    let renamed = match numbered {
        // One that cannot be read is about to be replaced anyway, and names are all that it would have given.
        0 => {
            let older = destination.library.fixture(&destination.name).ok();
            name_exchanges(&mut fixture, older.as_ref(), profile)
        }
        numbered => {
            name_behind(&mut fixture, numbered, profile);
            BTreeMap::new()
        }
    };
    let rules = redacted
        .rules
        .into_iter()
        .map(|(now, rule)| (renamed.get(&now).cloned().unwrap_or(now), rule))
        .collect();

    let draft_text = drafted.as_ref().map(|drafted| drafted.text.as_str());
    write_and_search(&fixture, draft_text, destination, &known)?;
    let path = destination.library.path_of(&destination.name);
    Ok(Kept::of(&fixture, rules, path, draft_text.map(|_| destination.folder().join(PROFILE_FILE))))
}

impl Kept {
    fn of(
        fixture: &Fixture,
        rules: BTreeMap<Placeholder, Rule>,
        path: PathBuf,
        drafted: Option<PathBuf>,
    ) -> Self {
        Self {
            path,
            exchanges: fixture.exchanges.len(),
            redacted: fixture.redacted.len(),
            taken_out: taken_out(fixture, rules),
            omitted: fixture.exchanges.iter().map(omitted_bodies).sum(),
            drafted,
        }
    }
}

/// The provenance without secrets, and with the server's own name where its answers tell it.
fn told(provenance: Provenance, redacted: &Redacted, profile: &ProviderProfile) -> Provenance {
    let text = |text: &str| redacted.text(text, profile);
    match provenance {
        Provenance::Recorded(mut recorded) => {
            recorded.upstream = text(&recorded.upstream);
            recorded.server = server_of(&redacted.exchanges);
            Provenance::Recorded(recorded)
        }
        Provenance::Imported(mut imported) => {
            imported.source = text(&imported.source);
            Provenance::Imported(imported)
        }
        Provenance::Written(mut written) => {
            written.after = text(&written.after);
            Provenance::Written(written)
        }
    }
}

fn origin_of(provenance: &Provenance) -> &str {
    match provenance {
        Provenance::Recorded(recorded) => &recorded.upstream,
        Provenance::Imported(imported) => &imported.source,
        Provenance::Written(written) => &written.after,
    }
}

fn server_of(exchanges: &[Exchange]) -> Option<String> {
    exchanges
        .iter()
        .filter(|exchange| exchange.direction == Direction::Outbound)
        .find_map(|exchange| exchange.response.as_ref()?.headers.text("server"))
        .map(str::to_owned)
}

fn omitted_bodies(exchange: &Exchange) -> usize {
    std::iter::once(&exchange.request.body)
        .chain(exchange.response.iter().map(|response| &response.body))
        .filter(|body| matches!(body, Body::Omitted { .. }))
        .count()
}

/// Writes a fixture (and a drafted profile) aside, searches what was written, and moves it into place.
fn write_and_search(
    fixture: &Fixture,
    draft: Option<&str>,
    destination: &Destination,
    known: &[KnownSecret],
) -> Result<(), KeepError> {
    let folder = destination.folder();
    std::fs::create_dir_all(&folder).map_err(problem(&folder))?;
    let result = (|| {
        let aside = tempfile::Builder::new()
            .prefix(".counterpart-recording-")
            .tempdir_in(&folder)
            .map_err(problem(&folder))?;
        let written = aside.path().join(format!("{}.yaml", fixture.flow));
        // What is looked for is made ready while the files are written.
        let (scan, is_written) = std::thread::scope(|threads| {
            let scan = threads.spawn(|| Scan::new(&destination.profile, known));
            let is_written = write_aside(fixture, draft, &written);
            (scan.join(), is_written)
        });
        let scan = scan.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
        is_written?;
        let findings = examine(aside.path(), &written, &scan)?;
        if !findings.is_empty() {
            return Err(KeepError::SecretLeft {
                fixture: fixture.name(),
                profile: folder.join(PROFILE_FILE),
                findings,
            });
        }
        move_into_place(aside.path(), &folder, &fixture.flow)
    })();
    if result.is_err() {
        // Removes the folder only where it is empty, that is where it was made for this recording.
        let _ = std::fs::remove_dir(&folder);
    }
    result
}

/// Writes a fixture, and a profile beside it.
fn write_aside(fixture: &Fixture, draft: Option<&str>, file: &Path) -> Result<(), KeepError> {
    fixture.write(file).map_err(|error| match error {
        FixtureError::Write { path, source } => KeepError::Write { path, source },
        other => KeepError::Fixture(other),
    })?;
    draft.map_or(Ok(()), |text| {
        let path = file.with_file_name(PROFILE_FILE);
        write_atomically(&path, text.as_bytes()).map_err(problem(&path))
    })
}

/// Looks through what was written: the text of every file, and at the same time the fixture as any reader reads it.
fn examine(aside: &Path, file: &Path, scan: &Scan<'_>) -> Result<Vec<LeftSecret>, KeepError> {
    std::thread::scope(|threads| {
        let in_text = threads.spawn(|| search(aside, scan));
        // What cannot be read again is worth nothing; better to say so now than at the first replay.
        let in_fields = Fixture::read(file).map(|read| scan.fixture(&read));
        let mut findings = in_text.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))?;
        let in_fields = in_fields?;
        if !in_fields.is_empty() {
            let text = std::fs::read_to_string(file).map_err(problem(file))?;
            let name = file.strip_prefix(aside).unwrap_or(file);
            Places::of(name, &text).add_fields(in_fields, &mut findings);
        }
        Ok(findings)
    })
}

fn problem(path: &Path) -> impl Fn(std::io::Error) -> KeepError {
    let path = path.to_owned();
    move |source| KeepError::Write { path: path.clone(), source }
}

/// The files below a folder, two levels deep, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, KeepError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem(folder))? {
        let path = entry.map_err(problem(folder))?.path();
        if path.is_dir() {
            for inner in std::fs::read_dir(&path).map_err(problem(&path))? {
                files.push(inner.map_err(problem(&path))?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 16;

/// A file, or every file below a folder but those that begin with a dot, by name.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, KeepError> {
    let mut files = Vec::new();
    let mut open = vec![(path.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        if !std::fs::metadata(&path).map_err(problem(&path))?.is_dir() {
            files.push(path);
            continue;
        }
        for entry in std::fs::read_dir(&path).map_err(problem(&path))? {
            let entry = entry.map_err(problem(&path))?;
            let is_link = entry.file_type().map_err(problem(&path))?.is_symlink();
            if !entry.file_name().to_string_lossy().starts_with('.') && !is_link && depth < MAX_DEPTH {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Searches the text of every file below a folder.
fn search(folder: &Path, scan: &Scan<'_>) -> Result<Vec<LeftSecret>, KeepError> {
    let mut left = Vec::new();
    for path in files_in(folder)? {
        let bytes = std::fs::read(&path).map_err(problem(&path))?;
        let text = String::from_utf8_lossy(&bytes);
        let file = path.strip_prefix(folder).unwrap_or(&path);
        // The fields of a fixture are judged by their look when it is read back; a drafted profile has none.
        let findings = if file == Path::new(PROFILE_FILE) { scan.prose(&text) } else { scan.raw(&text) };
        if findings.is_empty() {
            continue;
        }
        let places = Places::of(file, &text);
        left.extend(findings.into_iter().map(|finding| places.in_text(finding)));
    }
    Ok(left)
}

/// Moves what was written aside to where it belongs: bodies first, a profile only where there is none, the
/// fixture last. Then bodies of an older fixture that nothing names any more go.
fn move_into_place(aside: &Path, folder: &Path, flow: &str) -> Result<(), KeepError> {
    let bodies = format!("{flow}.bodies");
    let (from, to) = (aside.join(&bodies), folder.join(&bodies));
    let mut named = HashSet::new();
    if from.is_dir() {
        std::fs::create_dir_all(&to).map_err(problem(&to))?;
        for file in files_in(&from)? {
            let name = file.file_name().map(ToOwned::to_owned).unwrap_or_default();
            std::fs::rename(&file, to.join(&name)).map_err(problem(&to.join(&name)))?;
            named.insert(name);
        }
    }
    let (draft, profile) = (aside.join(PROFILE_FILE), folder.join(PROFILE_FILE));
    if draft.exists() {
        let moved = TempPath::try_from_path(draft).map_err(problem(&profile))?.persist_noclobber(&profile);
        // A profile that somebody wrote in the meantime stays.
        if let Err(error) = moved
            && error.error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(problem(&profile)(error.error));
        }
    }
    let file = format!("{flow}.yaml");
    std::fs::rename(aside.join(&file), folder.join(&file)).map_err(problem(&folder.join(&file)))?;
    remove_unnamed(&to, &named);
    Ok(())
}

/// Removes bodies that no fixture names. The recording is kept by now, so what cannot be removed may stay.
fn remove_unnamed(bodies: &Path, named: &HashSet<std::ffi::OsString>) {
    let Ok(entries) = std::fs::read_dir(bodies) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let is_body =
            name.to_str().is_some_and(|name| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()));
        if is_body && !named.contains(&name) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(bodies);
}

#[cfg(test)]
mod tests;
