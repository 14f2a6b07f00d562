//! `counterpart run`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenario files or folders; all of the project's by default
    pub(crate) paths: Vec<PathBuf>,
    /// The integration under test: a [subject.NAME] of counterpart.toml, or the bundled `reference`
    #[arg(long, default_value = "reference", value_name = "NAME")]
    pub(crate) subject: String,
    /// Words that a scenario's name must contain; with ! before it, must not
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// List the scenarios that would run
    #[arg(long)]
    pub(crate) list: bool,
    /// Decides everything that is drawn at random
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the reports go
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Further report files: html=F, junit=F, json=F, markdown=F
    #[arg(long, value_delimiter = ',', value_name = "FORMAT=FILE", value_parser = report)]
    pub(crate) report: Vec<Report>,
    /// Fail where a subject is a container and no container engine answers, instead of skipping
    #[arg(long)]
    pub(crate) require_docker: bool,
    /// A known bug to switch on in the bundled runtime, to see scenarios fail
    #[arg(long, value_name = "BUG")]
    pub(crate) plant: Vec<String>,
}

/// A report to write.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) format: ReportFormat,
    pub(crate) file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Html,
    Junit,
    Json,
    Markdown,
}

fn report(text: &str) -> Result<Report, String> {
    let (format, file) = text.split_once('=').ok_or("expected FORMAT=FILE, as in html=report.html")?;
    let format = ReportFormat::from_str(format, false).map_err(|_| {
        format!("{format:?} is not a report format; there are html, junit, json and markdown")
    })?;
    Ok(Report { format, file: file.into() })
}
