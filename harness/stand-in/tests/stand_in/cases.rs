//! The list of cases that each file of faults has, and the check that no fault is without one.

use counterpart_stand_in::Fault;

/// Each case is one test. It is given the fault's name and injects that fault, so the list cannot claim a
/// fault that its case does not meet.
macro_rules! cases {
    ($($fault:ident: $case:ident,)+) => {
        pub(crate) const COVERED: &[&str] = &[$(stringify!($fault)),+];

        mod case {
            $(#[tokio::test] async fn $case() { super::$case(stringify!($fault)).await; })+
        }
    };
}

/// The lists of all files.
const LISTS: &[&[&str]] = &[
    crate::faults::COVERED,
    crate::faults_auth::COVERED,
    crate::faults_content::COVERED,
    crate::faults_data::COVERED,
    crate::faults_http::COVERED,
    crate::faults_protocols::COVERED,
    crate::faults_webhooks::COVERED,
    crate::faults_wire::COVERED,
    crate::tls::COVERED,
];

#[test]
fn every_fault_has_a_case() {
    let covered = LISTS.concat();
    let without: Vec<_> = Fault::ALL.iter().filter(|fault| !covered.contains(&fault.name)).collect();
    assert!(without.is_empty(), "write a case for {without:?}");
    for name in covered {
        assert!(Fault::ALL.iter().any(|fault| fault.name == name), "there is no fault {name} any more");
    }
}
