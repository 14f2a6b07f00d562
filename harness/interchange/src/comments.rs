//! Comments in JSON: some tools read them, so files have them.

/// The text with its comments (`// ...`, `/* ... */`) replaced by spaces, so that every place stays where it was.
pub(crate) fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match (byte, bytes.get(at + 1)) {
            (b'"', _) => end_of_string(bytes, at),
            (b'/', Some(b'/')) => {
                let end = text[at..].find('\n').map_or(bytes.len(), |found| at + found);
                blank(&mut out[at..end]);
                end
            }
            (b'/', Some(b'*')) => {
                let end = text[at + 2..].find("*/").map_or(bytes.len(), |found| at + 2 + found + 2);
                blank(&mut out[at..end]);
                end
            }
            _ => at + 1,
        };
    }
    // Whole characters were replaced by ASCII alone.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn blank(part: &mut [u8]) {
    for byte in part.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay() {
        for (text, blanked_text) in [
            ("{\"a\": 1} // ü\n", "{\"a\": 1}      \n"),
            ("/* a\n b */1", "    \n     1"),
            (r#"{"u": "http://x/*y*/", "q": "\"//"}"#, r#"{"u": "http://x/*y*/", "q": "\"//"}"#),
            ("1 /* never closed", "1                "),
            ("\"open // string", "\"open // string"),
            ("\"open \\", "\"open \\"),
        ] {
            assert_eq!(blanked(text), blanked_text);
            assert_eq!(blanked(text).len(), text.len());
        }
    }
}
