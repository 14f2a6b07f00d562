//! Adyen's standard webhooks: within the body, each notification item carries
//! `additionalData.hmacSignature`, the base64 of an HMAC-SHA-256 over eight of its fields, joined by colons;
//! keyed with the endpoint's HMAC key, which is handed out in hexadecimal. A field that is absent or null
//! counts as empty.
//!
//! Source: <https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures>, and
//! Adyen's own libraries, none of which escapes colons here, though all did for the hosted payment pages of
//! old. So two items can share a signature whose fields differ only in where a colon stands. The rest of an
//! item is not covered at all. No time is signed; a repetition has the same `pspReference` and `eventCode`.

use super::Rules;
use crate::any_secret::any_secret;
use crate::encoding::{from_hex, to_base64};
use crate::mac::Mac;
use crate::{Delivery, Rejection, Secret, SignError, Signed, UnusableSecret, Verified, json_splice};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Most items that one notification may carry; Adyen sends one.
const MAX_ITEMS: usize = 100;

const FORM: Rejection = Rejection::Malformed {
    place: "body",
    expected: "JSON with notificationItems, each a NotificationRequestItem whose additionalData has a \
               string hmacSignature",
};

pub(crate) struct Adyen;

#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(borrow, rename = "notificationItems")]
    items: Vec<Envelope<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "NotificationRequestItem")]
    item: Item<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    additional_data: AdditionalData<'a>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    event_code: Option<&'a RawValue>,
    merchant_account_code: Option<&'a RawValue>,
    merchant_reference: Option<&'a RawValue>,
    original_reference: Option<&'a RawValue>,
    psp_reference: Option<&'a RawValue>,
    success: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdditionalData<'a> {
    #[serde(borrow)]
    hmac_signature: &'a RawValue,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    currency: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

impl Item<'_> {
    fn signed_text(&self) -> Result<String, Rejection> {
        let (value, currency) =
            self.amount.as_ref().map_or((None, None), |amount| (amount.value, amount.currency));
        let fields = [
            self.psp_reference,
            self.original_reference,
            self.merchant_account_code,
            self.merchant_reference,
            value,
            currency,
            self.event_code,
            self.success,
        ];
        Ok(fields.map(scalar).into_iter().collect::<Result<Vec<_>, _>>()?.join(":"))
    }

    fn signature(&self) -> Result<Vec<u8>, Rejection> {
        let text: String =
            serde_json::from_str(self.additional_data.hmac_signature.get()).map_err(|_| FORM)?;
        let place = "additionalData.hmacSignature";
        Mac::Sha256
            .read_base64(&text)
            .ok_or(Rejection::Malformed { place, expected: "the base64 of 32 bytes" })
    }

    fn id(&self) -> Result<Option<String>, Rejection> {
        let (psp_reference, event_code) = (scalar(self.psp_reference)?, scalar(self.event_code)?);
        Ok((!psp_reference.is_empty()).then(|| format!("{psp_reference}:{event_code}")))
    }
}

/// A field's text: a string's content, a number or a boolean as it is written.
fn scalar(value: Option<&RawValue>) -> Result<String, Rejection> {
    match value.map(RawValue::get) {
        None => Ok(String::new()),
        Some(text) if text.starts_with('"') => serde_json::from_str(text).map_err(|_| FORM),
        Some(text) if text.starts_with(['{', '[']) => Err(FORM),
        Some(text) => Ok(text.to_owned()),
    }
}

fn items<'a>(body: &'a [u8]) -> Result<Vec<Item<'a>>, Rejection> {
    let notification: Notification<'a> = serde_json::from_slice(body).map_err(|_| FORM)?;
    if notification.items.is_empty() || notification.items.len() > MAX_ITEMS {
        return Err(FORM);
    }
    Ok(notification.items.into_iter().map(|envelope| envelope.item).collect())
}

fn key(secret: &Secret) -> Result<Vec<u8>, UnusableSecret> {
    from_hex(secret.expose().trim()).ok_or(UnusableSecret { expected: "Adyen's HMAC key in hexadecimal" })
}

impl Rules for Adyen {
    fn sign(&self, secret: &Secret, delivery: &Delivery<'_>, _: Timestamp) -> Result<Signed, SignError> {
        let key = key(secret)?;
        let mut signatures = Vec::new();
        for item in items(delivery.body)? {
            let mac = Mac::Sha256.of(&key, &[item.signed_text()?.as_bytes()]);
            signatures.push((item.additional_data.hmac_signature, to_base64(&mac)));
        }
        Ok(Signed::with_body(json_splice::with_strings(delivery.body, &signatures).ok_or(FORM)?))
    }

    fn authenticate(&self, secrets: &[Secret], delivery: &Delivery<'_>) -> Result<Verified, Rejection> {
        let items = items(delivery.body)?;
        for item in &items {
            let (text, signatures) = (item.signed_text()?, [item.signature()?]);
            any_secret(secrets, |secret| {
                Ok(Mac::Sha256.fits(&key(secret)?, &[text.as_bytes()], &signatures))
            })?;
        }
        let id = if let [item] = items.as_slice() { item.id()? } else { None };
        Ok(Verified { timestamp: None, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scheme;
    use crate::sample::Sent;

    /// From `src/__tests__/hmacValidator.spec.ts` of adyen-node-api-library.
    const KEY: &str = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
    const SIGNATURE: &str = "xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0=";

    fn item(signature: &str) -> String {
        format!(
            r#"{{"NotificationRequestItem": {{"additionalData": {{"hmacSignature": "{signature}", "x": 1.0}},
                "amount": {{"currency": "EUR", "value": 1000}}, "eventCode": "CAPTURE",
                "eventDate": "1970-01-01T00:00:00Z", "merchantAccountCode": "merchantAccount",
                "merchantReference": "reference", "originalReference": "originalReference",
                "paymentMethod": "VISA", "pspReference": "pspReference", "reason": "reason",
                "success": "true"}}}}"#
        )
    }

    fn body(items: &[String]) -> String {
        format!(r#"{{"live": "false", "notificationItems": [{}]}}"#, items.join(","))
    }

    #[test]
    fn the_library_s_notification_is_accepted_and_made() {
        let sent = Sent::post(body(&[item(SIGNATURE)]));
        let verified = sent.verify(Scheme::Adyen, &[KEY], 0).unwrap();
        assert_eq!(verified.id.as_deref(), Some("pspReference:CAPTURE"));
        let signed = Sent::post(body(&[item("recorded")])).sign(Scheme::Adyen, KEY, 0);
        assert_eq!(signed.body.unwrap(), body(&[item(SIGNATURE)]).into_bytes());
    }

    #[test]
    fn every_item_must_be_signed() {
        let both = Sent::post(body(&[item(SIGNATURE), item(SIGNATURE)]));
        assert_eq!(both.verify(Scheme::Adyen, &[KEY], 0).unwrap().id, None);
        let forged = item(SIGNATURE).replace("1000", "9000");
        let one = Sent::post(body(&[item(SIGNATURE), forged]));
        let refused = one.verify(Scheme::Adyen, &[KEY], 0);
        assert_eq!(refused, Err(Rejection::NoSignatureFits { secrets: 1 }));
        let signed = Sent::post(body(&[item("a"), item("b")])).sign(Scheme::Adyen, KEY, 0);
        assert_eq!(signed.body.unwrap(), body(&[item(SIGNATURE), item(SIGNATURE)]).into_bytes());
    }

    #[test]
    fn absent_and_null_fields_count_as_empty_and_colons_are_not_escaped() {
        let text = r#"{"notificationItems": [{"NotificationRequestItem": {"additionalData":
            {"hmacSignature": ""}, "originalReference": null, "merchantReference": "a:b\\c",
            "amount": {"value": 0, "currency": "EUR"}, "pspReference": "p", "success": true}}]}"#;
        let items = items(text.as_bytes()).unwrap();
        assert_eq!(items[0].signed_text().unwrap(), r"p:::a:b\c:0:EUR::true");
    }

    #[test]
    fn what_is_no_notification_is_malformed() {
        let twice = body(&[item(SIGNATURE).replace("\"reason\":", "\"success\": \"false\", \"reason\":")]);
        let nested = body(&[item(SIGNATURE).replace("\"CAPTURE\"", "[\"CAPTURE\"]")]);
        let unsigned = body(&[item(SIGNATURE).replace("hmacSignature", "other")]);
        for wrong in [String::new(), "{}".to_owned(), body(&[]), twice, nested, unsigned] {
            let refused = Sent::post(wrong.clone()).verify(Scheme::Adyen, &[KEY], 0);
            assert_eq!(refused, Err(FORM), "{wrong}");
        }
        let broken = Sent::post(body(&[item("notValidSign")])).verify(Scheme::Adyen, &[KEY], 0);
        assert!(matches!(broken, Err(Rejection::Malformed { .. })));
    }

    #[test]
    fn a_key_that_is_not_hexadecimal_is_named() {
        let refused = Sent::post(body(&[item(SIGNATURE)])).verify(Scheme::Adyen, &["no key"], 0);
        assert!(matches!(refused, Err(Rejection::UnusableSecret { number: 1, .. })));
    }
}
