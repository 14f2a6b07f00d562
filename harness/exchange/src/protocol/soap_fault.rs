//! SOAP faults: answers that say what went wrong, in either version.
//!
//! Sources: SOAP 1.1 section 4.4 and 6.2, SOAP 1.2 part 1 section 5.4 and part 2 section 7.5.2.2 (table 20).

use super::{ProtocolKind, protocol_of, soap, soap_envelope};
use crate::{Body, HeaderValue, Headers, ProviderProfile, Request, Response};
use quick_xml::escape::escape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoapVersion {
    /// SOAP 1.1 (W3C note, 2000).
    V1_1,
    /// SOAP 1.2 (W3C recommendation, 2007).
    V1_2,
}

impl SoapVersion {
    pub(super) fn of_namespace(namespace: &str) -> Option<Self> {
        [Self::V1_1, Self::V1_2].into_iter().find(|version| version.namespace() == namespace)
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::V1_1 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V1_2 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    pub(super) fn number(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// Whose mistake it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoapCode {
    /// The request is wrong: `Client`, in SOAP 1.2 `Sender`. Sending it again is of no use.
    Client,
    /// The provider failed: `Server`, in SOAP 1.2 `Receiver`. Later it may succeed.
    Server,
    /// A header block that must be understood was not.
    MustUnderstand,
    /// The envelope is of a version that the provider does not speak.
    VersionMismatch,
}

impl SoapCode {
    fn name(self, version: SoapVersion) -> &'static str {
        match (self, version) {
            (Self::Client, SoapVersion::V1_1) => "Client",
            (Self::Client, SoapVersion::V1_2) => "Sender",
            (Self::Server, SoapVersion::V1_1) => "Server",
            (Self::Server, SoapVersion::V1_2) => "Receiver",
            (Self::MustUnderstand, _) => "MustUnderstand",
            (Self::VersionMismatch, _) => "VersionMismatch",
        }
    }

    /// The HTTP status that the binding has for it.
    fn status(self, version: SoapVersion) -> u16 {
        match (self, version) {
            (Self::Client, SoapVersion::V1_2) => 400,
            _ => 500,
        }
    }
}

/// What a fault says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoapFault {
    /// Whose mistake it was.
    pub code: SoapCode,
    /// For people.
    pub message: String,
    /// The HTTP status; without it, the binding's.
    pub status: Option<u16>,
}

/// The version in which a request is to be answered; nothing where its endpoint is none of SOAP.
#[must_use]
pub fn soap_version(profile: &ProviderProfile, request: &Request) -> Option<SoapVersion> {
    if protocol_of(profile, request) != Some(ProtocolKind::Soap) {
        return None;
    }
    let read = match &request.body {
        Body::Text(text) => soap_envelope::read(text, &[]).ok(),
        _ => None,
    };
    Some(read.map_or_else(|| soap::version_by_media_type(request), |envelope| envelope.version))
}

/// An answer with a fault and nothing else.
#[must_use]
pub fn soap_fault(version: SoapVersion, fault: &SoapFault) -> Response {
    let (namespace, code) = (version.namespace(), fault.code.name(version));
    let message = escape(fault.message.as_str());
    let content = match version {
        SoapVersion::V1_1 => {
            format!("<faultcode>soap:{code}</faultcode><faultstring>{message}</faultstring>")
        }
        SoapVersion::V1_2 => format!(
            "<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>\
             <soap:Reason><soap:Text xml:lang=\"en\">{message}</soap:Text></soap:Reason>"
        ),
    };
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{namespace}\">\
         <soap:Body><soap:Fault>{content}</soap:Fault></soap:Body></soap:Envelope>"
    );
    let media_type = match version {
        SoapVersion::V1_1 => "text/xml; charset=utf-8",
        SoapVersion::V1_2 => "application/soap+xml; charset=utf-8",
    };
    let mut headers = Headers::default();
    headers.append("content-type", HeaderValue::Text(media_type.to_owned()));
    let status = fault.status.unwrap_or_else(|| fault.code.status(version));
    Response { status, headers, body: Body::Text(text) }
}
