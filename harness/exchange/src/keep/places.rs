//! Where in a file something stands that was found: its line, its exchange, its field.
//!
//! The file's lines are looked through once, however much was found. Shows names, and never a value.

use super::LeftSecret;
use crate::ProviderProfile;
use crate::redaction::{FieldFinding, Finding, Scan};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The lines of a file, and where its exchanges begin.
pub(super) struct Places<'a> {
    file: PathBuf,
    lines: Vec<&'a str>,
    /// First line, from 0, and id of each exchange, in their order.
    exchanges: Vec<(usize, &'a str)>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    /// Of a file of this name and text.
    pub(super) fn of(file: &Path, text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let exchanges: Vec<(usize, &str)> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((at, line.trim_start().strip_prefix("- id: ")?)))
            .collect();
        let mut by_id = HashMap::new();
        for (number, (_, id)) in exchanges.iter().enumerate() {
            by_id.entry(*id).or_insert(number);
        }
        Self { file: file.to_owned(), lines, exchanges, by_id }
    }

    /// The place of what was found in the text.
    pub(super) fn in_text(&self, found: Finding) -> LeftSecret {
        let behind = self.exchanges.partition_point(|(start, _)| *start < found.line);
        LeftSecret {
            file: self.file.clone(),
            line: found.line,
            exchange: behind.checked_sub(1).map(|number| self.exchanges[number].1.to_owned()),
            field: self.lines.get(found.line.saturating_sub(1)).and_then(|line| field_on(line)),
            what: found.what,
        }
    }

    /// The place of what was found in a field, as near as the text tells: the line of its name within its exchange, else
    /// the line of its exchange.
    fn in_field(&self, found: FieldFinding) -> LeftSecret {
        let field = found.field.filter(|field| is_plain_name(field));
        let number = found.exchange.as_deref().and_then(|id| self.by_id.get(id)).copied();
        let line = number.map_or(0, |number| {
            let start = self.exchanges[number].0;
            let end = self.exchanges.get(number + 1).map_or(self.lines.len(), |(next, _)| *next);
            let stands_there = |line: &&str| field.as_deref().is_some_and(|name| key_on(line) == Some(name));
            self.lines[start..end].iter().position(stands_there).map_or(start, |at| start + at)
        });
        LeftSecret {
            file: self.file.clone(),
            line: line + 1,
            field,
            exchange: found.exchange,
            what: found.what,
        }
    }

    /// The places of what was found in fields, but for what `left` tells of the same exchange already.
    pub(super) fn add_fields(&self, found: Vec<FieldFinding>, left: &mut Vec<LeftSecret>) {
        let mut told: HashSet<(Option<String>, String)> =
            left.iter().map(|one| (one.exchange.clone(), one.what.clone())).collect();
        for one in found {
            if told.insert((one.exchange.clone(), one.what.clone())) {
                left.push(self.in_field(one));
            }
        }
    }
}

/// The key that a line of YAML or JSON begins with.
fn key_on(line: &str) -> Option<&str> {
    let (key, _) = line.trim_start().trim_start_matches("- ").trim_start_matches('{').split_once(':')?;
    Some(key.trim_matches('"'))
}

/// The same, where it reads like a name.
fn field_on(line: &str) -> Option<String> {
    key_on(line).filter(|key| is_plain_name(key)).map(str::to_owned)
}

/// Whether a name can be shown: short, of a name's characters, and not itself what looks secret.
fn is_plain_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        && Scan::new(&ProviderProfile::default(), &[]).prose(name).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_shown_of_a_line() {
        assert_eq!(field_on("  \"ticket\": \"x\"").as_deref(), Some("ticket"));
        assert_eq!(field_on("- x-request-id: x").as_deref(), Some("x-request-id"));
        assert_eq!(field_on("\"aB3dE5fG7hI9jK1lM3nO5\": 1"), None);
        assert_eq!(field_on("some text: more"), None);
        assert_eq!(field_on("no key"), None);
    }

    #[test]
    fn many_findings_are_placed_in_one_pass() {
        let text: String =
            (0..50_000).map(|number| format!("- id: a-{number}\n  pin: x\n  other: y\n")).collect();
        let places = Places::of(Path::new("f.yaml"), &text);
        let found = |number: usize| FieldFinding {
            exchange: Some(format!("a-{number}")),
            field: Some("pin".into()),
            what: "secret".into(),
        };
        let mut left = vec![places.in_text(Finding { line: 2, what: "secret".into() })];
        places.add_fields((0..50_000).map(found).collect(), &mut left);
        let place = |one: &LeftSecret| (one.line, one.exchange.clone().unwrap_or_default());
        assert_eq!(left.len(), 50_000, "the first was told by its text");
        assert_eq!(place(&left[0]), (2, "a-0".into()));
        assert_eq!(place(&left[49_999]), (149_999, "a-49999".into()));
    }
}
