//! Printing: results to standard output, everything else to standard error; colours only where they are wanted.

use crate::arguments::{Colour, Global};
use anstream::ColorChoice;
use counterpart_exchange::keep::Kept;
use counterpart_report::Style;
use std::io::Write;
use tracing_subscriber::EnvFilter;

/// Sets colours and logging for the whole process.
pub(crate) fn set_up(global: &Global, default_level: &str) {
    let choice = match global.color {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    choice.write_global();
    let level = match global.verbose {
        0 => default_level,
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_new(format!(
        "off,counterpart_recorder={level},counterpart_reference_runtime={level},counterpart_stand_in={level}"
    ))
    .unwrap_or_default();
    // Somebody else's subscriber in the same process would be a test's: it may stay.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// The style of texts for standard output. `anstream` strips what the terminal cannot show.
pub(crate) fn style() -> Style {
    match anstream::AutoStream::choice(&std::io::stdout()) {
        ColorChoice::Never => Style::Plain,
        _ => Style::Coloured,
    }
}

/// Tells why nothing could be judged.
pub(crate) fn error(error: &anyhow::Error) {
    let red = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many an error of a library tells its cause itself.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    anstream::eprintln!("{red}error{red:#}: {text}");
}

/// Tells something beside the results.
pub(crate) fn note(text: &str) {
    anstream::eprintln!("{text}");
}

/// So many of something, in words.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// What stands beside a fixture that was written: secrets, bodies, and a profile that was drafted.
pub(crate) fn kept_lines(kept: &Kept) -> Vec<String> {
    let secrets = counted(kept.redacted, "secret was", "secrets were");
    let bodies = counted(kept.omitted, "body was", "bodies were");
    let drafted = kept.drafted.as_ref().map(|profile| {
        format!("drafted {}: look it over, it decides how the fixture is played", profile.display())
    });
    std::iter::once(format!("{secrets} replaced, {bodies} not kept")).chain(drafted).collect()
}

/// Prints a result.
pub(crate) fn result(text: &str) {
    write_out(&mut anstream::stdout(), text.trim_end_matches('\n'));
}

/// Prints a result that programs read.
pub(crate) fn json(value: &impl serde::Serialize) -> serde_json::Result<()> {
    serde_json::to_string_pretty(value).map(|text| write_out(&mut std::io::stdout(), &text))
}

/// Prints the content of a file as it is: nothing in it is a colour.
pub(crate) fn file(text: &str) {
    write_out(&mut std::io::stdout(), text.trim_end_matches('\n'));
}

/// Prints a result that programs read while the command runs: in one line, which is there at once.
pub(crate) fn json_line(value: &serde_json::Value) {
    let mut out = std::io::stdout();
    write_out(&mut out, &value.to_string());
    let _ = out.flush();
}

/// A reader that has seen enough, as in `counterpart schema | head`, is no failure.
fn write_out(stream: &mut dyn Write, text: &str) {
    let _ = writeln!(stream, "{text}");
}
