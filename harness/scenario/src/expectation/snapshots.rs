//! `snapshot`: the state of things, compared with what was reviewed and committed.

use crate::file::SnapshotOf;
use crate::observed::Context;
use crate::snapshot::{SnapshotMode, SnapshotText, compare};
use counterpart_subject::ProbeName;

/// The files of snapshots that differ or are new.
pub(super) fn judge(
    of: &[SnapshotOf],
    context: &Context<'_>,
    mode: SnapshotMode,
) -> Result<Vec<String>, String> {
    let mut pending = Vec::new();
    for what in of {
        let content = match what {
            SnapshotOf::Destination => records(context, ProbeName::Destination)?,
            SnapshotOf::Audit => records(context, ProbeName::Audit)?,
            SnapshotOf::Requests => requests(context),
        };
        let path = SnapshotText::path(&context.plan.path, what.word());
        let text = SnapshotText {
            source: context.plan.path.display().to_string(),
            expression: what.word().to_owned(),
            content,
        };
        pending.extend(compare(&path, &text, mode).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    Ok(pending)
}

fn records(context: &Context<'_>, probe: ProbeName) -> Result<String, String> {
    let (_, records) = context
        .probe(probe)
        .ok_or_else(|| format!("a snapshot of `{0}` needs the subject's probe `{0}`", probe.word()))?;
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    let text = lines.join("\n");
    Ok(context.observed.secrets.iter().fold(text, |text, secret| text.replace(secret.as_str(), "«secret»")))
}

fn requests(context: &Context<'_>) -> String {
    let lines = context.observed.seen.iter().map(|seen| {
        let after = seen.at.duration_since(context.observed.began);
        let status = seen.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{after:#} {} {} -> {status} ({})", seen.method, seen.target, seen.note)
    });
    lines.collect::<Vec<_>>().join("\n")
}
