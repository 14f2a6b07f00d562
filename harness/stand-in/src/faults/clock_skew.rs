//! A provider whose clock is wrong.

use super::{Effect, Misbehaves};
use crate::data::stamps::{StampForm, http_date};
use counterpart_exchange::{Body, JsonText};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The provider's clock is wrong. `Date` is the stand-in's time and the skew, whatever was recorded. In the body,
/// every text that is a time (RFC 3339) is moved by the skew, and every field that `resources` names under
/// `timestamps`. Nothing else is written anew.
///
/// A good integration compares the provider's times with the provider's times alone: it keeps the newest one that
/// it saw as its mark, not its own clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSkew {
    /// Seconds ahead; behind, if negative.
    pub seconds: SkewSeconds,
}

/// Seconds, not 0, up to ten years either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "i64")]
#[schemars(extend("minimum" = -315_360_000, "maximum" = 315_360_000))]
pub struct SkewSeconds(i64);

const MAX_SKEW_S: i64 = 315_360_000;

impl TryFrom<i64> for SkewSeconds {
    type Error = String;

    fn try_from(seconds: i64) -> Result<Self, String> {
        match seconds {
            0 => Err("a clock that is off by 0 seconds is right; expected another number".to_owned()),
            seconds if seconds.abs() > MAX_SKEW_S => {
                Err(format!("{seconds} seconds are over ten years; expected at most {MAX_SKEW_S} either way"))
            }
            seconds => Ok(Self(seconds)),
        }
    }
}

impl From<SkewSeconds> for i64 {
    fn from(seconds: SkewSeconds) -> Self {
        seconds.0
    }
}

impl Misbehaves for ClockSkew {
    const EXAMPLES: &'static [&'static str] = &[r#"clock_skew{"seconds":-300}@messages*always"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|mut response, around| {
            let skew = SignedDuration::from_secs(self.seconds.0);
            let off = |at: Timestamp| at.checked_add(skew).unwrap_or(at);
            response.headers.set("date", &http_date(off(around.now)));
            let stamps = around.profile.resources.values().map(|resource| &resource.timestamps);
            let named: Vec<&str> = stamps
                .flat_map(|stamps| stamps.created.iter().chain(&stamps.updated))
                .map(|path| path.rsplit('.').next().unwrap_or(path))
                .collect();
            if let Some(json) = response.body.json() {
                response.body = Body::Json(moved(json, &named, off)?);
            }
            Ok(response)
        }))
    }
}

/// The document with its times moved, and nothing else.
fn moved(json: &JsonText, named: &[&str], off: impl Fn(Timestamp) -> Timestamp) -> Result<JsonText, String> {
    let text = json.as_str();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for scalar in json.scalars() {
        let is_named = scalar.key.as_deref().is_some_and(|key| named.contains(&key));
        let found = match (is_named, scalar.is_string) {
            (true, true) => StampForm::of(&Value::from(scalar.value)),
            (true, false) => serde_json::from_str(&scalar.value).ok().and_then(|value| StampForm::of(&value)),
            (false, true) => StampForm::of_text(&scalar.value),
            (false, false) => None,
        };
        if let Some((form, time)) = found {
            out.push_str(&text[at..scalar.range.start]);
            out.push_str(&form.write(off(time)).to_string());
            at = scalar.range.end;
        }
    }
    out.push_str(&text[at..]);
    JsonText::parse(&out).map_err(|error| error.to_string())
}
