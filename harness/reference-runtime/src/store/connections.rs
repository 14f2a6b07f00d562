//! Connections, and the credentials that they sign in with, sealed.

use jiff::Timestamp;

use super::runs::lane_of;
use super::sql::{DatabaseError, values};
use super::{HookConfig, Store, StoreError, holds, hooks, instant};
use crate::crash::Boundary;
use crate::credentials::Sealed;
use crate::identity::{Lane, Name};

/// What a connection is set to.
#[derive(Debug)]
pub(crate) struct NewConnection {
    pub(crate) base_url: String,
    pub(crate) ca_pem: Option<String>,
    pub(crate) sealed: Sealed,
    pub(crate) max_requests_per_second: Option<f64>,
    pub(crate) alert_after_failures: u32,
    pub(crate) outcome_deadline_s: Option<u32>,
    /// In seconds; `None` for ever.
    pub(crate) idempotency_s: Option<i64>,
    pub(crate) webhook: Option<HookConfig>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutConnection {
    Created,
    Replaced,
    /// Another connection has the account at the app; nothing was changed.
    AccountTaken,
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
        self.write(Boundary::Unnamed, move |session| {
                if hooks::is_taken(session, &lane, new.webhook.as_ref())? {
                    return Ok(PutConnection::AccountTaken);
                }
                holds::resume(session, &lane)?;
                let generation = session.query_row(
                    "INSERT INTO connections (tenant, connection, provider, base_url, sealed, max_requests_per_second,
                                              ca_pem, alert_after_failures, outcome_deadline_s,
                                              idempotency_s, state, generation)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'active', 1)
                     ON CONFLICT (tenant, connection) DO UPDATE SET
                         provider = excluded.provider, base_url = excluded.base_url, sealed = excluded.sealed,
                         max_requests_per_second = excluded.max_requests_per_second, ca_pem = excluded.ca_pem,
                         alert_after_failures = excluded.alert_after_failures,
                         outcome_deadline_s = excluded.outcome_deadline_s,
                         idempotency_s = excluded.idempotency_s, state = 'active',
                         access_token_expires_at = NULL, generation = connections.generation + 1
                     RETURNING generation",
                    &values![
                        lane.tenant.as_str(),
                        lane.connection.as_str(),
                        provider.as_str(),
                        new.base_url,
                        new.sealed.0,
                        new.max_requests_per_second,
                        new.ca_pem,
                        new.alert_after_failures,
                        new.outcome_deadline_s,
                        new.idempotency_s
                    ],
                )?;
                hooks::replace(session, &lane, new.webhook)?;
                let generation = generation.map_or(Ok(1), |row| row.integer("generation"))?;
                Ok(if generation == 1 { PutConnection::Created } else { PutConnection::Replaced })
        })
        .await
    }

    pub(crate) async fn connection(&self, lane: Lane) -> Result<Option<ConnectionView>, StoreError> {
        self.read(move |session| {
            let sql = "SELECT * FROM connections WHERE tenant = ?1 AND connection = ?2";
            let row = session.query_row(sql, &values![lane.tenant.as_str(), lane.connection.as_str()])?;
            let view = row.map(|row| {
                Ok::<_, DatabaseError>(ConnectionView {
                    tenant: row.text("tenant")?,
                    connection: row.text("connection")?,
                    provider: row.text("provider")?,
                    base_url: row.text("base_url")?,
                    state: row.text("state")?,
                    access_token_expires_at: instant(&row, "access_token_expires_at")?,
                })
            });
            Ok(view.transpose()?)
        })
        .await
    }

    /// One sealed value, to try a key on.
    pub(super) async fn any_sealed(&self) -> Result<Option<(Lane, Sealed)>, StoreError> {
        self.read(|session| {
            let row = session.query_row("SELECT tenant, connection, sealed FROM connections LIMIT 1", &[])?;
            let sample = row.map(|row| Ok::<_, DatabaseError>((lane_of(&row)?, Sealed(row.blob("sealed")?))));
            Ok(sample.transpose()?)
        })
        .await
    }
}
