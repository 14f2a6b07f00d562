//! How fast redaction and its scan go over the fixtures that are bundled:
//! `cargo run --release -p counterpart-exchange --example redaction_speed`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement fails loudly, is printed, and is one of real time"
)]

use counterpart_exchange::redaction::{Scan, redact};
use counterpart_exchange::{Fixture, ProviderProfile};
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: u32 = 20;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let (mut bytes, mut redacting, mut scanning) = (0, Duration::MAX, Duration::MAX);
    let mut fixtures = Vec::new();
    for folder in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(profile) = ProviderProfile::read(&folder.join("provider.yaml")) else { continue };
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|end| end == "yaml") && !path.ends_with("provider.yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                bytes += text.len();
                fixtures.push((Fixture::read(&path).unwrap(), text, profile.clone()));
            }
        }
    }
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for (fixture, _, profile) in &fixtures {
            std::hint::black_box(redact(fixture.exchanges.clone(), profile, &[]));
        }
        redacting = redacting.min(began.elapsed());
        let began = Instant::now();
        for (fixture, text, profile) in &fixtures {
            let scan = Scan::new(profile, &[]);
            std::hint::black_box((scan.fixture(fixture), scan.raw(text)));
        }
        scanning = scanning.min(began.elapsed());
    }
    println!(
        "{} fixtures, {bytes} bytes: redacted in {redacting:?}, scanned in {scanning:?}",
        fixtures.len()
    );
}
