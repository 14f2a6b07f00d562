//! Scopes: what a token opens (RFC 6749 section 3.3).

use std::fmt;

/// Scopes in the order in which they were named, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope(Vec<String>);

impl Scope {
    /// Reads scopes with spaces between them; nothing where a character is not allowed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let named: Vec<&str> = text.split(' ').filter(|one| !one.is_empty()).collect();
        let all_allowed = !named.is_empty() && named.iter().all(|one| one.bytes().all(is_allowed));
        all_allowed.then(|| named.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|one| one == scope)
    }

    /// Whether every one of the others is among these.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|one| self.contains(one))
    }

    /// These without the others.
    pub(super) fn without(&self, taken: &Self) -> Self {
        self.0.iter().filter(|one| !taken.contains(one)).cloned().collect()
    }

    pub(super) fn add(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.0.push(scope.to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<String> for Scope {
    fn from_iter<I: IntoIterator<Item = String>>(scopes: I) -> Self {
        let mut all = Self::default();
        scopes.into_iter().for_each(|scope| all.add(&scope));
        all
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        let scope = Scope::parse("b  a b").unwrap();
        assert_eq!(scope.to_string(), "b a");
        assert!(scope.covers(&Scope::parse("a").unwrap()) && !scope.covers(&Scope::parse("a c").unwrap()));
        assert_eq!(scope.without(&Scope::parse("b").unwrap()).to_string(), "a");
        for bad in ["", " ", "a\"b", "a\\b", "a\tb", "ä"] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
    }
}
