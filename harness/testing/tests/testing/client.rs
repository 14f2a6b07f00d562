//! A small client of the recorded room: it pages, refreshes its token once, and waits on a virtual clock if it has one.

use counterpart_testing::{TestStandIn, VirtualClock};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const ALIAS: &str = "/_matrix/client/v3/directory/room/%23history%3Atest.local";
const MESSAGES: &str =
    "/_matrix/client/v3/rooms/%218TJ7sLp3WO9odmaClpL-EbfFRHnXrpoO0Z3kYoVPEa0/messages?dir=b&limit=10";

/// A client without proxies, retries and time-outs.
pub(crate) fn http() -> reqwest::Client {
    http_builder().build().unwrap()
}

pub(crate) fn http_builder() -> reqwest::ClientBuilder {
    // Another test of this process may have done so already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // No connection waits for the next request: rule 9 of the clock protocol.
    reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).retry(reqwest::retry::never())
}

/// The status of a GET.
pub(crate) async fn status(base_url: &str, target: &str, token: &str) -> u16 {
    let answer = http().get(format!("{base_url}{target}")).bearer_auth(token).send().await.unwrap();
    answer.status().as_u16()
}

/// The code under test: reads all pages, and waits a minute where the provider errs.
pub(crate) struct Importer {
    pub(crate) base_url: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) clock: Option<VirtualClock>,
    http: reqwest::Client,
}

impl Importer {
    pub(crate) fn of(provider: &TestStandIn) -> Self {
        Self {
            base_url: provider.base_url().to_owned(),
            access_token: provider.access_token(),
            refresh_token: provider.credentials().refresh_token.unwrap(),
            clock: None,
            http: http(),
        }
    }

    /// All messages, oldest last.
    pub(crate) async fn import(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut from = String::new();
        loop {
            let page = self.get(&format!("{MESSAGES}{from}")).await;
            all.extend(page["chunk"].as_array().unwrap().iter().cloned());
            let Some(end) = page["end"].as_str() else { return all };
            from = format!("&from={end}");
        }
    }

    async fn get(&mut self, target: &str) -> Value {
        loop {
            let ask = self.http.get(format!("{}{target}", self.base_url)).bearer_auth(&self.access_token);
            let asked = async {
                let answer = ask.send().await.ok()?;
                Some((answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default()))
            };
            match self.timed(asked).await {
                Some((200, page)) => return page,
                Some((401, _)) => self.refresh().await,
                _ => match &self.clock {
                    Some(clock) => clock.sleep(Duration::from_secs(60)).await,
                    None => panic!("the provider errs"),
                },
            }
        }
    }

    async fn refresh(&mut self) {
        let body = json!({ "refresh_token": self.refresh_token });
        let ask = self.http.post(format!("{}/_matrix/client/v3/refresh", self.base_url)).json(&body);
        let asked = async { ask.send().await.ok()?.json::<Value>().await.ok() };
        let granted = self.timed(asked).await.unwrap();
        self.access_token = granted["access_token"].as_str().unwrap().to_owned();
        self.refresh_token = granted["refresh_token"].as_str().unwrap().to_owned();
    }

    async fn timed<T>(&self, asked: impl Future<Output = Option<T>>) -> Option<T> {
        match &self.clock {
            Some(clock) => clock.request(Duration::from_secs(10), asked).await.ok().flatten(),
            None => asked.await,
        }
    }
}
