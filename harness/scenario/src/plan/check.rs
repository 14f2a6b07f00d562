//! The problems of one file while it is checked.

use crate::file::Location;
use counterpart_exchange::DocumentError;
use std::path::Path;

pub(super) struct Check<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) problems: Vec<DocumentError>,
}

impl Check<'_> {
    pub(super) fn at(&mut self, location: Location, message: impl Into<String>) {
        self.add(DocumentError::at(self.path, self.text, location.into(), message));
    }

    pub(super) fn whole(&mut self, message: impl Into<String>) {
        self.add(DocumentError::whole(self.path, message));
    }

    fn add(&mut self, problem: DocumentError) {
        // Rows of a table share most of a file.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}
