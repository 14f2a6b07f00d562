//! What libyaml reads and YAML 1.2 does not, put so that both read the same.
//!
//! Ruby and Python write and read cassettes with libyaml. It lets the further lines of a quoted text stand as far left as
//! their key, and Python 2 marked its texts with a tag of its own. Only what stands outside of block texts is touched, and
//! lines stay where they are. Knows nothing of cassettes.

/// Python's tags for what is nothing but text.
const TEXT_TAGS: [&str; 2] = ["!!python/unicode", "!!python/str"];

/// A value's place on a line: the column of its key or dash, and where it begins in the line.
struct Value {
    parent_column: usize,
    start: usize,
}

/// The same document in the words of YAML 1.2.
pub(crate) fn as_yaml_1_2(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut block_parent = None;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let line = rest.split_inclusive('\n').next().unwrap_or(rest);
        let content = line.trim_end();
        let indent = line.len() - line.trim_start_matches(' ').len();
        if block_parent.is_some_and(|parent| content.is_empty() || indent > parent) {
            out.push_str(line);
            at += line.len();
            continue;
        }
        block_parent = None;
        let value = value_of(content);
        let (head, mut body) = rest.split_at(value.start);
        out.push_str(head);
        at += head.len();
        if let Some(tag) = TEXT_TAGS.iter().find(|tag| body.starts_with(**tag)) {
            let (_, after) = body.split_at(tag.len());
            // As long as before, so that columns stay.
            out.push_str(&format!("{:width$}", "!!str", width = tag.len()));
            at += tag.len();
            body = after;
            let spaces = body.len() - body.trim_start_matches(' ').len();
            out.push_str(&body[..spaces]);
            at += spaces;
            body = &body[spaces..];
        }
        let first_line = body.split_inclusive('\n').next().unwrap_or(body);
        match body.as_bytes().first() {
            Some(quote @ (b'"' | b'\'')) => {
                let end = end_of_quoted(body, *quote);
                indent_further_lines(&mut out, &body[..end], value.parent_column + 1);
                let tail = body[end..].split_inclusive('\n').next().unwrap_or_default();
                out.push_str(tail);
                at += end + tail.len();
            }
            first => {
                if matches!(first, Some(b'|' | b'>')) {
                    block_parent = Some(value.parent_column);
                }
                out.push_str(first_line);
                at += first_line.len();
            }
        }
    }
    out
}

/// Where the value of a line begins: behind its dashes, and its key where it has one.
fn value_of(line: &str) -> Value {
    let mut start = line.len() - line.trim_start_matches(' ').len();
    let mut parent_column = start;
    while line[start..].starts_with("- ") {
        parent_column = start;
        start += 2;
        start += line[start..].len() - line[start..].trim_start_matches(' ').len();
    }
    let rest = &line[start..];
    let key_end = match rest.as_bytes().first() {
        Some(quote @ (b'"' | b'\'')) => {
            let end = end_of_quoted(rest, *quote);
            rest[end..].starts_with(": ").then_some(end)
        }
        _ => rest.find(": "),
    };
    match key_end {
        Some(end) => {
            let after = &rest[end + 2..];
            let spaces = after.len() - after.trim_start_matches(' ').len();
            Value { parent_column: start, start: start + end + 2 + spaces }
        }
        None => Value { parent_column, start },
    }
}

/// Where a quoted text ends, the closing quote counted; the end of all where it is not closed.
fn end_of_quoted(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 1,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 1,
            byte if byte == quote => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// White space before a further line of a quoted text has no meaning.
fn indent_further_lines(out: &mut String, text: &str, columns: usize) {
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && !line.trim().is_empty() {
            out.extend(std::iter::repeat_n(' ', columns));
        }
        out.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_quoted_texts_and_python_s_tags_change() {
        let text = "- a: 'x\n  y''\n\n  z'\n  b: |\n    c: 'kept\n    !!python/unicode 'kept'\n  \"d\": !!python/unicode \"e\\\"\n  f\"\n  g: plain 'it\n- - 'h\n  i' # j\n";
        let expected = "- a: 'x\n     y''\n\n     z'\n  b: |\n    c: 'kept\n    !!python/unicode 'kept'\n  \"d\": !!str            \"e\\\"\n     f\"\n  g: plain 'it\n- - 'h\n     i' # j\n";
        assert_eq!(as_yaml_1_2(text), expected);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in ["a: 'x\n", "a: \"x\\", "'", "a: '", "- ", ": ", "é: 'é\né"] {
            assert_eq!(as_yaml_1_2(text).replace(' ', ""), text.replace(' ', ""));
        }
    }
}
