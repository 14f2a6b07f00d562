//! Text of users' files as it may be quoted in a message: what it holds of credentials is stars.
//!
//! A mistake is told with the line it stands in, whatever else is in that line. What is taken out: the user and the
//! password of a URL, however its scheme is spelt, and what is given to a name that says that it is secret, as in
//! `DB_PASSWORD = "..."` or `password=...`. Each character becomes one star, so that columns stay where they are.

use regex::{Captures, Regex};
use std::sync::LazyLock;

/// What is looked at behind `//`.
const MAX_URL_BYTES: usize = 4_096;

/// A name that says that it is secret, and what is given to it. Names in small letters that hold `key` or `token` are
/// words of the files, as `key = "id"`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?<name>\b(?:[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIAL)[A-Z0-9_]*"#,
        r#"|(?:[a-z0-9_-]*_)?(?:password|passwd|pwd|client_secret))\b["']?\s*[=:]\s*)"#,
        r#"(?<value>"[^"\r\n]*"?|'[^'\r\n]*'?|[^\s"'`&,}\]]+)"#
    ))
    .ok()
});

/// Messages show with it how a URL is spelt.
const EXAMPLE: &str = "user:password";

/// The text without the credentials in it.
#[must_use]
pub fn concealed(text: &str) -> String {
    let Some(named) = &*NAMED else { return stars(text) };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//") {
        let (before, after) = rest.split_at(at + 2);
        let end = end_of_user_info(scheme_of(&before[..at]), line_of(after));
        out.push_str(before);
        let credentials = &after[..end];
        out.push_str(&if credentials == EXAMPLE { credentials.to_owned() } else { stars(credentials) });
        rest = &after[end..];
    }
    out.push_str(rest);
    let told = |found: &Captures<'_>| format!("{}{}", &found["name"], hidden(&found["value"]));
    named.replace_all(&out, told).into_owned()
}

/// The scheme that a text ends with, its colon left out; empty where there is none.
fn scheme_of(before: &str) -> &str {
    let Some(before) = before.strip_suffix(':') else { return "" };
    let is_of_scheme = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '.' | '-');
    before.rfind(|letter| !is_of_scheme(letter)).map_or(before, |at| {
        let first = at + before[at..].chars().next().map_or(0, char::len_utf8);
        &before[first..]
    })
}

/// What of a text may belong to one URL.
fn line_of(after: &str) -> &str {
    let end = after.find(['\r', '\n']).unwrap_or(after.len());
    &after[..after.floor_char_boundary(end.min(MAX_URL_BYTES))]
}

/// Where the user info of what follows `//` ends: before its `@`, or at once where there is none.
///
/// A password that is not escaped may hold slashes, spaces, quotes and further `@`: then all up to the last `@` is
/// taken for it.
fn end_of_user_info(scheme: &str, line: &str) -> usize {
    let quoted = &line[..line.find(['"', '\'', '`']).unwrap_or(line.len())];
    let word = &quoted[..quoted.find(char::is_whitespace).unwrap_or(quoted.len())];
    let authority = &word[..word.find(['/', '?', '#']).unwrap_or(word.len())];
    let last = |text: &str| text.rfind('@').unwrap_or(0);
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_password = authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    match scheme {
        "http" | "https" | "ws" | "wss" if authority.contains('@') => last(authority),
        "http" | "https" | "ws" | "wss" | "" if has_password && word.contains('@') => last(word),
        "" if authority.contains('@') => last(word),
        "http" | "https" | "ws" | "wss" | "" => 0,
        _ if quoted.contains('@') => last(quoted),
        _ if has_password => last(line),
        _ => 0,
    }
}

/// A value in stars, its quotes kept; what braces stand for is no secret.
fn hidden(value: &str) -> String {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.map_or(value, |quote| value.trim_matches(quote));
    if inner.starts_with('{') && inner.ends_with('}') {
        return value.to_owned();
    }
    value.replacen(inner, &stars(inner), usize::from(!inner.is_empty()))
}

fn stars(text: &str) -> String {
    "*".repeat(text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_stars_and_columns_stay() {
        let shown: Vec<String> = [
            r#"database = "postgers://reader:hunter2secret@127.0.0.1/app""#,
            r#"database = "postgres://reader:hunt/er2@se#cret@127.0.0.1:5432/app", query = "x""#,
            r#"database = "postgres://reader:hunter2 secret@127.0.0.1/app""#,
            r#"database = 'postgres://reader:hunter2"secret@127.0.0.1/app'"#,
            r#"a: ["https://token@host/x", "https://u:p@host/y@z"]"#,
            r#"//reader:hunter2secret@127.0.0.1/app"#,
            "env = { DB_PASSWORD = \"hunter2secret\", API_TOKEN = 'hunter2', PORT = \"{port}\" }",
            "host=127.0.0.1 password=hunter2secret dbname=app",
            "postgres://h/app?user=x&password=hunter2secret&sslmode=disable",
            "API_KEY: hunter2secret",
        ]
        .map(|text| {
            let shown = concealed(text);
            assert_eq!(shown.chars().count(), text.chars().count());
            shown
        })
        .into();
        insta::assert_snapshot!(shown.join("\n"));
        assert!(!shown.concat().contains("hunt"));
    }

    #[test]
    fn what_is_no_credential_is_left() {
        for text in [
            "launch = { url = \"http://127.0.0.1:8008/rooms/@user:server\" }",
            "get = \"https://example.com/a\" # ask me@example.com",
            "probe.destination = { get = \"/x\", key = \"id\" }",
            "env = { API_TOKEN = \"{access_token}\" }",
            "from: matrix/room-history",
            "// a note: who@where",
            "it is \"postgres://user:password@host:port/name\" or \"sqlite:path\"",
        ] {
            assert_eq!(concealed(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_password_is_left(password in "[A-Za-z0-9/?#@: ]{0,12}Zq9x[A-Za-z0-9/?#@:]{0,6}", scheme in "[a-z]{3,9}") {
            proptest::prop_assume!(!matches!(scheme.as_str(), "http" | "https" | "ws" | "wss"));
            let shown = concealed(&format!("database = \"{scheme}://reader:{password}@127.0.0.1/app\""));
            proptest::prop_assert!(!shown.contains("Zq9x"), "{shown}");
        }
    }
}
