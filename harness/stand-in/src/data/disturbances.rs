//! What faults leave behind in the data: cursors that are refused, records that are gone, writes that are not seen yet.
//!
//! Works on state and, by path and query, on recorded answers. A fault that finds nothing to disturb gets a sentence why.

use super::collection::{Record, renamed};
use super::field_path;
use super::kind::Kind;
use super::learning::{Verb, scope_of};
use super::pages::{List, Page, refused_cursor};
use super::writes::{Named, Write};
use super::{Answered, Ask, Change, Data, Used, undo};
use crate::forms::plain;
use counterpart_exchange::{OperationName, PagedBy, ProviderProfile, RequestTarget, Response};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap};

/// Disturbances of one kind that are kept at most.
const MAX_KEPT: usize = 10_000;

/// What faults left behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disturbances {
    /// By path: the answer to whatever is asked there.
    gone_paths: HashMap<String, Response>,
    /// By resource and id.
    gone_records: HashMap<(usize, String), Response>,
    /// By path and cursor.
    refused_cursors: HashMap<(String, String), Response>,
    stale: Option<(Write, Staleness)>,
    /// By path and query: the answer of before.
    stale_recordings: HashMap<String, (Response, Staleness)>,
}

/// How long an old state is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Staleness {
    /// So many reads.
    Reads(u64),
    /// Until then.
    Until(Timestamp),
}

impl Staleness {
    fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::Reads(left) => left > 0,
            Self::Until(until) => now < until,
        }
    }

    fn less_one(&mut self) {
        if let Self::Reads(left) = self {
            *left = left.saturating_sub(1);
        }
    }
}

/// What happens at the front of a list while somebody pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShiftedItem {
    Inserted,
    Removed,
}

impl Disturbances {
    pub(super) fn is_empty(&self) -> bool {
        self.gone_paths.is_empty()
            && self.gone_records.is_empty()
            && self.refused_cursors.is_empty()
            && self.stale.is_none()
            && self.stale_recordings.is_empty()
    }

    /// Whoever begins a list anew gets good cursors again.
    pub(super) fn lift(&mut self, ask: &Ask<'_>) {
        if !self.refused_cursors.is_empty() && cursor_of(ask).is_ok_and(|cursor| cursor.is_none()) {
            let path = path_of(ask);
            self.refused_cursors.retain(|(refused, _), _| *refused != path);
        }
    }

    pub(super) fn answer(&self, ask: &Ask<'_>) -> Option<Answered> {
        let given = |response: &Response, note: &'static str| Answered {
            response: response.clone(),
            note,
            exchange: None,
            change: Change::default(),
        };
        if let Some(gone) = self.gone_paths.get(&path_of(ask)) {
            return Some(given(gone, "refused: what it asks for was deleted"));
        }
        if let Ok(Some(cursor)) = cursor_of(ask)
            && let Some(refused) = self.refused_cursors.get(&(path_of(ask), cursor))
        {
            return Some(given(refused, "refused: the cursor has expired"));
        }
        let (older, staleness) = self.stale_recordings.get(&ask.request.target)?;
        staleness.holds(ask.now).then(|| Answered {
            change: Change { write: None, used: Used::StaleRecording(ask.request.target.clone()) },
            ..given(older, "answered as before the last write")
        })
    }

    /// The resource as it was, where its last write is not to be seen yet.
    pub(super) fn past(&self, index: usize, kind: &Kind, now: Timestamp) -> Option<Kind> {
        let (write, staleness) = self.stale.as_ref()?;
        (write.kind == index && staleness.holds(now)).then(|| undo(kind, write))
    }

    pub(super) fn gone(&self, kind: usize, id: &str) -> Option<&Response> {
        self.gone_records.get(&(kind, id.to_owned()))
    }

    pub(super) fn use_up(&mut self, used: &Used) {
        match used {
            Used::Nothing => {}
            Used::StaleState => {
                if let Some((_, staleness)) = &mut self.stale {
                    staleness.less_one();
                }
            }
            Used::StaleRecording(target) => {
                if let Some((_, staleness)) = self.stale_recordings.get_mut(target) {
                    staleness.less_one();
                }
            }
        }
    }
}

/// A list that state plays, with the page that a request wants of it.
struct PlayedPage<'a> {
    index: usize,
    list: List<'a>,
    page: Page,
}

impl Data {
    /// Whether an operation lists records, as the profile has it.
    pub(crate) fn lists(profile: &ProviderProfile, operation: &OperationName) -> bool {
        let pages = profile.pagination.iter().any(|paging| paging.operations.contains(operation));
        pages || profile.resources.values().any(|resource| resource.list.as_ref() == Some(operation))
    }

    fn played_page(&self, ask: &Ask<'_>) -> Result<PlayedPage<'_>, String> {
        let (index, _) = *self.verbs.get(ask.operation).ok_or("state does not play this list")?;
        let (scope, _) = scope_of(ask.profile, &ask.request.method, &ask.request.target, Verb::List)
            .ok_or("the profile has no template for this request")?;
        let list = List::of(&self.kinds[index], &scope, &ask.request.target)
            .ok_or("this list was never seen in the recording")?;
        let page =
            list.page(ask).map_err(|refused| format!("the provider refuses it with {}", refused.status))?;
        Ok(PlayedPage { index, list, page })
    }

    /// What the query field of the paging says to get the very page that a request wants.
    pub(crate) fn cursor_of_page(&self, ask: &Ask<'_>) -> Option<String> {
        self.played_page(ask).ok()?.page.own
    }

    /// Refuses the cursor of a request from now on, until the list is begun anew.
    ///
    /// # Errors
    /// A sentence, where the request carries no cursor.
    pub(crate) fn expire_cursor(&mut self, ask: &Ask<'_>, status: u16) -> Result<(), String> {
        let cursor = cursor_of(ask)?.ok_or("the request carries no cursor: it asks for the first page")?;
        let mut refusal = refused_cursor(ask, "the cursor has expired", status);
        refusal.status = status;
        room_in(self.disturbances.refused_cursors.len())?;
        self.disturbances.refused_cursors.insert((path_of(ask), cursor), refusal);
        Ok(())
    }

    /// Puts a record in at the front of the list that a request pages through, or takes the first one out. False where
    /// that would move nothing: state does not play the list, or its cursors hold their place.
    ///
    /// # Errors
    /// A sentence, where no page came before this one, or there is no record to begin with.
    pub(crate) fn shift(&mut self, ask: &Ask<'_>, item: ShiftedItem) -> Result<bool, String> {
        let by = ask.profile.pagination.as_ref().and_then(|paging| paging.by.as_ref());
        if !self.decides(ask.operation) || matches!(by, Some(PagedBy::Cursor { .. }) | None) {
            return Ok(false);
        }
        let played = self.played_page(ask)?;
        let collection = played.list.collection;
        let first = collection.nth(0);
        if played.page.positions.first().is_none_or(|position| *position == first) {
            return Err("no page came before this one, so nothing can have moved between them".to_owned());
        }
        let kind = &self.kinds[played.index];
        let model = collection.record(first).ok_or("the list has no record")?;
        let scope = played.list.scope.clone();
        let (position, before, after, numbers) = match item {
            ShiftedItem::Removed => (first, Some(model), None, 0),
            ShiftedItem::Inserted => {
                let id = kind.ids.make(kind.next_number);
                let json = renamed(&model.json, &model.id, &id);
                let json = field_path::set(&json, &kind.resource.id, &kind.ids.json(&id).to_string())?;
                let record = Record::of(&json, &kind.resource).ok_or("no record could be made")?;
                (collection.front(), None, Some(record), 1)
            }
        };
        let wrote = BTreeSet::new();
        self.apply(&Write { kind: played.index, scope, position, before, after, numbers, wrote });
        Ok(true)
    }

    /// Shows the state of before the last write for a while.
    ///
    /// # Errors
    /// A sentence, where nothing was written, or the same was never read before.
    pub(crate) fn go_stale(&mut self, ask: &Ask<'_>, staleness: Staleness) -> Result<(), String> {
        match self.verbs.get(ask.operation) {
            Some((index, Verb::Read | Verb::List)) => {
                let last = self.last_write.clone().filter(|write| write.kind == *index);
                let last = last.ok_or("nothing was written yet, so there is no older state to show")?;
                self.disturbances.stale = Some((last, staleness));
            }
            Some(_) => return Err("the request writes; only a read can be stale".to_owned()),
            None => {
                if !ask.request.method.eq_ignore_ascii_case("GET") {
                    return Err("the request writes; only a read can be stale".to_owned());
                }
                let older = ask
                    .last_given
                    .ok_or("the same was not read before, so there is no older state to show")?;
                room_in(self.disturbances.stale_recordings.len())?;
                let target = ask.request.target.clone();
                self.disturbances.stale_recordings.insert(target, (older.response(), staleness));
            }
        }
        Ok(())
    }

    /// The resource and record that a request is about: that of its path, or the n-th of the page that it asks for.
    fn struck(&self, ask: &Ask<'_>, nth: usize) -> Result<Named<'_>, String> {
        let (index, verb) = *self.verbs.get(ask.operation).ok_or("state does not play this operation")?;
        let kind = &self.kinds[index];
        if verb == Verb::List {
            let played = self.played_page(ask)?;
            let count = played.page.positions.len();
            let position = nth.checked_sub(1).and_then(|at| played.page.positions.get(at)).copied();
            let position = position
                .ok_or_else(|| format!("the page has no record {nth}; it has {count}, counted from 1"))?;
            let record = played.list.collection.record(position).ok_or("the record is gone")?;
            return Ok(Named { kind, index, scope: played.list.scope, position, record });
        }
        let (scope, id) = scope_of(ask.profile, &ask.request.method, &ask.request.target, verb)
            .ok_or("the request names no record")?;
        let id = id.ok_or("the request names no record")?;
        self.named(kind, index, &scope, &id, ask).map_err(|_| format!("there is no record {id:?}"))
    }

    /// Archives the record that a request is about.
    ///
    /// # Errors
    /// A sentence, where it is about none, or nothing says how an archived one is told.
    pub(crate) fn archive_struck(&mut self, ask: &Ask<'_>, nth: usize) -> Result<(), String> {
        let named = self.struck(ask, nth)?;
        if named.kind.resource.archived.is_none() {
            return Err(format!(
                "the provider profile does not say how an archived record is told (`resources.{}.archived`)",
                named.kind.name
            ));
        }
        let (_, write, _) = named.written(Verb::Archive, ask);
        let write = write.ok_or("the record could not be marked as archived")?;
        self.apply(&write);
        Ok(())
    }

    /// Deletes the record that a request is about: reads of it are answered with this status from now on. A tombstone is
    /// the field that marks it in lists; without one, lists leave it out.
    ///
    /// # Errors
    /// A sentence, where the request is about none.
    pub(crate) fn delete_struck(
        &mut self,
        ask: &Ask<'_>,
        nth: usize,
        status: u16,
        tombstone: Option<&str>,
    ) -> Result<(), String> {
        let named = self.struck(ask, nth)?;
        let after = match tombstone {
            None => None,
            Some(field) => {
                let id = field_path::get(&named.record.json, &named.kind.resource.id).unwrap_or_default();
                Some(tombstone_of(&named.kind.resource.id, &id, field)?)
            }
        };
        let after = after.and_then(|json| Record::of(&json, &named.kind.resource));
        let key = (named.index, named.record.id.clone());
        let write = named.write(after, BTreeSet::new());
        room_in(self.disturbances.gone_records.len())?;
        self.disturbances.gone_records.insert(key, gone_answer(ask, status));
        self.apply(&write);
        Ok(())
    }

    /// Answers whatever is asked at a request's path with this status from now on.
    ///
    /// # Errors
    /// A sentence, where too much is gone already.
    pub(crate) fn delete_path(&mut self, ask: &Ask<'_>, status: u16) -> Result<(), String> {
        room_in(self.disturbances.gone_paths.len())?;
        self.disturbances.gone_paths.insert(path_of(ask), gone_answer(ask, status));
        Ok(())
    }
}

/// What a list shows of a record that was deleted: its id and a mark.
pub(crate) fn tombstone_of(id_field: &str, id: &str, field: &str) -> Result<String, String> {
    field_path::set(&field_path::set("{}", id_field, id)?, field, "true")
}

fn gone_answer(ask: &Ask<'_>, status: u16) -> Response {
    let (name, meaning) = if status == 410 { ("gone", "gone") } else { ("not_found", "not found") };
    let mut form = ask.forms.recorded(name).cloned().unwrap_or_else(|| plain(status, meaning));
    form.status = status;
    form
}

fn room_in(kept: usize) -> Result<(), String> {
    if kept < MAX_KEPT {
        Ok(())
    } else {
        Err(format!("{MAX_KEPT} such faults have struck; there is no room for more"))
    }
}

fn path_of(ask: &Ask<'_>) -> String {
    RequestTarget::of(&ask.request.target).path.to_owned()
}

/// The cursor that a request carries, if any.
fn cursor_of(ask: &Ask<'_>) -> Result<Option<String>, String> {
    let paging = ask.profile.pagination.as_ref().filter(|paging| paging.operations.contains(ask.operation));
    let paging =
        paging.ok_or("the provider profile does not say that this operation pages (`pagination`)")?;
    match &paging.by {
        Some(PagedBy::Cursor { query }) => {
            let sent = RequestTarget::of(&ask.request.target).query_fields();
            Ok(sent.into_iter().find(|(name, _)| name == query).map(|(_, cursor)| cursor))
        }
        Some(PagedBy::Offset { .. } | PagedBy::Page { .. }) => {
            Err("the provider pages by number: there is no cursor".to_owned())
        }
        None => {
            Err("the provider profile does not say which query field is the cursor (`pagination.by`)"
                .to_owned())
        }
    }
}

/// A point in time so many seconds on.
pub(crate) fn seconds_after(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
