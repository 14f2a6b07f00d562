//! When to try again: the retry schedule, its jitter, and what a provider's own words about it mean.
//!
//! Pure functions of what they are given; no clock and no chance.

use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::identity::Lane;

/// The delays of the Standard Webhooks specification, without its first immediate try: about 75 hours in all.
const RETRY_DELAYS: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// Jitter lengthens a delay by up to this part of it: one fifth.
const JITTER_DIVISOR: u128 = 5;

/// No provider makes a run wait longer than this at once.
pub(crate) const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// How long to wait after `failed_attempts` (1 for the first) in a row on the step `step_key`; `None` when that was
/// the last. Never shorter than the schedule; longer by the jitter, which spreads runs that failed together.
pub(crate) fn retry_delay(
    failed_attempts: u32,
    seed: u64,
    lane: &Lane,
    step_key: &str,
) -> Option<SignedDuration> {
    let index = usize::try_from(failed_attempts).ok()?.checked_sub(1)?;
    let delay = *RETRY_DELAYS.get(index)?;
    let share = u128::from(jitter(failed_attempts, seed, lane, step_key));
    let extra_ms = (delay.as_millis().unsigned_abs() * share / JITTER_DIVISOR) >> 64;
    Some(delay + SignedDuration::from_millis(i64::try_from(extra_ms).unwrap_or(0)))
}

/// A number that looks random, and is the same for the same arguments.
fn jitter(attempt: u32, seed: u64, lane: &Lane, step_key: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(attempt.to_be_bytes());
    for part in [lane.tenant.as_str(), lane.connection.as_str(), step_key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What a `Retry-After` field asks for (RFC 9110, section 10.2.3): seconds, or a date in any of the three forms of
/// section 5.6.7. A date in the past asks for no wait; `None` when the field is neither.
pub(crate) fn parse_retry_after(field: &str, now: Timestamp) -> Option<SignedDuration> {
    let field = field.trim();
    if !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a number, only a large one.
        return Some(capped(SignedDuration::from_secs(field.parse().unwrap_or(i64::MAX))));
    }
    parse_http_date(field).map(|date| capped(date.duration_since(now)))
}

/// What a Matrix server's `retry_after_ms` asks for.
pub(crate) fn retry_after_ms(wait_ms: u64) -> SignedDuration {
    capped(SignedDuration::from_millis(i64::try_from(wait_ms).unwrap_or(i64::MAX)))
}

fn capped(wait: SignedDuration) -> SignedDuration {
    wait.clamp(SignedDuration::ZERO, LONGEST_WAIT)
}

/// A date of RFC 9110 section 5.6.7, in any of its forms.
pub(crate) fn parse_http_date(field: &str) -> Option<Timestamp> {
    if field.ends_with("GMT")
        && let Ok(timestamp) = DateTimeParser::new().parse_timestamp(field)
    {
        return Some(timestamp);
    }
    // The two obsolete forms, which a recipient must still accept.
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"].iter().find_map(|format| {
        let date = DateTime::strptime(format, field).ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Name;

    fn lane(tenant: &str) -> Lane {
        Lane { tenant: Name::parse(tenant).unwrap(), connection: Name::parse("c").unwrap() }
    }

    #[test]
    fn delays_grow_by_the_schedule_and_then_end() {
        let lane = lane("acme");
        for (index, delay) in RETRY_DELAYS.into_iter().enumerate() {
            let attempt = u32::try_from(index).unwrap() + 1;
            let jittered = retry_delay(attempt, 7, &lane, "messages:").unwrap();
            assert!(jittered >= delay && jittered <= delay + delay / 5, "{attempt}: {jittered}");
        }
        assert_eq!(retry_delay(10, 7, &lane, "messages:"), None);
        assert_eq!(retry_delay(0, 7, &lane, "messages:"), None);
    }

    #[test]
    fn jitter_is_decided_by_seed_lane_step_and_attempt() {
        let delay = |seed, tenant, step| retry_delay(3, seed, &lane(tenant), step);
        assert_eq!(delay(7, "acme", "messages:a"), delay(7, "acme", "messages:a"));
        assert_ne!(delay(7, "acme", "messages:a"), delay(8, "acme", "messages:a"));
        assert_ne!(delay(7, "acme", "messages:a"), delay(7, "bolt", "messages:a"));
        assert_ne!(delay(7, "acme", "messages:a"), delay(7, "acme", "messages:b"));
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let seconds = |field| parse_retry_after(field, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), Some(37));
        assert_eq!(seconds("Sun Nov  6 08:49:37 1994"), Some(37));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:48:00 GMT"), Some(0));
    }

    #[test]
    fn retry_after_is_capped_at_a_day_and_nonsense_is_none() {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        for long in ["86401", "99999999999999999999999999", "Sun, 06 Nov 2044 08:49:37 GMT"] {
            assert_eq!(parse_retry_after(long, now), Some(LONGEST_WAIT), "{long}");
        }
        assert_eq!(retry_after_ms(u64::MAX), LONGEST_WAIT);
        for nonsense in ["", "-1", "1.5", "soon", "Sun, 06 Nov 1994"] {
            assert_eq!(parse_retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
