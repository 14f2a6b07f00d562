//! SOAP over HTTP: which action a request asks for, with what body.
//!
//! Sources: SOAP 1.1 section 6 (`SOAPAction`), SOAP 1.2 part 2 section 6.5 and RFC 3902 (the parameter `action` of
//! `application/soap+xml`). Messages with attachments (MTOM, SwA) are multipart and are not read.

use super::canonical_json::quoted;
use super::soap_envelope::{self, Envelope};
use super::soap_fault::SoapVersion;
use super::{CallPart, CallSelector, CanonicalCall, Effect, ProtocolKind};
use crate::{Body, Request};

/// Reads a request.
pub(super) fn call(request: &Request, volatile: &[String]) -> Result<CanonicalCall, String> {
    let text = match &request.body {
        Body::Text(text) => text,
        Body::None => return Err("it has no body".to_owned()),
        _ => return Err("its body is no XML in UTF-8".to_owned()),
    };
    let Envelope { version, header, body, first_element, volatile } = soap_envelope::read(text, volatile)?;
    let action = action(request).unwrap_or_default();
    let mut parts = vec![
        CallPart { label: "action".into(), value: quoted(&action) },
        CallPart { label: "version".into(), value: version.number().into() },
    ];
    if !header.is_empty() {
        parts.push(CallPart { label: "header".into(), value: header.concat() });
    }
    parts.push(CallPart { label: "body".into(), value: body });
    let name = if action.is_empty() { first_element.unwrap_or_default() } else { action };
    Ok(CanonicalCall {
        protocol: ProtocolKind::Soap,
        selector: Some(CallSelector::SoapAction(name)),
        effect: Effect::MayWrite,
        parts,
        volatile,
        query_fields: &[],
    })
}

/// The version that a client speaks, by its media type: what can be told even of an envelope that is broken.
pub(super) fn version_by_media_type(request: &Request) -> SoapVersion {
    let media_type = request.headers.text("content-type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/soap+xml") { SoapVersion::V1_2 } else { SoapVersion::V1_1 }
}

fn action(request: &Request) -> Option<String> {
    if let Some(header) = request.headers.text("soapaction") {
        return Some(header.trim().trim_matches('"').to_owned());
    }
    parameter(request.headers.text("content-type")?, "action")
}

/// A parameter of a media type (RFC 9110, section 5.6.6).
fn parameter(media_type: &str, wanted: &str) -> Option<String> {
    let mut rest = media_type;
    while let Some((_, after)) = rest.split_once(';') {
        let (name, after) = after.split_once('=')?;
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim().to_owned());
        }
    }
    None
}
