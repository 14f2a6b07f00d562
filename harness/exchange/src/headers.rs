//! HTTP header fields of one message: names in order of first occurrence, duplicates kept per name.
//!
//! The order *between* fields of different names is what an HTTP library can give: hyper's map keeps
//! the order within a name, which is the only order that RFC 9110 section 5.3 gives a meaning.

use std::fmt;

/// One field value: text where it is UTF-8, else the bytes themselves (obs-text, RFC 9110 section 5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HeaderValue {
    /// A value that is valid UTF-8.
    Text(String),
    /// A value that is not.
    Bytes(Vec<u8>),
}

impl HeaderValue {
    /// Takes the richer form that keeps every byte.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes)
            .map_or_else(|_| Self::Bytes(bytes.to_vec()), |text| Self::Text(text.to_owned()))
    }

    /// The bytes as they go over the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The value as text, where it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

/// The header fields of one message. Names are lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<HeaderValue>)>);

impl Headers {
    /// Adds a value behind those that the name already has.
    pub fn append(&mut self, name: &str, value: HeaderValue) {
        let name = name.to_ascii_lowercase();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => self.0.push((name, vec![value])),
        }
    }

    /// Replaces all values of a name by one.
    pub fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.append(name, HeaderValue::Text(value.to_owned()));
    }

    /// Drops a name with all its values.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The first value of a name, where it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values(name).first().and_then(HeaderValue::as_text)
    }

    /// All values of a name, in order.
    #[must_use]
    pub fn values(&self, name: &str) -> &[HeaderValue] {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or(&[], |(_, values)| values)
    }

    /// Names with their values, in order of first occurrence.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[HeaderValue])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The values of all names, to be changed in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut HeaderValue)> {
        self.0.iter_mut().flat_map(|(name, values)| {
            let name: &str = name;
            values.iter_mut().map(move |value| (name, value))
        })
    }

    /// Whether there is no field at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
