//! The bundled scenarios, played against the bundled reference runtime.

mod exploring;
mod faults;
mod records;
mod seen_to_fail;
mod suite;
mod support;
