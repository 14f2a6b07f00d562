//! How well redaction does, measured: secrets of many kinds at many places, and what it takes from real recordings that is
//! no secret. The figures are printed (`--nocapture`), and a test fails below what is promised.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failed unwrap is a failed test, and what is skipped is said"
)]

mod places;
mod real;
mod secrets;

use counterpart_exchange::keep::{Destination, Kept, keep};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Exchange, Library, Provenance, Written};
use places::{PLACES, Place, can_be_read, planted};
use secrets::{Draw, LOWER, Planted, secrets};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// At least so many of those that are detected: the promise.
const MIN_DETECTED: f64 = 0.98;

/// Everything that keeping exchanges leaves on the disk, as one text; what it says where it refuses.
fn kept(exchanges: Vec<Exchange>, profile: &str, known: &[KnownSecret]) -> (Result<Kept, String>, String) {
    let aside = std::env::var_os("COUNTERPART_KEPT_CORPUS");
    kept_in(exchanges, profile, known, aside.as_deref().map(Path::new))
}

/// The same; another scanner can look through what was kept where it is put aside.
fn kept_in(
    exchanges: Vec<Exchange>,
    profile: &str,
    known: &[KnownSecret],
    aside: Option<&Path>,
) -> (Result<Kept, String>, String) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let folder = tempfile::tempdir().unwrap();
    let provider = folder.path().join("acme");
    std::fs::create_dir(&provider).unwrap();
    std::fs::write(
        provider.join("provider.yaml"),
        format!("counterpart: provider/1\nprovider: acme\n{profile}"),
    )
    .unwrap();
    let destination = Destination::new(Library::new(folder.path()), "acme/flow".parse().unwrap()).unwrap();
    let provenance = Provenance::Written(Written { after: "the corpus".into() });
    let result = keep(exchanges, provenance, &destination, known).map_err(|error| error.to_string());
    std::fs::remove_file(provider.join("provider.yaml")).unwrap();
    let mut text = String::new();
    read_all(folder.path(), &mut text);
    if let Some(aside) = aside {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        std::fs::write(aside.join(format!("kept-{number}.yaml")), &text).unwrap();
    }
    (result, text)
}

fn read_all(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            read_all(&entry, text);
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(entry).unwrap()));
        }
    }
}

/// A secret that cannot stand at a place as it is: a line of text has no breaks.
fn fits(place: Place, text: &str) -> bool {
    let one_line = matches!(place, Place::Header | Place::Cookie | Place::MultipartFileName);
    !(one_line && text.contains(['\n', '"', ';', '\\']))
}

#[test]
fn secrets_that_nobody_named_are_found() {
    let (mut planted_count, mut missed, mut omitted) = (0, Vec::new(), 0);
    for (index, place) in PLACES.into_iter().enumerate() {
        // Other secrets at each place: found at one, they would be replaced at all.
        let all = secrets(&mut Draw(1_000 + index as u64));
        for Planted { kind, text, secret } in all.into_iter().filter(|one| fits(place, &one.text)) {
            planted_count += 1;
            let (result, left) = kept(vec![planted(place, "note", &text)], "", &[]);
            match result {
                Ok(kept) => omitted += kept.omitted,
                Err(error) => missed.push(format!("{kind} at {place:?}: refused: {error}")),
            }
            if can_be_read(&left, &secret) {
                missed.push(format!("{kind} at {place:?}: still there"));
            }
        }
    }
    let kinds = secrets(&mut Draw(1)).len();
    let share = 1.0 - missed.len() as f64 / f64::from(planted_count);
    println!(
        "detected: {kinds} kinds at {} places, {planted_count} planted, {:.2} % found, {omitted} bodies not kept{}",
        PLACES.len(),
        share * 100.0,
        missed.iter().map(|one| format!("\n  {one}")).collect::<String>()
    );
    assert!(kinds >= 40 && PLACES.len() >= 12);
    assert!(share >= MIN_DETECTED, "{share}");
    assert_eq!(omitted, 0, "what can be taken apart is kept");
}

#[test]
fn every_known_secret_is_found_at_every_place() {
    let values = [
        "correct horse battery staple",
        "p@ss/w+rd=1&x?y",
        "Grün <&> \"Gold\" 7",
        "a\\b/c-12345 d",
        "0123456789abcdef0123456789abcdef",
        "tilde~and%25percent",
        "Sunflower-Seeds",
        "user:with:colons",
    ];
    let (mut count, mut missed) = (0, Vec::new());
    for place in PLACES {
        for value in values.into_iter().filter(|value| fits(place, value)) {
            count += 1;
            let known = [KnownSecret { kind: "named".into(), value: value.into() }];
            let (result, left) = kept(vec![planted(place, "note", value)], "", &known);
            if let Err(error) = result {
                missed.push(format!("{value} at {place:?}: refused: {error}"));
            }
            if can_be_read(&left, value) {
                missed.push(format!("{value} at {place:?}: still there"));
            }
        }
    }
    println!("known: {count} planted, {} missed", missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_spelling_of_a_known_secret_is_found() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let secret = "correct horse/battery+staple & \"more\"";
    let known = [KnownSecret { kind: "named".into(), value: secret.into() }];
    let percent = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let json = |text: &str| serde_json::Value::from(text).to_string();
    let html = secret.replace('&', "&amp;").replace('"', "&quot;");
    for spelled in [
        percent(secret),
        percent(&percent(secret)),
        percent(secret).to_lowercase(),
        STANDARD.encode(secret),
        STANDARD.encode(STANDARD.encode(secret)),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(format!("user:{secret}")),
        STANDARD.encode(format!("x:{secret}:and behind")),
        STANDARD.encode(format!("xy:{secret}")),
        hex.to_uppercase(),
        hex,
        json(secret),
        json(&json(secret)),
        html,
    ] {
        let text = format!("it was {spelled} then");
        for place in [Place::Text, Place::JsonNested, Place::ErrorText] {
            let (result, left) = kept(vec![planted(place, "note", &text)], "", &known);
            assert!(result.is_ok(), "{spelled} at {place:?}: {}", result.unwrap_err());
            assert!(
                left.contains("«named:1»") || left.contains("«token:1»"),
                "{spelled} at {place:?}: {left}"
            );
            assert!(!left.contains(&spelled) && !can_be_read(&left, secret), "{spelled} at {place:?}");
        }
    }
}

#[test]
fn every_field_that_the_profile_names_is_found() {
    let mut draw = Draw(7);
    let profile = "secrets:\n  fields: [kennwort]\n  headers: [x-kennwort]\n";
    let named = [
        Place::Query,
        Place::Header,
        Place::Cookie,
        Place::Form,
        Place::JsonNested,
        Place::JsonInJson,
        Place::MultipartField,
        Place::Location,
        Place::LinkHeader,
        Place::GzipBody,
        Place::JwtClaim,
        Place::Basic,
    ];
    let (mut count, mut missed) = (0, Vec::new());
    for place in named {
        for length in [5, 6, 7, 9, 12, 20, 40] {
            count += 1;
            let value = draw.of(LOWER, length);
            let (result, left) = kept(vec![planted(place, "kennwort", &value)], profile, &[]);
            if let Err(error) = result {
                missed.push(format!("{length} characters at {place:?}: refused: {error}"));
            }
            if can_be_read(&left, &value) {
                missed.push(format!("{length} characters at {place:?}: still there"));
            }
        }
    }
    println!("named by the profile: {count} planted, {} missed", missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
