//! Shrinking the recording: pages with as few records as still break the same promise.
//!
//! First all records go that no fault names. Where that takes too much away, each page loses its records in ever smaller
//! pieces (the idea is that of delta debugging: Zeller and Hildebrandt 2002).

use super::case::Case;
use super::shrink::{Search, Shrinker, Shrunk};
use counterpart_exchange::{Direction, Exchange, ExchangeId, Fixture};
use counterpart_stand_in::{FaultSite, PlannedFault, records_on_page};
use std::collections::{BTreeMap, HashMap};

/// Candidates that are played for this alone.
const MOST_TRIES: usize = 60;

/// The places of all records, by the exchange that recorded their page.
pub(super) type Pages = BTreeMap<String, Vec<usize>>;

impl Shrinker<'_> {
    pub(super) async fn with_fewer_records(&self, best: &mut Shrunk, search: &mut Search<'_>) {
        let whole = self.pages();
        if whole.is_empty() || !names_pages_alone(&best.case) {
            return;
        }
        search.most = search.tries + MOST_TRIES;
        let named: Pages =
            whole.keys().map(|page| (page.clone(), named_by_faults(&best.case, page))).collect();
        if self.keeps(&whole, &named, best, search).await {
            return;
        }
        for page in whole.keys() {
            let mut left = with(&best.case, &whole);
            left.insert(page.clone(), named[page].clone());
            if !self.keeps(&whole, &left, best, search).await {
                self.with_smaller_page(page, &whole, &named[page], best, search).await;
            }
        }
    }

    /// Takes pieces of a page away: halves, quarters, and so on to single records.
    async fn with_smaller_page(
        &self,
        page: &str,
        whole: &Pages,
        named: &[usize],
        best: &mut Shrunk,
        search: &mut Search<'_>,
    ) {
        let mut size = whole[page].len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            loop {
                let mut left = with(&best.case, whole);
                let places = left.get(page).cloned().unwrap_or_default();
                if from >= places.len() {
                    break;
                }
                let piece = from..(from + size).min(places.len());
                let kept = places
                    .iter()
                    .enumerate()
                    .filter(|(at, place)| !piece.contains(at) || named.contains(place));
                left.insert(page.to_owned(), kept.map(|(_, place)| *place).collect());
                let is_smaller = left[page].len() < places.len();
                if !(is_smaller && self.keeps(whole, &left, best, search).await) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// Plays the case with these records left, and takes it if it still fails.
    async fn keeps(&self, whole: &Pages, left: &Pages, best: &mut Shrunk, search: &mut Search<'_>) -> bool {
        let before = with(&best.case, whole);
        let mut candidate = best.case.clone();
        candidate.records = left.iter().filter(|(page, keep)| whole[*page] != **keep).map(owned).collect();
        for fault in &mut candidate.faults {
            let Some((page, place)) = named(fault) else { continue };
            let Some(at) = before.get(&page).and_then(|places| places.get(place.saturating_sub(1))) else {
                continue;
            };
            let Some(now) = left[&page].iter().position(|kept| kept == at) else { return false };
            let Some(renumbered) = with_record(fault, now + 1) else { return false };
            *fault = renumbered;
        }
        self.replaces(candidate, best, search).await
    }

    /// The pages that are played, with the places of all their records.
    pub(super) fn pages(&self) -> Pages {
        let mut fixtures_with = HashMap::<&ExchangeId, usize>::new();
        for exchange in self.base.fixtures.iter().flat_map(outbound) {
            *fixtures_with.entry(&exchange.id).or_default() += 1;
        }
        let mut pages = Pages::new();
        for fixture in &self.base.fixtures {
            for exchange in outbound(fixture) {
                let count = records_on_page(exchange, &self.base.profile).unwrap_or_default();
                let name = match fixtures_with.get(&exchange.id) {
                    Some(1) => exchange.id.to_string(),
                    _ => format!("{}#{}", fixture.name(), exchange.id),
                };
                if count > 0 {
                    pages.insert(name, (1..=count).collect());
                }
            }
        }
        pages
    }
}

fn outbound(fixture: &Fixture) -> impl Iterator<Item = &Exchange> {
    fixture.exchanges.iter().filter(|exchange| exchange.direction == Direction::Outbound)
}

fn owned((page, keep): (&String, &Vec<usize>)) -> (String, Vec<usize>) {
    (page.clone(), keep.clone())
}

/// The records that a case plays.
fn with(case: &Case, whole: &Pages) -> Pages {
    whole.iter().map(|(page, all)| (page.clone(), case.records.get(page).unwrap_or(all).clone())).collect()
}

/// Whether each fault that names a record says on which page.
fn names_pages_alone(case: &Case) -> bool {
    case.faults.iter().all(|fault| record_of(fault).is_none() || matches!(fault.at, FaultSite::Exchange(_)))
}

/// The places that the faults of a case name on a page. It is the whole page still, so they are those of the recording.
fn named_by_faults(case: &Case, page: &str) -> Vec<usize> {
    let mut places: Vec<usize> =
        case.faults.iter().filter_map(named).filter(|(at, _)| at == page).map(|(_, place)| place).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The page and the place on it that a fault names.
fn named(fault: &PlannedFault) -> Option<(String, usize)> {
    let FaultSite::Exchange(page) = &fault.at else { return None };
    Some((page.clone(), record_of(fault)?))
}

/// Faults of a record have its place as their parameter `record`.
fn record_of(fault: &PlannedFault) -> Option<usize> {
    let parameters = serde_json::to_value(&fault.inject).ok()?;
    usize::try_from(parameters.get(fault.inject.name())?.get("record")?.as_u64()?).ok()
}

fn with_record(fault: &PlannedFault, place: usize) -> Option<PlannedFault> {
    let mut parameters = serde_json::to_value(&fault.inject).ok()?;
    *parameters.get_mut(fault.inject.name())?.get_mut("record")? = place.into();
    Some(PlannedFault { inject: serde_json::from_value(parameters).ok()?, ..fault.clone() })
}
