//! What a tree says: any type that serde reads, with the place of everything that is wrong.

use super::place::SPANNED;
use super::problem::Problem;
use super::tree::{Content, Node};
use serde::de::value::{StrDeserializer, U64Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

/// Reads a value from a tree.
pub(crate) fn read<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Problem> {
    T::deserialize(Reader(node)).map_err(|problem| problem.at(node.location))
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Node);

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value, _) => visitor.visit_bool(*value),
            Content::Number(number, _) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or_default()),
            },
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(items) => visitor.visit_seq(Items(items)),
            Content::Map(entries) => visitor.visit_map(Entries { rest: entries, value: None }),
        }
    }

    /// A number where text is asked for is the text that was written.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.content {
            Content::Bool(_, spelled) | Content::Number(_, spelled) => visitor.visit_borrowed_str(spelled),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match name {
            SPANNED => visitor.visit_seq(Placed { node: self.0, next: 0 }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match &self.0.content {
            Content::Text(word) => visitor.visit_enum(Word { word, value: None }),
            Content::Map(entries) if entries.len() == 1 => {
                let (key, value) = &entries[0];
                visitor
                    .visit_enum(Word { word: &key.name, value: Some(value) })
                    .map_err(|problem| problem.at(key.location))
            }
            Content::Map(entries) => {
                let words: Vec<&str> = entries.iter().map(|(key, _)| key.name.as_str()).collect();
                let location = entries.get(1).map_or(self.0.location, |(key, _)| key.location);
                let found = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
                let message = format!(
                    "expected one word with its value, one of {}; found {}",
                    known.join(", "),
                    super::problem::quoted(&found)
                );
                Err(Problem::new(location, message))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0.content {
            Content::Map(_) => self.deserialize_any(visitor),
            _ => Err(Problem::invalid_type(unexpected(self.0), &"a mapping of keys to values")),
        }
    }

    /// A mapping alone: serde would take a list for the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct
    }
}

struct Items<'a>(&'a [Node]);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        seed.deserialize(Reader(first)).map(Some).map_err(|problem| problem.at(first.location))
    }
}

struct Entries<'a> {
    rest: &'a [(super::tree::Key, Node)],
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some(((key, value), rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        self.value = Some(value);
        // The name as a node: whoever asks for a key with its place is given one.
        let name: StrDeserializer<'de, Problem> = key.name.as_str().into_deserializer();
        seed.deserialize(KeyReader { name, key }).map(Some).map_err(|problem| problem.at(key.location))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let value = self.value.take().ok_or_else(|| Problem::custom("a value without its key"))?;
        seed.deserialize(Reader(value)).map_err(|problem| problem.at(value.location))
    }
}

/// A key: text, or text with its place.
struct KeyReader<'a> {
    name: StrDeserializer<'a, Problem>,
    key: &'a super::tree::Key,
}

impl<'de> Deserializer<'de> for KeyReader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.name.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_enum(Word { word: &self.key.name, value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match name {
            SPANNED => visitor.visit_seq(PlacedKey { key: self.key, next: 0 }),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Line, column and value of a node.
struct Placed<'a> {
    node: &'a Node,
    next: u8,
}

impl<'de> SeqAccess<'de> for Placed<'de> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.next += 1;
        let number = |number: u64| -> U64Deserializer<Problem> { number.into_deserializer() };
        match self.next {
            1 => seed.deserialize(number(self.node.location.line())).map(Some),
            2 => seed.deserialize(number(self.node.location.column())).map(Some),
            3 => seed.deserialize(Reader(self.node)).map(Some),
            _ => Ok(None),
        }
    }
}

struct PlacedKey<'a> {
    key: &'a super::tree::Key,
    next: u8,
}

impl<'de> SeqAccess<'de> for PlacedKey<'de> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        self.next += 1;
        let number = |number: u64| -> U64Deserializer<Problem> { number.into_deserializer() };
        let name: StrDeserializer<'de, Problem> = self.key.name.as_str().into_deserializer();
        match self.next {
            1 => seed.deserialize(number(self.key.location.line())).map(Some),
            2 => seed.deserialize(number(self.key.location.column())).map(Some),
            3 => seed.deserialize(name).map(Some),
            _ => Ok(None),
        }
    }
}

/// A word with its value, if it has one.
struct Word<'a> {
    word: &'a str,
    value: Option<&'a Node>,
}

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = Problem;
    type Variant = Taken<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Taken<'de>), Problem> {
        let word: StrDeserializer<'de, Problem> = self.word.into_deserializer();
        Ok((seed.deserialize(word)?, Taken(self)))
    }
}

struct Taken<'a>(Word<'a>);

impl<'de> Taken<'de> {
    fn value(&self) -> Result<&'de Node, Problem> {
        let word = self.0.word;
        self.0.value.ok_or_else(|| {
            Problem::custom(format!(
                "the word `{word}` stands alone; give it its value, as in `{word}: {{}}`"
            ))
        })
    }
}

impl<'de> VariantAccess<'de> for Taken<'de> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        match self.0.value {
            None => Ok(()),
            Some(value) => {
                Err(Problem::invalid_type(unexpected(value), &"the word alone").at(value.location))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Problem> {
        let value = self.value()?;
        seed.deserialize(Reader(value)).map_err(|problem| problem.at(value.location))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        let value = self.value()?;
        Reader(value).deserialize_any(visitor).map_err(|problem| problem.at(value.location))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let value = self.value()?;
        Reader(value).deserialize_map(visitor).map_err(|problem| problem.at(value.location))
    }
}

fn unexpected(node: &Node) -> Unexpected<'_> {
    match &node.content {
        Content::Null => Unexpected::Unit,
        Content::Bool(value, _) => Unexpected::Bool(*value),
        Content::Number(number, _) => Unexpected::Float(number.as_f64().unwrap_or_default()),
        Content::Text(text) => Unexpected::Str(text),
        Content::List(_) => Unexpected::Seq,
        Content::Map(_) => Unexpected::Map,
    }
}
