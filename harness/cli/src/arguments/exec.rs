//! What `exec` is told.

use super::{FaultSpec, Finding, OtherHosts, RecordedHost};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = EXEC_EXAMPLES)]
pub(crate) struct Exec {
    /// Record what the command asks for: the same as --mode record
    #[arg(long, conflicts_with = "mode")]
    pub(crate) record: bool,
    /// What becomes of the command's requests; `replay` by default
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) mode: Option<ExecMode>,
    /// What is played, or recorded: provider/flow; to play also a provider, a file or a folder
    #[arg(long = "fixture", value_name = "FIXTURE")]
    pub(crate) fixtures: Vec<String>,
    /// With --flow the same as --fixture PROVIDER/FLOW
    #[arg(long, requires = "flow")]
    pub(crate) provider: Option<String>,
    /// With --provider the same as --fixture PROVIDER/FLOW
    #[arg(long, requires = "provider")]
    pub(crate) flow: Option<String>,
    /// A host of the API, or *.example.com; with =PROVIDER of one of several
    #[arg(long = "host", value_name = "HOST[=PROVIDER]")]
    pub(crate) hosts: Vec<RecordedHost>,
    /// What is done with all other hosts: `tunnel` by default where all is recorded, else `refuse`
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) others: Option<OtherHosts>,
    /// Lead the command by base URLs alone: no proxy, and no certificates
    #[arg(long, conflicts_with_all = ["hosts", "others"])]
    pub(crate) no_proxy: bool,
    /// The folder of the certificate authority (ca.pem, ca-key.pem); one in your data folder by default
    #[arg(long, value_name = "DIR")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificates (PEM) to trust as those of the real API, beside the machine's
    #[arg(long, value_name = "FILE")]
    pub(crate) upstream_ca: Vec<PathBuf>,
    /// The real API: http(s)://host[:port][/base]; taken from counterpart.toml or the fixture by default
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<http::Uri>,
    /// The fixtures folder; the project's by default
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// An environment variable that holds a secret, which is replaced wherever it turns up
    #[arg(long = "secret-env", value_name = "NAME")]
    pub(crate) secret_env: Vec<String>,
    /// [PROVIDER:]FAULT[JSON]@PLACE[*TIMES], as `serve` takes it
    #[arg(long = "fault", value_name = "SPEC")]
    pub(crate) faults: Vec<FaultSpec>,
    /// What does not make the command fail
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) allow: Vec<Finding>,
    /// What makes the command fail beside what does by default
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) deny: Vec<Finding>,
    /// The command, after --
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

const EXEC_EXAMPLES: &str = "Examples:
  counterpart exec --record --provider github --flow list-issues -- pytest tests/
  counterpart exec --fixture github/list-issues -- pytest tests/
  counterpart exec --mode auto --fixture github/list-issues -- pytest tests/";

/// What becomes of a command's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExecMode {
    /// All go to the real API, and become the fixture
    Record,
    /// All are answered from the fixtures
    Replay,
    /// What is recorded is answered from it; what is missing goes to the real API and is added to it
    Auto,
}
