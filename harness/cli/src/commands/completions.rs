//! `counterpart completions`: what a shell completes, printed.

use crate::arguments::{Arguments, Completions};
use crate::exit::{Exit, Stop};
use crate::output;
use clap::CommandFactory;

pub(crate) fn completions(arguments: &Completions) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "counterpart", &mut script);
    let script = String::from_utf8(script).map_err(Stop::environment)?;
    output::file(&script);
    Ok(Exit::Passed)
}
