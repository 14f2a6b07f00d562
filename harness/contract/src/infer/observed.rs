//! What was seen of each operation, counted.
//!
//! Every count adds up the same in whatever order the exchanges come. An exchange that was cut short
//! and a body that was not kept tell that there was a body, and nothing about it.

use crate::evidence::LeftOut;
use crate::infer::fields::Fields;
use crate::infer::path::PathForm;
use crate::infer::shape::Shape;
use crate::media::{Content, content_of, media_type_of};
use crate::scalar::Scalar;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, Headers, ProviderProfile, Request, RequestTarget, Response,
};
use std::collections::BTreeMap;

/// The methods that a Path Item Object has a field for (OpenAPI 3.1, 4.8.9).
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The header fields of an answer that a contract speaks of, beside its media type.
pub(crate) const HEADERS_OF_INTEREST: [&str; 1] = ["Retry-After"];

/// Path and method of the provider's operations; name and method of its webhooks.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) operations: BTreeMap<(PathForm, String), ObservedOperation>,
    pub(crate) webhooks: BTreeMap<(String, String), ObservedOperation>,
    pub(crate) left_out: LeftOut,
}

#[derive(Debug, Default)]
pub(crate) struct ObservedOperation {
    pub(crate) requests: u64,
    pub(crate) query: Fields,
    pub(crate) body: ObservedBody,
    pub(crate) responses: BTreeMap<u16, ObservedResponse>,
}

#[derive(Debug, Default)]
pub(crate) struct ObservedResponse {
    pub(crate) samples: u64,
    pub(crate) headers: BTreeMap<&'static str, ObservedHeader>,
    pub(crate) body: ObservedBody,
}

#[derive(Debug)]
pub(crate) struct ObservedHeader {
    pub(crate) samples: u64,
    pub(crate) all_integers: bool,
}

/// The bodies of one side of one operation.
#[derive(Debug, Default)]
pub(crate) struct ObservedBody {
    /// Messages that were whole and had no body.
    pub(crate) absent: u64,
    pub(crate) media: BTreeMap<String, ObservedMedia>,
}

#[derive(Debug, Default)]
pub(crate) struct ObservedMedia {
    pub(crate) broken: u64,
    pub(crate) texts: u64,
    pub(crate) form: Fields,
    pub(crate) json: Shape,
}

impl Observed {
    /// Adds an exchange.
    pub(crate) fn observe(&mut self, profile: &ProviderProfile, exchange: &Exchange) {
        let method = exchange.request.method.to_ascii_lowercase();
        if !METHODS.contains(&method.as_str()) {
            self.left_out.exchanges_of_other_methods += 1;
            return;
        }
        let Request { target, method: sent_method, .. } = &exchange.request;
        let operation = match exchange.direction {
            Direction::Outbound => {
                let form = PathForm::of_request(profile, sent_method, target);
                self.operations.entry((form, method)).or_default()
            }
            Direction::Inbound => {
                let name = profile.operation_of(sent_method, target).0;
                self.webhooks.entry((name, method)).or_default()
            }
        };
        operation.observe(exchange, &mut self.left_out);
    }
}

impl ObservedOperation {
    fn observe(&mut self, exchange: &Exchange, left_out: &mut LeftOut) {
        let request = &exchange.request;
        self.requests += 1;
        self.query.observe(&RequestTarget::of(&request.target).query_fields());
        self.body.observe(&request.headers, &request.body, exchange.ended, left_out);
        let Some(response) = &exchange.response else { return };
        let seen = self.responses.entry(response.status).or_default();
        seen.samples += 1;
        seen.observe_headers(response);
        // An answer to HEAD tells of a body that it does not have (RFC 9110, section 9.3.2).
        if !request.method.eq_ignore_ascii_case("head") {
            seen.body.observe(&response.headers, &response.body, exchange.ended, left_out);
        }
    }
}

impl ObservedResponse {
    fn observe_headers(&mut self, response: &Response) {
        for name in HEADERS_OF_INTEREST {
            let [value, ..] = response.headers.values(name) else { continue };
            let seen = self.headers.entry(name).or_insert(ObservedHeader { samples: 0, all_integers: true });
            seen.samples += 1;
            seen.all_integers &=
                value.as_text().is_some_and(|text| Scalar::of(text.trim()) == Scalar::Integer);
        }
    }
}

impl ObservedBody {
    fn observe(&mut self, headers: &Headers, body: &Body, ended: Ended, left_out: &mut LeftOut) {
        let whole = ended == Ended::Complete;
        if *body == Body::None {
            self.absent += u64::from(whole);
            return;
        }
        let media_type = media_type_of(headers, body);
        let media = self.media.entry(media_type.clone()).or_default();
        if !whole {
            left_out.bodies_cut_short += 1;
            return;
        }
        if matches!(body, Body::Omitted { .. }) {
            left_out.bodies_omitted += 1;
            return;
        }
        match content_of(&media_type, body) {
            Content::Json(value) => media.json.observe(&value),
            Content::Form(fields) => media.form.observe(&fields),
            Content::Text(_) => media.texts += 1,
            Content::Broken(_) => {
                media.broken += 1;
                left_out.bodies_broken += 1;
            }
            Content::Opaque => {}
        }
    }
}
