//! One text that a pattern fits, where there is one that can be found without search.
//!
//! The example is built from the pattern's parsed form and then held against the pattern, so it is never merely
//! likely. Both take time and memory that the pattern's length bounds; patterns of the exponential kind are refused by
//! the library's limits.

use regex::RegexBuilder;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Longest example, in bytes.
const MAX_LENGTH: usize = 2048;

/// Largest compiled pattern, in bytes.
const MAX_COMPILED: usize = 256 * 1024;

/// Deepest nesting of a pattern.
const MAX_NESTING: u32 = 64;

/// The text that a pattern describes, or one of those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Example {
    /// The only one.
    Exact(String),
    /// One of several.
    OneOf(String),
}

impl Example {
    /// The text.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Exact(text) | Self::OneOf(text) => text,
        }
    }
}

/// An example for a regular expression of paths: it begins with a slash.
pub(crate) fn of_path_pattern(pattern: &str) -> Option<Example> {
    let example = of_pattern(pattern)?;
    let (Example::Exact(text) | Example::OneOf(text)) = &example;
    if text.starts_with('/') {
        return Some(example);
    }
    let text = format!("/{text}");
    fits(pattern, &text).then_some(Example::OneOf(text))
}

/// An example for a regular expression that must fit the whole text. Nothing where the expression is not one that this
/// can read (look-around, references) or is too large.
pub(crate) fn of_pattern(pattern: &str) -> Option<Example> {
    if pattern.len() > MAX_LENGTH {
        return None;
    }
    let hir = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(pattern).ok()?;
    let mut text = String::new();
    let mut is_exact = true;
    write(&hir, &mut text, &mut is_exact)?;
    fits(pattern, &text).then_some(if is_exact { Example::Exact(text) } else { Example::OneOf(text) })
}

/// Whether the whole text fits a pattern; no where that is too large to say.
fn fits(pattern: &str, text: &str) -> bool {
    let whole = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_COMPILED).build();
    whole.is_ok_and(|whole| whole.is_match(text))
}

/// An example for a glob in which `*` stands for anything.
pub(crate) fn of_glob(glob: &str) -> Example {
    if glob.contains('*') { Example::OneOf(glob.replace('*', "x")) } else { Example::Exact(glob.to_owned()) }
}

fn write(hir: &Hir, text: &mut String, is_exact: &mut bool) -> Option<()> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => {
            *is_exact = false;
            text.push(readable(class)?);
        }
        HirKind::Repetition(repetition) => {
            *is_exact &= repetition.max == Some(repetition.min);
            for _ in 0..repetition.min {
                write(&repetition.sub, text, is_exact)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, text, is_exact)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, text, is_exact)?;
            }
        }
        HirKind::Alternation(ways) => {
            *is_exact = false;
            write(ways.first()?, text, is_exact)?;
        }
    }
    Some(())
}

/// The character of a class that reads best in a URL or a header.
fn readable(class: &Class) -> Option<char> {
    let fits = |wanted: char| match class {
        Class::Unicode(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted))
        }
        Class::Bytes(class) => u8::try_from(wanted).is_ok_and(|wanted| {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted))
        }),
    };
    let first = || match class {
        Class::Unicode(class) => class.ranges().first().map(regex_syntax::hir::ClassUnicodeRange::start),
        Class::Bytes(class) => class.ranges().first().map(|range| char::from(range.start())),
    };
    ".1ax-_A"
        .chars()
        .chain('0'..='9')
        .chain('a'..='z')
        .chain('A'..='Z')
        .find(|wanted| fits(*wanted))
        .or_else(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_fits_its_pattern() {
        for (pattern, example, is_exact) in [
            ("/api/mytest", "/api/mytest", true),
            ("^/a\\.b\\?c=d$", "/a.b?c=d", true),
            ("/a.b", "/a.b", false),
            ("/users/[0-9]+", "/users/1", false),
            ("/proxy/.*", "/proxy/", false),
            ("/(?:a|b)/\\d{3}", "/a/111", false),
            ("a{3}", "aaa", true),
        ] {
            let expected =
                if is_exact { Example::Exact(example.into()) } else { Example::OneOf(example.into()) };
            assert_eq!(of_pattern(pattern), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_too_much_has_none() {
        for pattern in [
            "a$b",
            "/a(?!b)",
            "(a)\\1",
            "(",
            "a{4000}",
            "((a{900}){900}){900}",
            "(((((a*)*)*)*)*){4000}b{3000}",
        ] {
            assert_eq!(of_pattern(pattern), None, "{pattern}");
        }
        // A path begins with a slash.
        assert_eq!(of_path_pattern(".*"), Some(Example::OneOf("/".into())));
        assert_eq!(of_path_pattern("(foo|bar)"), None);
        // Nothing, very often.
        assert_eq!(of_pattern("(?:){4000000000}a"), Some(Example::Exact("a".into())));
        assert_eq!(of_pattern(&"(".repeat(1000)), None);
        assert_eq!(of_pattern(&"a".repeat(5000)), None);
        // Exponential for a searching engine, nothing here.
        assert!(of_pattern("(a+)+(b|b)*(c*)*c").is_some());
    }
}
