//! The parts of a multipart body (RFC 2046 section 5.1, RFC 7578), as byte ranges of the whole.
//!
//! Takes apart what is well-formed and nothing else: a body that ends early or lacks its last boundary is no multipart
//! body here, and is judged as any other text.

use std::ops::Range;

/// Most parts that are taken apart.
const MAX_PARTS: usize = 10_000;

/// A part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its header lines.
    pub(crate) head: Range<usize>,
    /// What it holds.
    pub(crate) content: Range<usize>,
}

/// The boundary that a media type names, where it is a multipart one.
pub(crate) fn boundary(media_type: &str) -> Option<String> {
    let (essence, parameters) = media_type.split_once(';')?;
    if !essence.trim().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/")) {
        return None;
    }
    parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()))
}

/// The parts of a body, nothing where it is not whole.
pub(crate) fn parts(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = if body.starts_with(mark.as_bytes()) {
        mark.len()
    } else {
        let mark = format!("\r\n{mark}");
        find(body, mark.as_bytes(), 0)? + mark.len()
    };
    let between = format!("\r\n{mark}");
    while parts.len() < MAX_PARTS {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        let head = find(body, b"\r\n", at)? + 2;
        let content =
            if body[head..].starts_with(b"\r\n") { head } else { find(body, b"\r\n\r\n", head)? + 2 };
        let end = find(body, between.as_bytes(), content)?;
        parts.push(Part { head: head..content, content: (content + 2).min(end)..end });
        at = end + between.len();
    }
    None
}

/// The value of a parameter of a header's value, in quotes or not.
pub(crate) fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|one| {
        let (key, value) = one.split_once('=')?;
        let value = value.trim().trim_matches('"');
        key.trim().eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

/// The value of a header line of a part.
pub(crate) fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The name of the form's field that a part is.
pub(crate) fn field_name(head: &str) -> Option<String> {
    let (_, parameters) = header(head, "content-disposition")?.split_once(';')?;
    parameter(parameters, "name")
}

fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(body.get(from..)?, needle).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_apart() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: \
                    form-data; name=b; filename=\"x y.txt\"\r\nContent-Type: text/plain\r\n\r\n2\r\n3\r\n--b--\r\n";
        let boundary = boundary("multipart/form-data; charset=utf-8; Boundary=\"b\"").unwrap();
        let found: Vec<(String, &str)> = parts(body.as_bytes(), &boundary)
            .unwrap()
            .into_iter()
            .map(|part| (field_name(&body[part.head]).unwrap(), &body[part.content]))
            .collect();
        assert_eq!(found, [("a".to_owned(), "1"), ("b".to_owned(), "2\r\n3")]);
    }

    #[test]
    fn what_is_not_whole_is_none() {
        for body in ["", "--b", "--b\r\n", "--b\r\nx: y\r\n\r\n1", "--b\r\n\r\n1\r\n--c--", "text"] {
            assert_eq!(parts(body.as_bytes(), "b"), None, "{body:?}");
        }
        assert_eq!(parts(b"--b--\r\n", "b"), Some(Vec::new()));
        assert_eq!(parts(b"--b\r\n\r\n\r\n--b--", "b").map(|parts| parts.len()), Some(1));
        for media_type in ["multipart/form-data", "text/plain; boundary=b", "multipart/mixed; boundary="] {
            assert_eq!(boundary(media_type), None, "{media_type}");
        }
    }
}
