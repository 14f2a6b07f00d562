//! What the recording shows of a resource: its records, as the state at the start, and the form of its answers.

use super::client_fields;
use super::collection::{Collection, Grown, Record, value_at};
use super::field_path;
use super::ids::Ids;
use super::kind::{Form, Forms, Kind, RecordedCreate, Scope, Shows, Stamps};
use super::stamps::StampForm;
use counterpart_exchange::{
    Direction, Exchange, JsonText, NextPage, OperationName, Pagination, ProviderProfile, RequestTarget,
    Resource, Response,
};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Recorded records that grown ones are made from, at most.
const MAX_MODELS: usize = 256;

/// What an operation does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Read,
    Update,
    Archive,
    Delete,
    List,
}

/// What each operation of a resource does.
pub(crate) fn verbs(resource: &Resource) -> Vec<(&OperationName, Verb)> {
    let named = [
        (&resource.create, Verb::Create),
        (&resource.read, Verb::Read),
        (&resource.archive, Verb::Archive),
        (&resource.delete, Verb::Delete),
        (&resource.list, Verb::List),
    ];
    let single = named.into_iter().filter_map(|(operation, verb)| Some((operation.as_ref()?, verb)));
    single.chain(resource.update.iter().map(|operation| (operation, Verb::Update))).collect()
}

/// The path variables of a request, its id apart. None where the template has no variable for an id that is needed.
pub(crate) fn scope_of(
    profile: &ProviderProfile,
    method: &str,
    target: &str,
    verb: Verb,
) -> Option<(Scope, Option<String>)> {
    let mut variables = profile.template_of(method, target)?.variables;
    let id = match verb {
        Verb::Create | Verb::List => None,
        Verb::Read | Verb::Update | Verb::Archive | Verb::Delete => Some(variables.pop()?.1),
    };
    variables.sort();
    Some((variables, id))
}

/// Whether a resource begins with what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    AsRecorded,
    Empty,
}

/// Learns one resource from the exchanges that are about it.
pub(crate) fn learn(
    profile: &ProviderProfile,
    name: &str,
    exchanges: &[(String, Exchange)],
    begins: Begins,
) -> Kind {
    let resource = Arc::new(profile.resources[name].clone());
    let verbs: HashMap<&OperationName, Verb> = verbs(&profile.resources[name]).into_iter().collect();
    let paging = profile
        .pagination
        .clone()
        .filter(|paging| resource.list.as_ref().is_some_and(|list| paging.operations.contains(list)));
    let mut learner = Learner {
        paging: paging.as_ref(),
        resource: &resource,
        collections: IndexMap::new(),
        forms: Forms::default(),
        writable: BTreeSet::new(),
        in_lists: BTreeSet::new(),
        elsewhere: BTreeSet::new(),
        deleted_names: BTreeSet::new(),
        recorded_cursors: HashMap::new(),
        cursors_at: HashMap::new(),
        ids: Vec::new(),
        begins,
    };
    for (exchange_name, exchange) in exchanges {
        let operation = profile.operation_of(&exchange.request.method, &exchange.request.target);
        let (Some(verb), Direction::Outbound) = (verbs.get(&operation), exchange.direction) else { continue };
        let place = scope_of(profile, &exchange.request.method, &exchange.request.target, *verb);
        if let (Some((scope, id)), Some(response)) = (place, &exchange.response) {
            learner.take_in(*verb, scope, id.as_deref(), exchange_name, exchange, response);
        }
    }
    learner.kind(name, profile, paging.clone())
}

struct Learner<'a> {
    paging: Option<&'a Pagination>,
    resource: &'a Arc<Resource>,
    collections: IndexMap<Scope, Collection>,
    forms: Forms,
    writable: BTreeSet<String>,
    in_lists: BTreeSet<String>,
    elsewhere: BTreeSet<String>,
    deleted_names: BTreeSet<String>,
    recorded_cursors: HashMap<(Scope, String), i64>,
    cursors_at: HashMap<(Scope, i64), String>,
    ids: Vec<Value>,
    begins: Begins,
}

impl Learner<'_> {
    fn take_in(
        &mut self,
        verb: Verb,
        scope: Scope,
        id: Option<&str>,
        name: &str,
        exchange: &Exchange,
        response: &Response,
    ) {
        if response.status == 404 && id.is_some() {
            self.forms.not_found.get_or_insert_with(|| response.clone());
        }
        if !(200..300).contains(&response.status) {
            return;
        }
        if verb == Verb::List {
            return self.take_in_page(&scope, name, exchange, response);
        }
        let wrapped_in = self.resource.wrapped_in.as_deref();
        let wrote = client_fields::of_request(&exchange.request, wrapped_in).unwrap_or_default();
        if matches!(verb, Verb::Create | Verb::Update) {
            self.writable.extend(wrote.keys().cloned());
        }
        let shown = response
            .body
            .json()
            .and_then(|json| field_path::get(json.as_str(), wrapped_in.unwrap_or_default()));
        let shown = shown.filter(|shown| Record::of(shown, self.resource).is_some());
        let form = Form {
            response: response.clone(),
            exchange: name.to_owned(),
            shows: shows(verb, shown.as_deref(), &wrote),
        };
        if verb == Verb::Delete {
            self.deleted_names = shown.iter().flat_map(|shown| names_of(shown)).collect();
        } else {
            self.elsewhere.extend(shown.iter().flat_map(|shown| names_of(shown)));
        }
        match verb {
            Verb::Create => {
                let id = shown
                    .as_ref()
                    .and_then(|shown| Record::of(shown, self.resource))
                    .map(|record| record.id)
                    .or_else(|| id_in_location(response));
                let recorded = RecordedCreate { record: shown.clone(), id, wrote: wrote.clone() };
                self.forms.create.get_or_insert((form, recorded));
            }
            Verb::Read => drop(self.forms.read.get_or_insert(form)),
            Verb::Update => drop(self.forms.update.get_or_insert(form)),
            Verb::Archive => drop(self.forms.archive.get_or_insert(form)),
            Verb::Delete => drop(self.forms.delete.get_or_insert(form)),
            Verb::List => {}
        }
        if let Some(shown) = shown.filter(|_| verb != Verb::Delete) {
            let whole = if verb == Verb::Create { with_what_was_sent(&shown, &wrote) } else { shown };
            self.take_in_record(scope, &whole);
        }
    }

    fn take_in_page(&mut self, scope: &Scope, name: &str, exchange: &Exchange, response: &Response) {
        let items = self.resource.items.as_ref().or(self.paging.map(|paging| &paging.items));
        let (Some(items), Some(page)) = (items, response.body.json()) else { return };
        let Ok(records) = field_path::items(page.as_str(), items) else { return };
        self.forms.list.get_or_insert_with(|| (response.clone(), name.to_owned()));
        let order = self.resource.order;
        self.collections.entry(scope.clone()).or_insert_with(|| Collection::new(order));
        for record in &records {
            self.in_lists.extend(names_of(record.get()));
            self.take_in_record(scope.clone(), record.get());
        }
        if self.begins == Begins::AsRecorded {
            self.take_in_cursors(scope, exchange, page, &records);
        }
    }

    /// Where recorded cursors lead: the same cursors are handed out at the same places again.
    fn take_in_cursors(
        &mut self,
        scope: &Scope,
        exchange: &Exchange,
        page: &JsonText,
        records: &[Box<serde_json::value::RawValue>],
    ) {
        let Some((paging, by)) = self.paging.and_then(|paging| Some((paging, paging.by.as_ref()?))) else {
            return;
        };
        let query = RequestTarget::of(&exchange.request.target).query_fields();
        if query.iter().any(|(name, _)| self.resource.filters.contains_key(name)) {
            return;
        }
        let Some(collection) = self.collections.get(scope) else { return };
        let place = |record: &serde_json::value::RawValue| {
            collection.find(&Record::of(record.get(), self.resource)?.id)
        };
        let (first, last) =
            (records.first().and_then(|one| place(one)), records.last().and_then(|one| place(one)));
        let came = query.into_iter().find(|(name, _)| name == by.query()).map(|(_, cursor)| cursor);
        let told = paging.next.iter().find_map(|next| match next {
            NextPage::Value(field) => super::ids::text_of(&value_at(page.as_str(), field)?),
            _ => None,
        });
        let behind = last.map(|last| last + 1);
        for (cursor, position) in [(came, first), (told, behind)] {
            if let (Some(cursor), Some(position)) = (cursor, position) {
                self.cursors_at.entry((scope.clone(), position)).or_insert_with(|| cursor.clone());
                self.recorded_cursors.entry((scope.clone(), cursor)).or_insert(position);
            }
        }
    }

    /// The first that is seen of a record counts; what only a later answer shows of it is added.
    fn take_in_record(&mut self, scope: Scope, json: &str) {
        let Some(record) = Record::of(json, self.resource) else { return };
        self.ids.extend(value_at(json, &self.resource.id));
        if self.begins == Begins::Empty {
            return;
        }
        let order = self.resource.order;
        let known = self.collections.iter().find_map(|(other, collection)| {
            let agrees = other.iter().all(|(name, value)| {
                scope.iter().find(|(asked, _)| asked == name).is_none_or(|(_, asked)| asked == value)
            });
            agrees.then(|| collection.find(&record.id).map(|position| (other.clone(), position))).flatten()
        });
        let Some((scope, position)) = known else {
            self.collections.entry(scope).or_insert_with(|| Collection::new(order)).append(record);
            return;
        };
        let Some(collection) = self.collections.get_mut(&scope) else { return };
        let Some(before) = collection.record(position) else { return };
        let mut merged = before.json.to_string();
        for name in names_of(json).difference(&names_of(&before.json)) {
            if let Some(value) = field_path::get(json, name) {
                merged = field_path::set(&merged, name, &value).unwrap_or(merged);
            }
        }
        if let Some(record) = Record::of(&merged, self.resource) {
            collection.put(position, record);
        }
    }

    /// An answer to a delete may be about the record without showing it: `{"id": "7", "deleted": true}`.
    fn shown_by_delete(&self) -> Shows {
        let known: BTreeSet<&String> = self.in_lists.union(&self.elsewhere).collect();
        let shared = self.deleted_names.iter().filter(|name| known.contains(name)).count();
        if shared * 2 > known.len() { Shows::Whole } else { Shows::Nothing }
    }

    fn kind(mut self, name: &str, profile: &ProviderProfile, paging: Option<Pagination>) -> Kind {
        let shown_by_delete = self.shown_by_delete();
        if let Some(delete) = &mut self.forms.delete {
            delete.shows = shown_by_delete;
        }
        let grow = self.resource.grow.map_or(0, |grow| grow.to);
        let collections = self.collections.len().max(1) as u64;
        let salt = format!("{} {name}", profile.provider);
        let ids = Ids::learn(&self.resource.id_form, &self.ids, &salt, grow.saturating_mul(collections));
        let listed = !self.in_lists.is_empty();
        let mut kind = Kind {
            name: name.to_owned(),
            resource: Arc::clone(self.resource),
            paging,
            ids,
            next_number: 0,
            stamps: self.stamps(),
            forms: self.forms,
            writable: self.writable,
            not_in_lists: self.elsewhere.difference(&self.in_lists).filter(|_| listed).cloned().collect(),
            collections: self.collections,
            recorded_cursors: self.recorded_cursors,
            cursors_at: self.cursors_at,
        };
        if grow > 0 {
            grow_to(&mut kind, grow);
        }
        kind
    }

    fn stamps(&self) -> Stamps {
        let records = || {
            let kept =
                self.collections.values().filter_map(|collection| collection.record(collection.nth(0)));
            let created = self.forms.create.iter().filter_map(|(_, recorded)| recorded.record.clone());
            kept.map(|record| record.json.to_string()).chain(created)
        };
        let form = |field: &Option<String>| {
            let field = field.as_ref()?;
            records().find_map(|json| Some(StampForm::of(&value_at(&json, field)?)?.0))
        };
        let names = &self.resource.timestamps;
        Stamps {
            created: form(&names.created).unwrap_or_default(),
            updated: form(&names.updated).or_else(|| form(&names.created)).unwrap_or_default(),
        }
    }
}

/// Grows every collection of a resource to so many records.
pub(crate) fn grow_to(kind: &mut Kind, to: u64) {
    let models: Arc<[Record]> = kind
        .collections
        .values()
        .flat_map(|collection| {
            collection
                .listed_from(i64::MIN)
                .take(MAX_MODELS)
                .filter_map(|position| collection.record(position))
        })
        .take(MAX_MODELS)
        .collect();
    if models.is_empty() {
        return;
    }
    let all = kind.collections.len() as u64;
    for (own, collection) in kind.collections.values_mut().enumerate() {
        let count = to.saturating_sub(collection.recorded_len());
        let (ids, resource, models) = (kind.ids.clone(), Arc::clone(&kind.resource), Arc::clone(&models));
        collection.grow(|recorded| Grown::new(count, (own as u64, all), models, ids, resource, recorded));
    }
    kind.next_number = kind.next_number.max(to.saturating_mul(all));
}

fn names_of(json: &str) -> BTreeSet<String> {
    serde_json::from_str::<IndexMap<String, &serde_json::value::RawValue>>(json)
        .map(|fields| fields.into_keys().collect())
        .unwrap_or_default()
}

/// What an answer shows of its record. A create that repeats nothing of what was sent shows its own fields alone.
fn shows(verb: Verb, shown: Option<&str>, wrote: &Map<String, Value>) -> Shows {
    let Some(shown) = shown else { return Shows::Nothing };
    let names = names_of(shown);
    let repeats = wrote.is_empty() || wrote.keys().any(|name| names.contains(name));
    match verb {
        Verb::Create | Verb::Update if !repeats => Shows::Fields(names.into_iter().collect()),
        _ => Shows::Whole,
    }
}

/// A created record: what the answer shows, and what was sent and it does not show.
fn with_what_was_sent(shown: &str, wrote: &Map<String, Value>) -> String {
    let known = names_of(shown);
    wrote.iter().filter(|(name, _)| !known.contains(*name)).fold(shown.to_owned(), |json, (name, value)| {
        serde_json::from_str::<Map<String, Value>>(&json).map_or(json, |mut fields| {
            fields.insert(name.clone(), value.clone());
            Value::Object(fields).to_string()
        })
    })
}

fn id_in_location(response: &Response) -> Option<String> {
    let path = response.headers.text("location")?.split(['?', '#']).next()?;
    path.rsplit('/').next().filter(|id| !id.is_empty()).map(str::to_owned)
}
