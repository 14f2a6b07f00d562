//! Bodies that a file names and that lie in files beside it.
//!
//! A name that leads out of the folder is refused, by its spelling and, for links, by where it really leads.

use std::path::{Component, Path, PathBuf};

/// Most bytes of such bodies that one file may bring along.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Folders above the file in which the folder of bodies is looked for.
const MAX_STEPS_UP: usize = 4;

/// The folder of bodies, and how much was read from it.
pub(crate) struct Beside {
    folder: Option<PathBuf>,
    read_bytes: u64,
}

/// Why there is no body under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotRead {
    /// The name leads out of the folder.
    LeadsOut,
    /// There is no such file.
    Missing,
    /// All of them together are too large.
    TooLarge,
}

impl Beside {
    /// The folder of a name, beside the file or beside one of the folders that it is in.
    pub(crate) fn folder(file: &Path, name: &str) -> Self {
        let folder = file
            .ancestors()
            .skip(1)
            .take(MAX_STEPS_UP)
            .map(|above| above.join(name))
            .find(|folder| folder.is_dir());
        Self { folder, read_bytes: 0 }
    }

    /// The file's own folder.
    pub(crate) fn same_folder(file: &Path) -> Self {
        let folder = file
            .parent()
            .map(|parent| if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() });
        Self { folder, read_bytes: 0 }
    }

    /// The content of a file.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>, NotRead> {
        let relative = Path::new(name);
        // A backslash parts folders elsewhere, so it leads nowhere good here.
        let stays = !name.contains(['\\', '\0'])
            && relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !stays || name.is_empty() {
            return Err(NotRead::LeadsOut);
        }
        let folder = self.folder.as_ref().ok_or(NotRead::Missing)?;
        let folder = folder.canonicalize().map_err(|_| NotRead::Missing)?;
        let path = folder.join(relative).canonicalize().map_err(|_| NotRead::Missing)?;
        if !path.starts_with(&folder) {
            return Err(NotRead::LeadsOut);
        }
        let metadata = path.metadata().map_err(|_| NotRead::Missing)?;
        if !metadata.is_file() {
            return Err(NotRead::Missing);
        }
        self.read_bytes = self.read_bytes.saturating_add(metadata.len());
        if self.read_bytes > MAX_BYTES {
            return Err(NotRead::TooLarge);
        }
        std::fs::read(&path).map_err(|_| NotRead::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_is_read() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("mappings/sub/one.json");
        std::fs::create_dir_all(root.path().join("mappings/sub")).unwrap();
        std::fs::create_dir_all(root.path().join("__files/deep")).unwrap();
        std::fs::write(root.path().join("__files/deep/body.txt"), "hello").unwrap();
        std::fs::write(root.path().join("outside.txt"), "no").unwrap();
        let mut beside = Beside::folder(&file, "__files");
        assert_eq!(beside.read("deep/body.txt"), Ok(b"hello".to_vec()));
        assert_eq!(beside.read("none.txt"), Err(NotRead::Missing));
        assert_eq!(beside.read("deep"), Err(NotRead::Missing));
        let absolute = root.path().join("outside.txt").display().to_string();
        for name in ["../outside.txt", "deep/../../outside.txt", "..\\outside.txt", "", &absolute] {
            assert_eq!(beside.read(name), Err(NotRead::LeadsOut), "{name}");
        }
        #[cfg(unix)]
        {
            let link = root.path().join("__files/link.txt");
            std::os::unix::fs::symlink(root.path().join("outside.txt"), link).unwrap();
            assert_eq!(beside.read("link.txt"), Err(NotRead::LeadsOut));
        }
        assert_eq!(
            Beside::folder(Path::new("/nowhere/at/all.json"), "__files").read("x"),
            Err(NotRead::Missing)
        );
    }
}
