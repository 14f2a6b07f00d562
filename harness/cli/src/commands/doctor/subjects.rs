//! The integrations under test: whether each comes to run and answers.

use super::finding::Finding;
use super::services::is_on_path;
use crate::subjects;
use counterpart_exchange::concealed;
use counterpart_subject::{
    ClockKind, HttpCall, LaunchRequest, LaunchSpec, ProbeName, Subject, SubjectSpec, Variables,
};
use jiff::Timestamp;
use std::time::Duration;

const CHECK: &str = "subject";
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn looked(specs: &[(&str, SubjectSpec)]) -> Vec<Finding> {
    let http = match reqwest::Client::builder().no_proxy().timeout(PATIENCE).build() {
        Ok(http) => http,
        Err(error) => {
            return vec![Finding::problem(
                CHECK,
                format!("no HTTP client can be made: {error}"),
                "try again",
            )];
        }
    };
    let mut findings = Vec::new();
    for (name, spec) in specs {
        findings.push(one(name, spec, http.clone()).await);
        findings.extend(rest_is_guessed(name, spec));
    }
    findings
}

/// Of a subject in real time that tells nothing of its work, rest can only be guessed.
fn rest_is_guessed(name: &str, spec: &SubjectSpec) -> Option<Finding> {
    let tells = spec.clock != ClockKind::Real || spec.is_batch() || spec.probe.contains_key(&ProbeName::Runs);
    (!tells).then(|| {
        Finding::warning(
            CHECK,
            format!(
                "`{name}` lives in real time and has no probe `runs`: it is taken to be at rest after a second without a \
                 request, whatever it still waits for"
            ),
            format!(
                "describe [subject.{name}.probe.runs] with `state` and `settled`, or the clock endpoints of \
                 docs/clock-protocol.md"
            ),
        )
    })
}

async fn one(name: &str, spec: &SubjectSpec, http: reqwest::Client) -> Finding {
    let kind = spec.launch.kind();
    let mend = match &spec.launch {
        LaunchSpec::Url(url) => {
            format!("start it, or mend [subject.{name}] launch.url = {:?}", concealed(url))
        }
        _ => format!("mend [subject.{name}] in counterpart.toml, or what it launches"),
    };
    match answers(name, spec, http).await {
        Ok(said) => Finding::ok(CHECK, format!("`{name}` ({kind}) {said}")),
        Err(why) => Finding::problem(CHECK, format!("`{name}` ({kind}): {why}"), mend),
    }
}

/// Launches it as a scenario would, and asks what it offers to be asked.
async fn answers(name: &str, spec: &SubjectSpec, http: reqwest::Client) -> Result<String, String> {
    let launch = subjects::launch(name, spec).map_err(|stop| format!("{:#}", stop.error))?;
    if let Some(why) = launch.cannot_launch().await {
        return Err(why);
    }
    let request = LaunchRequest { seed: 1, clock_start: Timestamp::UNIX_EPOCH, variables: variables(spec) };
    let told = |error: counterpart_subject::SubjectError| error.to_string();
    let subject = Subject::launch(spec.clone(), launch.as_ref(), request, http).await.map_err(told)?;
    let mut said = vec![match &spec.launch {
        LaunchSpec::Batch(batch) => can_be_run(&batch.run)?,
        _ => "runs".to_owned(),
    }];
    if spec.clock == ClockKind::Endpoint {
        subject.clock().await.map_err(told)?;
        said.push("its clock answers".to_owned());
    }
    if let Some(health) = &spec.health {
        let version = subject.version().await.ok_or_else(|| {
            format!(
                "GET {health} does not answer with JSON in which `version` is a text, as `health` promises"
            )
        })?;
        said.push(format!("version {version}"));
    } else if matches!(spec.launch, LaunchSpec::Url(_)) && spec.clock != ClockKind::Endpoint {
        // Any answer will do: nothing is known of its paths.
        subject.call_once(&HttpCall { call: "GET /".to_owned(), json: None }).await.map_err(told)?;
        said.push("answers".to_owned());
    }
    Ok(said.join(", "))
}

/// A batch runs at a trigger alone, which would need a provider. A program that is named by a path is looked for when it is
/// run.
fn can_be_run(words: &[String]) -> Result<String, String> {
    match words.first() {
        Some(program) if program.contains(['/', '\\', '{']) => Ok(format!("runs {program} at each trigger")),
        Some(program) if is_on_path(program) => {
            Ok(format!("runs {program}, which is installed, at each trigger"))
        }
        Some(program) => Err(format!("its program {program:?} is not on the PATH")),
        None => Err("`run` names no program".to_owned()),
    }
}

/// What a launch may speak of. The provider is an address at which nobody is, and credentials open nothing.
fn variables(spec: &SubjectSpec) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in [
        ("tenant", "doctor"),
        ("provider", "doctor"),
        ("base_url", "http://127.0.0.1:9"),
        ("access_token", "none"),
        ("clock_start", "1970-01-01T00:00:00Z"),
    ] {
        variables.set(name, value);
    }
    let described = serde_json::to_string(spec).unwrap_or_default();
    // Placeholders of some fixture: `{api_key:1}`. A port is the launch's to give.
    let names = described.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    for name in names.filter(|name| name.contains(':') && !name.contains('"') && !name.starts_with("port:")) {
        variables.set(name, "none");
    }
    variables
}
