//! How a request tells which version of an API it is for.

use super::FieldName;
use crate::RequestTarget;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::num::NonZeroUsize;

/// Several versions of an API at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Where a request tells its version.
    pub told_by: ToldBy,
    /// The version of requests that tell none. Without it they are a version of their own.
    #[serde(default)]
    pub default: Option<String>,
}

/// Where a request tells its version: exactly one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ToldBy {
    /// A header field: `stripe-version`.
    Header(FieldName),
    /// A query field: `api-version`.
    Query(String),
    /// A segment of the path, counted from 1: 2 in `/api/v3/items`.
    PathSegment(NonZeroUsize),
}

impl Versions {
    /// The version that a request tells, or that stands for those that tell none.
    pub fn of<'a>(
        &'a self,
        target: &'a str,
        header: impl FnOnce(&str) -> Option<&'a str>,
    ) -> Option<Cow<'a, str>> {
        let told = match &self.told_by {
            ToldBy::Header(name) => header(name.as_str()).map(|value| Cow::Borrowed(value.trim())),
            ToldBy::Query(name) => {
                let fields = RequestTarget::of(target).query_fields();
                fields.into_iter().find(|(known, _)| known == name).map(|(_, value)| Cow::Owned(value))
            }
            ToldBy::PathSegment(nth) => RequestTarget::of(target)
                .segments()
                .nth(nth.get() - 1)
                .map(|segment| Cow::Owned(segment.to_string())),
        };
        told.filter(|told| !told.is_empty()).or_else(|| self.default.as_deref().map(Cow::Borrowed))
    }

    /// The query field that tells it, which is then no part of what is asked for.
    #[must_use]
    pub fn query_field(&self) -> Option<&str> {
        match &self.told_by {
            ToldBy::Query(name) => Some(name),
            ToldBy::Header(_) | ToldBy::PathSegment(_) => None,
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.query_field().is_some_and(str::is_empty) {
            return Err("versions.told_by.query: no query field has an empty name".to_owned());
        }
        if self.default.as_deref().is_some_and(|default| default.trim().is_empty()) {
            return Err(
                "versions.default: an empty version; leave the key out where there is none".to_owned()
            );
        }
        Ok(())
    }
}
