//! A fixture that is there already is redacted again, after a rule or a profile has changed.

use super::{Destination, KeepError, Kept, told, write_and_search};
use crate::fixture::Fixture;
use crate::library::{FixtureRef, Library};
use crate::redaction::{KnownSecret, redact};
use std::path::Path;

/// Redacts a fixture in its place. Placeholders that are there stay, and so do the ids of its exchanges. A fixture in
/// which nothing is found is not written.
///
/// # Errors
/// [`KeepError`]; the fixture is untouched then.
pub fn redact_again(file: &Path, known: &[KnownSecret]) -> Result<Kept, KeepError> {
    let fixture = Fixture::read(file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(super::problem(folder))?;
    let root = folder.parent().unwrap_or(&folder);
    let name: FixtureRef = fixture.name().parse().map_err(KeepError::Name)?;
    let at = root.join(&name.provider).join(format!("{}.yaml", name.flow));
    if file.canonicalize().map_err(super::problem(file))? != at {
        let message = format!("{} says that it is {name}, so it has to be {}", file.display(), at.display());
        return Err(KeepError::Name(message));
    }
    let destination = Destination::new(Library::new(root), name)?;
    let redacted = redact(fixture.exchanges.clone(), destination.profile(), known);
    let provenance = told(fixture.provenance.clone(), &redacted, destination.profile());
    let mut again = Fixture { provenance, exchanges: redacted.exchanges, ..fixture.clone() };
    again.redacted.extend(redacted.values);
    if again != fixture {
        write_and_search(&again, None, &destination, &redacted.found)?;
    }
    Ok(Kept::of(&again, redacted.rules, file.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = "counterpart: fixture/1\nprovider: acme\nflow: f\nprovenance: {written: {after: x}}\n\
        redacted: {\"«token:1»\": {length_chars: 24}}\nexchanges:\n- id: mine-7\n  request:\n    method: POST\n    \
        target: /?q=«token:1»\n    body:\n      json: |\n        {\"pin\": \"7788\", \"token\": \"abc\"}\n";

    #[test]
    fn what_a_new_rule_finds_is_taken_out_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let acme = folder.path().join("acme");
        std::fs::create_dir(&acme).unwrap();
        let file = acme.join("f.yaml");
        std::fs::write(&file, FIXTURE).unwrap();
        let profile = "counterpart: provider/1\nprovider: acme\nsecrets: {fields: [pin]}\n";
        std::fs::write(acme.join("provider.yaml"), profile).unwrap();
        let kept = redact_again(&file, &[]).unwrap();
        let told: Vec<String> = kept.taken_out.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "«pin:1»: profile, `secrets`: pin; once, in mine-7",
                "«token:2»: by its place: token; once, in mine-7"
            ]
        );
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written.contains("\"pin\": \"«pin:1»\"") && written.contains("/?q=«token:1»"), "{written}");
        assert!(redact_again(&file, &[]).unwrap().taken_out.is_empty());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), written, "once more changes nothing");

        let elsewhere = acme.join("other.yaml");
        std::fs::write(&elsewhere, FIXTURE).unwrap();
        assert!(redact_again(&elsewhere, &[]).is_err());
    }
}
