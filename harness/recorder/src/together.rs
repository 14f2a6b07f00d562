//! Recordings that were made side by side: what several recorders took down of one flow becomes one fixture.
//!
//! A client may reach a provider by a base URL and through a proxy at once; each way has a recorder of its own.

use crate::clock::Clock;
use crate::journal::Captures;
use crate::recorder::{Recorder, RecorderError, Recording};
use crate::server::Phase;
use crate::sink::Sink;
use counterpart_exchange::keep::{keep, keep_after};
use counterpart_exchange::redaction::KnownSecret;
use counterpart_exchange::{Exchange, ExchangeId, Fixture, FixtureRef, Provenance, Recorded};

impl Recorder {
    /// Ends recordings that were made side by side and keeps each fixture once, with what all of them captured of it in
    /// the order of its requests. Where a fixture of the name is given, as it was read from its file, what was captured is
    /// added to it: what is there stays, ids and placeholders included. One that cannot be kept takes no other with it.
    ///
    /// Exchanges in flight may end within [`crate::Limits::drain`], as when one recording ends.
    pub async fn finish_together(
        recorders: Vec<Self>,
        mut earlier: Vec<Fixture>,
    ) -> Vec<(FixtureRef, Result<Recording, RecorderError>)> {
        for recorder in &recorders {
            recorder.phase.send_replace(Phase::Stopping);
        }
        let mut known: Vec<KnownSecret> = Vec::new();
        let mut sinks: Vec<(Sink, Clock)> = Vec::new();
        for recorder in recorders {
            if let Err(error) = recorder.server.await {
                tracing::warn!(%error, "a recorder's server ended badly; what it captured is kept");
            }
            known.extend(
                recorder
                    .known_secrets
                    .into_iter()
                    .filter(|secret| !known.contains(secret))
                    .collect::<Vec<_>>(),
            );
            sinks.extend(recorder.sinks.into_iter().map(|sink| (sink, recorder.clock)));
        }
        let mut kept = Vec::new();
        while let Some(name) = sinks.first().map(|(sink, _)| sink.name().clone()) {
            let (same, others): (Vec<_>, Vec<_>) =
                sinks.into_iter().partition(|(sink, _)| *sink.name() == name);
            sinks = others;
            let index = earlier.iter().position(|fixture| fixture.name() == name.to_string());
            let earlier = index.map(|index| earlier.swap_remove(index));
            kept.push((name, keep_one(&same, earlier, &known)));
        }
        kept
    }
}

/// Keeps one fixture from all that was captured of it.
fn keep_one(
    sinks: &[(Sink, Clock)],
    earlier: Option<Fixture>,
    known: &[KnownSecret],
) -> Result<Recording, RecorderError> {
    let Some(started_at) = sinks.iter().map(|(_, clock)| clock.started_at).min() else {
        return Err(RecorderError::NothingCaptured { fixture: "any fixture".to_owned() });
    };
    let mut all: Vec<Exchange> = Vec::new();
    let (mut left_out, mut upstream) = (0, None);
    for (index, (sink, clock)) in sinks.iter().enumerate() {
        let Captures { exchanges, not_kept } = sink.journal.take();
        left_out += not_kept;
        if !exchanges.is_empty() && upstream.is_none() {
            upstream = sink.journal.first_upstream().map(ToString::to_string);
        }
        let since = clock.started_at.as_millisecond() - started_at.as_millisecond();
        let since_ms = u64::try_from(since).unwrap_or_default();
        // Each counts from 1: what they name is told apart by the one that names it.
        let named = |id: &ExchangeId| ExchangeId::from(format!("{index}.{id}").as_str());
        all.extend(exchanges.into_iter().map(|exchange| Exchange {
            id: named(&exchange.id),
            caused_by: exchange.caused_by.as_ref().map(named),
            offset_ms: exchange.offset_ms + since_ms,
            ..exchange
        }));
    }
    let Some((sink, _)) = sinks.first() else {
        return Err(RecorderError::NothingCaptured { fixture: "any fixture".to_owned() });
    };
    if all.is_empty() {
        return Err(RecorderError::NothingCaptured { fixture: sink.name().to_string() });
    }
    all.sort_by_key(|exchange| exchange.offset_ms);
    let kept = match earlier {
        Some(earlier) => keep_after(earlier, all, &sink.destination, known),
        None => {
            let provenance = Provenance::Recorded(Recorded {
                at: started_at,
                upstream: upstream.unwrap_or_default(),
                by: format!("counterpart {}", env!("CARGO_PKG_VERSION")),
                server: None,
            });
            keep(all, provenance, &sink.destination, known)
        }
    };
    Ok(Recording {
        fixture: sink.name().clone(),
        kept: kept.map_err(RecorderError::Keep)?,
        not_kept: left_out,
    })
}
