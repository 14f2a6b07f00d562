//! The certificates that were made so far, by the name that was asked for.

use crate::authority::{AuthorityError, CertificateAuthority, CertificateFlaw};
use crate::life::Life;
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Certificates kept; a client that asks for ever new names gets new ones made, and the old ones go.
const MAX_CERTIFICATES: usize = 1_000;

/// An authority, and what it has signed.
pub struct Leaves {
    authority: CertificateAuthority,
    made: Mutex<HashMap<(String, Option<CertificateFlaw>), Made>>,
}

struct Made {
    life: Life,
    certified: Arc<CertifiedKey>,
}

impl fmt::Debug for Leaves {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leaves").finish_non_exhaustive()
    }
}

impl Leaves {
    /// None yet.
    #[must_use]
    pub fn new(authority: CertificateAuthority) -> Self {
        Self { authority, made: Mutex::default() }
    }

    /// The certificate of a name: one made before while it is fresh, a new one otherwise.
    ///
    /// # Errors
    /// Where the name is none, or the machine makes no key.
    pub fn of(
        &self,
        name: &str,
        life: Life,
        flaw: Option<CertificateFlaw>,
    ) -> Result<Arc<CertifiedKey>, AuthorityError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), flaw);
        if let Some(known) = made.get(&key).filter(|known| known.life.serves_for(life)) {
            return Ok(Arc::clone(&known.certified));
        }
        let certified = Arc::new(self.authority.certify(name, life, flaw)?);
        if made.len() >= MAX_CERTIFICATES {
            made.clear();
        }
        made.insert(key, Made { life, certified: Arc::clone(&certified) });
        Ok(certified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_certificate_until_it_is_stale() {
        let leaves = Leaves::new(CertificateAuthority::generate(Life::ANY_TIME).unwrap());
        let at = |text: &str| Life::of_leaf(text.parse().unwrap());
        let first = leaves.of("a.example", at("2026-11-01T00:00:00Z"), None).unwrap();
        let again = leaves.of("a.example", at("2026-11-02T00:00:00Z"), None).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let later = leaves.of("a.example", at("2027-11-02T00:00:00Z"), None).unwrap();
        let flawed =
            leaves.of("a.example", at("2027-11-02T00:00:00Z"), Some(CertificateFlaw::Expired)).unwrap();
        let other = leaves.of("b.example", at("2027-11-02T00:00:00Z"), None).unwrap();
        for (one, another) in [(&first, &later), (&later, &flawed), (&later, &other)] {
            assert!(one.cert != another.cert);
        }
    }
}
