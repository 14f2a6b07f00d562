//! `counterpart faults`: what the provider can be made to do wrong. The page docs/faults.md is written by it.

use crate::arguments::{Faults as Arguments, Format, Global};
use crate::exit::{Exit, Stop};
use crate::fault_pages;
use crate::output;
use anyhow::{Context, anyhow};
use counterpart_exchange::write_atomically;
use counterpart_stand_in::{Fault, FaultDescription, FaultSummary};

pub(crate) fn faults(global: &Global, arguments: &Arguments) -> Result<Exit, Stop> {
    let describe = |fault: &FaultSummary| fault.describe().map_err(Stop::environment);
    if let Some(name) = &arguments.name {
        let told =
            Fault::summary(name).map_err(|problem| Stop::usage(anyhow!(problem))).and_then(describe)?;
        match global.format {
            Format::Text => output::result(&fault_pages::terminal(&told)),
            Format::Json => output::json(&told).map_err(Stop::environment)?,
        }
        return Ok(Exit::Passed);
    }
    let all: Vec<FaultDescription> = Fault::ALL.iter().map(describe).collect::<Result<_, _>>()?;
    if let Some(out) = &arguments.out {
        write_atomically(out, fault_pages::markdown(&all).as_bytes())
            .with_context(|| out.display().to_string())
            .map_err(Stop::environment)?;
        output::result(&format!("wrote {}", out.display()));
        return Ok(Exit::Passed);
    }
    match global.format {
        Format::Text => output::result(&fault_pages::list(&all)),
        Format::Json => output::json(&all).map_err(Stop::environment)?,
    }
    Ok(Exit::Passed)
}
