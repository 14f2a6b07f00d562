//! An exchange that is made out of a description, part by part, with what is lost on the way.

use crate::ImportError;
use crate::assembly::{Assembly, ForeignBody, ForeignExchange, ForeignMessage, Started};
use crate::extras::Extras;
use crate::source::{At, Source};
use crate::url::ForeignUrl;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, JsonText, Request, Response,
};

/// Losses of one exchange that are told one by one.
const MAX_LOSSES: usize = 100;

/// The exchange that is being made, and what is lost of it so far.
pub(crate) struct Making {
    at: At,
    /// Host, user and password of a URL; what follows them is the exchange's target.
    url: Option<ForeignUrl>,
    pub(crate) exchange: Exchange,
    losses: Vec<String>,
}

impl Making {
    /// An exchange that says nothing yet: `GET /`, without an answer. `at` is where the file describes it.
    pub(crate) fn new(at: At) -> Self {
        let exchange = Exchange {
            id: ExchangeId::from(""),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: 0,
            caused_by: None,
            ended: Ended::Complete,
            request: Request {
                method: "GET".to_owned(),
                target: "/".to_owned(),
                headers: Headers::default(),
                body: Body::None,
            },
            response: None,
        };
        Self { at, url: None, exchange, losses: Vec::new() }
    }

    /// Tells what is lost.
    pub(crate) fn lose(&mut self, what: impl Into<String>) {
        match self.losses.len() {
            0..MAX_LOSSES => self.losses.push(what.into()),
            MAX_LOSSES => self.losses.push("more than can be told one by one".to_owned()),
            _ => {}
        }
    }

    /// Tells of keys that are not known here.
    pub(crate) fn lose_keys<'a>(&mut self, within: &str, keys: impl IntoIterator<Item = &'a str>) {
        for key in keys {
            self.lose(format!("`{}` of the {within}, which is not known here", shown(key)));
        }
    }

    /// Drops losses that were told and are none, because the exchange says it in another way.
    pub(crate) fn lost_nothing(&mut self) {
        self.losses.clear();
    }

    /// Takes over a whole URL.
    pub(crate) fn set_url(&mut self, url: ForeignUrl) {
        self.exchange.request.target.clone_from(&url.target);
        self.url = Some(url);
    }

    /// The answer; one that says nothing where there was none yet.
    pub(crate) fn answer(&mut self) -> &mut Response {
        self.exchange.response.get_or_insert_with(|| Response {
            status: 200,
            headers: Headers::default(),
            body: Body::None,
        })
    }

    /// The status of the answer.
    pub(crate) fn set_status(&mut self, source: Source<'_>, raw: &str) -> Result<(), ImportError> {
        let status: Option<u16> = raw.trim_matches('"').parse().ok();
        let status = status.filter(|status| (100..=999).contains(status)).ok_or_else(|| {
            source.refuse(source.offset_of(raw), "is no HTTP status; expected a number from 100 to 999")
        })?;
        self.answer().status = status;
        Ok(())
    }

    /// The exchange goes to the others, as any foreign one.
    pub(crate) fn finish(self, assembly: &mut Assembly<'_>) -> Result<(), ImportError> {
        tell(self.losses, assembly);
        let Exchange { ended, latency_ms, request, response, .. } = self.exchange;
        let target = ForeignUrl::of_target(&request.target);
        let url = match self.url {
            Some(url) => ForeignUrl { target: target.target, ..url },
            None => target,
        };
        let foreign = ForeignExchange {
            at: self.at,
            method: request.method,
            url: request.target,
            request: foreign(&request.headers, request.body),
            response: response
                .map(|response| (i64::from(response.status), foreign(&response.headers, response.body))),
            ended,
            started: Started::Unknown,
            latency_ms,
        };
        assembly.push_to(url, foreign)
    }

    /// The exchange goes to the others as our own exporter found it.
    pub(crate) fn finish_written(
        mut self,
        extras: Extras,
        source: Source<'_>,
        assembly: &mut Assembly<'_>,
    ) -> Result<(), ImportError> {
        tell(self.losses, assembly);
        extras.add_to(&mut self.exchange).map_err(|problem| source.refuse(self.at, problem))?;
        assembly.push_written(self.at, self.exchange)
    }

    /// The exchange cannot be had; what is lost is told all the same.
    pub(crate) fn give_up(self, assembly: &mut Assembly<'_>, why: &str) -> Result<(), ImportError> {
        tell(self.losses, assembly);
        assembly.leave_out(self.at, format!("all of it: {why}"))
    }
}

fn tell(losses: Vec<String>, assembly: &mut Assembly<'_>) {
    for what in losses {
        assembly.lose(what);
    }
}

fn foreign(headers: &Headers, body: Body) -> ForeignMessage {
    let fields = headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name.to_owned(), value.clone())))
        .collect();
    // A document under no media type is known to be one all the same.
    let media_type = matches!(body, Body::Json(_)).then(|| "application/json".to_owned());
    let body = match body {
        Body::None => ForeignBody::None,
        Body::Omitted { size_bytes } => ForeignBody::Missing { size_bytes },
        body => ForeignBody::AsSent(body.into_bytes()),
    };
    ForeignMessage { headers: fields, body, media_type }
}

/// A foreign name in a message: short, and without what would break the line.
pub(crate) fn shown(name: &str) -> String {
    let plain: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    if plain.len() < name.len() { format!("{plain}…") } else { plain }
}

/// The bytes that base64 text stands for.
pub(crate) fn decode_base64(source: Source<'_>, raw: &str, text: &str) -> Result<Vec<u8>, ImportError> {
    BASE64.decode(text.as_bytes()).map_err(|_| {
        source.refuse(source.offset_of(raw), "is not base64; expected the standard alphabet with padding")
    })
}

/// A body of these bytes, in the form that the headers of its message ask for.
pub(crate) fn body_of(bytes: &[u8], headers: &Headers) -> Body {
    Body::from_bytes(bytes, headers.text("content-type"))
}

/// A body that is a JSON document as it stands in the file.
pub(crate) fn json_body(raw: &str) -> Body {
    JsonText::parse(raw).map_or_else(|_| Body::Text(raw.to_owned()), Body::Json)
}

/// A body that nobody knows: on replay it fits any.
pub(crate) const ANY_BODY: Body = Body::Omitted { size_bytes: 0 };

/// Adds a header.
pub(crate) fn add_header(headers: &mut Headers, name: &str, value: &str) {
    headers.append(name, HeaderValue::Text(value.to_owned()));
}
