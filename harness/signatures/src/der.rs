//! Just enough DER (ITU-T X.690) to find a key in the file that holds it.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, which holds a certificate's version.
const VERSION: u8 = 0xa0;

/// Elements one after another, read from the front.
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

/// One element: what it is, what is in it, and both together as they stand.
pub(crate) struct Element<'a> {
    tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

impl<'a> Der<'a> {
    /// The next element, whatever it is. Lengths of up to four bytes; DER knows no indefinite ones.
    pub(crate) fn any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element { tag, content, whole })
    }

    /// The next element, which must be of that kind.
    pub(crate) fn next(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }
}

/// The `SubjectPublicKeyInfo` of an X.509 certificate (RFC 5280 section 4.1). The certificate itself is not
/// judged: that it may be trusted is known from where it was fetched.
pub(crate) fn public_key_of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let mut certificate = Der(Der(certificate).next(SEQUENCE)?.content);
    let mut fields = Der(certificate.next(SEQUENCE)?.content);
    let serial_number = match fields.any()? {
        Element { tag: VERSION, .. } => fields.any()?,
        first => first,
    };
    if serial_number.tag != INTEGER {
        return None;
    }
    let [_signature, _issuer, _validity, _subject] =
        [fields.next(SEQUENCE)?, fields.next(SEQUENCE)?, fields.next(SEQUENCE)?, fields.next(SEQUENCE)?];
    Some(fields.next(SEQUENCE)?.whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_in_turn() {
        let mut der = Der(&[0x02, 0x01, 0x07, 0x04, 0x81, 0x02, 0xaa, 0xbb]);
        assert_eq!(der.next(INTEGER).unwrap().content, [7]);
        let last = der.next(OCTET_STRING).unwrap();
        assert_eq!((last.content, last.whole.len()), ([0xaa, 0xbb].as_slice(), 5));
        assert!(der.any().is_none());
    }

    #[test]
    fn what_is_cut_off_or_indefinite_is_nothing() {
        for wrong in [&[0x30][..], &[0x30, 0x02, 0x00], &[0x30, 0x80, 0, 0], &[0x30, 0x85, 1, 1, 1, 1, 1]] {
            assert!(Der(wrong).any().is_none(), "{wrong:?}");
        }
    }
}
