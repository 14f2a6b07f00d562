//! A JSON object of another tool, read key by key, so that no key is passed over unseen.

use crate::ImportError;
use crate::json;
use crate::source::Source;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The keys of one object that were not read yet.
pub(crate) struct Fields<'a> {
    source: Source<'a>,
    part: &'a str,
    unread: IndexMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads a part of a file as an object. `what` says what the part is meant to be.
    pub(crate) fn read(source: Source<'a>, part: &'a str, what: &str) -> Result<Self, ImportError> {
        Ok(Self { source, part, unread: json::parse(source, part, what)? })
    }

    /// Whether there is such a key, read or not yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.unread.contains_key(key)
    }

    /// What stands under a key; nothing where that is `null`.
    pub(crate) fn raw(&mut self, key: &str) -> Option<&'a str> {
        self.unread.shift_remove(key).map(RawValue::get).filter(|raw| *raw != "null")
    }

    /// What stands under a key, as a value of a type.
    pub(crate) fn value<T: Deserialize<'a>>(
        &mut self,
        key: &str,
        what: &str,
    ) -> Result<Option<T>, ImportError> {
        let expected = || format!("{what} under `{key}`");
        self.raw(key).map(|raw| json::parse(self.source, raw, &expected())).transpose()
    }

    /// Text under a key.
    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, ImportError> {
        self.value(key, "text")
    }

    /// The object under a key.
    pub(crate) fn fields(&mut self, key: &str) -> Result<Option<Self>, ImportError> {
        let source = self.source;
        let expected = format!("an object under `{key}`");
        self.raw(key).map(|raw| Self::read(source, raw, &expected)).transpose()
    }

    /// Another part of the same file as an object.
    pub(crate) fn read_within(&self, part: &'a str, what: &str) -> Result<Self, ImportError> {
        Self::read(self.source, part, what)
    }

    /// The list under a key, each of its parts as text.
    pub(crate) fn list(&mut self, key: &str) -> Result<Option<Vec<&'a str>>, ImportError> {
        let list: Option<Vec<&'a RawValue>> = self.value(key, "a list")?;
        Ok(list.map(|list| list.into_iter().map(RawValue::get).collect()))
    }

    /// The names and values of the object under a key, in order.
    pub(crate) fn named(&mut self, key: &str) -> Result<Vec<(String, &'a str)>, ImportError> {
        let object: Option<IndexMap<String, &'a RawValue>> = self.value(key, "an object")?;
        let object = object.unwrap_or_default();
        Ok(object.into_iter().map(|(name, raw)| (name, raw.get())).collect())
    }

    /// Drops keys that say nothing of an exchange.
    pub(crate) fn pass_over(&mut self, keys: &[&str]) {
        for key in keys {
            self.unread.shift_remove(*key);
        }
    }

    /// The keys that are left.
    pub(crate) fn unread(&self) -> impl Iterator<Item = &str> {
        self.unread.iter().filter(|(_, raw)| raw.get() != "null").map(|(key, _)| key.as_str())
    }

    /// A refusal with the place of this object.
    pub(crate) fn refuse(&self, message: impl Into<String>) -> ImportError {
        self.source.refuse(self.source.offset_of(self.part), message)
    }
}

/// A JSON scalar as people mean it: text without its quotes, anything else as it stands.
pub(crate) fn plain_text(raw: &str) -> String {
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}
