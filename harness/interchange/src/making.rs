//! An exchange that is made out of a description, part by part, with what is lost on the way.

use crate::source::Source;
use crate::{ImportError, Imported, Loss};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, JsonText, Request, Response,
};

/// The exchange that is being made, and its number in the file.
pub(crate) struct Making {
    number: usize,
    pub(crate) exchange: Exchange,
    losses: Vec<Loss>,
}

impl Making {
    /// An exchange that says nothing yet: `GET /`, without an answer. `kind` is what the format calls it.
    pub(crate) fn new(kind: &str, number: usize) -> Self {
        let exchange = Exchange {
            id: ExchangeId::nth(kind, number + 1),
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
        Self { number, exchange, losses: Vec::new() }
    }

    /// Its number in the file, from 0.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Tells what is lost.
    pub(crate) fn lose(&mut self, what: impl Into<String>) {
        self.losses.push(Loss { exchange: self.number, what: what.into() });
    }

    /// Tells of keys that are not known here.
    pub(crate) fn lose_keys<'a>(&mut self, within: &str, keys: impl IntoIterator<Item = &'a str>) {
        for key in keys {
            self.lose(format!("`{}` of the {within} is not known here and is left out", shown(key)));
        }
    }

    /// Drops losses that were told and are none, because the exchange says it in another way.
    pub(crate) fn lost_nothing(&mut self) {
        self.losses.clear();
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

    /// The exchange goes to the others.
    pub(crate) fn finish(self, imported: &mut Imported) {
        imported.exchanges.push(self.exchange);
        imported.losses.extend(self.losses);
    }

    /// The exchange cannot be had; what is lost is told all the same.
    pub(crate) fn give_up(mut self, imported: &mut Imported, why: &str) {
        self.lose(format!("{why}; it is left out"));
        imported.losses.extend(self.losses);
    }
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
