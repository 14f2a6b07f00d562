//! Which names say that what stands under them is secret: judged by their words, not by a list of spellings.
//!
//! Policy alone: redaction asks it of every name, and the scan may ask it too. Knows nothing of values.

use super::detect;
use crate::ProviderProfile;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Words that name a secret where a name ends with them.
const SECRET_WORDS: [&str; 22] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "credential",
    "credentials",
    "sessionid",
    "session",
    "sid",
    "sessid",
    "authorization",
    "otp",
    "assertion",
    "cookie",
    "jwt",
    "bearer",
    "macaroon",
    "cvv",
    "cvc",
];

/// Pairs of words that name a secret where a name ends with them.
const SECRET_PAIRS: [(&str, &str); 12] = [
    ("api", "key"),
    ("access", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("signing", "key"),
    ("encryption", "key"),
    ("auth", "key"),
    ("subscription", "key"),
    ("session", "id"),
    ("code", "verifier"),
    ("client", "assertion"),
    ("card", "number"),
];

/// Ends of words that were run together: `accesstoken`, `JSESSIONID`.
const RUN_TOGETHER: [&str; 12] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "sessionid",
    "sessid",
    "credentials",
];

/// Words that name what tells things apart or sums them up, where a name ends with them: it looks random, and opens
/// nothing.
const IDENTIFIER_WORDS: [&str; 28] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "sha",
    "md",
    "oid",
    "etag",
    "digest",
    "checksum",
    "hash",
    "fingerprint",
    "cursor",
    "urn",
    "sub",
    "jti",
    "kid",
    "aud",
    "azp",
    "ray",
    "trace",
    "revision",
    "commit",
    "href",
    "version",
    "label",
    "before",
    "after",
];

/// The same, of two words.
const IDENTIFIER_PAIRS: [(&str, &str); 2] = [("idempotency", "key"), ("public", "key")];

/// Header fields whose values look random by design and open nothing.
const HARMLESS_HEADERS: [&str; 16] = [
    "etag",
    "if-none-match",
    "date",
    "user-agent",
    "content-security-policy",
    "content-security-policy-report-only",
    "traceparent",
    "tracestate",
    "via",
    "x-served-by",
    "x-cache",
    "x-timer",
    "server-timing",
    "alt-svc",
    "report-to",
    "nel",
];

/// Words that name a telephone number, where a name ends with them, `number` behind them left out.
const PHONE_WORDS: [&str; 8] =
    ["phone", "telephone", "mobile", "msisdn", "fax", "cellphone", "phonenumber", "mobilephone"];

/// Longest kind that is taken from a name.
const MAX_KIND_CHARS: usize = 40;

/// The words of a name in lower case: cut where the case changes and at whatever is no letter or digit.
pub(crate) fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|at| characters.get(at));
        let next_is_lower = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let begins = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && next_is_lower)
            });
        if begins || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(last) = words.last_mut()
        {
            last.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The kind of secret that a field or header of this name holds, if it does.
pub(super) fn kind_of_field(name: &str, profile: &ProviderProfile) -> Option<String> {
    let is_in = |fields: &[String]| fields.iter().any(|field| field.eq_ignore_ascii_case(name));
    let words = significant(name);
    // Somebody who knows the provider said what it is: a `next_page_token` opens nothing.
    let by_words = ends_secret(&words) && !is_in(&profile.identifiers.fields);
    (is_in(&profile.secrets.fields) || by_words).then(|| kind_of(&words))
}

/// As [`kind_of_field`], for a query or a form, whose names of one another change what they mean.
pub(super) fn kind_in_query(name: &str, all: &[&str], profile: &ProviderProfile) -> Option<String> {
    let beside = |other: &str| all.iter().any(|one| one.eq_ignore_ascii_case(other));
    if let Some(kind) = kind_of_field(name, profile) {
        return Some(kind);
    }
    let words = significant(name);
    let signs = matches!(words.last().map(String::as_str), Some("signature" | "sig"));
    let grants = name.eq_ignore_ascii_case("code") && (beside("state") || beside("grant_type"));
    (signs || grants).then(|| kind_of(&words))
}

/// Whether a name says that what stands under it is an identifier: exempt from being judged by its look alone.
pub(super) fn names_an_identifier(name: &str) -> bool {
    let words = significant(name);
    let Some(last) = words.last().map(String::as_str) else { return false };
    let before = words.len().checked_sub(2).map(|at| words[at].as_str());
    IDENTIFIER_WORDS.contains(&last)
        || before.is_some_and(|before| IDENTIFIER_PAIRS.contains(&(before, last)))
}

/// Whether the values of a header field are never judged by their look.
pub(super) fn is_harmless_header(name: &str) -> bool {
    HARMLESS_HEADERS.contains(&name)
}

/// Whether a value is an id whose prefix abbreviates the name that it stands under, as `pi_...` under `payment_intent`.
pub(super) fn fits_prefix(name: &str, value: &str) -> bool {
    let Some((prefix, _)) = value.split_once('_') else { return false };
    let words = significant(name);
    if !(2..=12).contains(&prefix.len()) || words.last().is_none_or(|last| last == "key") {
        return false;
    }
    let mut letters = words.iter().flat_map(|word| word.chars());
    let mut prefix = prefix.chars();
    prefix.next() == letters.next() && prefix.all(|wanted| letters.any(|letter| letter == wanted))
}

/// The kind of personal data that a value is, where its name and its form say the same.
pub(super) fn personal_kind(name: &str, value: &str) -> Option<&'static str> {
    if value.len() > MAX_PHONE_CHARS || !value.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let words = significant(name);
    let mut last_first = words.iter().rev().map(String::as_str);
    let last = last_first.next();
    let last = if matches!(last, Some("number" | "no")) { last_first.next() } else { last };
    let names = last.is_some_and(|last| PHONE_WORDS.contains(&last));
    (names && detect::reads_like_a_phone(value)).then_some("phone")
}

/// The kind of a claim that tells of a person (OpenID Connect Core 1.0, section 5.1). An address and a telephone number
/// are found by their forms.
pub(super) fn kind_of_claim(name: &str) -> Option<&'static str> {
    match name {
        "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "preferred_username" => {
            Some("name")
        }
        "unique_name" | "upn" => Some("name"),
        "profile" | "picture" | "website" => Some("profile"),
        "birthdate" => Some("birthdate"),
        "address" => Some("address"),
        _ => None,
    }
}

/// Fifteen digits with everything that people put between them.
const MAX_PHONE_CHARS: usize = 40;

/// Names that are remembered, and the longest of them.
const MAX_REMEMBERED: usize = 4_096;
const MAX_REMEMBERED_BYTES: usize = 64;

thread_local! {
    /// The words of names. A flow has few names, and has each of them thousands of times.
    static REMEMBERED: RefCell<HashMap<String, Rc<[String]>>> = RefCell::default();
}

/// Words without what only numbers them: `tokens[0].password2` ends with `password`.
fn significant(name: &str) -> Rc<[String]> {
    REMEMBERED.with_borrow_mut(|remembered| {
        if let Some(words) = remembered.get(name) {
            return Rc::clone(words);
        }
        let words: Rc<[String]> = words(name)
            .iter()
            .map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        if name.len() <= MAX_REMEMBERED_BYTES {
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(name.to_owned(), Rc::clone(&words));
        }
        words
    })
}

fn ends_secret(words: &[String]) -> bool {
    let Some(last) = words.last().map(String::as_str) else { return false };
    let before = words.len().checked_sub(2).map(|at| words[at].as_str());
    SECRET_WORDS.contains(&last)
        || RUN_TOGETHER.iter().any(|end| last.ends_with(end))
        || before.is_some_and(|before| SECRET_PAIRS.contains(&(before, last)))
}

/// The last two words, as far as a placeholder can hold them.
fn kind_of(words: &[String]) -> String {
    let letters = |word: &String| word.chars().filter(char::is_ascii_lowercase).collect::<String>();
    let last: Vec<String> = words
        .iter()
        .skip(words.len().saturating_sub(2))
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    let kind: String = match last.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // A header's `x-` says nothing.
        ["x", rest] => (*rest).to_owned(),
        all => all.join("_"),
    };
    match kind.as_str() {
        "" => "secret".to_owned(),
        "apikey" => "api_key".to_owned(),
        _ => kind.chars().take(MAX_KIND_CHARS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_their_last_words() {
        let profile = ProviderProfile::unknown("p");
        for (name, kind) in [
            ("accessToken", "access_token"),
            ("access_token", "access_token"),
            ("X-Api-Key", "api_key"),
            ("APIKey", "api_key"),
            ("apikey", "api_key"),
            ("clientSecret", "client_secret"),
            ("user[password]", "user_password"),
            ("users.0.passwd", "users_passwd"),
            ("password2", "password"),
            ("new password", "new_password"),
            ("aws.secretAccessKey", "access_key"),
            ("signing-key", "signing_key"),
            ("JSESSIONID", "jsessionid"),
            ("accesstoken", "accesstoken"),
            ("sid", "sid"),
            ("codeVerifier", "code_verifier"),
            ("client_assertion", "client_assertion"),
            ("ocp-apim-subscription-key", "subscription_key"),
            ("idToken", "id_token"),
            ("tokens[0][jwt]", "tokens_jwt"),
        ] {
            assert_eq!(kind_of_field(name, &profile).as_deref(), Some(kind), "{name}");
        }
        for name in [
            "token_type",
            "token_uri",
            "tokenExpiresAt",
            "expires_in",
            "password_policy",
            "secretary",
            "key",
            "idempotency-key",
            "code",
            "sessions",
            "signature",
            "inside",
            "",
        ] {
            assert_eq!(kind_of_field(name, &profile), None, "{name}");
        }
    }

    #[test]
    fn what_the_profile_calls_an_identifier_is_none_unless_it_calls_it_a_secret_too() {
        let mut profile = ProviderProfile::unknown("p");
        assert_eq!(kind_of_field("nextPageToken", &profile).as_deref(), Some("page_token"));
        profile.identifiers.fields = vec!["nextPageToken".into(), "device_token".into()];
        profile.secrets.fields = vec!["device_token".into()];
        assert_eq!(kind_of_field("nextPageToken", &profile), None);
        assert!(kind_of_field("device_token", &profile).is_some());
        assert!(kind_of_field("token", &profile).is_some());
    }

    #[test]
    fn ids_and_telephones_are_told_by_their_names() {
        for name in
            ["id", "node_id", "requestId", "X-Request-Id", "sha256", "head_sha", "cf-ray", "order[id]"]
        {
            assert!(names_an_identifier(name), "{name}");
        }
        for name in ["identity", "ticket", "value", "next_page", "paid", ""] {
            assert!(!names_an_identifier(name), "{name}");
        }
        for (name, value, fits) in [
            ("payment_intent", "pi_3Mtw", true),
            ("customer", "cus_Nff", true),
            ("note", "pi_3Mtw", false),
            ("signing_key", "sk_3Mtw", false),
        ] {
            assert_eq!(fits_prefix(name, value), fits, "{name}");
        }
        assert_eq!(personal_kind("phone_number", "(030) 901 820-1"), Some("phone"));
        assert_eq!(personal_kind("mobile", "4915112345678"), Some("phone"));
        for (name, value) in
            [("phone", "iPhone 15"), ("phone_id", "4915112345678"), ("number", "4915112345678")]
        {
            assert_eq!(personal_kind(name, value), None, "{name}");
        }
    }

    #[test]
    fn a_code_is_secret_in_a_redirect_and_a_signature_in_a_query() {
        let profile = ProviderProfile::unknown("p");
        let kind = |name, all: &[&str]| kind_in_query(name, all, &profile);
        assert_eq!(kind("code", &["code", "state"]).as_deref(), Some("code"));
        assert_eq!(kind("code", &["grant_type", "code"]).as_deref(), Some("code"));
        assert_eq!(kind("code", &["code", "country"]), None);
        assert_eq!(kind("X-Amz-Signature", &[]).as_deref(), Some("amz_signature"));
        assert_eq!(kind("sig", &[]).as_deref(), Some("sig"));
    }
}
