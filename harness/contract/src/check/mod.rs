//! Whether the exchanges of a fixture keep a contract.
//!
//! A contract is read and its schemas are compiled once for all exchanges. What the contract says
//! nothing about is not judged: header fields it does not require, bodies it does not describe,
//! webhooks where it has none.

mod case;
mod schemas;
mod violation;

pub use violation::{ContractRule, ContractViolation};

use crate::contract::Contract;
use crate::declared::{Declarations, DeclaredOperation, DeclaredPath};
use crate::file::ContractError;
use crate::path_template::segments_of;
use case::Case;
use counterpart_exchange::{Direction, Exchange, Fixture, ProviderProfile, RequestTarget};
use schemas::Schemas;
use std::collections::{HashMap, HashSet};
use violation::{quoted, shortened};

/// Checks one fixture against a contract.
///
/// # Errors
/// [`ContractError::Malformed`] where the contract itself cannot be read.
pub fn check(
    contract: &Contract,
    profile: &ProviderProfile,
    fixture: &Fixture,
) -> Result<Vec<ContractViolation>, ContractError> {
    Ok(Checker::new(contract)?.check(profile, fixture))
}

/// A contract made ready to check any number of fixtures.
pub struct Checker<'c> {
    declared: Declarations,
    /// The number of a path's segments to the paths that have as many.
    by_length: HashMap<usize, Vec<usize>>,
    schemas: Schemas<'c>,
}

impl<'c> Checker<'c> {
    /// Reads what the contract declares.
    ///
    /// # Errors
    /// [`ContractError::Malformed`] with the JSON pointer of the first offence.
    pub fn new(contract: &'c Contract) -> Result<Self, ContractError> {
        let declared = Declarations::of(contract)?;
        let mut by_length: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, path) in declared.paths.iter().enumerate() {
            by_length.entry(path.template.segment_count()).or_default().push(index);
        }
        Ok(Self { declared, by_length, schemas: Schemas::of(contract) })
    }

    /// Checks every exchange of a fixture. The profile names the webhooks.
    ///
    /// A schema of the contract that cannot be used is told once, at the first exchange that needs it.
    #[must_use]
    pub fn check(&self, profile: &ProviderProfile, fixture: &Fixture) -> Vec<ContractViolation> {
        let fixture_name = fixture.name();
        let mut violations = Vec::new();
        let mut unusable = HashSet::new();
        for exchange in &fixture.exchanges {
            let mut case = Case::new(&self.schemas, &fixture_name, exchange, &mut unusable, &mut violations);
            let operation = match exchange.direction {
                Direction::Outbound => self.operation_of(exchange, &mut case),
                Direction::Inbound => self.webhook_of(profile, exchange, &mut case),
            };
            if let Some(operation) = operation {
                case.check(operation);
            }
        }
        violations
    }

    fn operation_of(&self, exchange: &Exchange, case: &mut Case<'_, '_>) -> Option<&DeclaredOperation> {
        let path = RequestTarget::of(&exchange.request.target).path;
        let fitting = self.paths_fitting(path);
        if fitting.is_empty() {
            let expected = format!("one of the contract's {} paths", self.declared.paths.len());
            case.violation(ContractRule::UnknownPath, "", expected, quoted(path));
            return None;
        }
        let method = &exchange.request.method;
        let operations = fitting.iter().flat_map(|path| &path.operations);
        let found = operations.clone().find(|operation| operation.method.eq_ignore_ascii_case(method));
        if found.is_none() {
            let declared: Vec<&str> = operations.map(|operation| operation.method.as_str()).collect();
            let expected =
                if declared.is_empty() { "no method at all".into() } else { declared.join(" or ") };
            case.violation(ContractRule::UndeclaredMethod, &fitting[0].text, expected, shortened(method));
        }
        found
    }

    /// The paths that fit, the closest first.
    fn paths_fitting(&self, path: &str) -> Vec<&DeclaredPath> {
        let mut fitting = Vec::new();
        for base in &self.declared.base_paths {
            let Some(rest) = path.strip_prefix(base.as_str()) else { continue };
            if !base.is_empty() && !rest.starts_with('/') {
                continue;
            }
            let segments = segments_of(rest);
            let candidates = self.by_length.get(&segments.len()).map_or(&[] as &[usize], Vec::as_slice);
            fitting.extend(
                candidates
                    .iter()
                    .map(|index| &self.declared.paths[*index])
                    .filter(|declared| declared.template.matches(&segments)),
            );
        }
        fitting.sort_by_cached_key(|declared| std::cmp::Reverse(declared.template.closeness()));
        fitting
    }

    fn webhook_of(
        &self,
        profile: &ProviderProfile,
        exchange: &Exchange,
        case: &mut Case<'_, '_>,
    ) -> Option<&DeclaredOperation> {
        let webhooks = self.declared.webhooks.as_ref()?;
        let method = &exchange.request.method;
        let name = profile.operation_of(method, &exchange.request.target).0;
        let found = webhooks
            .get(&name)
            .and_then(|operations| operations.iter().find(|o| o.method.eq_ignore_ascii_case(method)));
        if found.is_none() {
            let names: Vec<&str> = webhooks.keys().map(String::as_str).collect();
            let expected = format!("one of the contract's webhooks: {}", shortened(&names.join(", ")));
            let actual = format!("{} as {}", quoted(&name), shortened(method));
            case.violation(ContractRule::UnknownWebhook, "", expected, actual);
        }
        found
    }
}
