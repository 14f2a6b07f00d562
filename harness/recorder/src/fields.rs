//! Header fields: which of them pass the recorder, and how they are recorded.
//!
//! Knows nothing of bodies and of what a field's value means beyond `Connection`.

use counterpart_exchange::{HeaderValue as RecordedValue, Headers, content_coding};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

/// The fields that are meant for the next recipient alone (RFC 9110 section 7.6.1), `Proxy-*` apart.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The fields of a message without those that end at the recorder, in their order.
pub(crate) fn end_to_end(fields: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut kept = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let hop_by_hop = HOP_BY_HOP.contains(name)
            || name.as_str().starts_with("proxy-")
            || named.iter().any(|named| named == name.as_str());
        if !hop_by_hop {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// What is done with a request's fields beside taking out those that end at the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its exchange is recorded: the answer has to be one that can be searched.
    Record,
    /// It is passed on.
    PassOn,
}

/// The fields of a request as the upstream gets them.
pub(crate) fn for_upstream(fields: &HeaderMap, host: &HeaderValue, purpose: Purpose) -> HeaderMap {
    let mut forwarded = end_to_end(fields);
    forwarded.insert(header::HOST, host.clone());
    if purpose == Purpose::Record && forwarded.contains_key(header::ACCEPT_ENCODING) {
        forwarded.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if is_grpc(fields) && lists(fields, &header::TE, "trailers") {
        // Without it servers of gRPC refuse, because a proxy that drops trailers would drop their status.
        forwarded.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    join_cookies(&mut forwarded);
    forwarded
}

/// HTTP/2 may send a cookie a field, and HTTP/1.1 may not (RFC 9113 section 8.2.3).
fn join_cookies(fields: &mut HeaderMap) {
    if fields.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let all: Vec<&[u8]> = fields.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        fields.insert(header::COOKIE, joined);
    }
}

/// Whether a field that is a list has such an entry, whatever its parameters.
fn lists(fields: &HeaderMap, name: &HeaderName, entry: &str) -> bool {
    let values = fields.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|one| one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(entry))
}

/// Whether a message is one of gRPC.
pub(crate) fn is_grpc(fields: &HeaderMap) -> bool {
    let media_type = fields.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media_type.get(..16).is_some_and(|begin| begin.eq_ignore_ascii_case(b"application/grpc"))
}

/// Whether a request asks to go on as a WebSocket (RFC 6455 section 4.1).
pub(crate) fn asks_for_websocket(fields: &HeaderMap) -> bool {
    lists(fields, &header::CONNECTION, "upgrade") && lists(fields, &header::UPGRADE, "websocket")
}

/// Adds to a message what ends at each hop and this hop takes over: that the connection becomes a WebSocket.
pub(crate) fn take_over_websocket(fields: &mut HeaderMap) {
    fields.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    fields.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// The fields of a webhook as it was sent: without those that end at the recorder, and with `Host` where HTTP/2 has it
/// elsewhere.
pub(crate) fn as_sent(fields: &HeaderMap, authority: Option<&Authority>) -> HeaderMap {
    let mut sent = end_to_end(fields);
    if !sent.contains_key(header::HOST)
        && let Some(host) = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
    {
        sent.insert(header::HOST, host);
    }
    join_cookies(&mut sent);
    sent
}

/// The fields of a webhook as the integration gets them: as they were sent, `Host` among them, because signatures may
/// be over any of them. `X-Forwarded-Host` and `X-Forwarded-Proto` say what was called, where no one before did.
pub(crate) fn for_integration(sent: &HeaderMap) -> HeaderMap {
    let mut forwarded = sent.clone();
    if let (false, Some(host)) = (sent.contains_key(FORWARDED_HOST), sent.get(header::HOST)) {
        forwarded.insert(FORWARDED_HOST, host.clone());
    }
    if !sent.contains_key(FORWARDED_PROTO) {
        forwarded.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    forwarded
}

/// Whether a body under these fields can be searched for secrets, as it is or decoded.
pub(crate) fn is_plain(fields: &HeaderMap) -> bool {
    !is_grpc(fields)
        && fields
            .get_all(header::CONTENT_ENCODING)
            .iter()
            .all(|value| value.to_str().is_ok_and(content_coding::is_known))
}

/// The fields as they are recorded.
pub(crate) fn recorded(fields: &HeaderMap) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in fields {
        headers.append(name.as_str(), RecordedValue::from_bytes(value.as_bytes()));
    }
    headers
}

/// How many bytes the fields hold.
pub(crate) fn size_bytes(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn lines(map: &HeaderMap) -> Vec<String> {
        map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn hop_by_hop_fields_end_here_and_the_rest_keeps_its_order() {
        let sent = fields(&[
            ("host", "recorder"),
            ("x-a", "1"),
            ("connection", "close, X-Private"),
            ("x-private", "p"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic eA=="),
            ("te", "trailers"),
            ("trailer", "x-t"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept-encoding", "gzip"),
            ("accept-encoding", "br"),
            ("x-a", "2"),
            ("x-b", "3"),
        ]);
        let host = HeaderValue::from_static("upstream");
        assert_eq!(
            lines(&for_upstream(&sent, &host, Purpose::Record)),
            ["host: upstream", "x-a: 1", "x-a: 2", "accept-encoding: identity", "x-b: 3"]
        );
    }

    #[test]
    fn nothing_is_added_but_the_host() {
        let host = HeaderValue::from_static("upstream");
        assert_eq!(lines(&for_upstream(&HeaderMap::new(), &host, Purpose::Record)), ["host: upstream"]);
    }

    #[test]
    fn a_webhook_keeps_its_fields_and_tells_what_was_called() {
        let sent = fields(&[
            ("host", "hooks.example"),
            ("x-signature", "v1=aB%2f"),
            ("accept-encoding", "gzip"),
            ("connection", "close"),
        ]);
        let elsewhere = "elsewhere.example".parse().unwrap();
        assert_eq!(
            lines(&for_integration(&as_sent(&sent, Some(&elsewhere)))),
            [
                "host: hooks.example",
                "x-signature: v1=aB%2f",
                "accept-encoding: gzip",
                "x-forwarded-host: hooks.example",
                "x-forwarded-proto: http",
            ]
        );
        let through = fields(&[("host", "h"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "outer")]);
        assert_eq!(
            lines(&for_integration(&as_sent(&through, None))),
            ["host: h", "x-forwarded-proto: https", "x-forwarded-host: outer"]
        );
        // HTTP/2 names the host in its request line.
        let authority = "hooks.example:8443".parse().unwrap();
        assert_eq!(lines(&as_sent(&HeaderMap::new(), Some(&authority))), ["host: hooks.example:8443"]);
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_told_from_others() {
        assert!(is_plain(&fields(&[])));
        assert!(is_plain(&fields(&[("content-encoding", "Identity")])));
        assert!(is_plain(&fields(&[("content-encoding", "gzip")])));
        assert!(!is_plain(&fields(&[("content-encoding", "compress")])));
        assert!(!is_plain(&fields(&[("content-encoding", "gzip"), ("content-encoding", "secret")])));
    }

    #[test]
    fn what_is_not_recorded_may_come_in_any_encoding() {
        let sent = fields(&[("accept-encoding", "gzip"), ("connection", "close")]);
        let host = HeaderValue::from_static("upstream");
        assert_eq!(
            lines(&for_upstream(&sent, &host, Purpose::PassOn)),
            ["accept-encoding: gzip", "host: upstream"]
        );
    }

    #[test]
    fn grpc_is_told_by_its_type_and_keeps_its_trailers() {
        let sent = fields(&[("content-type", "Application/grpc+proto"), ("te", "trailers")]);
        let host = HeaderValue::from_static("upstream");
        assert!(is_grpc(&sent) && !is_plain(&sent));
        assert!(lines(&for_upstream(&sent, &host, Purpose::Record)).contains(&"te: trailers".to_owned()));
        assert!(!is_grpc(&fields(&[("content-type", "application/json")])));
    }

    #[test]
    fn cookies_come_in_one_field() {
        let sent = fields(&[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]);
        let host = HeaderValue::from_static("u");
        assert_eq!(
            lines(&for_upstream(&sent, &host, Purpose::Record)),
            ["cookie: a=1; b=2", "x: y", "host: u"]
        );
    }

    #[test]
    fn a_websocket_is_asked_for_by_both_fields() {
        assert!(asks_for_websocket(&fields(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket")
        ])));
        assert!(!asks_for_websocket(&fields(&[("connection", "upgrade"), ("upgrade", "h2c")])));
        assert!(!asks_for_websocket(&fields(&[("upgrade", "websocket")])));
    }
}
