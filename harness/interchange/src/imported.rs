//! What an importer gives, and why it refuses.

use crate::Loss;
use counterpart_exchange::{DocumentError, Exchange};

/// The exchanges of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// In the order of their requests. Their ids tell them apart and mean nothing else yet.
    pub exchanges: Vec<Exchange>,
    /// What the file says and the exchanges do not.
    pub losses: Vec<Loss>,
    /// What is odd about the file and harmless: a damaged host name, an older version of the format.
    pub warnings: Vec<String>,
}

/// A file that cannot be imported: which, where in it, what was found and expected, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is not what its format says.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl ImportError {
    /// The same, with a way to mend it.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        let Self::Document(mut error) = self;
        error.message.push_str("; ");
        error.message.push_str(hint);
        Self::Document(error)
    }
}
