//! An empty database for one test.

use crate::database::Database;
use crate::keeper::Keeper;
use crate::missing::{self, OtherWay};
use crate::programs;
use crate::settings::{SERVER, Settings};
use std::sync::OnceLock;

/// An empty database of its own, dropped with this value.
#[derive(Debug)]
pub struct TestPostgres {
    database: Database,
    source: Source,
    /// Dropped after the database.
    #[cfg(feature = "container")]
    _container: Option<std::sync::Arc<crate::container::Container>>,
}

/// Where a server came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was named in `COUNTERPART_TEST_POSTGRES`.
    Named,
    /// It runs in a container.
    Container,
    /// It was started here, with PostgreSQL's own programs.
    Local,
}

impl TestPostgres {
    /// A database for the test of this name; `None` if there is no server, which was said then.
    ///
    /// It blocks the thread for up to a second, the first time in a process, and may be called within a runtime.
    ///
    /// # Panics
    ///
    /// If a server is there and does not do its work, or if there is none and `COUNTERPART_REQUIRE_POSTGRES` is set.
    pub fn for_test(name: &str) -> Option<Self> {
        Self::with(&Settings::of_this_process(), name)
    }

    /// `postgres://user:password@127.0.0.1:port/database`.
    pub fn url(&self) -> &str {
        &self.database.url
    }

    /// Where the server came from.
    pub fn source(&self) -> Source {
        self.source
    }

    pub(crate) fn with(settings: &Settings, test: &str) -> Option<Self> {
        if let Some(server) = &settings.server {
            return Some(Self::on(server, Source::Named, test));
        }
        let mut looked_for = vec![format!("{SERVER} (not set)")];
        #[cfg(feature = "container")]
        match crate::container::Container::shared(settings) {
            Ok(container) => {
                let found = Self::on(&container.url, Source::Container, test);
                return Some(Self { _container: Some(container), ..found });
            }
            Err(problem) => looked_for.push(format!("a container ({problem})")),
        }
        #[cfg(not(feature = "container"))]
        looked_for.push("a container (the feature `container` is off)".to_owned());
        let Some(server) = shared_server(settings) else {
            looked_for.push(programs::looked_for(settings));
            missing::tell(settings, test, &looked_for, &OtherWay::NameOne);
            return None;
        };
        Some(Self::on(&server, Source::Local, test))
    }

    fn on(server: &str, source: Source, test: &str) -> Self {
        let database = Database::create(server, test)
            .unwrap_or_else(|problem| panic!("{test}: no database could be made for it: {problem}"));
        Self {
            database,
            source,
            #[cfg(feature = "container")]
            _container: None,
        }
    }
}

/// The URL of the one server that this process starts, and that ends with it.
fn shared_server(settings: &Settings) -> Option<String> {
    static SERVER: OnceLock<Keeper> = OnceLock::new();
    let programs = programs::folder(settings)?;
    let start = || {
        Keeper::start(&programs).unwrap_or_else(|problem| {
            panic!("PostgreSQL of {} does not start:\n{problem}", programs.display())
        })
    };
    Some(SERVER.get_or_init(start).url())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestCluster;

    fn named(server: &str) -> Settings {
        Settings { server: Some(server.to_owned()), ..Settings::of_this_process() }
    }

    #[test]
    fn a_server_that_is_named_is_used() {
        let Some(cluster) = TestCluster::for_test("a_server_that_is_named_is_used") else { return };
        let found = TestPostgres::with(&named(&cluster.url()), "some_test").unwrap();
        assert_eq!(found.source(), Source::Named);
        assert!(found.url().contains(&format!(":{}/test_some_test_", cluster.port())), "{}", found.url());
    }

    #[test]
    #[should_panic(expected = "some_test: no database could be made for it: CREATE DATABASE test_some_test_")]
    fn a_server_that_is_named_and_does_not_answer_is_not_passed_over() {
        // Nobody listens on a port that is bound here and nowhere else.
        let port = crate::keeper::ReservedPort::any().unwrap();
        TestPostgres::with(
            &named(&format!("postgres://u:p@127.0.0.1:{}/postgres", port.number)),
            "some_test",
        );
    }
}
