//! Every scheme, over whatever may come: what is signed verifies, and nothing that is sent brings it down.

use crate::sample::{Sent, secrets, unsigned, verifying};
use crate::{Scheme, Tolerance};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;

const NOW_S: i64 = 1_700_000_000;

/// One good delivery of each scheme: RSA takes too long to sign one a case.
static GOOD: LazyLock<Vec<(Scheme, Sent)>> = LazyLock::new(|| {
    let good = |scheme| (scheme, unsigned(scheme, b"{}").signed(scheme, secrets(scheme)[0], NOW_S));
    Scheme::ALL.map(good).to_vec()
});

/// Every header that some scheme reads.
const HEADERS: [&str; 20] = [
    "Authorization",
    "Content-Type",
    "I-Twilio-Idempotency-Token",
    "Paddle-Signature",
    "Stripe-Signature",
    "X-GitHub-Delivery",
    "X-Hub-Signature",
    "X-Hub-Signature-256",
    "X-HubSpot-Request-Timestamp",
    "X-HubSpot-Signature-v3",
    "X-Shopify-Hmac-SHA256",
    "X-Shopify-Webhook-Id",
    "X-Slack-Request-Timestamp",
    "X-Slack-Signature",
    "X-Twilio-Email-Event-Webhook-Signature",
    "X-Twilio-Email-Event-Webhook-Timestamp",
    "X-Twilio-Signature",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
];

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop::sample::select(Scheme::ALL.to_vec())
}

/// Values that are nearly right, and values that are not at all.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{0,24}",
        "(t|ts|v0|v1|v1a|h1|sha1|sha256|Bearer)[=, ][0-9a-zA-Z+/=,; -]{0,80}",
        "((t|ts|v0|v1|h1)=[0-9a-f]{0,70}[,; ]){0,40}",
        "(v1a?,[A-Za-z0-9+/]{0,12}={0,2} ){0,40}",
        "[A-Za-z0-9+/]{0,90}={0,2}",
    ]
}

/// Bodies: bytes, forms, and JSON that is nearly a message.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..256),
        "([A-Za-z%+]{0,6}=?[A-Z0-9%+]{0,6}&){0,8}".prop_map(String::into_bytes),
        (any::<String>(), any::<String>()).prop_map(|(content, junk)| {
            let mut body = unsigned(Scheme::AmazonSns, content.as_bytes()).body;
            body.extend_from_slice(junk.as_bytes());
            body
        }),
        (any::<String>(), any::<prop::sample::Index>()).prop_map(|(content, cut)| {
            let mut body = unsigned(Scheme::Adyen, content.as_bytes()).body;
            body.truncate(cut.index(body.len()));
            body
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies(
        scheme in any_scheme(),
        content in vec(any::<u8>(), 0..512),
        which in 0_usize..2,
        now_s in 0_i64..4_000_000_000,
    ) {
        let signing = secrets(scheme)[which];
        let sent = unsigned(scheme, &content).signed(scheme, signing, now_s);
        let tolerance = if scheme == Scheme::AmazonSns { Tolerance::ANY_TIME } else { Tolerance::seconds(0) };
        let verified = sent.verify_within(scheme, &[&verifying(scheme, signing)], now_s, tolerance);
        prop_assert!(verified.is_ok(), "{scheme}: {verified:?}");
    }

    #[test]
    fn forms_verify_whatever_is_in_them(body in any_body()) {
        let sent = Sent::post(body)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .signed(Scheme::Twilio, "token", NOW_S);
        prop_assert!(sent.verify(Scheme::Twilio, &["token"], NOW_S).is_ok());
    }

    #[test]
    fn garbage_is_refused_and_never_panics(
        headers in vec((prop::sample::select(HEADERS.to_vec()), any_value()), 0..24),
        body in any_body(),
        url in prop_oneof![any::<String>(), "https://[a-z\\[\\]@:%]{0,12}[/?&=a-z%0-9]{0,24}"],
    ) {
        let mut sent = Sent::post(body).to(&url);
        sent.headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for scheme in Scheme::ALL {
            let secret = secrets(scheme)[0];
            let verified = sent.verify(scheme, &[&verifying(scheme, secret)], NOW_S);
            prop_assert!(verified.is_err(), "{scheme}: {sent:?}");
            // Signing may fail; it may not panic.
            let _ = sent.try_sign(scheme, &crate::Secret::new(secret), NOW_S);
        }
    }

    #[test]
    fn a_secret_of_any_form_is_refused_or_used_and_never_panics(text in any_value()) {
        for (scheme, sent) in GOOD.iter() {
            prop_assert!(sent.verify(*scheme, &[&text], NOW_S).is_err(), "{scheme}");
            let _ = scheme.verifying_secret(&crate::Secret::new(text.as_str()));
        }
    }
}
