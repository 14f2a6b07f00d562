//! A server in a container, by way of a Docker engine.
//!
//! It is removed when the last test of the process that uses it is over, and on the signals that ask a process to end.
//! A process that is killed leaves it behind; the engine's library has no means against that without another container.

use crate::settings::Settings;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use testcontainers::runners::SyncRunner;
use testcontainers::{ContainerRequest, ImageExt};
use testcontainers_modules::postgres::Postgres;

/// The image, where no other is named.
const IMAGE: (&str, &str) = ("postgres", "17");
const PORT: u16 = 5432;

/// A container; it is removed with this value.
pub(crate) struct Container {
    pub(crate) url: String,
    running: Option<testcontainers::Container<Postgres>>,
}

impl Container {
    /// The one container of this process, which lives as long as any of its tests uses it.
    pub(crate) fn shared(settings: &Settings) -> Result<Arc<Self>, String> {
        static SHARED: Mutex<Weak<Container>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(container) = shared.upgrade() {
            return Ok(container);
        }
        let container = Arc::new(Self::start(settings.image.as_deref())?);
        *shared = Arc::downgrade(&container);
        Ok(container)
    }

    fn start(image: Option<&str>) -> Result<Self, String> {
        let (name, tag) = image.map_or(IMAGE, |image| image.rsplit_once(':').unwrap_or((image, "latest")));
        // The image's own way is to trust the disk; a test of what survives a crash needs the server's.
        let request: ContainerRequest<Postgres> =
            Postgres::default().with_fsync_enabled().with_name(name).with_tag(tag);
        let started = on_a_thread(move || {
            let running = request.start()?;
            // Not the host that is guessed: it can be that of a bridge.
            let port = running.get_host_port_ipv4(PORT)?;
            Ok((running, port))
        });
        let (running, port) =
            started.map_err(|problem: testcontainers::TestcontainersError| problem.to_string())?;
        let url = format!("postgres://postgres:postgres@127.0.0.1:{port}/postgres");
        Ok(Self { url, running: Some(running) })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let running = self.running.take();
        on_a_thread(move || drop(running));
    }
}

impl std::fmt::Debug for Container {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Container").field("url", &self.url).finish_non_exhaustive()
    }
}

/// It waits within a runtime of its own, which the caller's thread may be in already.
fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope.spawn(work).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use crate::{Source, TestPostgres};

    /// It needs a Docker engine; whoever switches the feature on has one.
    #[test]
    fn a_database_in_a_container_is_there_for_its_test_and_gone_with_it() {
        let settings = Settings { server: None, ..Settings::of_this_process() };
        let one = TestPostgres::with(&settings, "one").unwrap();
        let other = TestPostgres::with(&settings, "other").unwrap();
        assert_eq!((one.source(), other.source()), (Source::Container, Source::Container));
        let server = |found: &TestPostgres| found.url().rsplit_once('/').unwrap().0.to_owned();
        assert_eq!(server(&one), server(&other), "one container for the process");
        let address = server(&one).rsplit_once('@').unwrap().1.to_owned();
        assert!(std::net::TcpStream::connect(&address).is_ok());
        drop((one, other));
        assert!(std::net::TcpStream::connect(&address).is_err(), "the container still runs");
    }
}
