//! Values of a subject's environment that nobody is shown, wherever it prints them.

use std::sync::Arc;

/// What a name says that holds a secret.
const WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "PASSPHRASE"];
/// Values below this are found in too much that is none.
const MIN_BYTES: usize = 6;
/// What stands in their place.
const HIDDEN: &[u8] = "«secret»".as_bytes();

/// Values that are secret, the longest first.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Arc<[Vec<u8>]>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// These and those of an environment.
    pub(crate) fn with<'a>(&self, environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let secret = |(name, value)| if says_secret(name) { Some(value) } else { password_in(value) };
        // What is printed comes line by line.
        let lines = environment.into_iter().filter_map(secret).flat_map(str::lines).map(str::trim);
        let lines = lines.filter(|line| line.len() >= MIN_BYTES).map(|line| line.as_bytes().to_vec());
        let mut all: Vec<Vec<u8>> = self.0.iter().cloned().chain(lines).collect();
        all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        all.dedup();
        Self(all.into())
    }

    /// The beginning of a line without what is secret, and how much of the line that is.
    pub(crate) fn hidden_in(&self, line: &[u8], most_bytes: usize) -> (Vec<u8>, usize) {
        let mut shown = Vec::with_capacity(line.len().min(most_bytes));
        let mut at = 0;
        while at < line.len().min(most_bytes) {
            match self.0.iter().find(|secret| line[at..].starts_with(secret)) {
                Some(secret) => {
                    shown.extend_from_slice(HIDDEN);
                    at += secret.len();
                }
                None => {
                    shown.push(line[at]);
                    at += 1;
                }
            }
        }
        (shown, at)
    }
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The password in a URL: `postgres://user:password@host`.
fn password_in(value: &str) -> Option<&str> {
    let (credentials, _) = value.split_once("://")?.1.rsplit_once('@')?;
    Some(credentials.split_once(':')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(environment: &[(&str, &str)], line: &str) -> String {
        let (shown, _) = Secrets::default().with(environment.iter().copied()).hidden_in(line.as_bytes(), 500);
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn values_go_whose_names_say_that_they_are_secret() {
        let environment = [
            ("DB_PASSWORD", "hunter2"),
            ("api_token", "hunter2-longer"),
            ("SIGNING_KEY", "-----BEGIN\nabcdefgh\n"),
            ("SHORT_SECRET", "short"),
            ("API_URL", "http://here"),
            ("DATABASE_URL", "postgres://reader:pass/word@here"),
        ];
        assert_eq!(
            shown(&environment, "hunter2 hunter2-longer abcdefgh short http://here reader pass/word"),
            "«secret» «secret» «secret» short http://here reader «secret»"
        );
    }
}
