//! The catalogue: every edge case, pattern, auth kind, throttle and alert that must be covered, and why.

use counterpart_exchange::{Document, DocumentError, parse_document, read_text};
use counterpart_outcome::{CaseKind, Catalogued, Coverage, ScenarioOutcome, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// `scenarios/catalogue.yaml`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Always `catalogue/1`.
    pub counterpart: String,
    /// The entries.
    pub cases: Vec<CatalogueCase>,
    /// Where a catalogue was looked for in vain.
    #[serde(skip)]
    pub missing_at: Option<PathBuf>,
}

/// One entry.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogueCase {
    /// Its id: `auth/token-expired`.
    pub id: String,
    /// What it is.
    pub kind: CaseKind,
    /// What happens.
    pub title: String,
    /// Why it must be covered.
    pub why: String,
    /// Whether no integration may go live that fails it.
    #[serde(default)]
    pub required: bool,
}

impl Document for Catalogue {
    const KIND: &'static str = "catalogue";
    const VERSION: u32 = 1;
}

impl Catalogue {
    /// The catalogue of a project that has none: it would be at this path.
    #[must_use]
    pub fn missing(path: impl Into<PathBuf>) -> Self {
        Self { missing_at: Some(path.into()), ..Self::default() }
    }

    /// Reads a catalogue; ids are unique.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let text = read_text(path)?;
        let catalogue: Self = parse_document(path, &text)?;
        for (index, case) in catalogue.cases.iter().enumerate() {
            if catalogue.cases[..index].iter().any(|earlier| earlier.id == case.id) {
                return Err(DocumentError::whole(
                    path,
                    format!("`{}` is given twice; ids are unique", case.id),
                ));
            }
        }
        Ok(catalogue)
    }

    /// The catalogue against the scenarios that were judged.
    #[must_use]
    pub fn coverage(&self, scenarios: &[ScenarioOutcome]) -> Coverage {
        let mut cases: Vec<Catalogued> = self
            .cases
            .iter()
            .map(|case| Catalogued {
                id: case.id.clone(),
                kind: case.kind,
                title: case.title.clone(),
                why: case.why.clone(),
                required: case.required,
                covered_by: Vec::new(),
                failed_in: Vec::new(),
            })
            .collect();
        for outcome in scenarios {
            let is_failed = outcome.verdict == Verdict::Failed;
            if !is_failed && !matches!(outcome.verdict, Verdict::Passed | Verdict::Flaky) {
                continue;
            }
            for case in cases.iter_mut().filter(|case| outcome.covers.contains(&case.id)) {
                case.covered_by.push(outcome.name.clone());
                if is_failed {
                    case.failed_in.push(outcome.name.clone());
                }
            }
        }
        Coverage { cases }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_outcome::Digest;

    #[test]
    fn an_entry_is_covered_by_what_was_judged_and_failed_where_one_of_it_failed() {
        let case = |id: &str| CatalogueCase {
            id: id.to_owned(),
            kind: CaseKind::EdgeCase,
            title: String::new(),
            why: String::new(),
            required: true,
        };
        let catalogue = Catalogue { cases: vec![case("a"), case("b")], ..Catalogue::default() };
        let outcome = |name: &str, covers: &str, verdict| ScenarioOutcome {
            name: name.to_owned(),
            title: String::new(),
            file: String::new(),
            digest: Digest(String::new()),
            covers: vec![covers.to_owned()],
            fixtures: Vec::new(),
            verdict,
            attempts: Vec::new(),
            snapshots_pending: Vec::new(),
            quarantine: None,
        };
        let coverage = catalogue.coverage(&[
            outcome("passed", "a", Verdict::Passed),
            outcome("failed", "a", Verdict::Failed),
            outcome("errored", "b", Verdict::Errored),
            outcome("skipped", "b", Verdict::Skipped { reason: String::new() }),
        ]);
        let [a, b] = &coverage.cases[..] else { panic!("two entries") };
        assert_eq!(
            (&a.covered_by[..], &a.failed_in[..]),
            (&["passed".into(), "failed".into()][..], &["failed".into()][..])
        );
        assert_eq!((&b.covered_by[..], &b.failed_in[..]), (&[][..], &[][..]));
    }
}
