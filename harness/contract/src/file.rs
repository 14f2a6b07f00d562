//! Contracts and their evidence as files.
//!
//! Reads and writes under the bounds of the project's own YAML; knows nothing of what the documents
//! mean beyond their heads.

use crate::contract::Contract;
use crate::evidence::Evidence;
use crate::infer::Inferred;
use counterpart_exchange::{
    DocumentError, Place, parse_document, parse_spanned, read_text, write_atomically,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;
use std::path::{Path, PathBuf};

/// A contract or its evidence that cannot be read, judged by or written.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file cannot be used.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The contract, which came from no file, cannot be judged by.
    #[error("the contract cannot be used: {0}")]
    Malformed(#[from] crate::node::Malformed),
    /// The provider's name would lead out of the folder.
    #[error(
        "{name:?} cannot name a contract's file; use the provider's short name: lower-case letters, digits, `-` and `_`"
    )]
    ProviderName {
        /// The name.
        name: String,
    },
    /// The file system said no.
    #[error("{path}: cannot be written: {source}; check the folder and its permissions", path = path.display())]
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

/// Where a contract was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenContract {
    /// `<provider>.openapi.yaml`.
    pub contract: PathBuf,
    /// `<provider>.evidence.yaml`.
    pub evidence: PathBuf,
}

/// Writes an inferred contract and its evidence into a folder, each file atomically, the contract last.
///
/// # Errors
/// [`ContractError::ProviderName`], [`ContractError::Serialise`] or [`ContractError::Write`]; an
/// older contract is then untouched.
pub fn write_contract(
    directory: &Path,
    provider: &str,
    inferred: &Inferred,
) -> Result<WrittenContract, ContractError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if provider.is_empty() || !provider.bytes().all(is_plain) {
        return Err(ContractError::ProviderName { name: provider.chars().take(80).collect() });
    }
    let written = WrittenContract {
        contract: directory.join(format!("{provider}.openapi.yaml")),
        evidence: directory.join(format!("{provider}.evidence.yaml")),
    };
    let head = format!("# Inferred by counterpart contract infer; evidence in {provider}.evidence.yaml\n");
    let contract = yaml_of(&written.contract, &head, inferred.contract.as_value())?;
    let head = format!(
        "# yaml-language-server: $schema=../docs/schema/evidence.json\n# The counts behind {provider}.openapi.yaml\n"
    );
    let evidence = yaml_of(&written.evidence, &head, &inferred.evidence)?;
    for (path, yaml) in [(&written.evidence, evidence), (&written.contract, contract)] {
        write_atomically(path, yaml.as_bytes())
            .map_err(|source| ContractError::Write { path: path.clone(), source })?;
    }
    Ok(written)
}

fn yaml_of(path: &Path, head: &str, document: &impl Serialize) -> Result<String, ContractError> {
    // Long strings stay on one line, so that they can be searched for.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false, min_fold_chars: 0 };
    let yaml = serde_saphyr::to_string_with_options(document, options)
        .map_err(|error| ContractError::Serialise { path: path.to_owned(), message: error.to_string() })?;
    Ok(format!("{head}{yaml}"))
}

/// Reads a contract, brought or inferred: OpenAPI 3.1 in YAML or JSON, in one file.
///
/// # Errors
/// [`ContractError::Document`]: the file is missing, too large or no YAML (then with line and
/// column); it is another version than 3.1; or a part of it that checks stand on cannot be read.
pub fn read_contract(path: &Path) -> Result<Contract, ContractError> {
    let text = read_text(path)?;
    let document: Value = parse_spanned(path, &text)?;
    Contract::from_value(document).map_err(|malformed| {
        let message = malformed.message.clone();
        let error = match malformed.pointer.as_str() {
            "/openapi" => match version_place(path, &text) {
                Some(place) => DocumentError::at(path, &text, place, message),
                None => DocumentError::whole(path, message),
            },
            "" => DocumentError::whole(path, message),
            _ => DocumentError::whole(path, malformed.to_string()),
        };
        error.into()
    })
}

/// Where the version stands in the file.
fn version_place(path: &Path, text: &str) -> Option<Place> {
    #[derive(Deserialize)]
    struct Head {
        openapi: Spanned<Value>,
    }
    parse_spanned::<Head>(path, text).ok().map(|head| head.openapi.referenced.into())
}

/// Reads the counts behind an inferred contract.
///
/// # Errors
/// [`ContractError::Document`] with line and column.
pub fn read_evidence(path: &Path) -> Result<Evidence, ContractError> {
    Ok(parse_document(path, &read_text(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::ProviderProfile;

    fn error_of(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        std::fs::write(&path, text).unwrap();
        let message = read_contract(&path).unwrap_err().to_string();
        message.replace(&folder.path().display().to_string(), "")
    }

    #[test]
    fn problems_name_their_place() {
        insta::assert_snapshot!(
            [
                error_of("openapi: 3.0.3\npaths: {}\n"),
                error_of("info: {title: x}\nopenapi: \"2.0\"\n"),
                error_of("openapi: 3.1.0\npaths:\n  /a: [\n"),
                error_of("openapi: 3.1.0\npaths:\n  /a: {}\n  /a: {}\n"),
                error_of("openapi: 3.1.0\npaths:\n  /a/{b: {}\n"),
                error_of(
                    "openapi: 3.1.0\npaths:\n  /a: {get: {responses: {200: {$ref: 'other.yaml#/x'}}}}\n"
                ),
                error_of("swagger: '2.0'\n"),
                error_of("- openapi\n"),
            ]
            .join("\n\n")
        );
    }

    #[test]
    fn a_file_that_is_missing_is_told() {
        let error = read_contract(Path::new("missing.openapi.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("missing.openapi.yaml: there is no such file"), "{error}");
    }

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inferred = crate::infer(&ProviderProfile::unknown("x"), &[]);
        for name in ["../x", "", "A"] {
            let error = write_contract(folder.path(), name, &inferred).unwrap_err();
            assert!(matches!(error, ContractError::ProviderName { .. }), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn statuses_may_be_unquoted_and_the_file_may_be_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        for text in [
            "openapi: 3.1.0\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: ok}\n",
            "{\"openapi\": \"3.1.0\", \"paths\": {\"/a\": {\"get\": {\"responses\": {\"200\": {\"description\": \"ok\"}}}}}}",
        ] {
            std::fs::write(&path, text).unwrap();
            let contract = read_contract(&path).unwrap();
            assert_eq!(
                contract.as_value().pointer("/paths/~1a/get/responses/200/description").unwrap(),
                "ok"
            );
        }
    }
}
