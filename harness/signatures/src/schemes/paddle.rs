//! Paddle Billing: `Paddle-Signature: ts=<seconds>;h1=<hex>[;h1=<hex>]`, HMAC-SHA-256 over `<ts>:<body>`,
//! keyed with the notification destination's secret key, `pdl_ntfset_` included.
//!
//! Source: <https://developer.paddle.com/webhooks/signature-verification>, with the five seconds of
//! tolerance that Paddle's own libraries apply. The event's id is in the body.

use super::timestamped_list::TimestampedList;

pub(crate) static PADDLE: TimestampedList = TimestampedList {
    header: "Paddle-Signature",
    separator: ';',
    time: "ts",
    version: "h1",
    joint: ":",
    form: "ts=<Unix seconds>;h1=<64 hexadecimal digits>",
};

#[cfg(test)]
mod tests {
    use crate::sample::Sent;
    use crate::{Rejection, Scheme};

    /// From `src/__tests__/notifications/webhooks-validator.test.ts` of paddle-node-sdk.
    const H1: &str = "a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9";
    const TIME_S: i64 = 1_698_796_800;

    fn verify_at(header: &str, now_s: i64) -> Result<(), Rejection> {
        let sent = Sent::post(r#"{"data": ["1", "2"]}"#).header("Paddle-Signature", header);
        sent.verify(Scheme::Paddle, &["VALID_SECRET"], now_s).map(|_| ())
    }

    #[test]
    fn the_library_s_headers_are_accepted() {
        let header = format!("ts={TIME_S};h1={H1}");
        assert_eq!(verify_at(&header, TIME_S), Ok(()));
        let several = "ts=1698796800;h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261;\
                       h1=28981e941fae76e53db32f3d2a83cb69db41476595e84e1970a1b5d98f62b261;h2=RANDOM_HASH";
        let sent = Sent::post(r#"{"data": "value"}"#).header("Paddle-Signature", several);
        assert!(sent.verify(Scheme::Paddle, &["VALID_SECRET"], TIME_S).is_ok());
    }

    /// From `example_webhook_verifier_test.go` of paddle-go-sdk.
    #[test]
    fn the_go_library_s_example_is_accepted_and_made() {
        let body = r#"{"data":{"id":"pri_01hsdn96k2hxjzsq5yerecdj9j","name":null,"status":"active","quantity":{"maximum":999999,"minimum":1},"tax_mode":"account_setting","product_id":"pro_01hsdn8qp7yydry3x1yeg6a9rv","unit_price":{"amount":"1000","currency_code":"USD"},"custom_data":null,"description":"testing","import_meta":null,"trial_period":null,"billing_cycle":{"interval":"month","frequency":1},"unit_price_overrides":[]},"event_id":"evt_01hsdn97563968dy0szkmgjwh3","event_type":"price.created","occurred_at":"2024-03-20T10:07:35.590857Z","notification_id":"ntf_01hsdn977e920kbgzt6r6c9rqc"}"#;
        let secret = "pdl_ntfset_01hsdn8d43dt7mezr1ef2jtbaw_hKkRiCGyyRhbFwIUuqiTBgI7gnWoV0Gr";
        let header = "ts=1710929255;h1=6c05ef8fa83c44d751be6d259ec955ce5638e2c54095bf128e408e2fce1589c8";
        let sent = Sent::post(body).header("Paddle-Signature", header);
        assert!(sent.verify(Scheme::Paddle, &[secret], 1_710_929_255).is_ok());
        assert_eq!(sent.sign(Scheme::Paddle, secret, 1_710_929_255).headers[0].1, header);
    }

    /// The bounds of `webhooks-validator.test.ts`.
    #[test]
    fn five_seconds_are_tolerated_and_six_are_not() {
        let header = format!("ts={TIME_S};h1={H1}");
        assert_eq!(verify_at(&header, TIME_S + 5), Ok(()));
        let too_old = Rejection::TooOld { age_s: 6, tolerance_s: 5 };
        assert_eq!(verify_at(&header, TIME_S + 6), Err(too_old));
    }

    #[test]
    fn headers_that_the_library_refuses_are_refused() {
        for wrong in ["invalid_header", "h1=invalid_header", "ts=1234;h1=invalid_signature"] {
            assert!(matches!(verify_at(wrong, TIME_S), Err(Rejection::Malformed { .. })), "{wrong}");
        }
        let other = verify_at("ts=1234;h2=invalid_header", TIME_S);
        assert!(matches!(other, Err(Rejection::UnknownVersion { .. })));
        let other_time = verify_at(&format!("ts=9876;h1={H1}"), TIME_S);
        assert_eq!(other_time, Err(Rejection::NoSignatureFits { secrets: 1 }));
    }
}
