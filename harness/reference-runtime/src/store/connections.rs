//! Connections, and the credentials that they sign in with, sealed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::HookConfig;
use super::{Store, StoreError, instant};
use crate::credentials::Sealed;
use crate::identity::{Lane, Name};

/// What a connection is set to.
#[derive(Debug)]
pub(crate) struct NewConnection {
    pub(crate) base_url: String,
    pub(crate) ca_pem: Option<String>,
    pub(crate) sealed: Sealed,
    pub(crate) max_requests_per_second: Option<f64>,
    pub(crate) webhook: Option<HookConfig>,
}

/// Whether a connection was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutConnection {
    Created,
    Replaced,
}

/// A connection without its credentials.
#[derive(Debug, serde::Serialize)]
pub(crate) struct ConnectionView {
    tenant: String,
    connection: String,
    provider: String,
    base_url: String,
    state: String,
    access_token_expires_at: Option<Timestamp>,
}

impl Store {
    /// Creates or replaces a connection, which is active from then on.
    pub(crate) async fn put_connection(
        &self,
        lane: Lane,
        provider: Name,
        new: NewConnection,
    ) -> Result<PutConnection, StoreError> {
        self.transact(move |transaction| {
            let generation: i64 = transaction.query_row(
                "INSERT INTO connections (tenant, connection, provider, base_url, sealed, max_requests_per_second,
                                          ca_pem, state, generation)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', 1)
                 ON CONFLICT (tenant, connection) DO UPDATE SET
                     provider = excluded.provider, base_url = excluded.base_url, sealed = excluded.sealed,
                     max_requests_per_second = excluded.max_requests_per_second, ca_pem = excluded.ca_pem,
                     state = 'active',
                     access_token_expires_at = NULL, generation = generation + 1
                 RETURNING generation",
                params![
                    lane.tenant.as_str(),
                    lane.connection.as_str(),
                    provider.as_str(),
                    new.base_url,
                    new.sealed.0,
                    new.max_requests_per_second,
                    new.ca_pem
                ],
                |row| row.get(0),
            )?;
            let names = [lane.tenant.as_str(), lane.connection.as_str()];
            transaction.execute("DELETE FROM hook_configs WHERE tenant = ?1 AND connection = ?2", names)?;
            if let Some(webhook) = new.webhook {
                transaction.execute(
                    "INSERT INTO hook_configs (tenant, connection, scheme, sealed, account, url)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![names[0], names[1], webhook.scheme, webhook.sealed.0, webhook.account, webhook.url],
                )?;
            }
            Ok(if generation == 1 { PutConnection::Created } else { PutConnection::Replaced })
        })
        .await
    }

    pub(crate) async fn connection(&self, lane: Lane) -> Result<Option<ConnectionView>, StoreError> {
        self.transact(move |transaction| {
            transaction
                .query_row(
                    "SELECT * FROM connections WHERE tenant = ?1 AND connection = ?2",
                    [lane.tenant.as_str(), lane.connection.as_str()],
                    |row| {
                        Ok(ConnectionView {
                            tenant: row.get("tenant")?,
                            connection: row.get("connection")?,
                            provider: row.get("provider")?,
                            base_url: row.get("base_url")?,
                            state: row.get("state")?,
                            access_token_expires_at: instant(row, "access_token_expires_at")?,
                        })
                    },
                )
                .optional()
        })
        .await
    }
}

/// One sealed value, to try a key on.
pub(super) fn any_sealed(database: &Connection) -> rusqlite::Result<Option<(Lane, Sealed)>> {
    let sample: Option<(String, String, Vec<u8>)> = database
        .query_row("SELECT tenant, connection, sealed FROM connections LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(sample.and_then(|(tenant, connection, sealed)| {
        let lane = Lane { tenant: Name::parse(&tenant)?, connection: Name::parse(&connection)? };
        Some((lane, Sealed(sealed)))
    }))
}
