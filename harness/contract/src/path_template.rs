//! A path of a contract: segments that are fixed, variable, or both (`/reports/{name}.json`).
//!
//! Unlike a profile's templates, which this project's users write, a brought contract may put a
//! variable inside a segment. Knows nothing of methods or operations.

use counterpart_exchange::RequestTarget;
use percent_encoding::percent_decode_str;

/// A path template (OpenAPI 3.1, 4.8.2), compared segment by segment, percent-encoding undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathTemplate(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    /// Fixed texts with something between each two.
    Mixed(Vec<String>),
    Variable,
}

/// How closely a template describes what it fits: greater is closer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Closeness {
    fixed: usize,
    /// 2 fixed, 1 mixed, 0 variable, from the left: what breaks the tie.
    segments: Vec<u8>,
}

impl PathTemplate {
    pub(crate) fn parse(path: &str) -> Result<Self, String> {
        let Some(rest) = path.strip_prefix('/') else {
            return Err("a path must begin with a slash".to_owned());
        };
        rest.split('/').map(Segment::parse).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.0.len()
    }

    /// Whether a path cut into decoded segments fits.
    pub(crate) fn matches(&self, path: &[String]) -> bool {
        self.0.len() == path.len() && self.0.iter().zip(path).all(|(segment, text)| segment.matches(text))
    }

    pub(crate) fn closeness(&self) -> Closeness {
        let rank = |segment: &Segment| match segment {
            Segment::Fixed(_) => 2,
            Segment::Mixed(_) => 1,
            Segment::Variable => 0,
        };
        Closeness {
            fixed: self.0.iter().filter(|segment| matches!(segment, Segment::Fixed(_))).count(),
            segments: self.0.iter().map(rank).collect(),
        }
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        let mut fixed = vec![String::new()];
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("the segment {text:?} opens a brace that it does not close"));
            };
            if name.is_empty() || before.contains('}') {
                return Err(format!("the segment {text:?} has braces without a name"));
            }
            if let Some(last) = fixed.last_mut() {
                last.push_str(&decode(before));
            }
            fixed.push(String::new());
            rest = after;
        }
        if let Some(last) = fixed.last_mut() {
            last.push_str(&decode(rest));
        }
        Ok(match fixed.as_slice() {
            [whole] => Self::Fixed(whole.clone()),
            [before, after] if before.is_empty() && after.is_empty() => Self::Variable,
            _ => Self::Mixed(fixed),
        })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Fixed(fixed) => fixed == text,
            Self::Variable => true,
            Self::Mixed(fixed) => matches_mixed(fixed, text),
        }
    }
}

/// Whether `text` is the fixed parts in order, with at least one character for each variable.
fn matches_mixed(fixed: &[String], text: &str) -> bool {
    let [first, between @ .., last] = fixed else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()))
    else {
        return false;
    };
    for part in between {
        let value_length = rest.chars().next().map_or(0, char::len_utf8);
        let Some(at) = rest[value_length..].find(part.as_str()) else { return false };
        rest = &rest[value_length + at + part.len()..];
    }
    !rest.is_empty()
}

/// The decoded segments of a path as sent.
pub(crate) fn segments_of(path: &str) -> Vec<String> {
    RequestTarget { path, query: None }.segments().map(std::borrow::Cow::into_owned).collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(template: &str, path: &str) -> bool {
        PathTemplate::parse(template).unwrap().matches(&segments_of(path))
    }

    #[test]
    fn segments_fit_fixed_variable_or_mixed() {
        assert!(fits("/rooms/{room}/messages", "/rooms/%21a%3Ax/messages"));
        assert!(!fits("/rooms/{room}/messages", "/rooms/a/messages/b"));
        assert!(fits("/reports/{name}.{format}", "/reports/a.b.csv"));
        assert!(fits("/at({x},{y})", "/at(1,2)"));
        assert!(!fits("/reports/{name}.json", "/reports/.json"));
        assert!(!fits("/reports/{name}.json", "/reports/a.csv"));
        assert!(fits("/a%7Bb", "/a{b"));
        assert!(fits("/", "/"));
    }

    #[test]
    fn broken_templates_are_refused() {
        for broken in ["rooms", "/{", "/{}", "/a}{b}"] {
            assert!(PathTemplate::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_fixed_segment_is_closer_and_the_leftmost_breaks_a_tie() {
        let closeness = |path| PathTemplate::parse(path).unwrap().closeness();
        assert!(closeness("/users/me") > closeness("/users/{id}"));
        assert!(closeness("/users/{id}") > closeness("/{kind}/me"));
        assert!(closeness("/{id}.json") > closeness("/{id}"));
    }
}
