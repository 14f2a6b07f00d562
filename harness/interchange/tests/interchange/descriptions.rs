//! Formats that describe requests: what each part of a sample comes to, and what is told as lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::{Body, Headers};
use counterpart_interchange::{Format, Imported, import};
use std::fmt::Write;
use std::path::Path;

fn sample(name: &str) -> Imported {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
    let format: Format = name.split('-').next().unwrap().parse().unwrap();
    import(format, &path, &std::fs::read(&path).unwrap()).unwrap()
}

fn shown(imported: &Imported) -> String {
    let mut out = String::new();
    let message = |out: &mut String, headers: &Headers, body: &Body| {
        for (name, values) in headers.iter() {
            values.iter().for_each(|value| write!(out, " [{name}: {value}]").unwrap());
        }
        match body {
            Body::None => {}
            Body::Json(json) => write!(out, " json {json}").unwrap(),
            Body::Form(fields) => write!(out, " form {fields:?}").unwrap(),
            Body::Text(text) => write!(out, " text {text:?}").unwrap(),
            Body::Binary(bytes) => write!(out, " {} bytes", bytes.len()).unwrap(),
            Body::Omitted { size_bytes } => write!(out, " omitted({size_bytes})").unwrap(),
        }
    };
    for exchange in &imported.exchanges {
        let request = &exchange.request;
        write!(out, "{} {}", request.method, request.target).unwrap();
        message(&mut out, &request.headers, &request.body);
        match &exchange.response {
            None => write!(out, " -> none").unwrap(),
            Some(response) => {
                write!(out, " -> {}", response.status).unwrap();
                message(&mut out, &response.headers, &response.body);
            }
        }
        if exchange.ended != counterpart_exchange::Ended::Complete {
            write!(out, " ({:?})", exchange.ended).unwrap();
        }
        if exchange.latency_ms > 0 {
            write!(out, " after {} ms", exchange.latency_ms).unwrap();
        }
        out.push('\n');
    }
    for loss in &imported.losses {
        writeln!(out, "! {loss}").unwrap();
    }
    for warning in &imported.warnings {
        writeln!(out, "? {warning}").unwrap();
    }
    out
}

#[test]
fn wiremock_matchers() {
    insta::assert_snapshot!(shown(&sample("wiremock-matchers.json")));
}

#[test]
fn wiremock_answers() {
    insta::assert_snapshot!(shown(&sample("wiremock-answers.json")));
}

/// The rest of such a scenario lies in another file.
#[test]
fn a_part_of_a_scenario_is_no_sequence() {
    for states in [r#""requiredScenarioState": "second""#, r#""newScenarioState": "second""#] {
        let text =
            format!(r#"{{"scenarioName": "s", {states}, "request": {{"url": "/"}}, "response": {{}}}}"#);
        let imported = import(Format::Wiremock, Path::new("f.json"), text.as_bytes()).unwrap();
        let told = imported.losses.iter().any(|loss| loss.what.starts_with("the states of the scenario"));
        assert!(told, "{:?}", imported.losses);
    }
}

#[test]
fn hoverfly() {
    insta::assert_snapshot!(shown(&sample("hoverfly-v5.json")));
}

#[test]
fn postman() {
    insta::assert_snapshot!(shown(&sample("postman-v2.1.json")));
}

#[test]
fn pact_2() {
    insta::assert_snapshot!(shown(&sample("pact-v2.json")));
}

#[test]
fn pact_3() {
    insta::assert_snapshot!(shown(&sample("pact-v3.json")));
}

#[test]
fn pact_4() {
    insta::assert_snapshot!(shown(&sample("pact-v4.json")));
}
