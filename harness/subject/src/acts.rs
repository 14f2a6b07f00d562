//! Triggers that are no calls: a program that is run to its end, a file that is dropped.

use crate::clock::within;
use crate::command::{End, Output, Process, Surroundings, Words};
use crate::launch::{LaunchError, with_last_lines};
use crate::subject::Answered;
use crate::template::Variables;
use crate::trigger::{DropContent, FileDrop, RunToEnd};
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest file that is dropped.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Real time that a program that is over its time has to end in.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Runs a program to its end: what it came to. Its exit code and its last lines say whether it did what it was for.
pub(crate) async fn run_to_end(
    run: &RunToEnd,
    variables: &Variables,
    surroundings: &Surroundings,
) -> Result<Answered, String> {
    let words = Words { run: run.run.clone(), folder: PathBuf::new(), env: run.env.clone() };
    let start = words.filled(variables, surroundings).map_err(|LaunchError(why)| why)?;
    let output = Output::default();
    let mut process = Process::start(&start, &output, STOP_WITHIN).map_err(|LaunchError(why)| why)?;
    let told = process.told().to_owned();
    let ended = within(run.within.duration(), process.end_of_it()).await;
    // What it started to go on without it is killed: a trigger is over when its program is.
    let how = if ended.is_some() { End::AtOnce } else { End::Asked };
    let _ = tokio::task::spawn_blocking(move || process.end(how)).await;
    let lines = output.last_lines();
    let Some(end) = ended else {
        let why = format!("{told} did not end within {}; give it longer with `within`", run.within);
        return Err(with_last_lines(&why, &lines));
    };
    let code = end.strip_prefix("ended with exit code ").and_then(|code| code.parse::<i64>().ok());
    let json = json!({ "exit_code": code, "lines": lines });
    if end == "ended with exit code 0" {
        return Ok(Answered::done(end, json));
    }
    let excerpt = with_last_lines(&format!("{told} {end}"), &lines);
    Ok(Answered { status: 500, json, excerpt, told: end })
}

/// Drops a file: written beside and renamed, so that nobody finds a part of it; or only its first half.
pub(crate) async fn drop_file(
    drop: &FileDrop,
    variables: &Variables,
    surroundings: &Surroundings,
) -> Result<Answered, String> {
    let fill = |text: &str| variables.fill(text).map_err(|error| error.to_string());
    let path = surroundings.root.join(fill(&drop.put)?);
    let content = match &drop.content {
        DropContent::Text(text) => fill(text)?.into_bytes(),
        DropContent::From(from) => {
            let from = surroundings.root.join(from);
            let told = |error: io::Error| format!("from: {}: {error}", from.display());
            let length = std::fs::metadata(&from).map_err(told)?.len();
            if length > MAX_FILE_BYTES {
                return Err(format!("from: {}: {length} bytes, over {MAX_FILE_BYTES}", from.display()));
            }
            std::fs::read(&from).map_err(told)?
        }
    };
    let half = drop.half;
    let told =
        if half { format!("half of {} bytes", content.len()) } else { format!("{} bytes", content.len()) };
    let shown = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || write(&path, &content, half)).await;
    written.map_err(|error| error.to_string())?.map_err(|error| format!("put: {shown}: {error}"))?;
    Ok(Answered::done(told, serde_json::Value::Null))
}

fn write(path: &Path, content: &[u8], half: bool) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("it is no path of a file"))?;
    std::fs::create_dir_all(folder)?;
    if half {
        return std::fs::write(path, &content[..content.len() / 2]);
    }
    // A name that begins with a dot: who watches the folder leaves such files alone.
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let aside = folder.join(format!(".{name}.part"));
    std::fs::write(&aside, content)?;
    std::fs::rename(&aside, path)
}
