//! Operations from requests: which segments of a path are variable, and what an operation is called.

use super::Operations;
use crate::{Exchange, OperationName, OperationTemplate, RequestTarget};
use std::collections::HashMap;

/// More operations than this no person would read; the requests of further ones are named by their paths.
const MAX_OPERATIONS: usize = 200;

/// Every operation that was seen, by first occurrence, and for each exchange the place of its own among them.
pub(super) fn operations_of(exchanges: &[&Exchange]) -> (Operations, Vec<Option<usize>>) {
    let mut operations = Operations::new();
    let mut places: HashMap<(String, String), Option<usize>> = HashMap::new();
    let own = exchanges
        .iter()
        .map(|exchange| {
            let method = &exchange.request.method;
            let segments: Vec<String> = RequestTarget::of(&exchange.request.target)
                .segments()
                .map(std::borrow::Cow::into_owned)
                .collect();
            let path = path_template(&segments);
            *places.entry((method.clone(), path.clone())).or_insert_with(|| {
                let template = format!("{method} {path}").parse::<OperationTemplate>().ok()?;
                let known = operations.iter().position(|(_, known)| *known == template);
                known.or_else(|| {
                    (operations.len() < MAX_OPERATIONS).then(|| {
                        operations.push((name_of(method, &path, &operations), template));
                        operations.len() - 1
                    })
                })
            })
        })
        .collect();
    (operations, own)
}

fn path_template(segments: &[String]) -> String {
    let mut path = String::new();
    let mut named: Vec<String> = Vec::new();
    let mut before = "";
    for segment in segments {
        path.push('/');
        if is_id(segment) {
            let word = word_of(&singular(before)).replace('-', "_");
            let stem = if word.is_empty() { "id".to_owned() } else { format!("{word}_id") };
            let taken = named.iter().filter(|name| **name == stem).count();
            path.push_str(&if taken == 0 {
                format!("{{{stem}}}")
            } else {
                format!("{{{stem}_{}}}", taken + 1)
            });
            named.push(stem);
            before = "";
        } else {
            path.push_str(segment);
            before = segment;
        }
    }
    path
}

/// Whether a segment is plainly an identifier rather than a word of the path.
fn is_id(segment: &str) -> bool {
    let count = |is: fn(&u8) -> bool| segment.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let of_a_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let hexadecimal = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let mixed = count(u8::is_ascii_uppercase) > 0 && count(u8::is_ascii_lowercase) > 0;
    !segment.bytes().all(of_a_path)
        || (digits > 0 && digits == segment.len())
        || (digits > 0 && segment.len() >= 8 && (hexadecimal || mixed))
        || (digits >= 2 && segment.len() >= 16)
}

/// `get-room`, from the method and the last words of the path; more of them where that is taken.
fn name_of(method: &str, path: &str, taken: &Operations) -> OperationName {
    let ends_in_variable = path.ends_with('}');
    let mut words: Vec<String> = path
        .split('/')
        .filter(|part| !part.starts_with('{'))
        .map(word_of)
        .filter(|it| !it.is_empty())
        .collect();
    if let Some(last) = words.last_mut().filter(|_| ends_in_variable) {
        *last = singular(last);
    }
    let method = method.to_ascii_lowercase();
    let name = |count: usize| {
        let tail = words.iter().skip(words.len().saturating_sub(count));
        std::iter::once(&method).chain(tail).cloned().collect::<Vec<_>>().join("-")
    };
    let is_free = |name: &String| !taken.iter().any(|(known, _)| known.0 == *name);
    let longer = (2..=words.len().max(2)).map(name);
    let numbered = (2..).map(|number| format!("{}-{number}", name(words.len())));
    OperationName(longer.chain(numbered).find(is_free).unwrap_or_default())
}

fn word_of(segment: &str) -> String {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let word: String = segment.chars().filter(|c| letters(*c)).collect();
    word.trim_matches(['-', '_']).to_ascii_lowercase()
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if word.ends_with("ss") => word.to_owned(),
        _ => word.strip_suffix('s').filter(|stem| stem.len() > 1).unwrap_or(word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::exchange;

    #[test]
    fn identifiers_are_told_from_words() {
        for id in ["42", "!a:b.example", "5f4dcc3b5aa765d6", "cus_9s6XKzkN", "«token:1»", "a b"] {
            assert!(is_id(id), "{id}");
        }
        for word in ["v3", "_matrix", "oauth2", "projects:list", "r0", "keyed-items", "decade", ""] {
            assert!(!is_id(word), "{word}");
        }
    }

    #[test]
    fn names_stay_apart() {
        let all: Vec<Exchange> = ["/a/x/y", "/b/x/y", "/b/x/y/", "/1/2", "/3/4/5"]
            .iter()
            .map(|target| exchange(&format!("GET {target}"), 200, "{}"))
            .collect();
        let all: Vec<&Exchange> = all.iter().collect();
        let names: Vec<String> = operations_of(&all).0.into_iter().map(|(name, _)| name.0).collect();
        assert_eq!(names, ["get-x-y", "get-b-x-y", "get-b-x-y-2", "get", "get-2"]);
    }
}
