//! Conditional requests (RFC 9110 section 13): tags for what is read, 304 for what has not changed, 412 for a
//! write that would overwrite what its sender has not seen.
//!
//! A 304 stands for the recorded answer that would have come, and uses it up: a client that asks with conditions
//! sees the same states, in the same order, as one that asks without. A 412 uses up nothing. Recorded 304s and 412s
//! are evidence of the behaviour, never of the order.

use super::keyed::{Key, Keyed};
use super::told::parse_http_date;
use counterpart_exchange::{
    Body, EtagKind, Etags, Exchange, Headers, OperationName, ProviderProfile, Request, RequestTarget,
    Response,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Representations of one resource whose tags are known at once: those of several queries, say.
const MAX_TAGS: usize = 16;
/// What a 304 must or may repeat of the answer it stands for (RFC 9110 section 15.4.5).
const TOLD_AGAIN: [&str; 6] = ["cache-control", "content-location", "date", "etag", "expires", "vary"];

/// An entity tag (RFC 9110 section 8.8.3), quotes included. One without quotes, as some vendors send it, is kept as
/// it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    kind: EtagKind,
    opaque: String,
}

/// What is known of a resource.
#[derive(Clone, Debug, Default)]
struct Resource {
    presence: Presence,
    /// The tags of its present representations.
    tags: Vec<Tag>,
    last_modified: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Presence {
    #[default]
    There,
    /// It was deleted.
    Gone,
}

/// Resources by their path, as far as they were read or written.
#[derive(Clone, Debug)]
pub(crate) struct Conditional {
    declared: Option<Etags>,
    resources: Keyed<Resource>,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    /// 304.
    NotModified,
    /// 412.
    Failed,
}

impl Conditional {
    /// Learns from exchanges as they go over the wire what is there at the beginning.
    pub(crate) fn learn(profile: &ProviderProfile, exchanges: &[(String, Exchange)]) -> Self {
        let mut conditional = Self { declared: profile.etags.clone(), resources: Keyed::default() };
        if conditional.declared.is_none() {
            return conditional;
        }
        for (_, exchange) in exchanges {
            let request = &exchange.request;
            let operation = profile.operation_of(&request.method, &request.target);
            let Some(response) = exchange.response.as_ref().filter(|one| accepted(one)) else { continue };
            if !conditional.governs(&operation) || conditional.resources.get(key_of(request)).is_some() {
                continue;
            }
            let tags = match is_read(request) {
                true => conditional.tag_of(request, response).into_iter().collect(),
                // What a write was accepted for was there before it.
                false => tags_in(&request.headers, "if-match"),
            };
            if !tags.is_empty() {
                let last_modified =
                    if is_read(request) { date_in(&response.headers, "last-modified") } else { None };
                let resource = Resource { presence: Presence::There, tags, last_modified };
                conditional.resources.touch(key_of(request), |_| true, || resource);
            }
        }
        conditional
    }

    /// Whether the profile says that this operation has tags.
    pub(crate) fn governs(&self, operation: &OperationName) -> bool {
        self.declared.as_ref().is_some_and(|etags| etags.operations.contains(operation))
    }

    /// 304 in place of an answer to a read, where the client has it already.
    pub(crate) fn not_modified(
        &self,
        operation: &OperationName,
        request: &Request,
        answer: &Response,
    ) -> Option<Response> {
        // Conditions count only where the answer without them would be 2xx (RFC 9110 section 13.2.1).
        if !is_read(request) || !self.governs(operation) || !accepted(answer) {
            return None;
        }
        let tag = self.tag_of(request, answer);
        let present = Resource {
            presence: Presence::There,
            tags: tag.iter().cloned().collect(),
            last_modified: date_in(&answer.headers, "last-modified"),
        };
        (judge(request, Some(&present)) == Verdict::NotModified).then(|| {
            let mut headers = Headers::default();
            for (name, values) in answer.headers.iter() {
                // Without a tag the date is all that a cache can go by.
                if TOLD_AGAIN.contains(&name) || (name == "last-modified" && tag.is_none()) {
                    values.iter().for_each(|value| headers.append(name, value.clone()));
                }
            }
            if let Some(tag) = tag {
                headers.set("etag", &tag.to_string());
            }
            Response { status: 304, headers, body: Body::None }
        })
    }

    /// Whether a request must be refused with 412, and why.
    pub(crate) fn refuses(&self, operation: &OperationName, request: &Request) -> Option<&'static str> {
        if is_read(request) || !self.governs(operation) {
            return None;
        }
        let present = self.resources.get(key_of(request));
        (judge(request, present) == Verdict::Failed)
            .then_some("refused: the resource is not in the state that the request asks for")
    }

    /// Puts the tag on an answer, and notes what it says of the resource.
    pub(crate) fn tag(&mut self, operation: &OperationName, request: &Request, answer: &mut Response) {
        if !self.governs(operation) || !accepted(answer) {
            return;
        }
        let key = key_of(request);
        if is_read(request) {
            let Some(tag) = self.tag_of(request, answer) else { return };
            answer.headers.set("etag", &tag.to_string());
            let last_modified = date_in(&answer.headers, "last-modified");
            let resource = self.resources.touch(key, |_| true, Resource::default);
            if resource.presence == Presence::Gone {
                *resource = Resource::default();
            }
            resource.last_modified = last_modified.or(resource.last_modified);
            resource.tags.retain(|known| *known != tag);
            resource.tags.push(tag);
            let surplus = resource.tags.len().saturating_sub(MAX_TAGS);
            resource.tags.drain(..surplus);
        } else if request.method != "POST" || self.resources.get(key).is_some() {
            // What a POST makes is found elsewhere; only one to a known resource changes that.
            let presence = if request.method == "DELETE" { Presence::Gone } else { Presence::There };
            let tags = answer.headers.text("etag").map(Tag::of).into_iter().collect();
            let last_modified = date_in(&answer.headers, "last-modified");
            *self.resources.touch(key, |_| true, Resource::default) =
                Resource { presence, tags, last_modified };
        }
    }

    /// The tag of an answer to a read: as recorded, else computed from the body.
    fn tag_of(&self, request: &Request, answer: &Response) -> Option<Tag> {
        if let Some(recorded) = answer.headers.text("etag") {
            return Some(Tag::of(recorded));
        }
        // The answer to HEAD has no body to compute from.
        let kind = self.declared.as_ref()?.kind;
        (request.method == "GET" && !matches!(answer.body, Body::Omitted { .. })).then(|| {
            let digest = Sha256::digest(answer.body.to_bytes());
            let letters: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            Tag { kind, opaque: format!("\"{letters}\"") }
        })
    }
}

/// Whether an exchange shows a 304 or 412 that the profile declares as behaviour.
pub(crate) fn is_evidence(profile: &ProviderProfile, operation: &OperationName, exchange: &Exchange) -> bool {
    profile.etags.as_ref().is_some_and(|etags| etags.operations.contains(operation))
        && exchange.response.as_ref().is_some_and(|response| matches!(response.status, 304 | 412))
}

/// The conditions of a request, in the order of RFC 9110 section 13.2.2.
fn judge(request: &Request, present: Option<&Resource>) -> Verdict {
    let headers = &request.headers;
    let is_gone = present.is_some_and(|resource| resource.presence == Presence::Gone);
    let tags = present.map_or(&[] as &[_], |resource| resource.tags.as_slice());
    let last_modified = present.and_then(|resource| resource.last_modified);
    if headers.text("if-match").is_some() {
        let holds = match is_any(headers, "if-match") {
            true => !is_gone,
            false => matches(headers, "if-match", tags, Tag::is_strongly),
        };
        if !holds {
            return Verdict::Failed;
        }
    } else if let (Some(since), Some(modified)) = (date_in(headers, "if-unmodified-since"), last_modified)
        && modified > since
    {
        return Verdict::Failed;
    }
    if headers.text("if-none-match").is_some() {
        let is_there = match is_any(headers, "if-none-match") {
            true => present.is_some() && !is_gone,
            false => matches(headers, "if-none-match", tags, Tag::is_weakly),
        };
        return match (is_there, is_read(request)) {
            (false, _) => Verdict::Holds,
            (true, true) => Verdict::NotModified,
            (true, false) => Verdict::Failed,
        };
    }
    match (date_in(headers, "if-modified-since"), last_modified) {
        (Some(since), Some(modified)) if is_read(request) && modified <= since => Verdict::NotModified,
        _ => Verdict::Holds,
    }
}

fn matches(headers: &Headers, name: &str, present: &[Tag], same: fn(&Tag, &Tag) -> bool) -> bool {
    tags_in(headers, name).iter().any(|asked| present.iter().any(|tag| same(tag, asked)))
}

fn is_any(headers: &Headers, name: &str) -> bool {
    headers.text(name).is_some_and(|value| value.trim() == "*")
}

fn date_in(headers: &Headers, name: &str) -> Option<Timestamp> {
    headers.text(name).and_then(parse_http_date)
}

/// The methods whose conditions lead to 304 (RFC 9110 section 13.1.2).
fn is_read(request: &Request) -> bool {
    matches!(request.method.as_str(), "GET" | "HEAD")
}

fn accepted(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

fn key_of(request: &Request) -> Key {
    Key::of(&[Some(RequestTarget::of(&request.target).path)])
}

/// The members of a list of tags. A comma within quotes belongs to the tag.
fn tags_in(headers: &Headers, name: &str) -> Vec<Tag> {
    let lines = headers.values(name).iter().filter_map(|value| value.as_text());
    let mut tags = Vec::new();
    for mut rest in lines {
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let open = rest.strip_prefix("W/").unwrap_or(rest);
            let end = match open.strip_prefix('"').map(|inside| inside.find('"')) {
                Some(Some(length)) => rest.len() - open.len() + length + 2,
                // A quote that is not closed, or none.
                Some(None) => rest.len(),
                None => rest.find(',').unwrap_or(rest.len()),
            };
            let (tag, after) = rest.split_at(end);
            tags.push(Tag::of(tag));
            rest = after;
        }
    }
    tags
}

impl Tag {
    fn of(text: &str) -> Self {
        let text = text.trim();
        match text.strip_prefix("W/") {
            Some(opaque) => Self { kind: EtagKind::Weak, opaque: opaque.to_owned() },
            None => Self { kind: EtagKind::Strong, opaque: text.to_owned() },
        }
    }

    /// Weak comparison (RFC 9110 section 8.8.3.2).
    fn is_weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }

    /// Strong comparison.
    fn is_strongly(&self, other: &Self) -> bool {
        self.kind == EtagKind::Strong && other.kind == EtagKind::Strong && self.is_weakly(other)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = if self.kind == EtagKind::Weak { "W/" } else { "" };
        write!(formatter, "{prefix}{}", self.opaque)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpart_exchange::HeaderValue;
    use proptest::prelude::*;

    fn request(method: &str, fields: &[(&str, &str)]) -> Request {
        let mut headers = Headers::default();
        for (name, value) in fields {
            headers.append(name, HeaderValue::Text((*value).to_owned()));
        }
        Request { method: method.to_owned(), target: "/a".to_owned(), headers, body: Body::None }
    }

    fn there(tags: &[&str], last_modified: Option<&str>) -> Resource {
        Resource {
            presence: Presence::There,
            tags: tags.iter().map(|tag| Tag::of(tag)).collect(),
            last_modified: last_modified.and_then(parse_http_date),
        }
    }

    #[test]
    fn tags_are_compared_as_the_table_of_the_rfc_has_it() {
        // RFC 9110 section 8.8.3.2, table 3: strong comparison, weak comparison.
        for (one, other, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
        ] {
            let (one, other) = (Tag::of(one), Tag::of(other));
            assert_eq!((one.is_strongly(&other), one.is_weakly(&other)), (strong, weak), "{one} {other}");
        }
    }

    #[test]
    fn a_list_is_taken_apart_whatever_stands_in_it() {
        let tags = |lines: &[&str]| -> Vec<String> {
            let fields: Vec<_> = lines.iter().map(|line| ("if-none-match", *line)).collect();
            tags_in(&request("GET", &fields).headers, "if-none-match").iter().map(Tag::to_string).collect()
        };
        // The examples of RFC 9110 section 13.1.2.
        assert_eq!(
            tags(&[r#""xyzzy", "r2d2xxxx", "c3piozzzz""#]),
            [r#""xyzzy""#, r#""r2d2xxxx""#, r#""c3piozzzz""#]
        );
        assert_eq!(tags(&[r#"W/"a,b" ,, "c""#, r#""d""#]), [r#"W/"a,b""#, r#""c""#, r#""d""#]);
        assert_eq!(tags(&["bare, \"open"]), ["bare", "\"open"]);
        assert!(tags(&["", " , "]).is_empty());
    }

    #[test]
    fn conditions_are_judged_in_the_order_of_the_rfc() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
        let present = there(&[r#""1""#], Some(date));
        let gone = Resource { presence: Presence::Gone, ..Resource::default() };
        for (method, fields, resource, expected) in [
            ("GET", vec![("if-none-match", r#"W/"1""#)], Some(&present), Verdict::NotModified),
            ("HEAD", vec![("if-none-match", "*")], Some(&present), Verdict::NotModified),
            ("GET", vec![("if-none-match", r#""2""#)], Some(&present), Verdict::Holds),
            ("GET", vec![("if-modified-since", date)], Some(&present), Verdict::NotModified),
            ("GET", vec![("if-modified-since", earlier)], Some(&present), Verdict::Holds),
            ("GET", vec![("if-modified-since", "yesterday")], Some(&present), Verdict::Holds),
            // A tag is asked rather than a date.
            (
                "GET",
                vec![("if-none-match", r#""2""#), ("if-modified-since", date)],
                Some(&present),
                Verdict::Holds,
            ),
            ("PUT", vec![("if-modified-since", date)], Some(&present), Verdict::Holds),
            ("PUT", vec![("if-match", r#""1""#)], Some(&present), Verdict::Holds),
            ("PUT", vec![("if-match", r#"W/"1""#)], Some(&present), Verdict::Failed),
            ("PUT", vec![("if-match", r#""2", "1""#)], Some(&present), Verdict::Holds),
            ("PUT", vec![("if-match", r#""2""#)], Some(&present), Verdict::Failed),
            ("PUT", vec![("if-match", r#""1""#)], None, Verdict::Failed),
            ("PUT", vec![("if-match", "*")], None, Verdict::Holds),
            ("PUT", vec![("if-match", "*")], Some(&gone), Verdict::Failed),
            ("PUT", vec![("if-unmodified-since", earlier)], Some(&present), Verdict::Failed),
            ("PUT", vec![("if-unmodified-since", date)], Some(&present), Verdict::Holds),
            (
                "PUT",
                vec![("if-match", r#""1""#), ("if-unmodified-since", earlier)],
                Some(&present),
                Verdict::Holds,
            ),
            ("PUT", vec![("if-none-match", "*")], Some(&present), Verdict::Failed),
            ("PUT", vec![("if-none-match", "*")], Some(&gone), Verdict::Holds),
            ("PUT", vec![("if-none-match", "*")], None, Verdict::Holds),
            ("DELETE", vec![], Some(&present), Verdict::Holds),
        ] {
            assert_eq!(judge(&request(method, &fields), resource), expected, "{method} {fields:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_judged_without_a_panic(value in "[ -~]{0,40}|(W/)?\"[^\"]{0,9}\"?,?") {
            for name in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"] {
                judge(&request("GET", &[(name, &value)]), Some(&there(&[r#""1""#], None)));
            }
        }

        #[test]
        fn a_tag_comes_back_from_a_list(opaques in prop::collection::vec("[!#-~]{0,8}", 1..6), weak: bool) {
            let tags: Vec<String> =
                opaques.iter().map(|one| format!("{}\"{one}\"", if weak { "W/" } else { "" })).collect();
            let read = tags_in(&request("GET", &[("if-match", &tags.join(", "))]).headers, "if-match");
            prop_assert_eq!(read.iter().map(Tag::to_string).collect::<Vec<_>>(), tags);
        }
    }
}
