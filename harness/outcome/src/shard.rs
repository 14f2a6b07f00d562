//! A part of a run: which scenarios belong to it, so that several machines share a suite.

use crate::{Digest, ScenarioOutcome};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;

/// As many parts as a run may be cut into.
const MOST: u32 = 1_000;

/// One of several parts of a run: `2/4`.
///
/// A scenario's name alone decides which part it belongs to: another scenario that is added or taken away moves none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which part, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
}

impl Shard {
    /// The part of so many, counted from 1, that a scenario of this name belongs to.
    #[must_use]
    pub fn of(name: &str, count: u32) -> Self {
        let digest = sha2::Sha256::digest(name.as_bytes());
        let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let index = u32::try_from(number % u64::from(count.max(1))).unwrap_or_default() + 1;
        Self { index, count }
    }

    /// Whether a scenario of this name belongs to it.
    #[must_use]
    pub fn takes(self, name: &str) -> bool {
        Self::of(name, self.count) == self
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.parse::<u32>().ok().filter(|number| *number >= 1);
        let shard = text.split_once('/').and_then(|(index, count)| {
            Some(Self { index: number(index)?, count: number(count)?.min(MOST + 1) })
        });
        match shard {
            Some(shard) if shard.count > MOST => Err(format!("at most {MOST} shards")),
            Some(shard) if shard.index <= shard.count => Ok(shard),
            Some(shard) => Err(format!(
                "shard {} of {} does not exist; they are counted from 1 to {}",
                shard.index, shard.count, shard.count
            )),
            None => {
                Err("expected which shard of how many, both from 1, as in 2/4 for the second of four"
                    .to_owned())
            }
        }
    }
}

/// What a run file says of the part that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardOf {
    /// Which part of how many.
    pub part: Shard,
    /// Of the names and digests of all scenarios that the parts together must play.
    pub whole: Digest,
}

/// The digest of a whole selection of scenarios: each one's name and the digest of its file, in the order of names.
#[must_use]
pub fn selection_digest<'a>(scenarios: impl IntoIterator<Item = (&'a str, &'a Digest)>) -> Digest {
    let mut lines: Vec<String> =
        scenarios.into_iter().map(|(name, digest)| format!("{} {name:?}\n", digest.0)).collect();
    lines.sort();
    Digest::of(lines.concat().as_bytes())
}

/// The same of scenarios that were played.
pub(crate) fn played_digest(scenarios: &[ScenarioOutcome]) -> Digest {
    selection_digest(scenarios.iter().map(|one| (one.name.as_str(), &one.digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_as_it_is_written() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, count: 4 }));
        assert_eq!(Shard { index: 2, count: 4 }.to_string(), "2/4");
        for wrong in ["", "2", "0/4", "5/4", "1/0", "-1/4", "1/1001", "1/99999999999", "a/b", "1/2/3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_scenario_belongs_to_one_shard_and_none_is_starved() {
        let names: Vec<String> = (0..400).map(|number| format!("folder/scenario-{number}")).collect();
        for count in [1, 2, 3, 7] {
            let mut sizes = vec![0; count as usize];
            for name in &names {
                let takers: Vec<u32> =
                    (1..=count).filter(|index| Shard { index: *index, count }.takes(name)).collect();
                let [index] = takers[..] else { panic!("{name} is taken by {takers:?}") };
                sizes[index as usize - 1] += 1;
            }
            let fair = names.len() / count as usize;
            assert!(sizes.iter().all(|size| (fair / 2..=fair * 2).contains(size)), "{sizes:?}");
        }
    }

    #[test]
    fn where_a_scenario_belongs_is_the_same_in_every_build() {
        let parts: Vec<u32> = ["chat-import/happy-path", "relay/answer-lost", "wire/tls", "é"]
            .map(|name| Shard::of(name, 4).index)
            .into();
        assert_eq!(parts, [4, 1, 3, 4]);
    }
}
