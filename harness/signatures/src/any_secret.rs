//! Rotation: a delivery is accepted if any of several secrets fits.

use crate::{Rejection, Secret, UnusableSecret};

/// Tries the secrets in turn. One that cannot be used does not keep another from fitting, but is named when
/// none does: it is then the likeliest reason.
pub(crate) fn any_secret(
    secrets: &[Secret],
    fits: impl Fn(&Secret) -> Result<bool, UnusableSecret>,
) -> Result<(), Rejection> {
    let mut unusable = None;
    for (index, secret) in secrets.iter().enumerate() {
        match secret.not_empty().and_then(&fits) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(source) => {
                unusable.get_or_insert(Rejection::UnusableSecret { number: index + 1, source });
            }
        }
    }
    Err(unusable.unwrap_or(Rejection::NoSignatureFits { secrets: secrets.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<Secret> {
        texts.iter().map(|text| Secret::new(*text)).collect()
    }

    fn fits(secret: &Secret) -> Result<bool, UnusableSecret> {
        if secret.expose() == "odd" {
            return Err(UnusableSecret { expected: "an even secret" });
        }
        Ok(secret.expose() == "right")
    }

    #[test]
    fn any_of_several_may_fit() {
        assert_eq!(any_secret(&secrets(&["wrong", "right"]), fits), Ok(()));
        assert_eq!(any_secret(&secrets(&["odd", "right"]), fits), Ok(()));
        let none = any_secret(&secrets(&["wrong", "other"]), fits);
        assert_eq!(none, Err(Rejection::NoSignatureFits { secrets: 2 }));
    }

    #[test]
    fn a_secret_that_cannot_be_used_is_named_if_none_fits() {
        let source = UnusableSecret { expected: "an even secret" };
        let named = any_secret(&secrets(&["wrong", "odd"]), fits);
        assert_eq!(named, Err(Rejection::UnusableSecret { number: 2, source }));
    }

    #[test]
    fn an_empty_secret_is_never_tried() {
        let rejection = any_secret(&secrets(&[""]), |_| Ok(true)).unwrap_err();
        assert!(matches!(rejection, Rejection::UnusableSecret { number: 1, .. }), "{rejection}");
    }
}
