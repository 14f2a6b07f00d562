//! Lengths of real time in `counterpart.toml`: `500ms`, `5s`, `2m`.

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest that anything is waited for.
const MAX: Duration = Duration::from_secs(3600);

/// A length of real time, an hour at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Length(Duration);

impl Length {
    /// So many seconds.
    #[must_use]
    pub const fn of_seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard library has it.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = "expected one like 500ms, 5s or 2m, an hour at most";
        let length: SignedDuration =
            text.parse().map_err(|_| format!("{text:?} is no length of time; {expected}"))?;
        match Duration::try_from(length) {
            Ok(length) if length <= MAX => Ok(Self(length)),
            _ => Err(format!("{text:?} is too long or goes backwards; {expected}")),
        }
    }
}

impl From<Length> for String {
    fn from(length: Length) -> Self {
        length.to_string()
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let length = SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX);
        write!(formatter, "{length:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_told() {
        for (text, told) in [("5s", "5s"), ("500ms", "500ms"), ("2m", "2m"), ("1h", "1h")] {
            assert_eq!(Length::try_from(text.to_owned()).unwrap().to_string(), told);
        }
        for text in ["", "5", "-5s", "2h", "soon"] {
            let error = Length::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("expected one like"), "{error}");
        }
    }
}
