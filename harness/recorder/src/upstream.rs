//! The provider behind the recorder: which target a request has there, and which of its links lead back.
//!
//! Knows nothing of messages but their targets and the `Location` field.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use std::fmt;

/// Scheme, authority (without credentials or a default port) and base path (without a final slash).
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    scheme: Scheme,
    authority: Authority,
    host: HeaderValue,
    base_path: String,
}

impl Upstream {
    /// Reads the upstream's URI.
    ///
    /// # Errors
    /// What was found and what is expected; credentials in it are not repeated.
    pub(crate) fn of(uri: &Uri) -> Result<Self, String> {
        const EXPECTED: &str =
            "expected http or https, a host, and a base path at most, as in https://api.example.com/v1";
        let scheme = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => scheme.clone(),
            Some(scheme) => return Err(format!("has the scheme {scheme}; {EXPECTED}")),
            None => return Err(format!("has no scheme; {EXPECTED}")),
        };
        let authority = uri.authority().ok_or_else(|| format!("has no host; {EXPECTED}"))?;
        if authority.as_str().contains('@') {
            return Err("carries credentials, which would be written into the fixture; let the integration \
                        send them in `Authorization`"
                .to_owned());
        }
        if uri.query().is_some() {
            return Err(format!("has a query; {EXPECTED}"));
        }
        let authority: Authority = match authority.port_u16() {
            Some(port) if Some(port) == default_port(&scheme) => authority.host().parse(),
            _ => authority.as_str().parse(),
        }
        .map_err(|error| format!("has no usable host ({error}); {EXPECTED}"))?;
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|error| format!("has no usable host ({error}); {EXPECTED}"))?;
        Ok(Self { scheme, authority, host, base_path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The origin of a request that names its own.
    ///
    /// # Errors
    /// As [`Upstream::of`].
    pub(crate) fn at(scheme: Scheme, authority: Authority) -> Result<Self, String> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(scheme);
        parts.authority = Some(authority);
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        let uri = Uri::from_parts(parts).map_err(|error| format!("makes no URI: {error}"))?;
        Self::of(&uri)
    }

    /// What `Host` says to the upstream.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Whether it is spoken to through TLS.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Where a request goes: the base path, then path and query as the client sent them.
    ///
    /// # Errors
    /// Where the two do not make a URI.
    pub(crate) fn uri_of(&self, sent: &Uri) -> Result<Uri, http::Error> {
        match sent.path_and_query().map_or("/", PathAndQuery::as_str) {
            // `OPTIONS *` asks about the server as a whole (RFC 9110 section 9.3.7).
            "*" => self.uri_at("*"),
            target => self.uri_below(target),
        }
    }

    /// The base path with what follows it: nothing, a path from its slash on, or a query.
    ///
    /// # Errors
    /// Where the two do not make a URI.
    pub(crate) fn uri_below(&self, rest: &str) -> Result<Uri, http::Error> {
        let slash = if self.base_path.is_empty() && !rest.starts_with('/') { "/" } else { "" };
        self.uri_at(&format!("{}{slash}{rest}", self.base_path))
    }

    fn uri_at(&self, target: &str) -> Result<Uri, http::Error> {
        let builder = Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone());
        builder.path_and_query(target).build()
    }

    /// Where a `Location` of the upstream is for a client that reaches it at the origin `reached`, as `http://host`;
    /// nothing where it may stay as it is: it leads elsewhere, or to where no request through the recorder can go.
    pub(crate) fn location_through(&self, location: &str, reached: &str) -> Option<String> {
        if let Some(path) = location.strip_prefix('/').filter(|rest| !rest.starts_with('/')) {
            return (!self.base_path.is_empty()).then(|| self.below_base(&format!("/{path}"))).flatten();
        }
        let (reference, fragment) = location.split_at(location.find('#').unwrap_or(location.len()));
        let absolute = match reference.strip_prefix("//") {
            Some(rest) => format!("{}://{rest}", self.scheme),
            None => reference.to_owned(),
        };
        let uri: Uri = absolute.parse().ok()?;
        let scheme = uri.scheme()?;
        let authority = uri.authority()?;
        let port = |authority: &Authority, scheme| authority.port_u16().or_else(|| default_port(scheme));
        let same_origin = *scheme == self.scheme
            && authority.host().eq_ignore_ascii_case(self.authority.host())
            && port(authority, scheme) == port(&self.authority, &self.scheme);
        let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let below = same_origin.then(|| self.below_base(target)).flatten()?;
        Some(format!("{reached}{below}{fragment}"))
    }

    /// A target of the upstream, as it is asked for at the recorder.
    fn below_base(&self, target: &str) -> Option<String> {
        let rest = target.strip_prefix(&self.base_path)?;
        match rest.chars().next() {
            Some('/') => Some(rest.to_owned()),
            None | Some('?' | '#') => Some(format!("/{rest}")),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme, self.authority, self.base_path)
    }
}

fn default_port(scheme: &Scheme) -> Option<u16> {
    match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(uri: &str) -> Upstream {
        Upstream::of(&uri.parse().unwrap()).unwrap()
    }

    #[test]
    fn an_upstream_is_read_or_refused() {
        assert_eq!(upstream("https://API.example.com:443/v1/").to_string(), "https://API.example.com/v1");
        assert_eq!(upstream("http://[::1]:80").to_string(), "http://[::1]");
        assert_eq!(upstream("http://127.0.0.1:8008").host(), "127.0.0.1:8008");
        for bad in ["ftp://host/", "/path", "host:80", "http://host/?q=1"] {
            let message = Upstream::of(&bad.parse().unwrap()).unwrap_err();
            assert!(message.contains("expected http or https"), "{bad}: {message}");
        }
        let message = Upstream::of(&"http://jo:hunter2@host/".parse().unwrap()).unwrap_err();
        assert!(message.contains("credentials") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn targets_gain_the_base_path() {
        let target = |upstream: &Upstream, sent: &str| {
            let uri = upstream.uri_of(&sent.parse().unwrap()).unwrap();
            uri.path_and_query().map(ToString::to_string)
        };
        let based = upstream("http://host/v1/");
        assert_eq!(target(&based, "/a%20b?q=1&q=2").as_deref(), Some("/v1/a%20b?q=1&q=2"));
        assert_eq!(target(&based, "http://else/x").as_deref(), Some("/v1/x"));
        assert_eq!(target(&upstream("http://host"), "*").as_deref(), Some("*"));
        assert_eq!(target(&upstream("http://host"), "/").as_deref(), Some("/"));
    }

    #[test]
    fn only_links_to_the_upstream_lead_back() {
        let plain = upstream("http://up.example");
        let based = upstream("http://up.example/v1");
        for (upstream, location, expected) in [
            (&plain, "http://up.example/a?b=c#d", Some("http://me:1/a?b=c#d")),
            (&plain, "http://UP.example:80/a", Some("http://me:1/a")),
            (&plain, "//up.example/a", Some("http://me:1/a")),
            (&plain, "http://up.example", Some("http://me:1/")),
            (&plain, "/a", None),
            (&plain, "https://up.example/a", None),
            (&plain, "http://up.example:81/a", None),
            (&plain, "http://other.example/a", None),
            (&plain, "a/b", None),
            (&based, "http://up.example/v1/a", Some("http://me:1/a")),
            (&based, "http://up.example/v1", Some("http://me:1/")),
            (&based, "http://up.example/v12/a", None),
            (&based, "/v1/a?b", Some("/a?b")),
            (&based, "/login", None),
        ] {
            assert_eq!(upstream.location_through(location, "http://me:1").as_deref(), expected, "{location}");
        }
    }
}
