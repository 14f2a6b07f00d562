//! Real recordings of other projects, where their folder is there: all that are whole are imported, as many exchanges as
//! another way of counting finds; the others are refused with file, place and reason.

use counterpart_interchange::{Format, ImportError, Imported, import};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder of real recordings, where there is one.
#[expect(clippy::print_stderr, reason = "a skipped test that says nothing looks like one that passed")]
fn recordings(of: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real");
    let root = std::env::var_os("COUNTERPART_REAL_RECORDINGS").map_or(beside, PathBuf::from);
    let folder = root.join(of);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there are no real recordings at {}", folder.display());
    None
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(format: Format, path: &Path) -> Result<Imported, ImportError> {
    import(format, path, &std::fs::read(path).unwrap())
}

/// Interactions of a cassette in YAML, counted by its lines: those that open like the first.
fn interactions_by_line(text: &str) -> usize {
    let opening = text.lines().find(|line| line.trim_start() == "- request:").unwrap();
    text.lines().filter(|line| *line == opening).count()
}

/// Every file of a folder of cassettes in YAML; the names of those that are refused.
fn cassettes(folder: &str, refused: &[&str]) {
    let Some(folder) = recordings(folder) else { return };
    let mut found = BTreeSet::new();
    for path in files(&folder, "yml") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match read(Format::Vcr, &path) {
            Ok(imported) => {
                assert_eq!(imported.exchanges.len(), interactions_by_line(&text), "{name}");
                assert!(!imported.exchanges.is_empty(), "{name}");
            }
            Err(error) => {
                let told = error.to_string();
                assert!(
                    told.starts_with(&path.display().to_string()) && told.contains("expected a cassette"),
                    "{told}"
                );
                found.insert(name);
            }
        }
    }
    assert_eq!(found, refused.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn cassettes_of_easypost_s() {
    cassettes("easypost-vcr-yaml", &[]);
}

#[test]
fn cassettes_of_contentful_s() {
    cassettes("contentful-vcr-yaml", &[]);
}

#[test]
fn cassettes_of_stripe_s_and_others_with_their_damage() {
    // Rows for a database, which happen to lie among the cassettes.
    cassettes(
        "stripe-vcr-yaml",
        &[
            "test__fixtures__pay__customers.yml",
            "test__fixtures__pay__subscriptions.yml",
            "test__fixtures__users.yml",
        ],
    );
}

#[test]
fn cassettes_of_github_s_in_json() {
    let Some(folder) = recordings("github-vcr-json") else { return };
    for path in files(&folder, "json") {
        let text = std::fs::read_to_string(&path).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let interactions = whole["http_interactions"].as_array().unwrap();
        let imported = read(Format::Vcr, &path).unwrap();
        assert_eq!(imported.exchanges.len(), interactions.len(), "{}", path.display());
        for (exchange, interaction) in imported.exchanges.iter().zip(interactions) {
            let response = exchange.response.as_ref().unwrap();
            assert_eq!(interaction["response"]["status"]["code"], response.status);
            let uri = interaction["request"]["uri"].as_str().unwrap();
            assert!(uri.ends_with(&exchange.request.target) || exchange.request.target == "/", "{uri}");
        }
    }
}

#[test]
fn hars_of_browsers_and_proxies() {
    let Some(folder) = recordings("har") else { return };
    let mut refused = Vec::new();
    for path in files(&folder, "har") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match read(Format::Har, &path) {
            Ok(imported) => {
                let text = std::fs::read_to_string(&path).unwrap();
                let whole: serde_json::Value =
                    serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
                let entries = whole["log"]["entries"].as_array().unwrap();
                assert_eq!(imported.exchanges.len(), entries.len(), "{name}");
            }
            Err(error) => {
                let told = error.to_string();
                assert!(
                    told.starts_with(&path.display().to_string()) && told.contains("expected a HAR"),
                    "{told}"
                );
                refused.push(name);
            }
        }
    }
    assert_eq!(refused, ["test__mitmproxy__data__corrupted_har__brokenfile.har"]);
    // The others are what mitmproxy makes of a HAR.
    for path in files(&folder, "json") {
        assert!(read(Format::Har, &path).is_err(), "{}", path.display());
    }
}
