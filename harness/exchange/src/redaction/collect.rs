//! Finds the secrets of a flow: by place (headers, fields), by look, and those the user named.
//!
//! The first place that shows a secret decides its kind; numbers count up by kind in order of occurrence.

use super::{KnownSecret, detect, spelling};
use crate::placeholder::for_each_text;
use crate::{Body, Exchange, Placeholder, ProviderProfile, RequestTarget};
use base64::Engine;
use regex::Regex;
use std::collections::HashMap;

/// Fields that hold a secret whatever the provider, and the kind that their placeholder names.
const SECRET_FIELDS: [(&str, &str); 17] = [
    ("access_token", "access_token"),
    ("refresh_token", "refresh_token"),
    ("id_token", "id_token"),
    ("as_token", "access_token"),
    ("hs_token", "access_token"),
    ("token", "token"),
    ("password", "password"),
    ("passwd", "password"),
    ("client_secret", "client_secret"),
    ("secret", "secret"),
    ("api_key", "api_key"),
    ("apikey", "api_key"),
    ("authorization", "token"),
    ("code_verifier", "code_verifier"),
    ("private_key", "private_key"),
    ("session", "session"),
    ("macaroon", "token"),
];

/// The secrets of one flow, each with its placeholder.
#[derive(Default)]
pub(super) struct Collected {
    secrets: Vec<(KnownSecret, Placeholder)>,
    by_value: HashMap<String, usize>,
    count_by_kind: HashMap<String, usize>,
}

impl Collected {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&KnownSecret, &Placeholder)> {
        self.secrets.iter().map(|(secret, placeholder)| (secret, placeholder))
    }

    pub(super) fn placeholder_of(&self, value: &str) -> Option<&Placeholder> {
        self.by_value.get(value).map(|index| &self.secrets[*index].1)
    }

    fn add(&mut self, kind: &str, value: &str) {
        if value.is_empty() || value.contains('«') || self.by_value.contains_key(value) {
            return;
        }
        let number = self.count_by_kind.entry(kind.to_owned()).or_default();
        *number += 1;
        let placeholder = Placeholder { kind: kind.to_owned(), number: *number };
        self.by_value.insert(value.to_owned(), self.secrets.len());
        self.secrets.push((KnownSecret { kind: kind.to_owned(), value: value.to_owned() }, placeholder));
    }
}

pub(super) fn collect(exchanges: &[Exchange], profile: &ProviderProfile, known: &[KnownSecret]) -> Collected {
    let mut collected = Collected::default();
    let identifiers = Identifiers::of(profile);
    // The named ones first: nothing, not even an identifier's pattern, exempts them.
    let occurs = |secret: &&KnownSecret| exchanges.iter().any(|exchange| occurs_in(exchange, &secret.value));
    for secret in known.iter().filter(occurs) {
        collected.add(&secret.kind, &secret.value);
    }
    for exchange in exchanges {
        by_place(exchange, profile, &mut collected);
        by_look(exchange, &identifiers, &mut collected);
    }
    collected
}

fn occurs_in(exchange: &Exchange, secret: &str) -> bool {
    let spellings = spelling::spellings(secret);
    let mut found = false;
    for_each_text(exchange, &mut |text| {
        found |= spellings.iter().any(|spelled| text.contains(spelled.as_str()));
    });
    let bodies = std::iter::once(&exchange.request.body)
        .chain(exchange.response.iter().map(|response| &response.body));
    for body in bodies {
        if let Body::Binary(bytes) = body {
            found |= bytes.windows(secret.len().max(1)).any(|window| window == secret.as_bytes());
        }
    }
    found
}

fn by_place(exchange: &Exchange, profile: &ProviderProfile, collected: &mut Collected) {
    for (name, value) in RequestTarget::of(&exchange.request.target).query_fields() {
        if let Some(kind) = secret_kind_of_field(&name, profile) {
            collected.add(&kind, &value);
        }
    }
    let messages = std::iter::once((&exchange.request.headers, &exchange.request.body))
        .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)));
    for (headers, body) in messages {
        for (name, values) in headers.iter() {
            for text in values.iter().filter_map(crate::HeaderValue::as_text) {
                if profile.secrets.headers.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
                    collected.add("secret", text);
                }
                for secret in secrets_of_header(name, text) {
                    collected.add(kind_of_header(name, text), &secret);
                }
                if let Some((_, password)) = basic_credentials(text) {
                    collected.add("password", &password);
                }
            }
        }
        match body {
            Body::Json(json) => {
                for scalar in json.scalars().into_iter().filter(|scalar| scalar.value != "null") {
                    if let Some(kind) = scalar.key.and_then(|key| secret_kind_of_field(&key, profile)) {
                        collected.add(&kind, &scalar.value);
                    }
                }
            }
            Body::Form(fields) => {
                for (name, value) in fields {
                    if let Some(kind) = secret_kind_of_field(name, profile) {
                        collected.add(&kind, value);
                    }
                }
            }
            _ => {}
        }
    }
}

fn by_look(exchange: &Exchange, identifiers: &Identifiers, collected: &mut Collected) {
    for_each_text(exchange, &mut |text| {
        for (kind, value) in detect::forms_in(text) {
            if !identifiers.exempt(None, &value) {
                collected.add(kind, &value);
            }
        }
    });
    let target = RequestTarget::of(&exchange.request.target);
    let mut random = |field: Option<&str>, value: &str| {
        if detect::looks_random(value) && !identifiers.exempt(field, value) {
            collected.add("token", value);
        }
    };
    target.segments().for_each(|segment| random(None, &segment));
    target.query_fields().iter().for_each(|(name, value)| random(Some(name), value));
    let messages = std::iter::once((&exchange.request.headers, &exchange.request.body))
        .chain(exchange.response.iter().map(|response| (&response.headers, &response.body)));
    for (headers, body) in messages {
        for (name, values) in headers.iter().filter(|(name, _)| !HARMLESS_HEADERS.contains(name)) {
            for text in values.iter().filter_map(crate::HeaderValue::as_text) {
                text.split([' ', ',', ';', '"']).for_each(|word| random(Some(name), word));
            }
        }
        match body {
            Body::Json(json) => {
                for scalar in json.scalars().iter().filter(|scalar| scalar.is_string) {
                    random(scalar.key.as_deref(), &scalar.value);
                }
            }
            Body::Form(fields) => fields.iter().for_each(|(name, value)| random(Some(name), value)),
            Body::Text(text) => {
                text.split(|c: char| c.is_whitespace() || c == '"').for_each(|word| random(None, word));
            }
            Body::None | Body::Binary(_) | Body::Omitted { .. } => {}
        }
    }
}

/// Header fields whose values are random-looking by design and open nothing.
const HARMLESS_HEADERS: [&str; 6] =
    ["etag", "if-none-match", "date", "user-agent", "content-security-policy", "traceparent"];

/// What the profile exempts from detection.
struct Identifiers {
    fields: Vec<String>,
    patterns: Vec<Regex>,
}

impl Identifiers {
    fn of(profile: &ProviderProfile) -> Self {
        Self { fields: profile.identifiers.fields.clone(), patterns: whole_patterns(profile) }
    }

    fn exempt(&self, field: Option<&str>, value: &str) -> bool {
        field.is_some_and(|field| self.fields.iter().any(|known| known == field))
            || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }
}

/// The profile's identifier patterns, anchored at both ends. A profile that was read has only valid ones.
pub(super) fn whole_patterns(profile: &ProviderProfile) -> Vec<Regex> {
    profile
        .identifiers
        .patterns
        .iter()
        .filter_map(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok())
        .collect()
}

/// The kind of secret that a field of this name holds, if it does.
pub(super) fn secret_kind_of_field(name: &str, profile: &ProviderProfile) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, kind)) = SECRET_FIELDS.iter().find(|(field, _)| *field == lower.replace('-', "_")) {
        return Some((*kind).to_owned());
    }
    let named = profile.secrets.fields.iter().any(|field| field.eq_ignore_ascii_case(name));
    named.then(|| {
        let kind: String = lower.chars().map(|c| if c.is_ascii_lowercase() { c } else { '_' }).collect();
        if kind.trim_matches('_').is_empty() { "secret".to_owned() } else { kind }
    })
}

/// The secret parts of a header's value.
pub(super) fn secrets_of_header(name: &str, text: &str) -> Vec<String> {
    let owned = |part: &str| vec![part.to_owned()];
    match name {
        "authorization" | "proxy-authorization" => {
            owned(text.split_once(' ').map_or(text, |(_, credentials)| credentials))
        }
        "cookie" => {
            text.split(';').filter_map(|pair| Some(pair.split_once('=')?.1.trim().to_owned())).collect()
        }
        "set-cookie" => {
            let pair = text.split(';').next().unwrap_or_default();
            pair.split_once('=').map_or_else(Vec::new, |(_, value)| owned(value.trim()))
        }
        "x-api-key" | "api-key" | "x-auth-token" | "x-gitlab-token" | "x-csrf-token" => owned(text),
        _ => Vec::new(),
    }
}

fn kind_of_header(name: &str, text: &str) -> &'static str {
    match name {
        "cookie" | "set-cookie" => "cookie",
        "authorization" | "proxy-authorization" if text.to_ascii_lowercase().starts_with("basic ") => "basic",
        "authorization" | "proxy-authorization" => "access_token",
        _ => "api_key",
    }
}

/// User and password of a Basic credential (RFC 7617).
fn basic_credentials(text: &str) -> Option<(String, String)> {
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
