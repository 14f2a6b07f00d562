//! The stand-in over real sockets, seen by a client that writes and reads bytes and knows no HTTP library.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[macro_use]
mod cases;

mod bearer;
mod conditional;
mod control;
mod data;
mod faults;
mod faults_auth;
mod faults_content;
mod faults_data;
mod faults_http;
mod faults_protocols;
mod faults_webhooks;
mod faults_wire;
mod hosts;
mod http2;
mod idempotency;
mod keys;
mod oauth;
mod protocols;
mod provider;
mod quota;
mod receiver;
mod recordings;
mod replay;
mod robustness;
mod side_by_side;
mod tls;
mod versions;
mod webhooks;
mod wire;
