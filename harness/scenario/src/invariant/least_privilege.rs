//! Least privilege: the credential may do what the integration asks for, and no more.
//!
//! What it may do is told by the subject's probe `permissions`, or by the provider in its answers. What is needed is told
//! by the provider in the recorded answers, or by the profile's `auth.oauth2.scopes`, for all operations of the fixtures:
//! also for those that a fault kept from being asked for.

use super::Finding;
use crate::observed::{Context, text_of};
use counterpart_exchange::{Auth, Exchange, Permissions};
use counterpart_subject::ProbeName;
use std::collections::BTreeSet;

type Names = BTreeSet<String>;

pub(super) fn check(context: &Context<'_>) -> Finding {
    let held = match held(context) {
        Ok(held) => held,
        Err(reason) => return Finding::NotChecked(reason),
    };
    let accepted = accepted(context);
    let admin = context.plan.profile.permissions.as_ref().map(|known| &known.admin);
    if accepted.is_empty() && admin.is_none_or(BTreeSet::is_empty) {
        return Finding::NotChecked("the provider's profile does not tell which permissions are needed");
    }
    // An operation that takes nothing less needs it.
    let needs_admin: Names = match admin {
        None => Names::new(),
        Some(admin) => accepted.iter().filter(|any| any.is_subset(admin)).flatten().cloned().collect(),
    };
    let is_beyond =
        |name: &String| admin.is_some_and(|admin| admin.contains(name)) && !needs_admin.contains(name);
    let useful: Names = accepted.iter().flatten().filter(|name| !is_beyond(name)).cloned().collect();
    let is_too_much = |name: &&String| is_beyond(name) || !accepted.is_empty() && !useful.contains(*name);
    let too_much: Vec<&str> = held.iter().filter(is_too_much).map(String::as_str).collect();
    if too_much.is_empty() {
        return Finding::Held;
    }
    Finding::Broken {
        message: format!("the credential holds permissions that are not needed: {}", too_much.join(", ")),
        expected: match useful.is_empty() {
            true => "no permission of an administrator".to_owned(),
            false => format!("no more than {}", joined(&useful)),
        },
        actual: joined(&held),
        exchanges: context.observed.seen.first().map(|seen| seen.seq).into_iter().collect(),
    }
}

/// What the credential may do, or why nobody tells.
fn held(context: &Context<'_>) -> Result<Names, &'static str> {
    let by_subject =
        match context.probe(ProbeName::Permissions) {
            None => None,
            Some((probe, records)) => {
                let field = probe.key.as_deref().unwrap_or("key");
                let names: Option<Names> = records.iter().map(|record| text_of(record, field)).collect();
                // A permission without a name must not look like none.
                Some(names.ok_or(
                    "a record of the probe `permissions` does not have the field that its `key` names",
                )?)
            }
        };
    let header = context.plan.profile.permissions.as_ref().and_then(|known| known.held_in.as_ref());
    let by_provider = header.and_then(|header| {
        let asked = context.observed.seen.iter().filter_map(|seen| seen.exchange.as_deref());
        let told = asked.filter_map(|name| listed(exchange(context, name)?, header.as_str()));
        told.reduce(|all, more| &all | &more)
    });
    match (by_subject, by_provider) {
        (Some(subject), Some(provider)) => Ok(&subject | &provider),
        (either, other) => either.or(other).ok_or(
            "neither a probe `permissions` nor the provider's answers tell which permissions it holds",
        ),
    }
}

/// What the operations of the fixtures take, each a choice.
fn accepted(context: &Context<'_>) -> Vec<Names> {
    let profile = &context.plan.profile;
    let exchanges = || context.plan.fixtures.iter().flat_map(|fixture| &fixture.exchanges);
    let header = profile.permissions.as_ref().and_then(|known| known.accepted_in.as_ref());
    let told = exchanges().filter_map(|exchange| listed(exchange, header?.as_str()));
    let mut accepted: Vec<Names> = told.filter(|any| !any.is_empty()).collect();
    if let Auth::OAuth2(oauth2) = &profile.auth {
        for exchange in exchanges() {
            let scopes = oauth2.scopes.get(&profile.operation_of_request(&exchange.request));
            // Each of them is needed, so each is a choice without another.
            accepted.extend(scopes.into_iter().flatten().map(|scope| Names::from([scope.clone()])));
        }
    }
    accepted
}

fn exchange<'a>(context: &Context<'a>, name: &str) -> Option<&'a Exchange> {
    let (fixture, id) = name.split_once('#')?;
    let fixture = context.plan.fixtures.iter().find(|known| known.name() == fixture)?;
    fixture.exchanges.iter().find(|exchange| exchange.id.to_string() == id)
}

/// What a header of an answer lists; nothing where it is not there.
fn listed(exchange: &Exchange, header: &str) -> Option<Names> {
    let values = exchange.response.as_ref()?.headers.values(header);
    (!values.is_empty()).then(|| Permissions::listed(values.iter().filter_map(|value| value.as_text())))
}

fn joined(names: &Names) -> String {
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
