//! Scenarios of WireMock's: a state says which mapping answers, and an answer may change it.
//!
//! On replay identical requests are answered in order. So the mappings of a scenario are put in the order in which its
//! states follow each other from `Started`; what the states say beyond that is told as a loss.

use crate::fields::Fields;
use crate::{ImportError, Imported, Loss};
use counterpart_exchange::Exchange;
use indexmap::IndexMap;

const FIRST_STATE: &str = "Started";

/// The states of one mapping.
pub(super) struct State {
    scenario: String,
    required: Option<String>,
    next: Option<String>,
}

impl State {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Option<Self>, ImportError> {
        let scenario = fields.text("scenarioName")?;
        let required = fields.text("requiredScenarioState")?;
        let next = fields.text("newScenarioState")?;
        Ok(scenario.map(|scenario| Self { scenario, required, next }))
    }
}

/// The scenarios of a file.
#[derive(Default)]
pub(super) struct States(IndexMap<String, Vec<Member>>);

struct Member {
    /// Where its exchange stands among those that were imported.
    place: usize,
    /// Its number in the file, where what is lost is to be told.
    tell: Option<usize>,
    required: Option<String>,
    next: Option<String>,
}

impl States {
    /// Keeps the states of the exchange that will stand at a place.
    pub(super) fn note(&mut self, state: Option<State>, place: usize, tell: Option<usize>) {
        if let Some(State { scenario, required, next }) = state {
            self.0.entry(scenario).or_default().push(Member { place, tell, required, next });
        }
    }

    /// Puts the exchanges of each scenario in the order of its states.
    pub(super) fn put_in_order(self, imported: &mut Imported) {
        for (_, members) in self.0 {
            let rank = ranks(&members);
            let mut order: Vec<&Member> = members.iter().collect();
            order.sort_by_key(|member| rank_of(&rank, member));
            let is_sequence = is_plain_sequence(&order, &imported.exchanges);
            for member in members.iter().filter(|_| !is_sequence) {
                let what = "the states of the scenario: identical requests are answered in their order";
                imported.losses.extend(member.tell.map(|exchange| Loss { exchange, what: what.to_owned() }));
            }
            let sorted: Vec<Exchange> =
                order.iter().filter_map(|member| imported.exchanges.get(member.place).cloned()).collect();
            for (member, exchange) in members.iter().zip(sorted) {
                if let Some(place) = imported.exchanges.get_mut(member.place) {
                    *place = exchange;
                }
            }
        }
    }
}

/// How many steps each state is from the first.
fn ranks(members: &[Member]) -> IndexMap<&str, usize> {
    let mut ranks = IndexMap::from([(FIRST_STATE, 0)]);
    let mut at = 0;
    // Each state is visited once, and the members of a state are found by it.
    let mut by_state: IndexMap<&str, Vec<&Member>> = IndexMap::new();
    for member in members {
        by_state.entry(member.required.as_deref().unwrap_or(FIRST_STATE)).or_default().push(member);
    }
    while let Some((state, rank)) = ranks.get_index(at).map(|(state, rank)| (*state, *rank)) {
        for next in by_state.get(state).into_iter().flatten().filter_map(|member| member.next.as_deref()) {
            ranks.entry(next).or_insert(rank + 1);
        }
        at += 1;
    }
    ranks
}

/// A state that is never reached comes last.
fn rank_of(ranks: &IndexMap<&str, usize>, member: &Member) -> usize {
    ranks.get(member.required.as_deref().unwrap_or(FIRST_STATE)).copied().unwrap_or(usize::MAX)
}

/// Whether every mapping answers the same request and leads to the next, from the first state to an end: what replay
/// does by itself. A scenario of which other files hold a part is none.
fn is_plain_sequence(order: &[&Member], exchanges: &[Exchange]) -> bool {
    let request = |member: &Member| exchanges.get(member.place).map(|exchange| &exchange.request);
    let begins = order
        .first()
        .is_some_and(|first| first.required.as_deref().is_none_or(|required| required == FIRST_STATE));
    let ends = order.last().is_some_and(|last| last.next.is_none());
    let goes_on = order.windows(2).all(|pair| {
        pair[0].next.is_some()
            && pair[0].next.as_deref() == pair[1].required.as_deref()
            && request(pair[0]) == request(pair[1])
    });
    begins && ends && goes_on
}
