//! A server that a test may crash.

use crate::keeper::Keeper;
use crate::missing::{self, OtherWay};
use crate::programs;
use crate::settings::Settings;

/// A server of its own, with PostgreSQL's usual durability; it is stopped and removed with this value.
///
/// It is made of PostgreSQL's own programs, wherever the databases of other tests come from.
#[derive(Debug)]
pub struct TestCluster {
    keeper: Keeper,
}

impl TestCluster {
    /// A server for the test of this name; `None` if PostgreSQL is not installed, which was said then.
    ///
    /// This and the other functions block the thread for up to a second, and may be called within a runtime.
    ///
    /// # Panics
    ///
    /// If it is installed and does not start, or if it is not and `COUNTERPART_REQUIRE_POSTGRES` is set.
    pub fn for_test(name: &str) -> Option<Self> {
        Self::with(&Settings::of_this_process(), name)
    }

    /// `postgres://user:password@127.0.0.1:port/postgres`, which stays the same when it is started again.
    pub fn url(&self) -> String {
        self.keeper.url()
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.keeper.port()
    }

    /// Crashes it: connections break, nothing is flushed, and the next start recovers from the log.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn stop_immediate(&self) {
        self.keeper.stop_immediate().unwrap_or_else(|problem| panic!("PostgreSQL does not stop:\n{problem}"));
    }

    /// Starts it on the same port and the same data.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_again(&self) {
        self.keeper.start_again().unwrap_or_else(|problem| panic!("PostgreSQL does not start:\n{problem}"));
    }

    pub(crate) fn with(settings: &Settings, test: &str) -> Option<Self> {
        let Some(programs) = programs::folder(settings) else {
            missing::tell(settings, test, &[programs::looked_for(settings)], &OtherWay::None);
            return None;
        };
        let keeper = Keeper::start(&programs).unwrap_or_else(|problem| {
            panic!("{test}: PostgreSQL of {} does not start:\n{problem}", programs.display())
        });
        Some(Self { keeper })
    }
}
