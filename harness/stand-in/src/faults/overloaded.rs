//! Overwhelmed, and silent about it.

use super::{Effect, Misbehaves, Surroundings};
use crate::answer::Answer;
use crate::forms::{own, plain};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Above a rate of requests the provider answers errors that mislead: nothing in them says that it is being called
/// too often. Below it all is well. A request at which it bears the rate is no strike. Place it at an operation,
/// `always`, or the client gets its answers after a few errors however fast it comes; it must strike once, or the
/// scenario fails.
///
/// A good integration keeps to the rate that the vendor documents, takes a 404 or an end of the list that
/// contradicts what it knows for suspect, and deletes nothing because of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Overloaded {
    /// Requests of the whole flow within a second that it still bears, to whatever operation: at most 9 999.
    #[schemars(range(min = 1, max = 9999))]
    pub above_per_s: BearableRate,
    /// What it answers beyond them.
    #[serde(default)]
    pub answers: Misleading,
}

/// Requests a second, from 1 to 9 999: arrivals are told apart by a tenth of a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "NonZeroU32", into = "u32")]
#[schemars(with = "u32")]
pub struct BearableRate(u32);

impl TryFrom<NonZeroU32> for BearableRate {
    type Error = String;

    fn try_from(rate: NonZeroU32) -> Result<Self, String> {
        match rate.get() {
            rate @ 1..=9_999 => Ok(Self(rate)),
            rate => Err(format!("{rate} requests a second are not told apart; expected 1 to 9999")),
        }
    }
}

impl From<BearableRate> for u32 {
    fn from(rate: BearableRate) -> Self {
        rate.0
    }
}

/// An answer that hides an overload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Misleading {
    /// 500 in the provider's form `server_error`.
    #[default]
    ServerError,
    /// 404 in the provider's form `not_found`: as if what was asked for did not exist.
    NotFound,
    /// 200 with a page that has no records and no cursor: as if there was nothing more.
    EmptyPage,
}

impl Misbehaves for Overloaded {
    const EXAMPLES: &'static [&'static str] =
        &[r#"overloaded{"above_per_s":5,"answers":"not_found"}@messages*always"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Gate(Box::new(|gate, around| {
            let response = match self.answers {
                _ if gate.rate_per_s() <= self.above_per_s.0 => return Ok(None),
                Misleading::ServerError => {
                    let recorded = around.forms.recorded("server_error").cloned();
                    recorded.unwrap_or_else(|| plain(500, "internal server error"))
                }
                Misleading::NotFound => around.forms.form("not_found", 404, "not found"),
                Misleading::EmptyPage => own(200, &empty_page(around)?),
            };
            Ok(Some(Answer::Whole(response)))
        }))
    }
}

fn empty_page(around: &Surroundings<'_>) -> Result<serde_json::Value, String> {
    let pagination = around.profile.pagination.as_ref();
    let items = &pagination.ok_or("the provider profile says nothing of `pagination`")?.items;
    Ok(serde_json::json!({ items.as_str(): [] }))
}
