//! Webhooks as providers sign and send them, and connections that take them.

use counterpart_signatures::{Delivery, Scheme, Secret};
use serde_json::{Value, json};
use wiremock::MockServer;

use super::Subject;

/// Good for every scheme, and to be looked for where it must not be.
pub(crate) const SECRET: &str = "d2hhdCBub2JvZHkgbXVzdCBzZWUgYW55d2hlcmU=";

/// How a delivery was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<String>,
}

/// Who sends: where to, and how it signs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    pub(crate) path: &'a str,
    pub(crate) scheme: Scheme,
    pub(crate) secret: &'a str,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(path: &'a str, scheme: Scheme) -> Self {
        Self { path, scheme, secret: SECRET }
    }

    /// Sends bytes as the message `id`, and waits until what it sets off at once is done.
    pub(crate) async fn send(self, subject: &Subject, id: &str, body: &[u8]) -> Answered {
        let answered = self.send_only(subject, id, body).await;
        subject.quiet(0).await;
        answered
    }

    /// Sends bytes as the message `id`.
    pub(crate) async fn send_only(self, subject: &Subject, id: &str, body: &[u8]) -> Answered {
        let url = format!("{}{}", subject.url(), self.path);
        let mut headers = vec![("webhook-id".to_owned(), id.to_owned())];
        let unsigned = Delivery { method: "POST", url: &url, headers: &headers, body };
        let signed = self.scheme.sign(&Secret::new(self.secret), &unsigned, subject.now().await).unwrap();
        signed.set_headers(&mut headers);
        let mut request = subject.http.post(&url).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let retry_after =
            response.headers().get("retry-after").map(|field| field.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answered { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), retry_after }
    }
}

/// Connects `acme/orders` to the provider at `base_url`, which is to have at `/orders` what comes by webhook.
pub(crate) async fn connect_orders(subject: &Subject, base_url: &str, changes: Value) {
    let answer = put_orders(subject, "acme", base_url, changes).await;
    assert!(answer.0 == 201 || answer.0 == 200, "{answer:?}");
}

/// The same for any tenant. Of `changes`, what a webhook may have is put there.
pub(crate) async fn put_orders(
    subject: &Subject,
    tenant: &str,
    base_url: &str,
    changes: Value,
) -> (u16, Value) {
    let mut body = json!({ "provider": "http", "base_url": base_url, "access_token": "a" });
    let mut webhook = json!({ "scheme": "standard_webhooks", "secret": SECRET, "forward": "/orders" });
    for (name, value) in changes.as_object().unwrap() {
        let is_outside = ["alert_after_failures", "outcome_deadline_s"].contains(&name.as_str());
        let place = if is_outside { &mut body } else { &mut webhook };
        place[name] = value.clone();
    }
    body["webhook"] = webhook;
    subject.call("PUT", &format!("/connections/{tenant}/orders"), Some(body)).await
}

/// Delivers `body` to `acme/orders` as the message `id`.
pub(crate) async fn send_order(subject: &Subject, id: &str, body: &Value) -> Answered {
    orders("/hooks/acme/orders").send(subject, id, body.to_string().as_bytes()).await
}

pub(crate) fn orders(path: &str) -> Sender<'_> {
    Sender::new(path, Scheme::StandardWebhooks)
}

/// What the provider was sent: the idempotency key and the body of each request.
pub(crate) async fn sent(provider: &MockServer) -> Vec<(String, String)> {
    let requests = provider.received_requests().await.unwrap();
    let sent = |request: &wiremock::Request| {
        let key = request.headers["idempotency-key"].to_str().unwrap().to_owned();
        (key, String::from_utf8(request.body.clone()).unwrap())
    };
    requests.iter().map(sent).collect()
}

/// The members `n` of the bodies that the provider was sent.
pub(crate) async fn numbers(provider: &MockServer) -> Vec<u64> {
    let number =
        |(_, body): (String, String)| serde_json::from_str::<Value>(&body).unwrap()["n"].as_u64().unwrap();
    sent(provider).await.into_iter().map(number).collect()
}
