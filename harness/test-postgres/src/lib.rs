//! An empty PostgreSQL database of its own for each test, and servers that a test may crash.
//!
//! It is linked into tests alone. That is why it may do what no library here may: read environment variables, print
//! that a test was skipped, and panic, which is a failed test. It knows nothing of who stores what.
//!
//! [`TestPostgres::for_test`] looks for a server in this order:
//!
//! 1. `COUNTERPART_TEST_POSTGRES`, the URL of a server and of a user that may create databases;
//! 2. a container, with the feature `container` and where a Docker engine answers; `COUNTERPART_POSTGRES_IMAGE`
//!    (`name:tag`) names another image;
//! 3. PostgreSQL's own programs, in `PATH` or where Debian installs them: one throwaway server for the process.
//!
//! Where there is none the test is told to skip itself and says so; with `COUNTERPART_REQUIRE_POSTGRES=1` it fails.

#![allow(clippy::panic, reason = "whoever calls is a test, and what it cannot be given fails it")]

#[cfg(feature = "container")]
mod container;
mod database;
mod keeper;
mod missing;
mod programs;
mod settings;
mod test_cluster;
mod test_postgres;

pub use test_cluster::TestCluster;
pub use test_postgres::{Source, TestPostgres};
