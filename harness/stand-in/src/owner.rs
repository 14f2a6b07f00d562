//! Which of several providers a fault is meant for, where nobody says so: the one that has its place.

use crate::planned::{FaultSite, PlannedFault};

/// A fault that cannot be given to one provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// It fits none of them: each with the reason.
    #[error("{}", .0.iter().map(|(provider, why)| format!("{provider}: {why}")).collect::<Vec<_>>().join("; "))]
    FitsNone(Vec<(String, String)>),
    /// It fits several.
    #[error("its place is there at {}", .0.join(" and at "))]
    FitsSeveral(Vec<String>),
}

impl PlannedFault {
    /// The index of the provider that a fault is meant for. `candidates` are the providers' names, each with what
    /// [`PlannedFault::check`] says of the fault there.
    ///
    /// # Errors
    /// [`OwnerError`] where it fits none, or more than one.
    pub fn owner(&self, candidates: &[(&str, Result<(), String>)]) -> Result<usize, OwnerError> {
        let fitting: Vec<usize> =
            (0..candidates.len()).filter(|index| candidates[*index].1.is_ok()).collect();
        match fitting[..] {
            [only] => Ok(only),
            // A connection is nobody's before there is a request: whoever has the fault, it strikes the same.
            [first, ..] if matches!(self.at, FaultSite::Connection(_)) => Ok(first),
            [] => Err(OwnerError::FitsNone(
                candidates
                    .iter()
                    .filter_map(|(name, check)| Some(((*name).to_owned(), check.clone().err()?)))
                    .collect(),
            )),
            _ => Err(OwnerError::FitsSeveral(
                fitting.into_iter().map(|index| candidates[index].0.to_owned()).collect(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_belongs_to_whoever_has_its_place() {
        let at_exchange: PlannedFault = "timeout@list-1".parse().unwrap();
        let at_connection: PlannedFault = "reset@connection:1".parse().unwrap();
        let no = || Err("no such place".to_owned());
        assert_eq!(at_exchange.owner(&[("a", no()), ("b", Ok(()))]), Ok(1));
        assert_eq!(at_connection.owner(&[("a", Ok(())), ("b", Ok(()))]), Ok(0));
        let none = at_exchange.owner(&[("a", no()), ("b", no())]).unwrap_err().to_string();
        assert_eq!(none, "a: no such place; b: no such place");
        let both = at_exchange.owner(&[("a", Ok(())), ("b", Ok(()))]).unwrap_err().to_string();
        assert_eq!(both, "its place is there at a and at b");
    }
}
