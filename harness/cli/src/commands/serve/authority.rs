//! The certificate authority whose certificates the stand-in shows: kept in the user's data folder, so that it has to be
//! trusted once.

use crate::exit::Stop;
use anyhow::{Context, anyhow};
use counterpart_stand_in::CertificateAuthority;
use std::io::Write;
use std::path::{Path, PathBuf};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";

/// An authority, and where its certificate is.
pub(super) struct Authority {
    pub(super) authority: CertificateAuthority,
    pub(super) certificate: PathBuf,
}

impl Authority {
    /// The authority in a folder, or in the user's data folder; made where there is none yet.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, Stop> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => data_folder()
                .ok_or_else(|| anyhow!("no data folder is known for you; name a folder with --tls-ca DIR"))
                .map_err(Stop::usage)?
                .join("ca"),
        };
        let folder = std::path::absolute(&folder).map_err(Stop::environment)?;
        let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
        if !certificate.exists() && !key.exists() {
            make(&folder)
                .with_context(|| format!("no certificate authority can be made in {}", folder.display()))
                .map_err(Stop::environment)?;
        }
        check_mode(&key)?;
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                let mend = if missing { "; remove the folder, and a new authority is made" } else { "" };
                Stop::environment(anyhow!("{}: {error}{mend}", path.display()))
            })
        };
        let authority = CertificateAuthority::from_pem(&read(&certificate)?, &read(&key)?)
            .map_err(|error| Stop::usage(anyhow!("{}: {error}", folder.display())))?;
        Ok(Self { authority, certificate })
    }
}

/// Both files come at once: a second process that does the same finds all of it, or makes its own and yields.
fn make(folder: &Path) -> anyhow::Result<()> {
    let authority = CertificateAuthority::generate()?;
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("ca");
    let made = parent.join(format!(".{name}.{}", std::process::id()));
    let moved = fill(&made, &authority).and_then(|()| std::fs::rename(&made, folder));
    if moved.is_err() {
        let _ = std::fs::remove_dir_all(&made);
    }
    match moved {
        // Somebody else was faster.
        Err(_) if folder.join(KEY).exists() => Ok(()),
        Err(_) if folder.is_dir() => Ok(fill(folder, &authority)?),
        moved => Ok(moved?),
    }
}

fn fill(folder: &Path, authority: &CertificateAuthority) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut key = std::fs::OpenOptions::new();
    key.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut key, 0o600);
    key.open(folder.join(KEY))?.write_all(authority.key_pem().as_bytes())?;
    std::fs::write(folder.join(CERTIFICATE), authority.certificate_pem())
}

/// Whoever reads the key of an authority that is trusted can pretend to be any server.
#[cfg(unix)]
fn check_mode(key: &Path) -> Result<(), Stop> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(key) else { return Ok(()) };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Stop::environment(anyhow!(
        "{0}: others can read the key of this authority (mode {mode:04o}); expected 0600: chmod 600 {0}",
        key.display()
    )))
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), Stop> {
    Ok(())
}

/// Where this user keeps data of programs, by the customs of the system.
fn data_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = set("XDG_DATA_HOME") {
        return Some(folder.join("counterpart"));
    }
    if cfg!(windows) {
        return set("LOCALAPPDATA").map(|folder| folder.join("counterpart"));
    }
    let data = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    set("HOME").map(|home| home.join(data).join("counterpart"))
}
