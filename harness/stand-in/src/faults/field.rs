//! A field of an answer, named by a dotted path, in the whole body or in one of the page's records.

use crate::data::field_path;
use counterpart_exchange::{Body, JsonText, Pagination, ProviderProfile, Response};
use serde_json::Value;

/// Puts a field in, with the objects that lead there.
pub(super) fn set(mut response: Response, path: &str, value: &str) -> Result<Response, String> {
    let json = response.body.json().ok_or("the answer's body is not JSON")?;
    let text = field_path::set(json.as_str(), path, value)?;
    response.body = Body::Json(JsonText::parse(&text).map_err(|error| error.to_string())?);
    Ok(response)
}

/// Changes the object that holds the field's last part.
pub(super) fn change(
    mut response: Response,
    profile: &ProviderProfile,
    record: Option<usize>,
    path: &str,
    change: impl FnOnce(&mut serde_json::Map<String, Value>, &str) -> Option<Value>,
) -> Result<Response, String> {
    let Some(json) = response.body.json() else { return Err("the answer's body is not JSON".to_owned()) };
    let mut value = json.to_value();
    let mut at = match record {
        None => &mut value,
        Some(number) => record_of(&mut value, profile.pagination.as_ref(), number)?,
    };
    let (parents, last) = match path.rsplit_once('.') {
        Some((parents, last)) => (Some(parents), last),
        None => (None, path),
    };
    for part in parents.into_iter().flat_map(|parents| parents.split('.')) {
        at = at.get_mut(part).ok_or_else(|| format!("the answer has no field `{part}` of `{path}`"))?;
    }
    let object = at.as_object_mut().filter(|object| object.contains_key(last));
    let object = object.ok_or_else(|| format!("the answer has no field `{path}`"))?;
    change(object, last);
    response.body = Body::Json(JsonText::parse(&value.to_string()).map_err(|error| error.to_string())?);
    Ok(response)
}

fn record_of<'a>(
    page: &'a mut Value,
    pagination: Option<&Pagination>,
    number: usize,
) -> Result<&'a mut Value, String> {
    let items = &pagination
        .ok_or("the provider profile says nothing of `pagination`, so a page's records are not known")?
        .items;
    let list = items.split('.').filter(|part| !part.is_empty()).try_fold(page, |at, part| at.get_mut(part));
    let records =
        list.and_then(Value::as_array_mut).ok_or_else(|| format!("the page has no list `{items}`"))?;
    let count = records.len();
    number
        .checked_sub(1)
        .and_then(|index| records.get_mut(index))
        .ok_or_else(|| format!("the page has no record {number}; it has {count}, counted from 1"))
}
