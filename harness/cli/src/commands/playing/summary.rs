//! What a stand-in saw, told when it ends: counts, what could not be played as asked, and what was never used.

use crate::arguments::Finding;
use counterpart_stand_in::{Counts, FaultState, Seen, SeenNote, StandIn};
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Findings that fail unless they are allowed: what was asked for did not happen.
const FAIL_BY_DEFAULT: [Finding; 4] =
    [Finding::Unmatched, Finding::Exhausted, Finding::FaultInapplicable, Finding::UnusedFaults];
/// Entries of one kind that are printed.
const MAX_SHOWN: usize = 20;

/// What is told at the end.
pub(crate) struct Summary {
    counts: Counts,
    connections_failed: u64,
    /// Requests that the journal no longer keeps.
    forgotten: u64,
    unanswered: Vec<Seen>,
    unused_faults: Vec<(String, FaultState)>,
    unused_exchanges: Vec<Arc<str>>,
    failing: Vec<Finding>,
}

impl Summary {
    /// Of what these stand-ins saw, together.
    pub(crate) fn of(stand_ins: &[&StandIn], allow: &[Finding], deny: &[Finding]) -> Self {
        let is_unanswered = |seen: &Seen| {
            matches!(
                seen.note,
                SeenNote::Unmatched(_) | SeenNote::Exhausted(_) | SeenNote::FaultInapplicable(_)
            )
        };
        let providers = || stand_ins.iter().flat_map(|stand_in| stand_in.providers());
        let unused_faults = providers().flat_map(|provider| {
            let unused = provider.faults().into_iter().filter(|state| state.is_unused);
            unused.map(|state| (provider.name().to_owned(), state))
        });
        let mut summary = Self {
            counts: stand_ins.iter().fold(Counts::default(), |sum, stand_in| sum + stand_in.counts()),
            connections_failed: stand_ins.iter().map(|stand_in| stand_in.traffic().connections_failed).sum(),
            forgotten: stand_ins.iter().map(|stand_in| stand_in.forgotten()).sum(),
            unanswered: stand_ins.iter().flat_map(|one| one.seen()).filter(is_unanswered).collect(),
            unused_faults: unused_faults.collect(),
            unused_exchanges: providers()
                .flat_map(counterpart_stand_in::Provider::unused_exchanges)
                .collect(),
            failing: Vec::new(),
        };
        let denied = FAIL_BY_DEFAULT.iter().chain(deny).filter(|finding| !allow.contains(finding));
        for finding in denied {
            if summary.count(*finding) > 0 && !summary.failing.contains(finding) {
                summary.failing.push(*finding);
            }
        }
        summary
    }

    /// Whether nothing was found that makes the command fail.
    pub(crate) fn passes(&self) -> bool {
        self.failing.is_empty()
    }

    fn count(&self, finding: Finding) -> u64 {
        match finding {
            Finding::Unmatched => self.counts.unmatched,
            Finding::Exhausted => self.counts.exhausted,
            Finding::FaultInapplicable => self.counts.fault_inapplicable,
            Finding::UnusedFaults => self.unused_faults.len() as u64,
            Finding::AnyBody => self.counts.any_body,
            Finding::Volatile => self.counts.volatile,
            Finding::Repeated => self.counts.repeated,
            Finding::UnusedExchanges => self.unused_exchanges.len() as u64,
        }
    }

    /// For programs: every key is there always.
    pub(crate) fn json(&self) -> Value {
        let unanswered: Vec<Value> = self
            .unanswered
            .iter()
            .map(|seen| {
                json!({
                    "seq": seen.seq,
                    "provider": Some(&*seen.provider).filter(|name| !name.is_empty()),
                    "method": seen.method.as_str(),
                    "target": &*seen.target,
                    "note": seen.note.to_string(),
                })
            })
            .collect();
        let unused_faults: Vec<Value> = self
            .unused_faults
            .iter()
            .map(|(provider, state)| {
                json!({
                    "id": format!("{provider}-{}", state.number),
                    "provider": provider,
                    "at": state.planned.at,
                    "times": state.planned.times,
                    "inject": state.planned.inject,
                    "struck": state.struck,
                })
            })
            .collect();
        let counts: serde_json::Map<String, Value> = [("requests".to_owned(), self.counts.requests().into())]
            .into_iter()
            .chain(self.counts.named().map(|(name, count)| (name.to_owned(), count.into())))
            .chain([("connections_failed".to_owned(), self.connections_failed.into())])
            .collect();
        json!({
            "event": "ended",
            "passed": self.passes(),
            "failed_because": self.failing.iter().map(|finding| word(*finding)).collect::<Vec<_>>(),
            "counts": counts,
            "forgotten": self.forgotten,
            "unanswered": unanswered,
            "unused_faults": unused_faults,
            "unused_exchanges": self.unused_exchanges.iter().map(|name| &**name).collect::<Vec<_>>(),
        })
    }

    /// For people: what is wrong first, the counts last.
    pub(crate) fn text(&self, is_quiet: bool) -> String {
        let mut text = String::new();
        let _ = self.write(&mut text, is_quiet);
        text
    }

    fn write(&self, text: &mut String, is_quiet: bool) -> std::fmt::Result {
        let mut told: Vec<(String, u64)> = Vec::new();
        for seen in &self.unanswered {
            let line = format!("{} {}: {}", seen.method, seen.target, seen.note);
            match told.iter_mut().find(|(known, _)| *known == line) {
                Some((_, times)) => *times += 1,
                None => told.push((line, 1)),
            }
        }
        for (line, times) in told.iter().take(MAX_SHOWN) {
            match times {
                1 => writeln!(text, "{line}")?,
                times => writeln!(text, "{line} ({times} times)")?,
            }
        }
        and_more(text, told.len(), "such requests")?;
        if self.forgotten > 0 {
            writeln!(
                text,
                "the journal let {} earlier requests go; the counts below are of all",
                self.forgotten
            )?;
        }
        for (provider, state) in self.unused_faults.iter().take(MAX_SHOWN) {
            let (name, struck) = (state.planned.inject.name(), state.struck);
            writeln!(
                text,
                "the fault {name} of {provider} struck {struck} time(s), less often than asked for"
            )?;
        }
        and_more(text, self.unused_faults.len(), "such faults")?;
        if !is_quiet {
            for name in self.unused_exchanges.iter().take(MAX_SHOWN) {
                writeln!(text, "never asked for: {name}")?;
            }
            and_more(text, self.unused_exchanges.len(), "exchanges that were never asked for")?;
            let counted = self.counts.named().into_iter().filter(|(_, count)| *count > 0);
            let counted: Vec<String> = counted.map(|(name, count)| format!("{count} {name}")).collect();
            let requests = self.counts.requests();
            match counted[..] {
                [] => writeln!(text, "no request came")?,
                _ => writeln!(text, "{requests} request(s): {}", counted.join(", "))?,
            }
            if self.connections_failed > 0 {
                writeln!(text, "{} connection(s) ended before there was a request", self.connections_failed)?;
            }
        }
        if !self.failing.is_empty() {
            let failing: Vec<&str> = self.failing.iter().map(|finding| word(*finding)).collect();
            writeln!(text, "failed because of: {0} (--allow {1})", failing.join(", "), failing.join(","))?;
        }
        Ok(())
    }
}

fn and_more(text: &mut String, count: usize, of_what: &str) -> std::fmt::Result {
    match count.saturating_sub(MAX_SHOWN) {
        0 => Ok(()),
        more => writeln!(text, "... and {more} more {of_what}"),
    }
}

/// As it is spelled on the command line.
fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Unmatched => "unmatched",
        Finding::Exhausted => "exhausted",
        Finding::FaultInapplicable => "fault_inapplicable",
        Finding::UnusedFaults => "unused_faults",
        Finding::AnyBody => "any_body",
        Finding::Volatile => "volatile",
        Finding::Repeated => "repeated",
        Finding::UnusedExchanges => "unused_exchanges",
    }
}
