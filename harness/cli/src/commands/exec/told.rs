//! What is told when the command has ended: on standard error alone, for standard output is the command's.

use super::super::playing::Summary;
use super::super::record::traffic;
use super::servers::{Finished, Recorded};
use crate::arguments::{Exec, Finding, Format, Global};
use crate::exit::{Exit, Stop};
use crate::output::{self, counted};
use counterpart_recorder::Traffic;
use counterpart_stand_in::{Provider, StandIn};
use serde_json::{Value, json};

/// What came of everything.
pub(super) struct Told<'a> {
    /// What the command ended with.
    code: u8,
    finished: &'a Finished,
    /// Of what was played; none where nothing was.
    summary: Option<Summary>,
    allows_unmatched: bool,
}

impl<'a> Told<'a> {
    pub(super) fn new(code: u8, finished: &'a Finished, arguments: &Exec) -> Self {
        let stand_ins: Vec<&StandIn> = finished.stand_ins.iter().collect();
        let summary =
            (!stand_ins.is_empty()).then(|| Summary::of(&stand_ins, &arguments.allow, &arguments.deny));
        let allows_unmatched = arguments.allow.contains(&Finding::Unmatched);
        Self { code, finished, summary, allows_unmatched }
    }

    /// How all of it ends: the command's own code, and where that is 0 what the recording or the playing came to.
    pub(super) fn exit(&self) -> Exit {
        if self.code != 0 {
            return Exit::OfCommand(self.code);
        }
        let recordings = || self.finished.recorded.iter();
        if let Some(stop) = recordings().find_map(|recorded| recorded.outcome.as_ref().err()) {
            return stop.exit;
        }
        if self.summary.as_ref().is_some_and(|summary| !summary.passes()) || self.fails_by_refusal() {
            return Exit::Failed;
        }
        let is_empty =
            |recorded: &Recorded| recorded.earlier.is_none() && matches!(recorded.outcome, Ok(None));
        if self.summary.is_none() && recordings().all(is_empty) {
            return Exit::NothingSelected;
        }
        Exit::Passed
    }

    /// Whether a request went to a host that nobody named, and was refused where it was to be answered.
    fn fails_by_refusal(&self) -> bool {
        !self.finished.traffic.refused.is_empty() && !self.allows_unmatched
    }

    pub(super) fn print(&self, global: &Global) {
        match global.format {
            Format::Json => output::note(&self.json().to_string()),
            Format::Text => self.print_text(global.quiet),
        }
    }

    fn print_text(&self, is_quiet: bool) {
        for recorded in &self.finished.recorded {
            tell(recorded, is_quiet, self.code);
        }
        let mut shown = self.finished.traffic.clone();
        if is_quiet {
            shown = Traffic {
                refused: shown.refused,
                handshakes_failed: shown.handshakes_failed,
                ..Traffic::default()
            };
        }
        traffic::told(&shown).iter().for_each(|line| output::note(line));
        if !shown.refused.is_empty() {
            output::note(
                "name a host whose it is (--host HOST=PROVIDER), or let all others through (--others tunnel)",
            );
        }
        if let Some(summary) = &self.summary {
            if !is_quiet {
                let fixtures: Vec<&str> = self
                    .finished
                    .stand_ins
                    .iter()
                    .flat_map(StandIn::providers)
                    .flat_map(Provider::fixtures)
                    .map(String::as_str)
                    .collect();
                output::note(&format!("answered from {}:", fixtures.join(", ")));
            }
            let text = summary.text(is_quiet);
            if !text.is_empty() {
                output::note(text.trim_end_matches('\n'));
            }
        }
    }

    /// For programs: one line, every key there always.
    fn json(&self) -> Value {
        let recorded: Vec<Value> = self
            .finished
            .recorded
            .iter()
            .map(|recorded| {
                let kept = recorded.outcome.as_ref().ok().and_then(Option::as_ref).map(|one| &one.kept);
                json!({
                    "fixture": recorded.fixture,
                    "path": kept.map(|kept| kept.path.display().to_string()),
                    "exchanges": kept.map(|kept| kept.exchanges),
                    "earlier": recorded.earlier,
                    "secrets_replaced": kept.map(|kept| kept.redacted),
                    "bodies_not_kept": kept.map(|kept| kept.omitted),
                    "drafted": kept.and_then(|kept| kept.drafted.as_ref()).map(|path| path.display().to_string()),
                    "error": recorded.outcome.as_ref().err().map(|stop| format!("{:#}", stop.error)),
                })
            })
            .collect();
        json!({
            "event": "ended",
            "command_code": self.code,
            "code": self.exit().code(),
            "played": self.summary.as_ref().map(|summary| {
                let mut summary = summary.json();
                // The line is one event, and this a part of it.
                summary.as_object_mut().map(|fields| fields.shift_remove("event"));
                summary
            }),
            "recorded": recorded,
            "refused": self.finished.traffic.refused,
            "tunnelled": self.finished.traffic.tunnelled,
            "handshakes_failed": self.finished.traffic.handshakes_failed,
        })
    }
}

/// Tells what a recording left.
fn tell(recorded: &Recorded, is_quiet: bool, code: u8) {
    let recording = match &recorded.outcome {
        Err(Stop { error, .. }) => return output::error(error),
        Ok(None) if recorded.earlier.is_some() => {
            if !is_quiet {
                output::note(&format!("{}: nothing was missing", recorded.fixture));
            }
            return;
        }
        Ok(None) => {
            return output::note(&format!(
                "{}: no request came, so nothing was written; does the command take the base URL from its \
                 environment, or honour HTTPS_PROXY?",
                recorded.fixture
            ));
        }
        Ok(Some(recording)) => recording,
    };
    let kept = &recording.kept;
    if !is_quiet {
        let exchanges = counted(kept.exchanges, "exchange", "exchanges");
        let added = recorded.earlier.map_or_else(String::new, |earlier| {
            format!(", {} of them new", kept.exchanges.saturating_sub(earlier))
        });
        output::note(&format!("wrote {}: {exchanges}{added}", kept.path.display()));
        output::kept_lines(kept).iter().for_each(|line| output::note(line));
    }
    if code != 0 {
        output::note(&format!("the command ended with {code}: what is kept shows a run that failed"));
    }
    if recording.not_kept > 0 {
        output::note(&format!("{} further exchanges were passed on but not kept", recording.not_kept));
    }
}
