//! `contract`: what was really sent keeps the provider's contract.

use super::Judge;
use counterpart_contract::Checker;
use counterpart_exchange::{Exchange, Fixture, Provenance, Written};
use std::collections::{HashMap, HashSet};

/// Breaches that are told one by one.
const MAX_TOLD: usize = 20;

pub(super) fn judge(judge: &mut Judge<'_, '_>) -> Result<(), String> {
    let (plan, observed) = (judge.context.plan, judge.context.observed);
    let Some(contract) = &plan.contract else { return Ok(()) };
    if observed.sent.is_empty() {
        judge.broken("no request was sent that could keep the contract", "requests", "none", vec![]);
        return Ok(());
    }
    let checker = Checker::new(contract).map_err(|error| error.to_string())?;
    // What other providers were sent is no business of this contract.
    let to_others: HashSet<u64> = observed
        .seen
        .iter()
        .filter(|seen| *seen.provider != *plan.profile.provider)
        .map(|seen| seen.seq)
        .collect();
    let sent = || observed.sent.iter().filter(|(seq, _)| !to_others.contains(seq));
    let exchanges: Vec<Exchange> = sent().map(|(_, exchange)| exchange.clone()).collect();
    let numbers: HashMap<&str, u64> = sent().map(|(seq, exchange)| (exchange.id.as_str(), *seq)).collect();
    let played = Fixture {
        provider: plan.profile.provider.clone(),
        flow: "played".to_owned(),
        provenance: Provenance::Written(Written { after: "what was played".to_owned() }),
        redacted: std::collections::BTreeMap::new(),
        exchanges,
    };
    let violations = checker.check(&plan.profile, &played);
    for violation in violations.iter().take(MAX_TOLD) {
        let seq = numbers.get(violation.exchange.as_str()).copied();
        let of = violation.operation.as_deref().unwrap_or("no operation of the contract");
        let place =
            if violation.place.is_empty() { String::new() } else { format!(" at {}", violation.place) };
        let message = format!("request {}, {of}: {}{place}", seq.unwrap_or_default(), violation.rule);
        judge.broken(
            observed.hide(&message),
            observed.hide(&violation.expected),
            violation.actual.as_str(),
            seq.into_iter().collect(),
        );
    }
    if violations.len() > MAX_TOLD {
        let more = violations.len() - MAX_TOLD;
        judge.broken("the contract is broken more often", "no breach", format!("{more} more"), vec![]);
    }
    Ok(())
}
