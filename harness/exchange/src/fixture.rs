//! A fixture: the recorded, redacted exchanges of one flow. Evidence, never policy.
//!
//! This module holds what a fixture is; [`disk`] holds how it is spelled in YAML. Placeholders stay
//! as they stand in the file: see [`crate::StandInValues`] for what they become.

mod disk;

pub use disk::FixtureOnDisk;

use crate::document::{Document, DocumentError, parse_document, read_text, write_atomically};
use crate::{Exchange, ExchangeId, Placeholder};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// The first lines of a fixture file; editors find the schema by the first of them.
pub const YAML_FIXTURE_HEAD: &str = "# yaml-language-server: $schema=../../docs/schema/fixture.json\n";

/// The recorded exchanges of one flow of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixture {
    /// The provider's short name.
    pub provider: String,
    /// The flow's short name.
    pub flow: String,
    /// Where the exchanges come from.
    pub provenance: Provenance,
    /// What stands for each secret that was taken out.
    pub redacted: BTreeMap<Placeholder, RedactedValue>,
    /// The exchanges in order of their requests.
    pub exchanges: Vec<Exchange>,
}

/// Where a fixture comes from. It decides what the fixture may be believed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Provenance {
    /// It came over the wire, past this project's recorder.
    Recorded(Recorded),
    /// Another tool recorded it.
    Imported(Imported),
    /// Somebody wrote it by hand.
    Written(Written),
}

/// A recording of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// When it began.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The server behind the recorder.
    pub upstream: String,
    /// The recorder and its version.
    pub by: String,
    /// What the server said it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// A recording of another tool's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// The format it was in.
    pub format: String,
    /// The file it was in.
    pub source: String,
}

/// An invention after a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// What it was written after.
    pub after: String,
}

/// What is kept of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactedValue {
    /// Its length in characters, rounded up to a multiple of eight.
    pub length_chars: usize,
    /// What a JSON Web Token said, its secrets replaced: it is played as a token that says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<RedactedJwt>,
    /// Which part of a Basic credential was which secret: it is played as a credential of the same parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<RedactedBasic>,
}

/// The parts of a JSON Web Token that can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactedJwt {
    /// The header, a JSON object. On replay its `alg` is HS256, for that is how the token is signed then.
    pub header: String,
    /// The claims, a JSON object.
    pub claims: String,
}

/// The secret parts of a Basic credential. A part that is not there is played as any text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactedBasic {
    /// The placeholder of the user, where the user is secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The placeholder of the password; nothing where the password is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl RedactedValue {
    /// Of a secret of which nothing but its length is kept.
    #[must_use]
    pub fn of_length(length_chars: usize) -> Self {
        Self { length_chars, ..Self::default() }
    }

    /// The texts in which placeholders may stand.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let jwt = self.jwt.iter().flat_map(|jwt| [jwt.header.as_str(), jwt.claims.as_str()]);
        let basic = self.basic.iter().flat_map(|basic| [basic.user.as_deref(), basic.password.as_deref()]);
        jwt.chain(basic.flatten())
    }

    /// Changes the texts in which placeholders may stand.
    pub(crate) fn map_texts(&mut self, change: &impl Fn(&str) -> String) {
        if let Some(jwt) = &mut self.jwt {
            jwt.header = change(&jwt.header);
            jwt.claims = change(&jwt.claims);
        }
        if let Some(basic) = &mut self.basic {
            basic.user = basic.user.as_deref().map(change);
            basic.password = basic.password.as_deref().map(change);
        }
    }

    /// What is wrong with it, if anything.
    fn problem(&self) -> Option<String> {
        let is_object =
            |text: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok();
        let jwt = self.jwt.as_ref()?;
        [("header", &jwt.header), ("claims", &jwt.claims)].into_iter().find(|(_, text)| !is_object(text)).map(
            |(part, _)| {
                format!("jwt.{part} is not a JSON object; expected one as a string, as '{{\"sub\": \"1\"}}'")
            },
        )
    }
}

/// A body that is kept in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFile {
    /// Its path, relative to the fixture's folder.
    pub name: PathBuf,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A fixture that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// The file cannot be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The file system said no.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The YAML library said no.
    #[error("{path}: cannot be written as YAML: {message}", path = path.display())]
    Serialise {
        /// The file.
        path: PathBuf,
        /// What it said.
        message: String,
    },
}

impl Fixture {
    /// `provider/flow`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.flow)
    }

    /// The exchange of an id.
    #[must_use]
    pub fn exchange(&self, id: &ExchangeId) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.id == *id)
    }

    /// Reads a fixture and the bodies beside it.
    ///
    /// # Errors
    /// [`FixtureError::Document`] with file, line and column of the first problem.
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let text = read_text(path)?;
        let on_disk: FixtureOnDisk = parse_document(path, &text)?;
        Ok(on_disk.into_fixture(&disk::Source { path, text: &text })?)
    }

    /// The fixture as YAML, with the bodies that go beside it.
    ///
    /// # Errors
    /// [`FixtureError::Serialise`].
    pub fn to_yaml(&self, path: &Path) -> Result<(String, Vec<BodyFile>), FixtureError> {
        let (on_disk, sidecars) = FixtureOnDisk::of(self);
        // Long strings stay on one line: a folded target or token cannot be searched for.
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false, min_fold_chars: 0 };
        let yaml = serde_saphyr::to_string_with_options(&on_disk, options)
            .map_err(|error| FixtureError::Serialise { path: path.to_owned(), message: error.to_string() })?;
        Ok((format!("{YAML_FIXTURE_HEAD}{yaml}"), sidecars))
    }

    /// Writes the fixture, its large and binary bodies first, the file itself atomically last.
    ///
    /// # Errors
    /// [`FixtureError::Write`] or [`FixtureError::Serialise`]; an older file of the name is then untouched.
    pub fn write(&self, path: &Path) -> Result<(), FixtureError> {
        let (yaml, sidecars) = self.to_yaml(path)?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let write = |path: &Path, content: &[u8]| {
            write_atomically(path, content)
                .map_err(|source| FixtureError::Write { path: path.to_owned(), source })
        };
        for file in sidecars {
            write(&directory.join(file.name), &file.content)?;
        }
        write(path, yaml.as_bytes())
    }

    /// Gives every exchange its id: operation and number, by order. What it names as its cause is renamed with it; where
    /// several had that name, the last of them before it is meant.
    pub fn number_exchanges(&mut self, operation_of: impl Fn(&Exchange) -> String) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut renamed: HashMap<ExchangeId, ExchangeId> = HashMap::new();
        for exchange in &mut self.exchanges {
            let operation = operation_of(exchange);
            let n = seen.entry(operation.clone()).or_default();
            *n += 1;
            let id = ExchangeId::nth(&operation, *n);
            exchange.caused_by = exchange.caused_by.take().and_then(|cause| renamed.get(&cause).cloned());
            renamed.insert(std::mem::replace(&mut exchange.id, id.clone()), id);
        }
    }
}

impl Document for FixtureOnDisk {
    const KIND: &'static str = "fixture";
    const VERSION: u32 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXTURE: &str = r#"counterpart: fixture/1
provider: p
flow: f
provenance: {written: {after: the docs}}
exchanges:
- id: a-1
  request: {method: GET, target: /}
  response:
    status: 200
    body:
      json: |
        {
          "a": 1,
          "b": 2
        }
"#;

    fn read(text: &str) -> Result<Fixture, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.yaml");
        std::fs::write(&path, text).unwrap();
        Fixture::read(&path)
            .map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert_eq!(read(FIXTURE).unwrap().exchanges.len(), 1);
        let second = "- id: a-1\n  request: {method: GET, target: /}\n";
        let errors = [
            FIXTURE.replace("\"b\": 2", "\"b\": ]"),
            FIXTURE.replace("200", "99"),
            FIXTURE.replace("200", "ok"),
            format!("{FIXTURE}{second}"),
            FIXTURE.replace("  request", "  caused_by: a-0\n  request"),
            FIXTURE.replace("flow: f", "flow: f\nredacted: {token-1: {length_chars: 8}}"),
            FIXTURE.replace("json: |", "json: {a: 1}\n      text: |"),
            FIXTURE.replace("target: /}", "target: /, headers: {content-length: 12}}"),
        ]
        .map(|text| read(&text).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"));
    }
}
