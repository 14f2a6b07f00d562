//! What a process prints: always read, kept as its last lines and, of standard output, the lines that are JSON objects.
//!
//! However much is printed, what is kept is bounded, and the process never waits for a reader.

use super::secrets::Secrets;
use regex::Regex;
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Lines that are kept for whoever asks why it does not work.
const MAX_LINES: usize = 40;
/// Bytes that are shown of a line.
const MAX_SHOWN_BYTES: usize = 500;
/// Bytes that are kept beyond those, so that a secret that is cut there is known as one.
const MAX_SECRET_BYTES: usize = 8 * 1024;
/// The longest line that is read as a record.
const MAX_RECORD_BYTES: usize = 8 * 1024 * 1024;
/// What all records of a play may come to.
const MAX_RECORDS_BYTES: usize = 64 * 1024 * 1024;

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What the processes of one subject printed, one after the other.
#[derive(Clone, Default)]
pub struct Output {
    kept: Arc<Mutex<Kept>>,
    /// Told whenever a line came that was waited for.
    came: Arc<Notify>,
}

/// A line of standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutLine {
    /// From 1.
    pub(crate) number: usize,
    /// What is kept of it.
    pub(crate) bytes: Vec<u8>,
    /// How long it is.
    pub(crate) length: usize,
    /// What is not shown of it.
    pub(crate) secrets: Secrets,
}

impl OutLine {
    /// For people.
    pub(crate) fn shown(&self) -> String {
        shown(&self.bytes, self.length, &self.secrets).chars().take(200).collect()
    }
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    /// The last line of standard error that is not blank.
    last_complaint: Option<String>,
    /// Lines of standard output: those that begin like a JSON object, or all that are not blank.
    records: Vec<OutLine>,
    keeps_all: bool,
    records_bytes: usize,
    records_lost: usize,
    out_lines: usize,
    awaited: Option<Regex>,
    has_come: bool,
    /// Of standard output: what came of a line whose end did not, where it begins like a JSON object.
    unended: Option<String>,
    secrets: Secrets,
}

impl Output {
    /// One that keeps every line of standard output, records or not.
    pub(crate) fn keeping_every_line() -> Self {
        let output = Self::default();
        output.with(|kept| kept.keeps_all = true);
        output
    }

    /// The lines of standard output that were kept.
    pub(crate) fn lines(&self) -> Vec<OutLine> {
        self.with(|kept| kept.records.clone())
    }

    /// From now on these values are shown to nobody: those of the environment whose names say that they are secret.
    pub fn hide(&self, environment: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>) {
        let environment: Vec<_> = environment.into_iter().collect();
        let named = environment.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        self.with(|kept| kept.secrets = kept.secrets.with(named));
    }

    /// Waits for such a line from now on.
    pub fn await_line(&self, awaited: Option<Regex>) {
        self.with(|kept| {
            kept.awaited = awaited;
            kept.has_come = false;
            // Whoever was to end it is gone.
            kept.unended = None;
        });
    }

    /// Comes back once the line is there.
    pub async fn line_came(&self) {
        loop {
            let told = self.came.notified();
            if self.with(|kept| kept.has_come) {
                return;
            }
            told.await;
        }
    }

    /// The last lines, what is no text escaped.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        self.with(|kept| kept.lines.iter().cloned().collect())
    }

    /// The last line of standard error, where there is one, else of what was printed: which of both streams came last
    /// says little, since programs write what they printed when they end.
    pub(crate) fn last_word(&self) -> Option<String> {
        self.with(|kept| kept.last_complaint.clone().or_else(|| kept.lines.back().cloned()))
    }

    /// The lines of standard output that are JSON objects.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        let objects = |line: &OutLine| serde_json::from_slice(&line.bytes).ok().filter(Value::is_object);
        self.with(|kept| kept.records.iter().filter_map(objects).collect())
    }

    /// Why the records are not all that it printed, if they are not.
    #[must_use]
    pub fn records_lost(&self) -> Option<String> {
        let lost = self.with(|kept| kept.records_lost);
        (lost > 0).then(|| {
            format!(
                "it printed more JSON on its standard output than is kept: {lost} lines are beyond \
                 {MAX_RECORD_BYTES} bytes each or {MAX_RECORDS_BYTES} in all"
            )
        })
    }

    /// What came of a line of standard output whose end did not come yet, where it begins like a JSON object.
    #[must_use]
    pub fn unended(&self) -> Option<String> {
        self.with(|kept| kept.unended.clone())
    }

    /// Reads a stream to its end.
    pub fn drain(&self, stream: Stream, mut source: impl Read) {
        let mut part = vec![0; 16 * 1024];
        let mut line = Line::default();
        loop {
            let length = match source.read(&mut part) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            self.take(stream, &mut line, &part[..length]);
        }
        if stream == Stream::Out {
            self.with(|kept| kept.unended = None);
        }
        if line.length > 0 {
            self.keep(stream, line);
        }
    }

    /// Takes a part of a stream, which goes on where the last one ended.
    pub fn take(&self, stream: Stream, line: &mut Line, part: &[u8]) {
        let mut rest = part;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            line.take(stream, &rest[..end]);
            self.keep(stream, std::mem::take(line));
            rest = &rest[end + 1..];
        }
        line.take(stream, rest);
        if stream == Stream::Out {
            self.with(|kept| {
                let told = || shown(&line.bytes, line.length, &kept.secrets);
                kept.unended = begins_like_record(&line.bytes).then(told);
            });
        }
    }

    fn keep(&self, stream: Stream, line: Line) {
        let Line { bytes, length } = line;
        let came = self.with(|kept| {
            kept.out_lines += usize::from(stream == Stream::Out);
            let is_awaited = |awaited: &Regex| awaited.is_match(&shown(&bytes, length, &Secrets::default()));
            let came = !kept.has_come && kept.awaited.as_ref().is_some_and(is_awaited);
            let told = shown(&bytes, length, &kept.secrets);
            kept.has_come |= came;
            let may_be_record = begins_like_record(&bytes);
            let is_kept = may_be_record || (kept.keeps_all && !bytes.trim_ascii().is_empty());
            if stream == Stream::Out && is_kept {
                if (may_be_record && length > bytes.len())
                    || kept.records_bytes + bytes.len() > MAX_RECORDS_BYTES
                {
                    kept.records_lost += 1;
                } else {
                    kept.records_bytes += bytes.len();
                    kept.records.push(OutLine {
                        number: kept.out_lines,
                        bytes,
                        length,
                        secrets: kept.secrets.clone(),
                    });
                }
            }
            if stream == Stream::Err && !told.trim().is_empty() {
                kept.last_complaint = Some(told.clone());
            }
            if kept.lines.len() == MAX_LINES {
                kept.lines.pop_front();
            }
            kept.lines.push_back(told);
            came
        });
        if came {
            self.came.notify_waiters();
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A line on its way: what is kept of it, and how long it is.
#[derive(Debug, Default)]
pub struct Line {
    bytes: Vec<u8>,
    length: usize,
}

impl Line {
    fn take(&mut self, stream: Stream, part: &[u8]) {
        let begins = if self.bytes.is_empty() { part } else { &self.bytes };
        let may_be_record = stream == Stream::Out && begins_like_record(begins);
        let bound = if may_be_record { MAX_RECORD_BYTES } else { MAX_SHOWN_BYTES + MAX_SECRET_BYTES };
        let room = bound.saturating_sub(self.bytes.len()).min(part.len());
        self.bytes.extend_from_slice(&part[..room]);
        self.length += part.len();
    }
}

fn begins_like_record(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// A line for people: bytes that are no text, and control characters, as `\xNN`.
fn shown(bytes: &[u8], length: usize, secrets: &Secrets) -> String {
    let mut text = String::new();
    let (part, looked_at) = secrets.hidden_in(bytes, MAX_SHOWN_BYTES);
    let part = part.as_slice();
    for chunk in part.strip_suffix(b"\r").unwrap_or(part).utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => text.push('\t'),
                other if other.is_control() => text.extend(other.escape_default()),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if length > looked_at {
        let _ = write!(text, "... ({length} bytes)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printed(stream: Stream, bytes: &[u8]) -> Output {
        let output = Output::default();
        output.drain(stream, bytes);
        output
    }

    #[test]
    fn the_last_lines_are_kept_and_shown_as_text() {
        let text: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        let lines = printed(Stream::Err, text.as_bytes()).last_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (MAX_LINES, "line 960"));
        let both = printed(Stream::Err, b"no such table\n\n");
        both.drain(Stream::Out, &b"{\"type\": \"RECORD\"}\n"[..]);
        assert_eq!(both.last_word().as_deref(), Some("no such table"), "whichever came last");
        assert_eq!(printed(Stream::Out, b"done").last_word().as_deref(), Some("done"));
        let binary = printed(Stream::Out, b"\x00\xff\x1b[31mred\r\nand no end").last_lines();
        assert_eq!(binary, [r"\u{0}\xff\u{1b}[31mred", "and no end"]);
    }

    #[test]
    fn what_is_secret_is_shown_to_nobody() {
        let output = Output::keeping_every_line();
        output.hide([("DB_PASSWORD", "hunter2secret"), ("PORT", "8080-port")]);
        let long = format!("{}hunter2secret", "x".repeat(MAX_SHOWN_BYTES - 4));
        output.drain(Stream::Out, format!("no: hunter2secret at 8080-port\n{long}\n").as_bytes());
        let lines = output.last_lines();
        assert_eq!(lines[0], "no: «secret» at 8080-port");
        assert!(lines[1].ends_with("xx«secret»"), "{}", lines[1]);
        assert_eq!(output.lines()[0].shown(), lines[0]);
        assert_eq!(output.lines()[0].bytes, b"no: hunter2secret at 8080-port", "what is read is left");
    }

    #[test]
    fn a_line_without_an_end_costs_nothing() {
        let endless = std::io::repeat(b'x').take(50 << 20);
        let output = Output::default();
        output.drain(Stream::Out, endless);
        let lines = output.last_lines();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with("x... (52428800 bytes)") && lines[0].len() < 600, "{}", lines[0]);
    }

    #[test]
    fn records_are_the_json_objects_of_standard_output() {
        let text = b"starting\n{\"a\": 1}\n  {\"a\": 2}\n[3]\n{broken\n{\"a\": 4}";
        let output = printed(Stream::Out, text);
        assert_eq!(output.records(), [json!({"a": 1}), json!({"a": 2}), json!({"a": 4})]);
        assert!(printed(Stream::Err, text).records().is_empty());
        assert_eq!(output.records_lost(), None);
        let huge = format!("{{\"a\": \"{}\"}}\n{{\"b\": 1}}\n", "x".repeat(MAX_RECORD_BYTES));
        let output = printed(Stream::Out, huge.as_bytes());
        assert_eq!(output.records(), [json!({"b": 1})]);
        assert!(output.records_lost().unwrap().contains("1 lines"), "lost ones are told");
    }

    /// A stream that has half a line, and looks at what is known of it before it ends.
    struct Half(Output, Option<String>);

    impl Read for Half {
        fn read(&mut self, part: &mut [u8]) -> std::io::Result<usize> {
            if self.1.is_some() || self.0.unended().is_some() {
                self.1 = self.0.unended();
                return Ok(0);
            }
            part[..4].copy_from_slice(b"{\"a\"");
            Ok(4)
        }
    }

    #[test]
    fn a_line_of_json_without_an_end_is_known_until_the_stream_ends() {
        let output = Output::default();
        let mut half = Half(output.clone(), None);
        output.drain(Stream::Out, &mut half);
        assert_eq!(half.1.as_deref(), Some("{\"a\""));
        assert_eq!(output.unended(), None);
    }

    #[test]
    fn all_records_together_are_bounded() {
        let line = format!("{{\"a\": \"{}\"}}\n", "x".repeat(1 << 20));
        let output = printed(Stream::Out, line.repeat(80).as_bytes());
        assert!(output.records().len() < 64);
        assert!(output.records_lost().is_some());
    }
}
