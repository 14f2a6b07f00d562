//! What was lost on the way from one format to another.

use std::fmt;

/// A part of one exchange that the other format cannot express.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    /// The exchange, counted from 0 in the order of the file it comes from.
    pub exchange: usize,
    /// What is lost, and what stands in its place: "the `timings` of a browser; only their sum is kept".
    pub what: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exchange {}: {}", self.exchange + 1, self.what)
    }
}
