//! A subject in a container: pulled or built, started for each play, watched, and removed however the play ends.
//!
//! [`engine`] asks the engine what testcontainers does not, [`image`] is what is started, [`start`] one container until it
//! is ready, [`running`] its life in a play. Nothing here knows what the subject is asked to do, or what a stand-in is.

mod clock;
mod engine;
mod image;
mod launch;
mod running;
mod start;

pub use launch::ContainerLaunch;
