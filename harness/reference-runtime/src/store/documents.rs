//! Documents that the relay is to deliver, and the deliveries that a provider has confirmed.

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::outcomes::finish;
use super::{AuditRow, Claim, Store, StoreError};
use crate::identity::RunId;
use jiff::Timestamp;

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
    /// Whether the provider has taken it.
    pub(crate) delivered: bool,
}

/// How errors are told beside the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    Rest,
    Graphql,
    Soap,
    JsonRpc,
}

impl Protocol {
    pub(crate) const ALL: [Self; 4] = [Self::Rest, Self::Graphql, Self::Soap, Self::JsonRpc];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Graphql => "graphql",
            Self::Soap => "soap",
            Self::JsonRpc => "json_rpc",
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
    /// Notes that the provider has the document. The run is over, unless it is to be read back first.
    pub(crate) async fn commit_delivered(
        &self,
        audit: AuditRow,
        claim: &Claim,
        document: Document,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (run, lane, reference) = (audit.run, audit.lane.clone(), claim.room.clone());
        self.after_call(audit, move |transaction| {
            let sql = "UPDATE runs SET failures_in_a_row = 0, rate_limits_in_a_row = 0, calls_in_vain = 0 WHERE id = ?1";
            transaction.execute(sql, [run.0])?;
            transaction.execute("UPDATE documents SET delivered = 1 WHERE run = ?1", [run.0])?;
            if document.confirm.is_some() && !document.delivered {
                return Ok(());
            }
            transaction.execute(
                "INSERT INTO deliveries (tenant, connection, reference, protocol, method, path)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (tenant, connection, reference) DO UPDATE SET
                     protocol = excluded.protocol, method = excluded.method, path = excluded.path",
                params![
                    lane.tenant.as_str(),
                    lane.connection.as_str(),
                    reference,
                    document.protocol.word(),
                    document.method,
                    document.path
                ],
            )?;
            transaction.execute("UPDATE runs SET imported = imported + 1 WHERE id = ?1", [run.0])?;
            finish(transaction, run, now)
        })
        .await
    }

    /// Has a document sent once more, as nothing but a planted bug does.
    pub(crate) async fn forget_delivery(&self, run: RunId) -> Result<(), StoreError> {
        self.transact(move |transaction| {
            transaction.execute("UPDATE documents SET delivered = 0 WHERE run = ?1", [run.0])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn insert(transaction: &Transaction<'_>, run: RunId, document: &Document) -> rusqlite::Result<()> {
    transaction.execute(
        "INSERT INTO documents (run, protocol, method, path, content_type, body, confirm)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            run.0,
            document.protocol.word(),
            document.method,
            document.path,
            document.content_type,
            document.body,
            document.confirm
        ],
    )?;
    Ok(())
}

pub(super) fn of_run(transaction: &Transaction<'_>, run: RunId) -> rusqlite::Result<Option<Document>> {
    transaction.query_row("SELECT * FROM documents WHERE run = ?1", [run.0], document).optional()
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    let protocol: String = row.get("protocol")?;
    let protocol = Protocol::ALL.into_iter().find(|one| one.word() == protocol).unwrap_or(Protocol::Rest);
    Ok(Document {
        protocol,
        method: row.get("method")?,
        path: row.get("path")?,
        content_type: row.get("content_type")?,
        body: row.get("body")?,
        confirm: row.get("confirm")?,
        delivered: row.get("delivered")?,
    })
}

pub(super) fn view(row: &Row<'_>) -> rusqlite::Result<DeliveryView> {
    Ok(DeliveryView {
        key: row.get("reference")?,
        connection: row.get("connection")?,
        protocol: row.get("protocol")?,
        method: row.get("method")?,
        path: row.get("path")?,
    })
}
