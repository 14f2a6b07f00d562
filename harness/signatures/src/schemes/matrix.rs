//! Matrix application services: the homeserver sends its `hs_token` as `Authorization: Bearer`. That proves
//! the sender alone: neither body nor time is signed. The token in the query, as homeservers sent it before
//! version 1.4 of the specification, is refused: it ends up in access logs.
//!
//! Source: <https://spec.matrix.org/latest/application-service-api/#authorization>. A transaction's id, which
//! stays when it is sent again, is the last part of the path; it is not signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::mac::same_secret;
use crate::{Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified};
use jiff::Timestamp;

const AUTHORIZATION: &str = "Authorization";

pub(crate) struct MatrixApplicationService;

fn token<'a>(delivery: &Delivery<'a>) -> Result<&'a str, Rejection> {
    let Some(value) = delivery.header(AUTHORIZATION)? else {
        let (_, query) = delivery.url.split_once('?').unwrap_or_default();
        if query.split('&').any(|field| field.starts_with("access_token=")) {
            let expected = "the hs_token as Authorization: Bearer";
            return Err(Rejection::LegacyRefused { found: "access_token in the query", expected });
        }
        return Err(Rejection::MissingHeader { name: AUTHORIZATION });
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") => Ok(token.trim()),
        _ => Err(Rejection::Malformed { place: AUTHORIZATION, expected: "Bearer <hs_token>" }),
    }
}

fn transaction_id(url: &str) -> Option<String> {
    let (path, _) = url.split_once(['?', '#']).unwrap_or((url, ""));
    let (rest, id) = path.rsplit_once('/')?;
    (rest.ends_with("/transactions") && !id.is_empty()).then(|| id.to_owned())
}

impl Rules for MatrixApplicationService {
    fn sign(&self, secret: &Secret, _: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        if !secret.bytes().iter().all(u8::is_ascii_graphic) {
            return Err(UnusableSecret { expected: "a token of visible ASCII characters" }.into());
        }
        Ok(Signed::with_headers([(AUTHORIZATION, format!("Bearer {}", secret.expose()))]))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let token = token(delivery)?;
        any_secret(secrets, |secret| Ok(same_secret(secret.bytes(), token.as_bytes())))?;
        Ok(Verified { timestamp: None, id: transaction_id(delivery.url) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use crate::sample::Sent;

    const SCHEME: Scheme = Scheme::MatrixApplicationService;

    fn sent(authorization: &str) -> Sent {
        Sent::post(r#"{"events":[]}"#)
            .to("https://bridge.example/_matrix/app/v1/transactions/35?x=/y")
            .header(AUTHORIZATION, authorization)
    }

    /// The token of the specification's registration example.
    #[test]
    fn the_homeserver_s_token_is_accepted_and_sent() {
        let token = "312df522183efd404ec1cd22d2ffa4bbc76a8c1ccf541dd692eef281356bb74e";
        let authorization = format!("Bearer {token}");
        let verified = sent(&authorization).verify(SCHEME, &["old", token], 0).unwrap();
        assert_eq!(verified.id.as_deref(), Some("35"));
        assert_eq!(sent("").sign(SCHEME, token, 0).headers[0].1, authorization);
        assert!(sent(&authorization.to_lowercase()).verify(SCHEME, &[token], 0).is_ok());
    }

    #[test]
    fn another_token_and_no_token_are_told_apart() {
        let no_fit = Err(Rejection::NoSignatureFits { secrets: 1 });
        assert_eq!(sent("Bearer other").verify(SCHEME, &["token"], 0), no_fit);
        assert_eq!(sent("Bearer ").verify(SCHEME, &["token"], 0), no_fit);
        for wrong in ["", "token", "Basic token"] {
            let refused = sent(wrong).verify(SCHEME, &["token"], 0);
            assert!(matches!(refused, Err(Rejection::Malformed { .. })), "{wrong}");
        }
    }

    #[test]
    fn the_token_in_the_query_is_refused() {
        let url = "https://bridge.example/_matrix/app/v1/transactions/35?access_token=token";
        let refused = Sent::post("{}").to(url).verify(SCHEME, &["token"], 0);
        assert!(matches!(refused, Err(Rejection::LegacyRefused { .. })));
    }

    #[test]
    fn only_a_transaction_has_an_id() {
        assert_eq!(transaction_id("https://bridge.example/_matrix/app/v1/ping"), None);
        assert_eq!(transaction_id("https://bridge.example/_matrix/app/v1/transactions/"), None);
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        let token = Secret::new("to\r\nken");
        let refused = sent("").try_sign(SCHEME, &token, 0);
        assert!(matches!(refused, Err(SignError::UnusableSecret(_))));
    }
}
