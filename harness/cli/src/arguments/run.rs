//! `counterpart run` and `counterpart merge`.

use super::values::{from_one, jobs, retries, seed};
use clap::{Args, ValueEnum};
use counterpart_outcome::Shard;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// Scenarios: files, folders, or names as the run prints them (suite/case, suite/case[row]); all by default
    #[arg(value_name = "SCENARIO")]
    pub(crate) paths: Vec<PathBuf>,
    /// The integration under test: a [subject.NAME] of counterpart.toml, or the bundled `reference`; by default the only
    /// one that is described, and `reference` where none is
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Words that a scenario's name must contain; with ! before it, must not
    #[arg(long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Play the i-th of n parts of the scenarios: 2/4. A scenario's name alone decides which part it belongs to
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub(crate) shard: Option<Shard>,
    /// Play what failed, errored or was not run in the last run, as its run.json in --out tells
    #[arg(long, conflicts_with = "shard")]
    pub(crate) rerun_failed: bool,
    /// List the scenarios that would run
    #[arg(long)]
    pub(crate) list: bool,
    /// So many scenarios at once; one at a time where all of them meet the same process
    #[arg(long, value_name = "N", default_value = "1", value_parser = jobs, allow_negative_numbers = true)]
    pub(crate) jobs: NonZeroUsize,
    /// Try what does not pass again so often; one that passes then is flaky, and says so everywhere
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = retries, allow_negative_numbers = true)]
    pub(crate) retries: u32,
    /// Begin no further scenario after the first that fails or errors
    #[arg(long, conflicts_with = "max_fail")]
    pub(crate) fail_fast: bool,
    /// Begin no further scenario after so many that fail or error
    #[arg(long, value_name = "N", value_parser = from_one, allow_negative_numbers = true)]
    pub(crate) max_fail: Option<NonZeroUsize>,
    /// Fail where a subject is a container and no container engine answers, instead of skipping
    #[arg(long)]
    pub(crate) require_docker: bool,
    /// Decides everything that is drawn at random; 1 by default, with --rerun-failed that of the last run
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// A known bug to switch on in the bundled runtime, to see scenarios fail
    #[arg(long, value_name = "BUG")]
    pub(crate) plant: Vec<String>,
}

impl Run {
    /// The same about a subject of this name.
    pub(crate) fn about(&self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self.clone() }
    }

    /// The name of the subject, once it is known which one is meant.
    pub(crate) fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The run file of each shard, or the folder that it is in as run.json
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: Reports,
}

/// Where reports go.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reports {
    /// Where the reports go; target/counterpart/latest by default
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Further report files: html=F, junit=F, json=F, markdown=F, ctrf=F
    #[arg(long, value_delimiter = ',', value_name = "FORMAT=FILE", value_parser = report)]
    pub(crate) report: Vec<Report>,
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
    Ctrf,
}

fn report(text: &str) -> Result<Report, String> {
    let (format, file) = text.split_once('=').ok_or("expected FORMAT=FILE, as in html=report.html")?;
    let format = ReportFormat::from_str(format, false).map_err(|_| {
        format!("{format:?} is not a report format; there are html, junit, json, markdown and ctrf")
    })?;
    Ok(Report { format, file: file.into() })
}
