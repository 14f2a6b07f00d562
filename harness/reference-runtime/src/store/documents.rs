//! Documents that are to be delivered, and the deliveries that a provider has confirmed.

use jiff::Timestamp;
use serde::Serialize;

use super::sql::{DatabaseError, Row, Session, set, values};
use super::steps::{STEP_DONE, finish, step};
use super::{AuditRow, Lease, Store, StoreError, from_micros, micros};
use crate::crash::Boundary;
use crate::identity::{Name, RunId};

/// What is sent, and how its answer is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) protocol: Protocol,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) content_type: String,
    pub(crate) body: String,
    /// Where it can be read back, if it is to be.
    pub(crate) confirm: Option<String>,
    /// Sent with each attempt, so that the provider does it once; `None` in what was handed over to an older version.
    pub(crate) effect_key: Option<String>,
    /// Whether the provider has taken it, or may have and is not sent it again: from then on it is read back.
    pub(crate) delivered: bool,
    /// When it was first sent without anybody knowing what became of it.
    pub(crate) doubt_since: Option<Timestamp>,
}

impl Document {
    /// Whether it may be sent again as it is (RFC 9110, section 9.2.2).
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "DELETE")
    }

    /// By which it is known again when it is handed over once more.
    pub(super) fn once_key(&self) -> Option<&String> {
        self.effect_key.as_ref().filter(|_| !self.is_repeatable())
    }
}

/// How errors are told beside the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    Rest,
    Graphql,
    Soap,
    JsonRpc,
    /// They are not: the status is all.
    Http,
}

impl Protocol {
    pub(crate) const ALL: [Self; 5] = [Self::Rest, Self::Graphql, Self::Soap, Self::JsonRpc, Self::Http];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Graphql => "graphql",
            Self::Soap => "soap",
            Self::JsonRpc => "json_rpc",
            Self::Http => "http",
        }
    }
}

/// A document that a provider has, for certain.
#[derive(Debug, Serialize)]
pub(crate) struct DeliveryView {
    key: String,
    connection: String,
    protocol: String,
    method: String,
    path: String,
}

impl Store {
    /// Notes that the provider has the document `reference`. The run is over, unless it is to be read back first.
    pub(crate) async fn commit_delivered(
        &self,
        audit: AuditRow,
        reference: String,
        document: Document,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let is_over = document.confirm.is_none() || document.delivered;
        let brings_more = audit.lease.brings_more();
        self.after_call(audit, Boundary::Delivered, move |session, audit| {
            let run = audit.lease.run;
            session.execute(
                "UPDATE documents SET delivered = 1, doubt_us = NULL WHERE run = ?1",
                &values![run.0],
            )?;
            if !is_over {
                let set = format!("state = 'queued', ready_us = ?3, {STEP_DONE}");
                return step(session, &audit.lease, &set, set![micros(now)]);
            }
            let lane = &audit.lane;
            session.execute(
                "INSERT INTO deliveries (tenant, connection, reference, protocol, method, path)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (tenant, connection, reference) DO UPDATE SET
                     protocol = excluded.protocol, method = excluded.method, path = excluded.path",
                &values![
                    lane.tenant.as_str(),
                    lane.connection.as_str(),
                    reference,
                    document.protocol.word(),
                    document.method,
                    document.path
                ],
            )?;
            let set = format!("imported = imported + 1, {STEP_DONE}");
            finish(session, lane, &audit.lease, (&set, Vec::new()), now)
        })
        .await?;
        if is_over {
            self.one_is_over(brings_more).await;
        }
        Ok(())
    }

    /// Has a document read back that may have arrived, and sent no more.
    pub(crate) async fn read_back(&self, lease: Lease, now: Timestamp) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            have_read_back(session, lease.run)?;
            step(session, &lease, &format!("state = 'queued', ready_us = ?3, {STEP_DONE}"), set![micros(now)])
        })
        .await
    }

    /// Has a document sent once more, as nothing but a planted bug does.
    pub(crate) async fn forget_delivery(&self, run: RunId) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            session.execute("UPDATE documents SET delivered = 0 WHERE run = ?1", &values![run.0])?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn deliveries(&self, tenant: Name) -> Result<Vec<DeliveryView>, StoreError> {
        let sql = "SELECT * FROM deliveries WHERE tenant = ?1 ORDER BY connection, reference";
        self.list(sql, tenant, |row| {
            Ok(DeliveryView {
                key: row.text("reference")?,
                connection: row.text("connection")?,
                protocol: row.text("protocol")?,
                method: row.text("method")?,
                path: row.text("path")?,
            })
        })
        .await
    }
}

/// What is sent no more is read back from now on.
pub(super) fn have_read_back(session: &mut dyn Session, run: RunId) -> Result<(), DatabaseError> {
    session.execute("UPDATE documents SET delivered = 1 WHERE run = ?1", &values![run.0])?;
    Ok(())
}

/// Notes since when nobody knows what became of the documents of `runs`, where that is not known already.
pub(super) fn note_doubts(
    session: &mut dyn Session,
    runs: &[(RunId, Timestamp)],
) -> Result<(), DatabaseError> {
    let sets: Vec<_> = runs.iter().map(|(run, since)| set![run.0, micros(*since)]).collect();
    let sql = "UPDATE documents SET doubt_us = ?2 WHERE run = ?1 AND delivered = 0 AND doubt_us IS NULL";
    session.query_each(sql, &sets)?;
    Ok(())
}

/// A person has looked, and has the document sent again.
pub(super) fn forget_doubt(session: &mut dyn Session, run: RunId) -> Result<(), DatabaseError> {
    let sql = "UPDATE documents SET delivered = 0, doubt_us = NULL WHERE run = ?1 AND doubt_us IS NOT NULL";
    session.execute(sql, &values![run.0])?;
    Ok(())
}

/// The run that has the document already; nobody else can hand it over before the commit.
pub(super) fn known(session: &mut dyn Session, document: &Document) -> Result<Option<RunId>, DatabaseError> {
    let Some(key) = document.once_key() else { return Ok(None) };
    session.lock(&mut vec![format!("document {key}")])?;
    let row = session.query_row("SELECT run FROM documents WHERE once_key = ?1", &values![key])?;
    row.map(|row| row.integer("run").map(RunId)).transpose()
}

/// From now on the document of `run` is known again when it is handed over.
pub(super) fn remember(
    session: &mut dyn Session,
    run: RunId,
    document: &Document,
) -> Result<(), DatabaseError> {
    let sql = "UPDATE documents SET once_key = ?2 WHERE run = ?1";
    session.execute(sql, &values![run.0, document.once_key()])?;
    Ok(())
}

/// What was given up may be handed over anew.
pub(super) fn forget(session: &mut dyn Session, run: RunId) -> Result<(), DatabaseError> {
    session.execute("UPDATE documents SET once_key = NULL WHERE run = ?1", &values![run.0])?;
    Ok(())
}

pub(super) fn insert(
    session: &mut dyn Session,
    documents: &[(RunId, &Document)],
) -> Result<(), DatabaseError> {
    let sets: Vec<_> = documents
        .iter()
        .map(|(run, document)| {
            set![
                run.0,
                document.protocol.word(),
                &document.method,
                &document.path,
                &document.content_type,
                &document.body,
                document.confirm.as_ref(),
                document.effect_key.as_ref()
            ]
        })
        .collect();
    session.query_each(
        "INSERT INTO documents (run, protocol, method, path, content_type, body, confirm, effect_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &sets,
    )?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<Document, DatabaseError> {
    let protocol = row.text("protocol")?;
    let protocol = Protocol::ALL.into_iter().find(|one| one.word() == protocol).unwrap_or(Protocol::Rest);
    Ok(Document {
        protocol,
        method: row.text("method")?,
        path: row.text("path")?,
        content_type: row.text("content_type")?,
        body: row.text("body")?,
        confirm: row.optional_text("confirm")?,
        effect_key: row.optional_text("effect_key")?,
        delivered: row.flag("delivered")?,
        doubt_since: row.optional_integer("doubt_us")?.map(from_micros),
    })
}
