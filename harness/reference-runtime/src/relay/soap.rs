//! The fault of a SOAP answer, in either version. Nothing but its code is read; entities of a DTD stay what they are.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Whose mistake it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request is wrong, or not understood. Sending it again is of no use.
    Client,
    /// The provider failed. Later it may succeed.
    Server,
}

/// The fault that an answer is, if it is one that can be read.
pub(super) fn fault(body: &[u8]) -> Option<Fault> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let (mut in_fault, mut in_code) = (false, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => match element.local_name().as_ref() {
                "Fault" => in_fault = true,
                // SOAP 1.1 and 1.2; of the latter's nested codes the first is the fault's own.
                "faultcode" | "Value" => in_code = in_fault,
                _ => {}
            },
            Event::Text(text) if in_code => {
                let text = text.xml10_content();
                let code = text.trim().rsplit(':').next().unwrap_or_default().to_owned();
                let is_server = code.starts_with("Server") || code.starts_with("Receiver");
                return Some(if is_server { Fault::Server } else { Fault::Client });
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Whether the first element is an envelope.
pub(super) fn is_envelope(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                return element.local_name().as_ref() == "Envelope";
            }
            Ok(Event::Eof) | Err(_) => return false,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let v1_2 = |code: &str| {
            format!(
                "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body><e:Fault><e:Code>\
                 <e:Value> e:{code} </e:Value></e:Code></e:Fault></e:Body></e:Envelope>"
            )
        };
        assert_eq!(fault(v1_2("Receiver").as_bytes()), Some(Fault::Server));
        assert_eq!(fault(v1_2("Sender").as_bytes()), Some(Fault::Client));
        assert_eq!(fault(v1_2("MustUnderstand").as_bytes()), Some(Fault::Client));
        assert_eq!(fault(b"<a><Value>Server</Value></a>"), None);
        assert_eq!(fault(b"<Fault><faultcode>"), None);
        assert_eq!(fault(b"<Fault><faultcode>&x"), None);
    }
}
