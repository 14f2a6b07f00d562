//! `counterpart init`: a project begins, with a scenario that passes. What is there already stays as it is.

mod found;

use crate::arguments::{Global, Init};
use crate::exit::{Exit, Stop};
use crate::output;
use anyhow::{Context, anyhow};
use counterpart_exchange::write_atomically;
use found::Language;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The sample: a provider, what was exchanged with it, and a scenario.
const SAMPLE: [(Folder, &str, &str); 3] = [
    (Folder::Fixtures, "sample/provider.yaml", include_str!("sample/provider.yaml")),
    (Folder::Fixtures, "sample/create-customer.yaml", include_str!("sample/create-customer.yaml")),
    (Folder::Scenarios, "sample/overloaded.yaml", include_str!("sample/overloaded.yaml")),
];
/// What is made anew by each run.
const IGNORED: [&str; 2] = ["/target/counterpart/", "*.snap.new"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Folder {
    Fixtures,
    Scenarios,
}

/// The folders of the project.
struct Folders {
    fixtures: PathBuf,
    scenarios: PathBuf,
    contracts: PathBuf,
}

pub(crate) fn init(global: &Global, arguments: &Init) -> Result<Exit, Stop> {
    let root = &arguments.folder;
    if global.config.is_some() {
        return Err(Stop::usage(anyhow!(
            "init writes counterpart.toml itself, so --config means nothing to it; name the folder: counterpart init DIR"
        )));
    }
    if root.join("counterpart.toml").exists() {
        return Err(Stop::usage(anyhow!(
            "{}: is there already, so there is nothing to begin; look what the project lacks with: counterpart doctor",
            root.join("counterpart.toml").display()
        )));
    }
    let folders = Folders::in_project(root);
    let language = found::language(root);
    let mut said = Said::default();
    let config = config(&folders, language, found::port(root));
    for (folder, name, text) in SAMPLE {
        said.write(root, &folders.of(folder).join(name), text)?;
    }
    ignore(root, &mut said)?;
    // The last to be written: where anything before it fails, `init` may simply be asked again.
    said.write(root, Path::new("counterpart.toml"), &config)?;
    if !global.quiet {
        output::result(&said.text);
        output::result(&next(root, language));
    }
    Ok(Exit::Passed)
}

impl Folders {
    /// The folders that the documentation speaks of, unless something else is in them: many a project has fixtures of
    /// another kind.
    fn in_project(root: &Path) -> Self {
        let is_free = |name: &str| !root.join(name).exists() || is_ours(&root.join(name));
        let names = ["fixtures", "scenarios", "contracts"];
        let base = if names.iter().all(|name| is_free(name)) { "" } else { "counterpart" };
        let [fixtures, scenarios, contracts] = names.map(|name| Path::new(base).join(name));
        Self { fixtures, scenarios, contracts }
    }

    fn of(&self, folder: Folder) -> &Path {
        match folder {
            Folder::Fixtures => &self.fixtures,
            Folder::Scenarios => &self.scenarios,
        }
    }
}

/// Whether a folder is empty, or holds files that open as ours do.
fn is_ours(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    let below: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| std::fs::read_dir(path).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
        .collect();
    paths.extend(below);
    let opens = |path: &PathBuf| {
        use std::io::Read;
        let mut head = String::new();
        let file = std::fs::File::open(path).map(|file| file.take(512));
        file.is_ok_and(|mut file| file.read_to_string(&mut head).is_ok()) && head.contains("counterpart: ")
    };
    let mut files = paths.iter().filter(|path| path.is_file()).peekable();
    files.peek().is_none() || files.any(opens)
}

/// What was done, for whoever asked.
#[derive(Default)]
struct Said {
    text: String,
}

impl Said {
    /// Writes a file, unless there is one.
    fn write(&mut self, root: &Path, name: &Path, text: &str) -> Result<(), Stop> {
        let path = root.join(name);
        if path.exists() {
            self.line("kept ", name, "it was there already");
            return Ok(());
        }
        write_atomically(&path, text.as_bytes())
            .with_context(|| format!("{} cannot be written", path.display()))
            .map_err(Stop::environment)?;
        self.line("wrote", name, "");
        Ok(())
    }

    fn line(&mut self, what: &str, name: &Path, why: &str) {
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        let _ = writeln!(self.text, "{what} {}{why}", name.display());
    }
}

/// What runs leave behind is no matter of version control.
fn ignore(root: &Path, said: &mut Said) -> Result<(), Stop> {
    let name = Path::new(".gitignore");
    let path = root.join(name);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            let error = anyhow!(error).context(format!("{} cannot be read", path.display()));
            return Err(Stop::environment(error));
        }
    };
    let covers = |line: &str| {
        let known = |known: &str| before.lines().any(|before| before.trim() == known);
        known(line)
            || line.starts_with("/target/")
                && ["target", "target/", "/target", "/target/"].into_iter().any(known)
    };
    let missing: Vec<&str> = IGNORED.into_iter().filter(|line| !covers(line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{before}{gap}{}\n", missing.join("\n"));
    write_atomically(&path, text.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
        .map_err(Stop::environment)?;
    let what = if before.is_empty() { "wrote" } else { "added to" };
    said.line(what, name, "");
    Ok(())
}

fn config(folders: &Folders, language: Option<Language>, port: Option<u16>) -> String {
    let of_what = language.map(|language| format!(" in {}", language.name)).unwrap_or_default();
    let port_said = match port {
        Some(port) => format!("# Your compose file publishes port {port}.\n"),
        None => String::new(),
    };
    let port = port.unwrap_or(3000);
    // In TOML a path of Windows needs no escapes with forward slashes.
    let spelled = |path: &Path| path.to_string_lossy().replace('\\', "/");
    let (fixtures, scenarios, contracts) =
        (spelled(&folders.fixtures), spelled(&folders.scenarios), spelled(&folders.contracts));
    format!(
        "\
# Where counterpart finds things, and what it tests.
counterpart = \"config/1\"
fixtures = \"{fixtures}\"
scenarios = \"{scenarios}\"
contracts = \"{contracts}\"

# As long as no subject is described, `counterpart run` plays against the bundled runtime. This describes an integration
# of your own{of_what}; take the # away, put your paths in, and run: counterpart run
{port_said}#
# [subject.mine]
# launch = {{ url = \"http://127.0.0.1:{port}\" }}   # or let it be started: docs/subjects.md, launch.command
#
# [subject.mine.setup.provider]                 # where the provider is: the stand-in
# call = \"PUT /settings/{{tenant}}\"
# json = {{ url = \"{{base_url}}\", token = \"{{access_token}}\" }}
#
# [subject.mine.trigger.deliver]                # what makes it work, by the word of a scenario's `trigger` step
# call = \"POST /orders\"
# json = {{ tenant = \"{{tenant}}\", reference = \"{{reference}}\" }}
#
# [subject.mine.probe.destination]              # what it wrote for its customer
# get = \"/rows?tenant={{tenant}}\"
# records = \"/items\"
# key = \"id\"
"
    )
}

/// What to do next.
fn next(root: &Path, language: Option<Language>) -> String {
    let mut text = "\nNext:\n".to_owned();
    let run = if root == Path::new(".") {
        "counterpart run".to_owned()
    } else {
        format!("cd {} && counterpart run", root.display())
    };
    let mut step = |command: &str, why: &str| {
        let _ = writeln!(text, "  {command}\n      {why}");
    };
    step(&run, "plays the sample against the bundled runtime; it passes");
    for recording in found::recordings(root) {
        let command =
            format!("counterpart import {} {} --provider NAME", recording.format, recording.path.display());
        step(&command, "makes fixtures of what is recorded already");
    }
    let tests = language.map_or("YOUR TESTS", |language| language.tests);
    let command = format!("counterpart exec --record --provider NAME --flow FLOW -- {tests}");
    step(&command, "records what your tests ask of the real API");
    step("counterpart doctor", "looks whether this machine has what a run needs");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Config;

    #[test]
    fn what_is_written_is_read_also_without_its_comment_signs() {
        let folders = Folders {
            fixtures: "counterpart/fixtures".into(),
            scenarios: "counterpart/scenarios".into(),
            contracts: "counterpart/contracts".into(),
        };
        let text = config(&folders, None, Some(8080));
        let read: Config = toml::from_str(&text).unwrap();
        assert!(read.subject.is_empty());
        let subject = text.split_once("#\n# [subject.mine]").unwrap().1;
        let uncommented: String = format!("[subject.mine]{subject}")
            .lines()
            .map(|line| line.trim_start_matches('#').to_owned() + "\n")
            .collect();
        let read: Config = toml::from_str(&format!("counterpart = \"config/1\"\n{uncommented}")).unwrap();
        let mine = &read.subject["mine"];
        assert_eq!(mine.launch.kind(), "url");
        assert!(text.contains("http://127.0.0.1:8080"));
    }
}
