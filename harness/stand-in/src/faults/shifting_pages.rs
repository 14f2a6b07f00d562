//! A list that changes while somebody pages through it.

use super::{Effect, Misbehaves, Outcome, page};
use crate::data::ShiftedItem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Between the page before and this one a record came to the front of the list, or left it: one is seen twice, or
/// not at all. A resource that is paged by offset or page number has changed for good: all later pages have moved,
/// and with `removed` a record is deleted. Cursors hold their place; there, and on recorded pages, this page alone
/// is changed. It needs a page before.
///
/// A good integration writes what comes twice once. What was skipped it finds with the next run: it reads again a
/// little of what it has read, or compares from time to time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftingPages {
    /// What happened at the front.
    #[serde(default)]
    pub item: ShiftingItem,
}

/// What happens at the front of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShiftingItem {
    /// A record is put in: the last one of the page before comes once more.
    #[default]
    Inserted,
    /// A record is taken out: the first one of this page is skipped.
    Removed,
}

impl Misbehaves for ShiftingPages {
    const EXAMPLES: &'static [&'static str] = &[r#"shifting_pages{"item":"removed"}@messages-3"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| {
            let items = page::items_field(ask.profile, ask.operation)?.to_owned();
            let item = match self.item {
                ShiftingItem::Inserted => ShiftedItem::Inserted,
                ShiftingItem::Removed => ShiftedItem::Removed,
            };
            if data.shift(ask, item)? {
                return Ok(Outcome::Done);
            }
            Ok(Outcome::Alters(Box::new(move |response, around| {
                let before = around
                    .previous_page
                    .ok_or("no page came before this one, so nothing can have moved between them")?;
                let last = page::records(before, &items)?.pop().ok_or("the page before has no records")?;
                page::change(response, &items, |records| {
                    match item {
                        ShiftedItem::Inserted => records.insert(0, last),
                        ShiftedItem::Removed if records.is_empty() => {
                            return Err("the page has no record that could be skipped".to_owned());
                        }
                        ShiftedItem::Removed => drop(records.remove(0)),
                    }
                    Ok(())
                })
            })))
        }))
    }
}
