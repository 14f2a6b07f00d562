//! The scalars of a JSON document with what their keys say of them, at every depth.
//!
//! Knows what is secret only by the function that it is given.

/// One scalar.
pub(super) struct Scalar<'a> {
    /// The byte range of the token, quotes included.
    pub(super) range: std::ops::Range<usize>,
    /// The token as spelled.
    pub(super) token: &'a str,
    /// The nearest key above it.
    pub(super) field: Option<String>,
    /// The kind of secret that a key above it names; the nearest such key decides.
    pub(super) kind: Option<String>,
}

/// Where the walk stands: below which key, and what that key says.
#[derive(Clone, Default)]
struct Below {
    field: Option<String>,
    kind: Option<String>,
}

/// All scalars in document order, keys left out. The text must be valid JSON.
pub(super) fn scalars<'a>(text: &'a str, kind_of: &impl Fn(&str) -> Option<String>) -> Vec<Scalar<'a>> {
    let mut found = Vec::new();
    // One entry for each open bracket: where it stands, and whether it is an object.
    let mut open: Vec<(Below, bool)> = Vec::new();
    let mut below = Below::default();
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let start = at;
        at = token_end(text, at);
        match byte {
            b'{' | b'[' => open.push((below.clone(), *byte == b'{')),
            b'}' | b']' => below = open.pop().map(|(outer, _)| outer).unwrap_or_default(),
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                let token = &text[start..at];
                let is_key = text[at..].trim_start().starts_with(':');
                match open.last() {
                    Some((outer, true)) if is_key => {
                        let key = unescaped(token);
                        let kind = kind_of(&key).or_else(|| outer.kind.clone());
                        below = Below { field: Some(key), kind };
                    }
                    Some((outer, false)) => found.push(scalar(start..at, token, outer)),
                    _ => found.push(scalar(start..at, token, &below)),
                }
            }
        }
        // Within an array each element stands below what the array stands below.
        if let Some((outer, false)) = open.last() {
            below = outer.clone();
        }
    }
    found
}

fn scalar<'a>(range: std::ops::Range<usize>, token: &'a str, below: &Below) -> Scalar<'a> {
    Scalar { range, token, field: below.field.clone(), kind: below.kind.clone() }
}

/// What a string token says; another token as it is spelled.
pub(super) fn unescaped(token: &str) -> String {
    if token.starts_with('"') {
        serde_json::from_str(token).unwrap_or_else(|_| token.trim_matches('"').to_owned())
    } else {
        token.to_owned()
    }
}

fn token_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    match bytes[start] {
        b'"' => {
            while let Some(byte) = bytes.get(at) {
                at += if *byte == b'\\' { 2 } else { 1 };
                if *byte == b'"' {
                    break;
                }
            }
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
        _ => {
            while bytes.get(at).is_some_and(|byte| !b"{}[],: \t\r\n".contains(byte)) {
                at += 1;
            }
        }
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_below_a_secret_key_is_secret() {
        let text = r#"{"a":{"token":{"v":"x","l":["y", {"z":"w"}]},"b":"p"},"c":[1,{"token":"t"},2]}"#;
        let kind_of = |key: &str| (key == "token").then(|| "token".to_owned());
        let secret: Vec<_> = scalars(text, &kind_of)
            .into_iter()
            .filter(|one| one.kind.is_some())
            .map(|one| one.token)
            .collect();
        assert_eq!(secret, [r#""x""#, r#""y""#, r#""w""#, r#""t""#]);
        let fields: Vec<_> =
            scalars(text, &kind_of).into_iter().map(|one| one.field.unwrap_or_default()).collect();
        assert_eq!(fields, ["v", "l", "z", "b", "c", "token", "c"]);
    }
}
