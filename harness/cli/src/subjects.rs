//! The integration under test: which one, and how it is launched.

use crate::exit::Stop;
use crate::plants;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_reference_subject::ReferenceLaunch;
use counterpart_subject::{AlreadyRunning, Launch, LaunchSpec, SubjectSpec};

/// The subject of this name, with known bugs switched on.
pub(crate) fn chosen(project: &Project, name: &str, plants: &[String]) -> Result<SubjectSpec, Stop> {
    let mut subject = project.subject(name)?;
    match &mut subject.launch {
        LaunchSpec::Reference { plants: own } => own.extend(plants.iter().cloned()),
        _ if !plants.is_empty() => {
            let message = format!("--plant switches on a bug of the bundled runtime; `{name}` is another");
            return Err(Stop::usage(anyhow!(message)));
        }
        _ => {}
    }
    Ok(subject)
}

/// The known bugs that are switched on in a subject.
pub(crate) fn plants(subject: &SubjectSpec) -> &[String] {
    match &subject.launch {
        LaunchSpec::Reference { plants } => plants,
        _ => &[],
    }
}

/// How a subject comes to run.
pub(crate) fn launch(subject: &SubjectSpec) -> Result<Box<dyn Launch>, Stop> {
    Ok(match &subject.launch {
        LaunchSpec::Reference { plants } => Box::new(ReferenceLaunch { plants: plants::named(plants)? }),
        LaunchSpec::Url(base_url) => Box::new(AlreadyRunning { base_url: base_url.clone() }),
    })
}
