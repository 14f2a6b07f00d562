//! The runtime's HTTP interface, as far as the proofs use it.

use crate::clock;
use crate::events::WORKSPACE;
use crate::oracle::Record;
use crate::process::Process;
use counterpart_signatures::Scheme;
use serde_json::{Value, json};
use std::sync::Once;
use std::time::Duration;

/// 32 bytes that only this test signs with.
pub(crate) const SECRET: &str = "whsec_Y291bnRlcnBhcnQtcmVsaWFiaWxpdHktdGVzdHMtMzI=";
/// An answer of the runtime is there within this, or never.
const ANSWER: Duration = Duration::from_secs(10);

/// Crashes hit the same work again and again, and the destination refuses some.
const HELD_FOR: [&str; 2] = ["poisoned", "refused"];

/// A client without any proxy.
pub(crate) fn client() -> reqwest::Client {
    static CRYPTOGRAPHY: Once = Once::new();
    CRYPTOGRAPHY.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().timeout(ANSWER).build().unwrap()
}

/// A connection of a tenant: where a vendor delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) tenant: &'static str,
    pub(crate) name: &'static str,
    pub(crate) work: Work,
}

/// What a runtime does with the events of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It forwards them to the destination.
    Forward,
    /// The same, those of one account in order.
    ForwardInOrder,
    /// They are messages of Slack, and it makes a record of each itself.
    Apply,
}

impl Connection {
    /// Makes it known: webhooks are taken.
    pub(crate) async fn put(&self, runtime: &str, destination: &str) {
        let scheme = self.scheme().name();
        let (provider, webhook) = match self.work {
            Work::Apply => ("slack", json!({ "scheme": scheme, "secret": SECRET, "account": WORKSPACE })),
            Work::Forward | Work::ForwardInOrder => {
                let order_by = (self.work == Work::ForwardInOrder).then_some("/account");
                let webhook = json!({
                    "scheme": scheme, "secret": SECRET, "forward": "/items", "order_by": order_by,
                    "max_per_second": null, "burst": null,
                });
                ("http", webhook)
            }
        };
        let body = json!({
            "provider": provider, "base_url": destination, "access_token": "t", "webhook": webhook,
        });
        let url = format!("{runtime}/connections/{}/{}", self.tenant, self.name);
        let response = client().put(url).json(&body).send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{self:?}: {status}: {}", response.text().await.unwrap());
    }

    /// How its deliveries are signed.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.work {
            Work::Apply => Scheme::Slack,
            Work::Forward | Work::ForwardInOrder => Scheme::StandardWebhooks,
        }
    }

    pub(crate) fn hook(&self, runtime: &str) -> String {
        format!("{runtime}/hooks/{}/{}", self.tenant, self.name)
    }
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) unfinished: u64,
    pub(crate) held: u64,
}

/// None while it cannot say: its database may be away.
pub(crate) async fn queue(process: &Process) -> Option<Queue> {
    let answer = get(process, "/queue").await.ok()?;
    let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("no {name}: {answer}"));
    Some(Queue { unfinished: count("unfinished"), held: count("held") })
}

/// What the runtime wrote itself.
pub(crate) async fn records(process: &Process, tenants: &[&str]) -> Vec<Record> {
    let mut records = Vec::new();
    for tenant in tenants {
        let answer = get(process, &format!("/destination/messages?tenant={tenant}")).await.unwrap();
        let rows = answer["records"].as_array().unwrap_or_else(|| panic!("{answer}"));
        records.extend(rows.iter().map(|row| Record {
            tenant: (*tenant).to_owned(),
            key: row["event_id"].as_str().unwrap_or_default().to_owned(),
            content: row.clone(),
        }));
    }
    records
}

/// The names of what is logged, oldest first.
pub(crate) async fn log_events(process: &Process) -> Vec<String> {
    let answer = get(process, "/log").await.unwrap();
    let lines = answer["lines"].as_array().unwrap_or_else(|| panic!("{answer}"));
    lines.iter().filter_map(|line| line["event"].as_str()).map(str::to_owned).collect()
}

pub(crate) async fn is_healthy(process: &Process) -> bool {
    let asked = client().get(format!("{}/health", process.url())).send().await;
    asked.is_ok_and(|response| response.status().is_success())
}

/// Waits until nothing is left to do. What is held is released; a hold for a reason that no proof gives fails the test.
pub(crate) async fn drained(process: &Process, tenants: &[&str], limit: Duration) {
    let watch = clock::Stopwatch::start();
    loop {
        let queue = queue(process).await;
        match queue {
            Some(Queue { unfinished: 0, held: 0 }) => return,
            Some(Queue { held: 1.., .. }) => {
                for tenant in tenants {
                    let held = holds(process, tenant).await.unwrap();
                    let other = held.iter().find(|reason| !HELD_FOR.contains(&reason.as_str()));
                    assert!(other.is_none(), "held for a reason that nothing here gives: {held:?}");
                    release(process.url(), tenant).await.unwrap();
                }
            }
            _ => {}
        }
        if watch.elapsed() > limit {
            let left = unfinished_runs(process, tenants).await;
            panic!("not drained within {limit:?}: {queue:?}\n{}\n{}", left.join("\n"), process.log());
        }
        clock::pause(Duration::from_millis(20)).await;
    }
}

/// What is left, for whoever reads of a failure.
async fn unfinished_runs(process: &Process, tenants: &[&str]) -> Vec<String> {
    let mut left = Vec::new();
    for tenant in tenants {
        let answer = get(process, &format!("/runs?tenant={tenant}")).await.unwrap_or_else(Value::String);
        let runs = answer["runs"].as_array().cloned().unwrap_or_default();
        left.extend(runs.iter().filter(|run| run["state"] != "succeeded").map(ToString::to_string));
    }
    left.truncate(20);
    left
}

/// Why a tenant's work is held.
async fn holds(process: &Process, tenant: &str) -> Result<Vec<String>, String> {
    let answer = get(process, &format!("/holds?tenant={tenant}")).await?;
    let holds = answer["holds"].as_array().ok_or_else(|| answer.to_string())?;
    Ok(holds.iter().map(|hold| hold["reason"].as_str().unwrap_or_default().to_owned()).collect())
}

/// Lets all held work of a tenant go on.
pub(crate) async fn release(runtime: &str, tenant: &str) -> Result<(), String> {
    let body = json!({ "tenant": tenant, "how": "all" });
    let told = |error: reqwest::Error| error.to_string();
    let url = format!("{runtime}/holds/release");
    let response = client().post(url).json(&body).send().await.map_err(told)?;
    let status = response.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("{status}: {}", response.text().await.map_err(told)?))
    }
}

async fn get(process: &Process, path: &str) -> Result<Value, String> {
    let told = |error: reqwest::Error| format!("{path}: {error}");
    let response = client().get(format!("{}{path}", process.url())).send().await.map_err(told)?;
    let status = response.status();
    let text = response.text().await.map_err(told)?;
    if !status.is_success() {
        return Err(format!("{path}: {status}: {text}"));
    }
    serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
}
