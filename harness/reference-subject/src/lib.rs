//! The bundled runtime as a subject: how it is described, and how it is launched in this process.
//!
//! The one crate in which harness and runtime meet. No library of the harness links the runtime; the command
//! line, the suite's tests and the benchmarks do, through this one.

mod launch;

pub use counterpart_reference_runtime::{Plant, UnknownPlant};
pub use launch::ReferenceLaunch;

use counterpart_subject::SubjectSpec;

/// Its name where a subject is asked for.
pub const NAME: &str = "reference";

/// How it is described, in the same words as any other subject.
#[must_use]
pub fn spec() -> SubjectSpec {
    toml::from_str(include_str!("reference.toml")).expect("the bundled description is valid")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bundled_description_is_valid() {
        assert_eq!(super::spec().launch.kind(), super::NAME);
    }
}
