//! Real mappings of WireMock's, each held against a parse of its own: they stand in a folder beside the repository.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test"
)]

use counterpart_exchange::{Fixture, Provenance, Written};
use counterpart_interchange::export::{export_har, export_pact, export_wiremock};
use counterpart_interchange::{Format, import, import_har, import_pact, import_wiremock};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::var_os("COUNTERPART_REAL_RECORDINGS")
        .map_or_else(|| repository.join("../shared/real"), PathBuf::from);
    let folder = root.join("wiremock-mappings");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there are no real recordings at {}", folder.display());
    None
}

/// What a file holds: mappings that answer, and those that have no answer of their own. Nothing where it holds none.
fn counted(text: &str) -> Option<(usize, usize)> {
    // One file has a comment behind a value.
    let without_comments: String = text
        .lines()
        .map(|line| {
            line.split(", //").next().unwrap().to_owned() + if line.contains(", //") { "," } else { "" }
        })
        .collect();
    let value: Value = serde_json::from_str(&without_comments).ok()?;
    let several = |key: &str| value.get(key).and_then(Value::as_array).cloned();
    let all = several("mappings").or(several("messageMappings")).unwrap_or_else(|| vec![value.clone()]);
    let answers =
        |one: &&Value| one.get("response").is_some_and(|response| response.get("proxyBaseUrl").is_none());
    let has_none =
        |one: &&Value| one.get("trigger").is_some() || one.pointer("/response/proxyBaseUrl").is_some();
    let (kept, left_out) = (all.iter().filter(answers).count(), all.iter().filter(has_none).count());
    (kept + left_out > 0).then_some((kept, left_out))
}

#[test]
fn real_mappings_come_in_as_many_as_there_are() {
    let Some(folder) = folder() else { return };
    let (mut files, mut exchanges, mut refused) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let expected = counted(&String::from_utf8(bytes.clone()).unwrap());
        match (import(Format::Wiremock, &path, &bytes), expected) {
            (Ok(imported), Some((kept, left_out))) => {
                assert_eq!(imported.exchanges.len(), kept, "{}", path.display());
                let told = imported.losses.iter().filter(|loss| loss.what.starts_with("all of it")).count();
                assert_eq!(told, left_out, "{}: {:?}", path.display(), imported.losses);
                files += 1;
                exchanges += kept;
                let written = Provenance::Written(Written { after: "WireMock's own tests".into() });
                let fixture = Fixture {
                    provider: "p".into(),
                    flow: "f".into(),
                    provenance: written,
                    redacted: Default::default(),
                    exchanges: imported.exchanges,
                };
                let again = |text: &str| import_wiremock(&path, text).unwrap().exchanges;
                assert_eq!(again(&export_wiremock(&fixture).text), fixture.exchanges, "{}", path.display());
                assert_eq!(
                    import_har(&path, &export_har(&fixture).text).unwrap().exchanges,
                    fixture.exchanges
                );
                let pact = export_pact(&fixture, "shop").text;
                assert_eq!(import_pact(&path, &pact).unwrap().exchanges, fixture.exchanges);
            }
            (Err(error), None) => {
                let error = error.to_string();
                assert!(error.starts_with(&path.display().to_string()), "{error}");
                refused += 1;
            }
            (Ok(imported), None) => {
                panic!("{}: {} exchanges of nothing", path.display(), imported.exchanges.len())
            }
            (Err(error), Some(expected)) => panic!("{error}: expected {expected:?}"),
        }
    }
    assert!(files >= 15, "only {files} of {} files hold mappings", files + refused);
    eprintln!(
        "{files} files with {exchanges} exchanges came in, {refused} files that hold no mapping were refused"
    );
}
