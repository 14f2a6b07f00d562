//! What is asked for, by method and path, and what is answered.

use super::asked::{AdvanceAsked, FaultAsked, GrowAsked, ResetAsked, read};
use super::problem::Problem;
use super::{Controlled, shown, webhooks};
use crate::clock::StandInClock;
use crate::faults::{AtConnection, Fault};
use crate::journal::{Seen, SeenNote};
use crate::owner::OwnerError;
use crate::planned::PlannedFault;
use crate::wire::{Provider, Shared};
use counterpart_exchange::suggest;
use http::Method;
use http::request::Parts;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// Entries on a page, unless a request says otherwise.
const DEFAULT_LIMIT: usize = 100;
/// Entries on a page at most.
const MAX_LIMIT: usize = 1_000;
/// What there is.
const ENDPOINTS: &[&str] = &[
    "GET /ready",
    "GET /requests",
    "GET /unmatched",
    "GET /unused",
    "GET /counts",
    "GET /faults",
    "POST /faults",
    "DELETE /faults",
    "DELETE /faults/{id}",
    "POST /reset",
    "GET /clock",
    "POST /clock/advance",
    "POST /resources/{name}/grow",
    "GET /webhooks",
    "POST /webhooks",
];

type Answer = Result<(u16, Value), Problem>;

/// Answers one request.
pub(super) async fn answer(controlled: &Controlled, head: &Parts, body: &[u8]) -> Answer {
    let shared: &Shared = &controlled.shared;
    let path = head.uri.path();
    let query = Query::of(head)?;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let answered = match (&head.method, &parts[..]) {
        (&Method::GET, ["ready"]) => query.only(&[]).map(|()| ready(controlled)),
        (&Method::GET, ["requests"]) => requests(shared, &query, |_| true),
        (&Method::GET, ["unmatched"]) => requests(shared, &query, |seen| {
            matches!(seen.note, SeenNote::Unmatched(_) | SeenNote::Exhausted(_))
        }),
        (&Method::GET, ["unused"]) => unused(shared, &query),
        (&Method::GET, ["counts"]) => query.only(&[]).map(|()| counts(shared)),
        (&Method::GET, ["faults"]) => faults(shared, &query),
        (&Method::POST, ["faults"]) => query.only(&[]).and_then(|()| inject(shared, body)),
        (&Method::DELETE, ["faults"]) => clear_faults(shared, &query),
        (&Method::DELETE, ["faults", id]) => query.only(&[]).and_then(|()| remove_fault(shared, id)),
        (&Method::POST, ["reset"]) => query.only(&[]).and_then(|()| reset(shared, body)),
        (&Method::GET, ["clock"]) => query.only(&[]).map(|()| clock(shared.clock())),
        (&Method::POST, ["clock", "advance"]) => query.only(&[]).and_then(|()| advance(shared.clock(), body)),
        (&Method::POST, ["resources", name, "grow"]) => {
            query.only(&[]).and_then(|()| grow(shared, name, body))
        }
        (&Method::GET, ["webhooks"]) => webhooks::delivered(shared, &query),
        (&Method::POST, ["webhooks"]) => match query.only(&[]) {
            Ok(()) => webhooks::deliver(controlled, body).await,
            Err(problem) => Err(problem),
        },
        _ => return Err(nothing_there(&head.method, &parts)),
    };
    answered.map(|value| (if head.method == Method::POST && path == "/faults" { 201 } else { 200 }, value))
}

fn nothing_there(method: &Method, parts: &[&str]) -> Problem {
    let is_there = ENDPOINTS.iter().any(|endpoint| {
        let template = endpoint.split_once(" /").map_or("", |(_, path)| path);
        let template: Vec<&str> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(parts).all(|(known, sent)| known.starts_with('{') || known == sent)
    });
    let (status, code) = if is_there { (405, "method_not_allowed") } else { (404, "no_such_endpoint") };
    Problem::new(status, code)
        .at("request line")
        .found(format!("{method} /{}", parts.join("/")))
        .expected(ENDPOINTS.join(", "))
}

fn ready(controlled: &Controlled) -> Value {
    json!({
        "ready": true,
        "base_url": controlled.base_url,
        "clock": clock_kind(controlled.shared.clock()),
        "providers": controlled.shared.providers().iter().map(shown::provider).collect::<Vec<_>>(),
    })
}

fn requests(shared: &Shared, query: &Query, is_wanted: impl Fn(&Seen) -> bool) -> Result<Value, Problem> {
    query.only(&["after", "limit", "provider"])?;
    let after = query.number("after", 0, 0..=u64::MAX)?;
    let limit = query.limit()?;
    let provider = query.provider(shared)?.map(Provider::name);
    let (page, has_more) = shared
        .journal()
        .page(after, limit, |seen| provider.is_none_or(|name| *seen.provider == *name) && is_wanted(seen));
    Ok(json!({
        "requests": page.iter().map(shown::request).collect::<Vec<_>>(),
        "next_after": page.last().map_or(after, |last| last.seq),
        "has_more": has_more,
        "forgotten": shared.journal().forgotten(),
    }))
}

fn unused(shared: &Shared, query: &Query) -> Result<Value, Problem> {
    query.only(&["limit", "provider"])?;
    let limit = query.limit()?;
    let wanted = query.providers(shared)?;
    let exchanges: Vec<_> = wanted.iter().flat_map(|provider| provider.unused_exchanges()).collect();
    let faults: Vec<Value> = wanted
        .iter()
        .flat_map(|provider| {
            let states = provider.faults().into_iter().filter(|state| state.is_unused);
            states.map(|state| shown::fault(provider.name(), &state))
        })
        .collect();
    Ok(json!({
        "exchanges": exchanges.iter().take(limit).map(|name| &**name).collect::<Vec<_>>(),
        "exchanges_total": exchanges.len(),
        "faults": faults,
    }))
}

fn counts(shared: &Shared) -> Value {
    let of_providers = shared.providers().iter();
    json!({
        "all": shown::counts(shared.counts()),
        "providers": of_providers
            .map(|provider| (provider.name().to_owned(), shown::counts(provider.counts())))
            .collect::<serde_json::Map<_, _>>(),
        "nobody": shown::counts(shared.strays()),
        "traffic": shown::traffic(shared.journal().traffic()),
    })
}

fn faults(shared: &Shared, query: &Query) -> Result<Value, Problem> {
    query.only(&["provider"])?;
    let planned: Vec<Value> = query
        .providers(shared)?
        .iter()
        .flat_map(|provider| {
            let states = provider.faults().into_iter();
            states.map(|state| shown::fault(provider.name(), &state))
        })
        .collect();
    let catalogue: Vec<Value> =
        Fault::ALL.iter().map(|fault| json!({ "name": fault.name, "does": fault.does })).collect();
    Ok(json!({ "planned": planned, "catalogue": catalogue }))
}

fn inject(shared: &Shared, body: &[u8]) -> Result<Value, Problem> {
    let asked: FaultAsked = read(body, "an object with `spec`, or with `at` and `inject`")?;
    let planned = asked.planned()?;
    let provider = match &asked.provider {
        Some(name) => named(shared, name)?,
        None => owner(shared, &planned)?,
    };
    if matches!(planned.inject.at_connection(), Some(AtConnection::Certificate(_))) && !shared.speaks_tls() {
        return Err(Problem::new(422, "fault_needs_tls")
            .at("inject")
            .found(planned.inject.name())
            .expected("a stand-in that speaks TLS")
            .mend("serve with --tls"));
    }
    let at = planned.at.clone();
    let number = provider.inject(planned).map_err(|why| {
        Problem::new(422, "fault_has_no_place").at("at").found(json!(at).to_string()).mend(why)
    })?;
    let state = provider.faults().into_iter().find(|state| state.number == number);
    Ok(state.map_or(Value::Null, |state| shown::fault(provider.name(), &state)))
}

/// Whose fault it is where nobody says so.
fn owner<'a>(shared: &'a Shared, planned: &PlannedFault) -> Result<&'a Provider, Problem> {
    let candidates: Vec<_> =
        shared.providers().iter().map(|provider| (provider.name(), provider.check(planned))).collect();
    let problem = |code, why: &OwnerError| {
        Problem::new(422, code).at("at").found(json!(planned.at).to_string()).mend(why.to_string())
    };
    match planned.owner(&candidates) {
        Ok(index) => Ok(&shared.providers()[index]),
        Err(why @ OwnerError::FitsNone(_)) => Err(problem("fault_has_no_place", &why)),
        Err(why @ OwnerError::FitsSeveral(_)) => {
            Err(problem("fault_has_several_places", &why).expected("`provider` beside it"))
        }
    }
}

fn clear_faults(shared: &Shared, query: &Query) -> Result<Value, Problem> {
    query.only(&["provider"])?;
    let removed: usize = query.providers(shared)?.iter().map(|provider| provider.clear_faults()).sum();
    Ok(json!({ "removed": removed }))
}

fn remove_fault(shared: &Shared, id: &str) -> Result<Value, Problem> {
    let removed = id.rsplit_once('-').and_then(|(provider, number)| {
        Some((provider, shared.provider(provider)?.remove_fault(number.parse().ok()?)?))
    });
    match removed {
        Some((provider, state)) => Ok(json!({ "removed": shown::fault(provider, &state) })),
        None => Err(Problem::new(404, "no_such_fault")
            .at("path")
            .found(id)
            .expected("the `id` of a fault that is planned")
            .mend("GET /faults lists them")),
    }
}

fn reset(shared: &Shared, body: &[u8]) -> Result<Value, Problem> {
    let asked: ResetAsked = if body.is_empty() {
        ResetAsked::default()
    } else {
        read(body, "an object, with `provider` and `faults` (as_started or cleared) if you like")?
    };
    let provider = asked.provider.as_deref().map(|name| named(shared, name)).transpose()?;
    shared.reset(provider.map(Provider::name), asked.faults());
    let names: Vec<&str> = match provider {
        Some(provider) => vec![provider.name()],
        None => shared.providers().iter().map(Provider::name).collect(),
    };
    Ok(json!({ "reset": names }))
}

fn clock_kind(clock: &StandInClock) -> &'static str {
    match clock {
        StandInClock::Real | StandInClock::Shifted(_) => "real",
        StandInClock::Virtual(_) => "virtual",
    }
}

fn clock(clock: &StandInClock) -> Value {
    json!({
        "kind": clock_kind(clock),
        "now": clock.now().to_string(),
        "next_timer": clock.next_timer().map(|at| at.to_string()),
    })
}

fn advance(stand_in: &StandInClock, body: &[u8]) -> Result<Value, Problem> {
    let asked: AdvanceAsked = read(body, "an object with `to` or `by`")?;
    if matches!(stand_in, StandInClock::Real | StandInClock::Shifted(_)) {
        return Err(Problem::new(409, "clock_is_real")
            .expected("a stand-in whose clock moves only when it is told to")
            .mend("serve with --test-clock"));
    }
    stand_in.advance_to(asked.instant(stand_in.now())?);
    Ok(clock(stand_in))
}

fn grow(shared: &Shared, resource: &str, body: &[u8]) -> Result<Value, Problem> {
    let asked: GrowAsked = read(body, "an object with `to`, a number of records")?;
    let having = |provider: &&Provider| provider.resources().iter().any(|known| known == resource);
    let provider = match &asked.provider {
        Some(name) => named(shared, name)?,
        None => match shared.providers().iter().filter(having).collect::<Vec<_>>()[..] {
            [only] => only,
            [] => {
                let all: Vec<String> = shared.providers().iter().flat_map(Provider::resources).collect();
                let near = suggest(resource, all.iter().map(String::as_str));
                return Err(Problem::new(404, "no_such_resource")
                    .at("path")
                    .found(resource)
                    .expected(format!("one of: {}", all.join(", ")))
                    .mend(near.map_or_else(
                        || "resources are declared in the provider profile".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    )));
            }
            _ => {
                return Err(Problem::new(422, "several_have_the_resource")
                    .at("path")
                    .found(resource)
                    .expected("`provider` beside `to`"));
            }
        },
    };
    provider
        .grow(resource, asked.to)
        .map_err(|why| Problem::new(409, "cannot_grow").at("to").found(asked.to.to_string()).mend(why))?;
    Ok(json!({ "provider": provider.name(), "resource": resource, "to": asked.to }))
}

pub(super) fn named<'a>(shared: &'a Shared, name: &str) -> Result<&'a Provider, Problem> {
    shared.provider(name).ok_or_else(|| {
        let known: Vec<&str> = shared.providers().iter().map(Provider::name).collect();
        let near = suggest(name, known.iter().copied());
        Problem::new(404, "no_such_provider")
            .at("provider")
            .found(name)
            .expected(format!("one of: {}", known.join(", ")))
            .mend(
                near.map_or_else(
                    || "GET /ready lists them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                ),
            )
    })
}

/// The query of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn of(head: &Parts) -> Result<Self, Problem> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| {
                percent_encoding::percent_decode_str(text)
                    .decode_utf8()
                    .map(std::borrow::Cow::into_owned)
                    .map_err(|_| Problem::new(400, "query_not_understood").at("query").expected("UTF-8"))
            };
            fields.push((decoded(name)?, decoded(value)?));
        }
        Ok(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Refuses whatever is not understood: it would be left out silently.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let is_wrong = |(index, (name, _)): &(usize, &(String, String))| {
            !known.contains(&name.as_str()) || self.0[..*index].iter().any(|(before, _)| before == name)
        };
        match self.0.iter().enumerate().find(is_wrong) {
            None => Ok(()),
            Some((_, (name, _))) => {
                Err(Problem::new(400, "query_not_understood").at("query").found(name).expected(match known {
                    [] => "no query".to_owned(),
                    known => format!("each at most once: {}", known.join(", ")),
                }))
            }
        }
    }

    pub(super) fn number(
        &self,
        name: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            Problem::new(400, "query_not_understood")
                .at(format!("query, {name}"))
                .found(text)
                .expected(format!("a whole number from {} to {}", range.start(), range.end()))
        })
    }

    pub(super) fn limit(&self) -> Result<usize, Problem> {
        let limit = self.number("limit", DEFAULT_LIMIT as u64, 1..=MAX_LIMIT as u64)?;
        Ok(usize::try_from(limit).unwrap_or(MAX_LIMIT))
    }

    pub(super) fn provider<'a>(&self, shared: &'a Shared) -> Result<Option<&'a Provider>, Problem> {
        self.get("provider").map(|name| named(shared, name)).transpose()
    }

    fn providers<'a>(&self, shared: &'a Shared) -> Result<Vec<&'a Provider>, Problem> {
        Ok(match self.provider(shared)? {
            Some(provider) => vec![provider],
            None => shared.providers().iter().collect(),
        })
    }
}
