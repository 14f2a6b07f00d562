//! A redirect that leads nowhere.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::{Body, HeaderValue, Headers, RequestTarget, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The request is redirected to itself, with 307, which keeps the method. A client that follows has to stop by
/// itself (RFC 9110 section 15.4).
///
/// A good integration follows a few redirects or none, never sends its token to another host, and tells somebody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectLoop {}

impl Misbehaves for RedirectLoop {
    const EXAMPLES: &'static [&'static str] = &["redirect_loop@messages-2*always"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|around| {
            let target = RequestTarget::of(&around.request.target);
            let query = target.query.map_or_else(String::new, |query| format!("?{query}"));
            let mut headers = Headers::default();
            let location = format!("{}{}{query}", around.base_url, target.path);
            headers.append("location", HeaderValue::Text(location));
            // 307 keeps the method: a client that loops with a POST is seen to.
            Answer::Whole(Response { status: 307, headers, body: Body::None })
        }))
    }
}
