//! `counterpart contract`: inferred from fixtures, checked against them.

use crate::arguments::{Contract as Arguments, ContractCommand, Format, Global};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::{Context, anyhow};
use counterpart_contract::{Checker, infer, read_contract, write_contract};
use counterpart_exchange::{Fixture, Library, ProviderProfile};
use std::path::{Path, PathBuf};

pub(crate) fn contract(global: &Global, arguments: &Arguments) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    match &arguments.command {
        ContractCommand::Infer { provider, out } => {
            let (name, profile, fixtures) = load(provider)?;
            let out = out.clone().unwrap_or_else(|| project.contracts());
            let written = write_contract(&out, &name, &infer(&profile, &fixtures)).map_err(Stop::usage)?;
            let exchanges: usize = fixtures.iter().map(|fixture| fixture.exchanges.len()).sum();
            output::result(&format!("wrote {} from {exchanges} exchanges", written.contract.display()));
            output::result(&format!("wrote {}", written.evidence.display()));
            Ok(Exit::Passed)
        }
        ContractCommand::Check { provider, contract } => {
            let pairs = match provider {
                Some(provider) => vec![(
                    provider.clone(),
                    contract.clone().unwrap_or_else(|| default_contract(&project, provider)),
                )],
                None => all_with_contract(&project)?,
            };
            if pairs.is_empty() {
                output::note(
                    "no provider has a contract; make one with: counterpart contract infer fixtures/<provider>",
                );
                return Ok(Exit::NothingSelected);
            }
            check(global, &pairs)
        }
    }
}

fn check(global: &Global, pairs: &[(PathBuf, PathBuf)]) -> Result<Exit, Stop> {
    let mut violations = Vec::new();
    let mut exchanges = 0;
    for (provider, path) in pairs {
        let (_, profile, fixtures) = load(provider)?;
        let contract = read_contract(path).map_err(Stop::usage)?;
        let checker = Checker::new(&contract).map_err(Stop::usage)?;
        for fixture in &fixtures {
            exchanges += fixture.exchanges.len();
            violations.extend(checker.check(&profile, fixture));
        }
    }
    if global.format == Format::Json {
        let all: Vec<_> = violations
            .iter()
            .map(|one| {
                serde_json::json!({
                    "fixture": one.fixture,
                    "exchange": one.exchange,
                    "operation": one.operation,
                    "rule": one.rule.to_string(),
                    "place": one.place,
                    "expected": one.expected,
                    "actual": one.actual,
                })
            })
            .collect();
        output::json(&serde_json::json!({ "exchanges": exchanges, "violations": all }))
            .map_err(Stop::environment)?;
    } else {
        violations.iter().for_each(|one| output::result(&one.to_string()));
        output::result(&format!("{exchanges} exchanges checked, {} violations", violations.len()));
    }
    Ok(if violations.is_empty() { Exit::Passed } else { Exit::Failed })
}

fn default_contract(project: &Project, provider: &Path) -> PathBuf {
    let name = provider.file_name().unwrap_or_default().to_string_lossy();
    project.contracts().join(format!("{name}.openapi.yaml"))
}

fn all_with_contract(project: &Project) -> Result<Vec<(PathBuf, PathBuf)>, Stop> {
    let root = project.library().root().to_owned();
    let mut pairs = Vec::new();
    for entry in std::fs::read_dir(&root).with_context(|| root.display().to_string()).map_err(Stop::usage)? {
        let provider = entry.map_err(Stop::environment)?.path();
        let contract = default_contract(project, &provider);
        if provider.is_dir() && contract.exists() {
            pairs.push((provider, contract));
        }
    }
    pairs.sort();
    Ok(pairs)
}

/// A provider's name, profile and fixtures, from its folder.
fn load(folder: &Path) -> Result<(String, ProviderProfile, Vec<Fixture>), Stop> {
    let name = folder.file_name().and_then(|name| name.to_str()).filter(|_| folder.is_dir());
    let name = name.ok_or_else(|| {
        Stop::usage(anyhow!("{}: expected a provider's folder, as in fixtures/matrix", folder.display()))
    })?;
    let library = Library::new(folder.parent().unwrap_or(Path::new("")));
    let profile = library.profile(name).map_err(Stop::usage)?;
    let fixtures = library
        .flows(name)
        .iter()
        .map(|flow| library.fixture(flow).map_err(Stop::usage))
        .collect::<Result<Vec<_>, _>>()?;
    if fixtures.is_empty() {
        return Err(Stop::usage(anyhow!("{}: holds no fixture", folder.display())));
    }
    Ok((name.to_owned(), profile, fixtures))
}
