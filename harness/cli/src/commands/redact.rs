//! `counterpart redact`: looks through committed fixtures for secrets, or takes them out after a rule has changed.

use crate::arguments::{Format, Global, Redact};
use crate::exit::{Exit, Stop};
use crate::known_secrets::known_secrets;
use crate::output::{self, counted};
use counterpart_exchange::keep::{Checked, KeepError, LeftSecret, check, redact_again};
use counterpart_exchange::redaction::{KnownSecret, known_forms};
use serde_json::json;

pub(crate) fn redact(global: &Global, arguments: &Redact) -> Result<Exit, Stop> {
    if arguments.forms {
        return forms(global);
    }
    let known = known_secrets(&arguments.secret_env)?;
    if arguments.check {
        let checked = check(&arguments.paths, &known).map_err(stopped)?;
        tell(global, &checked)?;
        return Ok(if checked.findings.is_empty() { Exit::Passed } else { Exit::Failed });
    }
    again(global, arguments, &known)
}

fn again(global: &Global, arguments: &Redact, known: &[KnownSecret]) -> Result<Exit, Stop> {
    for path in &arguments.paths {
        let kept = redact_again(path, known).map_err(stopped)?;
        let secrets = counted(kept.taken_out.len(), "secret was", "secrets were");
        if !kept.taken_out.is_empty() || !global.quiet {
            output::result(&format!("{}: {secrets} taken out", path.display()));
        }
        if arguments.explain {
            kept.taken_out.iter().for_each(|one| output::result(&format!("  {one}")));
        }
    }
    Ok(Exit::Passed)
}

fn tell(global: &Global, checked: &Checked) -> Result<(), Stop> {
    if global.format == Format::Json {
        let findings: Vec<_> = checked
            .findings
            .iter()
            .map(|found| {
                let LeftSecret { file, line, exchange, field, what } = found;
                json!({"file": file, "line": line, "exchange": exchange, "field": field, "what": what})
            })
            .collect();
        let all = json!({"files": checked.files, "fixtures": checked.fixtures, "findings": findings});
        return output::json(&all).map_err(Stop::usage);
    }
    checked.findings.iter().for_each(|found| output::result(&line_of(found)));
    let looked = format!(
        "{} looked through, {} among them",
        counted(checked.files, "file", "files"),
        counted(checked.fixtures, "fixture", "fixtures")
    );
    if !checked.findings.is_empty() {
        output::note(&format!(
            "{looked}: {} like a secret. Name the fields in the provider's provider.yaml under `secrets`, or, where they are \
             harmless, under `identifiers`; then take it out with `counterpart redact FILE`, or record again",
            counted(checked.findings.len(), "place looks", "places look")
        ));
    } else if !global.quiet {
        output::note(&format!("{looked}: nothing looks secret"));
    }
    Ok(())
}

/// `file:line: exchange, field: what`, which editors and CI can follow.
fn line_of(found: &LeftSecret) -> String {
    let mut line = format!("{}:{}: ", found.file.display(), found.line);
    if let Some(exchange) = &found.exchange {
        line.push_str(&format!("exchange {exchange}, "));
    }
    if let Some(field) = &found.field {
        line.push_str(&format!("`{field}`: "));
    }
    line + &found.what
}

fn forms(global: &Global) -> Result<Exit, Stop> {
    if global.format == Format::Json {
        let all: Vec<_> = known_forms()
            .map(|form| json!({"name": form.name, "kind": form.kind, "source": form.source}))
            .collect();
        output::json(&all).map_err(Stop::usage)?;
    } else {
        known_forms()
            .for_each(|form| output::result(&format!("{} («{}:1»): {}", form.name, form.kind, form.source)));
    }
    Ok(Exit::Passed)
}

fn stopped(error: KeepError) -> Stop {
    match error {
        KeepError::Write { .. } => Stop::environment(error),
        KeepError::SecretLeft { .. } => Stop { exit: Exit::Failed, error: error.into() },
        other => Stop::usage(other),
    }
}
