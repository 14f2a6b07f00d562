//! The pages that a recording holds, played with fewer records than were recorded.

use crate::faults::page;
use counterpart_exchange::{Direction, Exchange, ProviderProfile};

/// How many records stand on the page that an exchange recorded; nothing where it recorded none.
#[must_use]
pub fn records_on_page(exchange: &Exchange, profile: &ProviderProfile) -> Option<usize> {
    let items = items_of(exchange, profile)?;
    let page = exchange.response.as_ref()?.body.json()?;
    page::records(page, items).ok().map(|records| records.len())
}

/// Takes all records but those at these places, counted from 1, off the page that an exchange recorded. What else stands
/// on the page stays as it was spelled.
///
/// # Errors
/// A sentence, where the exchange recorded no page, or a place is not on it, or they are not in order.
pub fn keep_records(
    exchange: &mut Exchange,
    profile: &ProviderProfile,
    keep: &[usize],
) -> Result<(), String> {
    let no_page = || {
        format!(
            "`{}` recorded no page of records: the provider profile names those under `pagination` or as the `list` of a \
             resource",
            exchange.id
        )
    };
    let (Some(items), Some(count)) = (items_of(exchange, profile), records_on_page(exchange, profile)) else {
        return Err(no_page());
    };
    if let Some(place) = keep.iter().find(|place| !(1..=count).contains(*place)) {
        return Err(format!(
            "the page of `{}` has {count} records, counted from 1, and no record {place}",
            exchange.id
        ));
    }
    if keep.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(format!("name each record of `{}` once, in the order of the page", exchange.id));
    }
    let Some(response) = exchange.response.take() else { return Err(no_page()) };
    let changed = page::change(response.clone(), items, |records| {
        let mut place = 0;
        records.retain(|_| {
            place += 1;
            keep.contains(&place)
        });
        Ok(())
    });
    exchange.response = Some(changed.as_ref().map_or(response, Clone::clone));
    changed.map(|_| ())
}

fn items_of<'a>(exchange: &Exchange, profile: &'a ProviderProfile) -> Option<&'a str> {
    let is_answer = exchange.direction == Direction::Outbound;
    profile.items_of(&profile.operation_of_request(&exchange.request)).filter(|_| is_answer)
}
