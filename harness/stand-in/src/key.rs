//! What makes two requests the same: method, path, canonical query and canonical body, without what the
//! profile calls volatile.
//!
//! There are two forms of it that agree. [`KeyDigest`] is what requests are looked up by: 128 bits, taken from
//! the bytes as they lie. [`RequestKey`] spells it out, for people who ask why nothing fits.

use crate::hosts::Host;
use crate::versions::Version;
use counterpart_exchange::protocol::{self, canonical_json, key_only_reads};
use counterpart_exchange::{Body, ProviderProfile, Request, RequestTarget, Versions};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

/// What makes two requests the same, spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestKey {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// The canonical body, or the key of the call that it makes; none where it was not kept when it was recorded: any fits.
    pub(crate) body: Option<String>,
}

impl RequestKey {
    pub(crate) fn of(request: &Request, profile: &ProviderProfile) -> Self {
        let call = protocol::call_of(profile, request).and_then(Result::ok);
        let mut key = Self::without_body(&request.method, &request.target, profile);
        match call {
            None => key.body = canonical_body(&request.body, &profile.volatile.fields),
            Some(call) => {
                key.query.retain(|(name, _)| !call.query_fields.contains(&name.as_str()));
                key.body = Some(call.key());
            }
        }
        key
    }

    /// Whether a request may be sent again without changing anything: by its method (RFC 9110 section 9.2.1), or as
    /// the call that it makes says of itself.
    pub(crate) fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
            || self.body.as_deref().is_some_and(key_only_reads)
    }

    /// The same but for the body: none.
    pub(crate) fn without_body(method: &str, target: &str, profile: &ProviderProfile) -> Self {
        let cut = RequestTarget::of(target);
        let volatile = &profile.volatile;
        let mut query: Vec<_> =
            cut.query_fields().into_iter().filter(|(name, _)| !volatile.query.contains(name)).collect();
        if let Some(told_by) = profile.versions.as_ref().and_then(Versions::query_field) {
            query.retain(|(name, _)| name != told_by);
        }
        query.sort();
        Self {
            method: method.to_ascii_uppercase(),
            path: canonical_path(method, target, profile),
            query,
            body: None,
        }
    }
}

fn canonical_path(method: &str, target: &str, profile: &ProviderProfile) -> String {
    let decoded: Vec<_> = RequestTarget::of(target).segments().collect();
    if !profile.volatile.path_variables.is_empty()
        && let Some(fitting) = profile.template_of(method, target)
    {
        let masked =
            fitting.template.path.trim_start_matches('/').split('/').zip(&decoded).map(|(template, sent)| {
                let name = template.trim_matches(['{', '}']);
                let is_volatile =
                    template.starts_with('{') && profile.volatile.path_variables.iter().any(|v| v == name);
                if is_volatile { template } else { sent }
            });
        return masked.collect::<Vec<_>>().join("\u{1f}");
    }
    decoded.join("\u{1f}")
}

fn canonical_body(body: &Body, volatile: &[String]) -> Option<String> {
    Some(match body {
        // Too deep to be read, it is told by its spelling.
        Body::Json(json) => serde_json::from_str(json.as_str())
            .map_or_else(|_| json.as_str().to_owned(), |value| canonical_json(&value, volatile)),
        Body::Form(fields) => {
            let mut kept: Vec<_> = fields.iter().filter(|(name, _)| !volatile.contains(name)).collect();
            kept.sort();
            kept.iter().map(|(name, value)| format!("{name}\u{1f}{value}\u{1e}")).collect()
        }
        Body::Text(text) => text.clone(),
        Body::Binary(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Body::None => String::new(),
        Body::Omitted { .. } => return None,
    })
}

/// What makes two requests the same, in 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyDigest(u128);

impl KeyDigest {
    /// The same within a version of the API; one that nobody recorded has keys that nothing else has.
    pub(crate) fn within(self, version: Option<Version>) -> Self {
        let number = version.map_or(u32::MAX, Version::number);
        Self(self.0 ^ (u128::from(number) << 64))
    }

    /// The same at one of several hosts.
    pub(crate) fn at(self, host: Option<Host>) -> Self {
        let number = host.map_or(0, Host::number);
        Self(self.0 ^ (u128::from(number) << 96))
    }
}

/// Hashes what is a keyed digest already: a part of it will do, and nobody outside can make many of them alike.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Digested(u64);

impl BuildHasher for Digested {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Digested {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }

    fn write_u128(&mut self, digest: u128) {
        // The lower half is as good as the whole.
        self.0 = u64::try_from(digest & u128::from(u64::MAX)).unwrap_or_default();
    }
}

/// The part of it that method, path and query make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadDigest(u128);

/// The part of it that the body makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyDigest(u128);

/// Stands for a body that was not kept when it was recorded.
const ANY_BODY: BodyDigest = BodyDigest(u128::MAX);

/// Takes digests under a key of its own: nobody outside can make two requests collide.
#[derive(Clone)]
pub(crate) struct Digester {
    key: (u64, u64),
    volatile_fields: Vec<String>,
}

impl Digester {
    pub(crate) fn new(profile: &ProviderProfile) -> Self {
        let random = RandomState::new();
        let key = (random.hash_one(1_u8), random.hash_one(2_u8));
        Self { key, volatile_fields: profile.volatile.fields.clone() }
    }

    /// Of method and target exactly as sent: what was recorded in the same spelling is found at once.
    pub(crate) fn raw(&self, method: &str, target: &str) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(method.as_bytes());
        hasher.write_u8(b' ');
        hasher.write(target.as_bytes());
        hasher.finish()
    }

    pub(crate) fn head(&self, key: &RequestKey) -> HeadDigest {
        let mut hasher = self.hasher();
        for text in [&key.method, &key.path].into_iter().chain(key.query.iter().flat_map(|(n, v)| [n, v])) {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        }
        HeadDigest(hasher.finish128().as_u128())
    }

    /// Of a call within one endpoint, by its key spelled out: what lies in its bytes is not what it means.
    pub(crate) fn call(&self, key: &RequestKey) -> KeyDigest {
        let body = key.body.as_ref().map_or(ANY_BODY, |body| {
            let mut hasher = self.hasher();
            hasher.write(body.as_bytes());
            BodyDigest(hasher.finish128().as_u128())
        });
        self.whole(self.head(key), body)
    }

    /// Of a body as sent; the fields of JSON and of forms in any order.
    pub(crate) fn body(&self, bytes: &[u8], media_type: Option<&str>) -> BodyDigest {
        if bytes.is_empty() {
            return BodyDigest(0);
        }
        if let Some(digest) = looks_like_json(bytes, media_type).then(|| self.json(bytes)).flatten() {
            return BodyDigest(digest);
        }
        self.recorded_body(&Body::from_bytes(bytes, media_type))
    }

    /// Of a recorded body.
    pub(crate) fn recorded_body(&self, body: &Body) -> BodyDigest {
        let text = |text: &str| {
            let mut hasher = self.hasher();
            hasher.write(text.as_bytes());
            hasher.finish128().as_u128()
        };
        match body {
            Body::None => BodyDigest(0),
            // Too deep to be read, it is told by its spelling.
            Body::Json(json) => {
                BodyDigest(self.json(json.as_str().as_bytes()).unwrap_or_else(|| text(json.as_str())))
            }
            body => {
                canonical_body(body, &self.volatile_fields).map_or(ANY_BODY, |body| BodyDigest(text(&body)))
            }
        }
    }

    pub(crate) fn whole(&self, head: HeadDigest, body: BodyDigest) -> KeyDigest {
        let mut hasher = self.hasher();
        hasher.write_u128(head.0);
        hasher.write_u128(body.0);
        KeyDigest(hasher.finish128().as_u128())
    }

    pub(crate) fn any_body(&self, head: HeadDigest) -> KeyDigest {
        self.whole(head, ANY_BODY)
    }

    fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.key.0, self.key.1)
    }

    fn json(&self, bytes: &[u8]) -> Option<u128> {
        // Looked at as a whole: the reader passes over what is volatile, and would not see that it is no text.
        let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(bytes).ok()?);
        let digest = JsonDigest(self).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(digest)
    }
}

fn looks_like_json(bytes: &[u8], media_type: Option<&str>) -> bool {
    let essence = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    let says_json =
        essence.len() >= 4 && essence.as_bytes()[essence.len() - 4..].eq_ignore_ascii_case(b"json");
    says_json || matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Digests a JSON value as it is read: an object is the sum of its fields, so their order does not matter.
#[derive(Clone, Copy)]
struct JsonDigest<'a>(&'a Digester);

impl JsonDigest<'_> {
    fn scalar(self, kind: u8, bytes: &[u8]) -> u128 {
        let mut hasher = self.0.hasher();
        hasher.write_u8(kind);
        hasher.write(bytes);
        hasher.finish128().as_u128()
    }
}

impl<'de> DeserializeSeed<'de> for JsonDigest<'_> {
    type Value = u128;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<u128, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonDigest<'_> {
    type Value = u128;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<u128, E> {
        Ok(self.scalar(b'n', b""))
    }

    fn visit_bool<E>(self, value: bool) -> Result<u128, E> {
        Ok(self.scalar(b'b', &[u8::from(value)]))
    }

    fn visit_u64<E>(self, value: u64) -> Result<u128, E> {
        Ok(self.scalar(b'u', &value.to_le_bytes()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<u128, E> {
        Ok(self.scalar(b'i', &value.to_le_bytes()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<u128, E> {
        Ok(self.scalar(b'f', &value.to_bits().to_le_bytes()))
    }

    fn visit_str<E>(self, value: &str) -> Result<u128, E> {
        Ok(self.scalar(b's', value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<u128, A::Error> {
        let mut hasher = self.0.hasher();
        hasher.write_u8(b'[');
        while let Some(item) = items.next_element_seed(self)? {
            hasher.write_u128(item);
        }
        Ok(hasher.finish128().as_u128())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<u128, A::Error> {
        let mut sum = 0_u128;
        while let Some(name) = fields.next_key_seed(FieldName(self.0))? {
            match name {
                None => fields.next_value::<serde::de::IgnoredAny>().map(drop)?,
                Some(name) => {
                    let mut hasher = self.0.hasher();
                    hasher.write_u128(name);
                    hasher.write_u128(fields.next_value_seed(self)?);
                    sum = sum.wrapping_add(hasher.finish128().as_u128());
                }
            }
        }
        Ok(self.scalar(b'{', &sum.to_le_bytes()))
    }
}

/// Digests a field's name; none where the profile calls it volatile.
struct FieldName<'a>(&'a Digester);

impl<'de> DeserializeSeed<'de> for FieldName<'_> {
    type Value = Option<u128>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Option<u128>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_> {
    type Value = Option<u128>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<u128>, E> {
        let is_volatile = self.0.volatile_fields.iter().any(|volatile| volatile == name);
        Ok((!is_volatile).then(|| JsonDigest(self.0).scalar(b'k', name.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn profile() -> ProviderProfile {
        let mut profile = ProviderProfile::unknown("p");
        profile.volatile.fields = vec!["nonce".to_owned()];
        profile.volatile.query = vec!["trace".to_owned()];
        profile
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            (0..3_u8).prop_map(|n| Value::from(f64::from(n) / 2.0)),
            "[ab]{0,2}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("nonce|[ab]", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The digest tells two bodies apart just where the spelled-out form does.
        #[test]
        fn both_forms_agree_about_json(one in json(), other in json()) {
            let digester = Digester::new(&profile());
            let json = Some("application/json");
            let digest = |value: &Value| digester.body(value.to_string().as_bytes(), json);
            let spelled = |value: &Value| {
                canonical_body(&Body::from_bytes(value.to_string().as_bytes(), json), &digester.volatile_fields)
            };
            prop_assert_eq!(digest(&one) == digest(&other), spelled(&one) == spelled(&other));
        }

        #[test]
        fn neither_spacing_nor_order_matters(value in json()) {
            // In a list: without a media type a scalar alone is text.
            let value = Value::from(vec![value]);
            let digester = Digester::new(&profile());
            let turned = turn(&value);
            prop_assert_eq!(
                digester.body(value.to_string().as_bytes(), None),
                digester.body(format!(" {turned:#}\n").as_bytes(), Some("application/json"))
            );
        }

        #[test]
        fn any_bytes_have_a_digest(bytes: Vec<u8>, media_type: Option<String>) {
            let digester = Digester::new(&profile());
            let media_type = media_type.as_deref();
            prop_assert_eq!(digester.body(&bytes, media_type), digester.body(&bytes, media_type));
        }
    }

    /// The same value with the fields of every object in the opposite order.
    fn turn(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                Value::Object(fields.iter().rev().map(|(name, value)| (name.clone(), turn(value))).collect())
            }
            Value::Array(items) => Value::from(items.iter().map(turn).collect::<Vec<_>>()),
            scalar => scalar.clone(),
        }
    }

    #[test]
    fn what_differs_in_meaning_differs_in_digest() {
        let digester = Digester::new(&profile());
        let bodies = [
            "",
            "{}",
            "[]",
            "[[]]",
            "[{}]",
            "null",
            "0",
            "[0]",
            "[0,0]",
            "[\"0\"]",
            "[0.0]",
            "[-1]",
            "[true]",
            "{\"a\":{\"b\":1}}",
            "{\"a\":1,\"b\":1}",
            "{\"b\":{\"a\":1}}",
            "{\"a\":[1,2]}",
            "{\"a\":[2,1]}",
            "{\"a\":[12]}",
        ];
        let digests: std::collections::HashSet<u128> =
            bodies.iter().map(|body| digester.body(body.as_bytes(), Some("application/json")).0).collect();
        assert_eq!(digests.len(), bodies.len());
        assert!(!digests.contains(&ANY_BODY.0));
    }

    #[test]
    fn a_head_is_told_by_method_path_and_query() {
        let (profile, digester) = (profile(), Digester::new(&profile()));
        let head = |method, target| digester.head(&RequestKey::without_body(method, target, &profile));
        assert_eq!(head("GET", "/a?x=1&y=2&trace=7"), head("get", "/a?y=2&x=1"));
        assert_eq!(head("GET", "/a%62"), head("GET", "/ab"));
        for (method, target) in
            [("POST", "/a?x=1"), ("GET", "/a/?x=1"), ("GET", "/a?x=2"), ("GET", "/a?x=1&x=1")]
        {
            assert_ne!(head("GET", "/a?x=1"), head(method, target), "{method} {target}");
        }
    }
}
