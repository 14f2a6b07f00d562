//! Times in the form in which a provider writes them.
//!
//! Reads no clock: times are passed in.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Numbers above this are milliseconds: as seconds they would lie beyond the year 5000.
const SECONDS_END: i64 = 100_000_000_000;

/// How a provider writes a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StampForm {
    /// RFC 3339, with so many digits of a second's fraction and this zone: `Z`, `+00:00` or `+0000`.
    Text { fraction: usize, zone: String },
    /// Seconds since 1970.
    Seconds(Spelled),
    /// Milliseconds since 1970.
    Millis(Spelled),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelled {
    /// As a JSON number.
    Number,
    /// As text.
    Text,
}

impl Default for StampForm {
    fn default() -> Self {
        Self::Text { fraction: 3, zone: "Z".to_owned() }
    }
}

impl StampForm {
    /// The form and the time of a recorded value, if it is one.
    pub(crate) fn of(value: &Value) -> Option<(Self, Timestamp)> {
        match value {
            Value::Number(number) => number_form(number.as_i64()?, Spelled::Number),
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                number_form(text.parse().ok()?, Spelled::Text)
            }
            Value::String(text) => Self::of_text(text),
            _ => None,
        }
    }

    /// The form and the time of RFC 3339 text.
    pub(crate) fn of_text(text: &str) -> Option<(Self, Timestamp)> {
        // Date, separator and time to the second, all of fixed length.
        let (head, rest) = text.split_at_checked(19)?;
        let is_stamp =
            head.as_bytes().get(4) == Some(&b'-') && matches!(head.as_bytes().get(10), Some(b'T' | b't'));
        let fraction_text = rest.strip_prefix('.').unwrap_or_default();
        let fraction = fraction_text.bytes().take_while(u8::is_ascii_digit).count();
        let zone = if fraction > 0 { &fraction_text[fraction..] } else { rest };
        let at: Timestamp = text.parse().ok().filter(|_| is_stamp)?;
        Some((Self::Text { fraction: fraction.min(9), zone: zone.to_owned() }, at))
    }

    /// A time in this form.
    pub(crate) fn write(&self, at: Timestamp) -> Value {
        match self {
            Self::Text { fraction, zone } => {
                let offset = offset_of(zone);
                let local = at.checked_add(offset).unwrap_or(at);
                let nanos = at.as_nanosecond().rem_euclid(1_000_000_000);
                let digits = format!("{nanos:09}");
                let fraction = match fraction {
                    0 => String::new(),
                    count => format!(".{}", &digits[..*count]),
                };
                format!("{}{fraction}{zone}", local.strftime("%Y-%m-%dT%H:%M:%S")).into()
            }
            Self::Seconds(spelled) => written(at.as_second(), *spelled),
            Self::Millis(spelled) => written(at.as_millisecond(), *spelled),
        }
    }
}

/// A time as a client writes it in a query field, in any form.
pub(crate) fn time_of(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(number) => number_form(number, Spelled::Text).map(|(_, at)| at),
        Err(_) => text.parse().ok(),
    }
}

/// The time in the form of the header field `Date` (RFC 9110 section 5.6.7).
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn number_form(number: i64, spelled: Spelled) -> Option<(StampForm, Timestamp)> {
    if number.abs() < SECONDS_END {
        Some((StampForm::Seconds(spelled), Timestamp::from_second(number).ok()?))
    } else {
        Some((StampForm::Millis(spelled), Timestamp::from_millisecond(number).ok()?))
    }
}

fn written(number: i64, spelled: Spelled) -> Value {
    match spelled {
        Spelled::Number => number.into(),
        Spelled::Text => number.to_string().into(),
    }
}

/// How far local time is ahead of UTC, of `Z`, `+02:00` or `-0730`.
fn offset_of(zone: &str) -> SignedDuration {
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let minutes = digits.get(..4).and_then(|digits| {
        let hours: i64 = digits[..2].parse().ok()?;
        Some(hours * 60 + digits[2..].parse::<i64>().ok()?)
    });
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    SignedDuration::from_mins(sign * minutes.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_is_written_as_it_was_read() {
        for value in [
            json!("2024-03-01T12:30:00Z"),
            json!("2024-03-01T12:30:00.120Z"),
            json!("2024-03-01T12:30:00.123456+00:00"),
            json!("2024-03-01T12:30:00-07:30"),
            json!("2024-03-01T12:30:00+0200"),
            json!("1969-12-31T23:59:59.500Z"),
            json!(1_709_296_200),
            json!(1_709_296_200_123_i64),
            json!("1709296200123"),
        ] {
            let (form, at) = StampForm::of(&value).unwrap_or_else(|| panic!("{value} is a time"));
            assert_eq!(form.write(at), value);
        }
        for value in [json!("tomorrow"), json!(null), json!("2024"), json!(1.5), json!("2024-03-01 é")] {
            if let Some((form, at)) = StampForm::of(&value) {
                assert_eq!(form.write(at), value, "what is taken for a time is written back the same");
            }
        }
        assert_eq!(http_date(Timestamp::UNIX_EPOCH), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(time_of("1709296200"), time_of("2024-03-01T12:30:00Z"));
    }
}
