//! How a list is handed out page by page, where one page is seen to lead to the next.
//!
//! Three things show it: a `Link` to the next page (RFC 8288), a value of one answer that a later request of the same
//! operation carries in a query field, and page numbers or offsets that count up. The operation that shows it most often
//! decides; the others join it where they page alike.

use super::{Operations, quoted};
use crate::{Exchange, RequestTarget};
use serde_json::Value;
use std::collections::BTreeMap;

/// Documents are looked into so deep for lists and cursors.
const MAX_DEPTH: usize = 4;
/// So many pages of an operation show how it pages, or none will.
const MAX_PAGES: usize = 50;
/// Shorter values are equal by accident, but where their name says that they lead on.
const MIN_CURSOR_CHARS: usize = 2;

/// How an operation pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Paging {
    items: String,
    by: String,
    next: Option<String>,
}

/// `pagination`, or nothing where no page leads to another.
pub(super) fn section(operations: &Operations, by_operation: &[Vec<&Exchange>]) -> String {
    let mut alike: BTreeMap<Paging, Vec<&str>> = BTreeMap::new();
    for ((name, template), exchanges) in operations.iter().zip(by_operation) {
        let of_it = &exchanges[..exchanges.len().min(MAX_PAGES)];
        if let Some(paging) = (template.method == "GET").then(|| paging_of(of_it)).flatten() {
            alike.entry(paging).or_default().push(&name.0);
        }
    }
    let Some((paging, names)) = alike.into_iter().max_by_key(|(_, names)| names.len()) else {
        return String::new();
    };
    let next = paging.next.map_or_else(String::new, |next| format!("  next: [{next}]\n"));
    format!(
        "pagination:\n  operations: [{}]\n  items: {}\n  by: {}\n{next}",
        names.join(", "),
        quoted(&paging.items),
        paging.by
    )
}

fn paging_of(exchanges: &[&Exchange]) -> Option<Paging> {
    let pages: Vec<Page> = exchanges.iter().filter_map(|exchange| Page::of(exchange)).collect();
    let items = pages.iter().find_map(|page| list_in(&page.answer))?;
    let (by, next) = by_link(&pages).or_else(|| by_value(&pages)).or_else(|| by_counting(&pages))?;
    Some(Paging { items, by, next })
}

struct Page {
    query: Vec<(String, String)>,
    link: Option<String>,
    answer: Value,
}

impl Page {
    fn of(exchange: &Exchange) -> Option<Self> {
        let response = exchange.response.as_ref().filter(|response| response.status < 300)?;
        Some(Self {
            query: RequestTarget::of(&exchange.request.target).query_fields(),
            link: response.headers.text("link").and_then(next_link),
            answer: response.body.json()?.to_value(),
        })
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The target of the link whose relation is `next`.
fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let relations = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && relations.split_whitespace().any(|one| one == "next")
        });
        is_next.then(|| target.to_owned())
    })
}

/// The field of a query in which the link to the next page differs from the request.
fn by_link(pages: &[Page]) -> Option<(String, Option<String>)> {
    pages.iter().find_map(|page| {
        let next = RequestTarget::of(page.link.as_deref()?).query_fields();
        let (name, value) = next.iter().find(|(name, value)| page.query(name) != Some(value))?;
        Some((counted_by(name, value), Some("link_header".to_owned())))
    })
}

/// The scalar of an answer that a later request carries in its query.
fn by_value(pages: &[Page]) -> Option<(String, Option<String>)> {
    for (number, page) in pages.iter().enumerate() {
        let mut scalars = Vec::new();
        scalars_outside_lists(&page.answer, "", 0, &mut scalars);
        for later in &pages[number + 1..] {
            for (name, value) in later.query.iter().filter(|(name, value)| page.query(name) != Some(value)) {
                let is_cursor = |path: &str| {
                    value.len() >= MIN_CURSOR_CHARS || path.to_ascii_lowercase().contains("next")
                };
                let told = scalars.iter().find(|(path, told)| told == value && is_cursor(path));
                if let Some((path, _)) = told {
                    return Some((counted_by(name, value), Some(format!("{{value: {}}}", quoted(path)))));
                }
            }
        }
    }
    None
}

/// A number that counts up from request to request.
fn by_counting(pages: &[Page]) -> Option<(String, Option<String>)> {
    let names: Vec<&str> = pages.first()?.query.iter().map(|(name, _)| name.as_str()).collect();
    let later = pages.get(1)?.query.iter().map(|(name, _)| name.as_str());
    later.chain(names).find_map(|name| {
        let by = counted_by(name, "1");
        let numbers: Vec<u64> =
            pages.iter().filter_map(|page| page.query(name)).filter_map(|value| value.parse().ok()).collect();
        let counts = numbers.len() >= 2 && numbers.windows(2).all(|pair| pair[0] < pair[1]);
        (counts && !by.starts_with("{cursor")).then_some((by, None))
    })
}

/// What a field of a query says by its name, where its value is a number: an offset or a page's number; else a cursor.
fn counted_by(name: &str, value: &str) -> String {
    let word = name.to_ascii_lowercase();
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    let kind = match () {
        () if is_number && ["offset", "skip", "start", "startat", "start_at"].contains(&word.as_str()) => {
            "offset"
        }
        () if is_number && word.contains("page") && !word.contains("size") && !word.contains("per") => "page",
        () => "cursor",
    };
    format!("{{{kind}: {{query: {}}}}}", quoted(name))
}

/// The path of the longest list of objects that is not within another list.
fn list_in(answer: &Value) -> Option<String> {
    let mut lists = Vec::new();
    lists_of_objects(answer, "", 0, &mut lists);
    lists.into_iter().max_by_key(|(_, length)| *length).map(|(path, _)| path)
}

fn lists_of_objects(value: &Value, path: &str, depth: usize, found: &mut Vec<(String, usize)>) {
    match value {
        Value::Array(items) if items.first().is_some_and(Value::is_object) => {
            found.push((path.to_owned(), items.len()));
        }
        Value::Object(fields) if depth < MAX_DEPTH => {
            for (key, value) in fields.iter().filter(|(key, _)| !key.contains('.')) {
                lists_of_objects(value, &joined(path, key), depth + 1, found);
            }
        }
        _ => {}
    }
}

fn scalars_outside_lists(value: &Value, path: &str, depth: usize, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        Value::Number(number) => found.push((path.to_owned(), number.to_string())),
        Value::Object(fields) if depth < MAX_DEPTH => {
            for (key, value) in fields.iter().filter(|(key, _)| !key.contains('.')) {
                scalars_outside_lists(value, &joined(path, key), depth + 1, found);
            }
        }
        _ => {}
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
