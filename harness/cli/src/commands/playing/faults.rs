//! Which provider each fault of the command line is for.

use super::selection::Chosen;
use crate::arguments::FaultSpec;
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_stand_in::{OwnerError, PlannedFault};

/// The faults of each provider.
pub(crate) fn share_out(chosen: &[&Chosen], specs: &[FaultSpec]) -> Result<Vec<Vec<PlannedFault>>, Stop> {
    let mut faults: Vec<Vec<PlannedFault>> = chosen.iter().map(|_| Vec::new()).collect();
    for FaultSpec { provider, planned, spec } in specs {
        let refuse = |problem: String| Stop::usage(anyhow!("--fault: {problem}"));
        let check = |one: &Chosen| planned.check(&one.profile, &one.fixtures);
        let index = match provider {
            Some(name) => {
                let index = chosen.iter().position(|one| one.profile.provider == *name).ok_or_else(|| {
                    let known: Vec<&str> = chosen.iter().map(|one| one.profile.provider.as_str()).collect();
                    refuse(format!("`{name}` is not served; there are: {}", known.join(", ")))
                })?;
                check(chosen[index]).map_err(refuse)?;
                index
            }
            None => {
                let candidates: Vec<_> =
                    chosen.iter().map(|one| (one.profile.provider.as_str(), check(one))).collect();
                planned.owner(&candidates).map_err(|why| refuse(told(&why, spec)))?
            }
        };
        faults[index].push(planned.clone());
    }
    Ok(faults)
}

/// Why a fault is nobody's, and what to write.
fn told(why: &OwnerError, spec: &str) -> String {
    match why {
        OwnerError::FitsNone(reasons) => match &reasons[..] {
            [(_, reason)] => reason.clone(),
            _ => why.to_string(),
        },
        OwnerError::FitsSeveral(names) => {
            let spelled: Vec<String> = names.iter().map(|name| format!("'{name}:{spec}'")).collect();
            format!("{spec}: {why}; write {}", spelled.join(" or "))
        }
    }
}
