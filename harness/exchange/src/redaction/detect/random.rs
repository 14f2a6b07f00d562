//! Whether a value looks drawn at random where no form tells what it is.

/// Shortest value that is judged by entropy: 120 bits in base64url are 20 characters.
const MIN_ENTROPY_CHARS: usize = 20;
/// Bits a character from which text looks drawn at random. English prose and identifiers stay below.
const MIN_BITS_PER_CHAR: f64 = 3.6;
/// Shortest value of hexadecimal digits alone that is judged: 128 bits.
const MIN_HEX_CHARS: usize = 32;
/// Bits a character of such a value: it has four at most, and fewer where it is short.
const MIN_BITS_PER_HEX: f64 = 3.0;
/// So much of a value must be no word.
const MIN_DRAWN_CHARS: usize = 16;

/// Whether a whole value looks drawn at random: long, of a token's alphabet, mixed, and with high entropy.
pub(in crate::redaction) fn looks_random(value: &str) -> bool {
    let in_alphabet = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~')
    };
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let hex = value.len() >= MIN_HEX_CHARS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    value.len() >= MIN_ENTROPY_CHARS
        && value.bytes().all(in_alphabet)
        && digits >= 2
        && letters >= if hex { 4 } else { 6 }
        && !is_uuid(value)
        && !is_path(value)
        && (hex || !is_made_of_words(value))
        && bits_per_char(value) >= if hex { MIN_BITS_PER_HEX } else { MIN_BITS_PER_CHAR }
}

/// Whether a value has the form of a UUID (RFC 9562): those are ids by the million, and tokens hardly ever. One that is a
/// token is known by its place.
fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Dates, versions, host names, paths and media types mix letters and digits, but in runs that words have; names that end
/// with a short number of a build are nearly all words.
fn is_made_of_words(value: &str) -> bool {
    let is_word = |part: &str| {
        let one_case =
            part.bytes().all(|b| !b.is_ascii_uppercase()) || part.bytes().all(|b| !b.is_ascii_lowercase());
        let changes = part
            .as_bytes()
            .windows(2)
            .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
            .count();
        part.len() <= 16
            && changes <= 1
            && (one_case || part.bytes().skip(1).all(|b| !b.is_ascii_uppercase()))
    };
    let parts = value.split(['_', '-', '+', '/', '=', '.', '~']);
    let others: usize = parts.filter(|part| !is_word(part)).map(str::len).sum();
    others < MIN_DRAWN_CHARS
}

/// Whether a value is a path or the name of a file.
fn is_path(value: &str) -> bool {
    const FILES: [&str; 12] =
        [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css", ".html", ".json", ".zip", ".pdf"];
    let first = value.trim_start_matches('/').split('/').next().unwrap_or_default();
    let names_first = first.len() < value.len() - 1
        && first.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'-' | b'_'));
    (value.starts_with('/') && names_first) || FILES.iter().any(|end| value.ends_with(end))
}

fn bits_per_char(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_seen_and_words_are_not() {
        for token in ["aB3dE5fG7hI9jK1lM3nO5", "5f4dcc3b5aa765d61d8327deb882cf99", "q7Jx_92Kd-Lm3PzR8vTn0Ws"]
        {
            assert!(looks_random(token), "{token}");
        }
        for word in [
            "application/json",
            "2026-11-22T08:00:00.000Z",
            "Synapse/1.163.2",
            "org.matrix.msc3981.v2",
            "chat-import-integration-test",
            "no-cache-no-store-must-revalidate",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa11",
            "test-repo-fcf47addd5dc",
            "release-202407291746-57ea285141-main",
            "/flows/b07c553b1ffd44144924f/response",
            "//images.example.com/space/9da0cd1936871b8d72343e895a00d6",
            "logo_light_color_272x92dp.png",
            "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        ] {
            assert!(!looks_random(word), "{word}");
        }
    }
}
