//! The integration under test: how it is described, launched, triggered and probed, and how its clock is driven.
//!
//! The harness calls every subject over HTTP alone, the bundled runtime included; what a probe shows may also be read
//! from its database, its files, or what it printed. This crate knows nothing
//! of scenarios, stand-ins or verdicts.

mod acts;
mod agreement;
mod batch;
mod braces;
mod clock;
mod command;
mod container;
mod launch;
mod length;
mod probe;
mod spec;
mod subject;
mod template;
mod trigger;

pub use batch::{BatchLaunch, BatchSpec, Commits, TargetSpec, Writes};
pub use braces::UnknownName;
pub use clock::{ClockState, Stopwatch};
pub use command::{
    CommandLaunch, CommandSpec, Each, LineSoFar, Nothing, Output, OutputStream, Ready, Surroundings,
    VersionSpec,
};
pub use container::{ContainerNetwork, ContainerSpec, split_image};
pub use launch::{
    AlreadyRunning, BoxFuture, Launch, LaunchError, LaunchRequest, ProviderHost, RunEnd, Running, Stopping,
    with_last_lines,
};
pub use length::Length;
pub use probe::{
    Database, FileForm, Printed, Probe, ProbeError, ProbeName, ProbeSource, RecordsPlace, SqlQuery,
};
pub use spec::{ClockKind, HttpCall, LaunchSpec, SubjectSpec};
pub use subject::{Answered, Subject, SubjectError};
pub use template::{TemplateError, Variables, given_names, is_given, words_of};
pub use trigger::{DropContent, FileDrop, RunToEnd, TickWords, Trigger, TriggerWords};
