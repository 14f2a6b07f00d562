//! Variables of a collection: `{{base}}` in a URL, a header, a body.
//!
//! A value may name other variables. What comes of all of them together is bounded, so that a few lines that double each
//! other fill no memory.

use crate::ImportError;
use crate::fields::{Fields, plain_text};
use crate::making::{Making, shown};
use std::collections::HashMap;

/// How often values that name others are filled in.
const MAX_ROUNDS: usize = 8;

/// Longest text that filling in may make of a shorter one.
const MAX_LENGTH: usize = 1024 * 1024;

/// The variables that a collection gives.
#[derive(Default)]
pub(super) struct Variables(HashMap<String, String>);

impl Variables {
    /// Reads a list of `{key, value, disabled}`.
    pub(super) fn read(fields: &mut Fields<'_>, key: &str) -> Result<Self, ImportError> {
        let mut all = HashMap::new();
        for part in fields.list(key)?.unwrap_or_default() {
            let mut variable = fields.read_within(part, "a variable: an object with `key` and `value`")?;
            let name = variable.text("key")?.or(variable.text("id")?);
            let value = variable.raw("value").map(plain_text).unwrap_or_default();
            if let Some(name) = name.filter(|_| variable.raw("disabled") != Some("true")) {
                all.insert(name, value);
            }
        }
        Ok(Self(all))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name.trim()).map(String::as_str)
    }

    /// The text with its variables filled in. A variable that nobody gives becomes its name, which is told.
    pub(super) fn fill(&self, text: &str, whose: &str, making: &mut Making) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let most = MAX_LENGTH.max(text.len());
        let mut filled = text.to_owned();
        for _ in 0..MAX_ROUNDS {
            let Some(next) = replaced(&filled, most, |name| self.get(name).map(str::to_owned)) else {
                making.lose(format!("the variables of {whose}, which grows beyond {MAX_LENGTH} bytes with them; they stand by their names"));
                break;
            };
            if next == filled {
                break;
            }
            filled = next;
        }
        let mut missing = Vec::new();
        let named = replaced(&filled, usize::MAX, |name| {
            let name = name.trim().trim_start_matches('$');
            missing.push(shown(name));
            Some(name.to_owned())
        });
        if !missing.is_empty() {
            missing.dedup();
            missing.truncate(5);
            making.lose(format!(
                "variables of {whose} that the collection does not give ({}); their names stand for them",
                missing.join(", ")
            ));
        }
        named.unwrap_or(filled)
    }
}

/// The text with each `{{name}}` replaced that there is something for; nothing where that grows too long.
fn replaced(text: &str, most: usize, mut value: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((name, after)) = from.split_once("}}") else { break };
        out.push_str(before);
        match value(name) {
            Some(value) => out.push_str(&value),
            None => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        if out.len() > most {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
