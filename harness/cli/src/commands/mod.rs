//! The commands, one file each.

pub(crate) mod contract;
pub(crate) mod export;
pub(crate) mod faults;
pub(crate) mod import;
pub(crate) mod record;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod schema;
pub(crate) mod serve;
mod stop_signal;
