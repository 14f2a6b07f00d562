//! The command line. What is said of each argument is what `--help` prints.
#![allow(
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "brackets here are usage, not links"
)]

mod exec;
mod explore;
mod project;
mod run;
mod values;

use clap::{Args, Parser, Subcommand, ValueEnum};
use counterpart_recorder::HostPattern;
use counterpart_reference_runtime::CrashPoint;
use counterpart_stand_in::PlannedFault;
pub(crate) use exec::{Exec, ExecMode};
pub(crate) use explore::Explore;
pub(crate) use project::{Completions, Doctor, Init, Man};
pub(crate) use run::{Merge, ReportFormat, Reports, Run};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Record a third-party API, play it back with every failure it can have, and see whether your integration is
/// fit to roll out.
#[derive(Debug, Parser)]
#[command(name = "counterpart", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When colours are used; NO_COLOR is respected
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// Print only what is wrong
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log what happens to standard error; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// The project's configuration; found from here upwards by default
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Record live traffic as redacted fixtures: a reverse proxy before the real API, or a forward proxy
    Record(Record),
    /// Make fixtures of what another tool recorded: HAR, VCR, nock and their like
    Import(Import),
    /// Look through fixtures for what is secret, or take it out of them
    Redact(Redact),
    /// Write a fixture for another tool: HAR, WireMock, Pact
    Export(Export),
    /// Play a provider from its fixtures, with faults if you like
    Serve(Serve),
    /// Run a command beside the recorder or the stand-ins: its tests without the network
    Exec(Exec),
    /// Show what fixtures there are, the exchanges of one, or one exchange as it went over the wire
    Show(Show),
    /// Compare fixtures
    Fixture(Fixture),
    /// Run scenarios against an integration and write the reports
    Run(Run),
    /// Make one run of the run files of all its shards, and write its reports
    Merge(Merge),
    /// Look for failures that nobody thought of, from the happy path of a scenario
    Explore(Explore),
    /// Go through snapshots that changed: accept, reject or skip each
    Review(Review),
    /// Accept snapshots that changed
    Accept(Settled),
    /// Reject snapshots that changed
    Reject(Settled),
    /// Infer a contract from fixtures, or check fixtures against one
    Contract(Contract),
    /// The bundled reference integration runtime
    Runtime(Runtime),
    /// List the faults that a provider can be given, or tell one of them whole
    Faults(Faults),
    /// The certificate authority that clients of `serve --tls` and `record --proxy` are to trust
    Ca(Ca),
    /// Print the JSON Schemas of the file formats, or write them to a folder
    Schema(Schema),
    /// Begin a project here: its configuration, its folders, and a scenario that passes
    Init(Init),
    /// Look whether the project and this machine have what a run needs, and say how to mend what is wrong
    Doctor(Doctor),
    /// Print the completions for a shell
    Completions(Completions),
    /// Print the manual page, or write those of all commands to a folder
    Man(Man),
}

#[derive(Debug, Args)]
pub(crate) struct Review {
    /// Tell the snapshots that no scenario asks for any more, and change nothing
    #[arg(long, conflicts_with = "which")]
    pub(crate) unreferenced: bool,
    #[command(flatten)]
    pub(crate) settled: Settled,
}

#[derive(Debug, Args)]
pub(crate) struct Settled {
    /// Only these: scenarios by name (chat-import/happy-path), one snapshot of a scenario (chat-import/happy-path@audit),
    /// files or folders
    #[arg(value_name = "PATH|NAME")]
    pub(crate) which: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The provider's short name: its folder under the fixtures
    #[arg(long, required_unless_present = "proxy")]
    pub(crate) provider: Option<String>,
    /// The flow's short name: the fixture's file
    #[arg(long)]
    pub(crate) flow: String,
    /// The real API: http(s)://host[:port][/base]; needless where webhooks alone are recorded
    #[arg(long, value_name = "URL", conflicts_with = "proxy")]
    pub(crate) upstream: Option<http::Uri>,
    /// Take the provider's webhooks at a path, pass them on to your integration, and record them too:
    /// /hooks=http://127.0.0.1:3000/hooks
    #[arg(long, value_name = "PATH=URL", conflicts_with = "proxy")]
    pub(crate) webhooks: Vec<String>,
    /// Be a forward proxy, which the integration is given as its HTTPS_PROXY and HTTP_PROXY
    #[arg(long)]
    pub(crate) proxy: bool,
    /// A host to record: api.example.com, *.example.com, host:port; =PROVIDER puts it into a fixture of its own. By
    /// default those that the provider's profile names, or those of all profiles
    #[arg(long = "host", value_name = "HOST[=PROVIDER]", requires = "proxy")]
    pub(crate) hosts: Vec<RecordedHost>,
    /// What is done with hosts that are not recorded
    #[arg(long, value_enum, default_value_t = OtherHosts::Tunnel, requires = "proxy")]
    pub(crate) others: OtherHosts,
    /// The folder of the certificate authority (ca.pem, ca-key.pem); one in your data folder by default
    #[arg(long, value_name = "DIR", requires = "proxy")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificates (PEM) to trust as those of the real API, beside the machine's
    #[arg(long, value_name = "FILE")]
    pub(crate) upstream_ca: Vec<PathBuf>,
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR", value_parser = values::address)]
    pub(crate) listen: SocketAddr,
    /// The fixtures folder; the project's by default
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Stop when nothing has happened for so long: 2s, 1m
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) until_idle: Option<std::time::Duration>,
    /// An environment variable that holds a secret, which is replaced wherever it turns up
    #[arg(long = "secret-env", value_name = "NAME")]
    pub(crate) secret_env: Vec<String>,
    /// Tell of each placeholder which rule took out what it stands for, and where
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Redact {
    /// With --check: files and folders, the bodies beside fixtures included. Without: fixture files, redacted again in place
    #[arg(required_unless_present = "forms", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; fail if something looks secret
    #[arg(long)]
    pub(crate) check: bool,
    /// An environment variable that holds a secret, which is found in every spelling
    #[arg(long = "secret-env", value_name = "NAME")]
    pub(crate) secret_env: Vec<String>,
    /// Tell of each placeholder that is put in which rule took out what it stands for, and where
    #[arg(long, conflicts_with = "check")]
    pub(crate) explain: bool,
    /// List the documented forms of secrets that are found by their look
    #[arg(long, conflicts_with_all = ["paths", "check", "explain"])]
    pub(crate) forms: bool,
}

/// A host that is recorded, and into whose fixture.
#[derive(Clone, Debug)]
pub(crate) struct RecordedHost {
    pub(crate) pattern: HostPattern,
    pub(crate) provider: Option<String>,
}

impl std::str::FromStr for RecordedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, provider) =
            text.split_once('=').map_or((text, None), |(host, provider)| (host, Some(provider)));
        Ok(Self { pattern: host.parse()?, provider: provider.map(str::to_owned) })
    }
}

/// What is done with hosts that are not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OtherHosts {
    /// They are passed on untouched
    Tunnel,
    /// They are refused
    Refuse,
}

#[derive(Debug, Args)]
pub(crate) struct Ca {
    #[command(subcommand)]
    pub(crate) command: CaCommand,
    /// The authority's folder (ca.pem, ca-key.pem); one in your data folder by default
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum CaCommand {
    /// Print where its certificate is; it is made when there is none yet
    Path,
    /// Print its certificate (PEM)
    Print,
    /// Make a new one in its place
    Renew,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// What wrote the files: har, vcr (also vcrpy and go-vcr), polly, nock, wiremock, hoverfly, postman, pact
    #[arg(id = "FORMAT")]
    pub(crate) from: counterpart_interchange::Format,
    /// The files, in the order in which their exchanges happened
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The provider's short name: its folder under the fixtures
    #[arg(long)]
    pub(crate) provider: String,
    /// The flow's short name, for all files together; by default each file is a flow, named after it
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// The fixtures folder; the project's by default
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Write nothing where anything in the files cannot be kept
    #[arg(long)]
    pub(crate) strict: bool,
    /// An environment variable that holds a secret, which is replaced wherever it turns up
    #[arg(long = "secret-env", value_name = "NAME")]
    pub(crate) secret_env: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// What is to read the file
    #[arg(id = "FORMAT", value_enum)]
    pub(crate) to: ExportFormat,
    /// What to write: provider/flow, or a fixture file
    #[arg(value_name = "FIXTURE")]
    pub(crate) fixture: String,
    /// The file to write; standard output by default
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write nothing where anything of the fixture cannot be said
    #[arg(long)]
    pub(crate) strict: bool,
    /// The name of the integration in a Pact file
    #[arg(long, default_value = "integration", value_name = "NAME")]
    pub(crate) consumer: String,
}

/// A format that fixtures are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// HTTP Archive 1.2
    Har,
    /// WireMock stub mappings
    Wiremock,
    /// Pact, version 4
    Pact,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What to play: provider/flow, a provider for all its flows, a fixture file, or a folder of providers
    #[arg(required = true, value_name = "FIXTURE")]
    pub(crate) fixtures: Vec<String>,
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR", value_parser = values::address)]
    pub(crate) listen: SocketAddr,
    /// [PROVIDER:]FAULT[JSON]@PLACE[*TIMES]: expired_token@messages-2, 'rate_limited{"retry_after_s":30}@messages-2*3'
    #[arg(long = "fault", value_name = "SPEC")]
    pub(crate) faults: Vec<FaultSpec>,
    /// Speak TLS, with certificates of an authority of its own, which is made when first needed
    #[arg(long)]
    pub(crate) tls: bool,
    /// The folder of that authority (ca.pem, ca-key.pem); one in your data folder by default
    #[arg(long, value_name = "DIR", requires = "tls")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Where the control API listens (docs/control-api.md); port 0 takes a free one, which is printed
    #[arg(long, value_name = "ADDR", value_parser = values::address)]
    pub(crate) control: Option<SocketAddr>,
    /// A name by which the control API may be called, beside its address and localhost
    #[arg(long, value_name = "NAME", requires = "control")]
    pub(crate) control_host: Vec<String>,
    /// Where webhooks go that the control API is told to send, where it is not told where
    #[arg(long, value_name = "URL", requires = "control")]
    pub(crate) webhooks_to: Option<String>,
    /// Begin at 2026-01-01T00:00:00Z, and let time pass only when the control API is told to
    #[arg(long, requires = "control")]
    pub(crate) test_clock: bool,
    /// What does not make the command fail
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) allow: Vec<Finding>,
    /// What makes the command fail beside what does by default
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) deny: Vec<Finding>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// provider/flow or the path of a fixture, with #EXCHANGE behind it for one exchange; a provider, or nothing, for a list
    #[arg(value_name = "FIXTURE")]
    pub(crate) fixture: Option<String>,
    /// The exchange to show as it went over the wire: its id, or the beginning of it
    #[arg(long, value_name = "ID", requires = "fixture")]
    pub(crate) exchange: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Fixture {
    #[command(subcommand)]
    pub(crate) command: FixtureCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FixtureCommand {
    /// Tell what differs between two recordings by what it means: exit code 0 where nothing does, 1 where something does
    Diff {
        /// The older one: provider/flow, or the path of a fixture
        #[arg(value_name = "OLDER")]
        older: String,
        /// The newer one
        #[arg(value_name = "NEWER")]
        newer: String,
    },
}

/// What may be found when a stand-in ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Finding {
    /// Requests that no exchange fits; fails by default
    Unmatched,
    /// Requests that are not safe to repeat, after every recorded answer was given; fails by default
    Exhausted,
    /// Faults that could not change the answer they were meant for; fails by default
    FaultInapplicable,
    /// Faults that struck less often than asked for; fails by default
    UnusedFaults,
    /// Requests matched although nobody knows the body that was recorded
    AnyBody,
    /// Requests that differed in what the profile calls volatile
    Volatile,
    /// Safe requests answered once more with the last recorded answer
    Repeated,
    /// Exchanges that were never asked for
    UnusedExchanges,
}

/// A fault on the command line, for a provider that is named or not.
#[derive(Clone, Debug)]
pub(crate) struct FaultSpec {
    pub(crate) provider: Option<String>,
    pub(crate) planned: PlannedFault,
    /// As it was given, without the provider.
    pub(crate) spec: String,
}

impl std::str::FromStr for FaultSpec {
    type Err = counterpart_stand_in::SpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        let (provider, spec) = match text.split_once(':') {
            // A colon may stand in the parameters and in the place, which come behind these signs.
            Some((name, spec)) if is_name(name) => (Some(name.to_owned()), spec),
            _ => (None, text),
        };
        Ok(Self { provider, planned: spec.parse()?, spec: spec.to_owned() })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Contract {
    #[command(subcommand)]
    pub(crate) command: ContractCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContractCommand {
    /// Infer contracts/<provider>.openapi.yaml from a provider's fixtures
    Infer {
        /// The provider's folder: fixtures/matrix
        provider: PathBuf,
        /// The contracts folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Hold a provider's fixtures against its contract
    Check {
        /// The provider's folder: fixtures/matrix; all providers that have a contract by default
        provider: Option<PathBuf>,
        /// The contract; contracts/<provider>.openapi.yaml by default
        #[arg(long, value_name = "FILE", requires = "provider")]
        contract: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Runtime {
    #[command(subcommand)]
    pub(crate) command: RuntimeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RuntimeCommand {
    /// Run it until SIGTERM or Ctrl-C
    Serve {
        /// Where it keeps its key and, without --database, its database
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// A PostgreSQL database, postgres://user:password@host:port/name, which several processes may share
        #[arg(long, value_name = "URL", env = "COUNTERPART_DATABASE_URL", hide_env_values = true)]
        database: Option<String>,
        /// Where to listen; port 0 takes a free one, which is printed
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR", value_parser = values::address)]
        listen: SocketAddr,
        /// Offer the clock endpoints, and move only when told (docs/clock-protocol.md)
        #[arg(long)]
        test_clock: bool,
        /// Where that clock begins; at the present by default
        #[arg(long, value_name = "TIMESTAMP", requires = "test_clock")]
        clock_start: Option<jiff::Timestamp>,
        /// A known bug to switch on; needs --test-clock
        #[arg(long, value_name = "BUG")]
        plant: Vec<String>,
        /// Decides the jitter of retries
        #[arg(long, default_value_t = 1, value_parser = values::seed, allow_negative_numbers = true)]
        seed: u64,
        /// How long a process that is not heard of keeps its work, in seconds
        #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
        lease_s: u32,
        /// How long a stop waits for calls under way, in seconds
        #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=3600))]
        drain_s: u32,
        /// So many runs may be unfinished; more are answered with 503
        #[arg(long, default_value_t = 100_000, value_name = "RUNS", value_parser = clap::value_parser!(u32).range(1..))]
        most_unfinished: u32,
        /// Die, as by a power cut, at a place that `crash-points` lists: NAME, or NAME:TIMES for a later pass
        #[arg(long, value_name = "NAME[:TIMES]")]
        crash_at: Option<CrashPoint>,
        /// How safely SQLite writes; anything but full is there to show that the proof of durability can fail
        #[arg(long, value_enum, default_value_t = Synchronous::Full, hide = true)]
        sqlite_synchronous: Synchronous,
    },
    /// List the places at which `serve --crash-at` can let it die
    CrashPoints,
    /// List the known bugs that can be switched on
    Plants,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Write all of them to this folder instead
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Faults {
    /// The fault to tell whole
    pub(crate) name: Option<String>,
    /// Write all of them to this file instead, as a page of Markdown
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub(crate) out: Option<PathBuf>,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a length of time like 2s or 1m".to_owned())?;
    signed.try_into().map_err(|_| "a length of time cannot be negative".to_owned())
}

/// How safely SQLite writes.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Synchronous {
    Full,
    Normal,
}
