//! `counterpart export`: a fixture in the format of another tool.

use super::import::loss_lines;
use crate::arguments::{Export, ExportFormat, Format, Global};
use crate::exit::{Exit, Stop};
use crate::fixture_argument;
use crate::output::{self, counted};
use crate::project::Project;
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use counterpart_exchange::{Fixture, StandInValues, write_atomically};
use counterpart_interchange::export::{Exported, export_har, export_pact, export_wiremock};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) fn export(global: &Global, arguments: &Export) -> Result<Exit, Stop> {
    let fixture = fixture_argument::read(&Project::find(global)?.library(), &arguments.fixture)?.fixture;
    let exported = match arguments.to {
        ExportFormat::Har => export_har(&fixture),
        ExportFormat::Wiremock => export_wiremock(&fixture),
        ExportFormat::Pact => export_pact(&fixture, &arguments.consumer),
    };
    let losses: Vec<(usize, String)> =
        exported.losses.iter().map(|loss| (loss.exchange + 1, loss.what.clone())).collect();
    if arguments.strict && !losses.is_empty() {
        let mut lines = vec!["not all of it can be said, so nothing was written (--strict):".to_owned()];
        lines.extend(loss_lines(&fixture.name(), &losses, true));
        lines.push("take these out of the fixture, or leave --strict out".to_owned());
        return Err(Stop::usage(anyhow!(lines.join("\n"))));
    }
    match &arguments.out {
        None => output::file(&exported.text),
        Some(out) => {
            write_atomically(out, exported.text.as_bytes())
                .with_context(|| format!("{}: cannot be written", out.display()))
                .map_err(Stop::environment)?;
            match global.format {
                Format::Json => {
                    output::json(&summary(arguments, out, &fixture, &exported)).map_err(Stop::environment)?;
                }
                Format::Text if global.quiet => {}
                Format::Text => {
                    let exchanges = counted(fixture.exchanges.len(), "exchange", "exchanges");
                    output::result(&format!("wrote {}: {exchanges}", out.display()));
                }
            }
        }
    }
    if !global.quiet
        && let count @ 1.. = StandInValues::of(&fixture).iter().count()
    {
        let placeholders = counted(count, "placeholder is a value", "placeholders are values");
        output::note(&format!("{placeholders} made up for it: no secret, and the same each time"));
    }
    loss_lines(&fixture.name(), &losses, global.verbose == 0).iter().for_each(|line| output::note(line));
    Ok(Exit::Passed)
}

fn summary(arguments: &Export, out: &Path, fixture: &Fixture, exported: &Exported) -> Value {
    let format = arguments.to.to_possible_value().map(|value| value.get_name().to_owned());
    let losses: Vec<Value> = exported
        .losses
        .iter()
        .map(|loss| json!({ "exchange": loss.exchange + 1, "what": loss.what }))
        .collect();
    json!({
        "format": format,
        "fixture": fixture.name(),
        "file": out,
        "exchanges": fixture.exchanges.len(),
        "losses": losses,
    })
}
