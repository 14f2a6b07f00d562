//! Instants and waits as they stand in header fields.

use counterpart_exchange::Response;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// Nanoseconds, of a span or since 1970.
pub(crate) type Nanos = i128;

/// A second.
pub(crate) const SECOND: Nanos = 1_000_000_000;

/// The instant so many seconds later, or the last there is.
pub(crate) fn later(now: Timestamp, seconds: u64) -> Nanos {
    now.as_nanosecond() + Nanos::from(seconds) * SECOND
}

/// Nanoseconds in a coarser unit, rounded up: whoever waits so long does not come too early.
pub(crate) fn rounded_up(nanos: Nanos, unit: Nanos) -> Nanos {
    nanos.div_euclid(unit) + Nanos::from(nanos.rem_euclid(unit) > 0)
}

/// The whole second at or after an instant; the last there is, where it lies beyond.
pub(crate) fn whole_second(at: Nanos) -> Timestamp {
    i64::try_from(rounded_up(at, SECOND))
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::MAX)
}

/// An instant as an HTTP date (RFC 9110 section 5.6.7), rounded up to a second.
pub(crate) fn http_date(at: Nanos) -> String {
    // A year before 0 has no HTTP date; no clock of ours stands there.
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&whole_second(at)).unwrap_or_default()
}

/// The instant of an HTTP date, in any of the three forms that a recipient must accept (RFC 9110 section 5.6.7).
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    const FORMS: [&str; 3] =
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let civil =
        |form: &&str| -> Option<DateTime> { strtime::parse(form, text.trim()).ok()?.to_datetime().ok() };
    let civil = FORMS.iter().find_map(civil)?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Seconds that an answer tells the client to wait, rounded up: `Retry-After` as whole seconds, as Shopify writes
/// them, or as a date.
pub(crate) fn wait_told_s(response: &Response, now: Timestamp) -> Option<u64> {
    let text = response.headers.text("retry-after")?.trim();
    if let Some((whole, fraction)) = text.split_once('.') {
        let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let more = fraction.bytes().any(|byte| byte != b'0');
        return whole.parse::<u64>().ok().filter(|_| digits)?.checked_add(u64::from(more));
    }
    text.parse().ok().or_else(|| {
        // Whole seconds that surely lie between: a client that comes at the date is not too early.
        let wait = parse_http_date(text)?.as_nanosecond() - now.as_nanosecond();
        u64::try_from((wait / SECOND).max(0)).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::{Body, Headers};

    #[test]
    fn every_form_of_a_date_is_read() {
        // The example of RFC 9110 section 5.6.7.
        let expected = Timestamp::from_second(784_111_777).unwrap();
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text), Some(expected), "{text}");
        }
        for text in ["", "soon", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 PST", "784111777"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
        assert_eq!(http_date(expected.as_nanosecond()), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(http_date(expected.as_nanosecond() - 1), "Sun, 06 Nov 1994 08:49:37 GMT", "rounded up");
        assert_eq!(http_date(Nanos::MAX), "Thu, 30 Dec 9999 22:00:00 GMT", "the last there is");
    }

    #[test]
    fn a_wait_is_read_in_each_form() {
        let now = Timestamp::from_second(784_111_770).unwrap();
        let told = |text: &str| {
            let mut headers = Headers::default();
            headers.set("retry-after", text);
            wait_told_s(&Response { status: 429, headers, body: Body::None }, now)
        };
        assert_eq!(told("30"), Some(30));
        assert_eq!([told("2.0"), told("2.01"), told("0.5")], [Some(2), Some(3), Some(1)]);
        assert_eq!(told("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(told("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "it is over");
        assert_eq!([told("-1"), told("soon"), told("1.x"), told("1.")], [None; 4]);
    }
}
