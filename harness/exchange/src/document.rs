//! Reading and writing the project's own YAML files: kind and version first, bounded, positions kept.
//!
//! Each file opens with `counterpart: <kind>/<version>`. Every problem is told with file, line and
//! column, with the offending line shown. Knows nothing of what the documents mean.

use crate::concealed::concealed;
use crate::plain_words::plain_words;
use serde::de::DeserializeOwned;
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest file that is read: 64 MiB holds ten thousand exchanges with room to spare.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What is looked at of a line that is shown.
const MAX_LINE_CHARACTERS: usize = 4_096;

/// A point in a file, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Place {
    /// The place of a byte in a text.
    #[must_use]
    pub fn of_byte(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_begins = before.rfind('\n').map_or(0, |end| end + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
        Self { line, column: before[line_begins..].chars().count() as u64 + 1 }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { line: location.line().max(1), column: location.column().max(1) }
    }
}

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// The file.
    pub path: PathBuf,
    /// Where in it, if the problem has a place.
    pub place: Option<Place>,
    /// What was found, what was expected, and how to mend it.
    pub message: String,
    /// The offending line, if there is one.
    pub excerpt: Option<String>,
}

impl DocumentError {
    /// A problem of the file as a whole.
    pub fn whole(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place: None, message: concealed(&message.into()), excerpt: None }
    }

    /// A problem at a place in `text`, the content of the file.
    pub fn at(path: &Path, text: &str, place: Place, message: impl Into<String>) -> Self {
        let index = usize::try_from(place.line.saturating_sub(1)).unwrap_or(usize::MAX);
        // Credentials go before the line is cut: half of one would not be known as one.
        let excerpt = text.lines().nth(index).map(|line| {
            let within: String = line.chars().take(MAX_LINE_CHARACTERS).collect();
            concealed(&within).chars().take(160).collect()
        });
        Self { path: path.to_owned(), place: Some(place), message: concealed(&message.into()), excerpt }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.path.display())?;
        if let Some(place) = self.place {
            write!(formatter, ":{}:{}", place.line, place.column)?;
        }
        write!(formatter, ": {}", self.message)?;
        if let (Some(place), Some(excerpt)) = (self.place, &self.excerpt) {
            let number = place.line.to_string();
            let indent =
                usize::try_from(place.column.saturating_sub(1)).unwrap_or(0).min(excerpt.chars().count());
            write!(
                formatter,
                "\n  {number} | {excerpt}\n  {:width$} | {:indent$}^",
                "",
                "",
                width = number.len()
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentError {}

/// A kind of file that this build reads.
pub trait Document: DeserializeOwned {
    /// The word before the slash: `fixture`.
    const KIND: &'static str;
    /// The version that this build reads and writes.
    const VERSION: u32;
}

/// Reads a text file of bounded size.
///
/// # Errors
/// [`DocumentError`] where it is missing, too large, or not UTF-8.
pub fn read_text(path: &Path) -> Result<String, DocumentError> {
    let problem = |error: std::io::Error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file; check the path".to_owned(),
            std::io::ErrorKind::PermissionDenied => {
                "your user may not read it; give it the right to".to_owned()
            }
            _ => format!("cannot be read: {error}"),
        };
        DocumentError::whole(path, message)
    };
    let size_bytes = std::fs::metadata(path).map_err(problem)?.len();
    if size_bytes > MAX_FILE_BYTES {
        let message =
            format!("is {size_bytes} bytes long; at most {MAX_FILE_BYTES} are read: split the flow in two");
        return Err(DocumentError::whole(path, message));
    }
    if path.is_dir() {
        return Err(DocumentError::whole(path, "is a folder, and a file is needed; name the file in it"));
    }
    let bytes = std::fs::read(path).map_err(problem)?;
    String::from_utf8(bytes).map_err(|error| {
        DocumentError::whole(
            path,
            format!("is not UTF-8 from byte {}; save it as UTF-8", error.utf8_error().valid_up_to()),
        )
    })
}

/// Parses one of the project's own documents, its head checked first.
///
/// # Errors
/// [`DocumentError`] with the place: another kind, a newer version, an unknown key, a wrong type,
/// or a file that expands beyond its bounds.
pub fn parse_document<T: Document>(path: &Path, text: &str) -> Result<T, DocumentError> {
    check_head(path, text, T::KIND, T::VERSION)?;
    parse_spanned(path, text)
}

/// Parses any YAML under the project's bounds, without a head.
///
/// # Errors
/// As [`parse_document`].
pub fn parse_spanned<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, DocumentError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        reject_unsupported_tags: true,
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_events: 4_000_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 1,
            max_nodes: 2_000_000,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let bare = error.without_snippet();
        let message = plain_words(&yaml_message(bare));
        match bare.location() {
            Some(location) if location.line() > 0 => DocumentError::at(path, text, location.into(), message),
            _ => DocumentError::whole(path, message),
        }
    })
}

/// The library's message without its own ` at line L, column C`.
fn yaml_message(error: &serde_saphyr::Error) -> String {
    let full = error.to_string();
    full.split(" at line ").next().unwrap_or(&full).trim_end_matches(':').to_owned()
}

/// The nearest of the `known` words to `found`, if one is near enough to be meant.
pub fn suggest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .filter(|(distance, word)| *distance <= (word.chars().count().max(3) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn check_head(path: &Path, text: &str, kind: &str, version: u32) -> Result<(), DocumentError> {
    #[derive(serde::Deserialize)]
    struct Head {
        counterpart: Spanned<String>,
    }
    let expected = format!("`counterpart: {kind}/{version}`");
    let is_head =
        |line: &&str| !line.trim_start().starts_with('#') && !line.trim().is_empty() && line.trim() != "---";
    let found = text.lines().enumerate().find(|(_, line)| is_head(line));
    let Some((index, line)) = found else {
        return Err(DocumentError::whole(path, format!("is empty; it must open with {expected}")));
    };
    let place = Place { line: index as u64 + 1, column: 1 };
    let Ok(head) = serde_saphyr::from_str::<Head>(line) else {
        return Err(DocumentError::at(path, text, place, format!("the first key must be {expected}")));
    };
    let head = head.counterpart.value;
    let refuse = |message: String| Err(DocumentError::at(path, text, place, message));
    match head.split_once('/').map(|(found_kind, number)| (found_kind, number.parse::<u32>())) {
        Some((found_kind, Ok(number))) if found_kind == kind && number == version => Ok(()),
        Some((found_kind, Ok(number))) if found_kind == kind && number > version => refuse(format!(
            "written as {head}, newer than the {kind}/{version} that this build reads; use a newer counterpart"
        )),
        Some((found_kind, _)) if found_kind != kind => {
            refuse(format!("this is a {found_kind:?} file, but a {kind:?} file is needed here"))
        }
        _ => refuse(format!("version {head:?} is not known; expected {expected}")),
    }
}

/// Writes a file so that readers see the old content or the new, never a part.
///
/// # Errors
/// What the file system says; nothing is left behind then.
pub fn write_atomically(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".counterpart-").tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private; what the project writes is meant to be read by others.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(rename = "counterpart")]
        _counterpart: String,
        title: String,
        #[serde(default)]
        list: Vec<serde_json::Value>,
    }

    impl Document for Sample {
        const KIND: &'static str = "sample";
        const VERSION: u32 = 1;
    }

    fn error(text: &str) -> String {
        parse_document::<Sample>(Path::new("a/b.yaml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_good_document_is_read() {
        let sample: Sample =
            parse_document(Path::new("x"), "# note\ncounterpart: sample/1\ntitle: yes\n").unwrap();
        assert_eq!((sample.title.as_str(), sample.list.len()), ("yes", 0));
    }

    #[test]
    fn problems_name_place_and_mend() {
        insta::assert_snapshot!(
            [
                error(""),
                error("title: x\n"),
                error("counterpart: sample/2\ntitle: x\n"),
                error("counterpart: other/1\n"),
                error("counterpart: sample/one\n"),
                error("counterpart: sample/1\ntitel: x\n"),
                error("counterpart: sample/1\ntitle: [x]\n"),
                error("counterpart: sample/1\ntitle: \"x\n"),
            ]
            .join("\n\n")
        );
    }

    #[test]
    fn a_yaml_bomb_stays_small() {
        let mut bomb =
            String::from("counterpart: sample/1\ntitle: x\nlist:\n- &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..30 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("- &a{level} [{inner}]\n"));
        }
        let message = error(&bomb);
        assert!(message.starts_with("a/b.yaml"), "{message}");
    }

    #[test]
    fn words_are_suggested_only_when_near() {
        assert_eq!(suggest("setle", ["settle", "trigger"]), Some("settle"));
        assert_eq!(suggest("banana", ["settle", "trigger"]), None);
    }
}
