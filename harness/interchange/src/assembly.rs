//! From what a foreign format says of its exchanges to exchanges.
//!
//! Each importer says what stands in its file; what that comes to is decided here once, for all of them: the target and
//! the `host` header of a URL, which header fields are of an exchange, what a compressed body holds, when a request was
//! sent. Knows no format.

use crate::content_coding::{Unpacked, Unpacker};
use crate::source::{At, Source};
use crate::url::ForeignUrl;
use crate::{ImportError, Imported, Loss};
use base64::Engine;
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, Request, Response,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// More exchanges than this are refused.
pub(crate) const MAX_EXCHANGES: usize = 100_000;

/// More header fields in a message than this are refused.
const MAX_HEADERS: usize = 1_000;

/// How many exchanges a warning names.
const MAX_NAMED: usize = 10;

/// Fields of the connection (RFC 9110, section 7.6.1). The recorder does not keep them either.
const OF_THE_CONNECTION: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// An exchange as a foreign file tells it.
pub(crate) struct ForeignExchange {
    /// Where it stands in the file.
    pub(crate) at: At,
    /// The method; lower case is put right.
    pub(crate) method: String,
    /// The URL, or the target alone.
    pub(crate) url: String,
    pub(crate) request: ForeignMessage,
    /// The status with the answer; none where there was none.
    pub(crate) response: Option<(i64, ForeignMessage)>,
    pub(crate) ended: Ended,
    pub(crate) started: Started,
    pub(crate) latency_ms: u64,
}

/// When a request was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Started {
    /// The file does not tell: as the one before.
    #[default]
    Unknown,
    /// By the clock.
    At(Timestamp),
    /// Milliseconds from the start of the recording, as our own exporter wrote them.
    OffsetMs(u64),
}

/// The header fields and the body of one side.
#[derive(Default)]
pub(crate) struct ForeignMessage {
    /// In order; names in any case.
    pub(crate) headers: Vec<(String, HeaderValue)>,
    pub(crate) body: ForeignBody,
    /// What the format says beside the header fields that the body is; a `Content-Type` among them comes first.
    pub(crate) media_type: Option<String>,
}

/// A body as a foreign file holds it.
#[derive(Default)]
pub(crate) enum ForeignBody {
    #[default]
    None,
    /// As sent: compressed where the header fields say so, unless the tool unpacked it and left them.
    AsSent(Vec<u8>),
    /// Unpacked, whatever the header fields say.
    Unpacked(Vec<u8>),
    /// There was one, and the file does not hold it.
    Missing {
        /// How large it was.
        size_bytes: u64,
    },
}

/// Collects the exchanges of one file.
pub(crate) struct Assembly<'a> {
    source: Source<'a>,
    imported: Imported,
    started: Vec<Started>,
    began: Option<Timestamp>,
    unpacker: Unpacker,
    hosts: BTreeSet<String>,
    warnings: BTreeMap<&'static str, Vec<usize>>,
    /// The number of the exchange under way, those that were left out counted.
    at_exchange: usize,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(source: Source<'a>) -> Self {
        Self {
            source,
            imported: Imported::default(),
            started: Vec::new(),
            began: None,
            unpacker: Unpacker::default(),
            hosts: BTreeSet::new(),
            warnings: BTreeMap::new(),
            at_exchange: 0,
        }
    }

    /// Notes that the recording began no later than at a time.
    pub(crate) fn began(&mut self, at: Timestamp) {
        self.began = Some(self.began.map_or(at, |began| began.min(at)));
    }

    /// Notes a loss of the exchange that is pushed or left out next. The same of one exchange is told once.
    pub(crate) fn lose(&mut self, what: impl Into<String>) {
        let loss = Loss { exchange: self.at_exchange, what: what.into() };
        let of_this = self.imported.losses.iter().rev().take_while(|other| other.exchange == loss.exchange);
        if !of_this.into_iter().any(|other| *other == loss) {
            self.imported.losses.push(loss);
        }
    }

    /// Notes something odd of the exchange that is pushed or left out next. The same of several is told once.
    pub(crate) fn warn(&mut self, what: &'static str) {
        let exchanges = self.warnings.entry(what).or_default();
        if exchanges.last() != Some(&self.at_exchange) {
            exchanges.push(self.at_exchange);
        }
    }

    /// Notes something odd of the file.
    pub(crate) fn warn_of_file(&mut self, what: impl Into<String>) {
        self.imported.warnings.push(what.into());
    }

    /// Leaves an entry out that is no exchange, which is a loss.
    pub(crate) fn leave_out(&mut self, at: At, why: impl Into<String>) -> Result<(), ImportError> {
        self.check_count(at)?;
        self.lose(why);
        self.at_exchange += 1;
        Ok(())
    }

    /// Adds an exchange.
    ///
    /// # Errors
    /// Where it cannot be one: no URL, no method, no status, too many of them.
    pub(crate) fn push(&mut self, foreign: ForeignExchange) -> Result<(), ImportError> {
        let number = self.at_exchange + 1;
        let url = ForeignUrl::parse(&foreign.url).map_err(|why| {
            let message = format!("exchange {number}: the URL {why}; mend or take out this exchange");
            self.source.refuse(foreign.at, message)
        })?;
        self.push_to(url, foreign)
    }

    /// Adds an exchange whose URL is cut already.
    ///
    /// # Errors
    /// As [`Assembly::push`].
    pub(crate) fn push_to(&mut self, url: ForeignUrl, foreign: ForeignExchange) -> Result<(), ImportError> {
        let at = foreign.at;
        self.check_count(at)?;
        let number = self.at_exchange + 1;
        let problem = |what: String| self.source.refuse(at, format!("exchange {number}: {what}"));
        let method = method_of(&foreign.method)
            .ok_or_else(|| problem("the method is not one; expected a word such as GET".to_owned()))?;
        for message in std::iter::once(&foreign.request).chain(foreign.response.iter().map(|(_, it)| it)) {
            if message.headers.len() > MAX_HEADERS {
                let found = message.headers.len();
                return Err(problem(format!("{found} header fields; at most {MAX_HEADERS} are read")));
            }
        }
        let response = match foreign.response {
            None => None,
            Some((status, message)) => match u16::try_from(status) {
                Ok(known @ 100..=999) => Some((known, message)),
                _ => return Err(problem(format!("{status} is no status; expected 100 to 999"))),
            },
        };

        let request = self.request(method, url, foreign.request);
        let response = response.map(|(status, message)| {
            let (headers, body) = self.message(message);
            Response { status, headers, body }
        });
        if let Started::At(at) = foreign.started {
            self.began(at);
        }
        self.started.push(foreign.started);
        self.imported.exchanges.push(Exchange {
            id: ExchangeId::nth("imported", number),
            direction: Direction::Outbound,
            offset_ms: 0,
            latency_ms: foreign.latency_ms,
            caused_by: None,
            ended: foreign.ended,
            request,
            response,
        });
        self.at_exchange += 1;
        Ok(())
    }

    /// Adds an exchange that our own exporter wrote, as it was: what it holds is judged, and nothing of it changed.
    ///
    /// # Errors
    /// Where it cannot be one.
    pub(crate) fn push_written(&mut self, at: At, mut exchange: Exchange) -> Result<(), ImportError> {
        self.check_count(at)?;
        let number = self.at_exchange + 1;
        let source = self.source;
        let problem = |what: &str| source.refuse(at, format!("exchange {number}: {what}"));
        let request = &exchange.request;
        if !is_token(&request.method) {
            return Err(problem("the method is not one; expected a word such as GET"));
        }
        if request.target.is_empty() || request.target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(problem("the target cannot be sent; expected a path without spaces"));
        }
        if exchange.response.as_ref().is_some_and(|response| !(100..=999).contains(&response.status)) {
            return Err(problem("the status is none; expected 100 to 999"));
        }
        let messages = std::iter::once((&mut exchange.request.headers, &mut exchange.request.body))
            .chain(exchange.response.iter_mut().map(|response| (&mut response.headers, &mut response.body)));
        for (headers, body) in messages {
            let is_damaged = |(name, values): (&str, &[HeaderValue])| {
                !is_token(name) || values.iter().any(|value| sendable(value).as_ref() != Some(value))
            };
            if headers.iter().any(is_damaged) {
                return Err(problem(
                    "a header field cannot be sent: its name is none, or a value holds control characters",
                ));
            }
            self.check_unpacked(headers, body);
        }
        self.started.push(Started::OffsetMs(exchange.offset_ms));
        self.imported.exchanges.push(exchange);
        self.at_exchange += 1;
        Ok(())
    }

    /// Unpacks a body that says it is compressed: secrets could hide in it.
    fn check_unpacked(&mut self, headers: &mut Headers, body: &mut Body) {
        let is_packed =
            headers.text("content-encoding").is_some_and(|it| !it.eq_ignore_ascii_case("identity"));
        if !is_packed || matches!(body, Body::None | Body::Omitted { .. }) {
            return;
        }
        let fields = headers
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (name.to_owned(), value.clone())));
        let message = ForeignMessage {
            headers: fields.collect(),
            body: ForeignBody::AsSent(std::mem::take(body).into_bytes()),
            media_type: None,
        };
        (*headers, *body) = self.message(message);
    }

    fn check_count(&self, at: At) -> Result<(), ImportError> {
        if self.at_exchange >= MAX_EXCHANGES {
            let message = format!("has more than {MAX_EXCHANGES} exchanges; split the file");
            return Err(self.source.refuse(at, message));
        }
        Ok(())
    }

    fn request(&mut self, method: String, url: ForeignUrl, message: ForeignMessage) -> Request {
        let (mut headers, body) = self.message(message);
        if let Some(userinfo) = url.userinfo {
            if headers.values("authorization").is_empty() {
                // What a client makes of it (RFC 7617); redaction knows this place.
                let value = base64::engine::general_purpose::STANDARD.encode(userinfo);
                headers.set("authorization", &format!("Basic {value}"));
            } else {
                self.lose("the user and password in the URL; the `authorization` header is kept");
            }
        }
        if let Some(host) = url.host {
            if url.is_host_damaged {
                self.warn("the host in the URL is damaged, so it tells nothing of the provider");
            }
            if headers.values("host").is_empty() && !host.is_empty() {
                headers = with_host(&headers, host);
            }
        }
        if let Some(host) = headers.text("host")
            && self.hosts.len() <= MAX_NAMED
        {
            self.hosts.insert(host.to_owned());
        }
        Request { method, target: url.target, headers, body }
    }

    fn message(&mut self, message: ForeignMessage) -> (Headers, Body) {
        let mut headers = self.headers(message.headers);
        let encoding = headers.text("content-encoding").unwrap_or_default().to_owned();
        let bytes = match message.body {
            ForeignBody::None => return (headers, Body::None),
            ForeignBody::Missing { size_bytes } => return (headers, Body::Omitted { size_bytes }),
            ForeignBody::AsSent(bytes) | ForeignBody::Unpacked(bytes) if bytes.is_empty() => {
                return (headers, Body::None);
            }
            ForeignBody::Unpacked(bytes) => bytes,
            ForeignBody::AsSent(bytes) => match self.unpacker.unpack(bytes, &encoding) {
                Unpacked::Content(bytes) | Unpacked::AsItIs(bytes) => bytes,
                Unpacked::Unknown { size_bytes, why } => {
                    self.lose(format!("a body: {why}"));
                    return (headers, Body::Omitted { size_bytes });
                }
            },
        };
        if !encoding.is_empty() {
            self.warn("a body is kept unpacked, without `content-encoding` and `content-length`");
            headers.remove("content-encoding");
            headers.remove("content-length");
        }
        let media_type = headers.text("content-type").or(message.media_type.as_deref());
        let body = Body::from_bytes(&bytes, media_type);
        if matches!(body, Body::Text(_)) && media_type.is_some_and(is_json) {
            self.warn("a body says that it is JSON and is not, so it is kept as text");
        }
        (headers, body)
    }

    fn headers(&mut self, fields: Vec<(String, HeaderValue)>) -> Headers {
        let mut headers = Headers::default();
        let mut authority = None;
        for (name, value) in fields {
            let name = name.trim();
            if name.starts_with(':') {
                if name == ":authority" {
                    authority = value.as_text().map(str::to_owned);
                }
                continue;
            }
            if OF_THE_CONNECTION.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                continue;
            }
            if !is_token(name) {
                self.lose("header fields whose names are damaged");
                continue;
            }
            // Browsers put the cookies of an answer on lines of one value.
            let is_list = name.eq_ignore_ascii_case("set-cookie");
            match sendable(&value) {
                _ if is_list && value.as_text().is_some_and(|text| text.contains('\n')) => {
                    let lines = value.as_text().unwrap_or_default().lines().map(str::trim);
                    let lines = lines.filter_map(|line| sendable(&HeaderValue::Text(line.to_owned())));
                    lines.for_each(|line| headers.append(name, line));
                }
                Some(value) => headers.append(name, value),
                None => self.lose(format!(
                    "a value of the header field `{}`: it holds control characters",
                    name.to_ascii_lowercase()
                )),
            }
        }
        match authority {
            Some(host) if headers.values("host").is_empty() => with_host(&headers, host),
            _ => headers,
        }
    }

    /// What was collected, in the order of the file.
    pub(crate) fn finish(mut self) -> Imported {
        let began = self.began;
        let mut before = 0;
        for (exchange, started) in self.imported.exchanges.iter_mut().zip(&self.started) {
            before = match (started, began) {
                (Started::OffsetMs(offset_ms), _) => *offset_ms,
                (Started::At(at), Some(began)) => {
                    u64::try_from(at.duration_since(began).as_millis()).unwrap_or(0)
                }
                _ => before,
            };
            exchange.offset_ms = before;
        }
        if self.hosts.len() > 1 {
            let shown: Vec<&str> = self.hosts.iter().take(MAX_NAMED).map(String::as_str).collect();
            let more = if self.hosts.len() > MAX_NAMED { " and more" } else { "" };
            self.imported.warnings.push(format!(
                "went to several hosts ({}{more}); a fixture is of one provider, and keeps of each only the `host` header",
                shown.join(", ")
            ));
        }
        for (what, exchanges) in self.warnings {
            self.imported.warnings.push(format!("{}: {what}", named(&exchanges)));
        }
        self.imported
    }

    /// What was collected, in the order of the requests.
    pub(crate) fn finish_by_time(self) -> Imported {
        let mut imported = self.finish();
        imported.exchanges.sort_by_key(|exchange| exchange.offset_ms);
        imported
    }
}

/// `exchanges 1, 2 and 5 more`, counted from 1.
fn named(exchanges: &[usize]) -> String {
    let mut shown: Vec<String> =
        exchanges.iter().take(MAX_NAMED).map(|index| (index + 1).to_string()).collect();
    if let Some(more @ 1..) = exchanges.len().checked_sub(MAX_NAMED) {
        shown.push(format!("{more} more"));
    }
    match shown.split_last() {
        Some((only, [])) => format!("exchange {only}"),
        Some((last, others)) => format!("exchanges {} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A `host` before all others, as clients send it.
fn with_host(headers: &Headers, host: String) -> Headers {
    let mut all = Headers::default();
    all.append("host", HeaderValue::Text(host));
    for (name, values) in headers.iter() {
        values.iter().for_each(|value| all.append(name, value.clone()));
    }
    all
}

fn method_of(method: &str) -> Option<String> {
    // A symbol of Ruby's has a colon before it.
    let word = method.trim().trim_start_matches(':');
    let is_lower = word.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_token(word) && word.len() <= 40)
        .then(|| if is_lower { word.to_ascii_uppercase() } else { word.to_owned() })
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A header value that can be sent: folded lines are put on one (RFC 9112, section 5.2).
fn sendable(value: &HeaderValue) -> Option<HeaderValue> {
    let is_control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
    if !value.as_bytes().iter().any(is_control) {
        return Some(value.clone());
    }
    let text = value.as_text()?;
    let unfolded = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    (!unfolded.as_bytes().iter().any(is_control)).then_some(HeaderValue::Text(unfolded))
}

fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().ends_with("json")
}
