//! A runtime with a test clock, a provider to import from, and a driver of virtual time.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "tests; each file uses a part")]

pub(crate) mod hooks;
pub(crate) mod provider;
pub(crate) mod raw;
pub(crate) mod tls;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use counterpart_reference_runtime::{ClockMode, Plant, Runtime, RuntimeConfig, StartError};
use counterpart_test_postgres::TestPostgres;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where every test begins: a Monday.
pub(crate) const START: &str = "2026-01-05T00:00:00Z";

/// Secret enough to be looked for where it must not be.
pub(crate) const ACCESS_TOKEN: &str = "syt_first_access";
pub(crate) const REFRESH_TOKEN: &str = "syr_first_refresh";

/// Polls before a test gives up waiting for quiet.
const MAX_POLLS: u32 = 20_000;

pub(crate) struct Subject {
    runtime: Runtime,
    pub(crate) directory: TempDir,
    /// `None`: SQLite, in the directory.
    database: Option<TestPostgres>,
    http: reqwest::Client,
    plants: BTreeSet<Plant>,
}

pub(crate) fn install_tls() {
    // The first test of the process wins; the others find it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

pub(crate) fn config(data_dir: &Path, start: Timestamp, plants: BTreeSet<Plant>) -> RuntimeConfig {
    RuntimeConfig {
        clock: ClockMode::Test { start },
        plants,
        seed: 7,
        drain: Duration::ZERO,
        ..RuntimeConfig::new(data_dir.to_path_buf())
    }
}

pub(crate) async fn start() -> Subject {
    start_with(&[]).await
}

pub(crate) async fn start_with(plants: &[Plant]) -> Subject {
    start_as(plants, None).await
}

/// The runtime with room for so many unfinished runs.
pub(crate) async fn start_bounded(most_unfinished: u32) -> Subject {
    start_as(&[], Some(most_unfinished)).await
}

async fn start_as(plants: &[Plant], most_unfinished: Option<u32>) -> Subject {
    install_tls();
    let directory = tempfile::tempdir().unwrap();
    let plants: BTreeSet<_> = plants.iter().copied().collect();
    // `on_postgres.rs` takes tests in once more. Without a server they say so, and run as they do anyway.
    let is_on_postgres = module_path!().starts_with("on_postgres::");
    let database = is_on_postgres.then(|| TestPostgres::for_test("runtime")).flatten();
    let config = on(database.as_ref(), config(directory.path(), START.parse().unwrap(), plants.clone()));
    let most_unfinished = most_unfinished.unwrap_or(config.most_unfinished);
    let runtime = Runtime::start(RuntimeConfig { most_unfinished, ..config }).await.unwrap();
    Subject { runtime, directory, database, http: client(), plants }
}

/// The same on a database that processes share. There a lease decides when one is lost: at once, while time stands still.
fn on(database: Option<&TestPostgres>, config: RuntimeConfig) -> RuntimeConfig {
    match database {
        Some(database) => {
            RuntimeConfig { database: Some(database.url().to_owned()), lease: SignedDuration::ZERO, ..config }
        }
        None => config,
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Subject {
    /// Stops the runtime and starts it again on the same data, at the instant at which it stopped.
    pub(crate) async fn restart(self) -> Self {
        let now = self.now().await;
        let Self { runtime, directory, database, plants, .. } = self;
        runtime.shutdown().await;
        let config = on(database.as_ref(), config(directory.path(), now, plants.clone()));
        let runtime = Runtime::start(config).await.unwrap();
        Self { runtime, directory, database, http: client(), plants }
    }

    /// Starts again on the same data without the known bugs.
    pub(crate) async fn mend(mut self) -> Self {
        self.plants.clear();
        self.restart().await
    }

    /// Drops everything at once, as when the process dies, and starts again on the same data.
    pub(crate) async fn crash(self) -> Self {
        let now = self.now().await;
        let Self { runtime, directory, database, http, plants } = self;
        drop((runtime, http));
        for _ in 0..MAX_POLLS {
            // The data is in use until the last task of what was dropped is gone.
            let config = on(database.as_ref(), config(directory.path(), now, plants.clone()));
            match Runtime::start(config).await {
                Ok(runtime) => return Self { runtime, directory, database, http: client(), plants },
                Err(StartError::DataDir { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the data stays in use");
    }

    pub(crate) async fn shutdown(self) -> TempDir {
        self.runtime.shutdown().await;
        self.directory
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.runtime.address())
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.url());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A probe's list for the tenant `acme`.
    pub(crate) async fn list(&self, path: &str, key: &str) -> Vec<Value> {
        let path = if path == "/log" { path.to_owned() } else { format!("{path}?tenant=acme") };
        self.get(&path).await[key].as_array().unwrap().clone()
    }

    /// A probe's list for any tenant.
    pub(crate) async fn list_of(&self, tenant: &str, path: &str, key: &str) -> Vec<Value> {
        self.get(&format!("{path}?tenant={tenant}")).await[key].as_array().unwrap().clone()
    }

    /// Posts `body`, which must be taken.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The lines of the log that tell of one of `events`.
    pub(crate) async fn lines(&self, events: &[&str]) -> Vec<Value> {
        let is_one = |line: &Value| events.contains(&line["event"].as_str().unwrap());
        self.list("/log", "lines").await.into_iter().filter(is_one).collect()
    }

    /// The ids of the holds that are open.
    pub(crate) async fn holds(&self) -> Vec<String> {
        let ids = self.column("/holds", "holds", "id").await;
        ids.into_iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn records(&self) -> Vec<Value> {
        self.list("/destination/messages", "records").await
    }

    /// One field of each row of a probe.
    pub(crate) async fn column(&self, path: &str, key: &str, field: &str) -> Vec<Value> {
        self.list(path, key).await.into_iter().map(|row| row[field].clone()).collect()
    }

    pub(crate) async fn bodies(&self) -> Vec<Value> {
        self.column("/destination/messages", "records", "body").await
    }

    pub(crate) async fn alerts(&self) -> Vec<Value> {
        self.column("/alerts", "alerts", "kind").await
    }

    pub(crate) async fn outcomes(&self) -> Vec<Value> {
        self.column("/audit", "entries", "outcome").await
    }

    pub(crate) async fn run(&self, run: usize) -> Value {
        self.list("/runs", "runs").await[run - 1].clone()
    }

    pub(crate) async fn state(&self, run: usize) -> String {
        self.run(run).await["state"].as_str().unwrap().to_owned()
    }

    /// Connects `acme/chat` to the provider at `base_url`.
    pub(crate) async fn connect(&self, base_url: &str) {
        self.connect_with(base_url, ACCESS_TOKEN, REFRESH_TOKEN).await;
    }

    pub(crate) async fn connect_with(&self, base_url: &str, access_token: &str, refresh_token: &str) {
        let body = json!({ "provider": "matrix", "base_url": base_url, "access_token": access_token,
                           "refresh_token": refresh_token });
        let (status, body) = self.call("PUT", "/connections/acme/chat", Some(body)).await;
        assert!(status == 201 || status == 200, "{body}");
    }

    pub(crate) async fn trigger(&self) {
        self.trigger_room("!room:example.org").await;
    }

    pub(crate) async fn trigger_room(&self, room: &str) {
        let body = json!({ "tenant": "acme", "connection": "chat", "room": room });
        let (status, body) = self.call("POST", "/integrations/chat-import/runs", Some(body)).await;
        assert_eq!(status, 202, "{body}");
    }

    /// Connects, triggers and settles.
    pub(crate) async fn import(&self, base_url: &str) {
        self.connect(base_url).await;
        self.trigger().await;
        self.settle().await;
    }

    pub(crate) async fn clock(&self) -> Value {
        self.get("/clock").await
    }

    pub(crate) async fn now(&self) -> Timestamp {
        self.clock().await["now"].as_str().unwrap().parse().unwrap()
    }

    /// How long the clock has gone since the start.
    pub(crate) async fn elapsed(&self) -> SignedDuration {
        self.now().await.duration_since(START.parse().unwrap())
    }

    pub(crate) async fn advance(&self, to: Timestamp) -> Value {
        let (status, state) = self.call("POST", "/clock/advance", Some(json!({ "to": to }))).await;
        assert_eq!(status, 200, "{state}");
        state
    }

    /// Polls until nothing is going on but `held` requests that the provider keeps waiting; then the clock's state.
    pub(crate) async fn quiet(&self, held: u64) -> Value {
        for _ in 0..MAX_POLLS {
            let state = self.clock().await;
            let outstanding = state["started"].as_u64().unwrap() - state["finished"].as_u64().unwrap();
            if state["busy"] == 0 && outstanding == held {
                return state;
            }
        }
        panic!("no quiet: {}", self.clock().await);
    }

    /// Lets time run until nothing is left to wait for.
    pub(crate) async fn settle(&self) {
        self.settle_for(SignedDuration::from_hours(24 * 365)).await;
    }

    /// Lets at most `duration` pass.
    pub(crate) async fn settle_for(&self, duration: SignedDuration) {
        let end = self.now().await + duration;
        while let Some(timer) = self.quiet(0).await["next_timer"].as_str() {
            let timer: Timestamp = timer.parse().unwrap();
            if timer > end {
                self.advance(end).await;
                return;
            }
            self.advance(timer).await;
        }
    }
}
