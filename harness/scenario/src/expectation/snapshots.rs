//! `snapshot`: the state of things, compared with what was reviewed and committed.

use crate::file::SnapshotOf;
use crate::observed::Context;
use crate::snapshot::{SnapshotMode, SnapshotText, compare};
use crate::snapshot_content::{
    RecordOrder, RecordedOrder, Redactions, fields_that_are_nowhere, records_text, requests_text,
};
use counterpart_subject::{ClockKind, ProbeName};
use serde_json::Value;

/// The files of snapshots that differ or are new.
pub(super) fn judge(
    of: &[SnapshotOf],
    redact: &[String],
    context: &Context<'_>,
    mode: SnapshotMode,
) -> Result<Vec<String>, String> {
    let redactions = redactions(context, redact);
    check_fields(of, redact, context)?;
    let mut pending = Vec::new();
    for what in of {
        let content = match what {
            SnapshotOf::Destination => {
                let key = context.destination().map(|(key, _)| key);
                records_text(records(context, ProbeName::Destination)?, RecordOrder::ByKey(key), &redactions)
            }
            SnapshotOf::Audit => {
                records_text(records(context, ProbeName::Audit)?, RecordOrder::ByTime, &redactions)
            }
            SnapshotOf::Requests => {
                let began = (!is_real_time(context)).then_some(context.observed.began);
                let recorded = RecordedOrder::of(&context.plan.fixtures);
                requests_text(&context.observed.seen, began, &recorded, &redactions)
            }
            SnapshotOf::Files => files(context, &redactions),
        };
        let path = SnapshotText::path(&context.plan.snapshot_path(), what.word());
        let text = SnapshotText {
            source: context.plan.path.display().to_string(),
            expression: what.word().to_owned(),
            content,
        };
        pending.extend(compare(&path, &text, mode).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(pending)
}

fn is_real_time(context: &Context<'_>) -> bool {
    context.subject.clock == ClockKind::Real
}

fn redactions(context: &Context<'_>, redact: &[String]) -> Redactions {
    let mut redactions = context.observed.redactions.clone();
    context.observed.secrets.iter().for_each(|secret| redactions.secret(secret, "«secret»"));
    redact.iter().for_each(|field| redactions.field(field));
    if is_real_time(context) {
        redactions.real_time(context.observed.began, context.observed.ended);
    }
    redactions
}

fn records<'a>(context: &Context<'a>, probe: ProbeName) -> Result<&'a [Value], String> {
    let shown = context.observed.probes.get(&probe).map(Vec::as_slice);
    shown.ok_or_else(|| format!("a snapshot of `{0}` needs the subject's probe `{0}`", probe.word()))
}

/// A field that is redacted and is nowhere was misspelt, and what was meant is not redacted.
fn check_fields(of: &[SnapshotOf], redact: &[String], context: &Context<'_>) -> Result<(), String> {
    let mut all = Vec::new();
    for what in of {
        match what {
            SnapshotOf::Destination => all.extend_from_slice(records(context, ProbeName::Destination)?),
            SnapshotOf::Audit => all.extend_from_slice(records(context, ProbeName::Audit)?),
            SnapshotOf::Requests | SnapshotOf::Files => {}
        }
    }
    let nowhere = fields_that_are_nowhere(redact, &all);
    // Where nothing was written, nothing can be told.
    let Some(field) = nowhere.first().filter(|_| {
        !all.is_empty() || of.iter().all(|one| matches!(one, SnapshotOf::Requests | SnapshotOf::Files))
    }) else {
        return Ok(());
    };
    let known = all.iter().filter_map(Value::as_object).flat_map(|record| record.keys());
    let known: std::collections::BTreeSet<&str> = known.map(String::as_str).collect();
    let known = match known.is_empty() {
        true => "requests and files have no fields".to_owned(),
        false => format!("the records have {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Err(format!("`redact` of a snapshot names `{field}`, and no record has such a field; {known}"))
}

/// Bytes of one file that a snapshot shows; of a longer one it shows length and digest, as of what is no text.
const MAX_SHOWN_BYTES: usize = 64 * 1024;

fn files(context: &Context<'_>, redactions: &Redactions) -> String {
    let files = context.observed.files.iter().map(|file| {
        let text = std::str::from_utf8(&file.content).ok().filter(|text| text.len() <= MAX_SHOWN_BYTES);
        match text {
            // Each line behind a bar, so that no content looks like the name of the next file.
            Some(text) => {
                let lines: String = text.lines().map(|line| format!("\n| {line}")).collect();
                format!("{}{lines}", file.name)
            }
            None => {
                let digest = counterpart_outcome::Digest::of(&file.content);
                format!("{} ({} bytes, SHA-256 {})", file.name, file.content.len(), digest.0)
            }
        }
    });
    redactions.text(&files.collect::<Vec<_>>().join("\n"))
}
