//! Creating, changing, archiving and deleting: what the answer is, and what the state is afterwards.
//!
//! Nothing is changed here. The change is handed back, to be kept once the answer is given.

use super::Ask;
use super::client_fields;
use super::collection::{Position, Record, renamed, value_at};
use super::field_path;
use super::kind::{Form, Kind, Scope, Shows, with_body};
use super::learning::Verb;
use crate::forms::plain;
use counterpart_exchange::Response;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) kind: usize,
    pub(crate) scope: Scope,
    pub(crate) position: Position,
    /// What it was; none where it is new.
    pub(crate) before: Option<Record>,
    /// What it is; none where it is gone.
    pub(crate) after: Option<Record>,
    /// The numbers of ids that it uses up.
    pub(crate) numbers: u64,
    /// The fields that the client wrote.
    pub(crate) wrote: BTreeSet<String>,
}

/// An answer and the change that goes with it.
pub(crate) type Written = (Response, Option<Write>, Option<String>);

/// Makes a new record.
pub(crate) fn create(kind: &Kind, index: usize, scope: &Scope, ask: &Ask<'_>) -> Written {
    let wrote = match client_fields::of_request(ask.request, kind.resource.wrapped_in.as_deref()) {
        Ok(wrote) => wrote,
        Err(refused) => return (refused, None, None),
    };
    let is_taken = |id: &str| kind.find(scope, id).is_some();
    let tried = (kind.next_number..).map(|number| (number, kind.ids.make(number)));
    let Some((number, id)) = tried.take(MAX_TRIES).find(|(_, id)| !is_taken(id)) else {
        return (plain(507, &format!("no further id can be made for {}", kind.name)), None, None);
    };
    let (form, recorded) =
        kind.forms.create.as_ref().map_or((None, None), |(form, made)| (Some(form), Some(made)));
    let model = recorded.and_then(|recorded| {
        let text = recorded.record.as_ref()?;
        Some((renamed(text, recorded.id.as_deref().unwrap_or_default(), &id), &recorded.wrote))
    });
    let mut fields: Map<String, Value> =
        model.as_ref().and_then(|(text, _)| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some((_, recorded)) = &model {
        client_fields::forget(&mut fields, recorded, &wrote);
    }
    client_fields::overlay(&mut fields, &wrote);
    let stamps = &kind.resource.timestamps;
    let mut json = Value::Object(fields).to_string();
    let stamped = [
        (Some(&kind.resource.id), kind.ids.json(&id)),
        (stamps.created.as_ref(), kind.stamps.created.write(ask.now)),
        (stamps.updated.as_ref(), kind.stamps.updated.write(ask.now)),
    ];
    for (field, value) in stamped {
        json = match field {
            Some(field) => field_path::set(&json, field, &value.to_string()).unwrap_or(json),
            None => json,
        };
    }
    let Some(record) = Record::of(&json, &kind.resource) else {
        let why = format!("a new {} could not be given an id in `{}`", kind.name, kind.resource.id);
        return (plain(400, &why), None, None);
    };
    let position = kind.collections.get(scope).map_or(0, super::collection::Collection::next_position);
    let mut response = kind.answer_about(form, 201, &json, ask.now);
    let old_id = recorded.and_then(|recorded| recorded.id.as_deref());
    if let (Some(location), Some(old)) = (response.headers.text("location").map(str::to_owned), old_id) {
        response.headers.set("location", &with_id(&location, old, &id));
    }
    let write = Write {
        kind: index,
        scope: scope.clone(),
        position,
        before: None,
        after: Some(record),
        numbers: number + 1 - kind.next_number,
        wrote: wrote.keys().cloned().collect(),
    };
    (response, Some(write), form.map(|form| form.exchange.clone()))
}

/// Ids that are tried before a create is refused.
const MAX_TRIES: usize = 1_000;

fn with_id(location: &str, old: &str, new: &str) -> String {
    let path = location.split(['?', '#']).next().unwrap_or(location);
    match path.strip_suffix(old) {
        Some(before) => format!("{before}{new}{}", &location[path.len()..]),
        None => location.to_owned(),
    }
}

/// A record that a request names.
pub(crate) struct Named<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) index: usize,
    pub(crate) scope: &'a Scope,
    pub(crate) position: Position,
    pub(crate) record: Record,
}

impl Named<'_> {
    /// Changes, archives or deletes it.
    pub(crate) fn written(&self, verb: Verb, ask: &Ask<'_>) -> Written {
        match verb {
            Verb::Update => self.update(ask),
            Verb::Archive => self.archive(ask),
            Verb::Delete => self.delete(ask),
            Verb::Create | Verb::Read | Verb::List => self.read(ask),
        }
    }

    /// Shows it.
    pub(crate) fn read(&self, ask: &Ask<'_>) -> Written {
        let form = self.kind.forms.read.as_ref();
        (self.kind.answer_about(form, 200, &self.record.json, ask.now), None, exchange_of(form))
    }

    fn update(&self, ask: &Ask<'_>) -> Written {
        let kind = self.kind;
        let wrote = match client_fields::of_request(ask.request, kind.resource.wrapped_in.as_deref()) {
            Ok(wrote) => wrote,
            Err(refused) => return (refused, None, None),
        };
        let mut fields: Map<String, Value> = serde_json::from_str(&self.record.json).unwrap_or_default();
        if ask.request.method.eq_ignore_ascii_case("PUT") {
            fields.retain(|name, _| !kind.writable.contains(name));
            client_fields::overlay(&mut fields, &wrote);
        } else {
            client_fields::merge(&mut fields, &wrote);
        }
        let json = self.stamped(&Value::Object(fields).to_string(), ask);
        self.changed_to(&json, kind.forms.update.as_ref(), 200, ask, wrote.keys().cloned().collect())
    }

    fn archive(&self, ask: &Ask<'_>) -> Written {
        let mark = self.kind.resource.archived.as_ref();
        let (field, value) =
            mark.map_or(("archived", Value::Bool(true)), |mark| (mark.field.as_str(), mark.value.clone()));
        let json = field_path::set(&self.record.json, field, &value.to_string())
            .unwrap_or_else(|_| self.record.json.to_string());
        let json = self.stamped(&json, ask);
        self.changed_to(&json, self.kind.forms.archive.as_ref(), 204, ask, BTreeSet::new())
    }

    fn delete(&self, ask: &Ask<'_>) -> Written {
        let form = self.kind.forms.delete.as_ref();
        let response = match form {
            Some(Form { shows: Shows::Nothing, response, .. }) => {
                // `{"id": "7", "deleted": true}` is no record, but it is about one.
                let old =
                    response.body.json().and_then(|json| value_at(json.as_str(), &self.kind.resource.id));
                let new = self.kind.ids.json(&self.record.id).to_string();
                let text = response
                    .body
                    .json()
                    .filter(|_| old.is_some())
                    .and_then(|json| field_path::set(json.as_str(), &self.kind.resource.id, &new).ok());
                let response = super::kind::fresh(response.clone(), ask.now);
                text.map_or(response.clone(), |text| with_body(response, &text))
            }
            form => self.kind.answer_about(form, 204, &self.record.json, ask.now),
        };
        (response, Some(self.write(None, BTreeSet::new())), exchange_of(form))
    }

    fn changed_to(
        &self,
        json: &str,
        form: Option<&Form>,
        status: u16,
        ask: &Ask<'_>,
        wrote: BTreeSet<String>,
    ) -> Written {
        let response = self.kind.answer_about(form, status, json, ask.now);
        let after = Record::of(json, &self.kind.resource);
        (response, after.map(|after| self.write(Some(after), wrote)), exchange_of(form))
    }

    pub(crate) fn write(&self, after: Option<Record>, wrote: BTreeSet<String>) -> Write {
        Write {
            kind: self.index,
            scope: self.scope.clone(),
            position: self.position,
            before: Some(self.record.clone()),
            after,
            numbers: 0,
            wrote,
        }
    }

    /// The record with what no client may change put back, and the time of this change.
    fn stamped(&self, json: &str, ask: &Ask<'_>) -> String {
        let stamps = &self.kind.resource.timestamps;
        let kept = std::iter::once(&self.kind.resource.id).chain(&stamps.created);
        let mut json =
            kept.fold(json.to_owned(), |json, field| match field_path::get(&self.record.json, field) {
                Some(value) => field_path::set(&json, field, &value).unwrap_or(json),
                None => json,
            });
        if let Some(field) = &stamps.updated {
            let now = self.kind.stamps.updated.write(ask.now).to_string();
            json = field_path::set(&json, field, &now).unwrap_or(json);
        }
        json
    }
}

fn exchange_of(form: Option<&Form>) -> Option<String> {
    form.map(|form| form.exchange.clone())
}
