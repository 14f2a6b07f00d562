//! Words that name one thing rather than a kind of thing: ids in paths and in object keys.
//!
//! Only what is plain by its spelling counts; a doubtful word is taken to be a name.

/// Whether a path segment or an object key is, by its spelling, an id.
pub(crate) fn looks_like_id(word: &str) -> bool {
    is_numeral(word)
        || word.contains('«')
        || word.contains("://")
        || word.char_indices().any(|(at, c)| c == '@' && at > 0)
        || has_sigil(word)
        || (word.contains(':') && word.bytes().any(|byte| byte.is_ascii_digit()))
        || word.split(['-', '_', '.']).any(is_random)
        || is_uuid(word)
}

/// Digits, or digits with what dates and versions put between them.
fn is_numeral(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits == word.len() && digits > 0
        || digits >= 6 && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.'))
}

/// A leading mark with a name behind it: `!room:server`, `$event`, `+41791234567`.
fn has_sigil(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(['!', '$', '#', '@', '+']) else { return false };
    rest.contains(':') || rest.len() >= 11
}

/// Eight characters or more that no word has: digits among letters, in mixed case or all hexadecimal.
fn is_random(part: &str) -> bool {
    let count = |accepts: fn(&u8) -> bool| part.bytes().filter(accepts).count();
    let digits = count(u8::is_ascii_digit);
    let mixed_case = count(u8::is_ascii_lowercase) > 0 && count(u8::is_ascii_uppercase) > 0;
    let hexadecimal = part.bytes().all(|byte| byte.is_ascii_hexdigit());
    part.len() >= 8
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && digits >= 2
        && (mixed_case || hexadecimal)
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4).
fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_names() {
        for id in [
            "42",
            "2026-11-22",
            "cus_9s6XKzkNRiz8i3",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "0b5b2b1a-aaaa-bbbb-cccc-dddddddddddd",
            "!abc:example.org",
            "@alice:example.org",
            "$dGhpc2lzYW5ldmVudA",
            "alice@example.org",
            "ed25519:AbC1",
            "https://example.org/x",
            "«user:1»",
        ] {
            assert!(looks_like_id(id), "{id}");
        }
        for name in [
            "",
            "rooms",
            "v3",
            "_matrix",
            "2fa",
            "address_line_1",
            "sha256",
            "iso3166_code",
            "m.room.member",
            "@type",
            "$ref",
            "dc:title",
            "access_token",
            "X-Request-Id",
            "image_1024",
            "@context",
        ] {
            assert!(!looks_like_id(name), "{name}");
        }
    }
}
