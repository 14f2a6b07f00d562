//! The formats that are imported, by name.

use crate::source::Source;
use crate::{ImportError, Imported};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Largest file that is read.
pub const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;

/// How much of a file is looked at to tell what it looks like.
const SNIFFED_BYTES: usize = 64 * 1024;

/// A format of another tool's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// HTTP Archive 1.2, as browsers and proxies write it.
    Har,
    /// Cassettes of VCR (Ruby), vcrpy and go-vcr.
    Vcr,
    /// Recordings of Polly.js: HAR with additions.
    Polly,
    /// Recorded definitions of nock.
    Nock,
    /// Stub mappings of WireMock.
    Wiremock,
    /// Simulations of Hoverfly, schema version 5.
    Hoverfly,
    /// Postman collections, format 2.1, with saved answers.
    Postman,
    /// Pact files, versions 1 to 4.
    Pact,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Har,
        Self::Vcr,
        Self::Polly,
        Self::Nock,
        Self::Wiremock,
        Self::Hoverfly,
        Self::Postman,
        Self::Pact,
    ];

    /// The name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Har => "har",
            Self::Vcr => "vcr",
            Self::Polly => "polly",
            Self::Nock => "nock",
            Self::Wiremock => "wiremock",
            Self::Hoverfly => "hoverfly",
            Self::Postman => "postman",
            Self::Pact => "pact",
        }
    }

    /// What the beginning of a file of the format holds: all words of one of these lists.
    fn marks(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Har => &[&["\"log\"", "\"entries\""]],
            Self::Vcr => {
                &[&["http_interactions"], &["interactions:", "version: "], &["\"interactions\"", "\"uri\""]]
            }
            Self::Polly => &[&["\"log\"", "\"_recordingName\""]],
            Self::Nock => &[&["\"scope\"", "\"path\""]],
            Self::Wiremock => &[&["\"request\"", "\"response\"", "\"url"], &["\"mappings\"", "\"request\""]],
            Self::Hoverfly => &[&["\"pairs\"", "\"schemaVersion\""]],
            Self::Postman => &[&["\"_postman_id\""], &["schema.getpostman.com"]],
            Self::Pact => &[&["\"consumer\"", "\"provider\"", "\"interactions\""]],
        }
    }

    /// The format that a text looks like.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let end = (0..=text.len().min(SNIFFED_BYTES)).rev().find(|end| text.is_char_boundary(*end));
        let beginning = &text[..end.unwrap_or(0)];
        let is_marked = |format: &Self| {
            format.marks().iter().any(|marks| marks.iter().all(|mark| beginning.contains(mark)))
        };
        // Those whose words others use too come after these.
        let by_mark = [
            Self::Polly,
            Self::Har,
            Self::Pact,
            Self::Hoverfly,
            Self::Postman,
            Self::Vcr,
            Self::Nock,
            Self::Wiremock,
        ];
        by_mark.into_iter().find(is_marked)
    }

    fn importer(self) -> fn(&Path, &str) -> Result<Imported, ImportError> {
        match self {
            Self::Har => crate::import_har,
            Self::Vcr => crate::import_vcr,
            Self::Polly => crate::import_polly,
            Self::Nock => crate::import_nock,
            Self::Wiremock => crate::import_wiremock,
            Self::Hoverfly => crate::import_hoverfly,
            Self::Postman => crate::import_postman,
            Self::Pact => crate::import_pact,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            match counterpart_exchange::suggest(text, names) {
                Some(near) => format!("`{text}` is not a format that is imported; did you mean `{near}`?"),
                None => format!("`{text}` is not a format that is imported; there are {}", names.join(", ")),
            }
        })
    }
}

/// Imports the content of a file.
///
/// # Errors
/// [`ImportError`] with the file, the place, what was found and what was expected.
pub fn import(format: Format, path: &Path, bytes: &[u8]) -> Result<Imported, ImportError> {
    let whole = |message: String| Source::new(path, "").refuse_whole(message);
    if bytes.len() > MAX_FILE_BYTES {
        let size = bytes.len();
        return Err(whole(format!("is {size} bytes long; at most {MAX_FILE_BYTES} are read: split it")));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(whole("is UTF-16; save it as UTF-8".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        whole(format!("is not UTF-8 from byte {}; save it as UTF-8", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(whole(format!("is empty; expected a {format} file")));
    }
    if let Some(offset) = text.find('\0') {
        let source = Source::new(path, text);
        return Err(source.refuse(crate::source::At::Offset(offset), "a NUL; expected text"));
    }
    format.importer()(path, text).map_err(|error| match Format::detect(text) {
        Some(other) if other != format => error.with_hint(&format!("it looks like a {other} file")),
        _ => error,
    })
}
