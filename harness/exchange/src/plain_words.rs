//! What the libraries that read YAML and TOML say of a wrong key or type, in words for people who write such files.

use crate::document::suggest;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// Whole messages, and what is said instead.
const MESSAGES: [(&str, &str); 10] = [
    (
        "expected string key for externally tagged enum",
        "expected one word with its value, as in `settle: {}`",
    ),
    ("recursive references require weak recursion types", "an alias may not stand for a part of itself"),
    ("invalid u64", "expected a whole number from 0"),
    ("invalid u32", "expected a whole number from 0"),
    ("invalid u16", "expected a whole number from 0 to 65535"),
    ("expected sequence start", "expected a list"),
    ("expected mapping start", "expected a mapping of keys to values"),
    ("expected string scalar", "expected text"),
    ("invalid boolean", "expected true or false"),
    (
        "wanted exactly 1 element, more than 1 element",
        "several keys stand here, and one alone is expected; keep one of them",
    ),
];

/// Words that a message lists beside the nearest: more would hide it.
const MAX_LISTED: usize = 16;

/// ``invalid type: string "x", expected a sequence``.
static WRONG_TYPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?s)^invalid (?:type|value): (?<found>.*), expected (?<expected>[^,]*)$").ok()
});

/// The message in plain words, with a suggestion where a known word is near to the one that was found.
#[must_use]
pub fn plain_words(message: &str) -> String {
    if let Some((_, plain)) = MESSAGES.iter().find(|(word, _)| message == *word) {
        return (*plain).to_owned();
    }
    if message.starts_with("wanted exactly 1 element, ") && message.ends_with("0 elements") {
        return "nothing stands here, and one key with its value is expected".to_owned();
    }
    if message.contains("Documents { documents:") {
        return "a second document begins here; a file holds one: take out the `---`, or put what follows into a file \
                of its own"
            .to_owned();
    }
    if message.starts_with("budget breached: ") {
        return "the file is larger or deeper than is read; split it in two".to_owned();
    }
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set DuplicateKeyPolicy").next().unwrap_or(key);
        return format!("the key `{key}` is given twice");
    }
    if let Some(told) =
        WRONG_TYPE.as_ref().and_then(|form| form.captures(message)).and_then(|told| wrong_type(&told))
    {
        return told;
    }
    with_the_nearest(message)
}

fn wrong_type(told: &Captures<'_>) -> Option<String> {
    let found = match told["found"].split_once(' ').map_or(&told["found"], |(kind, _)| kind) {
        "string" => told["found"]
            .strip_prefix("string ")
            .map_or_else(|| "text".to_owned(), |text| format!("the text {text}")),
        "sequence" => "a list".to_owned(),
        "map" => "keys with values".to_owned(),
        "integer" | "floating" => format!("the number {}", told["found"].rsplit(' ').next()?),
        "boolean" => told["found"].rsplit(' ').next()?.to_owned(),
        "unit" | "null" => "nothing".to_owned(),
        _ => return None,
    };
    let (expected, example) = match &told["expected"] {
        "a sequence" => ("a list", ", as in [\"first\", \"second\"]"),
        "a map" => ("keys with values", ", as in { NAME = \"value\" }"),
        "a string" | "path string" | "string" => ("text", ""),
        "a boolean" => ("true or false", ""),
        "usize" | "u64" | "u32" => ("a whole number from 0", ""),
        "u16" => ("a whole number from 0 to 65535", ""),
        "a nonzero usize" | "a nonzero u64" | "a nonzero u32" => ("a whole number from 1", ""),
        expected if expected.starts_with("struct ") => ("keys with values", ""),
        expected => (expected, ""),
    };
    Some(format!("found {found}, expected {expected}{example}"))
}

/// Both libraries' wordings: ``unknown field `titel`, expected one of title, list``.
fn with_the_nearest(message: &str) -> String {
    if let Some((problem, expected)) = message.split_once(", expected ")
        && let Some(found) = problem.split('`').nth(1)
    {
        let known =
            expected.trim_start_matches("one of ").split([',', '\n']).flat_map(|words| words.split(" or "));
        let known = known.map(|word| word.trim().trim_matches('`')).filter(|word| !word.is_empty());
        if let Some(nearest) = suggest(found, known.clone()) {
            return match known.count() {
                0..=MAX_LISTED => format!("{message}; did you mean `{nearest}`?"),
                count => format!("{problem}; did you mean `{nearest}`? It is the nearest of {count}"),
            };
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libraries_say_is_said_plainly() {
        let said: Vec<String> = [
            "invalid type: string \"python3 x.py\", expected a sequence",
            "invalid type: integer `5`, expected a string",
            "invalid type: sequence, expected a map",
            "wanted exactly 1 element, more than 1 element",
            "unknown variant `destnation`, expected one of `destination`, `audit`, `alerts`",
            "unknown field `heath`, expected `health` or `launch`",
            "budget breached: Documents { documents: 2 }",
            "budget breached: Nodes { nodes: 2000001 }",
            "duplicate mapping key: a, set DuplicateKeyPolicy in Options if acceptable",
            "invalid u32",
            "what nobody foresaw",
        ]
        .map(plain_words)
        .into();
        insta::assert_snapshot!(said.join("\n"));
    }
}
