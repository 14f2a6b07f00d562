//! Paging that never ends.

use super::{Effect, Misbehaves, Outcome};
use crate::data::tell_next;
use counterpart_exchange::{PagedBy, RequestTarget};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The page says that the next page is this very page. It needs `pagination.by` and `pagination.next` in the
/// profile; on recorded pages, a request that is not for the first one, which has no cursor.
///
/// A good integration notices that a cursor came twice and stops or begins anew; it never pages for ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorLoop {}

impl Misbehaves for CursorLoop {
    const EXAMPLES: &'static [&'static str] = &["cursor_loop@messages-3"];

    fn effect(&self) -> Effect<'_> {
        Effect::Data(Box::new(|data, ask| {
            let paging =
                ask.profile.pagination.as_ref().filter(|paging| paging.operations.contains(ask.operation));
            let paging = paging
                .ok_or("the provider profile does not say that this operation pages (`pagination`)")?
                .clone();
            let by = paging
                .by
                .as_ref()
                .ok_or("the provider profile does not say how pages are asked for (`pagination.by`)")?;
            if paging.next.is_empty() {
                return Err(
                    "the provider profile does not say where the next page is told (`pagination.next`)"
                        .to_owned(),
                );
            }
            let sent = RequestTarget::of(&ask.request.target).query_fields();
            let sent = sent.into_iter().find(|(name, _)| name == by.query()).map(|(_, value)| value);
            let own = data.cursor_of_page(ask).or(sent).or_else(|| match by {
                PagedBy::Cursor { .. } => None,
                PagedBy::Offset { .. } => Some("0".to_owned()),
                PagedBy::Page { first, .. } => Some(first.to_string()),
            });
            let own = own.ok_or("the first page has no recorded cursor that leads back to it")?;
            let (target, base_url) = (ask.request.target.clone(), data.base_url().to_owned());
            Ok(Outcome::Alters(Box::new(move |response, _| {
                tell_next(response, &paging, Some(&own), &target, &base_url)
            })))
        }))
    }
}
