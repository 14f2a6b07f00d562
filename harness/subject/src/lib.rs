//! The integration under test: how it is described, launched, triggered and probed, and how its clock is driven.
//!
//! The harness meets every subject over HTTP alone, the bundled runtime included. This crate knows nothing
//! of scenarios, stand-ins or verdicts.

mod clock;
mod command;
mod launch;
mod length;
mod spec;
mod subject;
mod template;

pub use clock::{ClockState, Stopwatch};
pub use command::{CommandLaunch, CommandSpec, Each, Nothing, Ready, Surroundings, VersionSpec};
pub use launch::{AlreadyRunning, BoxFuture, Launch, LaunchError, LaunchRequest, Running};
pub use length::Length;
pub use spec::{ClockKind, HttpCall, LaunchSpec, Probe, ProbeName, SubjectSpec};
pub use subject::{Answered, Subject, SubjectError};
pub use template::{TemplateError, Variables, words_of};
