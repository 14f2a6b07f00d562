//! A page for people, where a program asked.

use super::{Effect, Misbehaves};
use crate::answer::Answer;
use counterpart_exchange::{Body, HeaderValue, Headers, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 200 with a page of HTML that tells people to come back later, as load balancers send it. Nothing was done.
///
/// A good integration takes a page for people for a failed attempt, keeps its cursor, and comes back later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenancePage {}

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Down for maintenance</title></head>\n\
    <body><h1>We will be back soon</h1><p>The service is being maintained.</p></body></html>\n";

impl Misbehaves for MaintenancePage {
    const EXAMPLES: &'static [&'static str] = &["maintenance_page@messages-3*2"];

    fn effect(&self) -> Effect<'_> {
        Effect::Instead(Box::new(|_| {
            let mut headers = Headers::default();
            headers.append("content-type", HeaderValue::Text("text/html; charset=utf-8".to_owned()));
            Answer::Whole(Response { status: 200, headers, body: Body::Text(PAGE.to_owned()) })
        }))
    }
}
