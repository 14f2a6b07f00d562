//! The certificate authority that clients are to trust: kept in the user's data folder, so that it has to be trusted once.

use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_certificates::{AuthorityFolder, CertificateAuthority, FolderError, Life};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// An authority, and where its certificate is.
pub(super) struct Authority {
    pub(super) authority: CertificateAuthority,
    pub(super) certificate: PathBuf,
}

impl Authority {
    /// The authority in a folder, or in the user's data folder; made where there is none yet.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, Stop> {
        let folder = place(folder)?;
        let authority = folder.open(now()).map_err(stopped)?;
        Ok(Self { authority, certificate: folder.certificate_path() })
    }

    /// The authority in a folder, or in the user's data folder. Where none is named and the user has no such folder, or
    /// cannot write to it, one for this run alone.
    pub(super) fn for_run(folder: Option<&Path>) -> Result<CertificateAuthority, Stop> {
        if folder.is_none() && data_folder().is_none() {
            return of_run();
        }
        match place(folder)?.open(now()) {
            Err(FolderError::Make { .. }) if folder.is_none() => of_run(),
            opened => opened.map_err(stopped),
        }
    }

    /// Where the user's authority is, whose certificate may be trusted already; nothing where there is none yet. Nothing is
    /// made.
    pub(super) fn look() -> Result<Option<PathBuf>, Stop> {
        let folder = place(None)?;
        let certificate = folder.certificate_path();
        if !certificate.exists() {
            return Ok(None);
        }
        folder.open(now()).map(|_| Some(certificate)).map_err(stopped)
    }

    /// A new authority in place of the one that is there.
    pub(super) fn renew(folder: Option<&Path>) -> Result<Self, Stop> {
        let folder = place(folder)?;
        let authority = folder.renew(now()).map_err(stopped)?;
        Ok(Self { authority, certificate: folder.certificate_path() })
    }
}

/// An authority whose key is in memory alone.
fn of_run() -> Result<CertificateAuthority, Stop> {
    CertificateAuthority::generate(Life::of_authority(now())).map_err(Stop::environment)
}

/// What makes clients trust an authority.
pub(super) fn how_to_trust(certificate: &Path) -> Vec<String> {
    let path = certificate.display();
    vec![
        format!("clients must trust {path}:"),
        format!("  export SSL_CERT_FILE={path}        # OpenSSL, Go, Ruby, Rust"),
        format!("  export REQUESTS_CA_BUNDLE={path}   # Python requests"),
        format!("  export NODE_EXTRA_CA_CERTS={path}  # Node.js"),
        format!("  curl --cacert {path} ..."),
    ]
}

fn place(folder: Option<&Path>) -> Result<AuthorityFolder, Stop> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => data_folder()
            .ok_or_else(|| {
                anyhow!(
                    "no data folder is known for you; set HOME, or name a folder with --ca DIR (--tls-ca DIR)"
                )
            })
            .map_err(Stop::usage)?
            .join("ca"),
    };
    AuthorityFolder::at(&folder).map_err(stopped)
}

fn stopped(error: FolderError) -> Stop {
    match error {
        FolderError::Unusable { .. } => Stop::usage(error),
        FolderError::Place { .. }
        | FolderError::Make { .. }
        | FolderError::NoKey { .. }
        | FolderError::Read { .. }
        | FolderError::Open { .. }
        | FolderError::Expired { .. } => Stop::environment(error),
    }
}

#[expect(clippy::disallowed_methods, reason = "clients judge certificates by real time")]
fn now() -> Timestamp {
    Timestamp::now()
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
