//! The program as its users meet it: command lines, what they print, what they leave behind.
//! One binary, for each would link the whole of the harness once more.

mod action;
mod bad_input;
mod bad_subjects;
mod batches;
mod beginning;
mod cargo_insta;
mod command_subject;
mod deployments;
mod ended;
mod example_container;
mod example_node;
mod examples;
mod exec;
mod exporting;
mod idle_connections;
mod importing;
mod own_subject;
mod pipeline;
mod real_time;
mod recording;
mod redacting;
mod running;
mod serving;
mod serving_many;
mod shared_process;
mod showing;
mod silent_probes;
mod support;
mod tidy;
mod triggers;
mod webhook_steps;
