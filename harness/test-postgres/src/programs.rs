//! Where PostgreSQL's programs are.

use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// The folder of `initdb` and `pg_ctl`: the first of `PATH`, or else the newest version that Debian installed.
pub(crate) fn folder(settings: &Settings) -> Option<PathBuf> {
    let has_both = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    let mut installed = versions(&settings.versions);
    installed.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    settings.path.iter().cloned().chain(installed.into_iter().map(|(_, folder)| folder)).find(has_both)
}

/// Where they were looked for, for those who do not have them.
pub(crate) fn looked_for(settings: &Settings) -> String {
    format!("initdb and pg_ctl in PATH and in {}/*/bin (not there)", settings.versions.display())
}

fn versions(folder: &Path) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files in it.
    fn with_files(root: &Path, folder: &str, names: &[&str]) -> PathBuf {
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for name in names {
            std::fs::write(folder.join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_path_comes_first_and_then_the_newest_version_and_both_programs_must_be_there() {
        let root = tempfile::tempdir().unwrap();
        let half = with_files(root.path(), "half", &["initdb"]);
        let whole = with_files(root.path(), "whole", &["initdb", "pg_ctl"]);
        let nine = with_files(root.path(), "versions/9/bin", &["initdb", "pg_ctl"]);
        let fifteen = with_files(root.path(), "versions/15/bin", &["initdb", "pg_ctl"]);
        with_files(root.path(), "versions/17/bin", &["pg_ctl"]);
        with_files(root.path(), "versions/common/bin", &["initdb", "pg_ctl"]);
        let versions = root.path().join("versions");
        let found = |path: &[&PathBuf], versions: &Path| {
            let path = path.iter().copied().cloned().collect();
            folder(&Settings { path, versions: versions.to_owned(), ..Settings::default() })
        };

        assert_eq!(found(&[&half, &whole], &versions), Some(whole));
        assert_eq!(found(&[&half], &versions), Some(fifteen.clone()));
        std::fs::remove_dir_all(fifteen).unwrap();
        assert_eq!(found(&[], &versions), Some(nine));
        assert_eq!(found(&[&half], Path::new("/nowhere")), None);
    }
}
