//! Files between a scenario and its subject: put into the subject's folder, and looked at in the end.

use globset::{GlobBuilder, GlobMatcher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Largest file that is put into the folder.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of all files that are looked at in the end.
const MAX_SEEN_BYTES: usize = 64 * 1024 * 1024;
/// Files that are looked at in the end.
const MAX_SEEN: usize = 10_000;
/// Folders within folders.
const MAX_DEPTH: usize = 32;

/// A path below a folder, with `/` between its parts: it leads nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(PathBuf);

impl FileName {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
        if text.split('/').all(is_plain) {
            return Ok(Self(text.split('/').collect()));
        }
        let shown = crate::file::problem::quoted(text);
        Err(format!("{shown:?} is no path below the subject's folder; expected one like in/orders.csv"))
    }
}

/// A pattern of paths below a folder: `*` and `?` stand within a part, `**` for any parts.
pub(crate) fn pattern(text: &str) -> Result<GlobMatcher, String> {
    FileName::parse(text)?;
    let built = GlobBuilder::new(text).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| {
        format!("{:?} is no pattern of paths: {}", crate::file::problem::quoted(text), error.kind())
    })
}

/// Puts a file into a folder: written aside and renamed, so that nobody sees a part of it; or half of it at once.
pub(crate) fn put(folder: &Path, name: &FileName, content: &[u8], half: bool) -> io::Result<()> {
    let path = folder.join(&name.0);
    let parent = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)?;
    if half {
        return std::fs::write(&path, &content[..content.len() / 2]);
    }
    // Beside the folder that is watched, where the system can rename from there.
    let aside = parent.parent().filter(|_| parent != folder).unwrap_or(parent);
    let mut file = tempfile::Builder::new().prefix(".counterpart-").tempfile_in(aside)?;
    file.write_all(content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A temporary file is private; the subject may be somebody else.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// Reads a file of bounded size.
pub(crate) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is over {MAX_FILE_BYTES} bytes long")));
    }
    Ok(content)
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenFile {
    /// Its path below the folder, with `/` between the parts.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// All files below a folder, by name; none where there is no such folder. What is too much is an error.
pub(crate) fn seen(folder: &Path) -> io::Result<Vec<SeenFile>> {
    let mut files = Vec::new();
    let mut left = MAX_SEEN_BYTES;
    if folder.is_dir() {
        collect(folder, "", 0, &mut left, &mut files)?;
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    left: &mut usize,
    files: &mut Vec<SeenFile>,
) -> io::Result<()> {
    let too_much = |what: &str| {
        io::Error::other(format!(
            "{} holds more than {what}; name a folder of the subject's own",
            folder.display()
        ))
    };
    if depth > MAX_DEPTH {
        return Err(too_much(&format!("{MAX_DEPTH} folders within each other")));
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // A link is not followed: it may lead out of the folder, or back.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), depth + 1, left, files)?;
        } else if kind.is_file() {
            let mut content = Vec::new();
            std::fs::File::open(entry.path())?.take(*left as u64 + 1).read_to_end(&mut content)?;
            *left = left
                .checked_sub(content.len())
                .ok_or_else(|| too_much(&format!("{MAX_SEEN_BYTES} bytes")))?;
            files.push(SeenFile { name, content });
            if files.len() > MAX_SEEN {
                return Err(too_much(&format!("{MAX_SEEN} files")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["a", "in/a.csv", ".hidden/x y"] {
            assert!(FileName::parse(name).is_ok(), "{name}");
        }
        for name in ["", "/a", "../a", "a/../b", "a//b", "a\\b", "./a"] {
            assert!(FileName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_file_is_put_whole_or_half_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let name = FileName::parse("in/a.csv").unwrap();
        put(folder.path(), &name, b"12345678", true).unwrap();
        assert_eq!(seen(folder.path()).unwrap()[0].content, b"1234");
        put(folder.path(), &name, b"12345678", false).unwrap();
        put(folder.path(), &FileName::parse("z").unwrap(), b"", false).unwrap();
        let found = seen(folder.path()).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!((names, &found[0].content[..]), (vec!["in/a.csv", "z"], &b"12345678"[..]));
        assert_eq!(seen(&folder.path().join("nowhere")).unwrap(), []);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
            assert_eq!(seen(folder.path()).unwrap().len(), 2, "a link leads nowhere");
        }
    }

    #[test]
    fn a_star_stays_within_its_folder() {
        let fits = |glob: &str, name: &str| pattern(glob).unwrap().is_match(name);
        assert!(fits("out/*.csv", "out/a.csv") && !fits("out/*.csv", "out/b/a.csv"));
        assert!(fits("**/*.csv", "out/b/a.csv") && fits("a", "a"));
        assert!(pattern("out/[").is_err() && pattern("../x").is_err());
    }
}
