//! The records of a page, each as spelled, to be put in another order, repeated or left out.

use crate::data::field_path;
use counterpart_exchange::{Body, JsonText, OperationName, ProviderProfile, Response};
use serde_json::value::RawValue;

/// The field that holds the records of a page that an operation answers.
pub(super) fn items_field<'a>(
    profile: &'a ProviderProfile,
    operation: &OperationName,
) -> Result<&'a str, String> {
    let listed = profile.resources.values().find(|resource| resource.list.as_ref() == Some(operation));
    let own = listed.and_then(|resource| resource.items.as_deref());
    let paged = profile.pagination.as_ref().map(|pagination| pagination.items.as_str());
    own.or(paged).ok_or_else(|| "the provider profile says nothing of `pagination`".to_owned())
}

/// The records of a page.
pub(crate) fn records(page: &JsonText, items: &str) -> Result<Vec<Box<RawValue>>, String> {
    let whole = page.as_str();
    if !items.is_empty() && !whole.starts_with('{') {
        return Err("the answer's body is not a JSON object".to_owned());
    }
    field_path::items(whole, items)
}

/// The page with other records.
pub(super) fn with_records<'r>(
    mut response: Response,
    items: &str,
    records: impl IntoIterator<Item = &'r RawValue>,
) -> Result<Response, String> {
    let page = response.body.json().ok_or("the answer's body is not JSON")?;
    let list = field_path::list_of(records.into_iter().map(RawValue::get));
    let text = field_path::set(page.as_str(), items, &list)?;
    response.body = Body::Json(JsonText::parse(&text).map_err(|error| error.to_string())?);
    Ok(response)
}

/// Changes the list of a page's records.
pub(crate) fn change(
    response: Response,
    items: &str,
    change: impl FnOnce(&mut Vec<Box<RawValue>>) -> Result<(), String>,
) -> Result<Response, String> {
    let page = response.body.json().ok_or("the answer's body is not JSON")?;
    let mut all = records(page, items)?;
    change(&mut all)?;
    with_records(response, items, all.iter().map(AsRef::as_ref))
}

/// The index of the n-th record, counted from 1.
pub(super) fn nth(all: &[Box<RawValue>], number: usize) -> Result<usize, String> {
    let count = all.len();
    number
        .checked_sub(1)
        .filter(|index| *index < count)
        .ok_or_else(|| format!("the page has no record {number}; it has {count}, counted from 1"))
}
