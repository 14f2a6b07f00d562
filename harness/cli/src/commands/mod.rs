//! The commands, one file each.

mod authority;
pub(crate) mod ca;
pub(crate) mod completions;
pub(crate) mod contract;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod explore;
pub(crate) mod export;
pub(crate) mod faults;
pub(crate) mod fixture;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod merge;
mod playing;
pub(crate) mod record;
pub(crate) mod redact;
pub(crate) mod review;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod show;
mod stop_signal;
