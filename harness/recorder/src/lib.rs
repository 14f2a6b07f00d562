//! Live traffic becomes a fixture: a streaming proxy, reverse or forward, that redacts before it writes.
//!
//! An integration is pointed at [`Recorder::address`]: in place of its provider ([`Recorder::start`]), or as its HTTP
//! proxy ([`Recorder::proxy`]), which speaks TLS in the place of the hosts that are named to it. What passes is forwarded
//! frame by frame and copied aside into bounded memory; [`Recorder::finish`] takes the secrets out, writes
//! the fixtures to a temporary place, searches what was written, and only then moves it to where it belongs.
//! Nothing unredacted reaches a disk or a log: a process that is killed loses its recording.
//!
//! What the recorder changes on the way, and nothing else: hop-by-hop fields end at it (RFC 9110 section
//! 7.6.1), and in HTTP/1.1 trailers with them; `Host` names the upstream; a client that accepts encodings gets the answer
//! without any (`Accept-Encoding: identity`), because secrets in a compressed body could not be found, and so do
//! WebSockets; and where the client does not know the upstream by its own name, a `Location` there leads back to the
//! recorder. Links inside bodies stay as they are.
//!
//! The provider's webhooks may come the other way, to a path of the recorder, and go on to the integration
//! ([`WebhookRoute`]). They keep `Host` and all that a signature may be over; see [`RecorderConfig::webhooks`].

mod ask_first;
mod body_copy;
mod clients;
mod clock;
mod config;
mod connection;
mod door;
mod duplex;
mod fields;
mod forward;
mod host_pattern;
mod house;
mod interception;
mod journal;
mod proxy_config;
mod pulse;
mod recorder;
mod route;
mod routes;
mod server;
mod sink;
mod streams;
mod tee;
mod together;
mod traffic;
mod upstream;
mod webhook_route;
mod websocket;
mod words;

pub use ask_first::{AskFirst, AskFirstConfig};
pub use config::{Limits, RecorderConfig};
pub use host_pattern::HostPattern;
pub use proxy_config::{HostAction, Others, ProxyConfig, ProxyHost};
pub use recorder::{Finished, Recorder, RecorderError, Recording};
pub use traffic::Traffic;
pub use webhook_route::WebhookRoute;
