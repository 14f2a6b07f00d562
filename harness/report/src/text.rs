//! Text from outside, made safe to look at.
//!
//! The first thing each format does with a text, before its own escaping. A control character could
//! drive the reader's terminal and break XML; a direction mark could make a line read as another one.
//! Both are shown as `\u{...}` instead. This module knows no format.

use std::borrow::Cow;

/// The text with everything that cannot be seen spelled out. Line breaks stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(|one| one == '\n' || !is_hidden(one)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if one != '\n' && is_hidden(one) {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    Cow::Owned(shown)
}

/// As [`visible`], with line breaks spelled out too, and cut to `limit_chars` characters.
pub(crate) fn one_line(text: &str, limit_chars: usize) -> String {
    let shown = visible(text).replace('\n', "\\n");
    match split_at_char(&shown, limit_chars) {
        Some((head, _)) => format!("{}…", head.trim_end()),
        None => shown,
    }
}

/// As [`one_line`], cut in the middle: of a request both the path's beginning and the query's end tell it apart.
pub(crate) fn one_line_ends(text: &str, limit_chars: usize) -> String {
    let shown = visible(text).replace('\n', "\\n");
    let count = shown.chars().count();
    if count <= limit_chars {
        return shown;
    }
    let head: String = shown.chars().take(limit_chars / 2).collect();
    let tail: String = shown.chars().skip(count - (limit_chars - limit_chars / 2 - 1)).collect();
    format!("{head}…{tail}")
}

/// The first `limit_chars` characters, and how many were left out, if any were.
pub(crate) fn abridged(text: &str, limit_chars: usize) -> Cow<'_, str> {
    match split_at_char(text, limit_chars) {
        Some((head, rest)) => {
            let left_out = crate::wording::count(rest.chars().count(), "more character");
            Cow::Owned(format!("{head}… [{left_out} in the run file]"))
        }
        None => Cow::Borrowed(text),
    }
}

fn split_at_char(text: &str, limit_chars: usize) -> Option<(&str, &str)> {
    text.char_indices().nth(limit_chars).map(|(at_bytes, _)| text.split_at(at_bytes))
}

/// Control characters, direction marks, what has no width, and what XML 1.0 forbids. The joiners U+200C
/// and U+200D are left alone: many scripts and emoji need them.
fn is_hidden(one: char) -> bool {
    one.is_control()
        || matches!(one,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out_and_the_rest_is_left_alone() {
        assert_eq!(visible("a\u{1b}[31mb\u{202e}c\0\td\u{9b}"), r"a\u{1b}[31mb\u{202e}c\u{0}\td\u{9b}");
        let plain = "«access_token:1» שלום 👩\u{200d}🚀\nnext";
        assert!(matches!(visible(plain), Cow::Borrowed(same) if same == plain));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(one_line("a\nb", 9), "a\\nb");
        assert_eq!(one_line("äöüß", 2), "äö…");
        assert_eq!(one_line_ends("äöüß/x?from=9", 9), "äöüß…om=9");
        assert_eq!(abridged("äöüß", 3), "äöü… [1 more character in the run file]");
        assert_eq!(abridged("äöüß", 4), "äöüß");
    }
}
