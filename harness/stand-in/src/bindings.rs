//! Values that the client chooses: what stood for them in the recording, and what was sent this time.
//!
//! What the profile calls volatile is left out when requests are compared. Where an answer repeats such a value,
//! now or later, the client must find its own there, not the one that somebody chose when it was recorded.
//! Where answers repeat them is looked up once, when the recording is taken in: giving an answer costs no search.

use crate::prepared::Prepared;
use crate::received::Received;
use aho_corasick::{AhoCorasick, MatchKind};
use bytes::Bytes;
use counterpart_exchange::protocol;
use counterpart_exchange::{Body, JsonText, ProviderProfile, Request, RequestTarget};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Shorter values are replaced only where they stand alone: within a text they may be part of anything.
const MIN_WITHIN_CHARS: usize = 8;
/// A value that is longer is not kept: it is no id.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Recorded values with what the client sent in their place.
#[derive(Debug, Default)]
pub(crate) struct Bindings(HashMap<Arc<str>, String>);

/// A value that the client chose when it was recorded, and where in the request it stood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    place: String,
    value: String,
}

/// A place in an answer that repeats what a client chose.
#[derive(Debug)]
pub(crate) struct Echo {
    part: Part,
    /// Of its bytes.
    range: Range<usize>,
    recorded: Arc<str>,
    spelling: Spelling,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Body,
    /// By its index.
    Header(usize),
}

/// How a value is spelled there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Plain,
    /// Within a JSON string.
    Json,
    /// In a form.
    Form,
}

impl Bindings {
    /// Compares a request with what was chosen when it was recorded.
    pub(crate) fn learn(&mut self, profile: &ProviderProfile, recorded: &[Chosen], sent: &Received) {
        if recorded.is_empty() {
            return;
        }
        let values = chosen(profile, sent.method().as_str(), sent.target(), || sent.request());
        for Chosen { place, value: recorded } in recorded {
            let Some(Chosen { value: sent, .. }) = values.iter().find(|sent| sent.place == *place) else {
                continue;
            };
            if sent.len() <= MAX_VALUE_BYTES {
                self.0.insert(recorded.as_str().into(), sent.clone());
            }
        }
    }

    /// The answer with the client's values; the recorded one where it repeats none.
    pub(crate) fn apply(&self, recorded: &Arc<Prepared>, echoes: &[Echo]) -> Arc<Prepared> {
        if !echoes.iter().any(|echo| self.0.contains_key(&echo.recorded)) {
            return Arc::clone(recorded);
        }
        let mut bound =
            Prepared { body: self.spliced(&recorded.body, Part::Body, echoes), ..recorded.copy() };
        for (index, (_, value)) in bound.headers.iter_mut().enumerate() {
            let part = Part::Header(index);
            if echoes.iter().any(|echo| echo.part == part)
                && let Ok(changed) = http::HeaderValue::from_maybe_shared(self.spliced(
                    &Bytes::copy_from_slice(value.as_bytes()),
                    part,
                    echoes,
                ))
            {
                *value = changed;
            }
        }
        Arc::new(bound)
    }

    fn spliced(&self, bytes: &Bytes, part: Part, echoes: &[Echo]) -> Bytes {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        let mut at = 0;
        for echo in echoes.iter().filter(|echo| echo.part == part) {
            let Some(sent) = self.0.get(&echo.recorded) else { continue };
            out.extend_from_slice(&bytes[at..echo.range.start]);
            echo.spelling.spell(sent, &mut out);
            at = echo.range.end;
        }
        out.extend_from_slice(&bytes[at..]);
        Bytes::from(out)
    }
}

impl Spelling {
    fn spell(self, value: &str, out: &mut Vec<u8>) {
        match self {
            Self::Plain => out.extend_from_slice(value.as_bytes()),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                out.extend_from_slice(&quoted.as_bytes()[1..quoted.len() - 1]);
            }
            Self::Form => {
                let field = Body::Form(vec![(String::new(), value.to_owned())]).into_bytes();
                out.extend_from_slice(&field[1..]);
            }
        }
    }
}

/// What the client chose in a request: the values that the profile calls volatile.
pub(crate) fn chosen<'a>(
    profile: &ProviderProfile,
    method: &str,
    target: &str,
    request: impl FnOnce() -> &'a Request,
) -> Vec<Chosen> {
    let volatile = &profile.volatile;
    let mut all = Vec::new();
    let mut add = |place: String, value: String| {
        if !value.is_empty() {
            all.push(Chosen { place, value });
        }
    };
    if !volatile.path_variables.is_empty()
        && let Some(fitting) = profile.template_of(method, target)
    {
        for (name, value) in fitting.variables {
            if volatile.path_variables.contains(&name) {
                add(format!("path {name}"), value);
            }
        }
    }
    if !volatile.query.is_empty() {
        for (name, value) in RequestTarget::of(target).query_fields() {
            if volatile.query.contains(&name) {
                add(format!("query {name}"), value);
            }
        }
    }
    if volatile.fields.is_empty() && profile.protocols.is_empty() {
        return all;
    }
    let request = request();
    match &request.body {
        Body::Json(json) => {
            let named = json.scalars().into_iter().filter_map(|scalar| Some((scalar.key?, scalar.value)));
            for (n, (name, value)) in named.filter(|(name, _)| volatile.fields.contains(name)).enumerate() {
                add(format!("field {n} {name}"), value);
            }
        }
        Body::Form(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| volatile.fields.contains(name)) {
                add(format!("field {name}"), value.clone());
            }
        }
        Body::Text(_) => {
            let call = protocol::call_of(profile, request).and_then(Result::ok);
            for (place, value) in call.into_iter().flat_map(|call| call.volatile) {
                add(place, value);
            }
        }
        _ => {}
    }
    all
}

/// Looks for chosen values in recorded answers.
pub(crate) struct Echoes {
    /// Those that are looked for within texts.
    within: Option<AhoCorasick>,
    long: Vec<Arc<str>>,
    all: HashSet<Arc<str>>,
}

impl Echoes {
    pub(crate) fn of<'a>(chosen: impl Iterator<Item = &'a Chosen>) -> Self {
        let all: HashSet<Arc<str>> = chosen.map(|chosen| chosen.value.as_str().into()).collect();
        let long: Vec<Arc<str>> =
            all.iter().filter(|value| value.chars().count() >= MIN_WITHIN_CHARS).cloned().collect();
        let within = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(long.iter().map(|value| value.as_bytes()))
            .ok()
            .filter(|_| !long.is_empty());
        Self { within, long, all }
    }

    /// Where an answer repeats what a client chose, in order.
    pub(crate) fn within(&self, answer: &Prepared) -> Vec<Echo> {
        let mut found = Vec::new();
        if self.all.is_empty() {
            return found;
        }
        for (index, (_, value)) in answer.headers.iter().enumerate() {
            if let Ok(text) = value.to_str() {
                self.look(text, None, Part::Header(index), 0, Spelling::Plain, &mut found);
            }
        }
        let media_type = answer.headers.iter().find(|(name, _)| *name == http::header::CONTENT_TYPE);
        match Body::from_bytes(&answer.body, media_type.and_then(|(_, value)| value.to_str().ok())) {
            Body::Json(_) => self.look_in_json(answer, &mut found),
            Body::Text(text) => self.look(&text, None, Part::Body, 0, Spelling::Plain, &mut found),
            Body::Form(_) => {
                if let Ok(text) = std::str::from_utf8(&answer.body) {
                    let mut at = 0;
                    for pair in text.split('&') {
                        let value = pair.find('=').map_or(pair.len(), |equals| equals + 1);
                        self.look(&pair[value..], None, Part::Body, at + value, Spelling::Form, &mut found);
                        at += pair.len() + 1;
                    }
                }
            }
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
        found
    }

    fn look_in_json(&self, answer: &Prepared, found: &mut Vec<Echo>) {
        let Ok(text) = std::str::from_utf8(&answer.body) else { return };
        let Ok(json) = JsonText::parse(text) else { return };
        // Only what is laid out as it was parsed has its scalars where they are said to be.
        if json.as_str() != text {
            return;
        }
        for scalar in json.scalars().into_iter().filter(|scalar| scalar.is_string) {
            let inner = scalar.range.start + 1..scalar.range.end - 1;
            let begins = inner.start;
            self.look(&text[inner], Some(&scalar.value), Part::Body, begins, Spelling::Json, found);
        }
    }

    /// Looks through one text as spelled, that means what is given where its spelling is not its meaning.
    fn look(
        &self,
        text: &str,
        meaning: Option<&str>,
        part: Part,
        begins: usize,
        spelling: Spelling,
        found: &mut Vec<Echo>,
    ) {
        let mut add = |range: Range<usize>, recorded: &Arc<str>| {
            let range = begins + range.start..begins + range.end;
            found.push(Echo { part, range, recorded: Arc::clone(recorded), spelling });
        };
        if let Some(whole) = self.all.get(meaning.unwrap_or(text)) {
            return add(0..text.len(), whole);
        }
        for one in self.within.iter().flat_map(|finder| finder.find_iter(text)) {
            let before = text[..one.start()].bytes().rev().take_while(|byte| *byte == b'\\').count();
            // Behind a backslash its first letter is not what it looks like.
            if spelling != Spelling::Json || before % 2 == 0 {
                add(one.range(), &self.long[one.pattern().as_usize()]);
            }
        }
    }
}

impl Chosen {
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

impl Echo {
    pub(crate) fn recorded(&self) -> &str {
        &self.recorded
    }
}
