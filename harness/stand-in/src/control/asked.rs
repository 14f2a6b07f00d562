//! What is sent to the control API, read with the place of whatever is wrong with it.

use super::problem::Problem;
use crate::faults::Fault;
use crate::planned::{FaultSite, PlannedFault, Times};
use crate::play::FaultsAfterReset;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `POST /faults`: by its parts, or spelled as on the command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultAsked {
    pub(super) provider: Option<String>,
    spec: Option<String>,
    at: Option<Value>,
    times: Option<Value>,
    inject: Option<Value>,
}

/// `POST /reset`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetAsked {
    pub(super) provider: Option<String>,
    #[serde(default)]
    faults: FaultsWord,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultsWord {
    #[default]
    AsStarted,
    Cleared,
}

/// `POST /clock/advance`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvanceAsked {
    to: Option<String>,
    by: Option<String>,
}

/// `POST /resources/{name}/grow`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrowAsked {
    pub(super) provider: Option<String>,
    pub(super) to: u64,
}

/// The JSON of a body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Problem> {
    let first = body.iter().position(|byte| !byte.is_ascii_whitespace());
    if let Some(at) = first.filter(|at| body[*at] != b'{') {
        let found = String::from_utf8_lossy(&body[at..(at + 16).min(body.len())]);
        return Err(Problem::new(400, "body_not_understood").at("body").found(found).expected(expected));
    }
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(400, "body_not_understood")
            .at(format!("body, line {}, column {}", error.line(), error.column()))
            .found(error.to_string())
            .expected(expected)
            .mend("docs/control-api.md shows each body")
    })
}

impl FaultAsked {
    /// The fault with its place.
    pub(super) fn planned(&self) -> Result<PlannedFault, Problem> {
        let both = "either `spec`, or `at` and `inject` and perhaps `times`";
        match (&self.spec, &self.at, &self.inject) {
            (Some(spec), None, None) if self.times.is_none() => {
                spec.parse::<PlannedFault>().map_err(|error| {
                    Problem::new(422, "fault_not_understood")
                        .at("spec")
                        .found(spec)
                        .expected("FAULT[JSON]@PLACE[*TIMES], as in expired_token@messages-2")
                        .mend(error.problem)
                })
            }
            (None, Some(at), Some(inject)) => Ok(PlannedFault {
                at: part::<FaultSite>(at, "at", "one of {exchange: ...}, {request: ...}, {connection: ...}")?,
                times: match &self.times {
                    Some(times) => part(times, "times", "a number from 1, or `always`")?,
                    None => Times::default(),
                },
                inject: inject_of(inject)?,
            }),
            _ => Err(Problem::new(422, "fault_not_understood").at("body").expected(both)),
        }
    }
}

fn part<T: DeserializeOwned>(value: &Value, place: &str, expected: &str) -> Result<T, Problem> {
    T::deserialize(value).map_err(|error| {
        Problem::new(422, "fault_not_understood")
            .at(place)
            .found(value.to_string())
            .expected(expected)
            .mend(error.to_string())
    })
}

fn inject_of(value: &Value) -> Result<Fault, Problem> {
    let problem = || {
        Problem::new(422, "fault_not_understood")
            .at("inject")
            .found(value.to_string())
            .expected("one fault with its parameters, as in {\"rate_limited\": {\"retry_after_s\": 30}}")
    };
    let fault = value.as_object().filter(|fault| fault.len() == 1).and_then(|fault| fault.iter().next());
    let (name, parameters) = fault.ok_or_else(problem)?;
    Fault::named(name, parameters.clone()).map_err(|why| problem().mend(why))
}

impl ResetAsked {
    pub(super) fn faults(&self) -> FaultsAfterReset {
        match self.faults {
            FaultsWord::AsStarted => FaultsAfterReset::AsStarted,
            FaultsWord::Cleared => FaultsAfterReset::Cleared,
        }
    }
}

impl AdvanceAsked {
    /// The instant to go to.
    pub(super) fn instant(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        let problem = |place: &str, found: &str, expected: &str| {
            Problem::new(422, "time_not_understood").at(place).found(found).expected(expected)
        };
        let to = match (&self.to, &self.by) {
            (Some(to), None) => to
                .parse::<Timestamp>()
                .map_err(|_| problem("to", to, "an instant, as in 2026-01-01T00:00:00Z"))?,
            (None, Some(by)) => {
                let lapse: SignedDuration = by.parse().map_err(|_| {
                    problem("by", by, "a length of time in hours or less, as in 1h 30m or 10s")
                })?;
                now.checked_add(lapse)
                    .map_err(|_| problem("by", by, "an instant that the calendar still has"))?
            }
            _ => return Err(problem("body", "", "either `to` or `by`")),
        };
        if to < now {
            return Err(Problem::new(409, "clock_goes_forward_only")
                .found(to.to_string())
                .expected(format!("{now} or later")));
        }
        Ok(to)
    }
}
