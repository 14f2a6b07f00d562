//! The same records twice.

use super::{Effect, Misbehaves};
use counterpart_exchange::{Body, JsonText};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The page begins with the records of the page before; the first page, with its own. So it happens where
/// records are added while somebody pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRecords {}

impl Misbehaves for DuplicateRecords {
    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|mut response, around| {
            let pagination = around.profile.pagination.as_ref();
            let items = &pagination.ok_or("the provider profile says nothing of `pagination`")?.items;
            let page = response.body.json().ok_or("the answer's body is not JSON")?;
            let own = records(page, items)?;
            let mut all = records(around.previous_page.unwrap_or(page), items)?;
            if all.is_empty() {
                return Err(format!("the page before has no records in `{items}`"));
            }
            all.extend(own);
            let mut fields = fields(page)?;
            let list = serde_json::value::to_raw_value(&all).map_err(|error| error.to_string())?;
            fields.insert(items.clone(), list);
            let text = serde_json::to_string(&fields).map_err(|error| error.to_string())?;
            response.body = Body::Json(JsonText::parse(&text).map_err(|error| error.to_string())?);
            Ok(response)
        }))
    }
}

/// The fields of an object, each as spelled.
fn fields(page: &JsonText) -> Result<IndexMap<String, Box<RawValue>>, String> {
    serde_json::from_str(page.as_str()).map_err(|_| "the answer's body is not a JSON object".to_owned())
}

fn records(page: &JsonText, items: &str) -> Result<Vec<Box<RawValue>>, String> {
    let fields = fields(page)?;
    let list = fields.get(items).ok_or_else(|| format!("the page has no list `{items}`"))?;
    serde_json::from_str(list.get()).map_err(|_| format!("`{items}` is not a list"))
}
