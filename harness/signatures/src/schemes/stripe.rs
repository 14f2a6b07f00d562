//! Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA-256 over `<t>.<body>`, keyed with
//! the endpoint's whole signing secret, `whsec_` included. `v0` is for test events and never accepted.
//! While a secret is rolled there is one `v1` for each.
//!
//! Source: <https://docs.stripe.com/webhooks#verify-manually>. The tolerance is that of Stripe's own
//! libraries, which look at the past alone; here both sides are bounded. The event's id is in the body.

use super::timestamped_list::TimestampedList;

pub(crate) static STRIPE: TimestampedList = TimestampedList {
    header: "Stripe-Signature",
    separator: ',',
    time: "t",
    version: "v1",
    joint: ".",
    form: "t=<Unix seconds>,v1=<64 hexadecimal digits>",
};

#[cfg(test)]
mod tests {
    use crate::sample::Sent;
    use crate::{Rejection, Scheme};

    /// Made with stripe 23.1.0 (npm), `webhooks.generateTestHeaderString`, for the payload and secret of its
    /// own tests (`test/Webhook.spec.ts`).
    const V1: &str = "c2f890decbc5ede7c5060bb9a6d31e0626a4342bacb9aeae2adb1bcea72f9812";
    const TIME_S: i64 = 1_492_774_577;
    const SECRET: &str = "whsec_test_secret";

    fn sent(header: &str) -> Sent {
        Sent::post("{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}")
            .header("Stripe-Signature", header)
    }

    fn verify(header: &str) -> Result<(), Rejection> {
        sent(header).verify(Scheme::Stripe, &[SECRET], TIME_S).map(|_| ())
    }

    #[test]
    fn the_library_s_header_is_accepted_and_made() {
        assert_eq!(verify(&format!("t={TIME_S},v1={V1}")), Ok(()));
        let signed = sent("").sign(Scheme::Stripe, SECRET, TIME_S);
        assert_eq!(signed.headers[0].1, format!("t={TIME_S},v1={V1}"));
    }

    /// The cases of `test/Webhook.spec.ts`.
    #[test]
    fn one_of_several_signatures_is_enough_even_beside_one_that_is_none() {
        assert_eq!(verify(&format!("t={TIME_S},v1={V1},v1=potato")), Ok(()));
        assert_eq!(verify(&format!("t={TIME_S},v1={},v1={V1},v0=x", "0".repeat(64))), Ok(()));
    }

    #[test]
    fn a_version_that_is_not_accepted_is_named() {
        let rejection = verify(&format!("t={TIME_S},v0={V1}")).unwrap_err();
        assert!(
            matches!(&rejection, Rejection::UnknownVersion { found, .. } if found == "v0"),
            "{rejection}"
        );
    }

    #[test]
    fn what_is_no_such_list_is_malformed() {
        let many = format!("t={TIME_S}{}", ",v1=00".repeat(100));
        let twice = format!("t={TIME_S},t={TIME_S},v1={V1}");
        let (no_time, odd_time) = (format!("v1={V1}"), format!("t=+1,v1={V1}"));
        for wrong in ["", "I'm not even a real signature header", "t=", "t=1,v1=bad", &many] {
            assert!(matches!(verify(wrong), Err(Rejection::Malformed { .. })), "{wrong}");
        }
        for wrong in [twice, no_time, odd_time] {
            assert!(matches!(verify(&wrong), Err(Rejection::Malformed { .. })), "{wrong}");
        }
    }
}
