//! What is old is put away, a little at a time: finished runs into an archive, ids that no provider repeats any more.

use jiff::{SignedDuration, Timestamp};

use super::sql::{set, values};
use super::{Store, StoreError, micros};
use crate::crash::Boundary;

/// How long the id of an event is known again. Vendors repeat for days, not for weeks.
const IDS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a finished run is listed.
const RUNS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Rows that one transaction puts away at most, so that none holds others up for long.
const BATCH: i64 = 500;

/// The finished runs that are old enough.
const OLD: &str =
    "SELECT id FROM runs WHERE state IN ('succeeded', 'discarded') AND finished_us < ?1 ORDER BY id LIMIT ?2";

impl Store {
    /// Puts some of what is old away. `true` when there may be more.
    pub(crate) async fn put_away(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            let before = |kept: SignedDuration| micros(now.checked_sub(kept).unwrap_or(Timestamp::MIN));
            let old = set![before(RUNS_KEPT), BATCH];
            let archived = session.execute(
                &format!(
                    "INSERT INTO archived_runs (id, tenant, connection, kind, room, state, requested_at, finished_at,
                                                detail, payload)
                     SELECT id, tenant, connection, kind, room, state, requested_at, finished_at, detail,
                            coalesce((SELECT payload FROM events WHERE run = runs.id),
                                     (SELECT body FROM documents WHERE run = runs.id))
                     FROM runs WHERE id IN ({OLD})"
                ),
                &old,
            )?;
            for table in ["events", "documents"] {
                session.execute(&format!("DELETE FROM {table} WHERE run IN ({OLD})"), &old)?;
            }
            session.execute(&format!("DELETE FROM runs WHERE id IN ({OLD})"), &old)?;
            let forgotten = session.execute(
                "DELETE FROM hook_events WHERE (tenant, connection, id) IN (
                     SELECT tenant, connection, id FROM hook_events WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
                &values![before(IDS_KEPT), BATCH],
            )?;
            Ok(archived.max(forgotten) >= BATCH.unsigned_abs())
        })
        .await
    }
}
