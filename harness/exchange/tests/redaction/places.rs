//! The places at which a secret is planted, each under names that say nothing of it unless the place itself does.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use counterpart_exchange::{
    Body, Direction, Ended, Exchange, ExchangeId, HeaderValue, Headers, Request, Response,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::Write;

/// Where a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    PathSegment,
    Query,
    Header,
    Cookie,
    Form,
    JsonNested,
    JsonInJson,
    MultipartField,
    MultipartFileName,
    MultipartFile,
    Text,
    Location,
    LinkHeader,
    GzipBody,
    JwtClaim,
    Basic,
    ErrorText,
}

pub(crate) const PLACES: [Place; 17] = [
    Place::PathSegment,
    Place::Query,
    Place::Header,
    Place::Cookie,
    Place::Form,
    Place::JsonNested,
    Place::JsonInJson,
    Place::MultipartField,
    Place::MultipartFileName,
    Place::MultipartFile,
    Place::Text,
    Place::Location,
    Place::LinkHeader,
    Place::GzipBody,
    Place::JwtClaim,
    Place::Basic,
    Place::ErrorText,
];

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An exchange with nothing in it.
pub(crate) fn plain() -> Exchange {
    Exchange {
        id: ExchangeId::from("1"),
        direction: Direction::Outbound,
        offset_ms: 0,
        latency_ms: 0,
        caused_by: None,
        ended: Ended::Complete,
        request: Request {
            method: "POST".into(),
            target: "/v1/things".into(),
            headers: Headers::default(),
            body: Body::None,
        },
        response: Some(Response { status: 200, headers: Headers::default(), body: Body::None }),
    }
}

fn set(headers: &mut Headers, name: &str, value: String) {
    headers.append(name, HeaderValue::Text(value));
}

/// Puts a secret at a place, under the field `name` where the place has names.
pub(crate) fn planted(place: Place, name: &str, text: &str) -> Exchange {
    let mut one = plain();
    let request = &mut one.request;
    let Some(answer) = one.response.as_mut() else { unreachable!() };
    let form = "application/x-www-form-urlencoded";
    match place {
        Place::PathSegment => request.target = format!("/v1/things/{}/parts", percent(text)),
        Place::Query => request.target = format!("/v1/things?page=2&{name}={}", percent(text)),
        Place::Header => set(&mut request.headers, &format!("x-{name}"), text.to_owned()),
        Place::Cookie => set(&mut request.headers, "cookie", format!("lang=de; {name}={text}")),
        Place::Form => {
            request.body =
                Body::from_bytes(format!("a=1&{name}={}", form_encoded(text)).as_bytes(), Some(form));
            assert!(matches!(request.body, Body::Form(_)), "{text}");
        }
        Place::JsonNested => {
            let body = format!("{{\"data\":[{{\"deep\":{{{}:{}}}}}]}}", json(name), json(text));
            answer.body = Body::from_bytes(body.as_bytes(), None);
        }
        Place::JsonInJson => {
            let inner = format!("{{{}:{}}}", json(name), json(text));
            answer.body = Body::from_bytes(format!("{{\"payload\":{}}}", json(&inner)).as_bytes(), None);
        }
        Place::MultipartField | Place::MultipartFileName | Place::MultipartFile => {
            set(&mut request.headers, "content-type", "multipart/form-data; boundary=cut".into());
            request.body = multipart(place, name, text);
        }
        Place::Text => answer.body = Body::Text(format!("all went well with {text} today\nand so on\n")),
        Place::Location => {
            let to = format!("https://api.example.com/next?{name}={}&page=2", percent(text));
            set(&mut answer.headers, "location", to);
        }
        Place::LinkHeader => {
            let to = format!("<https://api.example.com/list?{name}={}>; rel=\"next\"", percent(text));
            set(&mut answer.headers, "link", to);
        }
        Place::GzipBody => {
            let body = format!("{{\"data\":{{{}:{}}}}}", json(name), json(text));
            set(&mut answer.headers, "content-encoding", "gzip".into());
            set(&mut answer.headers, "content-type", "application/json".into());
            answer.body = Body::Binary(gzip(body.as_bytes()));
        }
        Place::JwtClaim => set(&mut request.headers, "authorization", format!("Bearer {}", jwt(name, text))),
        Place::Basic => {
            let credential = STANDARD.encode(format!("somebody:{text}"));
            set(&mut request.headers, "authorization", format!("Basic {credential}"));
        }
        Place::ErrorText => {
            answer.status = 400;
            let message = format!("cannot use \"{text}\" for that: it was revoked");
            answer.body = Body::from_bytes(
                format!("{{\"error\":{{\"code\":17,\"message\":{}}}}}", json(&message)).as_bytes(),
                None,
            );
        }
    }
    one
}

fn multipart(place: Place, name: &str, text: &str) -> Body {
    let (disposition, content) = match place {
        Place::MultipartField => (format!("name=\"{name}\""), text.to_owned()),
        Place::MultipartFileName => {
            (format!("name=\"file\"; filename=\"export-for {text} .csv\""), "1;2;3".into())
        }
        _ => (
            "name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv".into(),
            format!("1;2\n{text}\n3;4"),
        ),
    };
    let body = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na title\r\n--cut\r\n\
         Content-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n--cut--\r\n"
    );
    Body::from_bytes(body.as_bytes(), Some("multipart/form-data; boundary=cut"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A token with a claim that holds the text.
fn jwt(name: &str, text: &str) -> String {
    let claims = format!("{{\"sub\":\"7\",{}:{}}}", json(name), json(text));
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part("{\"alg\":\"RS256\"}"), part(&claims), part("thirty-two bytes of a signature.."))
}

/// As `application/x-www-form-urlencoded` says, in the spelling that is kept.
fn form_encoded(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');
    utf8_percent_encode(text, KEPT).to_string().replace(' ', "+")
}

/// Whether a secret can be read in what was kept: as it is, escaped, or in base64, whatever surrounds it there.
pub(crate) fn can_be_read(kept: &str, secret: &str) -> bool {
    let mut texts = vec![kept.to_owned()];
    let is_of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    for run in kept.split(|c| !is_of_base64(c)).filter(|run| run.len() >= 8) {
        for from in 0..4 {
            let run: String = run
                .chars()
                .skip(from)
                .map(|c| match c {
                    '+' => '-',
                    '/' => '_',
                    c => c,
                })
                .collect();
            let whole = &run[..run.len() - if run.len() % 4 == 1 { 1 } else { 0 }];
            if let Ok(bytes) = URL_SAFE_NO_PAD.decode(whole) {
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    let escaped = json(secret);
    let escaped = &escaped[1..escaped.len() - 1];
    let again = json(escaped);
    let spelled = [secret, escaped, &again[1..again.len() - 1]];
    texts.iter().any(|text| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        spelled.iter().any(|spelled| text.contains(spelled) || decoded.contains(spelled))
    })
}
