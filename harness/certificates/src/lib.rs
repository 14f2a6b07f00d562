//! A certificate authority of the user's own, and certificates for whatever name a client asks for.
//!
//! Whoever plays a server, or stands between a client and one, has to show a certificate that the client trusts. The
//! authority is made once, kept in a folder that its user alone can read, and trusted once.
//!
//! Knows nothing of connections. The time is passed in.

mod authority;
mod folder;
mod leaves;
mod life;

pub use authority::{AuthorityError, CertificateAuthority, CertificateFlaw};
pub use folder::{AuthorityFolder, FolderError};
pub use leaves::Leaves;
pub use life::Life;
