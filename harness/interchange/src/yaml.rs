//! YAML of other tools, read with its places and within bounds. Tags that would make objects of it are refused.
//!
//! An alias costs a line and stands for anything: what it repeats is counted each time.

use crate::ImportError;
use crate::har::base64_bytes;
use crate::libyaml::as_yaml_1_2;
use crate::source::{Source, without_values};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Tagged;
use serde_saphyr::budget::BudgetBreach;

/// Reads a file as a value of a type. `what` says what it is meant to be.
pub(crate) fn parse<T: DeserializeOwned>(source: Source<'_>, what: &str) -> Result<T, ImportError> {
    read(source.text).or_else(|error| {
        // What libyaml reads is no damage. Lines stay where they are, so the places of further problems fit.
        let rewritten = as_yaml_1_2(source.text);
        let again = (rewritten != source.text).then(|| read(&rewritten));
        again.unwrap_or(Err(error)).map_err(|error| told(source, &error, what))
    })
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        // Bytes are decoded here, where they need not be text.
        ignore_binary_tag_for_string: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_documents: 1,
            // A hundred thousand exchanges of some forty header fields.
            max_events: 40_000_000,
            max_nodes: 20_000_000,
            // Python's writer makes an alias of headers that several requests share.
            max_aliases: 200_000,
            max_anchors: 200_000,
            max_recorded_anchor_bytes: 2 * 1024 * 1024,
            enforce_alias_anchor_ratio: false,
        },
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// An error in plain words, without a value of the file.
fn told(source: Source<'_>, error: &serde_saphyr::Error, what: &str) -> ImportError {
    let bare = error.without_snippet();
    let full = bare.to_string();
    let told = full.split(" at line ").next().unwrap_or(&full).trim_end_matches(':');
    let message = match bare {
        serde_saphyr::Error::UnsupportedTag { .. } => format!(
            "{}: it would make an object of what stands in a file, and none is made; take it out",
            without_values(told)
        ),
        serde_saphyr::Error::DuplicateMappingKey { .. } => "a key is given twice".to_owned(),
        serde_saphyr::Error::MultipleDocuments { .. }
        | serde_saphyr::Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            "a second YAML document; import each from a file of its own".to_owned()
        }
        serde_saphyr::Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            "nested more than 64 levels deep".to_owned()
        }
        // At an alias it stands within another error.
        _ if told.starts_with("budget breached") => {
            "more than is read of one file, what its aliases repeat counted each time; split it".to_owned()
        }
        _ if told == "expected mapping start" => "no mapping of keys to values".to_owned(),
        _ if told == "expected sequence start" => "no list".to_owned(),
        _ if told == "expected string scalar" => "no text".to_owned(),
        _ if told == "recursion limit exceeded" => "nested too deep".to_owned(),
        _ => without_values(told),
    };
    let message = format!("{message}; expected {what}");
    match bare.location() {
        Some(location) if location.line() > 0 => source.refuse(location.into(), message),
        _ => source.refuse_whole(message),
    }
}

/// Text, or the bytes that stand in base64 under YAML's `!binary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    Bytes(Vec<u8>),
}

impl Scalar {
    /// A value as it was read, with its tag.
    pub(crate) fn of<E: serde::de::Error>(text: String, tag: Option<&str>) -> Result<Self, E> {
        match tag {
            Some(tag) if tag.ends_with("binary") => {
                base64_bytes(&text).map(Self::Bytes).ok_or_else(|| E::custom("`!binary` that is not base64"))
            }
            _ => Ok(Self::Text(text)),
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(text, tag) = Tagged::<String>::deserialize(deserializer)?;
        Self::of(text, tag.as_deref())
    }
}
