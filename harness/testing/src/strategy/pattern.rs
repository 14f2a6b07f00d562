//! Patterns as JSON Schema spells them (ECMA-262) for a library that makes texts from Rust's.

/// The same pattern in Rust's spelling, for whole texts. A text that fits it contains what the pattern asks for.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = without_anchors(pattern).chars().peekable();
    let mut in_class = false;
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let escaped = rest.next().ok_or("it ends in a backslash")?;
                out.push_str(&escape(escaped, &mut rest)?);
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    out.push('^');
                    rest.next();
                }
                if rest.peek() == Some(&']') {
                    return Err("an empty class fits nothing, or everything".to_owned());
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Rust takes two of these for an operation between classes.
            '&' | '~' if in_class => out.extend(['\\', character]),
            '.' if !in_class => out.push_str("[ -~]"),
            '(' if rest.peek() == Some(&'?') => {
                let mut ahead = rest.clone();
                ahead.next();
                match (ahead.next(), ahead.next()) {
                    (Some('='), _) | (Some('!'), _) | (Some('<'), Some('=' | '!')) => {
                        return Err("it looks ahead or behind".to_owned());
                    }
                    _ => out.push('('),
                }
            }
            '^' | '$' if !in_class => return Err(format!("`{character}` stands within it")),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Anchors at the ends say what is so for whole texts anyway.
fn without_anchors(pattern: &str) -> &str {
    let rest = pattern.strip_prefix('^').unwrap_or(pattern);
    match rest.strip_suffix('$') {
        // An escaped one is a character.
        Some(cut) if (cut.len() - cut.trim_end_matches('\\').len()).is_multiple_of(2) => cut,
        _ => rest,
    }
}

fn escape(escaped: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    Ok(match escaped {
        // ECMA's classes are of ASCII alone, but for white space.
        'd' => "[0-9]".to_owned(),
        'D' => "[^0-9]".to_owned(),
        'w' => "[A-Za-z0-9_]".to_owned(),
        'W' => "[^A-Za-z0-9_]".to_owned(),
        's' => "[ \\t]".to_owned(),
        'S' => "[!-~]".to_owned(),
        'b' | 'B' => return Err("it asks for the edge of a word".to_owned()),
        'u' if rest.peek() == Some(&'{') => "\\u".to_owned(),
        'u' => {
            let digits: String = rest.by_ref().take(4).collect();
            let is_hex = digits.len() == 4 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
            if is_hex {
                format!("\\u{{{digits}}}")
            } else {
                return Err("`\\u` without four digits".to_owned());
            }
        }
        'c' | 'k' | '1'..='9' => return Err(format!("`\\{escaped}` is not made")),
        'n' | 'r' | 't' | 'f' | 'v' | 'x' | 'p' | 'P' => format!("\\{escaped}"),
        other if other.is_ascii_punctuation() => regex_escaped(other),
        other => other.to_string(),
    })
}

fn regex_escaped(character: char) -> String {
    // Rust refuses a backslash before what needs none.
    match character {
        '/' | '"' | '\'' | ',' | ':' | ';' | '=' | '@' | '!' | '%' | '_' | '`' | '<' | '>' => {
            character.to_string()
        }
        other => format!("\\{other}"),
    }
}
