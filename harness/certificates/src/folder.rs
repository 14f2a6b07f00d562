//! An authority in a folder: made on first use, read by its user alone, made anew when it is asked for.

use crate::authority::{AuthorityError, CertificateAuthority};
use crate::life::Life;
use jiff::Timestamp;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";
/// Another process may be renewing it between our reading of the one file and of the other.
const READS: usize = 5;

/// A folder with an authority in it, or one that will have it.
#[derive(Clone, Debug)]
pub struct AuthorityFolder {
    folder: PathBuf,
}

/// An authority that cannot be had from its folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder's place cannot be told.
    #[error("{folder}: {source}", folder = folder.display())]
    Place {
        /// The folder as it was given.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("no certificate authority can be made in {folder}: {source}", folder = folder.display())]
    Make {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No key can be made.
    #[error("no certificate authority can be made in {folder}: {source}", folder = folder.display())]
    NoKey {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: AuthorityError,
    },
    /// One of its files cannot be read.
    #[error("{path}: {source}{mend}", path = path.display(), mend = mend(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever reads the key of an authority that is trusted can pretend to be any server.
    #[error("{path}: others can read the key of this authority (mode {mode:04o}); expected 0600: chmod 600 {path}", path = path.display())]
    Open {
        /// The key's file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What is there is no authority.
    #[error("{folder}: {source}", folder = folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: AuthorityError,
    },
    /// Its time is over.
    #[error("{path}: this authority expired at {at}; make a new one with `counterpart ca renew`, and let clients trust it", path = path.display())]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
}

fn mend(source: &io::Error) -> &'static str {
    let missing = source.kind() == io::ErrorKind::NotFound;
    if missing { "; remove the folder, and a new authority is made" } else { "" }
}

impl AuthorityFolder {
    /// The folder of that name, wherever the process goes later.
    ///
    /// # Errors
    /// Where the working directory cannot be told.
    pub fn at(folder: &Path) -> Result<Self, FolderError> {
        let absolute = std::path::absolute(folder);
        let folder = absolute.map_err(|source| FolderError::Place { folder: folder.to_owned(), source })?;
        Ok(Self { folder })
    }

    /// The file that clients are to trust.
    #[must_use]
    pub fn certificate_path(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    fn key_path(&self) -> PathBuf {
        self.folder.join(KEY)
    }

    /// The authority in the folder; made where there is none yet.
    ///
    /// # Errors
    /// [`FolderError`]: files that cannot be read or written, that others can read, or that are no authority any more.
    pub fn open(&self, now: Timestamp) -> Result<CertificateAuthority, FolderError> {
        if !self.certificate_path().exists() && !self.key_path().exists() {
            let authority = self.generate(now)?;
            self.make(&authority)
                .map_err(|source| FolderError::Make { folder: self.folder.clone(), source })?;
        }
        let authority = self.read_both()?;
        let unusable = |source| FolderError::Unusable { folder: self.folder.clone(), source };
        let at = authority.expires_at().map_err(unusable)?;
        if at <= now {
            return Err(FolderError::Expired { path: self.certificate_path(), at });
        }
        Ok(authority)
    }

    /// A new authority in place of the one that is there. Clients that trusted the old one have to trust the new one.
    ///
    /// # Errors
    /// Where the files cannot be written.
    pub fn renew(&self, now: Timestamp) -> Result<CertificateAuthority, FolderError> {
        let authority = self.generate(now)?;
        let put = |name: &str, content: &str, visible: bool| -> io::Result<()> {
            // Made with mode 0600.
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(content.as_bytes())?;
            if visible {
                make_readable(file.as_file())?;
            }
            file.as_file().sync_all()?;
            file.persist(self.folder.join(name)).map(|_| ()).map_err(|error| error.error)
        };
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| put(KEY, &authority.key_pem(), false))
            .and_then(|()| put(CERTIFICATE, authority.certificate_pem(), true))
            .map_err(|source| FolderError::Make { folder: self.folder.clone(), source })?;
        Ok(authority)
    }

    fn generate(&self, now: Timestamp) -> Result<CertificateAuthority, FolderError> {
        CertificateAuthority::generate(Life::of_authority(now))
            .map_err(|source| FolderError::NoKey { folder: self.folder.clone(), source })
    }

    /// Both files come at once: a second process that does the same finds all of it, or makes its own and yields.
    fn make(&self, authority: &CertificateAuthority) -> io::Result<()> {
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)?;
        let aside = tempfile::Builder::new().prefix(".counterpart-ca-").tempdir_in(parent)?;
        let made = aside.path().join("ca");
        match fill(&made, authority).and_then(|()| std::fs::rename(&made, &self.folder)) {
            // Somebody else was faster.
            Err(_) if self.key_path().exists() => Ok(()),
            Err(_) if self.folder.is_dir() => match fill(&self.folder, authority) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                filled => filled,
            },
            moved => moved,
        }
    }

    fn read_both(&self) -> Result<CertificateAuthority, FolderError> {
        let mut reads = 1;
        loop {
            let read = |path: PathBuf| {
                std::fs::read_to_string(&path).map_err(|source| FolderError::Read { path, source })
            };
            check_mode(&self.key_path())?;
            match CertificateAuthority::from_pem(&read(self.certificate_path())?, &read(self.key_path())?) {
                Err(AuthorityError::ForeignKey) if reads < READS => reads += 1,
                read => {
                    let folder = self.folder.clone();
                    return read.map_err(|source| FolderError::Unusable { folder, source });
                }
            }
        }
    }
}

fn fill(folder: &Path, authority: &CertificateAuthority) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut key = std::fs::OpenOptions::new();
    key.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut key, 0o600);
    key.open(folder.join(KEY))?.write_all(authority.key_pem().as_bytes())?;
    std::fs::write(folder.join(CERTIFICATE), authority.certificate_pem())
}

#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn check_mode(key: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(key) else { return Ok(()) };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(FolderError::Open { path: key.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), FolderError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn folder() -> (tempfile::TempDir, AuthorityFolder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = AuthorityFolder::at(&parent.path().join("deep").join("ca")).unwrap();
        (parent, folder)
    }

    #[test]
    fn it_is_made_once_and_renewed_when_asked() {
        let (parent, folder) = folder();
        let first = folder.open(now()).unwrap();
        assert_eq!(folder.open(now()).unwrap().certificate_pem(), first.certificate_pem());
        let written = std::fs::read_to_string(folder.certificate_path()).unwrap();
        assert_eq!(written, first.certificate_pem());

        let second = folder.renew(now()).unwrap();
        assert_ne!(second.certificate_pem(), first.certificate_pem());
        assert_eq!(folder.open(now()).unwrap().certificate_pem(), second.certificate_pem());
        let mut names: Vec<_> =
            std::fs::read_dir(folder.folder.clone()).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [KEY, CERTIFICATE]);
        assert_eq!(
            std::fs::read_dir(parent.path().join("deep")).unwrap().count(),
            1,
            "nothing is left aside"
        );
    }

    #[test]
    fn a_renewal_needs_nothing_that_is_there() {
        let (_parent, folder) = folder();
        folder.renew(now()).unwrap();
        std::fs::write(folder.certificate_path(), "spoilt").unwrap();
        assert!(matches!(folder.open(now()).unwrap_err(), FolderError::Unusable { .. }));
        let renewed = folder.renew(now()).unwrap();
        assert_eq!(folder.open(now()).unwrap().certificate_pem(), renewed.certificate_pem());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let (_parent, folder) = folder();
        folder.open(now()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.key_path()), 0o600);
        folder.renew(now()).unwrap();
        assert_eq!((mode(&folder.key_path()), mode(&folder.certificate_path())), (0o600, 0o644));
        std::fs::set_permissions(folder.key_path(), std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = folder.open(now()).unwrap_err().to_string();
        assert!(refused.contains("mode 0640") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_mend() {
        let (_parent, folder) = folder();
        folder.open(now()).unwrap();
        let later = "2036-11-27T00:00:00Z".parse().unwrap();
        let over = folder.open(later).unwrap_err().to_string();
        assert!(over.contains("expired at 2036-11-26T00:00:00Z") && over.contains("ca renew"), "{over}");
        std::fs::remove_file(folder.key_path()).unwrap();
        let half = folder.open(now()).unwrap_err().to_string();
        assert!(half.contains("ca-key.pem") && half.contains("remove the folder"), "{half}");
    }

    #[test]
    fn whoever_comes_at_once_finds_one_authority() {
        let (_parent, folder) = folder();
        let open = || folder.open(now()).map(|authority| authority.certificate_pem().to_owned());
        let seen: Vec<String> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
        });
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
