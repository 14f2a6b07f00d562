//! The commands, one file each.

mod authority;
pub(crate) mod ca;
pub(crate) mod contract;
pub(crate) mod exec;
pub(crate) mod faults;
mod playing;
pub(crate) mod record;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod schema;
pub(crate) mod serve;
mod stop_signal;
