//! A kind of record: its collections, and what the provider's answers about it look like.

use super::collection::{Collection, Position, Record};
use super::field_path;
use super::ids::Ids;
use super::stamps::{StampForm, http_date};
use crate::forms::{ErrorForms, plain};
use counterpart_exchange::{Body, JsonText, Pagination, Resource, Response};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The path variables, but for the id, under which records are: `[("room", "a")]`. Sorted by name.
pub(crate) type Scope = Vec<(String, String)>;

/// A resource as state.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) resource: Arc<Resource>,
    /// How its list is paged, if it is.
    pub(crate) paging: Option<Pagination>,
    pub(crate) collections: IndexMap<Scope, Collection>,
    pub(crate) ids: Ids,
    /// The number of the next new record's id.
    pub(crate) next_number: u64,
    pub(crate) stamps: Stamps,
    pub(crate) forms: Forms,
    /// The fields that clients write: what a PUT leaves out of them is gone.
    pub(crate) writable: BTreeSet<String>,
    /// Fields that answers about one record have, and lists have not.
    pub(crate) not_in_lists: BTreeSet<String>,
    pub(crate) recorded_cursors: HashMap<(Scope, String), Position>,
    pub(crate) cursors_at: HashMap<(Scope, Position), String>,
}

/// The forms of a record's times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps {
    pub(crate) created: StampForm,
    pub(crate) updated: StampForm,
}

/// What answers look like, by what was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forms {
    pub(crate) create: Option<(Form, RecordedCreate)>,
    pub(crate) read: Option<Form>,
    pub(crate) update: Option<Form>,
    pub(crate) archive: Option<Form>,
    pub(crate) delete: Option<Form>,
    /// The first recorded page, and the exchange that it is from.
    pub(crate) list: Option<(Response, String)>,
    pub(crate) not_found: Option<Response>,
}

/// A create as it was recorded.
#[derive(Clone, Debug)]
pub(crate) struct RecordedCreate {
    /// The record as the answer shows it, if it does.
    pub(crate) record: Option<String>,
    pub(crate) id: Option<String>,
    /// What the client wrote.
    pub(crate) wrote: Map<String, Value>,
}

/// A recorded answer about one record.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) response: Response,
    pub(crate) exchange: String,
    pub(crate) shows: Shows,
}

/// What an answer shows of the record that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// Nothing of it: the body is as recorded.
    Nothing,
    /// All of it.
    Whole,
    /// These fields.
    Fields(Vec<String>),
}

impl Kind {
    /// The collection that a request is about and the position of an id in it. Where the request names fewer path
    /// variables than the list does, the collections that agree with it are looked through.
    pub(crate) fn find(&self, scope: &Scope, id: &str) -> Option<(&Scope, &Collection, Position)> {
        let exact = self.collections.get_key_value(scope);
        let agrees = |other: &Scope| {
            other.iter().all(|(name, value)| {
                scope.iter().find(|(asked, _)| asked == name).is_none_or(|(_, asked)| asked == value)
            })
        };
        let others = self.collections.iter().filter(|(other, _)| *other != scope && agrees(other));
        exact
            .into_iter()
            .chain(others)
            .find_map(|(scope, collection)| collection.find(id).map(|position| (scope, collection, position)))
    }

    /// Ids for so many records in each collection.
    pub(crate) fn make_ids_for(&mut self, records: u64) {
        self.ids.make_room(records.saturating_mul(self.collections.len() as u64));
    }

    /// The answer about one record, in the recorded form or else plainly.
    pub(crate) fn answer_about(
        &self,
        form: Option<&Form>,
        status: u16,
        json: &str,
        now: Timestamp,
    ) -> Response {
        let Some(form) = form else {
            return match status {
                204 => {
                    Response { status, headers: counterpart_exchange::Headers::default(), body: Body::None }
                }
                _ => with_body(plain(status, ""), &self.wrapped("{}", json)),
            };
        };
        let mut response = fresh(form.response.clone(), now);
        let shown = match &form.shows {
            Shows::Nothing => return response,
            Shows::Whole => json.to_owned(),
            Shows::Fields(names) => {
                names.iter().fold("{}".to_owned(), |shown, name| match field_path::get(json, name) {
                    Some(value) => field_path::set(&shown, name, &value).unwrap_or(shown),
                    None => shown,
                })
            }
        };
        let around = response.body.json().map_or("{}", JsonText::as_str).to_owned();
        response = with_body(response, &self.wrapped(&around, &shown));
        response
    }

    fn wrapped(&self, around: &str, json: &str) -> String {
        match &self.resource.wrapped_in {
            Some(name) => field_path::set(around, name, json).unwrap_or_else(|_| json.to_owned()),
            None => json.to_owned(),
        }
    }

    /// The answer where there is no such record.
    pub(crate) fn not_found(&self, forms: &ErrorForms, id: &str) -> Response {
        let own = || plain(404, &format!("there is no {} {id:?}", self.name));
        forms.recorded("not_found").or(self.forms.not_found.as_ref()).cloned().unwrap_or_else(own)
    }

    /// The record as a list shows it.
    pub(crate) fn as_listed(&self, record: &Record) -> String {
        let whole = record.json.to_string();
        self.not_in_lists.iter().fold(whole, |json, name| field_path::remove(&json, name).unwrap_or(json))
    }
}

/// Fields of a recorded answer that say something about its body or its time: not true of another one.
const ABOUT_THE_BODY: [&str; 6] =
    ["etag", "last-modified", "content-md5", "digest", "content-digest", "repr-digest"];

/// A recorded answer as the form of a new one.
pub(crate) fn fresh(mut response: Response, now: Timestamp) -> Response {
    for name in ABOUT_THE_BODY {
        response.headers.remove(name);
    }
    if response.headers.text("date").is_some() {
        response.headers.set("date", &http_date(now));
    }
    response
}

pub(crate) fn with_body(mut response: Response, json: &str) -> Response {
    if let Ok(json) = JsonText::parse(json) {
        response.body = Body::Json(json);
    }
    response
}
