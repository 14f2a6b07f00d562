//! Files on this machine: what a pattern finds, in the order of the paths.

use super::records::told;
use super::{MAX_BYTES, MAX_RECORDS, ProbeError, RecordsPlace};
use crate::template::Variables;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most files that a pattern may find.
const MAX_FILES: usize = 10_000;

/// What is read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileForm {
    /// JSON: one record, or those at `records`. The ending `.json`.
    Json,
    /// A record a line. The endings `.jsonl` and `.ndjson`.
    JsonLines,
    /// Comma-separated values (RFC 4180) under a line of names: a record a line, its fields text. The ending `.csv`.
    Csv,
    /// A record a line: `file`, `line` (its number, from 1) and `text`.
    Lines,
    /// One record: `file`, `size`, `sha256` and `text`. Where the ending says nothing else.
    Text,
    /// One record: `file`, `size` and `sha256`, whatever is in it.
    Digest,
}

impl FileForm {
    fn by_ending(path: &Path) -> Self {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("json") => Self::Json,
            Some("jsonl" | "ndjson") => Self::JsonLines,
            Some("csv") => Self::Csv,
            _ => Self::Text,
        }
    }
}

/// The records of all files that a pattern finds; none where it finds no file.
pub(super) async fn read(
    pattern: &str,
    form: Option<FileForm>,
    records: Option<RecordsPlace>,
    variables: &Variables,
) -> Result<Vec<Value>, ProbeError> {
    let pattern = variables.fill_with(pattern, glob::Pattern::escape)?;
    let place = pattern.clone();
    let read = tokio::task::spawn_blocking(move || Reading::default().all(&pattern, form, records.as_ref()));
    read.await.unwrap_or_else(|_| Err(ProbeError::new(place, "reading ended early", "files")))
}

/// What was read so far, within bounds.
#[derive(Default)]
struct Reading {
    records: Vec<Value>,
    bytes: usize,
}

impl Reading {
    fn all(
        mut self,
        pattern: &str,
        form: Option<FileForm>,
        records: Option<&RecordsPlace>,
    ) -> Result<Vec<Value>, ProbeError> {
        for path in found(pattern)? {
            let form = form.unwrap_or_else(|| FileForm::by_ending(&path));
            let bytes = self.bytes_of(&path)?;
            self.file(&path, form, records, &bytes)?;
            if self.records.len() > MAX_RECORDS {
                let found = format!("over {MAX_RECORDS} records in the files up to this one");
                return Err(ProbeError::new(shown(&path), found, "fewer"));
            }
        }
        Ok(self.records)
    }

    fn bytes_of(&mut self, path: &Path) -> Result<Vec<u8>, ProbeError> {
        let failed =
            |error: std::io::Error| ProbeError::new(shown(path), error.to_string(), "a file to read");
        let mut bytes = Vec::new();
        let left = MAX_BYTES - self.bytes;
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(left as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() > left {
            let found = format!("over {MAX_BYTES} bytes in the files up to this one");
            return Err(ProbeError::new(shown(path), found, "fewer"));
        }
        self.bytes += bytes.len();
        Ok(bytes)
    }

    fn file(
        &mut self,
        path: &Path,
        form: FileForm,
        records: Option<&RecordsPlace>,
        bytes: &[u8],
    ) -> Result<(), ProbeError> {
        match form {
            FileForm::Json => self.json(path, records, bytes)?,
            FileForm::JsonLines => {
                for (number, line) in lines(path, bytes)? {
                    if !line.trim().is_empty() {
                        let record = object(line.as_bytes());
                        self.records.push(record.map_err(|found| {
                            ProbeError::new(format!("{}:{number}", shown(path)), found, "a JSON object")
                        })?);
                    }
                }
            }
            FileForm::Csv => self.csv(path, bytes)?,
            FileForm::Lines => {
                let name = name(path);
                let lines = lines(path, bytes)?;
                self.records.extend(
                    lines.map(|(number, line)| json!({ "file": name, "line": number, "text": line })),
                );
            }
            FileForm::Text => {
                let text = text(path, bytes)?;
                let mut record = digest(path, bytes);
                record.insert("text".to_owned(), text.into());
                self.records.push(Value::Object(record));
            }
            FileForm::Digest => self.records.push(Value::Object(digest(path, bytes))),
        }
        Ok(())
    }

    fn json(&mut self, path: &Path, records: Option<&RecordsPlace>, bytes: &[u8]) -> Result<(), ProbeError> {
        let wrong = |found: String, expected| ProbeError::new(shown(path), found, expected);
        match records {
            None => {
                let record = object(bytes);
                self.records.push(record.map_err(|found| wrong(found, "a JSON object, or `records`"))?);
            }
            Some(place) => {
                let value: Value = serde_json::from_slice(bytes)
                    .map_err(|error| wrong(format!("no JSON: {error}"), "JSON"))?;
                let found = place.records_of(&value);
                self.records.extend(found.map_err(|found| wrong(found, "a list of objects"))?);
            }
        }
        Ok(())
    }

    fn csv(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ProbeError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let wrong =
            |error: csv::Error| ProbeError::new(shown(path), error.to_string(), "lines of as many fields");
        let mut reader = csv::Reader::from_reader(bytes);
        let names = reader.headers().map_err(wrong)?.clone();
        if let Some((_, name)) =
            names.iter().enumerate().find(|(at, name)| names.iter().take(*at).any(|other| other == *name))
        {
            let found = format!("two columns are named {name:?}");
            return Err(ProbeError::new(format!("{}:1", shown(path)), found, "a name of its own for each"));
        }
        for row in reader.records() {
            let row = row.map_err(wrong)?;
            let fields = names.iter().zip(&row).map(|(name, text)| (name.to_owned(), text.into()));
            self.records.push(Value::Object(fields.collect()));
        }
        Ok(())
    }
}

/// The files that a pattern finds, in the order of their paths.
fn found(pattern: &str) -> Result<Vec<PathBuf>, ProbeError> {
    let paths = glob::glob(pattern)
        .map_err(|error| ProbeError::new(pattern, error.to_string(), "a pattern like `{data}/out/*.json`"))?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            ProbeError::new(shown(error.path()), error.error().to_string(), "a folder to read")
        })?;
        if path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(ProbeError::new(pattern, format!("over {MAX_FILES} files"), "fewer"));
        }
    }
    Ok(files)
}

fn digest(path: &Path, bytes: &[u8]) -> Map<String, Value> {
    let sha256 = Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    [("file", name(path).into()), ("size", bytes.len().into()), ("sha256", sha256.into())]
        .into_iter()
        .map(|(field, value): (&str, Value)| (field.to_owned(), value))
        .collect()
}

fn object(bytes: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice(bytes) {
        Ok(record @ Value::Object(_)) => Ok(record),
        Ok(other) => Err(told(&other)),
        Err(error) => Err(format!("no JSON: {error}")),
    }
}

fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, ProbeError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let found = format!("no UTF-8 text: {error}");
        ProbeError::new(shown(path), found, "text; `as = \"digest\"` reads any file")
    })
}

fn lines<'a>(path: &Path, bytes: &'a [u8]) -> Result<impl Iterator<Item = (usize, &'a str)>, ProbeError> {
    Ok(text(path, bytes)?.lines().enumerate().map(|(at, line)| (at + 1, line)))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(
        folder: &Path,
        pattern: &str,
        form: Option<FileForm>,
        records: Option<&str>,
    ) -> Result<Value, String> {
        let mut variables = Variables::default();
        variables.set("data", &folder.display().to_string());
        let records = records.map(|place| RecordsPlace::parse(place).unwrap());
        let read = read(pattern, form, records, &variables).await;
        read.map(Value::Array)
            .map_err(|error| error.to_string().replace(&folder.display().to_string(), "DATA"))
    }

    #[tokio::test]
    async fn files_are_read_in_order_and_as_their_ending_says() {
        let folder = tempfile::Builder::new().prefix("brackets [x]").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("dir.json")).unwrap();
        for (name, text) in [
            ("b.json", "{\"id\": 2}"),
            ("a.json", "{\"id\": 1}"),
            ("list.txt", "[{\"id\": 3}]"),
            ("rows.jsonl", "{\"id\": 4}\n\n{\"id\": 5}\n"),
            ("rows.csv", "\u{feff}id,text\r\n6,\"a, \"\"b\"\"\nc\"\r\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let ask = async |pattern, form, records| ask(folder.path(), pattern, form, records).await;
        assert_eq!(ask("{data}/*.json", None, None).await, Ok(json!([{ "id": 1 }, { "id": 2 }])));
        assert_eq!(ask("{data}/none/*.json", None, None).await, Ok(json!([])));
        assert_eq!(ask("{data}/list.txt", Some(FileForm::Json), Some("")).await, Ok(json!([{ "id": 3 }])));
        assert_eq!(ask("{data}/*.jsonl", None, None).await, Ok(json!([{ "id": 4 }, { "id": 5 }])));
        assert_eq!(ask("{data}/*.csv", None, None).await, Ok(json!([{ "id": "6", "text": "a, \"b\"\nc" }])));
        assert_eq!(
            ask("{data}/rows.jsonl", Some(FileForm::Lines), None).await.unwrap()[2],
            json!({ "file": "rows.jsonl", "line": 3, "text": "{\"id\": 5}" })
        );
        let sha256 = "de6a5226a697486b6e5ee096b40f268ed6ac2fd925ff358fb5e06d922f037c73";
        let digest = json!([{ "file": "list.txt", "size": 11, "sha256": sha256 }]);
        assert_eq!(ask("{data}/list.*", Some(FileForm::Digest), None).await, Ok(digest));
        assert_eq!(ask("{data}/list.txt", None, None).await.unwrap()[0]["text"], "[{\"id\": 3}]");
    }

    #[tokio::test]
    async fn what_is_no_record_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("half.json", &b"{\"id\": "[..]),
            ("list.json", b"[1]"),
            ("lines.jsonl", b"{}\n7\n"),
            ("short.csv", b"id,text\n1\n"),
            ("twice.csv", b"id,id\n1,2\n"),
            ("binary.log", b"\xff\xfe"),
        ] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let large = std::fs::File::create(folder.path().join("large.bin")).unwrap();
        large.set_len(MAX_BYTES as u64 + 1).unwrap();
        let mut told = Vec::new();
        for name in [
            "half.json",
            "list.json",
            "lines.jsonl",
            "short.csv",
            "twice.csv",
            "binary.log",
            "large.bin",
            "***",
        ] {
            told.push(ask(folder.path(), &format!("{{data}}/{name}"), None, None).await.unwrap_err());
        }
        told.push(ask(folder.path(), "{data}/list.json", None, Some("/rows")).await.unwrap_err());
        insta::assert_snapshot!(told.join("\n"), @r#"
        DATA/half.json: no JSON: EOF while parsing a value at line 1 column 7; expected a JSON object, or `records`
        DATA/list.json: a list: [1]; expected a JSON object, or `records`
        DATA/lines.jsonl:2: a number: 7; expected a JSON object
        DATA/short.csv: CSV error: record 1 (line: 2, byte: 8): found record with 1 fields, but the previous record has 2 fields; expected lines of as many fields
        DATA/twice.csv:1: two columns are named "id"; expected a name of its own for each
        DATA/binary.log: no UTF-8 text: invalid utf-8 sequence of 1 bytes from index 0; expected text; `as = "digest"` reads any file
        DATA/large.bin: over 67108864 bytes in the files up to this one; expected fewer
        DATA/***: Pattern syntax error near position 18: wildcards are either regular `*` or recursive `**`; expected a pattern like `{data}/out/*.json`
        DATA/list.json: at `/rows` there is nothing; expected a list of objects
        "#);
    }
}
