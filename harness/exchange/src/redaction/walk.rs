//! One walk over everything of an exchange that can hold a secret, each value decoded, each with what its
//! place says of it.
//!
//! Collecting and replacing both go this way, so that what the one sees the other can take out. The walk
//! writes anew only what a look changed, and so leaves every other spelling alone.

use super::json::{scalars, unescaped};
use super::multipart::{self, Part};
use super::names;
use super::nested::{Spot, apart, spots_in, spots_in_header};
use super::spelling::{percent_decoded, url_decoded};
use crate::{Body, Exchange, HeaderValue, Headers, JsonText, ProviderProfile, find_placeholders};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole value, decoded.
    Value,
    /// Words in a row: a header's value, a text body.
    Prose,
    /// A request target as sent, after its parts were looked at.
    Raw,
}

/// What is done with everything that the walk comes by. Some answer takes the place of what was shown.
pub(super) trait Look {
    /// A value that is secret by its place, under the name that shows it.
    fn secret(&mut self, name: &str, kind: &str, value: &str) -> Option<String>;
    /// Any other text, under the name of its field, with the parts of it that are secret by their place.
    fn text(&mut self, field: Option<&str>, text: &str, spots: &[Spot], shape: Shape) -> Option<String>;
    /// A number outside of secret places.
    fn number(&mut self, token: &str) -> Option<String>;
    /// Whether it asks what parts of a text are secret by their place, which takes most of the time.
    fn asks_for_spots(&self) -> bool {
        true
    }
    /// Whether a header of this name must go.
    fn drops_header(&self, name: &str) -> bool;
    /// Whether bytes must go.
    fn drops_bytes(&mut self, bytes: &[u8]) -> bool;
}

/// JSON in a string in JSON in a string: nobody goes deeper.
const MAX_NESTING: usize = 4;

/// What may stand in a segment or a query value as it is (RFC 3986 `pchar`, without what divides a query).
const IN_TARGET: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b'@');

/// The walk, with the profile that names what is secret.
pub(super) struct Walk<'a, L> {
    pub(super) profile: &'a ProviderProfile,
    pub(super) look: &'a mut L,
}

impl<L: Look> Walk<'_, L> {
    pub(super) fn exchange(&mut self, exchange: &mut Exchange) {
        self.target(&mut exchange.request.target);
        let media_type = media_type_of(&exchange.request.headers);
        self.headers(&mut exchange.request.headers);
        self.body(&mut exchange.request.body, &media_type);
        if let Some(response) = &mut exchange.response {
            let media_type = media_type_of(&response.headers);
            self.headers(&mut response.headers);
            self.body(&mut response.body, &media_type);
        }
    }

    fn target(&mut self, target: &mut String) {
        let (path, query) =
            target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
        let segments: Vec<String> = path.split('/').map(|segment| self.segment(segment)).collect();
        let mut changed = segments.join("/");
        if let Some(query) = query {
            let fields: Vec<(&str, Option<&str>)> = query
                .split('&')
                .map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
                .collect();
            let names: Vec<String> = fields.iter().map(|(name, _)| url_decoded(name)).collect();
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            let fields: Vec<String> = fields
                .iter()
                .zip(&all)
                .map(|((spelled, value), name)| match value {
                    Some(value) => format!("{spelled}={}", self.query_value(name, &all, value)),
                    None => self.segment(spelled),
                })
                .collect();
            changed = format!("{changed}?{}", fields.join("&"));
        }
        // A secret can reach over a slash or an ampersand.
        let spots = self.spots(&changed);
        if let Some(text) = self.look.text(None, &changed, &spots, Shape::Raw) {
            changed = text;
        }
        *target = changed;
    }

    fn segment(&mut self, spelled: &str) -> String {
        self.value(None, None, &percent_decoded(spelled), 0)
            .map_or_else(|| spelled.to_owned(), |text| encoded(&text))
    }

    fn query_value(&mut self, name: &str, all: &[&str], spelled: &str) -> String {
        let decoded = url_decoded(spelled);
        let kind = kind_of_untyped(names::kind_in_query(name, all, self.profile), &decoded);
        self.value(Some(name), kind.as_deref(), &decoded, 0)
            .map_or_else(|| spelled.to_owned(), |text| encoded(&text))
    }

    fn headers(&mut self, headers: &mut Headers) {
        let dropped: Vec<String> = headers
            .iter()
            .map(|(name, _)| name)
            .filter(|name| self.look.drops_header(name))
            .map(str::to_owned)
            .collect();
        dropped.iter().for_each(|name| headers.remove(name));
        for (name, value) in headers.iter_mut() {
            if let HeaderValue::Text(text) = value {
                let mut spots = spots_in_header(name, text, self.profile);
                if spots.is_empty() {
                    spots = self.spots(text);
                }
                if let Some(changed) = self.look.text(Some(name), text, &apart(spots), Shape::Prose) {
                    *text = changed;
                }
            }
        }
    }

    fn body(&mut self, body: &mut Body, media_type: &str) {
        if let Some(boundary) = multipart::boundary(media_type) {
            let whole = match body {
                Body::Text(text) => text.as_bytes(),
                Body::Binary(bytes) => bytes.as_slice(),
                _ => &[],
            };
            if let Some(parts) = multipart::parts(whole, &boundary) {
                return self.multipart(body, &parts);
            }
        }
        match body {
            Body::Json(json) => {
                if let Some(changed) = self.json(json.as_str(), 0) {
                    // Only scalars were written anew, and each as JSON.
                    *body = JsonText::parse(&changed).map_or(Body::Text(changed), Body::Json);
                }
            }
            Body::Form(fields) => {
                let names: Vec<String> = fields.iter().map(|(name, _)| name.clone()).collect();
                let all: Vec<&str> = names.iter().map(String::as_str).collect();
                for (name, value) in fields {
                    let kind = kind_of_untyped(names::kind_in_query(name, &all, self.profile), value);
                    if let Some(changed) = self.value(Some(name), kind.as_deref(), value, 0) {
                        *value = changed;
                    }
                }
            }
            Body::Text(text) => {
                if let Some(changed) = self.prose(None, text) {
                    *text = changed;
                }
            }
            Body::Binary(bytes) if self.look.drops_bytes(bytes) => {
                *body = Body::Omitted { size_bytes: bytes.len() as u64 };
            }
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
    }

    /// A body in parts: each by its name, and by what it holds. In one that is not UTF-8 no placeholder can stand.
    fn multipart(&mut self, body: &mut Body, parts: &[Part]) {
        let (bytes, is_text) = match &*body {
            Body::Text(text) => (text.clone().into_bytes(), true),
            Body::Binary(bytes) => (bytes.clone(), false),
            _ => return,
        };
        let names: Vec<String> = parts
            .iter()
            .map(|part| {
                multipart::field_name(&String::from_utf8_lossy(&bytes[part.head.clone()])).unwrap_or_default()
            })
            .collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut changed = String::new();
        let mut at = 0;
        let mut drops = false;
        for (part, name) in parts.iter().zip(&all) {
            let head = &bytes[part.head.clone()];
            match (std::str::from_utf8(head), std::str::from_utf8(&bytes[part.content.clone()])) {
                (Ok(head), Ok(content)) => {
                    let edits = [
                        (&part.head, self.prose(None, head)),
                        (&part.content, self.part(name, &all, head, content)),
                    ];
                    for (range, edit) in edits {
                        if let Some(edit) = edit {
                            changed.push_str(&String::from_utf8_lossy(&bytes[at..range.start]));
                            changed.push_str(&edit);
                            at = range.end;
                        }
                    }
                }
                _ => drops |= self.look.drops_bytes(&bytes[part.head.start..part.content.end]),
            }
        }
        if drops || (at > 0 && !is_text) {
            *body = Body::Omitted { size_bytes: bytes.len() as u64 };
        } else if at > 0 {
            *body = Body::Text(changed + &String::from_utf8_lossy(&bytes[at..]));
        }
    }

    fn part(&mut self, name: &str, all: &[&str], head: &str, content: &str) -> Option<String> {
        let kind = kind_of_untyped(names::kind_in_query(name, all, self.profile), content);
        let media_type = multipart::header(head, "content-type").unwrap_or("text/plain");
        let is_file = head.to_ascii_lowercase().contains("filename");
        let is_json = content.trim_start().starts_with(['{', '[']);
        if kind.is_some() || is_json || (!is_file && media_type.starts_with("text/plain")) {
            return self.value(Some(name), kind.as_deref(), content, 0);
        }
        let mut inner = Body::from_bytes(content.as_bytes(), Some(media_type));
        let before = inner.clone();
        self.body(&mut inner, media_type);
        (inner != before).then(|| String::from_utf8_lossy(&inner.to_bytes()).into_owned())
    }

    fn spots(&self, text: &str) -> Vec<Spot> {
        if self.look.asks_for_spots() { spots_in(text, self.profile) } else { Vec::new() }
    }

    fn prose(&mut self, field: Option<&str>, text: &str) -> Option<String> {
        let spots = self.spots(text);
        self.look.text(field, text, &spots, Shape::Prose)
    }

    fn value(&mut self, field: Option<&str>, kind: Option<&str>, text: &str, depth: usize) -> Option<String> {
        let personal = || field.and_then(|field| names::personal_kind(field, text));
        if let Some(kind) = kind.or_else(personal) {
            return self.look.secret(field.unwrap_or_default(), kind, text);
        }
        let is_json = depth < MAX_NESTING
            && text.trim_start().starts_with(['{', '['])
            && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        if is_json {
            return self.json(text, depth + 1);
        }
        let spots = self.spots(text);
        self.look.text(field, text, &spots, Shape::Value)
    }

    fn json(&mut self, text: &str, depth: usize) -> Option<String> {
        let profile = self.profile;
        let grants = text.contains("\"grant_type\"");
        let kind_of = |key: &str| {
            names::kind_of_field(key, profile)
                .or_else(|| (grants && key == "code").then(|| "code".to_owned()))
        };
        self.json_by(text, depth, &kind_of)
    }

    /// The header or the claims of a JSON Web Token, in which what tells of a person is secret too.
    pub(super) fn claims(&mut self, text: &str) -> Option<String> {
        let profile = self.profile;
        let kind_of = |key: &str| {
            names::kind_of_field(key, profile).or_else(|| names::kind_of_claim(key).map(str::to_owned))
        };
        self.json_by(text, MAX_NESTING - 1, &kind_of)
    }

    fn json_by(
        &mut self,
        text: &str,
        depth: usize,
        kind_of: &impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let mut out = String::new();
        let mut at = 0;
        for scalar in scalars(text, kind_of) {
            let changed = if scalar.token.starts_with('"') {
                let value = unescaped(scalar.token);
                self.value(scalar.field.as_deref(), scalar.kind.as_deref(), &value, depth)
            } else if matches!(scalar.token, "true" | "false" | "null") {
                None
            } else {
                let digits = scalar.token.bytes().filter(u8::is_ascii_digit).count();
                let name = scalar.field.as_deref().unwrap_or_default();
                let personal = names::personal_kind(name, scalar.token);
                match scalar.kind.as_deref().or(personal) {
                    Some(kind) if digits >= MIN_SECRET_DIGITS => self.look.secret(name, kind, scalar.token),
                    _ => self.look.number(scalar.token),
                }
            };
            if let Some(changed) = changed {
                out.push_str(&text[at..scalar.range.start]);
                out.push_str(&serde_json::Value::String(changed).to_string());
                at = scalar.range.end;
            }
        }
        (at > 0).then(|| out + &text[at..])
    }
}

fn media_type_of(headers: &Headers) -> String {
    headers.text("content-type").unwrap_or_default().to_owned()
}

/// Shorter numbers count something, whatever their key is called.
const MIN_SECRET_DIGITS: usize = 4;

/// Queries and forms have no booleans but by their spelling.
fn kind_of_untyped(kind: Option<String>, value: &str) -> Option<String> {
    kind.filter(|_| !matches!(value, "true" | "false" | "null"))
}

/// Percent-encodes what surrounds placeholders.
fn encoded(text: &str) -> String {
    let encode = |part: &str| utf8_percent_encode(part, IN_TARGET).to_string();
    let mut out = String::new();
    let mut at = 0;
    for (range, _) in find_placeholders(text) {
        out.push_str(&encode(&text[at..range.start]));
        out.push_str(&text[range.clone()]);
        at = range.end;
    }
    out + &encode(&text[at..])
}
