//! What keeps a stand-in of a test from being made or moved.

use std::path::PathBuf;

/// A stand-in that cannot be had, or a clock that cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum TestingError {
    /// The fixture, or the profile beside it, cannot be used.
    #[error("{0}")]
    Fixture(String),
    /// The path is none of a fixture.
    #[error(
        "{path}: not the path of a fixture; expected <fixtures>/<provider>/<flow>.yaml, as in fixtures/matrix/room-history.yaml", path = path.display()
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A fault that makes no sense where it is to strike.
    #[error("the fault {fault}: {problem}")]
    Fault {
        /// As the test gave it.
        fault: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A limit that cannot be read or kept.
    #[error(
        "{0}; a limit is spelled as in the `quota` of a profile: kind: {{calls_per_second: {{limit: 3}}}}"
    )]
    Quota(String),
    /// The server cannot begin.
    #[error(transparent)]
    Start(#[from] counterpart_stand_in::StandInError),
    /// No authority for TLS.
    #[error(transparent)]
    Authority(#[from] counterpart_certificates::AuthorityError),
    /// The clock of the code under test does not answer.
    #[error(transparent)]
    Clock(#[from] counterpart_subject::SubjectError),
    /// A webhook that cannot be delivered.
    #[error(transparent)]
    Delivery(#[from] counterpart_stand_in::DeliveryError),
}
