//! A SOAP envelope in one spelling.
//!
//! Prefixes are resolved to namespaces, attributes are put in order, CDATA is text; comments, processing
//! instructions and the white space between elements say nothing. What is made afresh for each message (WS-Security,
//! the id and the destination of WS-Addressing) is left out. The text goes by once, as a stream: size, depth,
//! attributes and namespaces are bounded, a DTD is refused, and so is any entity that only a DTD could declare.

use super::canonical_json::quoted;
use super::soap_fault::SoapVersion;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use quick_xml::reader::NsReader;

const MAX_ENVELOPE_BYTES: usize = 8 * 1024 * 1024;
const MAX_DEPTH: usize = 128;
const MAX_ATTRIBUTES: usize = 256;
const MAX_VOLATILE: usize = 64;

/// WS-Security 1.0: signatures, nonces, timestamps and credentials, new with each message.
const SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const SECURITY_UTILITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
/// WS-Addressing 1.0 and the submission before it.
const ADDRESSING: [&str; 2] =
    ["http://www.w3.org/2005/08/addressing", "http://schemas.xmlsoap.org/ws/2004/08/addressing"];
/// Attributes whose values are names with prefixes.
const NAMES_IN_VALUES: [(&str, &str); 3] = [
    ("http://www.w3.org/2001/XMLSchema-instance", "type"),
    ("http://schemas.xmlsoap.org/soap/encoding/", "arrayType"),
    ("http://www.w3.org/2003/05/soap-encoding", "itemType"),
];

/// What an envelope holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) version: SoapVersion,
    /// The blocks of its header in any one order: theirs has no meaning.
    pub(super) header: Vec<String>,
    pub(super) body: String,
    /// The local name of the body's first element.
    pub(super) first_element: Option<String>,
    /// Values that were left out: place and value.
    pub(super) volatile: Vec<(String, String)>,
}

/// Reads an envelope.
pub(super) fn read(text: &str, volatile: &[String]) -> Result<Envelope, String> {
    if text.len() > MAX_ENVELOPE_BYTES {
        return Err(format!("its body is {} bytes long; at most {MAX_ENVELOPE_BYTES} are read", text.len()));
    }
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let mut walk = Walk::of(volatile);
    loop {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(quick_xml::Error::Namespace(_)) => {
                return Err("its XML declares a prefix that is none, or more than 128 at once".to_owned());
            }
            Err(error) => {
                return Err(format!("its XML does not parse at byte {}: {error}", reader.error_position()));
            }
        };
        match event {
            Event::Start(start) => walk.start(reader.resolver(), &start)?,
            Event::End(_) => walk.end(),
            Event::Text(text) => walk.text(&text.xml10_content())?,
            Event::CData(text) => walk.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => walk.reference(&reference)?,
            Event::DocType(_) => return Err("its XML has a DTD, which SOAP forbids".to_owned()),
            Event::Eof => return walk.finish(),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

/// An element that is open.
struct Frame {
    has_elements: bool,
    /// Text that was read and is not yet written.
    text: String,
}

/// Which child of the envelope is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Header,
    Body,
    Other,
}

/// An element that is left out.
struct LeftOut {
    /// How many elements are open around it.
    depth: usize,
    /// Where its text is kept, if it is.
    place: Option<String>,
    text: String,
}

struct Walk<'a> {
    fields: &'a [String],
    open: Vec<Frame>,
    section: Section,
    version: Option<SoapVersion>,
    left_out: Option<LeftOut>,
    /// The section as far as it is written.
    out: String,
    header: Vec<String>,
    body: Option<String>,
    first_element: Option<String>,
    volatile: Vec<(String, String)>,
}

impl<'a> Walk<'a> {
    fn of(fields: &'a [String]) -> Self {
        Self {
            fields,
            open: Vec::new(),
            section: Section::Other,
            version: None,
            left_out: None,
            out: String::new(),
            header: Vec::new(),
            body: None,
            first_element: None,
            volatile: Vec::new(),
        }
    }

    fn start(&mut self, names: &NamespaceResolver, start: &BytesStart<'_>) -> Result<(), String> {
        let depth = self.open.len();
        if depth >= MAX_DEPTH {
            return Err(format!("its XML is nested deeper than {MAX_DEPTH} elements"));
        }
        let (namespace, local) = resolved(names, start.name(), UseDefault::Yes)?;
        match depth {
            0 => self.envelope(&namespace, &local)?,
            1 => self.section = self.section_of(&namespace, &local)?,
            _ => {}
        }
        if let Some(parent) = self.open.last_mut() {
            parent.has_elements = true;
        }
        if depth >= 2 && self.left_out.is_none() {
            self.write_text();
            self.content(names, start, &namespace, &local)?;
        }
        self.open.push(Frame { has_elements: false, text: String::new() });
        Ok(())
    }

    fn envelope(&mut self, namespace: &str, local: &str) -> Result<(), String> {
        if self.version.is_some() {
            return Err("its XML has more than one root element".to_owned());
        }
        let version = SoapVersion::of_namespace(namespace).filter(|_| local == "Envelope");
        self.version = Some(version.ok_or_else(|| {
            format!("its root element is {}, not the Envelope of SOAP 1.1 or 1.2", expanded(namespace, local))
        })?);
        Ok(())
    }

    fn section_of(&self, namespace: &str, local: &str) -> Result<Section, String> {
        let of_envelope = SoapVersion::of_namespace(namespace) == self.version;
        match local {
            "Body" if of_envelope && self.body.is_some() => Err("it has more than one Body".to_owned()),
            "Body" if of_envelope => Ok(Section::Body),
            "Header" if of_envelope => Ok(Section::Header),
            _ => Ok(Section::Other),
        }
    }

    fn content(
        &mut self,
        names: &NamespaceResolver,
        start: &BytesStart<'_>,
        namespace: &str,
        local: &str,
    ) -> Result<(), String> {
        let depth = self.open.len();
        if self.section == Section::Body && depth == 2 && self.first_element.is_none() {
            self.first_element = Some(local.to_owned());
        }
        let is_message_id = ADDRESSING.contains(&namespace) && local == "MessageID";
        let is_field = self.fields.iter().any(|field| field == local);
        let is_made_afresh = namespace == SECURITY && local == "Security"
            || namespace == SECURITY_UTILITY && local == "Timestamp"
            || ADDRESSING.contains(&namespace) && local == "To";
        if is_message_id || is_field || is_made_afresh {
            // A credential is never learned; an id is, so that the answer can repeat it.
            let place = (!is_made_afresh && self.volatile.len() < MAX_VOLATILE)
                .then(|| format!("soap {} {local}", self.volatile.len()));
            self.left_out = Some(LeftOut { depth, place, text: String::new() });
            return Ok(());
        }
        self.out.push('<');
        self.out.push_str(&expanded(namespace, local));
        for (name, value) in self.attributes(names, start)? {
            self.out.push_str(&format!(" {name}={}", quoted(&value)));
        }
        self.out.push('>');
        Ok(())
    }

    fn attributes(
        &self,
        names: &NamespaceResolver,
        start: &BytesStart<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut all = Vec::new();
        let mut attributes = start.attributes();
        // Its own check for duplicates compares each with each; here they are put in order anyway.
        for attribute in attributes.with_checks(false) {
            let attribute = attribute.map_err(|error| format!("an attribute does not parse: {error}"))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            if all.len() == MAX_ATTRIBUTES {
                return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
            }
            let (namespace, local) = resolved(names, attribute.key, UseDefault::No)?;
            if namespace == SECURITY_UTILITY && local == "Id" || self.fields.contains(&local) {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| format!("the attribute {local} does not parse: {error}"))?;
            let holds_name = NAMES_IN_VALUES.contains(&(namespace.as_str(), local.as_str()));
            let value = if holds_name {
                let (namespace, local) = resolved(names, QName(value.trim()), UseDefault::Yes)?;
                expanded(&namespace, &local)
            } else {
                value.into_owned()
            };
            all.push((expanded(&namespace, &local), value));
        }
        all.sort();
        if let Some(twice) = all.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(format!("an element has the attribute {} twice", twice[0].0));
        }
        Ok(all)
    }

    fn end(&mut self) {
        if self.left_out.is_none() {
            self.write_text();
        }
        self.open.pop();
        let depth = self.open.len();
        if let Some(left_out) = self.left_out.take_if(|left_out| left_out.depth == depth) {
            let text = left_out.text.trim().to_owned();
            self.volatile.extend(left_out.place.map(|place| (place, text)));
        } else if self.left_out.is_none() && depth >= 2 {
            self.out.push_str("</>");
        }
        match (depth, self.section) {
            (2, Section::Header) if !self.out.is_empty() => self.header.push(std::mem::take(&mut self.out)),
            (1, Section::Body) => self.body = Some(std::mem::take(&mut self.out)),
            (1, _) => self.out.clear(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        if let Some(left_out) = &mut self.left_out {
            left_out.text.push_str(text);
        } else if let Some(frame) = self.open.last_mut() {
            frame.text.push_str(text);
        } else if !is_white(text) {
            return Err("its XML has text outside of its root element".to_owned());
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), String> {
        let char =
            reference.resolve_char_ref().map_err(|error| format!("its XML does not parse: {error}"))?;
        if let Some(char) = char {
            return self.text(char.encode_utf8(&mut [0; 4]));
        }
        let name = reference.xml10_content();
        match resolve_xml_entity(&name) {
            Some(text) => self.text(text),
            None => Err("its XML has an entity that nothing declares".to_owned()),
        }
    }

    /// Writes the text that the innermost element has so far; white space only where nothing else is in it.
    fn write_text(&mut self) {
        let depth = self.open.len();
        let Some(frame) = self.open.last_mut() else { return };
        let text = std::mem::take(&mut frame.text);
        let is_layout = is_white(&text) && (frame.has_elements || depth <= 2);
        if !text.is_empty() && !is_layout && depth >= 2 {
            self.out.push_str(&quoted(&text));
        }
    }

    fn finish(mut self) -> Result<Envelope, String> {
        let version = self.version.ok_or("its XML has no root element")?;
        if !self.open.is_empty() {
            return Err("its XML ends within an element".to_owned());
        }
        self.header.sort();
        Ok(Envelope {
            version,
            header: self.header,
            body: self.body.ok_or("its envelope has no Body")?,
            first_element: self.first_element,
            volatile: self.volatile,
        })
    }
}

#[derive(Clone, Copy)]
enum UseDefault {
    Yes,
    No,
}

/// The namespace, empty for none, and the local name.
fn resolved(
    names: &NamespaceResolver,
    name: QName<'_>,
    use_default: UseDefault,
) -> Result<(String, String), String> {
    let (namespace, local) = names.resolve(name, matches!(use_default, UseDefault::Yes));
    let namespace = match namespace {
        ResolveResult::Unbound => "",
        ResolveResult::Bound(namespace) => namespace.into_inner(),
        ResolveResult::Unknown(prefix) => {
            return Err(format!("its XML uses the prefix {prefix:?}, which nothing declares"));
        }
    };
    let local = local.into_inner();
    // The parser lets names be what they are; what could be taken for markup here is none.
    let is_odd = |char: char| {
        matches!(char, '<' | '>' | '"' | '\'' | '{' | '}' | '=' | '&' | '/')
            || char.is_control()
            || char == ' '
    };
    if local.is_empty() || local.contains(is_odd) {
        return Err("its XML has a name that is none".to_owned());
    }
    if namespace.contains(|char: char| matches!(char, '{' | '}' | '"') || char.is_control()) {
        return Err("its XML has a namespace that is no URI".to_owned());
    }
    Ok((namespace.to_owned(), local.to_owned()))
}

fn expanded(namespace: &str, local: &str) -> String {
    if namespace.is_empty() { local.to_owned() } else { format!("{{{namespace}}}{local}") }
}

/// White space of XML 1.0 (section 2.3).
fn is_white(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
