//! Operations: what a request asks for, told from its method and path by the profile's templates, and where every
//! call goes to one path, from the call.

use crate::protocol::CallSelector;
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The name of an operation: `messages`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OperationName(pub String);

impl fmt::Display for OperationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A request target cut into path and query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTarget<'a> {
    /// The path, as sent.
    pub path: &'a str,
    /// The query without its question mark, as sent.
    pub query: Option<&'a str>,
}

impl<'a> RequestTarget<'a> {
    /// Cuts a target as sent, in origin or absolute form (RFC 9112 section 3.2).
    #[must_use]
    pub fn of(target: &'a str) -> Self {
        let origin_form = match target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
                rest.find(['/', '?']).map_or("/", |at| &rest[at..])
            }
            _ => target,
        };
        match origin_form.split_once('?') {
            Some((path, query)) => Self { path, query: Some(query) },
            None => Self { path: origin_form, query: None },
        }
    }

    /// Query fields, decoded, in the order sent.
    #[must_use]
    pub fn query_fields(&self) -> Vec<(String, String)> {
        let decode =
            |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        self.query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }

    /// Path segments, decoded.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.path
            .trim_start_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
    }
}

/// A method with a path whose variable segments are named in braces: `GET /rooms/{room_id}/messages`. At the
/// endpoint of a protocol, one kind of call may be named behind it: `POST /graphql query issues`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationTemplate {
    /// The method, upper case.
    pub method: String,
    /// The path template as written.
    pub path: String,
    /// The kind of call that alone is meant.
    pub call: Option<CallSelector>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Fixed(String),
    Variable(String),
}

impl OperationTemplate {
    /// The variable segments of a request that fits, name with decoded value; nothing where it does not. The call
    /// that a request makes is not looked at.
    #[must_use]
    pub fn matches(&self, method: &str, target: RequestTarget<'_>) -> Option<Vec<(String, String)>> {
        if !self.method.eq_ignore_ascii_case(method) {
            return None;
        }
        let mut variables = Vec::new();
        let mut sent = target.segments();
        for segment in &self.segments {
            let value = sent.next()?;
            match segment {
                Segment::Fixed(text) if *text == value => {}
                Segment::Fixed(_) => return None,
                Segment::Variable(name) => variables.push((name.clone(), value.into_owned())),
            }
        }
        sent.next().is_none().then_some(variables)
    }

    /// How many segments are fixed: of two templates that fit, the one with more is meant.
    #[must_use]
    pub fn specificity(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Fixed(_))).count()
    }

    /// The names of the variable segments.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Variable(name) => Some(name.as_str()),
            Segment::Fixed(_) => None,
        })
    }
}

impl FromStr for OperationTemplate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a method and a path, as in `GET /rooms/{room_id}/messages`";
        let (method, path) =
            text.split_once(' ').ok_or_else(|| format!("{text:?} has no space in it; {expected}"))?;
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("{method:?} is not a method in upper case; {expected}"));
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(format!("{path:?} does not begin with a slash; {expected}"));
        };
        let (rest, call) = match rest.split_once(' ') {
            Some((rest, call)) => (rest, Some(CallSelector::parse(call)?)),
            None => (rest, None),
        };
        let segments = rest
            .split('/')
            .map(|segment| match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
                Some(name) if !name.is_empty() => Ok(Segment::Variable(name.to_owned())),
                None if !segment.contains(['{', '}', '?']) => Ok(Segment::Fixed(segment.to_owned())),
                _ => Err(format!(
                    "the segment {segment:?} is neither fixed nor one whole {{name}}; {expected}"
                )),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { method: method.to_owned(), path: format!("/{rest}"), call, segments })
    }
}

impl fmt::Display for OperationTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        self.call.as_ref().map_or(Ok(()), |call| write!(formatter, " {call}"))
    }
}

impl<'de> Deserialize<'de> for OperationTemplate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for OperationTemplate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for OperationTemplate {
    fn schema_name() -> Cow<'static, str> {
        "OperationTemplate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]+ /",
            "description": "A method and a path whose variable segments are in braces: GET /rooms/{room_id}/messages. \
                            Behind the endpoint of a protocol, one kind of call: POST /graphql query issues, \
                            POST /soap action urn:Get, POST /rpc method issue.list"
        })
    }
}

/// The operation name of a request that no template fits: method and path slug.
pub(crate) fn slug(method: &str, target: &str) -> String {
    let path = RequestTarget::of(target).path;
    let words: Vec<String> = path
        .split('/')
        .map(|segment| {
            segment.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
        })
        .filter(|word| !word.is_empty() && word.len() <= 24)
        .collect();
    let tail = &words[words.len().saturating_sub(2)..];
    std::iter::once(method.to_ascii_lowercase()).chain(tail.iter().cloned()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_its_requests_alone() {
        let template: OperationTemplate = "GET /rooms/{room}/messages".parse().unwrap();
        let fit = |method, target| template.matches(method, RequestTarget::of(target));
        assert_eq!(fit("GET", "/rooms/%21a/messages?x=1"), Some(vec![("room".into(), "!a".into())]));
        assert_eq!(fit("POST", "/rooms/a/messages"), None);
        assert_eq!(fit("GET", "/rooms/a/messages/b"), None);
        assert_eq!(fit("GET", "/rooms/a"), None);
        assert!("GET rooms".parse::<OperationTemplate>().is_err());
        assert!("/rooms".parse::<OperationTemplate>().is_err());
        assert!("GET /a{b}".parse::<OperationTemplate>().is_err());
    }

    #[test]
    fn a_call_may_be_named_behind_the_endpoint() {
        for text in [
            "POST /graphql query issues",
            "POST /graphql mutation CreateIssue",
            "POST /graphql subscription news",
            "POST /soap/{tenant} action http://tempuri.org/Orders/Get",
            "POST /rpc method issue.list",
        ] {
            let template: OperationTemplate = text.parse().unwrap();
            assert_eq!(template.to_string(), text);
            assert!(!template.path.contains(' ') && template.call.is_some());
        }
        let refusals: Vec<String> = [
            "POST /graphql issues",
            "POST /graphql querry issues",
            "POST /graphql query",
            "POST /graphql query a b",
            "POST /graphql query issue.list",
            "POST /graphql  query issues",
            "POST /rpc call issue.list",
        ]
        .into_iter()
        .map(|text| format!("{text}: {}", text.parse::<OperationTemplate>().unwrap_err()))
        .collect();
        insta::assert_snapshot!(refusals.join("\n"));
    }

    #[test]
    fn targets_are_cut_in_either_form() {
        assert_eq!(RequestTarget::of("http://h:1/p?q=1"), RequestTarget { path: "/p", query: Some("q=1") });
        assert_eq!(
            RequestTarget::of("/p?u=http://x"),
            RequestTarget { path: "/p", query: Some("u=http://x") }
        );
        assert_eq!(
            RequestTarget::of("/p?a=b+c&d").query_fields(),
            [("a".into(), "b c".into()), ("d".into(), String::new())]
        );
    }

    #[test]
    fn a_slug_reads_well() {
        assert_eq!(slug("POST", "/_matrix/client/v3/refresh"), "post-v3-refresh");
        assert_eq!(slug("GET", "/"), "get");
    }
}
