//! Reading `counterpart.toml`: every problem is told with its line, what is secret in that line left out.

use crate::project::Config;
use counterpart_exchange::{DocumentError, Place, plain_words, read_text};
use std::path::Path;

pub(crate) fn read(path: &Path) -> Result<Config, DocumentError> {
    parse(path, &read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Config, DocumentError> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let message = plain_words(error.message());
        match error.span() {
            Some(span) => DocumentError::at(path, text, Place::of_byte(text, span.start), message),
            None => DocumentError::whole(path, message),
        }
    })?;
    if config.counterpart != "config/1" {
        let message = format!("`counterpart = {:?}`; this build reads \"config/1\"", config.counterpart);
        return Err(at_words(path, text, "config", &config.counterpart, message));
    }
    for (subject, spec) in &config.subject {
        if let Some(unknown) = spec.unknown_names().first() {
            let message = format!("[subject.{subject}] {unknown}");
            return Err(at_words(path, text, subject, &format!("{{{}}}", unknown.name), message));
        }
    }
    Ok(config)
}

/// A problem where these words stand, behind the first mention of what they are part of.
fn at_words(path: &Path, text: &str, part: &str, words: &str, message: String) -> DocumentError {
    let from = text.find(&format!("subject.{part}")).unwrap_or(0);
    match text[from..].find(words).map(|at| from + at).or_else(|| text.find(words)) {
        Some(at) => DocumentError::at(path, text, Place::of_byte(text, at), message),
        None => DocumentError::whole(path, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(Path::new("counterpart.toml"), &format!("counterpart = \"config/1\"\n{text}"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn no_mistake_shows_the_password_of_its_line() {
        for text in [
            "[subject.a]\nlaunch = { url = \"http://127.0.0.1:1\" }\nprobe.destination = { sql = \"SELECT 1\", database = \"postgers://reader:hunter2secret@127.0.0.1/app\" }",
            "[subject.a]\nlaunch = { url = \"http://127.0.0.1:1\" }\nprobe.destinatio = { sql = \"SELECT 1\", database = \"postgres://reader:hunter2secret@127.0.0.1/app\" }",
            "[subject.a]\nlaunch = { url = \"http://127.0.0.1:1\" }\nprobe.runs = { sql = \"SELECT 1\", database = \"postgres://reader:hunter2secret@127.0.0.1/{dat}\" }",
            "[subject.a]\nlaunch = { command = { run = \"x\", env = { DB_PASSWORD = \"hunter2secret\" } } }",
            "[subject.a]\nlaunch = { url = \"http://reader:hunter2secret@127.0.0.1:1\" ",
        ] {
            let told = refused(text);
            assert!(told.contains("***") && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn mistakes_are_told_with_what_is_expected() {
        let url = "[subject.a]\nlaunch = { url = \"http://127.0.0.1:1\" }\n";
        let told = [
            refused("fixtures = 5"),
            refused("fixtrues = \"x\""),
            refused("[subject.a]\nlaunch = { command = { run = \"python3 x.py\" } }"),
            refused("[subject.a]\nlaunch = { url = \"http://127.0.0.1:1\", command = { run = [\"x\"] } }"),
            refused("[subject.a]\nlaunch = {}"),
            refused(&format!("{url}probe.destnation = {{ get = \"/x\" }}")),
            refused(&format!(
                "{url}setup.hello = {{ call = \"POST /x\", json = {{ a = \"{{base_ur}}\" }} }}"
            )),
            refused(&format!("{url}probe.runs = {{ get = \"/{{teant}}/x\" }}")),
            refused("[subject.a"),
            parse(Path::new("counterpart.toml"), "counterpart = \"config/2\"").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(told.join("\n\n"));
    }
}
