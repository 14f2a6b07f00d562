//! A scenario that is known to be playable: every name in it stands for something.
//!
//! All problems of a file are told at once, each with its place. Nothing is started here.

mod beside;
mod check;
mod expectations;
mod steps;
mod whole;

use crate::catalogue::Catalogue;
use crate::file::rows::{MAX_PROBLEMS, Row, path_of_row, rows};
use crate::file::{Expectation, Location, ScenarioFile, SnapshotOf, Spanned};
use crate::records::keep_only;
use check::Check;
use counterpart_contract::{Contract, read_contract};
use counterpart_exchange::{DocumentError, Fixture, FixtureRef, Library, Limit, ProviderProfile, read_text};
use counterpart_outcome::{Digest, FixtureSeen};
use counterpart_stand_in::{ErrorForms, PlannedFault, check_webhooks};
use counterpart_subject::SubjectSpec;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
pub(crate) use steps::PROVIDER;

/// A scenario, checked and with everything at hand that it needs.
#[derive(Clone)]
pub struct Plan {
    /// Its name: folder and file without ending, and the row in brackets where the file has a table.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Of its file.
    pub digest: Digest,
    /// What the file says.
    pub file: Arc<ScenarioFile>,
    /// The fixtures, all of one provider, without the records that the scenario leaves out.
    pub fixtures: Vec<Fixture>,
    /// The fixtures with their digests.
    pub fixtures_seen: Vec<FixtureSeen>,
    /// The provider's policy.
    pub profile: ProviderProfile,
    /// The provider's forms of its errors.
    pub forms: ErrorForms,
    /// Other providers, which play their fixtures without faults.
    pub beside: Vec<Beside>,
    /// The limits that stand in the place of the provider's own; none where those count.
    pub quota: Vec<Limit>,
    /// The faults, in the order of the file.
    pub faults: Vec<PlannedFault>,
    /// The provider's contract, where the scenario expects it to be kept.
    pub contract: Option<Arc<Contract>>,
}

impl Plan {
    /// The path after which snapshots are called: that of the file, the row with it where the file has a table.
    pub(crate) fn snapshot_path(&self) -> PathBuf {
        let row = self.name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
        path_of_row(&self.path, row.map(|(_, row)| row))
    }

    /// Whether the provider behaves as it does by itself.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.faults.is_empty() && self.quota.is_empty()
    }

    /// Whether something is expected of the subject's files.
    pub(crate) fn looks_at_files(&self) -> bool {
        self.file.expect.iter().any(|expectation| match &expectation.value {
            Expectation::Files(_) => true,
            Expectation::Snapshot { of, .. } => of.contains(&SnapshotOf::Files),
            _ => false,
        })
    }
}

/// A provider that plays beside the one that a scenario is about.
#[derive(Clone)]
pub struct Beside {
    /// Its policy.
    pub profile: ProviderProfile,
    /// Its forms of its errors.
    pub forms: ErrorForms,
    /// What it plays.
    pub fixtures: Vec<Fixture>,
}

/// Everything that is wrong with some files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PlanError(pub Vec<DocumentError>);

/// Each problem once: one that not every row has, with the first that has it.
fn told_once(found: Vec<(Option<String>, DocumentError)>, rows: usize) -> Vec<DocumentError> {
    let mut told: Vec<(Option<String>, DocumentError, usize)> = Vec::new();
    for (row, problem) in found {
        if let Some((_, _, times)) = told.iter_mut().find(|(_, known, _)| *known == problem) {
            *times += 1;
        } else if told.len() < MAX_PROBLEMS {
            told.push((row, problem, 1));
        }
    }
    let named = |(row, mut problem, times): (Option<String>, DocumentError, usize)| {
        if let Some(row) = row.filter(|_| times < rows) {
            problem.message.push_str(&format!("; in the row `{row}`"));
        }
        problem
    };
    told.into_iter().map(named).collect()
}

impl From<DocumentError> for PlanError {
    fn from(error: DocumentError) -> Self {
        Self(vec![error])
    }
}

/// Makes plans against one library, catalogue and subject; each fixture is read once.
pub struct Planner<'a> {
    library: &'a Library,
    catalogue: &'a Catalogue,
    subject: &'a SubjectSpec,
    contracts: PathBuf,
    providers: HashMap<String, Provider>,
}

struct Provider {
    profile: ProviderProfile,
    forms: ErrorForms,
    fixtures: HashMap<FixtureRef, (Fixture, Digest)>,
}

impl<'a> Planner<'a> {
    /// A planner that has read nothing yet.
    #[must_use]
    pub fn new(library: &'a Library, catalogue: &'a Catalogue, subject: &'a SubjectSpec) -> Self {
        let contracts = library.root().with_file_name("contracts");
        Self { library, catalogue, subject, contracts, providers: HashMap::new() }
    }

    /// The same with contracts in another folder than `contracts` beside the fixtures.
    #[must_use]
    pub fn with_contracts(self, contracts: PathBuf) -> Self {
        Self { contracts, ..self }
    }

    /// Reads and checks a file that holds one scenario. `name` is what it is called in reports.
    ///
    /// # Errors
    /// [`PlanError`] with all problems of the file, or where it has a table and so holds several.
    pub fn plan(&mut self, path: &Path, name: &str) -> Result<Plan, PlanError> {
        let mut plans = self.plans(path, name)?;
        match (plans.pop(), plans.is_empty()) {
            (Some(plan), true) => Ok(plan),
            _ => {
                let message = "holds several scenarios, one for each row of `cases`, where one is asked for";
                Err(DocumentError::whole(path, message).into())
            }
        }
    }

    /// Reads and checks the scenarios of a file: one, or one for each row of its table. `name` is what the file is called
    /// in reports.
    ///
    /// # Errors
    /// [`PlanError`] with all problems of the file.
    pub fn plans(&mut self, path: &Path, name: &str) -> Result<Vec<Plan>, PlanError> {
        let text = read_text(path)?;
        let (mut plans, mut found) = (Vec::new(), Vec::new());
        let rows = rows(path, &text).map_err(PlanError)?;
        let count = rows.len();
        for Row { name: row, file } in rows {
            let named = row.as_ref().map_or_else(|| name.to_owned(), |row| format!("{name}[{row}]"));
            let mut check = Check { path, text: &text, problems: Vec::new() };
            plans.extend(self.row(&named, file, &mut check)?);
            found.extend(check.problems.into_iter().map(|problem| (row.clone(), problem)));
        }
        if found.is_empty() { Ok(plans) } else { Err(PlanError(told_once(found, count))) }
    }

    /// One scenario, unless something is wrong with it.
    fn row(
        &mut self,
        name: &str,
        file: ScenarioFile,
        check: &mut Check<'_>,
    ) -> Result<Option<Plan>, PlanError> {
        whole::check_covers(&file, self.catalogue, check);
        whole::check_can_fail(&file, check);
        steps::check_steps(&file.steps, self.subject, check);
        whole::check_invariants(&file, check);
        whole::check_reasons(&file, check);
        let fixtures = self.fixtures(&file.fixtures, check)?;
        if file.fixtures.is_empty() {
            check.whole("`fixtures` is empty; name at least one, as in [matrix/room-history]");
        }
        let others = self.fixtures(&file.beside, check)?;
        beside::check(&file, &fixtures, &others, check);
        let contract = self.contract(&file, fixtures.first().map(|(fixture, _)| fixture), check)?;
        let provider = fixtures.first().and_then(|(fixture, _)| self.providers.get(&fixture.provider));
        let Some(provider) = provider.filter(|_| check.problems.is_empty()) else { return Ok(None) };
        steps::check_providers(&file.steps, &beside::names(&fixtures, &others), check);
        let beside = beside::providers(&others, &self.providers);
        let (mut played, mut digests): (Vec<Fixture>, Vec<Digest>) = fixtures.into_iter().unzip();
        for (exchange, keep) in &file.records {
            if let Err(problem) = keep_only(&mut played, &provider.profile, &exchange.value, keep) {
                check.at(exchange.referenced, problem);
            }
        }
        let faults = faults(&file, provider, &played, check);
        let quota = quota(&file, &provider.profile, check);
        steps::check_webhook_steps(&file.steps, &provider.profile, &played, check);
        if let Err(problem) = check_webhooks(&provider.profile) {
            check.whole(problem);
        }
        if let Err(problem) = ErrorForms::check(&provider.profile) {
            check.whole(problem);
        }
        let profiles: Vec<&ProviderProfile> =
            std::iter::once(&provider.profile).chain(beside.iter().map(|one| &one.profile)).collect();
        let all: Vec<&Fixture> = played.iter().chain(beside.iter().flat_map(|one| &one.fixtures)).collect();
        expectations::check_expectations(&file, &profiles, &all, self.subject, check);
        if !check.problems.is_empty() {
            return Ok(None);
        }
        let named = others.iter().map(|(fixture, _)| fixture.name());
        let names: Vec<String> = played.iter().map(Fixture::name).chain(named).collect();
        digests.extend(others.into_iter().map(|(_, digest)| digest));
        let fixtures_seen =
            names.into_iter().zip(digests).map(|(name, digest)| FixtureSeen { name, digest }).collect();
        Ok(Some(Plan {
            name: name.to_owned(),
            path: check.path.to_owned(),
            digest: Digest::of(check.text.as_bytes()),
            fixtures: played,
            fixtures_seen,
            profile: provider.profile.clone(),
            forms: provider.forms.clone(),
            beside,
            quota,
            faults,
            contract,
            file: Arc::new(file),
        }))
    }

    /// The provider's contract, where the scenario expects it to be kept.
    fn contract(
        &self,
        file: &ScenarioFile,
        fixture: Option<&Fixture>,
        check: &mut Check<'_>,
    ) -> Result<Option<Arc<Contract>>, PlanError> {
        let wanted = file.expect.iter().find(|one| matches!(one.value, Expectation::Contract(_)));
        let (Some(expectation), Some(fixture)) = (wanted, fixture) else { return Ok(None) };
        let path = self.contracts.join(format!("{}.openapi.yaml", fixture.provider));
        if !path.exists() {
            let message = format!(
                "there is no contract {}; infer one from the fixtures with `counterpart contract infer {}`",
                path.display(),
                fixture.provider
            );
            check.at(expectation.referenced, message);
            return Ok(None);
        }
        match read_contract(&path) {
            Ok(contract) => Ok(Some(Arc::new(contract))),
            Err(counterpart_contract::ContractError::Document(error)) => Err(error.into()),
            Err(other) => Err(DocumentError::whole(&path, other.to_string()).into()),
        }
    }

    fn fixtures(
        &mut self,
        names: &[Spanned<String>],
        check: &mut Check<'_>,
    ) -> Result<Vec<(Fixture, Digest)>, PlanError> {
        let mut found: Vec<(Fixture, Digest)> = Vec::new();
        for name in names {
            let reference: FixtureRef = match name.value.parse() {
                Ok(reference) => reference,
                Err(problem) => {
                    check.at(name.referenced, problem);
                    continue;
                }
            };
            if !self.library.path_of(&reference).exists() {
                check.at(name.referenced, self.library.missing(&reference));
                continue;
            }
            let provider = self.provider(&reference.provider)?;
            let Some((fixture, digest)) = provider.fixtures.get(&reference) else { continue };
            found.push((fixture.clone(), digest.clone()));
        }
        Ok(found)
    }

    /// A provider with all its fixtures: any of them may hold the form of an error.
    fn provider(&mut self, name: &str) -> Result<&Provider, PlanError> {
        if !self.providers.contains_key(name) {
            let profile = self.library.profile(name)?;
            let mut fixtures = HashMap::new();
            let mut in_order = Vec::new();
            for reference in self.library.flows(name) {
                let path = self.library.path_of(&reference);
                let fixture = self.library.fixture(&reference).map_err(|error| match error {
                    counterpart_exchange::FixtureError::Document(error) => PlanError::from(error),
                    other => PlanError::from(DocumentError::whole(&path, other.to_string())),
                })?;
                let digest = Digest::of(read_text(&path)?.as_bytes());
                in_order.push(fixture.clone());
                fixtures.insert(reference, (fixture, digest));
            }
            let forms = ErrorForms::from_evidence(&profile, &in_order);
            self.providers.insert(name.to_owned(), Provider { profile, forms, fixtures });
        }
        Ok(&self.providers[name])
    }
}

/// The limits, each one that can be kept.
fn quota(file: &ScenarioFile, profile: &ProviderProfile, check: &mut Check<'_>) -> Vec<Limit> {
    for limit in &file.quota {
        if let Err(problem) = profile.check_limit(&limit.value) {
            check.at(limit.referenced, problem);
        }
    }
    file.quota.iter().map(|limit| limit.value.clone()).collect()
}

/// The faults, each at a place that there is.
fn faults(
    file: &ScenarioFile,
    provider: &Provider,
    played: &[Fixture],
    check: &mut Check<'_>,
) -> Vec<PlannedFault> {
    let planned = file.faults.iter().map(|fault| PlannedFault {
        at: fault.value.at.value.clone(),
        times: fault.value.times,
        inject: fault.value.inject.clone(),
    });
    let faults: Vec<PlannedFault> = planned.collect();
    for (fault, entry) in faults.iter().zip(&file.faults) {
        let place: Location = entry.value.at.referenced;
        if let Err(problem) = fault.check(&provider.profile, played) {
            check.at(place, problem);
        }
        if file.tls.is_none() && fault.inject.needs_tls() {
            let name = fault.inject.name();
            check.at(
                place,
                format!("{name} needs a stand-in that speaks TLS; add `tls: {{}}` to the scenario"),
            );
        }
    }
    faults
}
