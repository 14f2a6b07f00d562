//! For tests: deliveries that own what they are made of, and one good delivery of every scheme.

use crate::{Delivery, Rejection, Scheme, Secret, SignError, Signed, Tolerance, Verified};
use jiff::Timestamp;

/// A delivery that owns its parts.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn at(now_s: i64) -> Timestamp {
    Timestamp::from_second(now_s).unwrap()
}

impl Sent {
    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        Self { url: "https://hooks.example/in".to_owned(), headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn to(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn delivery(&self) -> Delivery<'_> {
        Delivery { method: "POST", url: &self.url, headers: &self.headers, body: &self.body }
    }

    pub(crate) fn try_sign(&self, scheme: Scheme, secret: &Secret, now_s: i64) -> Result<Signed, SignError> {
        scheme.sign(secret, &self.delivery(), at(now_s))
    }

    pub(crate) fn sign(&self, scheme: Scheme, secret: &str, now_s: i64) -> Signed {
        self.try_sign(scheme, &Secret::new(secret), now_s).unwrap()
    }

    /// The delivery as it is once signed.
    pub(crate) fn signed(mut self, scheme: Scheme, secret: &str, now_s: i64) -> Self {
        let signed = self.sign(scheme, secret, now_s);
        signed.set_headers(&mut self.headers);
        self.url = signed.url.unwrap_or(self.url);
        self.body = signed.body.unwrap_or(self.body);
        self
    }

    pub(crate) fn verify(&self, scheme: Scheme, secrets: &[&str], now_s: i64) -> Result<Verified, Rejection> {
        self.verify_within(scheme, secrets, now_s, scheme.tolerance())
    }

    pub(crate) fn verify_within(
        &self,
        scheme: Scheme,
        secrets: &[&str],
        now_s: i64,
        tolerance: Tolerance,
    ) -> Result<Verified, Rejection> {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        scheme.verify(&secrets, &self.delivery(), at(now_s), tolerance)
    }
}

/// Two signing secrets of a scheme, in its own form.
pub(crate) fn secrets(scheme: Scheme) -> [&'static str; 2] {
    match scheme {
        Scheme::Adyen => ["44782DEF547AAA06C910C43932B1EB0C", "0011223344556677"],
        Scheme::AmazonSns => [
            include_str!("../test-data/amazon_sns.key.pem"),
            include_str!("../test-data/amazon_sns_other.key.pem"),
        ],
        Scheme::Sendgrid => [
            include_str!("../test-data/sendgrid.key.pem"),
            include_str!("../test-data/sendgrid_other.key.pem"),
        ],
        Scheme::StandardWebhooks => {
            ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="]
        }
        _ => ["first-secret", "second-secret"],
    }
}

/// An unsigned delivery with that content in a signed place: the body itself, or for the schemes that sign
/// fields of a JSON body, one of those fields.
pub(crate) fn unsigned(scheme: Scheme, content: &[u8]) -> Sent {
    let text = || serde_json::Value::from(String::from_utf8_lossy(content)).to_string();
    match scheme {
        Scheme::Adyen => Sent::post(format!(
            r#"{{"notificationItems":[{{"NotificationRequestItem":{{"merchantReference":{},
            "pspReference":"8515131751004933","eventCode":"AUTHORISATION","success":"true",
            "additionalData":{{"hmacSignature":""}}}}}}]}}"#,
            text()
        )),
        Scheme::AmazonSns => Sent::post(format!(
            r#"{{"Type":"Notification","MessageId":"22b80b92","TopicArn":"arn:aws:sns:us-west-2:1:t",
            "Message":{},"Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1","Signature":"",
            "SigningCertURL":"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3.pem"}}"#,
            text()
        )),
        Scheme::StandardWebhooks => Sent::post(content).header("webhook-id", "msg_1"),
        Scheme::Twilio => Sent::post(content).header("Content-Type", "application/json"),
        Scheme::MatrixApplicationService => {
            Sent::post(content).to("https://bridge.example/_matrix/app/v1/transactions/35")
        }
        _ => Sent::post(content),
    }
}

/// What verifies deliveries that are signed with this secret.
pub(crate) fn verifying(scheme: Scheme, signing: &str) -> String {
    scheme.verifying_secret(&Secret::new(signing)).unwrap().expose().to_owned()
}
