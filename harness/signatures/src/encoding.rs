//! The spellings of signatures and times: hexadecimal, base64, Unix time.

use crate::Rejection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of a hexadecimal text, in either case.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a base64 text in the standard alphabet, padded.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn unix_seconds(text: &str, place: &'static str) -> Result<Timestamp, Rejection> {
    digits(text)
        .and_then(|second| Timestamp::from_second(second).ok())
        .ok_or(Rejection::Malformed { place, expected: "a Unix time in whole seconds" })
}

pub(crate) fn unix_milliseconds(text: &str, place: &'static str) -> Result<Timestamp, Rejection> {
    digits(text)
        .and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok())
        .ok_or(Rejection::Malformed { place, expected: "a Unix time in whole milliseconds" })
}

/// Digits alone: a sign or a blank would let two texts mean one time.
fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_in_either_case_and_written_in_lower() {
        assert_eq!(from_hex("00fFA1"), Some(vec![0, 255, 161]));
        assert_eq!(to_hex(&[0, 255, 161]), "00ffa1");
        for wrong in ["0", "0g", "é1", "+1"] {
            assert_eq!(from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_digits_alone_and_in_range() {
        assert_eq!(unix_seconds("1700000000", "t").unwrap().as_second(), 1_700_000_000);
        assert_eq!(unix_milliseconds("1700000000123", "t").unwrap().as_millisecond(), 1_700_000_000_123);
        for wrong in ["", "-1", "+1", " 1", "1.5", "99999999999999999999", "9223372036854775807", "١"] {
            assert!(unix_seconds(wrong, "t").is_err(), "{wrong}");
            assert!(unix_milliseconds(wrong, "t").is_err(), "{wrong}");
        }
    }
}
