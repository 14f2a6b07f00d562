//! How cassettes are spelled: by VCR (Ruby), vcrpy (Python) and go-vcr, in YAML or JSON.
//!
//! They are cousins. What one of them has and another has not is optional here; [`vcr`](crate::import_vcr) makes
//! exchanges of it.

use crate::yaml::Scalar;
use counterpart_exchange::HeaderValue;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Tagged;
use std::fmt;

/// A cassette; `T` is an interaction, or what becomes one.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Cassette<T> {
    /// VCR's list.
    pub(crate) http_interactions: Option<Vec<T>>,
    /// vcrpy's and go-vcr's.
    pub(crate) interactions: Option<Vec<T>>,
}

#[derive(Deserialize)]
pub(crate) struct Interaction {
    pub(crate) request: CassetteRequest,
    #[serde(default)]
    pub(crate) response: Option<CassetteResponse>,
    #[serde(default)]
    pub(crate) recorded_at: Option<Scalar>,
}

#[derive(Deserialize)]
pub(crate) struct CassetteRequest {
    pub(crate) method: Scalar,
    /// VCR and vcrpy.
    #[serde(default)]
    pub(crate) uri: Option<Scalar>,
    /// go-vcr.
    #[serde(default)]
    pub(crate) url: Option<Scalar>,
    #[serde(default)]
    pub(crate) headers: Fields,
    #[serde(default)]
    pub(crate) body: CassetteBody,
    /// go-vcr: the fields of a form, also where its body was read before it could be kept.
    #[serde(default)]
    pub(crate) form: Fields,
}

#[derive(Deserialize)]
pub(crate) struct CassetteResponse {
    #[serde(default)]
    pub(crate) status: Option<Status>,
    /// go-vcr, where `status` is the whole line.
    #[serde(default)]
    pub(crate) code: Option<Scalar>,
    /// vcrpy for httpx.
    #[serde(default)]
    pub(crate) status_code: Option<Scalar>,
    #[serde(default)]
    pub(crate) headers: Fields,
    #[serde(default)]
    pub(crate) body: CassetteBody,
    /// vcrpy for httpx.
    #[serde(default)]
    pub(crate) content: CassetteBody,
    /// go-vcr: a length of time.
    #[serde(default)]
    pub(crate) duration: Option<Scalar>,
    #[serde(default)]
    pub(crate) trailer: Fields,
}

/// `200`, `200 OK` or `{code: 200, message: OK}`.
pub(crate) struct Status(pub(crate) String);

/// Names with one value or several, in order.
#[derive(Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, HeaderValue)>);

/// A body, with the encoding that its text had.
#[derive(Default)]
pub(crate) struct CassetteBody {
    pub(crate) content: Option<Scalar>,
    pub(crate) encoding: Option<String>,
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl<'de> Visitor<'de> for Spelling {
            type Value = Status;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a status: a number, or a mapping with `code`")
            }

            fn visit_u64<E>(self, code: u64) -> Result<Status, E> {
                Ok(Status(code.to_string()))
            }

            fn visit_str<E>(self, line: &str) -> Result<Status, E> {
                Ok(Status(line.split(' ').next().unwrap_or_default().to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Status, A::Error> {
                let mut code = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "code" {
                        code = Some(map.next_value::<Status>()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                code.ok_or_else(|| A::Error::missing_field("code"))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl<'de> Visitor<'de> for Spelling {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping of names to values or lists of values")
            }

            fn visit_unit<E>(self) -> Result<Fields, E> {
                Ok(Fields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<Scalar>()? {
                    let name = String::from_utf8_lossy(&name.into_bytes()).into_owned();
                    let Values(values) = map.next_value()?;
                    fields.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

struct Values(Vec<HeaderValue>);

/// One value or a list, before its tag is looked at.
enum OneOrMany {
    One(String),
    Many(Vec<Scalar>),
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(value, tag) = Tagged::<OneOrMany>::deserialize(deserializer)?;
        let values = match value {
            OneOrMany::One(text) => vec![Scalar::of::<D::Error>(text, tag.as_deref())?],
            OneOrMany::Many(values) => values,
        };
        Ok(Self(values.into_iter().map(header_value).collect()))
    }
}

fn header_value(scalar: Scalar) -> HeaderValue {
    match scalar {
        Scalar::Text(text) => HeaderValue::Text(text),
        Scalar::Bytes(bytes) => HeaderValue::from_bytes(&bytes),
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl<'de> Visitor<'de> for Spelling {
            type Value = OneOrMany;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value, or a list of values")
            }

            fn visit_unit<E>(self) -> Result<OneOrMany, E> {
                Ok(OneOrMany::Many(Vec::new()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(value.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut values = Vec::new();
                // An empty entry of Ruby's is null.
                while let Some(value) = items.next_element::<Option<Scalar>>()? {
                    values.push(value.unwrap_or(Scalar::Text(String::new())));
                }
                Ok(OneOrMany::Many(values))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}

/// A body before its tag is looked at.
enum BodySpelling {
    Text(String),
    Parts(CassetteBody),
}

#[derive(Deserialize)]
struct BodyParts {
    #[serde(default)]
    encoding: Option<Scalar>,
    #[serde(default)]
    string: Option<Scalar>,
    #[serde(default)]
    base64_string: Option<Scalar>,
}

impl<'de> Deserialize<'de> for CassetteBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(body, tag) = Tagged::<BodySpelling>::deserialize(deserializer)?;
        match body {
            BodySpelling::Text(text) => {
                let content = Scalar::of::<D::Error>(text, tag.as_deref())?;
                Ok(Self { content: Some(content), encoding: None })
            }
            BodySpelling::Parts(body) => Ok(body),
        }
    }
}

impl<'de> Deserialize<'de> for BodySpelling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spelling;

        impl<'de> Visitor<'de> for Spelling {
            type Value = BodySpelling;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a body: text in quotes, or a mapping with `string` or `base64_string`")
            }

            fn visit_unit<E>(self) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Parts(CassetteBody::default()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Text(value.to_string()))
            }

            fn visit_bool<E>(self, value: bool) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Text(value.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<BodySpelling, E> {
                Ok(BodySpelling::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BodySpelling, A::Error> {
                let parts = BodyParts::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let content = match parts.base64_string {
                    Some(packed) => {
                        let bytes = packed.as_text().and_then(crate::har::base64_bytes);
                        let bytes =
                            bytes.ok_or_else(|| A::Error::custom("`base64_string` that is not base64"))?;
                        Some(Scalar::Bytes(bytes))
                    }
                    None => parts.string,
                };
                let encoding = parts.encoding.as_ref().and_then(Scalar::as_text).map(str::to_owned);
                Ok(BodySpelling::Parts(CassetteBody { content, encoding }))
            }
        }

        deserializer.deserialize_any(Spelling)
    }
}
