//! Outcomes as people and other tools read them: one file a format, each a function from data to text.
//!
//! It stands behind everything that yields a run, and before the command line, which decides where each
//! text goes. It knows nothing of how outcomes come about, judges no scenario anew, and reads and writes
//! no file; the JSON form of a run belongs to `counterpart-outcome` itself.
//!
//! Whatever a run holds may come from a stranger's server: no format shows it before it went through
//! `text`, and through the escaping of its own syntax after that.

mod asked;
mod attempt;
pub mod ctrf;
mod error;
mod excerpt;
pub mod html;
pub mod junit;
pub mod markdown;
#[cfg(test)]
mod sample;
pub mod terminal;
mod text;
mod verdict;
mod wording;

pub use error::ReportError;
pub use terminal::Style;
pub use verdict::{Judgement, ReportVerdict};
