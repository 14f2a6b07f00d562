//! `deliveries`: how many attempts to deliver a webhook there were, in which order, and what the subject answered.

use super::Judge;
use crate::file::{Counts, DeliveriesExpected};
use crate::wording::some_of;
use counterpart_stand_in::{Delivered, DeliveryEnd};

pub(super) fn judge(expected: &DeliveriesExpected, counts: Counts, judge: &mut Judge<'_, '_>) {
    let is_sent = |one: &&Delivered| !matches!(one.end, DeliveryEnd::Lost | DeliveryEnd::Inapplicable(_));
    let sent: Vec<&Delivered> = judge.context.observed.delivered.iter().filter(is_sent).collect();
    let count = |is: fn(&Delivered) -> bool| sent.iter().filter(|one| is(one)).count();
    let found = [
        ("accepted", count(|one| matches!(one.end, DeliveryEnd::Accepted { .. })), expected.accepted),
        ("refused", count(|one| matches!(one.end, DeliveryEnd::Refused { .. })), expected.refused),
        ("changed by a fault", count(|one| one.fault.is_some()), expected.faulted),
    ];
    if !counts.hold(sent.len()) {
        let message = if sent.len() == 1 {
            "1 webhook was sent".to_owned()
        } else {
            format!("{} webhooks were sent", sent.len())
        };
        judge.broken(message, counts.words(), sent.len().to_string(), Vec::new());
    }
    for (what, found, wanted) in found {
        let Some(wanted) = wanted.filter(|wanted| *wanted != found) else { continue };
        let message = if found == 1 {
            format!("1 webhook was {what}")
        } else {
            format!("{found} webhooks were {what}")
        };
        judge.broken(message, wanted.to_string(), found.to_string(), Vec::new());
    }
    let Some(order) = &expected.order else { return };
    let ids: Vec<String> = sent
        .iter()
        .map(|one| one.exchange.rsplit_once('#').map_or(&*one.exchange, |(_, id)| id).to_owned())
        .collect();
    if ids != *order {
        judge.broken("webhooks were sent in another order", some_of(order), some_of(&ids), Vec::new());
    }
}
