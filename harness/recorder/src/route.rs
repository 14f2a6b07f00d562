//! A way through the recorder: where its requests go on to, who called whom on it, and what takes it down.
//!
//! Knows nothing of how a request is told to belong to it.

use crate::journal::Journal;
use crate::upstream::Upstream;
use counterpart_exchange::Direction;
use std::sync::Arc;

/// One way through the recorder.
#[derive(Clone)]
pub(crate) struct Route {
    /// Where requests go on to.
    pub(crate) upstream: Upstream,
    /// Who calls whom on it.
    pub(crate) direction: Direction,
    /// What takes its exchanges down.
    pub(crate) journal: Arc<Journal>,
}
