//! The runtime from outside: its API, a provider that is played, the store on SQLite. `on_postgres` plays some of it again.

mod api;
mod credentials;
mod forwarding;
mod holds;
mod import;
mod limits;
mod plants;
mod recovery;
mod relay;
mod restart;
mod retries;
mod shared_endpoints;
mod support;
mod webhooks;
