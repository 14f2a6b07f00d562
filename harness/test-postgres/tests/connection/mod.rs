//! A connection for the tests of this crate.

use tokio_postgres::{Client, Error, NoTls};

/// Connects, and lets the runtime drive the connection.
pub(crate) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
