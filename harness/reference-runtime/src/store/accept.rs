//! What is asked for becomes durable: runs that somebody triggers, and deliveries that providers push.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::documents;
use super::runs::{IN_ORDER, order_lock};
use super::sql::{DatabaseError, Session, set};
use super::steps::{Alert, insert_alert};
use super::{Document, Store, StoreError, micros};
use crate::crash::Boundary;
use crate::identity::{Lane, RunId};
use crate::plants::Plant;
use crate::vocabulary::{AlertKind, HookOutcome};

/// The provider whose API an import speaks.
const IMPORTS_FROM: &str = "matrix";

/// What became of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    Run(RunId),
    /// The same document was handed over before, and has this run.
    Known(RunId),
    UnknownConnection,
    /// An import knows one provider's API, and the connection is to another.
    OtherProvider,
    QueueFull,
}

/// What a run is asked for.
#[derive(Debug)]
pub(crate) enum Order {
    Import {
        room: String,
    },
    Delivery {
        /// What the document is called by whoever hands it over.
        reference: String,
        document: Document,
    },
}

/// An event of a delivery: verified, and routed.
#[derive(Debug, Clone)]
pub(crate) struct HookEvent {
    pub(crate) lane: Lane,
    /// By which it is known again; `None` where it has none.
    pub(crate) id: Option<String>,
    /// SHA-256 of the event as it came.
    pub(crate) digest: Vec<u8>,
    pub(crate) order_key: Option<String>,
    pub(crate) work: HookWork,
}

/// What is done about an event.
#[derive(Debug, Clone)]
pub(crate) enum HookWork {
    /// It is judged, and written here.
    Apply { format: &'static str, payload: String },
    /// It is sent on.
    Forward(Document),
}

/// A delivery, for its audit row.
#[derive(Debug, Clone)]
pub(crate) struct HookAudit {
    pub(crate) at: Timestamp,
    pub(crate) lane: Lane,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// A delivery whose signature is good.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Whose endpoint it came to; `None` where that is shared.
    pub(crate) lane: Option<Lane>,
    pub(crate) events: Vec<HookEvent>,
    /// The ids of events that are about another account.
    pub(crate) refused: Vec<String>,
}

/// What became of the events of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct HookCounts {
    pub(crate) accepted: u32,
    pub(crate) duplicates: u32,
    pub(crate) refused: u32,
}

/// What is known of an event's id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    New,
    Same,
    /// Under this id another body came.
    Other,
}

/// Planted bugs.
#[derive(Clone, Copy)]
struct Bugs {
    deduplicates: bool,
    loses: bool,
    silent: bool,
}

impl Store {
    /// Makes a run durable. A room that is no alias is its own room id.
    pub(crate) async fn accept_run(
        &self,
        lane: Lane,
        order: Order,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        if self.backlog() >= self.most_unfinished {
            return Ok(Accepted::QueueFull);
        }
        let accepted = self
            .write(Boundary::Accept, move |session| {
                let sql = "SELECT provider FROM connections WHERE tenant = ?1 AND connection = ?2";
                let names = set![lane.tenant.as_str(), lane.connection.as_str()];
                let Some(found) = session.query_row(sql, &names)? else {
                    return Ok(Accepted::UnknownConnection);
                };
                let is_import = matches!(order, Order::Import { .. });
                if is_import && found.text("provider")? != IMPORTS_FROM {
                    return Ok(Accepted::OtherProvider);
                }
                let (about, room_id) = match &order {
                    Order::Import { room } => (room, (!room.starts_with('#')).then_some(room)),
                    Order::Delivery { reference, .. } => (reference, None),
                };
                if let Order::Delivery { document, .. } = &order
                    && let Some(run) = documents::known(session, document)?
                {
                    return Ok(Accepted::Known(run));
                }
                let kind = if is_import { "import" } else { "delivery" };
                let new = NewRun { lane: &lane, kind, room: about, room_id, order_key: Some("") };
                let Some(run) = insert_runs(session, &[new], now)?.pop() else {
                    return Ok(Accepted::UnknownConnection);
                };
                if let Order::Delivery { document, .. } = &order {
                    documents::insert(session, &[(run, document)])?;
                    documents::remember(session, run, document)?;
                }
                Ok(Accepted::Run(run))
            })
            .await?;
        if matches!(accepted, Accepted::Run(_)) {
            self.add_to_backlog(1);
        }
        Ok(accepted)
    }

    /// Makes deliveries durable, all of them in one transaction: what is known of their events from now on, the work
    /// that follows, and what the audit trail says.
    pub(crate) async fn accept_deliveries(
        &self,
        deliveries: Vec<Delivery>,
    ) -> Result<Vec<HookCounts>, StoreError> {
        let bugs = Bugs {
            deduplicates: !self.has(Plant::WebhookNotDeduplicated),
            loses: self.has(Plant::WebhookLostAfterAnswer),
            silent: self.has(Plant::AlertMissing),
        };
        let (counts, accepted) =
            self.write(Boundary::Accept, move |session| accept(session, &deliveries, bugs)).await?;
        self.add_to_backlog(accepted);
        Ok(counts)
    }

    /// Records a delivery that was not taken up.
    pub(crate) async fn refuse_delivery(
        &self,
        audit: HookAudit,
        status: u16,
        outcome: HookOutcome,
        detail: String,
    ) -> Result<(), StoreError> {
        if self.has(Plant::AuditSkipped) {
            return Ok(());
        }
        self.write(Boundary::Unnamed, move |session| {
            let row = audit_row(&audit, status, outcome, &detail);
            session.query_each(INSERT_AUDIT, &[row])?;
            Ok(())
        })
        .await
    }

    /// Calls for a person about a connection, because of what comes in.
    pub(crate) async fn alert(&self, lane: Lane, alert: Alert, now: Timestamp) -> Result<(), StoreError> {
        if self.has(Plant::AlertMissing) {
            return Ok(());
        }
        self.write(Boundary::Unnamed, move |session| Ok(insert_alert(session, &lane, None, &alert, now)?))
            .await
    }
}

fn accept(
    session: &mut dyn Session,
    deliveries: &[Delivery],
    bugs: Bugs,
) -> Result<(Vec<HookCounts>, i64), StoreError> {
    let known = remember(session, deliveries, bugs)?;
    let mut tallies = Vec::with_capacity(deliveries.len());
    let mut news = Vec::new();
    let mut known = known.into_iter();
    for delivery in deliveries {
        let mut tally: BTreeMap<&Lane, HookCounts> = BTreeMap::new();
        if let Some(lane) = &delivery.lane {
            let refused = u32::try_from(delivery.refused.len()).unwrap_or(u32::MAX);
            tally.insert(lane, HookCounts { refused, ..HookCounts::default() });
        }
        for event in &delivery.events {
            let counts = tally.entry(&event.lane).or_default();
            match known.next().unwrap_or(Known::New) {
                Known::New => {
                    counts.accepted += 1;
                    news.push((event, delivery.at));
                }
                Known::Same => counts.duplicates += 1,
                Known::Other => {
                    counts.duplicates += 1;
                    if !bugs.silent {
                        conflict(session, event, delivery.at)?;
                    }
                }
            }
        }
        if !bugs.silent {
            for id in &delivery.refused {
                wrong_tenant(session, delivery, id)?;
            }
        }
        tallies.push(tally);
    }
    if !bugs.loses {
        insert_work(session, &news)?;
    }
    let rows: Vec<_> = deliveries
        .iter()
        .zip(&tallies)
        .flat_map(|(delivery, tally)| {
            tally.iter().map(move |(lane, counts)| tally_row(delivery, lane, *counts))
        })
        .collect();
    session.query_each(INSERT_AUDIT, &rows)?;
    let total = |tally: BTreeMap<&Lane, HookCounts>| {
        tally.into_values().fold(HookCounts::default(), |sum, counts| HookCounts {
            accepted: sum.accepted + counts.accepted,
            duplicates: sum.duplicates + counts.duplicates,
            refused: sum.refused + counts.refused,
        })
    };
    let accepted = if bugs.loses { 0 } else { i64::try_from(news.len()).unwrap_or(i64::MAX) };
    Ok((tallies.into_iter().map(total).collect(), accepted))
}

/// Notes the ids of events, and tells of each whether it was known.
fn remember(
    session: &mut dyn Session,
    deliveries: &[Delivery],
    bugs: Bugs,
) -> Result<Vec<Known>, StoreError> {
    let events: Vec<(&HookEvent, Timestamp)> =
        deliveries.iter().flat_map(|one| one.events.iter().map(|event| (event, one.at))).collect();
    let mut known = vec![Known::New; events.len()];
    let mut named: Vec<(usize, &str)> = events
        .iter()
        .enumerate()
        .filter_map(|(place, (event, _))| Some((place, event.id.as_deref()?)))
        .filter(|_| bugs.deduplicates)
        .collect();
    // In one order in every transaction, so that no two wait for each other; of equal ones the earlier first.
    named.sort_by_key(|(place, id)| (&events[*place].0.lane, *id, *place));
    let key = |place: usize, id: &str| {
        let (event, at) = &events[place];
        (
            set![event.lane.tenant.as_str(), event.lane.connection.as_str(), id],
            event.digest.clone(),
            micros(*at),
        )
    };
    let sets: Vec<_> = named
        .iter()
        .map(|(place, id)| {
            let (mut set, digest, at_us) = key(*place, id);
            set.extend(set![digest, at_us]);
            set
        })
        .collect();
    let inserted = session.insert_each(
        "INSERT INTO hook_events (tenant, connection, id, digest, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, connection, id) DO NOTHING",
        "at_us",
        &sets,
    )?;
    let repeated: Vec<(usize, &str)> =
        named.into_iter().zip(inserted).filter(|(_, new)| new.is_none()).map(|(one, _)| one).collect();
    let sets: Vec<_> = repeated.iter().map(|(place, id)| key(*place, id).0).collect();
    let found = session.query_each(
        "SELECT digest FROM hook_events WHERE tenant = ?1 AND connection = ?2 AND id = ?3",
        &sets,
    )?;
    for ((place, _), rows) in repeated.into_iter().zip(found) {
        let first = rows.first().map(|row| row.blob("digest")).transpose()?;
        let is_same = first.is_none_or(|digest| digest == events[place].0.digest);
        known[place] = if is_same { Known::Same } else { Known::Other };
    }
    Ok(known)
}

fn insert_work(session: &mut dyn Session, news: &[(&HookEvent, Timestamp)]) -> Result<(), StoreError> {
    let Some((_, now)) = news.first() else { return Ok(()) };
    let runs: Vec<_> = news
        .iter()
        .map(|(event, _)| NewRun {
            lane: &event.lane,
            kind: if matches!(event.work, HookWork::Apply { .. }) { "event" } else { "delivery" },
            room: event.id.as_deref().unwrap_or("event"),
            room_id: None,
            order_key: event.order_key.as_deref(),
        })
        .collect();
    let ids = insert_runs(session, &runs, *now)?;
    let mut events = Vec::new();
    let mut forwards = Vec::new();
    for (run, (event, _)) in ids.into_iter().zip(news) {
        match &event.work {
            HookWork::Apply { format, payload } => events.push(set![run.0, *format, payload]),
            HookWork::Forward(document) => forwards.push((run, document)),
        }
    }
    session.query_each(INSERT_EVENT, &events)?;
    documents::insert(session, &forwards)?;
    Ok(())
}

pub(super) const INSERT_EVENT: &str = "INSERT INTO events (run, format, payload) VALUES (?1, ?2, ?3)";

/// A run that is to be.
pub(super) struct NewRun<'a> {
    pub(super) lane: &'a Lane,
    pub(super) kind: &'static str,
    pub(super) room: &'a str,
    pub(super) room_id: Option<&'a String>,
    pub(super) order_key: Option<&'a str>,
}

/// Inserts runs of connections that exist, in their order. Each begins behind what is there of its order key.
pub(super) fn insert_runs(
    session: &mut dyn Session,
    runs: &[NewRun<'_>],
    now: Timestamp,
) -> Result<Vec<RunId>, StoreError> {
    let lock = |run: &NewRun<'_>| Some(order_lock(run.lane, run.order_key?));
    session.lock(&mut runs.iter().filter_map(lock).collect())?;
    let keep = session.dialect().keep();
    let sql = format!(
        "INSERT INTO runs (tenant, connection, kind, room, room_id, order_key, requested_at, ready_us, state, deadline_us)
         SELECT tenant, connection, CAST(?3 AS TEXT), CAST(?4 AS TEXT), CAST(?5 AS TEXT), CAST(?6 AS TEXT),
                CAST(?7 AS TEXT), CAST(?8 AS BIGINT),
                CASE WHEN state = 'halted' THEN 'parked'
                     WHEN EXISTS (SELECT 1 FROM runs AS first WHERE first.tenant = ?1 AND first.connection = ?2
                                  AND first.order_key = CAST(?6 AS TEXT) AND {IN_ORDER}
                                  AND (first.state <> 'held' OR first.order_key LIKE 'strict:%')) THEN 'blocked'
                     ELSE 'queued' END,
                CAST(?8 AS BIGINT) + outcome_deadline_s * 1000000
         FROM connections WHERE tenant = ?1 AND connection = ?2 {keep}"
    );
    let sets: Vec<_> = runs
        .iter()
        .map(|run| {
            let (tenant, connection) = (run.lane.tenant.as_str(), run.lane.connection.as_str());
            let at = now.to_string();
            set![tenant, connection, run.kind, run.room, run.room_id, run.order_key, at, micros(now)]
        })
        .collect();
    let ids = session.insert_each(&sql, "id", &sets)?;
    // One that is missing would lend its work to the next.
    let gone =
        || DatabaseError::Column { column: "connection".to_owned(), expected: "a connection that is there" };
    Ok(ids.into_iter().map(|id| id.map(RunId).ok_or_else(gone)).collect::<Result<_, _>>()?)
}

fn conflict(session: &mut dyn Session, event: &HookEvent, at: Timestamp) -> Result<(), StoreError> {
    let id = event.id.as_deref().unwrap_or_default();
    let message = format!("event {id} came again with another body; the first one counts");
    let alert = Alert { kind: AlertKind::EventConflict, message };
    Ok(insert_alert(session, &event.lane, None, &alert, at)?)
}

fn wrong_tenant(session: &mut dyn Session, delivery: &Delivery, id: &str) -> Result<(), StoreError> {
    let Some(lane) = &delivery.lane else { return Ok(()) };
    let message = format!("event {id} is about another customer's account");
    let alert = Alert { kind: AlertKind::WrongTenant, message };
    Ok(insert_alert(session, lane, None, &alert, delivery.at)?)
}

const INSERT_AUDIT: &str =
    "INSERT INTO audit (at, tenant, connection, operation, method, path, attempt, status, outcome, detail)
     VALUES (?1, ?2, ?3, 'webhook', ?4, ?5, 1, ?6, ?7, ?8)";

fn tally_row(delivery: &Delivery, lane: &Lane, counts: HookCounts) -> Vec<super::sql::Value> {
    let audit = HookAudit {
        at: delivery.at,
        lane: lane.clone(),
        method: delivery.method.clone(),
        path: delivery.path.clone(),
    };
    let HookCounts { accepted, duplicates, refused } = counts;
    let (status, outcome) = match refused > 0 && accepted + duplicates == 0 {
        true => (403, HookOutcome::OtherTenant),
        false => (200, HookOutcome::Ok),
    };
    let detail = format!("{accepted} accepted, {duplicates} duplicates, {refused} refused");
    audit_row(&audit, status, outcome, &detail)
}

fn audit_row(audit: &HookAudit, status: u16, outcome: HookOutcome, detail: &str) -> Vec<super::sql::Value> {
    let (tenant, connection) = (audit.lane.tenant.as_str(), audit.lane.connection.as_str());
    let at = audit.at.to_string();
    set![at, tenant, connection, &audit.method, &audit.path, status, outcome.word(), detail]
}
