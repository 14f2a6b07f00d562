//! The words of a running text that could be tokens, each with the name that stands before it.
//!
//! Policy of collecting and of the scan alike: what a word is, and what it stands under.

/// What stands between words.
fn divides(character: char) -> bool {
    character.is_whitespace() || ",;\"'<>?&#()[]{}|«»`".contains(character)
}

/// Each word that is long enough to be a token, with the name that stands before it: `name=word`, `"name": "word"`.
pub(super) fn words_in(text: &str) -> Vec<(Option<&str>, &str)> {
    const MIN_CHARS: usize = 20;
    let mut words = Vec::new();
    let mut block_end = 0;
    let mut at = 0;
    for word in text.split(divides) {
        let start = at;
        at = start + word.len() + text[start + word.len()..].chars().next().map_or(0, char::len_utf8);
        if word.len() < MIN_CHARS || start < block_end {
            // The armour of a certificate or a public key: every line of it looks random, and none is secret.
            if word == "-----BEGIN" {
                block_end = armour_end(text, start).unwrap_or(block_end);
            }
            continue;
        }
        let word = word.trim_end_matches([':', '.', '!', '\\']);
        match word.trim_end_matches('=').rsplit_once('=') {
            Some((name, _)) => {
                let value = &word[name.len() + 1..];
                words.push((Some(name.rsplit('=').next().unwrap_or(name)), value));
            }
            None => words.push((name_before(&text[..start]), word)),
        }
    }
    words
}

/// Where a block of armour ends that holds nothing private.
fn armour_end(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let label = &rest[..rest.find("KEY").or(rest.find("CERTIFICATE")).or(rest.find("SIGNATURE"))?];
    if label.len() > 40 || label.contains("PRIVATE") {
        return None;
    }
    Some(start + rest.find("-----END").unwrap_or(rest.len()))
}

/// The name before a quote or a colon at the end of a text: `"name": "`.
fn name_before(before: &str) -> Option<&str> {
    let quotes = ['"', '\'', '\\'];
    let colon = before.trim_end_matches(quotes).trim_end();
    let name = colon.strip_suffix([':', '=']).or_else(|| colon.strip_suffix("=>"))?;
    let name = name.trim_end().trim_end_matches(quotes);
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length = name.chars().rev().take(64).take_while(|c| is_of_a_name(*c)).count();
    Some(&name[name.len() - length..]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_with_their_names() {
        let long = "abcdefghijklmnopqrst1";
        let texts = [
            (format!("is {long}."), None, long.to_owned()),
            (format!("a=1&id={long}=="), Some("id"), format!("{long}==")),
            (format!("{{\"node_id\": \"{long}\", \"x\""), Some("node_id"), long.to_owned()),
            (format!("{{\\\"sha\\\":\\\"{long}\\\"}}"), Some("sha"), long.to_owned()),
            (format!("see: {long}"), Some("see"), long.to_owned()),
            (format!("<{long}>"), None, long.to_owned()),
        ];
        for (text, name, word) in texts {
            assert_eq!(words_in(&text), [(name, word.as_str())], "{text}");
        }
    }

    #[test]
    fn the_armour_of_what_is_public_holds_no_words() {
        let line = "mQINBFVRJAUBEADHZtfkgMLSAYkVhH23f";
        let block = format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n{line}\n-----END PGP PUBLIC KEY BLOCK-----\n{line}"
        );
        assert_eq!(words_in(&block), [(None, line)], "only the one behind it");
    }
}
