//! Records in a stable order: recorded, written, and grown ones that are made only when somebody looks.
//!
//! Every record has a position that never changes. What a list leaves out is a hole; so the n-th record, and the number
//! of records before a position, are found without counting. Knows nothing of HTTP.

use super::field_path;
use super::ids::Ids;
use super::stamps::StampForm;
use counterpart_exchange::{ArchivedInList, ListOrder, Resource};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One record, its JSON as spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) json: Arc<str>,
    /// When it was last changed, where it says.
    pub(crate) updated: Option<Timestamp>,
    pub(crate) listed: Listed,
}

/// Whether lists have a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Shown,
    /// Archived, and lists leave out what is.
    Hidden,
}

impl Record {
    /// A record of a resource; none where its id is not to be found.
    pub(crate) fn of(json: &str, resource: &Resource) -> Option<Self> {
        let id = super::ids::text_of(&value_at(json, &resource.id)?)?;
        let stamps = &resource.timestamps;
        let updated = stamps
            .updated
            .iter()
            .chain(&stamps.created)
            .find_map(|field| Some(StampForm::of(&value_at(json, field)?)?.1));
        let is_hidden = resource.archived.as_ref().is_some_and(|mark| {
            mark.in_list == ArchivedInList::Hidden
                && value_at(json, &mark.field).as_ref() == Some(&mark.value)
        });
        let listed = if is_hidden { Listed::Hidden } else { Listed::Shown };
        Some(Self { id, json: json.into(), updated, listed })
    }
}

pub(crate) fn value_at(json: &str, path: &str) -> Option<Value> {
    serde_json::from_str(&field_path::get(json, path)?).ok()
}

/// A place in a collection's order. It stays, whatever comes before it.
pub(crate) type Position = i64;

/// The records of a resource under one set of path variables.
#[derive(Clone, Debug)]
pub(crate) struct Collection {
    order: ListOrder,
    kept: BTreeMap<Position, Record>,
    positions: HashMap<String, Position>,
    /// Positions that lists leave out, in order.
    holes: Vec<Position>,
    /// The first position, and the one behind the last.
    range: std::ops::Range<Position>,
    grown: Option<Grown>,
}

/// Records that are made from recorded ones when they are looked at.
#[derive(Clone, Debug)]
pub(crate) struct Grown {
    pub(crate) count: u64,
    /// The collection's number and how many there are: each has ids of its own.
    pub(crate) share: (u64, u64),
    pub(crate) models: Arc<[Record]>,
    pub(crate) ids: Ids,
    pub(crate) resource: Arc<Resource>,
    /// The oldest recorded time: each grown record is a second older than the one before.
    pub(crate) oldest: Option<Timestamp>,
    /// Where the recorded records are.
    recorded: std::ops::Range<Position>,
}

impl Collection {
    pub(crate) fn new(order: ListOrder) -> Self {
        Self {
            order,
            kept: BTreeMap::new(),
            positions: HashMap::new(),
            holes: Vec::new(),
            range: 0..0,
            grown: None,
        }
    }

    /// Adds grown records behind the recorded ones on the side where the old ones are.
    pub(crate) fn grow(&mut self, grown: impl FnOnce(std::ops::Range<Position>) -> Grown) {
        let recorded = match self.grown.take() {
            Some(before) => before.recorded,
            None => self.range.clone(),
        };
        let grown = grown(recorded.clone());
        let count = Position::try_from(grown.count).unwrap_or(Position::MAX / 2);
        match self.order {
            ListOrder::OldestFirst => self.range.start = recorded.start - count,
            ListOrder::NewestFirst => self.range.end = recorded.end + count,
        }
        self.grown = Some(grown);
    }

    /// The position of the next new record: at the end, or at the front.
    pub(crate) fn next_position(&self) -> Position {
        match self.order {
            ListOrder::OldestFirst => self.range.end,
            ListOrder::NewestFirst => self.range.start - 1,
        }
    }

    /// The position before the first.
    pub(crate) fn front(&self) -> Position {
        self.range.start - 1
    }

    /// Adds a recorded record at the end.
    pub(crate) fn append(&mut self, record: Record) {
        self.put(self.range.end, record);
    }

    /// Puts a record in its place: a new one, or instead of one.
    pub(crate) fn put(&mut self, position: Position, record: Record) {
        self.range.start = self.range.start.min(position);
        self.range.end = self.range.end.max(position + 1);
        self.set_hole(position, record.listed == Listed::Hidden);
        self.positions.insert(record.id.clone(), position);
        self.kept.insert(position, record);
    }

    /// Takes a record away. Its position stays empty.
    pub(crate) fn remove(&mut self, position: Position) {
        if let Some(record) = self.kept.remove(&position) {
            self.positions.remove(&record.id);
        }
        self.set_hole(position, true);
    }

    fn set_hole(&mut self, position: Position, wanted: bool) {
        match (self.holes.binary_search(&position), wanted) {
            (Err(at), true) => self.holes.insert(at, position),
            (Ok(at), false) => {
                self.holes.remove(at);
            }
            _ => {}
        }
    }

    /// The position of an id.
    pub(crate) fn find(&self, id: &str) -> Option<Position> {
        if let Some(position) = self.positions.get(id) {
            return Some(*position);
        }
        let grown = self.grown.as_ref()?;
        let nth = grown.nth_of(id)?;
        let position = self.position_of_grown(grown, nth);
        // What was changed is kept, and what is a hole and not kept is gone.
        let is_gone = self.holes.binary_search(&position).is_ok() || self.kept.contains_key(&position);
        (!is_gone).then_some(position)
    }

    /// The record at a position, if there is one.
    pub(crate) fn record(&self, position: Position) -> Option<Record> {
        if let Some(record) = self.kept.get(&position) {
            return Some(record.clone());
        }
        let grown = self.grown.as_ref()?;
        let is_hole = self.holes.binary_search(&position).is_ok();
        grown.record(self.nth_grown(grown, position).filter(|_| !is_hole)?)
    }

    /// When the record at a position was last changed. Makes nothing.
    pub(crate) fn updated(&self, position: Position) -> Option<Timestamp> {
        match (self.kept.get(&position), &self.grown) {
            (Some(record), _) => record.updated,
            (None, Some(grown)) => grown.updated(self.nth_grown(grown, position)?),
            (None, None) => None,
        }
    }

    /// The record that has the fields of the one at a position but for its id and times. Makes nothing.
    pub(crate) fn likeness(&self, position: Position) -> Option<&Record> {
        match (self.kept.get(&position), &self.grown) {
            (Some(record), _) => Some(record),
            (None, Some(grown)) => grown.model(self.nth_grown(grown, position)?),
            (None, None) => None,
        }
    }

    /// How many records a list has.
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.range.end - self.range.start).unwrap_or(0) - self.holes.len() as u64
    }

    #[cfg(test)]
    pub(crate) fn kept_len(&self) -> usize {
        self.kept.len()
    }

    /// How many were recorded.
    pub(crate) fn recorded_len(&self) -> u64 {
        let recorded = self.grown.as_ref().map_or(&self.range, |grown| &grown.recorded);
        u64::try_from(recorded.end - recorded.start).unwrap_or(0)
    }

    /// The position of a list's n-th record, from 0; the end, where there are not so many.
    pub(crate) fn nth(&self, n: u64) -> Position {
        let Ok(n) = Position::try_from(n) else { return self.range.end };
        // Before a hole are as many records as positions, less the holes before it.
        let (mut low, mut high) = (0, self.holes.len());
        while low < high {
            let middle = low.midpoint(high);
            let before = self.holes[middle] - self.range.start - Position::try_from(middle).unwrap_or(0);
            if before <= n { low = middle + 1 } else { high = middle }
        }
        let holes = Position::try_from(low).unwrap_or(0);
        self.range.start.saturating_add(n).saturating_add(holes).min(self.range.end)
    }

    /// The positions that a list has, from one on.
    pub(crate) fn listed_from(&self, position: Position) -> impl Iterator<Item = Position> + '_ {
        let start = position.max(self.range.start);
        let mut hole = self.holes.partition_point(|hole| *hole < start);
        (start..self.range.end).filter(move |position| {
            let is_hole = self.holes.get(hole) == Some(position);
            hole += usize::from(is_hole);
            !is_hole
        })
    }

    /// The first position and the one behind the last.
    pub(crate) fn range(&self) -> std::ops::Range<Position> {
        self.range.clone()
    }

    fn position_of_grown(&self, grown: &Grown, nth: u64) -> Position {
        let nth = Position::try_from(nth).unwrap_or(0);
        match self.order {
            ListOrder::OldestFirst => grown.recorded.start - 1 - nth,
            ListOrder::NewestFirst => grown.recorded.end + nth,
        }
    }

    fn nth_grown(&self, grown: &Grown, position: Position) -> Option<u64> {
        let nth = match self.order {
            ListOrder::OldestFirst => grown.recorded.start - 1 - position,
            ListOrder::NewestFirst => position - grown.recorded.end,
        };
        u64::try_from(nth).ok().filter(|nth| *nth < grown.count)
    }
}

impl Grown {
    /// Grown records of a resource, to be put beside the recorded ones.
    pub(crate) fn new(
        count: u64,
        share: (u64, u64),
        models: Arc<[Record]>,
        ids: Ids,
        resource: Arc<Resource>,
        recorded: std::ops::Range<Position>,
    ) -> Self {
        let oldest = models.iter().filter_map(|record| record.updated).min();
        Self { count, share, models, ids, resource, oldest, recorded }
    }

    fn nth_of(&self, id: &str) -> Option<u64> {
        let number = self.ids.number_of(id)?;
        let (own, all) = self.share;
        (number % all == own && number / all < self.count).then_some(number / all)
    }

    fn model(&self, nth: u64) -> Option<&Record> {
        let models = self.models.len().max(1) as u64;
        self.models.get(usize::try_from(nth % models).unwrap_or(0))
    }

    fn updated(&self, nth: u64) -> Option<Timestamp> {
        let seconds = i64::try_from(nth).ok()?.checked_add(1)?;
        self.oldest?.checked_sub(SignedDuration::from_secs(seconds)).ok()
    }

    fn record(&self, nth: u64) -> Option<Record> {
        let (own, all) = self.share;
        let model = self.model(nth)?;
        let id = self.ids.make(nth * all + own);
        let mut json = renamed(&model.json, &model.id, &id);
        json = field_path::set(&json, &self.resource.id, &self.ids.json(&id).to_string()).ok()?;
        if let Some(at) = self.updated(nth) {
            let stamps = &self.resource.timestamps;
            for field in stamps.created.iter().chain(&stamps.updated) {
                let form = value_at(&json, field).and_then(|value| StampForm::of(&value));
                if let Some((form, _)) = form {
                    json = field_path::set(&json, field, &form.write(at).to_string()).ok()?;
                }
            }
        }
        let mut record = Record::of(&json, &self.resource)?;
        record.updated = self.updated(nth);
        Some(record)
    }
}

/// Ids that are replaced wherever they stand; shorter ones only as the last or a middle part of a path.
const MIN_WITHIN_CHARS: usize = 8;

/// JSON text about one record made to be about another: its id where it stands in texts, as in a link to itself.
pub(crate) fn renamed(json: &str, from: &str, to: &str) -> String {
    if from.is_empty() {
        json.to_owned()
    } else if from.len() >= MIN_WITHIN_CHARS && !from.bytes().all(|byte| byte.is_ascii_digit()) {
        json.replace(from, to)
    } else {
        json.replace(&format!("/{from}\""), &format!("/{to}\""))
            .replace(&format!("/{from}/"), &format!("/{to}/"))
    }
}
