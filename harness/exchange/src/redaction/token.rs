//! Credentials that are made of parts: Basic, and JSON Web Tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest part of a token that is kept decoded.
const MAX_PART_BYTES: usize = 16 * 1024;
/// A password so short is a word that is always the same, as in `key:x`, and the user is the key.
const MIN_PASSWORD_CHARS: usize = 4;

/// A Basic credential (RFC 7617), decoded.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct BasicParts {
    pub(super) user: String,
    pub(super) password: String,
}

impl BasicParts {
    /// What of it is secret, with the kind of its placeholder: the password, or the user where the password says nothing.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &str)> {
        let mut secrets = Vec::new();
        if !self.password.is_empty() {
            secrets.push(("password", self.password.as_str()));
        }
        if self.password.chars().count() < MIN_PASSWORD_CHARS && !self.user.is_empty() {
            secrets.push(("password", self.user.as_str()));
        }
        secrets
    }
}

/// The parts of a JSON Web Token that can be read (RFC 7519), each a JSON object as it was spelled.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) header: String,
    pub(super) claims: String,
}

impl Token {
    /// Reads a value that is a whole token and nothing else.
    pub(super) fn read(value: &str) -> Option<Self> {
        let mut parts = value.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !header.starts_with("ey") || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return None;
        }
        let object = |part: &str| -> Option<String> {
            if part.len() > MAX_PART_BYTES {
                return None;
            }
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).ok()?;
            Some(text)
        };
        Some(Self { header: object(header)?, claims: object(claims)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_only_where_both_parts_are_objects() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.c2ln", encode(r#"{"alg":"none"}"#), encode(r#"{"sub":"1"}"#));
        assert!(Token::read(&token).is_some_and(|token| token.claims == r#"{"sub":"1"}"#));
        let list = format!("{}.{}.c2ln", encode(r#"{"alg":"none"}"#), encode("[1]"));
        for other in [list.as_str(), "eyJ.x.y", "a.b.c", "", &format!("{token}.x"), &token[..token.len() - 5]]
        {
            assert!(Token::read(other).is_none(), "{other}");
        }
    }
}
