//! What is to be played: each argument is a fixture, a provider, a file or a folder; together they are providers.

use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::{Fixture, FixtureRef, Library, ProviderProfile};
use counterpart_stand_in::ErrorForms;
use std::path::{Path, PathBuf};

/// A provider that is to be played.
pub(crate) struct Chosen {
    pub(crate) profile: ProviderProfile,
    pub(crate) fixtures: Vec<Fixture>,
    pub(crate) forms: ErrorForms,
}

/// Flows of one provider, and the library that they are in.
struct Flows {
    library: Library,
    provider: String,
    flows: Vec<FixtureRef>,
}

/// The providers that the arguments name, in the order in which they are named first.
pub(crate) fn choose(project: &Library, arguments: &[String]) -> Result<Vec<Chosen>, Stop> {
    let mut all: Vec<Flows> = Vec::new();
    for argument in arguments {
        for found in find(project, argument)? {
            let Some(known) = all.iter_mut().find(|known| known.provider == found.provider) else {
                all.push(found);
                continue;
            };
            if !same_folder(known.library.root(), found.library.root()) {
                return Err(Stop::usage(anyhow!(
                    "{argument}: `{}` is a provider in {} and in {}; serve one of them, or rename the other",
                    found.provider,
                    known.library.root().display(),
                    found.library.root().display()
                )));
            }
            for flow in found.flows {
                if !known.flows.contains(&flow) {
                    known.flows.push(flow);
                }
            }
        }
    }
    all.into_iter().map(read).collect()
}

fn find(project: &Library, argument: &str) -> Result<Vec<Flows>, Stop> {
    let path = Path::new(argument);
    if let Ok(name) = argument.parse::<FixtureRef>()
        && project.path_of(&name).is_file()
    {
        return Ok(vec![Flows {
            library: project.clone(),
            provider: name.provider.clone(),
            flows: vec![name],
        }]);
    }
    if !argument.contains(['/', '\\', '.']) {
        let flows = project.flows(argument);
        if !flows.is_empty() {
            return Ok(vec![Flows { library: project.clone(), provider: argument.to_owned(), flows }]);
        }
    }
    if path.is_file() {
        return of_file(path).map(|flows| vec![flows]);
    }
    if path.is_dir() {
        return of_folder(path);
    }
    Err(Stop::usage(anyhow!(nothing(project, argument))))
}

/// Why nothing is found under a name.
fn nothing(project: &Library, argument: &str) -> String {
    if let Ok(name) = argument.parse::<FixtureRef>() {
        return format!("{}: {}", project.path_of(&name).display(), project.missing(&name));
    }
    let mut providers: Vec<String> = project.names().into_iter().map(|name| name.provider).collect();
    providers.dedup();
    let near = counterpart_exchange::suggest(argument, providers.iter().map(String::as_str));
    let root = project.root().display();
    match near {
        Some(near) => {
            format!(
                "{argument}: {root} holds no fixture of it, and there is no such file; did you mean `{near}`?"
            )
        }
        None if providers.is_empty() => {
            format!("{argument}: {root} holds no fixture, and there is no such file or folder")
        }
        None => format!(
            "{argument}: {root} holds no fixture of it, and there is no such file or folder; there are: {}",
            providers.join(", ")
        ),
    }
}

fn of_file(path: &Path) -> Result<Flows, Stop> {
    let place = |path: &Path| -> Option<(PathBuf, String, String)> {
        let path = std::path::absolute(path).ok()?;
        let flow = path.file_name()?.to_str()?.strip_suffix(".yaml")?.to_owned();
        let folder = path.parent()?;
        Some((folder.parent()?.to_owned(), folder.file_name()?.to_str()?.to_owned(), flow))
    };
    let name = place(path).and_then(|(root, provider, flow)| {
        Some((root, format!("{provider}/{flow}").parse::<FixtureRef>().ok()?))
    });
    let Some((root, name)) = name.filter(|(_, name)| name.flow != "provider") else {
        return Err(Stop::usage(anyhow!(
            "{}: its place is not that of a fixture; expected <provider>/<flow>.yaml, in lower case",
            path.display()
        )));
    };
    Ok(Flows { library: Library::new(relative(&root)), provider: name.provider.clone(), flows: vec![name] })
}

/// A provider's own folder, or a folder of such folders.
fn of_folder(path: &Path) -> Result<Vec<Flows>, Stop> {
    let absolute = std::path::absolute(path).map_err(Stop::environment)?;
    if let (Some(root), Some(name)) = (absolute.parent(), absolute.file_name().and_then(|name| name.to_str()))
    {
        let library = Library::new(relative(root));
        let flows = library.flows(name);
        if !flows.is_empty() {
            return Ok(vec![Flows { library, provider: name.to_owned(), flows }]);
        }
    }
    let library = Library::new(path);
    let mut all: Vec<Flows> = Vec::new();
    for name in library.names() {
        match all.last_mut().filter(|last| last.provider == name.provider) {
            Some(last) => last.flows.push(name),
            None => all.push(Flows {
                library: library.clone(),
                provider: name.provider.clone(),
                flows: vec![name],
            }),
        }
    }
    if all.is_empty() {
        return Err(Stop::usage(anyhow!(
            "{}: holds no fixture; expected <provider>/<flow>.yaml in it",
            path.display()
        )));
    }
    Ok(all)
}

/// As people read it: from where they are, where that can be said.
fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).map_or_else(|_| path.to_owned(), Path::to_owned)
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let canonical = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        std::fs::canonicalize(path).ok()
    };
    one == other || canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

fn read(Flows { library, provider, flows }: Flows) -> Result<Chosen, Stop> {
    let read = |name: &FixtureRef| library.fixture(name).map_err(Stop::usage);
    let fixtures: Vec<Fixture> = flows.iter().map(read).collect::<Result<_, _>>()?;
    let profile = library.profile(&provider).map_err(Stop::usage)?;
    ErrorForms::check(&profile).map_err(|problem| Stop::usage(anyhow!(problem)))?;
    let forms = if flows.len() == library.flows(&provider).len() {
        ErrorForms::from_evidence(&profile, &fixtures)
    } else {
        let evidence: Vec<Fixture> = library.flows(&provider).iter().map(read).collect::<Result<_, _>>()?;
        ErrorForms::from_evidence(&profile, &evidence)
    };
    Ok(Chosen { profile, fixtures, forms })
}
