//! Which values of a message are ids: long enough and odd enough that one who repeats them means the same thing.
//!
//! A value counts for its look alone (a UUID, `ch_3MtwBw`, a long mix of letters and digits), or for a name that says
//! that it is an id, where it is neither short nor a plain word. Dates, hosts, e-mail addresses and user names never
//! count. Values leave this module as digests only. Knows nothing of which exchange a message belongs to.

use crate::redaction::words;
use crate::{Body, HeaderValue, Headers, Request, RequestTarget, Response};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Shortest value that a name makes an id.
const MIN_NAMED_CHARS: usize = 4;
/// Shortest value that looks like an id without a name.
const MIN_UNNAMED_CHARS: usize = 12;
/// Longest id.
const MAX_CHARS: usize = 256;
/// How deep JSON is looked for in strings of JSON and of forms.
const MAX_NESTING: usize = 4;

/// What a name ends with that holds an id.
const ID_WORDS: [&str; 14] = [
    "id",
    "ids",
    "uuid",
    "guid",
    "gid",
    "sid",
    "urn",
    "arn",
    "key",
    "ref",
    "reference",
    "txn",
    "transaction",
    "correlation",
];

/// Who acts, and on whose behalf: such ids stand in much that has nothing else in common.
const CONTEXT_WORDS: [&str; 24] = [
    "account",
    "actor",
    "app",
    "application",
    "author",
    "bot",
    "by",
    "client",
    "company",
    "creator",
    "enterprise",
    "installation",
    "member",
    "merchant",
    "org",
    "organisation",
    "organization",
    "owner",
    "sender",
    "shop",
    "team",
    "tenant",
    "user",
    "workspace",
];

/// Header fields in which nobody mints an id, however their values look.
const OTHER_HEADERS: [&str; 12] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "etag",
    "host",
    "last-modified",
    "server",
    "set-cookie",
    "user-agent",
];

/// Header fields that hold a URI, whose last segment is what was made.
const LINK_HEADERS: [&str; 2] = ["location", "content-location"];

/// The digest of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct IdDigest(u64);

/// What an id is to the message that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Somebody who acts: an account, a user, a tenant.
    Context,
    /// A thing.
    Subject,
}

/// The ids of a message, as many as there may be.
pub(super) struct Ids {
    found: HashMap<IdDigest, Role>,
    max: usize,
    /// Whether there were more.
    pub(super) is_cut: bool,
}

impl Ids {
    fn none(max: usize) -> Self {
        Self { found: HashMap::new(), max, is_cut: false }
    }

    /// The ids of a request: of path, query, header fields and body.
    pub(super) fn of_request(request: &Request, max: usize) -> Self {
        let mut ids = Self::none(max);
        let target = RequestTarget::of(&request.target);
        for segment in target.segments() {
            ids.take_segment(&segment);
        }
        for (name, value) in target.query_fields() {
            ids.take_field(&name, &value, target.path);
        }
        ids.take_headers(&request.headers, target.path);
        ids.take_body(&request.body, target.path);
        ids
    }

    /// The ids of an answer to a request for a path.
    pub(super) fn of_answer(answer: &Response, path: &str, max: usize) -> Self {
        let mut ids = Self::none(max);
        ids.take_headers(&answer.headers, path);
        ids.take_body(&answer.body, path);
        ids
    }

    /// Each id, in a fixed order.
    pub(super) fn sorted(self) -> Vec<(IdDigest, Role)> {
        let mut all: Vec<_> = self.found.into_iter().collect();
        all.sort_unstable();
        all
    }

    fn take_headers(&mut self, headers: &Headers, path: &str) {
        for (name, values) in headers.iter().filter(|(name, _)| !OTHER_HEADERS.contains(name)) {
            let is_link = LINK_HEADERS.contains(&name);
            let words = words(name);
            for value in values.iter().filter_map(HeaderValue::as_text) {
                if is_link {
                    self.take_last_segment(value);
                } else {
                    self.take(&words, value.trim(), path);
                }
            }
        }
    }

    fn take_body(&mut self, body: &Body, path: &str) {
        match body {
            Body::Json(json) => self.take_json(&json.to_value(), &[], path, 0),
            Body::Form(fields) => fields.iter().for_each(|(name, value)| self.take_field(name, value, path)),
            Body::Text(text) => {
                let of_an_id =
                    |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '!' | '.');
                for word in text.split(|c| !of_an_id(c)) {
                    self.take(&[], word.trim_matches('.'), path);
                }
            }
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
    }

    fn take_field(&mut self, name: &str, value: &str, path: &str) {
        self.take_string(&words(name), value, path, 0);
    }

    /// Takes in a document below a key. An `id` below `order` is called `order id`.
    fn take_json(&mut self, value: &Value, name: &[String], path: &str, nesting: usize) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let mut own = words(key);
                    if let [only] = own.as_slice()
                        && ID_WORDS.contains(&only.as_str())
                    {
                        own = name.iter().cloned().chain(own).collect();
                    }
                    self.take_json(value, &own, path, nesting);
                }
            }
            Value::Array(values) => {
                values.iter().for_each(|value| self.take_json(value, name, path, nesting));
            }
            Value::String(text) => self.take_string(name, text, path, nesting),
            Value::Number(number) => self.take(name, &number.to_string(), path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn take_string(&mut self, name: &[String], text: &str, path: &str, nesting: usize) {
        if nesting < MAX_NESTING
            && text.starts_with(['{', '['])
            && let Ok(inner) = serde_json::from_str::<Value>(text)
        {
            self.take_json(&inner, name, path, nesting + 1);
            return;
        }
        self.take(name, text, path);
        // `resource: orders/ord_17`, `self: https://api.example.com/orders/ord_17`.
        if text.len() <= MAX_CHARS && text.contains('/') && !text.contains(char::is_whitespace) {
            self.take_last_segment(text);
        }
    }

    fn take_last_segment(&mut self, uri: &str) {
        let uri = uri.split(['?', '#']).next().unwrap_or_default();
        let path = match uri.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => uri,
        };
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        self.take_segment(&percent_decode_str(last).decode_utf8_lossy());
    }

    /// Takes a segment of a path, whose place is its name. Words without digits are words of the API.
    fn take_segment(&mut self, segment: &str) {
        if segment.bytes().any(|byte| byte.is_ascii_digit()) && is_id(segment, Naming::Named) {
            self.add(segment, Role::Subject);
        }
    }

    fn take(&mut self, name: &[String], value: &str, path: &str) {
        let naming = match name.last() {
            Some(last) if ID_WORDS.contains(&last.as_str()) => Naming::Named,
            _ => Naming::Unnamed,
        };
        if is_id(value, naming) {
            self.add(value, role_of(name, path));
        }
    }

    fn add(&mut self, value: &str, role: Role) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        let digest = IdDigest(hasher.finish());
        if self.found.len() < self.max || self.found.contains_key(&digest) {
            let known = self.found.entry(digest).or_insert(role);
            *known = role.max(*known);
        } else {
            self.is_cut = true;
        }
    }
}

/// What an id of a name is. Where the path is that of users, a user is the thing itself.
fn role_of(name: &[String], path: &str) -> Role {
    let is_context = |word: &String| {
        let word = word.strip_suffix('s').unwrap_or(word);
        CONTEXT_WORDS.contains(&word) && !path.contains(word)
    };
    if name.iter().any(is_context) { Role::Context } else { Role::Subject }
}

/// Whether a name says that a value is an id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Named,
    Unnamed,
}

fn is_id(value: &str, naming: Naming) -> bool {
    let bytes = value.as_bytes();
    let of_an_id = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'/' | b'"' | b'<' | b'>');
    if bytes.len() < MIN_NAMED_CHARS || bytes.len() > MAX_CHARS || !bytes.iter().all(of_an_id) {
        return false;
    }
    if is_date(bytes) || is_host(bytes) {
        return false;
    }
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let has = |is: fn(&u8) -> bool| bytes.iter().any(is);
    match naming {
        Naming::Named => digits > 0 || (has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)),
        Naming::Unnamed => {
            is_numbered_time(bytes)
                || has_prefix(value)
                || (bytes.len() >= MIN_UNNAMED_CHARS && digits > 1 && is_mixed(value))
        }
    }
}

/// `2026-11`, `2026-11-26T08:00:00Z`.
fn is_date(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, d, b'-', e, f, rest @ ..]
        if [a, b, c, d, e, f].iter().all(|byte| byte.is_ascii_digit())
            && rest.first().is_none_or(|next| *next == b'-'))
}

/// `127.0.0.1:8008`, `eu-2.api.example.com`.
fn is_host(bytes: &[u8]) -> bool {
    let of_a_host =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':');
    let name = bytes.split(|byte| *byte == b':').next().unwrap_or_default();
    let labels: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
    let is_address =
        labels.len() == 4 && labels.iter().flat_map(|label| label.iter()).all(u8::is_ascii_digit);
    let is_name = labels.len() > 1
        && labels.last().is_some_and(|top| top.len() > 1 && top.iter().all(u8::is_ascii_lowercase));
    bytes.iter().all(of_a_host) && (is_address || is_name)
}

/// Slack's `1503435956.000247`: a time so exact that it is an id.
fn is_numbered_time(bytes: &[u8]) -> bool {
    bytes.len() == 17
        && bytes[10] == b'.'
        && bytes.iter().enumerate().all(|(at, byte)| at == 10 || byte.is_ascii_digit())
}

/// `ch_3MtwBwLkdIwHu7ix`: a short word, and what it numbers.
fn has_prefix(value: &str) -> bool {
    let Some((prefix, rest)) = value.split_once('_') else { return false };
    (2..=8).contains(&prefix.len())
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
        && rest.len() >= 6
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && rest.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether letters and digits alternate within a word, as they do in nothing that people write; or a UUID.
fn is_mixed(value: &str) -> bool {
    let alternates = |part: &str| {
        let changes =
            part.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit());
        changes.count() >= 2
    };
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(alternates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_whatever_else_repeats() {
        for id in [
            "0b5cf2f1-8f6c-4f31-9d3a-0e1c2d3f4a5b",
            "ch_3MtwBwLkdIwHu7ix",
            "1503435956.000247",
            "$2eIg4qPZ0u8mKqk1bC1xW4l9Qv3aZ7cE5dF6gH7iJ8k",
            "5f4dcc3b5aa765d61d8327deb882cf99",
        ] {
            assert!(is_id(id, Naming::Unnamed) && is_id(id, Naming::Named), "{id}");
        }
        for named in ["4711", "order-1001", "PROJ-123", "AbCd"] {
            assert!(is_id(named, Naming::Named) && !is_id(named, Naming::Unnamed), "{named}");
        }
        for none in [
            "717",
            "true",
            "default",
            "2026-11-26T08:00:00Z",
            "2026-11",
            "jo1@example.org",
            "@dave1:test.local",
            "127.0.0.1:8008",
            "eu-2.api.example.com",
            "two words 12",
            "https://example.com/orders/1234",
        ] {
            assert!(!is_id(none, Naming::Named) && !is_id(none, Naming::Unnamed), "{none}");
        }
        for word in ["org.matrix.msc3981.v2", "application-2", "1700000000", "iso8859-15-text"] {
            assert!(!is_id(word, Naming::Unnamed), "{word}");
        }
    }

    fn of_json(text: &str, path: &str) -> Vec<(IdDigest, Role)> {
        let body = Body::from_bytes(text.as_bytes(), Some("application/json"));
        Ids::of_answer(&Response { status: 200, headers: Headers::default(), body }, path, 10).sorted()
    }

    #[test]
    fn an_id_is_the_same_wherever_it_stands() {
        let wanted = of_json(r#"{"id":"order-1001"}"#, "/");
        assert_eq!(wanted.len(), 1);
        for other in [
            r#"{"order":{"id":"order-1001"}}"#,
            r#"{"orderIds":["order-1001"]}"#,
            r#"{"message":"{\"order_id\":\"order-1001\"}"}"#,
            r#"{"self":"https://api.example.com/v1/orders/order-1001?full=1"}"#,
            r#"{"resource":"orders/order%2D1001"}"#,
        ] {
            assert_eq!(of_json(other, "/"), wanted, "{other}");
        }
        assert_eq!(of_json(r#"{"id":4711}"#, "/"), of_json(r#"{"ref":"4711"}"#, "/"));
        assert!(of_json(r#"{"amount":4711,"valid":true,"note":"order-1001"}"#, "/").is_empty());
    }

    #[test]
    fn who_acts_is_context_but_where_it_is_what_was_asked_for() {
        let role = |text, path| of_json(text, path)[0].1;
        assert_eq!(role(r#"{"account":{"id":"acc_123456"}}"#, "/orders"), Role::Context);
        assert_eq!(role(r#"{"created_by":"usr_123456"}"#, "/orders"), Role::Context);
        assert_eq!(role(r#"{"user_id":"usr_123456"}"#, "/v1/users"), Role::Subject);
        assert_eq!(role(r#"{"id":"usr_123456","user":{"id":"usr_123456"}}"#, "/orders"), Role::Subject);
    }

    #[test]
    fn more_ids_than_there_may_be_are_told() {
        let all: Vec<String> = (0..11).map(|n| format!("ord_{n:06}")).collect();
        let body = Body::from_bytes(serde_json::json!({ "ids": all }).to_string().as_bytes(), None);
        let ids = Ids::of_answer(&Response { status: 200, headers: Headers::default(), body }, "/", 10);
        assert!(ids.is_cut);
        assert_eq!(ids.sorted().len(), 10);
    }
}
