//! What `serve` and `exec` share: what is to be played, what goes wrong with it, and what is told at the end.

mod faults;
mod selection;
mod summary;

pub(crate) use faults::share_out;
pub(crate) use selection::{Chosen, choose};
pub(crate) use summary::Summary;
