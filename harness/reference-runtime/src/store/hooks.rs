//! How webhooks are verified, and whose they are.

use super::runs::lane_of;
use super::sql::{DatabaseError, Row, Session, set, values};
use super::{Store, StoreError};
use crate::crash::Boundary;
use crate::credentials::Sealed;
use crate::identity::{Lane, Name};

/// How the webhooks of a connection are verified, and what is done about them.
#[derive(Debug, Clone)]
pub(crate) struct HookConfig {
    pub(crate) format: String,
    /// How they prove whose they are; `None` where they come by an app alone.
    pub(crate) proof: Option<Proof>,
    /// The customer's account as the provider spells it; `None` where events do not tell.
    pub(crate) account: Option<String>,
    pub(crate) app: Option<Name>,
    /// The URL as the provider calls it, where a proxy stands before this runtime.
    pub(crate) url: Option<String>,
    /// The path at the connection's `base_url` to which each event is sent on.
    pub(crate) forward: Option<String>,
    /// Where an event tells by what it is to stay in order: a JSON pointer.
    pub(crate) order_by: Option<String>,
    pub(crate) max_per_second: Option<f64>,
    pub(crate) burst: Option<u32>,
}

/// A signature scheme by name, and its secret.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) scheme: String,
    pub(crate) sealed: Sealed,
}

/// An endpoint that many connections share.
#[derive(Debug, Clone)]
pub(crate) struct AppConfig {
    pub(crate) format: String,
    pub(crate) proof: Proof,
    pub(crate) url: Option<String>,
}

impl Store {
    /// How the webhooks of a connection are taken; none where there is no such connection, or it takes none.
    pub(crate) async fn hook_config(&self, lane: Lane) -> Result<Option<HookConfig>, StoreError> {
        self.read(move |session| {
            let sql = "SELECT * FROM hook_configs WHERE tenant = ?1 AND connection = ?2";
            let row = session.query_row(sql, &values![lane.tenant.as_str(), lane.connection.as_str()])?;
            Ok(row.as_ref().map(config).transpose()?)
        })
        .await
    }

    pub(crate) async fn app(&self, app: Name) -> Result<Option<AppConfig>, StoreError> {
        self.read(move |session| {
            let row = session.query_row("SELECT * FROM apps WHERE app = ?1", &values![app.as_str()])?;
            let read = |row: &Row| -> Result<AppConfig, DatabaseError> {
                Ok(AppConfig {
                    format: row.text("format")?,
                    proof: Proof { scheme: row.text("scheme")?, sealed: Sealed(row.blob("sealed")?) },
                    url: row.optional_text("url")?,
                })
            };
            Ok(row.as_ref().map(read).transpose()?)
        })
        .await
    }

    /// Creates or replaces an app.
    pub(crate) async fn put_app(&self, app: Name, config: AppConfig) -> Result<(), StoreError> {
        self.write(Boundary::Unnamed, move |session| {
            session.execute(
                "INSERT INTO apps (app, format, scheme, sealed, url) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (app) DO UPDATE SET format = excluded.format, scheme = excluded.scheme,
                     sealed = excluded.sealed, url = excluded.url",
                &values![app.as_str(), config.format, config.proof.scheme, config.proof.sealed.0, config.url],
            )?;
            Ok(())
        })
        .await
    }

    /// The connection to which an app's events about `account` belong.
    pub(crate) async fn route(
        &self,
        app: Name,
        account: String,
    ) -> Result<Option<(Lane, HookConfig)>, StoreError> {
        self.read(move |session| {
            let sql = "SELECT * FROM hook_configs WHERE app = ?1 AND account = ?2";
            let row = session.query_row(sql, &values![app.as_str(), account])?;
            Ok(row.map(|row| Ok::<_, DatabaseError>((lane_of(&row)?, config(&row)?))).transpose()?)
        })
        .await
    }
}

fn config(row: &Row) -> Result<HookConfig, DatabaseError> {
    let proof = match row.optional_text("scheme")? {
        Some(scheme) => Some(Proof { scheme, sealed: Sealed(row.blob("sealed")?) }),
        None => None,
    };
    Ok(HookConfig {
        format: row.text("format")?,
        proof,
        account: row.optional_text("account")?,
        app: row.optional_text("app")?.and_then(|app| Name::parse(&app)),
        url: row.optional_text("url")?,
        forward: row.optional_text("forward")?,
        order_by: row.optional_text("order_by")?,
        max_per_second: row.optional_real("max_per_second")?,
        burst: row.optional_integer("burst")?.and_then(|burst| u32::try_from(burst).ok()),
    })
}

/// Whether another connection has the account at the app.
pub(super) fn is_taken(
    session: &mut dyn Session,
    lane: &Lane,
    config: Option<&HookConfig>,
) -> Result<bool, DatabaseError> {
    let Some(HookConfig { app: Some(app), account: Some(account), .. }) = config else { return Ok(false) };
    let sql = "SELECT tenant, connection FROM hook_configs WHERE app = ?1 AND account = ?2";
    let found = session.query_row(sql, &values![app.as_str(), account])?;
    Ok(found.as_ref().map(lane_of).transpose()?.is_some_and(|owner| owner != *lane))
}

/// Replaces how a connection's webhooks are taken.
pub(super) fn replace(
    session: &mut dyn Session,
    lane: &Lane,
    config: Option<HookConfig>,
) -> Result<(), DatabaseError> {
    let names = set![lane.tenant.as_str(), lane.connection.as_str()];
    session.execute("DELETE FROM hook_configs WHERE tenant = ?1 AND connection = ?2", &names)?;
    let Some(config) = config else { return Ok(()) };
    let (scheme, sealed) = match config.proof {
        Some(Proof { scheme, sealed }) => (Some(scheme), Some(sealed.0)),
        None => (None, None),
    };
    let mut all = names;
    all.extend(set![
        config.format,
        scheme,
        sealed,
        config.account,
        config.app.as_ref().map(Name::as_str),
        config.url,
        config.forward,
        config.order_by,
        config.max_per_second,
        config.burst
    ]);
    session.execute(
        "INSERT INTO hook_configs (tenant, connection, format, scheme, sealed, account, app, url, forward, order_by,
                                   max_per_second, burst)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        &all,
    )?;
    Ok(())
}
