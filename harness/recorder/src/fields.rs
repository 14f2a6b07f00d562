//! Header fields: which of them pass the recorder, and how they are recorded.
//!
//! Knows nothing of bodies and of what a field's value means beyond `Connection`.

use counterpart_exchange::{HeaderValue as RecordedValue, Headers, content_coding};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The fields that are meant for the next recipient alone (RFC 9110 section 7.6.1), `Proxy-*` apart.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

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

/// The fields of a request as the upstream gets them.
pub(crate) fn for_upstream(fields: &HeaderMap, host: &HeaderValue) -> HeaderMap {
    let mut forwarded = end_to_end(fields);
    forwarded.insert(header::HOST, host.clone());
    if forwarded.contains_key(header::ACCEPT_ENCODING) {
        forwarded.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    forwarded
}

/// Whether a body under these fields can be searched for secrets, as it is or decoded.
pub(crate) fn is_plain(fields: &HeaderMap) -> bool {
    fields
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
            lines(&for_upstream(&sent, &host)),
            ["host: upstream", "x-a: 1", "x-a: 2", "accept-encoding: identity", "x-b: 3"]
        );
    }

    #[test]
    fn nothing_is_added_but_the_host() {
        let host = HeaderValue::from_static("upstream");
        assert_eq!(lines(&for_upstream(&HeaderMap::new(), &host)), ["host: upstream"]);
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_told_from_others() {
        assert!(is_plain(&fields(&[])));
        assert!(is_plain(&fields(&[("content-encoding", "Identity")])));
        assert!(is_plain(&fields(&[("content-encoding", "gzip")])));
        assert!(!is_plain(&fields(&[("content-encoding", "compress")])));
        assert!(!is_plain(&fields(&[("content-encoding", "gzip"), ("content-encoding", "secret")])));
    }
}
