//! Proof Key for Code Exchange (RFC 7636): who redeems a code is who asked for it.

use super::params::Params;
use super::refusal::{Refusal, Said};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use counterpart_exchange::{Pkce, PkceMethod};
use sha2::{Digest, Sha256};

/// What a code is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Nothing: the client gave no challenge.
    Absent,
    /// A challenge of the client's.
    Given(PkceMethod, String),
    /// Nobody knows: the code was recorded, its challenge was not.
    Unjudged,
}

impl Challenge {
    /// The challenge of an authorization request.
    ///
    /// # Errors
    /// The refusal that RFC 7636 section 4.4.1 asks for.
    pub(super) fn of(params: &Params, policy: &Pkce) -> Result<Self, Refusal> {
        let refuse = |why| Err(Refusal::new(Said::InvalidRequest, why));
        let Some(challenge) = params.get("code_challenge") else {
            return match policy {
                Pkce::Required { .. } => refuse("refused: the code challenge is missing"),
                Pkce::Optional { .. } => Ok(Self::Absent),
            };
        };
        let method = match params.get("code_challenge_method") {
            Some("S256") => PkceMethod::S256,
            Some("plain") | None => PkceMethod::Plain,
            Some(_) => return refuse("refused: the code challenge method is not known"),
        };
        if !policy.methods().contains(&method) {
            return refuse("refused: the provider does not take this code challenge method");
        }
        if !is_key(challenge) || (method == PkceMethod::S256 && challenge.len() != 43) {
            return refuse("refused: the code challenge is malformed");
        }
        Ok(Self::Given(method, challenge.to_owned()))
    }

    /// Holds the verifier of a token request against it.
    ///
    /// # Errors
    /// The refusal that RFC 7636 section 4.6 asks for. A verifier without a challenge is refused too: somebody may
    /// have taken the challenge out of the authorization request (RFC 9700 section 4.8.2).
    pub(super) fn verify(&self, verifier: Option<&str>) -> Result<(), Refusal> {
        let refuse = |why| Err(Refusal::new(Said::InvalidGrant, why));
        match (self, verifier) {
            (Self::Unjudged, _) | (Self::Absent, None) => Ok(()),
            (Self::Absent, Some(_)) => refuse("refused: a code verifier came where no challenge was given"),
            (Self::Given(..), None) => refuse("refused: the code verifier is missing"),
            (Self::Given(method, challenge), Some(verifier)) => {
                let follows = match method {
                    PkceMethod::S256 => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == *challenge,
                    PkceMethod::Plain => verifier == challenge,
                };
                if follows && is_key(verifier) {
                    Ok(())
                } else {
                    refuse("refused: the code verifier does not fit the challenge")
                }
            }
        }
    }
}

/// Length and letters of verifiers and challenges (RFC 7636 section 4.1).
fn is_key(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn the_example_of_the_standard() {
        let challenge =
            Challenge::Given(PkceMethod::S256, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned());
        assert!(challenge.verify(Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).is_ok());
        for other in [None, Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"), Some("")] {
            assert!(challenge.verify(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_plain_challenge_is_the_verifier() {
        let key = "a".repeat(43);
        let challenge = Challenge::Given(PkceMethod::Plain, key.clone());
        assert!(challenge.verify(Some(&key)).is_ok());
        assert!(challenge.verify(Some(&"b".repeat(43))).is_err());
        assert!(Challenge::Absent.verify(Some(&key)).is_err() && Challenge::Absent.verify(None).is_ok());
        assert!(!is_key(&"a".repeat(42)) && !is_key(&"a".repeat(129)) && !is_key(&" ".repeat(50)));
    }
}
