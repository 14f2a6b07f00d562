//! What a foreign URL says: where a request went, and with which target.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// A URL, cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignUrl {
    /// Path and query, as they are sent.
    pub(crate) target: String,
    /// Host and, where it is not the scheme's own, port. Nothing where the URL has only a path.
    pub(crate) host: Option<String>,
    /// Whether the host cannot be one: somebody put something else in its place.
    pub(crate) is_host_damaged: bool,
    /// User and password, decoded. They go into an `Authorization` header or nowhere.
    pub(crate) userinfo: Option<String>,
}

/// Why a URL says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UrlProblem {
    #[error("is empty; expected http(s)://host/path")]
    Empty,
    #[error("has neither a scheme nor a path; expected http(s)://host/path")]
    NoUrl,
    #[error("is of a scheme other than http, https, ws and wss")]
    OtherScheme,
}

/// What a request target cannot hold as it is: a space, and what is not ASCII (which is encoded whatever the set says).
const NOT_SENT_AS_IS: &AsciiSet = &CONTROLS.add(b' ');

impl ForeignUrl {
    /// A target that a file gives by itself: path and query, whatever they look like.
    pub(crate) fn of_target(target: &str) -> Self {
        let target = if target == "*" { target.to_owned() } else { target_of(target) };
        Self { target, host: None, is_host_damaged: false, userinfo: None }
    }

    /// Cuts a URL; a damaged one as far as it makes sense. A fragment is never sent, so it is left out.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlProblem> {
        let url = url.trim();
        let sent = url.split('#').next().unwrap_or_default();
        if sent.is_empty() {
            return Err(UrlProblem::Empty);
        }
        if sent.starts_with('/') && !sent.starts_with("//") {
            let target = target_of(sent);
            return Ok(Self { target, host: None, is_host_damaged: false, userinfo: None });
        }
        let (scheme, rest, is_cut) = match sent.split_once("//") {
            Some((scheme, rest)) if scheme.is_empty() || is_scheme(scheme) => (scheme, rest, false),
            _ if has_other_scheme(sent) => return Err(UrlProblem::OtherScheme),
            // `api.example.com/v1`, `<HOST>/v1`: somebody took the scheme out.
            _ if sent.contains('/') => ("", sent, true),
            _ => return Err(UrlProblem::NoUrl),
        };
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "https:" | "wss:" => ":443",
            "http:" | "ws:" => ":80",
            "" => "",
            _ => return Err(UrlProblem::OtherScheme),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let host = Some(host)
            .filter(|_| !default_port.is_empty())
            .and_then(|host| host.strip_suffix(default_port))
            .unwrap_or(host);
        let is_host_damaged = is_cut || !is_host(host);
        Ok(Self {
            target: target_of(path),
            host: Some(if is_host_damaged { host.to_owned() } else { host.to_ascii_lowercase() }),
            is_host_damaged,
            userinfo: userinfo
                .map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()),
        })
    }
}

fn target_of(path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("{slash}{}", utf8_percent_encode(path, NOT_SENT_AS_IS))
}

fn is_scheme(text: &str) -> bool {
    text.strip_suffix(':').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// `data:...`, `about:blank`: a scheme without an authority. `localhost:80/x` is a host with a port.
fn has_other_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && !scheme.is_empty()
            && !rest.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(url: &str) -> (String, String, bool) {
        let url = ForeignUrl::parse(url).unwrap();
        (url.host.unwrap_or_default(), url.target, url.is_host_damaged)
    }

    #[test]
    fn a_url_becomes_host_and_target() {
        for (url, host, target, damaged) in [
            ("https://api.example.com", "api.example.com", "/", false),
            ("https://API.example.com:443/a?b=c#d", "api.example.com", "/a?b=c", false),
            ("http://localhost:8080?x", "localhost:8080", "/?x", false),
            ("http://h:80/", "h", "/", false),
            ("ws://h:443/", "h:443", "/", false),
            ("http://[::1]:3/", "[::1]:3", "/", false),
            ("//h/p", "h", "/p", false),
            ("/p?q#f", "", "/p?q", false),
            ("https://h/a b/é%20", "h", "/a%20b/%C3%A9%20", false),
            ("https://<HOST>/x", "<HOST>", "/x", true),
            ("<HOST>/x", "<HOST>", "/x", true),
            ("localhost:80/x", "localhost:80", "/x", true),
            ("https:///x", "", "/x", true),
            ("https://h/x?to=https://other/", "h", "/x?to=https://other/", false),
        ] {
            assert_eq!(cut(url), (host.to_owned(), target.to_owned(), damaged), "{url}");
        }
        assert_eq!(ForeignUrl::parse("https://u:p%40@h/").unwrap().userinfo.as_deref(), Some("u:p@"));
    }

    #[test]
    fn what_is_no_url_is_told_apart() {
        for (url, problem) in [
            ("", UrlProblem::Empty),
            ("#x", UrlProblem::Empty),
            ("word", UrlProblem::NoUrl),
            ("data:text/plain;base64,aGk=", UrlProblem::OtherScheme),
            ("about:blank", UrlProblem::OtherScheme),
            ("chrome-extension://id/x.js", UrlProblem::OtherScheme),
            ("ftp://h/x", UrlProblem::OtherScheme),
        ] {
            assert_eq!(ForeignUrl::parse(url), Err(problem), "{url}");
        }
    }
}
