//! Records in another order than the provider promises.

use super::{Effect, Misbehaves, page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The records of a page come in another order. None is missing and none comes twice. It needs a page of two
/// records.
///
/// A good integration goes by the provider's ids and times, not by the order in which records come. An older
/// version of a record never overwrites a newer one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutOfOrder {
    /// Which order they come in instead.
    #[serde(default)]
    pub order: Disorder,
}

/// An order that is not the provider's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disorder {
    /// The last record first.
    #[default]
    Reversed,
    /// The first record last: one that is late.
    FirstLast,
}

impl Misbehaves for OutOfOrder {
    const EXAMPLES: &'static [&'static str] = &[r#"out_of_order{"order":"first_last"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|response, around| {
            let items = page::items_field(around.profile, around.operation)?;
            page::change(response, items, |records| {
                if records.len() < 2 {
                    return Err(format!("the page has {} records: they have but one order", records.len()));
                }
                match self.order {
                    Disorder::Reversed => records.reverse(),
                    Disorder::FirstLast => records.rotate_left(1),
                }
                Ok(())
            })
        }))
    }
}
