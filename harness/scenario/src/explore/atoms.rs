//! Atoms: every fault at every place where it may strike, with the parameters that are worth trying.

use super::fields::{Field, fields_of};
use crate::plan::Plan;
use counterpart_exchange::{Direction, Exchange, OperationName};
use counterpart_stand_in::{Fault, FaultSite, PlannedFault, RequestSelector, Times, WebhookSelector};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// So many exchanges of a direction are tried, evenly over the recording.
const MOST_EXCHANGES: usize = 48;
/// So many connections are tried.
const MOST_CONNECTIONS: u64 = 3;

/// A fault at a place.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub(super) fault: Fault,
    pub(super) at: FaultSite,
    /// The kind of what it strikes: an operation, `connection`.
    pub(super) operation: String,
}

impl Atom {
    pub(super) fn planned(&self, times: Times) -> PlannedFault {
        PlannedFault { at: self.at.clone(), times, inject: self.fault.clone() }
    }

    pub(super) fn is_webhook(&self) -> bool {
        matches!(self.at, FaultSite::Webhook(_))
    }
}

/// A place, with the fields of what is answered there.
struct Site {
    at: FaultSite,
    operation: String,
    fields: Vec<Field>,
}

/// Everything that can go wrong with what a plan plays, in an order that is always the same.
pub(super) fn atoms(plan: &Plan) -> Vec<Atom> {
    let sites = sites(plan);
    let has_tls = plan.file.tls.is_some();
    let mut atoms = Vec::new();
    for summary in Fault::ALL {
        for parameters in parameters(summary.name, summary.examples) {
            for site in &sites {
                for fault in at_site(summary.name, &parameters, site) {
                    let atom = Atom { fault, at: site.at.clone(), operation: site.operation.clone() };
                    let fits = atom.planned(Times::Count(1)).check(&plan.profile, &plan.fixtures).is_ok();
                    if fits && (has_tls || !atom.fault.needs_tls()) {
                        atoms.push(atom);
                    }
                }
            }
        }
    }
    atoms
}

fn sites(plan: &Plan) -> Vec<Site> {
    let all =
        || plan.fixtures.iter().flat_map(|fixture| fixture.exchanges.iter().map(move |one| (fixture, one)));
    let ids: Vec<&str> = all().map(|(_, exchange)| exchange.id.as_str()).collect();
    let named = |fixture: &counterpart_exchange::Fixture, exchange: &Exchange| {
        let is_unique = ids.iter().filter(|id| **id == exchange.id.as_str()).count() == 1;
        if is_unique { exchange.id.to_string() } else { format!("{}#{}", fixture.name(), exchange.id) }
    };
    let mut sites = Vec::new();
    let mut operations: BTreeSet<OperationName> = BTreeSet::new();
    for direction in [Direction::Outbound, Direction::Inbound] {
        let of_direction: Vec<_> = all().filter(|(_, exchange)| exchange.direction == direction).collect();
        let step = of_direction.len().div_ceil(MOST_EXCHANGES).max(1);
        for (fixture, exchange) in of_direction.into_iter().step_by(step) {
            let operation = plan.profile.operation_of_request(&exchange.request);
            let name = named(fixture, exchange);
            let (at, fields) = match direction {
                Direction::Inbound => (FaultSite::Webhook(WebhookSelector::Exchange(name)), Vec::new()),
                Direction::Outbound => {
                    (FaultSite::Exchange(name), fields_of(exchange, &operation, &plan.profile))
                }
            };
            sites.push(Site { at, operation: operation.to_string(), fields });
            if direction == Direction::Outbound {
                operations.insert(operation);
            }
        }
    }
    for operation in operations {
        let at = FaultSite::Request { to: RequestSelector::Operation(operation.clone()), nth: None };
        sites.push(Site { at, operation: operation.to_string(), fields: Vec::new() });
    }
    let connections = (1..=MOST_CONNECTIONS).filter_map(NonZeroU64::new);
    sites.extend(connections.map(|number| Site {
        at: FaultSite::Connection(number),
        operation: "connection".to_owned(),
        fields: Vec::new(),
    }));
    sites
}

/// The parameters of its examples, each once, and what else is worth trying.
fn parameters(name: &str, examples: &[&str]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let shown = examples.iter().filter_map(|example| example.parse::<PlannedFault>().ok());
    let shown = shown.filter_map(|planned| serde_json::to_value(&planned.inject).ok()?.get(name).cloned());
    let chosen = match name {
        // What matters is that it is too much, not by how much.
        "huge_body" => vec![json!({ "size_mb": 9 })],
        "webhook_oversize" => vec![json!({ "size_mb": 2 })],
        "webhook_burst" => vec![json!({ "count": 10 })],
        "latency" => {
            vec![json!({ "by": { "fixed": { "ms": 5000 } } }), json!({ "by": { "fixed": { "ms": 15000 } } })]
        }
        "server_error" => vec![json!({ "status": 500 }), json!({ "status": 503, "retry_after_s": 120 })],
        _ => shown.collect(),
    };
    for parameters in chosen {
        if !all.contains(&parameters) {
            all.push(parameters);
        }
    }
    all
}

/// A fault with its parameters at a site: as they are, or once for each field that is there.
fn at_site(name: &str, parameters: &Value, site: &Site) -> Vec<Fault> {
    let spoils_field = parameters.get("field").is_some();
    if !spoils_field || !matches!(site.at, FaultSite::Exchange(_)) {
        let named = Fault::named(name, parameters.clone()).ok();
        return named.filter(|_| !spoils_field).into_iter().collect();
    }
    let mut faults = Vec::new();
    for field in &site.fields {
        let mut own = parameters.clone();
        let Some(own) = own.as_object_mut() else { continue };
        let path = if name == "extra_field" { format!("{}_new", field.path) } else { field.path.clone() };
        own.insert("field".to_owned(), path.into());
        match field.record {
            Some(record) if own.contains_key("record") => {
                own.insert("record".to_owned(), record.into());
            }
            _ => {
                own.remove("record");
            }
        }
        faults.extend(Fault::named(name, Value::Object(own.clone())));
        // What is new is new wherever it stands.
        if name == "extra_field" || name == "archived_record" {
            break;
        }
    }
    faults
}

/// The value of the field that a fault spoils, as recorded.
pub(super) fn spoilt_value(plan: &Plan, fault: &PlannedFault) -> Option<Value> {
    let FaultSite::Exchange(wanted) = &fault.at else { return None };
    let tagged = serde_json::to_value(&fault.inject).ok()?;
    let path = tagged.get(fault.inject.name())?.get("field")?.as_str()?.to_owned();
    plan.fixtures.iter().find_map(|fixture| {
        let is_it = |exchange: &&Exchange| {
            exchange.id.as_str() == wanted || format!("{}#{}", fixture.name(), exchange.id) == *wanted
        };
        let exchange = fixture.exchanges.iter().find(is_it)?;
        let operation = plan.profile.operation_of_request(&exchange.request);
        let fields = fields_of(exchange, &operation, &plan.profile);
        fields.into_iter().find(|field| field.path == path).map(|field| field.value)
    })
}
