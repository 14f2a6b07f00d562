//! Live traffic becomes a fixture: a streaming reverse proxy that redacts before it writes.
//!
//! An integration is pointed at [`Recorder::address`] in place of its provider. What passes is forwarded
//! frame by frame and copied aside into bounded memory; [`Recorder::finish`] takes the secrets out, writes
//! the fixture to a temporary place, searches what was written, and only then moves it to where it belongs.
//! Nothing unredacted reaches a disk or a log: a process that is killed loses its recording.
//!
//! What the recorder changes on the way, and nothing else: hop-by-hop fields end at it (RFC 9110 section
//! 7.6.1), trailers with them; `Host` names the upstream; a client that accepts encodings gets the answer
//! without any (`Accept-Encoding: identity`), because secrets in a compressed body could not be found; and a
//! `Location` at the upstream leads back to the recorder. Links inside bodies stay as they are.

mod ask_first;
mod body_copy;
mod clock;
mod config;
mod fields;
mod forward;
mod journal;
mod pulse;
mod recorder;
mod route;
mod server;
mod sink;
mod tee;
mod together;
mod upstream;

pub use ask_first::{AskFirst, AskFirstConfig};
pub use config::{Limits, RecorderConfig};
pub use recorder::{Finished, Recorder, RecorderError, Recording};
