//! Subjects that are programs: started, watched, and ended with all their children.
//!
//! [`spec`] is how one is described, [`filled`] what is started, [`process`] one process with its [`group`] and its
//! [`output`], [`ready`] when it can be called, [`launch`] and [`running`] its life in a play. Knows nothing of what the
//! program is asked to do.

mod filled;
mod group;
mod launch;
mod output;
mod ports;
mod process;
mod ready;
mod running;
mod spec;

pub use filled::Surroundings;
pub use launch::CommandLaunch;
pub use output::{Line as LineSoFar, Output, Stream as OutputStream};
pub use spec::{CommandSpec, Each, Nothing, Ready, VersionSpec};
