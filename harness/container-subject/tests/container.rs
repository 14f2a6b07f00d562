//! Containers that start, fail, are started again, and are gone in the end.
//!
//! They need a Docker engine, and an image with bash in it to build on: `COUNTERPART_TEST_BASE_IMAGE`, by default
//! `debian:bookworm-slim`. Without an engine they say `SKIPPED`; `COUNTERPART_REQUIRE_DOCKER=1` makes that a failure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_container_subject::ContainerLaunch;
use counterpart_subject::{ContainerSpec, Launch, LaunchRequest, Running, Variables};
use jiff::Timestamp;
use std::collections::HashMap;
use std::io::Write;
use tempfile::TempDir;
use testcontainers::bollard::query_parameters::ListContainersOptionsBuilder;
use testcontainers::core::client::docker_client_instance;

/// Tells how often it was started, and ends when it is asked to.
const COUNTING: &str = r#"trap "exit 0" TERM
echo x >>/data/starts
mapfile -t starts </data/starts
echo "{{\"starts\": ${{#starts[@]}}, \"tenant\": \"$TENANT\", \"clock\": \"$CLOCK\"}}"
echo "ready to serve" >&2
while :; do read -r -t 1 <> <(:); done"#;

/// A folder to build an image from that runs bash.
struct Context {
    folder: TempDir,
    name: &'static str,
}

impl Context {
    /// It, where there is an engine; else that was said.
    async fn for_test(name: &'static str) -> Option<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let context = Self { folder: tempfile::Builder::new().prefix(name).tempdir().unwrap(), name };
        context.write("ARG BASE\nFROM ${BASE}\nENTRYPOINT [\"/bin/bash\", \"-c\"]\n");
        let Some(why) = context.launch(&["true"], "").cannot_launch().await else { return Some(context) };
        let told = format!("SKIPPED {name}: {why}");
        assert!(std::env::var_os("COUNTERPART_REQUIRE_DOCKER").is_none(), "{told}");
        let _ = writeln!(std::io::stderr(), "{told}");
        None
    }

    fn write(&self, containerfile: &str) {
        std::fs::write(self.folder.path().join("Containerfile"), containerfile).unwrap();
    }

    fn launch(&self, run: &[&str], rest: &str) -> ContainerLaunch {
        let base = std::env::var("COUNTERPART_TEST_BASE_IMAGE").unwrap_or("debian:bookworm-slim".to_owned());
        let text = format!("build = \".\"\nargs = {{ BASE = {base:?} }}\nport = 8080\nrun = {run:?}\n{rest}");
        let spec: ContainerSpec = toml::from_str(&text).unwrap();
        ContainerLaunch::new(spec, self.folder.path().to_owned()).unwrap()
    }

    async fn started(&self, run: &[&str], rest: &str) -> Result<Box<dyn Running>, String> {
        let launched = self.launch(run, rest).launch(request()).await;
        launched
            .map_err(|error| error.to_string().replace(&self.folder.path().display().to_string(), "CONTEXT"))
    }

    /// Containers of the image that was built here, running or not.
    async fn left(&self) -> usize {
        let docker = docker_client_instance().await.unwrap();
        let all = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&HashMap::from([("label", vec!["counterpart.subject"])]));
        let found = docker.list_containers(Some(all.build())).await.unwrap();
        let marker = self.folder.path().display().to_string();
        found.iter().filter(|one| one.labels.iter().flatten().any(|(_, value)| *value == marker)).count()
    }
}

fn request() -> LaunchRequest {
    let mut variables = Variables::default();
    variables.set("tenant", "tenant-1");
    LaunchRequest { seed: 1, clock_start: Timestamp::UNIX_EPOCH, variables }
}

fn later() -> Timestamp {
    Timestamp::from_second(60).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_started_again_on_the_same_data_and_is_gone_in_the_end() {
    let Some(context) = Context::for_test("started_again").await else { return };
    let rest = "data = \"/data\"\nready = { line = \"^ready to\" }\nenv = { TENANT = \"{tenant}\", CLOCK = \"{clock_start}\", NONE = \"{none?}\" }";
    let mut running = context.started(&[COUNTING], rest).await.unwrap();
    running.restart(later()).await.unwrap();
    running.kill(later()).await.unwrap();
    let printed: Vec<String> = running.printed_records().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(printed.join("\n"), @r#"
    {"starts":1,"tenant":"tenant-1","clock":"1970-01-01T00:00:00Z"}
    {"starts":2,"tenant":"tenant-1","clock":"1970-01-01T00:01:00Z"}
    {"starts":3,"tenant":"tenant-1","clock":"1970-01-01T00:01:00Z"}
    "#);
    assert!(running.last_lines().contains(&"ready to serve".to_owned()), "{:?}", running.last_lines());
    assert_eq!(running.has_ended(), None);
    let (name, data) = running.names().remove(0);
    assert_eq!(name, "data");
    let starts = std::fs::read_to_string(std::path::Path::new(&data).join("starts")).unwrap();
    assert_eq!(starts, "x\nx\nx\n", "probes of files find here what it wrote there");
    assert_eq!(context.left().await, 1, "the former ones are gone");
    running.end().await.unwrap();
    assert_eq!(context.left().await, 0, "{} is left", context.name);
    assert!(running.restart(later()).await.is_ok());
    drop(running);
    assert_eq!(context.left().await, 0, "a dropped one is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_to_run_is_told_with_its_last_lines_and_leaves_nothing() {
    let Some(context) = Context::for_test("does_not_run").await else { return };
    let mut told = Vec::new();
    for (run, rest) in [
        ("echo no database >&2; exit 3", ""),
        ("echo waiting; read -r -t 100 <> <(:)", "within = \"1s\""),
        ("echo waiting; read -r -t 100 <> <(:)", "within = \"1s\"\nready = { line = \"never\" }"),
        ("true", "env = { A = \"{nothing}\" }"),
        ("true", "ready = { line = \"(\" }"),
    ] {
        let error = context.started(&[run], rest).await.err().unwrap();
        let (before, name) = error.split_once("counterpart-subject-").unwrap_or((&error, ""));
        told.push(match name.split_once(':') {
            Some((_, after)) => format!("{before}IMAGE:{after}"),
            None => error,
        });
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    the subject does not run: the container of IMAGE:built ended with exit code 3 before it was ready; its last lines:
      | no database
    the subject does not run: the container of IMAGE:built was not ready within 1s: nothing answers HTTP on its port 8080; let it listen on all addresses of the container, say with `ready` how it is seen, or give it longer with `within`; its last lines:
      | waiting
    the subject does not run: the container of IMAGE:built was not ready within 1s: no line fits "never"; let it listen on all addresses of the container, say with `ready` how it is seen, or give it longer with `within`; its last lines:
      | waiting
    the subject does not run: env.A: {nothing} in "{nothing}" has no value; there are: clock_start, port, seed, tenant; it printed nothing
    the subject does not run: `ready = { line = "(" }` is no regular expression: regex parse error:
        (
        ^
    error: unclosed group; it printed nothing
    "#);
    context.write("ARG BASE\nFROM ${BASE}\nRUN exit 7\n");
    let built = context.started(&["true"], "").await.err().unwrap();
    assert!(
        built.contains("no image could be built by CONTEXT/./Containerfile") && built.contains('7'),
        "{built}"
    );
    std::fs::remove_file(context.folder.path().join("Containerfile")).unwrap();
    let missing = context.started(&["true"], "").await.err().unwrap();
    assert!(missing.contains("there is no such file"), "{missing}");
    assert_eq!(context.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_nobody_has_is_told() {
    if Context::for_test("no_such_image").await.is_none() {
        return;
    }
    let spec = toml::from_str("image = \"127.0.0.1:9/nobody/has:1\"\nport = 8080").unwrap();
    let launch = ContainerLaunch::new(spec, "/".into()).unwrap();
    let told = launch.launch(request()).await.err().unwrap().to_string();
    assert!(
        told.contains("no container of 127.0.0.1:9/nobody/has:1 could be started: failed to pull"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stand_in_listens_where_the_container_reaches_it_and_nowhere_else() {
    let Some(context) = Context::for_test("provider_host").await else { return };
    let host = context.launch(&["true"], "").provider_host().await.unwrap();
    assert!(!host.listen.is_unspecified(), "{host:?}");
    assert_eq!(host.listen.is_loopback(), host.name.is_some(), "{host:?}");
    if host.name.is_some() {
        return;
    }
    let listener = tokio::net::TcpListener::bind((host.listen, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let run =
        format!("exec 3<>/dev/tcp/{}/{} && echo reached; read -r -t 100 <&3", address.ip(), address.port());
    let running = context.started(&[&run], "ready = { line = \"reached\" }\nwithin = \"20s\"").await.unwrap();
    assert!(listener.accept().await.is_ok());
    drop(running);
}
