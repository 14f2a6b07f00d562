//! Compressed bodies are kept as what they say: decoded, and without the header that says that they are compressed. The
//! stand-in sends them so, and redaction can read them.

use crate::content_coding::decode;
use crate::{Body, Exchange, HeaderValue, Headers};

/// Largest body that is kept decoded.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// All of them together, for one fixture.
const MAX_TOTAL_BYTES: usize = 256 * 1024 * 1024;

/// Decodes every body that is encoded. One that cannot be is omitted: nobody could search it.
pub(super) fn decode_bodies(exchanges: &mut [Exchange]) {
    let mut left_bytes = MAX_TOTAL_BYTES;
    for exchange in exchanges {
        decode_body(&mut exchange.request.headers, &mut exchange.request.body, &mut left_bytes);
        if let Some(response) = &mut exchange.response {
            decode_body(&mut response.headers, &mut response.body, &mut left_bytes);
        }
    }
}

fn decode_body(headers: &mut Headers, body: &mut Body, left_bytes: &mut usize) {
    let values = headers.values("content-encoding");
    if values.is_empty() {
        return;
    }
    let coding: Vec<String> = values.iter().map(HeaderValue::to_string).collect();
    let bytes = match body {
        Body::Binary(bytes) => Some(std::mem::take(bytes)),
        // Text of letters is not compressed: another tool decoded it and left the header.
        Body::Text(text) if text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            Some(std::mem::take(text).into_bytes())
        }
        Body::None | Body::Json(_) | Body::Form(_) | Body::Text(_) => None,
        Body::Omitted { .. } => return,
    };
    if let Some(bytes) = bytes {
        let limit_bytes = MAX_BODY_BYTES.min(*left_bytes);
        let Ok(decoded) = decode(&bytes, &coding.join(","), limit_bytes) else {
            *body = Body::Omitted { size_bytes: bytes.len() as u64 };
            return;
        };
        *left_bytes -= decoded.len();
        *body = Body::from_bytes(&decoded, headers.text("content-type"));
        headers.remove("content-length");
    }
    headers.remove("content-encoding");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn decoded(coding: &str, body: Body) -> (Option<String>, Body) {
        let mut headers = Headers::default();
        headers.set("content-encoding", coding);
        headers.set("content-type", "application/json");
        let mut body = body;
        decode_body(&mut headers, &mut body, &mut 1_000_000);
        (headers.text("content-encoding").map(str::to_owned), body)
    }

    #[test]
    fn a_compressed_body_becomes_what_it_says() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"{\"a\":1}").unwrap();
        let packed = encoder.finish().unwrap();
        let (coding, body) = decoded("gzip", Body::Binary(packed.clone()));
        assert_eq!((coding, body.to_bytes()), (None, b"{\"a\":1}".to_vec()));
        let (coding, body) = decoded("gzip", Body::Text("plain".into()));
        assert_eq!((coding, body), (None, Body::Text("plain".into())));
        let (_, body) = decoded("gzip", Body::Text("\u{1}\u{2}".into()));
        assert_eq!(body, Body::Omitted { size_bytes: 2 });
        let (coding, body) = decoded("gzip", Body::Binary(packed[..12].to_vec()));
        assert_eq!((coding.as_deref(), body), (Some("gzip"), Body::Omitted { size_bytes: 12 }));
    }
}
