//! Known bugs of the bundled runtime, by name, as they are given on the command line.

use crate::exit::Stop;
use counterpart_reference_subject::Plant;
use std::collections::BTreeSet;

/// The bugs of these names.
pub(crate) fn named(names: &[String]) -> Result<BTreeSet<Plant>, Stop> {
    names.iter().map(|name| name.parse().map_err(Stop::usage)).collect()
}
