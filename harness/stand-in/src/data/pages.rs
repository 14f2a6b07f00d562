//! One page of a list: which records it has, and how it tells the next one.
//!
//! What a page costs depends on its size alone, however many records there are. A list with filters looks at the
//! records that it passes over, without making them.

use super::Ask;
use super::collection::{Collection, Position};
use super::field_path;
use super::kind::{Kind, Scope, fresh, with_body};
use super::stamps::time_of;
use crate::forms::plain;
use counterpart_exchange::{
    AtEnd, HeaderValue, ListFilter, NextPage, PageSize, PagedBy, Pagination, RequestTarget, Response,
};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;

/// Records in a list that is not paged, at most.
const MAX_UNPAGED: usize = 10_000;
/// Records of a page where neither the profile nor the recording says.
const DEFAULT_SIZE: u64 = 100;
/// Records of a page where the profile names no maximum.
const MAX_SIZE: u64 = 10_000;

/// What stays as it is in a query (RFC 3986 section 2.3).
const QUERY_SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A page that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its records' places, in order.
    pub(crate) positions: Vec<Position>,
    /// What the query field of the paging has to say for this page, and for those around it.
    pub(crate) own: Option<String>,
    pub(crate) next: Option<String>,
    previous: Option<String>,
    last: Option<String>,
    total: Option<u64>,
}

/// The list of one collection, as a request wants it.
pub(crate) struct List<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) scope: &'a Scope,
    pub(crate) collection: &'a Collection,
    filters: Vec<(&'a ListFilter, String)>,
    query: Vec<(String, String)>,
}

impl<'a> List<'a> {
    /// The list that a request is about; none where the provider was never seen to have it.
    pub(crate) fn of(kind: &'a Kind, scope: &Scope, target: &str) -> Option<Self> {
        let (_, scope, collection) = kind.collections.get_full(scope)?;
        let query = RequestTarget::of(target).query_fields();
        let filters = kind.resource.filters.iter().filter_map(|(name, filter)| {
            let (_, value) = query.iter().find(|(sent, _)| sent == name)?;
            Some((filter, value.clone()))
        });
        Some(Self { kind, scope, collection, filters: filters.collect(), query: query.clone() })
    }

    fn sent(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// The page that the request wants.
    ///
    /// # Errors
    /// The answer to a request that wants none.
    pub(crate) fn page(&self, ask: &Ask<'_>) -> Result<Page, Response> {
        let filters = self.choices()?;
        let paging = self.kind.paging.as_ref().and_then(|paging| Some((paging, paging.by.as_ref()?)));
        let Some((paging, by)) = paging else { return self.unpaged(&filters) };
        let size = self.size(&paging.size)?;
        let needs_total = paging.total.is_some()
            || (paging.next.contains(&NextPage::LinkHeader) && !matches!(by, PagedBy::Cursor { .. }));
        let total = needs_total.then(|| self.total(&filters));
        let sent = self.sent(by.query()).filter(|sent| !sent.is_empty());
        let (start, skip, by_number) = match by {
            PagedBy::Cursor { .. } => {
                let start = match sent {
                    Some(cursor) => self
                        .position_of(cursor)
                        .ok_or_else(|| refused_cursor(ask, "the cursor is not known", 400))?,
                    None => self.collection.range().start,
                };
                (start, 0, None)
            }
            PagedBy::Offset { query } => {
                let offset = number(query, sent.unwrap_or("0"), 0)?;
                (self.collection.range().start, offset, Some((0, 1)))
            }
            PagedBy::Page { query, first } => {
                let first = u64::from(*first);
                let page = number(query, sent.unwrap_or(&first.to_string()), first)?;
                let offset = (page - first).saturating_mul(size);
                (self.collection.range().start, offset, Some((first, size)))
            }
        };
        let (positions, behind) = self.take(&filters, start, skip, size);
        let mut page = Page { positions, own: None, next: None, previous: None, last: None, total };
        match by_number {
            None => {
                page.own = Some(sent.map_or_else(|| self.cursor(start), str::to_owned));
                page.next = behind.map(|next| self.cursor(next));
            }
            Some((first, step)) => {
                let name = |offset: u64| (first + offset / step).to_string();
                page.own = Some(name(skip));
                page.next = behind.map(|_| name(skip.saturating_add(size)));
                page.previous = (skip > 0).then(|| name(skip.saturating_sub(size)));
                page.last = total.map(|total| name(total.saturating_sub(1) / size * size));
            }
        }
        Ok(page)
    }

    /// All records, for a provider that does not page this list.
    fn unpaged(&self, filters: &[Choice<'_>]) -> Result<Page, Response> {
        let (positions, behind) = self.take(filters, self.collection.range().start, 0, MAX_UNPAGED as u64);
        if behind.is_some() {
            let why = format!(
                "the list of {} has over {MAX_UNPAGED} records and the provider profile does not say how it is paged; \
                 write `pagination.by`",
                self.kind.name
            );
            return Err(plain(507, &why));
        }
        let total = Some(positions.len() as u64);
        Ok(Page { positions, own: None, next: None, previous: None, last: None, total })
    }

    /// So many positions from one on, and the one behind them.
    fn take(
        &self,
        filters: &[Choice<'_>],
        start: Position,
        skip: u64,
        size: u64,
    ) -> (Vec<Position>, Option<Position>) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let (start, skip) = match (filters.is_empty(), skip) {
            (true, skip) if skip > 0 => (self.collection.nth(skip), 0),
            (_, skip) => (start, usize::try_from(skip).unwrap_or(usize::MAX)),
        };
        let mut found = self
            .collection
            .listed_from(start)
            .filter(|position| filters.iter().all(|choice| choice.admits(self.collection, *position)))
            .skip(skip);
        let positions: Vec<Position> = found.by_ref().take(size).collect();
        let behind = found.next();
        (positions, behind)
    }

    fn total(&self, filters: &[Choice<'_>]) -> u64 {
        if filters.is_empty() {
            return self.collection.len();
        }
        let all = self.collection.listed_from(Position::MIN);
        all.filter(|position| filters.iter().all(|choice| choice.admits(self.collection, *position))).count()
            as u64
    }

    fn size(&self, size: &PageSize) -> Result<u64, Response> {
        let most = size.max.map_or(MAX_SIZE, |max| u64::from(max.get()));
        let recorded = || {
            let (page, _) = self.kind.forms.list.as_ref()?;
            let items = field_path::items(page.body.json()?.as_str(), self.items()?).ok()?;
            (!items.is_empty()).then_some(items.len() as u64)
        };
        let usual = size.default.map(|size| u64::from(size.get())).or_else(recorded).unwrap_or(DEFAULT_SIZE);
        let sent = size.query.as_ref().and_then(|query| Some((query, self.sent(query)?)));
        let wanted = match sent.filter(|(_, sent)| !sent.is_empty()) {
            Some((query, sent)) => number(query, sent, 1)?,
            None => usual,
        };
        Ok(wanted.min(most))
    }

    fn items(&self) -> Option<&str> {
        let own = self.kind.resource.items.as_ref();
        own.or(self.kind.paging.as_ref().map(|paging| &paging.items)).map(String::as_str)
    }

    fn choices(&self) -> Result<Vec<Choice<'_>>, Response> {
        let choice = |(filter, value): &'_ (&'a ListFilter, String)| match filter {
            ListFilter::UpdatedSince => time_of(value).map(Choice::Since).ok_or_else(|| {
                plain(
                    400,
                    &format!(
                        "{value:?} is no time; expected RFC 3339, or seconds or milliseconds since 1970"
                    ),
                )
            }),
            ListFilter::Equals(field) if *field == self.kind.resource.id => Ok(Choice::Id(value.clone())),
            ListFilter::Equals(field) => {
                Ok(Choice::Equals { field, wanted: value.clone(), known: RefCell::default() })
            }
        };
        self.filters.iter().map(choice).collect()
    }

    /// The cursor that leads to a position: as recorded, where the recording has one there.
    fn cursor(&self, position: Position) -> String {
        let recorded = self.kind.cursors_at.get(&(self.scope.clone(), position));
        match recorded.filter(|_| self.filters.is_empty()) {
            Some(recorded) => recorded.clone(),
            None => format!("cp{:x}-{}", zigzag(position), self.check(position)),
        }
    }

    fn position_of(&self, cursor: &str) -> Option<Position> {
        if let Some(position) = self.kind.recorded_cursors.get(&(self.scope.clone(), cursor.to_owned())) {
            return Some(*position);
        }
        let (position, check) = cursor.strip_prefix("cp")?.split_once('-')?;
        let position = unzigzag(u64::from_str_radix(position, 16).ok()?);
        (check == self.check(position)).then_some(position)
    }

    /// A cursor is good for its own list, with the filters that it came from.
    fn check(&self, position: Position) -> String {
        let filters: Vec<_> =
            self.filters.iter().map(|(filter, value)| format!("{filter:?} {value}")).collect();
        let digest = Sha256::digest(format!("{}\n{:?}\n{filters:?}\n{position}", self.kind.name, self.scope));
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The answer with a page's records.
    pub(crate) fn answer(&self, page: &Page, ask: &Ask<'_>, base_url: &str) -> Option<Response> {
        let (form, _) = self.kind.forms.list.as_ref()?;
        let records = page.positions.iter().filter_map(|position| self.collection.record(*position));
        let listed: Vec<String> = records.map(|record| self.kind.as_listed(&record)).collect();
        let list = field_path::list_of(listed.iter().map(String::as_str));
        let text = field_path::set(form.body.json()?.as_str(), self.items()?, &list).ok()?;
        let mut response = with_body(fresh(form.clone(), ask.now), &text);
        response.headers.remove("link");
        match &self.kind.paging {
            Some(paging) => self.with_next(response, paging, page, ask, base_url).ok(),
            None => Some(response),
        }
    }

    fn with_next(
        &self,
        response: Response,
        paging: &Pagination,
        page: &Page,
        ask: &Ask<'_>,
        base_url: &str,
    ) -> Result<Response, String> {
        let mut response = tell_next(response, paging, page.next.as_deref(), &ask.request.target, base_url)?;
        if let (Some(field), Some(total), Some(json)) = (&paging.total, page.total, response.body.json()) {
            let text = field_path::set(json.as_str(), field, &total.to_string())?;
            response = with_body(response, &text);
        }
        if let (true, Some(by)) = (paging.next.contains(&NextPage::LinkHeader), &paging.by) {
            let link = |value: Option<&str>, relation: &str| {
                value.map(|value| {
                    let url = url_with(base_url, &ask.request.target, by.query(), Some(value));
                    format!("<{url}>; rel=\"{relation}\"")
                })
            };
            let first = match by {
                PagedBy::Cursor { .. } => Some(format!(
                    "<{}>; rel=\"first\"",
                    url_with(base_url, &ask.request.target, by.query(), None)
                )),
                PagedBy::Offset { .. } => link(Some("0"), "first"),
                PagedBy::Page { first, .. } => link(Some(&first.to_string()), "first"),
            };
            let links = [
                link(page.previous.as_deref(), "prev"),
                link(page.next.as_deref(), "next"),
                link(page.last.as_deref(), "last"),
                first,
            ];
            let links: Vec<String> = links.into_iter().flatten().collect();
            response.headers.set("link", &links.join(", "));
        }
        Ok(response)
    }
}

/// Writes where the next page is into an answer, or that there is none.
///
/// # Errors
/// A sentence, where the answer has no place for it.
pub(crate) fn tell_next(
    mut response: Response,
    paging: &Pagination,
    next: Option<&str>,
    target: &str,
    base_url: &str,
) -> Result<Response, String> {
    let query = paging.by.as_ref().map(PagedBy::query);
    let url = next.zip(query).map(|(next, query)| url_with(base_url, target, query, Some(next)));
    for place in &paging.next {
        let (field, value) = match place {
            NextPage::LinkHeader => {
                response.headers.remove("link");
                if let Some(url) = &url {
                    response.headers.append("link", HeaderValue::Text(format!("<{url}>; rel=\"next\"")));
                }
                continue;
            }
            NextPage::More(field) => (field, Some(next.is_some().to_string())),
            NextPage::Url(field) => (field, url.clone().map(|url| Value::from(url).to_string())),
            NextPage::Value(field) => (field, next.map(|next| value_for(paging, next))),
        };
        let json = response.body.json().ok_or("the answer's body is not JSON")?.as_str();
        let text = match (value, paging.at_end) {
            (Some(value), _) => field_path::set(json, field, &value)?,
            (None, AtEnd::Absent) => field_path::remove(json, field)?,
            (None, AtEnd::Null) => field_path::set(json, field, "null")?,
            (None, AtEnd::EmptyText) => field_path::set(json, field, "\"\"")?,
        };
        response = with_body(response, &text);
    }
    Ok(response)
}

/// The value of the next page in a body: a number for offsets and page numbers, else text.
fn value_for(paging: &Pagination, next: &str) -> String {
    match &paging.by {
        Some(PagedBy::Offset { .. } | PagedBy::Page { .. }) => next.to_owned(),
        Some(PagedBy::Cursor { .. }) | None => Value::from(next).to_string(),
    }
}

/// The answer to a cursor that leads nowhere.
pub(crate) fn refused_cursor(ask: &Ask<'_>, meaning: &str, status: u16) -> Response {
    ask.forms.form("expired_cursor", status, meaning)
}

/// The URL of a request with one query field set anew, or taken out.
fn url_with(base_url: &str, target: &str, name: &str, value: Option<&str>) -> String {
    let target = RequestTarget::of(target);
    let encode = |text: &str| utf8_percent_encode(text, QUERY_SET).to_string();
    let is_it = |pair: &&str| {
        RequestTarget { path: "", query: Some(pair) }
            .query_fields()
            .first()
            .is_some_and(|(sent, _)| sent == name)
    };
    let mut pairs: Vec<String> = Vec::new();
    let mut put = value.map(|value| format!("{}={}", encode(name), encode(value)));
    for pair in target.query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        if is_it(&pair) { pairs.extend(put.take()) } else { pairs.push(pair.to_owned()) }
    }
    pairs.extend(put);
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("{base_url}{}{mark}{}", target.path, pairs.join("&"))
}

/// What a filter admits.
enum Choice<'a> {
    Since(Timestamp),
    /// What was found of a record's JSON is found of all grown ones that are made from it.
    Equals {
        field: &'a str,
        wanted: String,
        known: RefCell<HashMap<*const u8, bool>>,
    },
    Id(String),
}

impl Choice<'_> {
    fn admits(&self, collection: &Collection, position: Position) -> bool {
        match self {
            Self::Since(since) => collection.updated(position).is_some_and(|updated| updated >= *since),
            Self::Equals { field, wanted, known } => collection.likeness(position).is_some_and(|record| {
                let place = record.json.as_ptr();
                *known.borrow_mut().entry(place).or_insert_with(|| equals(&record.json, field, wanted))
            }),
            Self::Id(id) => collection.find(id) == Some(position),
        }
    }
}

fn equals(json: &str, field: &str, wanted: &str) -> bool {
    match super::collection::value_at(json, field) {
        Some(Value::String(text)) => text == wanted,
        Some(other) => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == other),
        None => false,
    }
}

/// A number that a query field brings.
fn number(name: &str, sent: &str, least: u64) -> Result<u64, Response> {
    sent.parse()
        .ok()
        .filter(|number| *number >= least)
        .ok_or_else(|| plain(400, &format!("`{name}` is {sent:?}; expected a whole number from {least}")))
}

fn zigzag(position: Position) -> u64 {
    ((position << 1) ^ (position >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> Position {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}
