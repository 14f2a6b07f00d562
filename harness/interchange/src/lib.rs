//! Other tools' recordings become exchanges, and fixtures become theirs. One file a format.
//!
//! An importer reads text that nobody vouches for: bounded, running nothing, each problem told with its place. What a
//! format says and an exchange cannot hold, or the other way round, is a [`Loss`] and never silent. Nothing here
//! redacts or writes: what was imported goes the same way to the disk as what was recorded
//! ([`counterpart_exchange::keep`]).

mod assembly;
mod cassette;
mod content_coding;
mod format;
mod har;
mod imported;
mod json;
mod libyaml;
mod loss;
mod nock;
mod polly;
mod source;
mod url;
mod vcr;
mod yaml;

pub use format::{Format, MAX_FILE_BYTES, import};
pub use har::import_har;
pub use imported::{ImportError, Imported};
pub use loss::Loss;
pub use nock::import_nock;
pub use polly::import_polly;
pub use vcr::import_vcr;
