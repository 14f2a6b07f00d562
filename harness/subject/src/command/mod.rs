//! Subjects that are programs: started, watched, and ended with all their children.
//!
//! [`spec`] is how one is described, [`filled`] what is started, [`process`] one process with its [`group`] and its
//! [`output`], [`ready`] when it can be called, [`launch`] and [`running`] its life in a play. Knows nothing of what the
//! program is asked to do.

mod faketime;
mod filled;
mod folder;
mod group;
mod launch;
mod output;
mod ports;
mod process;
mod ready;
mod running;
mod secrets;
mod spec;

pub(crate) use faketime::Faketime;
pub use filled::Surroundings;
pub(crate) use filled::{Words, write_files};
pub(crate) use folder::Folder;
pub use launch::CommandLaunch;
pub(crate) use output::OutLine;
pub use output::{Line as LineSoFar, Output, Stream as OutputStream};
pub(crate) use process::{End, Process};
pub(crate) use running::no_such_version;
#[cfg(test)]
pub(crate) use secrets::Secrets;
pub use spec::{CommandSpec, Each, Nothing, Ready, VersionSpec};
