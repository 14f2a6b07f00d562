//! What the store shows to whoever looks in from outside: one list for each table, for one tenant at a time.

use rusqlite::{Row, Transaction};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{DeliveryView, Store, StoreError, documents};
use crate::identity::{Name, RunId};

#[derive(Debug, Serialize)]
pub(crate) struct RunView {
    run: String,
    tenant: String,
    connection: String,
    room: String,
    state: String,
    imported: u64,
    held_records: u64,
    failed_attempts: u64,
    requested_at: String,
    finished_at: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    pub(crate) event_id: String,
    room_id: String,
    sender: String,
    kind: String,
    body: String,
    sent_at_ms: i64,
}

#[derive(Debug, Serialize)]
pub(crate) struct AuditView {
    at: String,
    /// Null where it came by a webhook.
    run: Option<String>,
    tenant: String,
    connection: String,
    operation: String,
    method: String,
    path: String,
    attempt: u32,
    status: Option<u16>,
    outcome: String,
    detail: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct AlertView {
    at: String,
    tenant: String,
    /// Null where it came by a webhook.
    run: Option<String>,
    kind: String,
    message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    at: String,
    tenant: String,
    /// Null where it came by a webhook.
    run: Option<String>,
    reason: String,
    key: Option<String>,
    detail: String,
    /// As it came, byte for byte; as a text, where it is nothing that every reader of JSON could read.
    payload: Option<Box<RawValue>>,
}

impl Store {
    pub(crate) async fn runs(&self, tenant: Name) -> Result<Vec<RunView>, StoreError> {
        self.list("SELECT * FROM runs WHERE tenant = ?1 ORDER BY id", tenant, |row| {
            Ok(RunView {
                run: run(row, "id")?,
                tenant: row.get("tenant")?,
                connection: row.get("connection")?,
                room: row.get("room")?,
                state: row.get("state")?,
                imported: counted(row, "imported")?,
                held_records: counted(row, "held_records")?,
                failed_attempts: counted(row, "failed_attempts")?,
                requested_at: row.get("requested_at")?,
                finished_at: row.get("finished_at")?,
                detail: row.get("detail")?,
            })
        })
        .await
    }

    pub(crate) async fn messages(&self, tenant: Name) -> Result<Vec<MessageView>, StoreError> {
        let sql = "SELECT * FROM messages WHERE tenant = ?1 ORDER BY sent_at_ms, event_id, rowid";
        self.list(sql, tenant, |row| {
            Ok(MessageView {
                event_id: row.get("event_id")?,
                room_id: row.get("room_id")?,
                sender: row.get("sender")?,
                kind: row.get("kind")?,
                body: row.get("body")?,
                sent_at_ms: row.get("sent_at_ms")?,
            })
        })
        .await
    }

    pub(crate) async fn deliveries(&self, tenant: Name) -> Result<Vec<DeliveryView>, StoreError> {
        let sql = "SELECT * FROM deliveries WHERE tenant = ?1 ORDER BY connection, reference";
        self.list(sql, tenant, documents::view).await
    }

    pub(crate) async fn audit(&self, tenant: Name) -> Result<Vec<AuditView>, StoreError> {
        self.list("SELECT * FROM audit WHERE tenant = ?1 ORDER BY id", tenant, |row| {
            Ok(AuditView {
                at: row.get("at")?,
                run: optional_run(row)?,
                tenant: row.get("tenant")?,
                connection: row.get("connection")?,
                operation: row.get("operation")?,
                method: row.get("method")?,
                path: row.get("path")?,
                attempt: row.get("attempt")?,
                status: row.get("status")?,
                outcome: row.get("outcome")?,
                detail: row.get("detail")?,
            })
        })
        .await
    }

    pub(crate) async fn alerts(&self, tenant: Name) -> Result<Vec<AlertView>, StoreError> {
        self.list("SELECT * FROM alerts WHERE tenant = ?1 ORDER BY id", tenant, |row| {
            Ok(AlertView {
                at: row.get("at")?,
                tenant: row.get("tenant")?,
                run: optional_run(row)?,
                kind: row.get("kind")?,
                message: row.get("message")?,
            })
        })
        .await
    }

    pub(crate) async fn holds(&self, tenant: Name) -> Result<Vec<HoldView>, StoreError> {
        self.list("SELECT * FROM holds WHERE tenant = ?1 ORDER BY id", tenant, |row| {
            let payload: Option<String> = row.get("payload")?;
            Ok(HoldView {
                at: row.get("at")?,
                tenant: row.get("tenant")?,
                run: optional_run(row)?,
                reason: row.get("reason")?,
                key: row.get("key")?,
                detail: row.get("detail")?,
                payload: payload.and_then(readable),
            })
        })
        .await
    }

    async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        tenant: Name,
        view: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.transact(move |transaction: &Transaction<'_>| {
            let mut statement = transaction.prepare_cached(sql)?;
            statement.query_map([tenant.as_str()], view)?.collect()
        })
        .await
    }
}

fn run(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    Ok(RunId(row.get(column)?).to_string())
}

/// The JSON text itself, or the same as a JSON string: half of a surrogate pair would spoil the whole list.
fn readable(text: String) -> Option<Box<RawValue>> {
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => RawValue::from_string(text).ok(),
        Err(_) => serde_json::value::to_raw_value(&text).ok(),
    }
}

/// The run that a row belongs to, where it does to one.
fn optional_run(row: &Row<'_>) -> rusqlite::Result<Option<String>> {
    Ok(row.get::<_, Option<i64>>("run")?.map(|number| RunId(number).to_string()))
}

fn counted(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_that_not_every_reader_reads_goes_out_as_text() {
        let shown = |text: &str| readable(text.to_owned()).unwrap().get().to_owned();
        assert_eq!(shown("{\"a\":  1.0e3}"), "{\"a\":  1.0e3}");
        assert_eq!(shown(r#"{"a": "\ud800"}"#), r#""{\"a\": \"\\ud800\"}""#);
    }
}
