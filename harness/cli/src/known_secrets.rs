//! Secrets that the user names by the environment variables that hold them.

use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::redaction::KnownSecret;

/// The secrets in these variables; the kind of each is its variable's name.
pub(crate) fn known_secrets(names: &[String]) -> Result<Vec<KnownSecret>, Stop> {
    names
        .iter()
        .map(|name| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Ok(named_secret(name, value)),
            _ => Err(Stop::usage(anyhow!(
                "--secret-env {name}: there is no such environment variable, or it is empty"
            ))),
        })
        .collect()
}

/// A secret that an environment variable holds.
pub(crate) fn named_secret(name: &str, value: String) -> KnownSecret {
    let letter = |c: char| if c.is_ascii_alphabetic() { c.to_ascii_lowercase() } else { '_' };
    KnownSecret { kind: name.chars().map(letter).collect(), value }
}
