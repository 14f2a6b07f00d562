//! `counterpart doctor`: whether the project and this machine have what a run needs. It looks and changes nothing.

mod finding;
mod machine;
mod project;
mod services;
mod subjects;

use crate::arguments::{Doctor, Format, Global};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use finding::{Finding, State};

pub(crate) async fn doctor(global: &Global, arguments: &Doctor) -> Result<Exit, Stop> {
    let mut findings = Vec::new();
    match Project::find(global) {
        Ok(project) => findings.extend(of_project(&project, arguments).await?),
        Err(stop) => {
            findings.push(Finding::of_file("config", format!("{:#}", stop.error)));
            findings.extend(services::looked(&[]));
        }
    }
    findings.extend(machine::looked());
    let count = |state: State| findings.iter().filter(|finding| finding.state == state).count();
    let (problems, warnings) = (count(State::Problem), count(State::Warning));
    if global.format == Format::Json {
        let all = serde_json::json!({"checks": findings, "problems": problems, "warnings": warnings});
        output::json(&all).map_err(Stop::environment)?;
    } else {
        for finding in findings.iter().filter(|finding| !global.quiet || finding.state != State::Ok) {
            output::result(&finding.lines());
        }
        if !global.quiet {
            output::result(&format!(
                "{} and {}",
                output::counted(problems, "problem", "problems"),
                output::counted(warnings, "warning", "warnings")
            ));
        }
    }
    // A file that cannot be used comes before the environment, as everywhere.
    let with = |exit: Exit| findings.iter().any(|finding| finding.exit == exit);
    Ok([Exit::Usage, Exit::Environment].into_iter().find(|exit| with(*exit)).unwrap_or(Exit::Passed))
}

async fn of_project(project: &Project, arguments: &Doctor) -> Result<Vec<Finding>, Stop> {
    let names = match &arguments.subject {
        Some(name) => vec![name.as_str()],
        None => project.subject_names(),
    };
    let mut specs = Vec::new();
    for name in names {
        specs.push((name, crate::subjects::chosen(project, name, &[])?));
    }
    let mut findings = project::looked(project, &specs);
    findings.extend(subjects::looked(&specs).await);
    findings.extend(services::looked(&specs));
    Ok(findings)
}
