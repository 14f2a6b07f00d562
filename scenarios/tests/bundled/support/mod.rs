//! Plays bundled scenarios against the bundled runtime, known bugs switched on where asked for.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Library;
use counterpart_outcome::ScenarioOutcome;
use counterpart_reference_subject::{Plant, ReferenceLaunch, spec};
use counterpart_scenario::{
    Catalogue, Plan, Planner, RunOptions, Runner, Selected, Selection, SnapshotMode, select,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The names of all bundled scenarios.
pub(crate) fn names() -> Vec<String> {
    plans(None).into_iter().map(|plan| plan.name).collect()
}

/// The outcomes of the scenarios whose names fit.
pub(crate) fn play(filter: Option<&str>, plants: &[Plant]) -> Vec<ScenarioOutcome> {
    play_plans(&plans(filter), plants)
}

/// The scenarios whose names fit, ready to be played.
pub(crate) fn plans(filter: Option<&str>) -> Vec<Plan> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = Library::new(root.join("../fixtures"));
    let catalogue = Catalogue::read(&root.join("catalogue.yaml")).unwrap();
    let subject = spec();
    let mut planner = Planner::new(&library, &catalogue, &subject);
    let selection = Selection { paths: Vec::new(), filter: filter.map(str::to_owned) };
    let selected = select(root, &selection).unwrap();
    assert!(!selected.is_empty(), "no scenario fits {filter:?}");
    let read = |one: &Selected| planner.plans(&relative(&one.path), &one.name).unwrap();
    selected.iter().flat_map(read).filter(|plan| selection.takes(&plan.name)).collect()
}

/// What comes of plans.
pub(crate) fn play_plans(plans: &[Plan], plants: &[Plant]) -> Vec<ScenarioOutcome> {
    // Another test of this process may have done so already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let launch = ReferenceLaunch { plants: BTreeSet::from_iter(plants.iter().copied()) };
    let options = RunOptions { seed: 1, snapshots: snapshots(plants), tenants: "tenant".to_owned() };
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let runner = Runner::new(spec(), &launch, http, options);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    tokio.block_on(async {
        let mut outcomes = Vec::with_capacity(plans.len());
        for plan in plans {
            outcomes.push(runner.run(plan).await);
        }
        outcomes
    })
}

/// What differs waits for review, as with `counterpart run`, so that `cargo insta review` finds it too. In CI nobody reviews,
/// nor what a planted bug left behind, nor where insta is told to write nothing.
fn snapshots(plants: &[Plant]) -> SnapshotMode {
    let is = |name: &str, not: &[&str]| std::env::var(name).is_ok_and(|value| !not.contains(&value.as_str()));
    let in_ci = is("CI", &["", "false"]);
    let writes_none = std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "no");
    match in_ci || writes_none || !plants.is_empty() {
        true => SnapshotMode::ReportOnly,
        false => SnapshotMode::WritePending,
    }
}

/// Messages tell paths as they are given: here, from this crate's folder.
fn relative(path: &Path) -> PathBuf {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).to_owned()
}
