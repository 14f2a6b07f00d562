//! A database that is made for one test, and is dropped with what stands for it.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

/// Real time within which a server must take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// What a name takes of the test's own: PostgreSQL cuts names at 63 bytes.
const MAX_NAME_CHARS: usize = 40;

/// A database of its own.
#[derive(Debug)]
pub(crate) struct Database {
    /// Of the server that it is on.
    server: String,
    name: String,
    pub(crate) url: String,
}

impl Database {
    /// Makes one that is empty, and named after its test.
    pub(crate) fn create(server: &str, test: &str) -> Result<Self, String> {
        let name = unique_name(test);
        let url = with_database(server, &name).ok_or_else(|| {
            format!("{server:?} is no URL like postgres://user:password@127.0.0.1:5432/postgres")
        })?;
        // `template0`: whatever somebody put into the usual template is not for tests.
        run(server, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(Self { server: server.to_owned(), name, url })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Forced, since a test may leave connections open.
        if let Err(problem) = run(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            let _ = writeln!(std::io::stderr(), "a database of a test is left behind: {problem}");
        }
    }
}

/// A number that nobody else draws.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

fn unique_name(test: &str) -> String {
    let letters =
        test.chars().map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '_' });
    format!("test_{}_{:016x}", letters.take(MAX_NAME_CHARS).collect::<String>(), random())
}

/// The URL of another database on the same server.
fn with_database(server: &str, name: &str) -> Option<String> {
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| server.strip_prefix(scheme))?;
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let authority = path.split('/').next().unwrap_or(path);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("postgres://{authority}/{name}{query}"))
}

/// Runs one statement on a connection of its own.
fn run(url: &str, statement: &str) -> Result<(), String> {
    let told = |problem: tokio_postgres::Error| {
        let cause = std::error::Error::source(&problem).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{statement}: {problem}{cause}")
    };
    let mut config: Config = url.parse().map_err(told)?;
    config.connect_timeout(CONNECT_TIMEOUT).options("-c statement_timeout=60s");
    on_a_thread(async {
        let (client, connection) = config.connect(NoTls).await.map_err(told)?;
        let connection = tokio::spawn(connection);
        client.batch_execute(statement).await.map_err(told)?;
        drop(client);
        let _ = connection.await;
        Ok(())
    })
}

/// Waits for a future on another thread, since the caller's may already drive a test's futures.
fn on_a_thread<T: Send>(future: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|problem| problem.to_string())?.block_on(future)
        });
        thread.join().unwrap_or_else(|_| Err("speaking to PostgreSQL panicked".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_unique_and_fits() {
        let (one, other) = (unique_name("Ünder::test"), unique_name("Ünder::test"));
        assert_ne!(one, other);
        assert!(one.starts_with("test__nder__test_"), "{one}");
        assert!(unique_name(&"x".repeat(100)).len() <= 63);
    }

    #[test]
    fn only_the_database_of_a_url_is_changed() {
        let changed = |url| with_database(url, "mine");
        let expected = |url: &str| Some(url.to_owned());
        assert_eq!(changed("postgres://u:p%2F@h:5/old"), expected("postgres://u:p%2F@h:5/mine"));
        assert_eq!(changed("postgresql://u@[::1]"), expected("postgres://u@[::1]/mine"));
        assert_eq!(
            changed("postgres://h/old?sslmode=disable"),
            expected("postgres://h/mine?sslmode=disable")
        );
        assert_eq!(changed("host=h dbname=old"), None);
    }
}
