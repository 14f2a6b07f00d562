//! Whom the command's clients are to trust: the machine's authorities and ours, in a file that is there while it runs.
//!
//! Most variables that name such a file take the place of the machine's own authorities, and hosts that are passed on
//! untouched show certificates of those.

use super::environment::Environment;
use crate::exit::Stop;
use anyhow::Context;
use counterpart_certificates::CertificateAuthority;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What names a file of authorities, and who reads it.
const VARIABLES: [&str; 12] = [
    // OpenSSL, and with it Python, Ruby, PHP and Perl; Go; rustls.
    "SSL_CERT_FILE",
    // Python requests.
    "REQUESTS_CA_BUNDLE",
    // curl, and requests again.
    "CURL_CA_BUNDLE",
    // Node.js, which adds them to its own.
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    // The AWS command line and boto3.
    "AWS_CA_BUNDLE",
    "DENO_CERT",
    // Perl's libwww.
    "PERL_LWP_SSL_CA_FILE",
    // Whoever has set one of these reads no other.
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "HTTPLIB2_CA_CERTS",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
];

/// The most that is read of a file that the user named, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The file, as long as this is held.
pub(super) struct Trust {
    _folder: TempDir,
    file: PathBuf,
}

impl Trust {
    /// Writes the file: our authority first, then those that the user's variables name, then the machine's.
    pub(super) fn write(authority: &CertificateAuthority) -> Result<Self, Stop> {
        let mut text = authority.certificate_pem().trim_end().to_owned();
        text.push('\n');
        let mut read = HashSet::new();
        for path in VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from) {
            if read.insert(path.clone()) {
                text.push_str(&named_by_user(&path));
            }
        }
        // A machine without any is none whose clients could trust more than ours.
        for certificate in rustls_native_certs::load_native_certs().certs {
            text.push_str(&pem::encode(&pem::Pem::new("CERTIFICATE", certificate.to_vec())));
        }
        let mut folder = tempfile::Builder::new();
        folder.prefix("counterpart-exec-");
        #[cfg(unix)]
        folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = folder.tempdir();
        let folder = folder.context("a temporary folder cannot be made").map_err(Stop::environment)?;
        let file = folder.path().join("authorities.pem");
        std::fs::write(&file, text)
            .with_context(|| format!("{} cannot be written", file.display()))
            .map_err(Stop::environment)?;
        Ok(Self { _folder: folder, file })
    }

    /// The variables that name it.
    pub(super) fn environment(&self) -> Environment {
        VARIABLES.iter().map(|name| ((*name).to_owned(), self.file.clone().into())).collect()
    }
}

/// What a file holds that the user trusts; nothing where it cannot be read, for then nobody read it before either.
fn named_by_user(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).map(|file| file.take(MAX_FILE_BYTES));
    match file.and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => format!("{}\n", text.trim_end()),
        Err(_) => String::new(),
    }
}
