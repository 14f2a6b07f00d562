//! The `counterpart` command. It alone prints and exits; everything that it does is done by the crates it names.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the command line is where things are printed")]

mod arguments;
mod commands;
mod config_file;
mod exit;
mod fault_pages;
mod fixture_argument;
mod known_secrets;
mod output;
mod plants;
mod project;
mod subjects;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::{Exit, Stop};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A server that runs by itself tells what it does; beside a suite that would be noise.
    let log_level = if matches!(arguments.command, Command::Runtime(_)) { "info" } else { "off" };
    output::set_up(&arguments.global, log_level);
    let exit = act(&arguments).unwrap_or_else(|stop| {
        output::error(&stop.error);
        stop.exit
    });
    exit.into()
}

/// What was asked for, done.
fn act(arguments: &Arguments) -> Result<Exit, Stop> {
    let global = &arguments.global;
    let tokio =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Stop::environment)?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| Stop::environment(anyhow::anyhow!("the TLS provider could not be installed")))?;
    match &arguments.command {
        Command::Record(record) => tokio.block_on(commands::record::record(global, record)),
        Command::Import(import) => commands::import::import(global, import),
        Command::Redact(redact) => commands::redact::redact(global, redact),
        Command::Export(export) => commands::export::export(global, export),
        Command::Serve(serve) => tokio.block_on(commands::serve::serve(global, serve)),
        Command::Exec(exec) => tokio.block_on(commands::exec::exec(global, exec)),
        Command::Show(show) => commands::show::show(global, show),
        Command::Fixture(fixture) => commands::fixture::fixture(global, fixture),
        Command::Run(run) => commands::run::run(tokio.handle(), global, run),
        Command::Explore(explore) => commands::explore::explore(tokio.handle(), global, explore),
        Command::Merge(merge) => commands::merge::merge(global, merge),
        Command::Init(init) => commands::init::init(global, init),
        Command::Doctor(doctor) => tokio.block_on(commands::doctor::doctor(global, doctor)),
        Command::Review(arguments) => commands::review::review(global, arguments),
        Command::Accept(arguments) => {
            commands::review::settle_all(global, arguments, commands::review::Decision::Accept)
        }
        Command::Reject(arguments) => {
            commands::review::settle_all(global, arguments, commands::review::Decision::Reject)
        }
        Command::Contract(contract) => commands::contract::contract(global, contract),
        Command::Runtime(runtime) => tokio.block_on(commands::runtime::runtime(runtime)),
        Command::Faults(faults) => commands::faults::faults(global, faults),
        Command::Ca(ca) => commands::ca::ca(ca),
        Command::Schema(schema) => commands::schema::schema(schema),
        Command::Completions(completions) => commands::completions::completions(completions),
        Command::Man(man) => commands::man::man(man),
    }
}
