//! What came and what was written as snapshots, as those of scenarios read: the same text each time.

use crate::stand_in::TestStandIn;
use counterpart_scenario::{RecordOrder, RecordedOrder, Redactions, records_text, requests_text};
use serde_json::Value;

impl TestStandIn {
    /// The requests so far as lines: when, what, and what came of it. Secrets are placeholders, and requests of one
    /// instant of virtual time are in the order in which they were recorded. In real time no instant is told, and they
    /// stay in the order in which they came.
    #[must_use]
    pub fn requests_text(&self) -> String {
        let began = self.clock.is_some().then_some(self.began);
        let recorded = RecordedOrder::of(&self.fixtures);
        requests_text(&self.seen(), began, &recorded, &self.redactions())
    }

    /// Records that the code under test wrote, each as JSON, in the order of a field that tells them apart, or of their
    /// text. Secrets, the stand-in's address and instants of the test in real time are replaced.
    #[must_use]
    pub fn records_text(&self, records: &[Value], key: Option<&str>) -> String {
        records_text(records, RecordOrder::ByKey(key), &self.redactions())
    }

    /// What this play makes different each time, to which a test may add its own.
    #[must_use]
    pub fn redactions(&self) -> Redactions {
        let mut redactions = Redactions::of_stand_in(&self.stand_in);
        if self.clock.is_none() {
            redactions.real_time(self.began, self.stand_in.clock().now());
        }
        redactions
    }
}

/// Holds the requests that came against an insta snapshot: `assert_requests_snapshot!(provider)`, with a name or an inline
/// snapshot behind it as insta has them.
#[cfg(feature = "insta")]
#[macro_export]
macro_rules! assert_requests_snapshot {
    ($stand_in:expr $(,)?) => {
        $crate::macros::insta::assert_snapshot!($stand_in.requests_text())
    };
    ($stand_in:expr, @$inline:literal $(,)?) => {
        $crate::macros::insta::assert_snapshot!($stand_in.requests_text(), @$inline)
    };
    ($stand_in:expr, $name:expr $(,)?) => {
        $crate::macros::insta::assert_snapshot!($name, $stand_in.requests_text())
    };
}

/// Holds records that the code under test wrote against an insta snapshot: `assert_records_snapshot!(provider, &records)`.
#[cfg(feature = "insta")]
#[macro_export]
macro_rules! assert_records_snapshot {
    ($stand_in:expr, $records:expr $(,)?) => {
        $crate::macros::insta::assert_snapshot!($stand_in.records_text($records, None))
    };
    ($stand_in:expr, $records:expr, @$inline:literal $(,)?) => {
        $crate::macros::insta::assert_snapshot!($stand_in.records_text($records, None), @$inline)
    };
    ($stand_in:expr, $records:expr, $name:expr $(,)?) => {
        $crate::macros::insta::assert_snapshot!($name, $stand_in.records_text($records, None))
    };
}
