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
    response: Response,
    profile: &ProviderProfile,
    record: Option<usize>,
    path: &str,
    change: impl FnOnce(&mut serde_json::Map<String, Value>, &str) -> Option<Value>,
) -> Result<Response, String> {
    let (changed, value) = parent(response, profile, record, path, |object, last| {
        if !object.contains_key(last) {
            return Err(format!("the answer has no field `{path}`"));
        }
        change(object, last);
        Ok(())
    })?;
    with_json(changed, &value.to_string())
}

/// Adds a field that is not there.
pub(super) fn add(
    response: Response,
    profile: &ProviderProfile,
    record: Option<usize>,
    path: &str,
    added: Value,
) -> Result<Response, String> {
    let (changed, value) = parent(response, profile, record, path, |object, last| {
        if object.contains_key(last) {
            return Err(format!("the answer has a field `{path}` already"));
        }
        object.insert(last.to_owned(), added);
        Ok(())
    })?;
    with_json(changed, &value.to_string())
}

/// Gives a field a value in just this spelling, even one that no parsed value could hold.
pub(super) fn spell(
    response: Response,
    profile: &ProviderProfile,
    record: Option<usize>,
    path: &str,
    spelling: &str,
) -> Result<Response, String> {
    // Nothing that was recorded holds these characters unescaped.
    const MARK: &str = "\u{10fffd}counterpart\u{10fffd}";
    let (changed, value) = parent(response, profile, record, path, |object, last| {
        if object.insert(last.to_owned(), Value::from(MARK)).is_none() {
            return Err(format!("the answer has no field `{path}`"));
        }
        Ok(())
    })?;
    with_json(changed, &value.to_string().replacen(&format!("\"{MARK}\""), spelling, 1))
}

fn with_json(mut response: Response, text: &str) -> Result<Response, String> {
    response.body = Body::Json(JsonText::parse(text).map_err(|error| error.to_string())?);
    Ok(response)
}

/// The answer's JSON after something was done to the object that holds the field's last part.
fn parent(
    response: Response,
    profile: &ProviderProfile,
    record: Option<usize>,
    path: &str,
    act: impl FnOnce(&mut serde_json::Map<String, Value>, &str) -> Result<(), String>,
) -> Result<(Response, Value), String> {
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
    let object = at.as_object_mut().ok_or_else(|| format!("the answer has no field `{path}`"))?;
    act(object, last)?;
    Ok((response, value))
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
