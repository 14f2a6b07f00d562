//! A record that is gone.

use super::{Effect, Misbehaves, Outcome, page};
use crate::data::{Data, field_path, tombstone_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The record that the request is about, or one of the page that it lists, is deleted as the request arrives. A
/// read of it is refused, then and ever after, in the provider's form `not_found` or `gone`; a list is without it,
/// or has a tombstone in its place. A recorded page lacks it this once.
///
/// A good integration takes 404 and 410 on a read for an end, not for a failure to try again, and deletes or marks
/// its copy. A record that a list no longer has is found by comparing, or by a full refresh.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletedRecord {
    /// Which record of a page, counted from 1; the first without it.
    #[serde(default)]
    pub record: Option<usize>,
    /// How a read is refused.
    #[serde(default)]
    pub read: DeletedOnRead,
    /// What a list has instead.
    #[serde(default)]
    pub in_list: DeletedInList,
}

/// How a read of what was deleted is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletedOnRead {
    /// 404 Not Found.
    #[default]
    NotFound,
    /// 410 Gone.
    Gone,
}

/// What a list has instead of what was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletedInList {
    /// Nothing.
    #[default]
    Absent,
    /// The id, and this field as true.
    Tombstone(String),
}

impl Misbehaves for DeletedRecord {
    const EXAMPLES: &'static [&'static str] = &[
        r#"deleted_record{"read":"gone"}@message"#,
        r#"deleted_record{"record":1,"in_list":{"tombstone":"deleted"}}@messages-2"#,
    ];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| {
            let nth = self.record.unwrap_or(1);
            let status = match self.read {
                DeletedOnRead::NotFound => 404,
                DeletedOnRead::Gone => 410,
            };
            let tombstone = match &self.in_list {
                DeletedInList::Absent => None,
                DeletedInList::Tombstone(field) => Some(field.clone()),
            };
            if data.decides(ask.operation) {
                return data.delete_struck(ask, nth, status, tombstone.as_deref()).map(|()| Outcome::Done);
            }
            if !Data::lists(ask.profile, ask.operation) {
                return data.delete_path(ask, status).map(|()| Outcome::Done);
            }
            let items = page::items_field(ask.profile, ask.operation)?.to_owned();
            Ok(Outcome::Alters(Box::new(move |response, _| {
                page::change(response, &items, |records| {
                    let at = page::nth(records, nth)?;
                    match &tombstone {
                        None => drop(records.remove(at)),
                        Some(field) => {
                            let id = field_path::get(records[at].get(), "id")
                                .ok_or("the record has no `id` for its tombstone")?;
                            let text = tombstone_of("id", &id, field)?;
                            records[at] = RawValue::from_string(text).map_err(|error| error.to_string())?;
                        }
                    }
                    Ok(())
                })
            })))
        }))
    }
}
