//! Formats of other tools, written and read back.

mod adversarial;
mod descriptions;
mod exports;
mod real_wiremock;
mod round_trip;
