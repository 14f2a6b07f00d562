//! Twilio: `X-Twilio-Signature: <base64>`, HMAC-SHA-1 over the URL, keyed with the account's auth token. For
//! a form the URL is followed by name and value of every field, sorted by name, a value that is repeated
//! under one name once. Any other body is covered by its SHA-256, in hexadecimal, in the URL's own
//! `bodySHA256` parameter.
//!
//! Sources: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>; that Twilio signs some URLs
//! with and some without their port, and how repeated fields count, is known from its own libraries
//! (`spec/validation.spec.js` of twilio-node). Those also try the query spelt anew, for servers that lost its
//! spelling; here the URL has to be given as Twilio calls it. No time is signed. `I-Twilio-Idempotency-Token` stays the same
//! when a request is repeated; it is not signed.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{from_hex, to_base64, to_hex};
use crate::mac::{Mac, same, sha256};
use crate::{Delivery, Rejection, Secret, SignError, Signed, Verified};
use jiff::Timestamp;
use percent_encoding::percent_decode;
use std::collections::BTreeSet;

const SIGNATURE: &str = "X-Twilio-Signature";
const BODY_HASH: &str = "bodySHA256";

pub(crate) struct Twilio;

/// How a body is covered by the signature.
enum Coverage {
    /// By the fields that follow the URL; none if the body is empty.
    Fields(Vec<u8>),
    /// By its hash, which is in the URL.
    Hash(Vec<u8>),
}

impl Coverage {
    fn of(delivery: &Delivery<'_>) -> Result<Self, Rejection> {
        if let Some(hash) = body_hash(delivery.url) {
            let expected = "the SHA-256 of the body in hexadecimal";
            let malformed = Rejection::Malformed { place: "bodySHA256 in the URL", expected };
            return from_hex(hash).map(Self::Hash).ok_or(malformed);
        }
        if delivery.body.is_empty() {
            Ok(Self::Fields(Vec::new()))
        } else if is_form(delivery)? {
            Ok(Self::Fields(sorted_fields(delivery.body)))
        } else {
            Err(Rejection::BodyNotCovered { expected: "a form, or the parameter bodySHA256 in the URL" })
        }
    }
}

impl Rules for Twilio {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let (url, fields) = match Coverage::of(delivery) {
            Ok(Coverage::Fields(fields)) => (None, fields),
            // The hash that the URL carries may be that of the recorded body.
            Ok(Coverage::Hash(_)) | Err(Rejection::BodyNotCovered { .. } | Rejection::Malformed { .. }) => {
                (Some(with_body_hash(delivery.url, &to_hex(&sha256(delivery.body)))), Vec::new())
            }
            Err(rejection) => return Err(rejection.into()),
        };
        let mac = Mac::Sha1.of(secret.bytes(), &[url.as_deref().unwrap_or(delivery.url).as_bytes(), &fields]);
        Ok(Signed { url, ..Signed::with_headers([(SIGNATURE, to_base64(&mac))]) })
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let signatures = [Mac::Sha1
            .read_base64(delivery.required_header(SIGNATURE)?)
            .ok_or(Rejection::Malformed { place: SIGNATURE, expected: "the base64 of 20 bytes" })?];
        let coverage = Coverage::of(delivery)?;
        let fields: &[u8] = match &coverage {
            Coverage::Fields(fields) => fields,
            Coverage::Hash(_) => &[],
        };
        let urls = spellings(delivery.url);
        any_secret(secrets, |secret| {
            let fits = |url: &String| Mac::Sha1.fits(secret.bytes(), &[url.as_bytes(), fields], &signatures);
            Ok(urls.iter().any(fits))
        })?;
        match coverage {
            Coverage::Hash(hash) if !same(&sha256(delivery.body), &hash) => Err(Rejection::BodyAltered),
            _ => Ok(Verified { timestamp: None, id: delivery.id_header("I-Twilio-Idempotency-Token")? }),
        }
    }
}

fn is_form(delivery: &Delivery<'_>) -> Result<bool, Rejection> {
    let media_type =
        delivery.header("Content-Type")?.and_then(|value| value.split(';').next()).unwrap_or_default();
    Ok(media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// Names and values in a row, sorted by name and then by value, each pair once. Bytes, not text: a value
/// need not be UTF-8.
fn sorted_fields(body: &[u8]) -> Vec<u8> {
    let decode = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).collect::<Vec<u8>>()
    };
    let pairs: BTreeSet<(Vec<u8>, Vec<u8>)> = body
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (decode(&pair[..at]), decode(&pair[at + 1..])),
            None => (decode(pair), Vec::new()),
        })
        .collect();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).flatten().collect()
}

/// The URL as given, without its port, and with it.
fn spellings(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    // A colon within brackets belongs to an IPv6 address.
    let brackets_end = authority.rfind(']').map_or(host_at, |at| at.max(host_at));
    let without = authority[brackets_end..].find(':').map_or(authority, |at| &authority[..brackets_end + at]);
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let mut spellings = vec![url.to_owned(), format!("{scheme}://{without}{target}")];
    if without.len() == authority.len() {
        spellings.push(format!("{scheme}://{authority}:{port}{target}"));
    }
    spellings
}

fn body_hash(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|field| field.strip_prefix(BODY_HASH)?.strip_prefix('='))
}

/// The URL with the hash in place of the one that it has, or behind the rest of its query.
fn with_body_hash(url: &str, hash: &str) -> String {
    let field = format!("{BODY_HASH}={hash}");
    let Some((rest, query)) = url.split_once('?') else { return format!("{url}?{field}") };
    let (mut fields, prefix) = (query.split('&').collect::<Vec<_>>(), format!("{BODY_HASH}="));
    match fields.iter_mut().find(|field| field.starts_with(&prefix)) {
        Some(old) => *old = &field,
        None => fields.push(&field),
    }
    format!("{rest}?{}", fields.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use crate::sample::Sent;

    /// From `spec/validation.spec.js` of twilio-node; the first is also in Twilio's documentation.
    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309\
                        &To=%2B18005551212";
    const JSON: &str = r#"{"property": "value", "boolean": true}"#;
    const JSON_SHA256: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";

    fn form(url: &str, body: &str, signature: &str) -> Sent {
        Sent::post(body)
            .to(url)
            .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
            .header(SIGNATURE, signature)
    }

    #[test]
    fn the_library_s_form_is_accepted_and_made() {
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        let sent = form(URL, FORM, signature).header("I-Twilio-Idempotency-Token", "token-1");
        let verified = sent.verify(Scheme::Twilio, &[TOKEN], 0).unwrap();
        assert_eq!(verified.id.as_deref(), Some("token-1"));
        assert_eq!(sent.sign(Scheme::Twilio, TOKEN, 0).headers[0].1, signature);
        let altered = form(URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8BA=");
        assert_eq!(
            altered.verify(Scheme::Twilio, &[TOKEN], 0),
            Err(Rejection::NoSignatureFits { secrets: 1 })
        );
    }

    #[test]
    fn the_port_may_be_signed_or_not() {
        let cases = [
            ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
            ("http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            ("https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", "CukzLTc1tT5dXEDIHm/tKBanW10="),
            ("https://user@mycompany.com/myapp.php?foo=1&bar=2", "2YRLlVAflCqxaNicjMpJcSTgzSs="),
            ("https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
            ("https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing", "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
        ];
        for (url, signature) in cases {
            assert!(form(url, FORM, signature).verify(Scheme::Twilio, &[TOKEN], 0).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_address_s_own_colons_are_no_port() {
        let bare = "https://[::1]/hook";
        assert_eq!(spellings(bare), [bare, bare, "https://[::1]:443/hook"]);
        assert_eq!(spellings("https://[::1]:8443"), ["https://[::1]:8443", "https://[::1]"]);
    }

    #[test]
    fn repeated_fields_count_once_and_in_order() {
        let cases = [
            (
                "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx",
                "83O6e2vORAoJHUNzJjDWN1jz+BA=",
            ),
            (
                "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
                "83O6e2vORAoJHUNzJjDWN1jz+BA=",
            ),
            (
                "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
                "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            ),
        ];
        for (body, signature) in cases {
            assert!(form(URL, body, signature).verify(Scheme::Twilio, &[TOKEN], 0).is_ok(), "{body}");
        }
    }

    fn json(url: &str, body: &str, signature: &str) -> Sent {
        Sent::post(body).to(url).header("Content-Type", "application/json").header(SIGNATURE, signature)
    }

    #[test]
    fn a_json_body_is_covered_by_its_hash_in_the_url() {
        let url = format!("{URL}&bodySHA256={JSON_SHA256}");
        let sent = json(&url, JSON, "a9nBmqA0ju/hNViExpshrM61xv4=");
        assert!(sent.verify(Scheme::Twilio, &[TOKEN], 0).is_ok());
        let alone = format!("https://mycompany.com/myapp.php?bodySHA256={JSON_SHA256}");
        let sent = json(&alone, JSON, "y77kIzt2vzLz71DgmJGsen2scGs=");
        assert!(sent.verify(Scheme::Twilio, &[TOKEN], 0).is_ok());
        let empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        let sent = json(&format!("{URL}&bodySHA256={empty}"), "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc=");
        assert!(sent.verify(Scheme::Twilio, &[TOKEN], 0).is_ok());
    }

    #[test]
    fn another_body_under_a_signed_hash_is_refused() {
        let url = format!("{URL}&bodySHA256={JSON_SHA256}");
        let sent = json(&url, "{}", "a9nBmqA0ju/hNViExpshrM61xv4=");
        assert_eq!(sent.verify(Scheme::Twilio, &[TOKEN], 0), Err(Rejection::BodyAltered));
    }

    #[test]
    fn a_body_that_nothing_covers_is_refused() {
        let sent = json(URL, JSON, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let refused = sent.verify(Scheme::Twilio, &[TOKEN], 0);
        assert!(matches!(refused, Err(Rejection::BodyNotCovered { .. })));
    }

    #[test]
    fn signing_writes_the_hash_into_the_url() {
        let expected = format!("{URL}&bodySHA256={JSON_SHA256}");
        for url in [URL.to_owned(), format!("{URL}&bodySHA256=recorded"), format!("{URL}&bodySHA256=00")] {
            let signed = json(&url, JSON, "").sign(Scheme::Twilio, TOKEN, 0);
            assert_eq!(signed.url.as_deref(), Some(expected.as_str()));
            assert_eq!(signed.headers[0].1, "a9nBmqA0ju/hNViExpshrM61xv4=");
        }
        assert_eq!(with_body_hash("https://a.example/", "00"), "https://a.example/?bodySHA256=00");
        let namesake = "https://a.example/?xbodySHA256=1&bodySHA256=1&b=2";
        assert_eq!(with_body_hash(namesake, "00"), "https://a.example/?xbodySHA256=1&bodySHA256=00&b=2");
    }
}
