//! The same records twice.

use super::{Effect, Misbehaves, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The page begins with the records of the page before; the first page, with its own. So it happens where records
/// are added while somebody pages. It needs `pagination` in the profile.
///
/// A good integration writes each record once, by the provider's id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuplicateRecords {}

impl Misbehaves for DuplicateRecords {
    const EXAMPLES: &'static [&'static str] = &["duplicate_records@messages-4"];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            let items = page::items_field(around.profile, around.operation)?;
            let this = response.body.json().ok_or("the answer's body is not JSON")?;
            let own = page::records(this, items)?;
            let mut all = page::records(around.previous_page.unwrap_or(this), items)?;
            if all.is_empty() {
                return Err(format!("the page before has no records in `{items}`"));
            }
            all.extend(own);
            page::with_records(response, items, all.iter().map(AsRef::as_ref))
        }))
    }
}
