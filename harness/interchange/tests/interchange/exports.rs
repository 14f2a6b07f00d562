//! What each format looks like when it goes out, word for word.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use counterpart_exchange::Fixture;
use counterpart_interchange::export::{Exported, export_har, export_pact, export_wiremock};
use std::path::Path;

fn fixture() -> Fixture {
    Fixture::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/exported.yaml")).unwrap()
}

fn shown(exported: &Exported) -> String {
    let losses: String = exported.losses.iter().map(|loss| format!("! {loss}\n")).collect();
    format!("{}{losses}", exported.text.replace(env!("CARGO_PKG_VERSION"), "VERSION"))
}

#[test]
fn har() {
    insta::assert_snapshot!(shown(&export_har(&fixture())));
}

#[test]
fn wiremock() {
    insta::assert_snapshot!(shown(&export_wiremock(&fixture())));
}

#[test]
fn pact() {
    insta::assert_snapshot!(shown(&export_pact(&fixture(), "shop")));
}

/// The same fixture gives the same file, byte for byte: a diff shows what changed.
#[test]
fn nothing_in_an_export_is_drawn() {
    let fixture = fixture();
    assert_eq!(export_har(&fixture), export_har(&fixture));
    assert_eq!(export_wiremock(&fixture), export_wiremock(&fixture));
    assert_eq!(export_pact(&fixture, "shop"), export_pact(&fixture, "shop"));
}
