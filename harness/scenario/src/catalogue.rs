//! The catalogue: every edge case, pattern, auth kind, throttle and alert that must be covered, and why.

use counterpart_exchange::{Document, DocumentError, parse_document, read_text};
use counterpart_outcome::{CaseKind, Catalogued, Coverage};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;

/// `scenarios/catalogue.yaml`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Always `catalogue/1`.
    pub counterpart: String,
    /// The entries.
    pub cases: Vec<CatalogueCase>,
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
}

impl Document for Catalogue {
    const KIND: &'static str = "catalogue";
    const VERSION: u32 = 1;
}

impl Catalogue {
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

    /// The catalogue against pairs of a scenario that was judged and an entry that it covers.
    #[must_use]
    pub fn coverage<'a>(&self, covered: impl IntoIterator<Item = (&'a str, &'a str)>) -> Coverage {
        let mut cases: Vec<Catalogued> = self
            .cases
            .iter()
            .map(|case| Catalogued {
                id: case.id.clone(),
                kind: case.kind,
                title: case.title.clone(),
                why: case.why.clone(),
                covered_by: Vec::new(),
            })
            .collect();
        for (scenario, id) in covered {
            if let Some(case) = cases.iter_mut().find(|case| case.id == id) {
                case.covered_by.push(scenario.to_owned());
            }
        }
        Coverage { cases }
    }
}
