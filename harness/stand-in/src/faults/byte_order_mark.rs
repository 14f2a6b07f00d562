//! Three bytes before the body.

use super::{Effect, Misbehaves};
use counterpart_exchange::Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body begins with a UTF-8 byte order mark, which JSON must not have and parsers may ignore (RFC 8259 section
/// 8.1).
///
/// A good integration reads on behind the mark, or takes the answer for a failed attempt and says so. It does not
/// take it for an empty page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByteOrderMark {}

impl Misbehaves for ByteOrderMark {
    const EXAMPLES: &'static [&'static str] = &["byte_order_mark@messages-2"];

    fn effect(&self) -> Effect<'_> {
        Effect::Alters(Box::new(|mut response, _| {
            let text = String::from_utf8(response.body.to_bytes())
                .map_err(|_| "the answer's body is not text".to_owned())?;
            if text.is_empty() {
                return Err("the answer has no body".to_owned());
            }
            response.body = Body::Text(format!("\u{feff}{text}"));
            Ok(response)
        }))
    }
}
