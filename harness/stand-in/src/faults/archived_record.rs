//! A record that somebody has archived.

use super::{Effect, Misbehaves, Outcome, field, page};
use crate::data::{Data, field_path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The record that the request reads, or one of the page that it lists, is archived as the request arrives. A
/// resource keeps the mark, and lists leave the record out if its `archived` says so; a recorded answer is marked
/// this once.
///
/// A good integration archives its copy as well, and neither deletes it nor goes on changing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchivedRecord {
    /// Which record of a page, counted from 1; the first without it.
    #[serde(default)]
    pub record: Option<usize>,
    /// The field that becomes true in a recorded answer, by a dotted path; state does as `resources` says.
    #[serde(default)]
    pub field: Option<String>,
}

impl Misbehaves for ArchivedRecord {
    const EXAMPLES: &'static [&'static str] =
        &[r#"archived_record{"record":3,"field":"archived"}@messages-2"#];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| {
            let nth = self.record.unwrap_or(1);
            if data.decides(ask.operation) {
                return data.archive_struck(ask, nth).map(|()| Outcome::Done);
            }
            let mark =
                self.field.clone().ok_or("the fault needs `field`: state does not play this operation")?;
            if !Data::lists(ask.profile, ask.operation) {
                return Ok(Outcome::Alters(Box::new(move |response, _| field::set(response, &mark, "true"))));
            }
            let items = page::items_field(ask.profile, ask.operation)?.to_owned();
            Ok(Outcome::Alters(Box::new(move |response, _| {
                page::change(response, &items, |records| {
                    let at = page::nth(records, nth)?;
                    let marked = field_path::set(records[at].get(), &mark, "true")?;
                    records[at] = RawValue::from_string(marked).map_err(|error| error.to_string())?;
                    Ok(())
                })
            })))
        }))
    }
}
