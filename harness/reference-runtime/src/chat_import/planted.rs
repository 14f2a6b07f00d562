//! Known bugs in how pages are asked for and how their records are taken, for scenarios to find.

use jiff::Timestamp;
use reqwest::Url;

use crate::identity::Lane;
use crate::plants::{Plant, Plants};
use crate::store::{Claim, Record};
use crate::worker::Context;

/// For whom the records of a page are written instead of for whom they are.
pub(super) fn mixed_up_with(context: &Context, claim: &Claim) -> Option<Lane> {
    let is_mixed_up = context.plants.has(Plant::TenantMixUp) && claim.attempt() > 1;
    is_mixed_up.then(|| context.latest_connected()).flatten()
}

/// What is left of the records of a page that came with `told_now` as its Date.
pub(super) fn taken(mut records: Vec<Record>, told_now: Option<Timestamp>, plants: &Plants) -> Vec<Record> {
    if plants.has(Plant::NoticesSkipped) {
        records.retain(|record| record.kind != "m.notice");
    }
    if plants.has(Plant::OrderTrusted) {
        let mut newest_ms = i64::MAX;
        records.retain(|record| {
            let is_older = record.sent_at_ms <= newest_ms;
            newest_ms = newest_ms.min(record.sent_at_ms);
            is_older
        });
    }
    if let Some(told_now) = told_now.filter(|_| plants.has(Plant::ProviderClockTrusted)) {
        records.retain(|record| record.sent_at_ms <= told_now.as_millisecond());
    }
    for record in records.iter_mut().filter(|_| plants.has(Plant::NumbersAsDoubles)) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "it is the bug")]
        {
            record.sent_at_ms = record.sent_at_ms as f64 as i64;
        }
    }
    records
}

/// Asks for pages of `all` records.
pub(super) fn ask_for_all(url: &mut Url) {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let asked = pairs
        .into_iter()
        .map(|(name, value)| if name == "limit" { (name, "all".into()) } else { (name, value) });
    let asked: Vec<(String, String)> = asked.collect();
    url.query_pairs_mut().clear().extend_pairs(asked);
}
