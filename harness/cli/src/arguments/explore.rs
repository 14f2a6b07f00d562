//! `counterpart explore`.

use super::values::{cases, from_one, seed};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, Args)]
pub(crate) struct Explore {
    /// The scenario whose happy path is explored, its file or its name; its faults, quota and expectations are left out
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenario: PathBuf,
    /// The integration under test: a [subject.NAME] of counterpart.toml, or the bundled `reference`; by default the only
    /// one that is described, and `reference` where none is
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Begin no case after so long, and let what is under way go on for five seconds: 30s, 10m. One minute where --cases does not say how many
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    pub(crate) budget: Option<Duration>,
    /// Play so many cases and no more
    #[arg(long, value_name = "N", value_parser = cases, allow_negative_numbers = true)]
    pub(crate) cases: Option<u64>,
    /// Decides which cases there are, and their order
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// Play so many cases at the same time; as many as there are processors by default
    #[arg(long, value_name = "N", value_parser = from_one, allow_negative_numbers = true)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Stop at the first cause that is found
    #[arg(long)]
    pub(crate) stop_at_first: bool,
    /// Where found scenarios are written; `found` in the scenarios folder by default
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A known bug to switch on in the bundled runtime, to see it found
    #[arg(long, value_name = "BUG")]
    pub(crate) plant: Vec<String>,
}

impl Explore {
    /// The same about a subject of this name.
    pub(crate) fn about(&self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self.clone() }
    }

    /// The name of the subject, once it is known which one is meant.
    pub(crate) fn subject(&self) -> &str {
        self.subject.as_deref().unwrap_or_default()
    }
}
