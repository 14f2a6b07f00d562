//! Known bugs of the bundled runtime, by name, as they are given on the command line.

use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::suggest;
use counterpart_reference_subject::Plant;
use std::collections::BTreeSet;

/// The bugs of these names.
pub(crate) fn named(names: &[String]) -> Result<BTreeSet<Plant>, Stop> {
    names.iter().map(|name| name.parse().map_err(|unknown| not_known(name, unknown))).collect()
}

/// Where one is near, that alone is told: the list of all would hide it.
fn not_known(name: &str, unknown: impl Into<anyhow::Error>) -> Stop {
    Stop::usage(match suggest(name, Plant::ALL.iter().map(|plant| plant.name())) {
        Some(near) => anyhow!(
            "no plant is called {name:?}; did you mean `{near}`? `counterpart runtime plants` lists all {}",
            Plant::ALL.len()
        ),
        None => unknown.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_told_where_there_is_one() {
        let told = |name: &str| named(&[name.to_owned()]).unwrap_err().error.to_string();
        let near = told("no_validaton");
        assert!(
            near.starts_with("no plant is called \"no_validaton\"; did you mean `no_validation`?"),
            "{near}"
        );
        assert!(told("bananas").contains("; there are "), "{}", told("bananas"));
    }
}
