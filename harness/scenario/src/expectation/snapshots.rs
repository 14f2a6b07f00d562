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
            SnapshotOf::Files => files(context),
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

fn records(context: &Context<'_>, probe: ProbeName) -> Result<String, String> {
    let (_, records) = context
        .probe(probe)
        .ok_or_else(|| format!("a snapshot of `{0}` needs the subject's probe `{0}`", probe.word()))?;
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    Ok(context.observed.hide(&lines.join("\n")))
}

fn requests(context: &Context<'_>) -> String {
    let lines = context.observed.seen.iter().map(|seen| {
        let after = seen.at.duration_since(context.observed.began);
        let status = seen.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{after:#} {} {} -> {status} ({})", seen.method, seen.target, seen.note)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Bytes of one file that a snapshot shows; of a longer one it shows length and digest, as of what is no text.
const MAX_SHOWN_BYTES: usize = 64 * 1024;

fn files(context: &Context<'_>) -> String {
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
    context.observed.hide(&files.collect::<Vec<_>>().join("\n"))
}
