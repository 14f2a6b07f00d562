//! Files that are there already are searched for secrets: fixtures field by field, with the bodies beside them, and the
//! text of every other file.
//!
//! For a hook before a commit and for continuous integration. Changes nothing, and shows no value.

use super::places::Places;
use super::{KeepError, LeftSecret, PROFILE_FILE, files_of, problem};
use crate::fixture::Fixture;
use crate::redaction::{KnownSecret, Scan};
use crate::{Document, FixtureOnDisk, ProviderProfile};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Larger files are not read.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What a look through files found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many files were looked through.
    pub files: usize,
    /// How many of them are fixtures.
    pub fixtures: usize,
    /// What looks secret, by file and line. Files are named as they were given.
    pub findings: Vec<LeftSecret>,
}

/// Looks through files and through everything below folders. What begins with a dot is passed over below a folder.
///
/// # Errors
/// [`KeepError`] for a path that is not there, and for a fixture or a profile that cannot be read.
pub fn check(paths: &[PathBuf], known: &[KnownSecret]) -> Result<Checked, KeepError> {
    let mut checked = Checked::default();
    let mut profiles: HashMap<PathBuf, ProviderProfile> = HashMap::new();
    for path in paths {
        for file in files_of(path)? {
            let folder = profile_folder(&file);
            let profile = match profiles.entry(folder.clone()) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(new) => new.insert(profile_in(&folder)?),
            };
            check_file(&file, &Scan::new(profile, known), &mut checked)?;
        }
    }
    Ok(checked)
}

/// The folder whose profile a file is judged by: a body stands one deeper than its fixture.
fn profile_folder(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new("."));
    match folder.parent() {
        Some(above) if folder.extension().is_some_and(|end| end == "bodies") => above.to_owned(),
        _ => folder.to_owned(),
    }
}

fn profile_in(folder: &Path) -> Result<ProviderProfile, KeepError> {
    let path = folder.join(PROFILE_FILE);
    if path.is_file() {
        ProviderProfile::read(&path).map_err(KeepError::Profile)
    } else {
        Ok(ProviderProfile::unknown(""))
    }
}

fn check_file(file: &Path, scan: &Scan<'_>, checked: &mut Checked) -> Result<(), KeepError> {
    let whole_file = |what: &str| LeftSecret {
        file: file.to_owned(),
        line: 1,
        exchange: None,
        field: None,
        what: what.to_owned(),
    };
    checked.files += 1;
    if std::fs::metadata(file).map_err(problem(file))?.len() > MAX_FILE_BYTES {
        checked.findings.push(whole_file("over 64 MiB, which is more than is looked through"));
        return Ok(());
    }
    let bytes = std::fs::read(file).map_err(problem(file))?;
    let text = String::from_utf8_lossy(&bytes);
    let is_fixture =
        text.lines().any(|line| line.starts_with(&format!("counterpart: {}/", FixtureOnDisk::KIND)));
    let places = Places::of(file, &text);
    let mut findings: Vec<LeftSecret> = scan
        .raw(&text)
        .into_iter()
        .map(|found| {
            let left = places.in_text(found);
            LeftSecret { exchange: left.exchange.filter(|_| is_fixture), ..left }
        })
        .collect();
    if is_fixture {
        checked.fixtures += 1;
        places.add_fields(scan.fixture(&Fixture::read(file)?), &mut findings);
    }
    findings.sort_by_key(|found| found.line);
    checked.findings.extend(findings);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = "counterpart: fixture/1\nprovider: acme\nflow: f\nprovenance: {written: {after: x}}\n\
        exchanges:\n- id: a-1\n  request: {method: GET, target: /}\n- id: a-2\n  request:\n    method: POST\n    \
        target: /\n    headers:\n      x-note: to jo@example.org\n    body:\n      json: |\n        {\"pin\": \"7788\"}\n";

    #[test]
    fn what_is_left_in_files_is_told_with_its_place_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let acme = folder.path().join("acme");
        std::fs::create_dir_all(acme.join("f.bodies")).unwrap();
        let write = |name: &str, text: &str| std::fs::write(acme.join(name), text).unwrap();
        write("f.yaml", FIXTURE);
        write("provider.yaml", "counterpart: provider/1\nprovider: acme\nsecrets: {fields: [pin]}\n");
        write("f.bodies/left-over", "from a@b.example.org");
        write("notes.md", "fine\nopen sesame 17\n");
        write(".hidden", "a@b.example.org");
        let known = [KnownSecret { kind: "named".into(), value: "open sesame 17".into() }];
        let checked = check(&[folder.path().to_owned()], &known).unwrap();
        let shown: Vec<String> = checked.findings.iter().map(ToString::to_string).collect();
        let shown = shown.join("\n").replace(&format!("{}/", folder.path().display()), "");
        insta::assert_snapshot!(shown, @r"
        acme/f.bodies/left-over line 1: text that has the form of a secret (e-mail address)
        acme/f.yaml line 13, exchange a-2, `x-note`: text that has the form of a secret (e-mail address)
        acme/f.yaml line 16, exchange a-2, `pin`: the value of a field whose name says that it is secret
        acme/notes.md line 2: a known secret (named) is still there
        ");
        assert_eq!((checked.files, checked.fixtures), (4, 1));

        write("f.yaml", &FIXTURE.replace("jo@example.org", "«email:1»").replace("7788", "«pin:1»"));
        let only = check(&[acme.join("f.yaml")], &known).unwrap();
        assert_eq!(only, Checked { files: 1, fixtures: 1, findings: Vec::new() });
        assert!(check(&[acme.join("gone.yaml")], &[]).is_err());
        write("f.yaml", "counterpart: fixture/1\nprovider: [\n");
        assert!(check(&[acme], &[]).is_err());
    }
}
