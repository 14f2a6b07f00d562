//! The versions of a provider's API that its recording shows, each known by a number.
//!
//! Requests of two versions are never the same, however alike they look: each version has answers, and data, of its own.
//! Tokens, quota and idempotency keys belong to the account, whatever version it speaks.

use crate::received::Received;
use counterpart_exchange::{Exchange, ProviderProfile, Request, Versions};

/// The versions that are known.
#[derive(Debug, Default)]
pub(crate) struct KnownVersions {
    declared: Option<Versions>,
    /// Empty where a request tells none and nothing stands for that.
    names: Vec<String>,
}

/// A known version, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(u32);

impl Version {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

impl KnownVersions {
    /// Learns the versions of recorded requests.
    pub(crate) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)]) -> Self {
        let Some(declared) = &profile.versions else { return Self::default() };
        let mut names: Vec<String> = declared.default.iter().cloned().collect();
        for (_, exchange) in exchanges {
            let name = told_by(declared, &exchange.request);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Self { declared: Some(declared.clone()), names }
    }

    /// How many there are: at least one.
    pub(crate) fn count(&self) -> usize {
        self.names.len().max(1)
    }

    /// That of a recorded request.
    pub(crate) fn of_recorded(&self, request: &Request) -> Option<Version> {
        match &self.declared {
            None => Some(Version::default()),
            Some(declared) => self.named(&told_by(declared, request)),
        }
    }

    /// That of a request; none where nobody recorded it.
    pub(crate) fn of(&self, received: &Received) -> Option<Version> {
        match &self.declared {
            None => Some(Version::default()),
            Some(declared) => {
                self.named(&declared.of(received.target(), |name| received.header(name)).unwrap_or_default())
            }
        }
    }

    fn named(&self, name: &str) -> Option<Version> {
        let index = self.names.iter().position(|known| known == name)?;
        u32::try_from(index).ok().map(Version)
    }

    /// Why a request of a version that nobody recorded fits nothing.
    pub(crate) fn unknown(&self, request: &Request) -> String {
        let shown = |name: &str| match name {
            "" => "none".to_owned(),
            name => format!("`{}`", name.chars().take(80).collect::<String>()),
        };
        let told = self.declared.as_ref().map(|declared| told_by(declared, request)).unwrap_or_default();
        let known: Vec<String> = self.names.iter().map(|name| shown(name)).collect();
        format!("the version {} of the API was not recorded; there are: {}", shown(&told), known.join(", "))
    }
}

fn told_by(declared: &Versions, request: &Request) -> String {
    declared.of(&request.target, |name| request.headers.text(name)).unwrap_or_default().into_owned()
}
