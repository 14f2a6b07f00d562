//! The answer takes its time.

use super::{Effect, Misbehaves};
use crate::answer::Pace;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The answer comes late: by a fixed time, or by one drawn from a distribution. The same seed draws the same times.
///
/// A good integration waits for a while, gives up in time, and comes to the same end as without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// How late.
    pub by: Delay,
    /// What the times are drawn with.
    #[serde(default)]
    pub seed: u64,
}

/// How late an answer is, in milliseconds on the stand-in's clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Delay {
    /// Always the same.
    Fixed {
        /// So much.
        ms: u32,
    },
    /// Anything between two times, each as likely as the other.
    Uniform {
        /// At least.
        from_ms: u32,
        /// At most.
        to_ms: u32,
    },
    /// About a mean; never less than nothing.
    Normal {
        /// The mean.
        mean_ms: u32,
        /// The standard deviation.
        deviation_ms: u32,
    },
    /// Mostly short, now and then long: waiting for a server that is shared.
    Exponential {
        /// The mean.
        mean_ms: u32,
    },
    /// Mostly the least, with a long tail.
    Pareto {
        /// The least.
        least_ms: u32,
        /// How fast the tail falls: 1 or more, the lower the longer.
        #[schemars(range(min = 1))]
        shape: u32,
    },
}

/// An hour: a delay that is longer is a time-out.
const MAX_MS: f64 = 3_600_000.0;

impl Delay {
    /// The delay for two numbers from 0 to 1.
    fn drawn(self, one: f64, other: f64) -> SignedDuration {
        // Never quite 0, whose logarithm is infinite.
        let one = one.max(f64::EPSILON);
        let ms = match self {
            Self::Fixed { ms } => f64::from(ms),
            Self::Uniform { from_ms, to_ms } => {
                let (from, to) = (f64::from(from_ms.min(to_ms)), f64::from(to_ms.max(from_ms)));
                from + (to - from) * one
            }
            // Box and Muller's transform.
            Self::Normal { mean_ms, deviation_ms } => {
                let standard = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
                f64::from(mean_ms) + f64::from(deviation_ms) * standard
            }
            Self::Exponential { mean_ms } => -f64::from(mean_ms) * one.ln(),
            Self::Pareto { least_ms, shape } => f64::from(least_ms) / one.powf(1.0 / f64::from(shape.max(1))),
        };
        SignedDuration::from_secs_f64(ms.clamp(0.0, MAX_MS) / 1_000.0)
    }
}

impl Misbehaves for Latency {
    const EXAMPLES: &'static [&'static str] = &[
        r#"latency{"by":{"fixed":{"ms":5000}}}@messages-2"#,
        r#"latency{"by":{"exponential":{"mean_ms":800}},"seed":7}@messages*always"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Slows(Box::new(|around| {
            let digest = Sha256::digest(format!("{} {}", self.seed, around.strikes_before));
            let number = |bytes: &[u8]| {
                let drawn = bytes.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
                f64::from(drawn) / f64::from(u32::MAX)
            };
            Pace { delay: self.by.drawn(number(&digest[..4]), number(&digest[4..8])), portions: None }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and extremes of a thousand draws, in milliseconds.
    fn drawn(by: Delay) -> (f64, f64, f64) {
        let grid = (0..1_000).map(|n| {
            let (one, other) = (f64::from(n) / 1_000.0, f64::from(n * 377 % 1_000) / 1_000.0);
            by.drawn(one, other).as_secs_f64() * 1_000.0
        });
        let all: Vec<f64> = grid.collect();
        let mean = all.iter().sum::<f64>() / 1_000.0;
        (mean, all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(0.0, f64::max))
    }

    #[test]
    fn delays_follow_their_distribution() {
        assert_eq!(drawn(Delay::Fixed { ms: 7 }), (7.0, 7.0, 7.0));
        let (mean, least, most) = drawn(Delay::Uniform { from_ms: 100, to_ms: 200 });
        assert!((mean - 150.0).abs() < 2.0 && least >= 100.0 && most <= 200.0);
        let (mean, least, _) = drawn(Delay::Normal { mean_ms: 500, deviation_ms: 100 });
        assert!((mean - 500.0).abs() < 15.0 && least >= 0.0, "{mean} {least}");
        let (mean, _, most) = drawn(Delay::Exponential { mean_ms: 100 });
        assert!((mean - 100.0).abs() < 10.0 && most > 500.0, "{mean} {most}");
        let (_, least, most) = drawn(Delay::Pareto { least_ms: 50, shape: 1 });
        assert!(least >= 50.0 && most > 5_000.0 && most <= MAX_MS, "{least} {most}");
    }
}
