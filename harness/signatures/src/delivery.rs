//! One webhook on its way: what a signature may cover, exactly as it goes over the wire.

use crate::Rejection;

/// A webhook request. Signatures cover bytes, so nothing of it may have been normalised.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The HTTP method, upper case.
    pub method: &'a str,
    /// The absolute URL that the provider calls, with its query, as registered with the provider. Behind a
    /// proxy that is the public URL, not the one that the server sees.
    pub url: &'a str,
    /// Header fields; names in any case.
    pub headers: &'a [(String, String)],
    /// The body, raw.
    pub body: &'a [u8],
}

impl<'a> Delivery<'a> {
    /// A header's value. One that is sent twice is refused: sender and receiver may disagree on which counts.
    pub(crate) fn header(&self, name: &'static str) -> Result<Option<&'a str>, Rejection> {
        let mut values =
            self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let first = values.next();
        if values.next().is_some() {
            return Err(Rejection::RepeatedHeader { name });
        }
        Ok(first.map(String::as_str))
    }

    pub(crate) fn required_header(&self, name: &'static str) -> Result<&'a str, Rejection> {
        self.header(name)?.ok_or(Rejection::MissingHeader { name })
    }

    /// An identifier that is of use only if it is there, once, and says something.
    pub(crate) fn id_header(&self, name: &'static str) -> Result<Option<String>, Rejection> {
        Ok(self.header(name)?.filter(|value| !value.is_empty()).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_of(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect()
    }

    fn with(headers: &[(String, String)]) -> Delivery<'_> {
        Delivery { method: "POST", url: "https://hooks.example/", headers, body: b"" }
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let headers = headers_of(&["x-hub-signature"]);
        assert_eq!(with(&headers).required_header("X-Hub-Signature"), Ok("1"));
        assert_eq!(with(&headers).required_header("Other"), Err(Rejection::MissingHeader { name: "Other" }));
    }

    #[test]
    fn a_header_that_is_sent_twice_is_refused() {
        let headers = headers_of(&["X-Id", "x-id"]);
        assert_eq!(with(&headers).header("X-Id"), Err(Rejection::RepeatedHeader { name: "X-Id" }));
    }
}
