//! What a folder tells of the project in it, so that nobody is asked: its language, other tools' recordings, the port
//! of its service. Nothing outside it is read, and only so much of it.

use std::path::{Path, PathBuf};

/// Folders whose content is not the project's own.
const PASSED_OVER: [&str; 9] =
    ["node_modules", "target", "vendor", "dist", "build", "__pycache__", "venv", ".venv", ".git"];
/// How deep, and how many entries, are looked at.
const MOST_DEPTH: usize = 6;
const MOST_ENTRIES: usize = 20_000;
/// A file that is larger is no list of services and no recording that is looked into.
const MOST_BYTES: u64 = 256 * 1024;

/// What a project is written in, as its package file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Language {
    pub(super) name: &'static str,
    /// How its tests are usually run.
    pub(super) tests: &'static str,
}

/// Package files, the more telling first.
const PACKAGE_FILES: [(&str, &str, &str); 11] = [
    ("package.json", "JavaScript", "npm test"),
    ("pyproject.toml", "Python", "pytest"),
    ("requirements.txt", "Python", "pytest"),
    ("go.mod", "Go", "go test ./..."),
    ("Cargo.toml", "Rust", "cargo test"),
    ("Gemfile", "Ruby", "bundle exec rspec"),
    ("composer.json", "PHP", "composer test"),
    ("pom.xml", "Java", "mvn test"),
    ("build.gradle", "Java", "gradle test"),
    ("build.gradle.kts", "Kotlin", "gradle test"),
    ("mix.exs", "Elixir", "mix test"),
];

/// The language of the project in a folder, where its package file tells.
pub(super) fn language(folder: &Path) -> Option<Language> {
    PACKAGE_FILES
        .iter()
        .find(|(file, _, _)| folder.join(file).is_file())
        .map(|(_, name, tests)| Language { name, tests })
}

/// A recording of another tool, and the word with which `counterpart import` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    pub(super) format: &'static str,
    pub(super) path: PathBuf,
}

/// Recordings of other tools, at most one of a format: the first by name. Paths are relative to the folder.
pub(super) fn recordings(folder: &Path) -> Vec<Recording> {
    let mut found: Vec<Recording> = Vec::new();
    for path in files(folder) {
        let Some(format) = format_of(&path) else { continue };
        if !found.iter().any(|known| known.format == format) {
            found.push(Recording { format, path });
        }
    }
    found
}

/// What wrote a file, by the places and names that these tools give it.
fn format_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let within = |folder: &str| path.parent().is_some_and(|parent| parent.iter().any(|part| part == folder));
    match () {
        () if name == "recording.har" && within("__recordings__") => Some("polly"),
        () if name.ends_with(".har") => Some("har"),
        () if name.ends_with(".postman_collection.json") => Some("postman"),
        () if name.ends_with(".json") && within("mappings") => Some("wiremock"),
        () if name.ends_with(".json") && within("pacts") => Some("pact"),
        () if name.ends_with(".json") && within("simulations") => Some("hoverfly"),
        () if (name.ends_with(".yaml") || name.ends_with(".yml"))
            && (within("cassettes") || within("vcr_cassettes")) =>
        {
            Some("vcr")
        }
        () => None,
    }
}

/// Files under a folder, relative to it, sorted; links are not followed.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![(PathBuf::new(), 0)];
    let mut seen = 0;
    while let Some((relative, depth)) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(folder.join(&relative)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            seen += 1;
            if seen > MOST_ENTRIES {
                files.sort();
                return files;
            }
            let path = relative.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_file() => files.push(path),
                Ok(kind) if kind.is_dir() && depth < MOST_DEPTH => {
                    let name = entry.file_name();
                    if !PASSED_OVER.iter().any(|other| name == *other) {
                        waiting.push((path, depth + 1));
                    }
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// The port on this machine of the one service that the project builds itself, where its compose file leaves no doubt.
pub(super) fn port(folder: &Path) -> Option<u16> {
    let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
    let path = names.iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
    if path.metadata().ok()?.len() > MOST_BYTES {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let compose: serde_json::Value = counterpart_exchange::parse_spanned(Path::new(""), &text).ok()?;
    let services = compose.get("services")?.as_object()?;
    let mut own = services.values().filter(|service| service.get("build").is_some());
    let (service, None) = (own.next()?, own.next()) else { return None };
    let ports = service.get("ports")?.as_array()?;
    let [port] = &ports[..] else { return None };
    published(port)
}

/// The port on this machine of an entry of `ports`: `3000:80`, `127.0.0.1:3000:80`, `{published: 3000}`.
fn published(entry: &serde_json::Value) -> Option<u16> {
    if let Some(published) = entry.get("published") {
        let text = published.as_str().map_or_else(|| published.to_string(), str::to_owned);
        return text.parse().ok();
    }
    let mut parts = entry.as_str()?.rsplit(':');
    let _inside = parts.next()?;
    parts.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_package_file_tells_the_language() {
        let of = |name: &str| language(folder(&[(name, "")]).path()).map(|language| language.name);
        assert_eq!(of("package.json"), Some("JavaScript"));
        assert_eq!(of("requirements.txt"), Some("Python"));
        assert_eq!(of("README.md"), None);
    }

    #[test]
    fn recordings_of_other_tools_are_found_where_they_put_them() {
        let folder = folder(&[
            ("tests/cassettes/list.yaml", ""),
            ("tests/cassettes/other.yaml", ""),
            ("session.har", ""),
            ("wiremock/mappings/one.json", "{}"),
            ("pacts/web-api.json", "{}"),
            ("node_modules/x/pacts/web-api.json", "{}"),
            ("tests/__recordings__/a_1/recording.har", "{}"),
            ("package.json", "{}"),
        ]);
        let found: Vec<String> = recordings(folder.path())
            .iter()
            .map(|recording| format!("{} {}", recording.format, recording.path.display()))
            .collect();
        assert_eq!(
            found,
            [
                "pact pacts/web-api.json",
                "har session.har",
                "polly tests/__recordings__/a_1/recording.har",
                "vcr tests/cassettes/list.yaml",
                "wiremock wiremock/mappings/one.json",
            ]
        );
    }

    #[test]
    fn a_port_is_taken_where_there_is_no_doubt() {
        let of = |text: &str| port(folder(&[("compose.yaml", text)]).path());
        let with = |ports: &str| {
            of(&format!(
                "services:\n  app:\n    build: .\n    ports: {ports}\n  db: {{image: x, ports: [\"1:2\"]}}\n"
            ))
        };
        assert_eq!(with("[\"3000:80\"]"), Some(3000));
        assert_eq!(with("[\"127.0.0.1:3000:80\"]"), Some(3000));
        assert_eq!(with("[{target: 80, published: 3000}]"), Some(3000));
        assert_eq!(with("[{target: 80, published: \"3000\"}]"), Some(3000));
        for doubtful in
            ["[\"80\"]", "[\"3000:80\", \"3001:81\"]", "[\"3000-3010:80-90\"]", "[]", "[\"$PORT:80\"]"]
        {
            assert_eq!(with(doubtful), None, "{doubtful}");
        }
        assert_eq!(
            of("services:\n  a: {build: ., ports: [\"1:2\"]}\n  b: {build: ., ports: [\"3:4\"]}\n"),
            None
        );
        assert_eq!(of("services: ["), None);
    }
}
