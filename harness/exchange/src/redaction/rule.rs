//! Which rule took a secret out: what can be told of it without telling the secret.

use super::detect;
use std::fmt;

/// Why something is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The user named it; its kind is what it was named.
    Known(String),
    /// The profile's `secrets` name the field or header that it stands under.
    Profile(String),
    /// The name that it stands under says so.
    Name(String),
    /// It has a documented form, which is named.
    Form(&'static str),
    /// It looks drawn at random.
    Random,
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(kind) => write!(formatter, "known secret {kind}"),
            Self::Profile(name) => write!(formatter, "profile, `secrets`: {}", shown(name)),
            Self::Name(name) => write!(formatter, "by its place: {}", shown(name)),
            Self::Form(form) => write!(formatter, "by its form: {form}"),
            Self::Random => formatter.write_str("looks drawn at random"),
        }
    }
}

/// Longest name that is shown.
const MAX_NAME_CHARS: usize = 60;

/// A name, unless it holds what could be a secret itself: names come off the wire too.
fn shown(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]/:@ ".contains(&byte);
    let harmless = (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(plain)
        && detect::forms_in(name).is_empty()
        && !detect::looks_random(name);
    if harmless { name } else { "a name that is not shown" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_never_shows_a_name_that_could_be_a_secret() {
        assert_eq!(Rule::Name("authorization".into()).to_string(), "by its place: authorization");
        for name in ["", "a\nb", "q7Jx92KdLm3PzR8vTn0Ws", "jo@example.org"] {
            assert_eq!(
                Rule::Name(name.into()).to_string(),
                "by its place: a name that is not shown",
                "{name}"
            );
        }
    }
}
