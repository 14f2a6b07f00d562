//! Where a part of a scenario file stands.
//!
//! A type of our own, since a file is read twice: once as a tree with places, in which names are filled in, and from that
//! as what it says. Read from anything else, a value has no place.

use counterpart_exchange::Place;
use schemars::JsonSchema;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// A point in a file: line and column, both counted from 1; 0 where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    line: u64,
    column: u64,
}

impl Location {
    /// No place at all.
    pub const UNKNOWN: Self = Self { line: 0, column: 0 };

    /// A place.
    #[must_use]
    pub fn new(line: u64, column: u64) -> Self {
        Self { line, column }
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(self) -> u64 {
        self.line
    }

    /// The column, from 1.
    #[must_use]
    pub fn column(self) -> u64 {
        self.column
    }

    pub(crate) fn is_known(self) -> bool {
        self.line > 0
    }
}

impl From<serde_saphyr::Location> for Location {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { line: location.line.max(1), column: location.column.max(1) }
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub referenced: Location,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, referenced: Location) -> Self {
        Self { value, referenced }
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// By this name the tree's reader knows that a place is asked for.
pub(super) const SPANNED: &str = "counterpart::Spanned";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(SPANNED, WithPlace(PhantomData))
    }
}

struct WithPlace<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WithPlace<T> {
    type Value = Spanned<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Spanned<T>, D::Error> {
        T::deserialize(deserializer).map(|value| Spanned::new(value, Location::UNKNOWN))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Spanned<T>, A::Error> {
        let missing = || serde::de::Error::custom("a value without its place");
        let line = parts.next_element()?.ok_or_else(missing)?;
        let column = parts.next_element()?.ok_or_else(missing)?;
        let value = parts.next_element()?.ok_or_else(missing)?;
        Ok(Spanned::new(value, Location::new(line, column)))
    }
}
