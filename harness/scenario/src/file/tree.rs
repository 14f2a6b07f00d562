//! A YAML file as a tree with places: what names are filled in, and what a scenario is then read from.

use super::place::Location;
use counterpart_exchange::Document;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::Spanned;
use std::fmt;

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) location: Location,
    /// Where it stands in the text, in bytes: how a plain scalar is spelled.
    span: Option<(usize, usize)>,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Null,
    Bool(bool, String),
    /// A number as it is spelled, and as it counts.
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    /// Keys in order, each with its place.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) location: Location,
}

impl Node {
    pub(crate) fn new(location: Location, content: Content) -> Self {
        Self { location, span: None, content }
    }

    /// The value under a key, where it is a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(name, _)| name.name == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; none where it is something else.
    pub(crate) fn entries(&self) -> &[(Key, Node)] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none where it is something else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Takes over how numbers and booleans are spelled: a text that looks like a number is what was written.
    pub(crate) fn spelled_as_in(mut self, source: &str) -> Self {
        let span = self.span;
        match &mut self.content {
            Content::Bool(_, spelled) | Content::Number(_, spelled) => {
                if let Some(text) = span.and_then(|(from, to)| source.get(from..to)) {
                    text.trim_end().clone_into(spelled);
                }
            }
            Content::List(items) => {
                *items = std::mem::take(items).into_iter().map(|item| item.spelled_as_in(source)).collect();
            }
            Content::Map(entries) => {
                *entries = std::mem::take(entries)
                    .into_iter()
                    .map(|(key, node)| (key, node.spelled_as_in(source)))
                    .collect();
            }
            Content::Null | Content::Text(_) => {}
        }
        self
    }
}

/// The tree of a scenario's file, whose head is checked as that of any document.
pub(crate) struct ScenarioTree(pub(crate) Node);

impl Document for ScenarioTree {
    const KIND: &'static str = "scenario";
    const VERSION: u32 = 1;
}

impl<'de> Deserialize<'de> for ScenarioTree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed(Spanned::deserialize(deserializer)?).map(Self)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

fn placed<E>(spanned: Spanned<Content>) -> Result<Node, E> {
    let span = spanned.defined.span();
    let bytes = |at: Option<u64>| at.and_then(|at| usize::try_from(at).ok());
    let span =
        bytes(span.byte_offset()).zip(bytes(span.byte_len())).map(|(from, length)| (from, from + length));
    Ok(Node { location: spanned.referenced.into(), span, content: spanned.value })
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Content;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text, a number, true, false, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value, value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into(), value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into(), value.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Content, E> {
        match Number::from_f64(value) {
            Some(number) => Ok(Content::Number(number, value.to_string())),
            None => Err(E::custom("a number that is infinite or none at all; JSON has no such number")),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Content, E> {
        Ok(Content::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Content>>()? {
            list.push(placed(item)?);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map: Vec<(Key, Node)> = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let key = Key { name: key.value, location: key.referenced.into() };
            map.push((key, placed(entries.next_value()?)?));
        }
        Ok(Content::Map(map))
    }
}

/// The node as JSON.
impl From<&Node> for Value {
    fn from(node: &Node) -> Self {
        match &node.content {
            Content::Null => Self::Null,
            Content::Bool(value, _) => Self::Bool(*value),
            Content::Number(number, _) => Self::Number(number.clone()),
            Content::Text(text) => Self::String(text.clone()),
            Content::List(items) => Self::Array(items.iter().map(Self::from).collect()),
            Content::Map(entries) => {
                Self::Object(entries.iter().map(|(key, node)| (key.name.clone(), node.into())).collect())
            }
        }
    }
}
