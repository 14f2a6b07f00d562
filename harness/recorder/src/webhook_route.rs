//! Where webhooks arrive, and where they go on to: `/hooks=http://127.0.0.1:3000/hooks`.
//!
//! Knows nothing of messages but their targets.

use crate::upstream::Upstream;
use http::Uri;
use http::uri::PathAndQuery;
use std::fmt;
use std::str::FromStr;

const EXPECTED: &str = "expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks";

/// A path of the recorder at and below which the provider's webhooks arrive, and the integration's URL for them.
#[derive(Clone, Debug)]
pub struct WebhookRoute {
    /// Without a final slash; empty where all paths are meant.
    path: String,
    integration: Upstream,
    /// Whether the integration's URL ends with a slash, which its base path has not.
    ends_in_slash: bool,
}

impl WebhookRoute {
    /// The path, `/` for all.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// The integration behind it.
    pub(crate) fn integration(&self) -> &Upstream {
        &self.integration
    }

    /// Whether a request for a target arrives here.
    pub(crate) fn takes(&self, target: &Uri) -> bool {
        self.below(target.path()).is_some()
    }

    /// Where a request goes on to: the integration's URL with what followed the path, query included.
    ///
    /// # Errors
    /// Where the two do not make a URI.
    pub(crate) fn uri_of(&self, sent: &Uri) -> Result<Uri, http::Error> {
        let target = sent.path_and_query().map_or("/", PathAndQuery::as_str);
        let rest = self.below(target).unwrap_or(target);
        let slash = if self.ends_in_slash && !rest.starts_with('/') { "/" } else { "" };
        self.integration.uri_below(&format!("{slash}{rest}"))
    }

    /// What follows the path in a target: nothing, or what begins with `/`, or a query.
    fn below<'a>(&self, target: &'a str) -> Option<&'a str> {
        target.strip_prefix(&self.path).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.below(&other.path).is_some() || other.below(&self.path).is_some()
    }
}

impl FromStr for WebhookRoute {
    type Err = String;

    /// Reads `PATH=URL`. What is wrong is told without the URL, for it may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((path, url)) = text.split_once('=') else {
            return Err(format!("there is no `=` between path and URL; {EXPECTED}"));
        };
        if !path.starts_with('/') {
            return Err(format!("the path does not begin with a slash; {EXPECTED}"));
        }
        // The parser takes what is no part of a path for something else, and leaves it out.
        if !path.parse::<PathAndQuery>().is_ok_and(|parsed| parsed.path() == path && parsed.query().is_none())
        {
            return Err(format!(
                "{path:?} is no path: it has a query, a fragment or a space in it; {EXPECTED}"
            ));
        }
        let uri: Uri =
            url.parse().map_err(|error| format!("the URL behind {path} is none ({error}); {EXPECTED}"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(format!(
                "the URL behind {path} carries credentials, which are not sent on; leave them out; {EXPECTED}"
            ));
        }
        let integration = Upstream::of(&uri).map_err(|error| format!("the URL behind {path} {error}"))?;
        let path = path.trim_end_matches('/').to_owned();
        let ends_in_slash = uri.path().len() > 1 && uri.path().ends_with('/');
        Ok(Self { path, integration, ends_in_slash })
    }
}

impl fmt::Display for WebhookRoute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.ends_in_slash { "/" } else { "" };
        write!(formatter, "{} -> {}{slash}", self.path(), self.integration)
    }
}

/// Whether routes can stand beside one another, and beside an upstream that takes all other paths.
///
/// # Errors
/// A sentence that names the paths and says how to mend it.
pub(crate) fn check(routes: &[WebhookRoute], has_upstream: bool) -> Result<(), String> {
    for (index, one) in routes.iter().enumerate() {
        if has_upstream && one.path.is_empty() {
            return Err("the webhooks' path / takes every request, so none would reach the upstream; \
                        give them a path of their own, as /hooks, or leave the upstream out"
                .to_owned());
        }
        if let Some(other) = routes[..index].iter().find(|other| one.overlaps(other)) {
            return Err(format!(
                "the webhooks' paths {} and {} overlap, so it is not plain where a request goes on to; \
                 give each a path that is not below the other's",
                other.path(),
                one.path()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> WebhookRoute {
        text.parse().unwrap()
    }

    #[test]
    fn what_follows_the_path_follows_the_url() {
        let on = |text: &str, sent: &str| {
            let (route, sent) = (route(text), sent.parse::<Uri>().unwrap());
            route.takes(&sent).then(|| route.uri_of(&sent).unwrap().to_string())
        };
        let plain = "/hooks=http://127.0.0.1:3000/in";
        for (text, sent, expected) in [
            (plain, "/hooks", Some("http://127.0.0.1:3000/in")),
            (plain, "/hooks/", Some("http://127.0.0.1:3000/in/")),
            (plain, "/hooks?a=1&a=%2f", Some("http://127.0.0.1:3000/in?a=1&a=%2f")),
            (plain, "/hooks/a%20b?x", Some("http://127.0.0.1:3000/in/a%20b?x")),
            (plain, "/hooksX", None),
            (plain, "/Hooks", None),
            (plain, "/other/hooks", None),
            (plain, "*", None),
            ("/hooks/=http://127.0.0.1:3000/in/", "/hooks", Some("http://127.0.0.1:3000/in/")),
            ("/hooks=http://127.0.0.1:3000/in/", "/hooks?a", Some("http://127.0.0.1:3000/in/?a")),
            ("/hooks=http://127.0.0.1:3000/in/", "/hooks/b", Some("http://127.0.0.1:3000/in/b")),
            ("/hooks=http://127.0.0.1:3000", "/hooks", Some("http://127.0.0.1:3000/")),
            ("/hooks=http://127.0.0.1:3000", "/hooks?a=1", Some("http://127.0.0.1:3000/?a=1")),
            ("/hooks=http://127.0.0.1:3000", "/hooks/_matrix/x", Some("http://127.0.0.1:3000/_matrix/x")),
            ("/=http://127.0.0.1:3000/in", "/", Some("http://127.0.0.1:3000/in/")),
            ("/=http://127.0.0.1:3000/in", "/a?b", Some("http://127.0.0.1:3000/in/a?b")),
        ] {
            assert_eq!(on(text, sent).as_deref(), expected, "{text} {sent}");
        }
        assert_eq!(route("/a/=https://x.example/b/").to_string(), "/a -> https://x.example/b/");
    }

    #[test]
    fn what_is_no_route_is_refused_with_the_way_to_mend() {
        let told: Vec<String> = [
            "/hooks",
            "hooks=http://127.0.0.1:3000",
            "/hooks?a=http://127.0.0.1:3000",
            "/a b=http://127.0.0.1:3000",
            "/hooks=",
            "/hooks=127.0.0.1:3000",
            "/hooks=ftp://127.0.0.1/",
            "/hooks=http://127.0.0.1:3000/in?token=hunter2",
            "/hooks=http://jo:hunter2@127.0.0.1:3000/in",
            "/hooks=http://127.0.0.1:3000/hunter2 x",
        ]
        .into_iter()
        .map(|text| text.parse::<WebhookRoute>().unwrap_err())
        .collect();
        assert!(!told.concat().contains("hunter2"));
        insta::assert_snapshot!(told.join("\n"), @r#"
        there is no `=` between path and URL; expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        the path does not begin with a slash; expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        "/hooks?a" is no path: it has a query, a fragment or a space in it; expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        "/a b" is no path: it has a query, a fragment or a space in it; expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        the URL behind /hooks is none (empty string); expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        the URL behind /hooks has no scheme; expected http or https, a host, and a base path at most, as in https://api.example.com/v1
        the URL behind /hooks has the scheme ftp; expected http or https, a host, and a base path at most, as in https://api.example.com/v1
        the URL behind /hooks has a query; expected http or https, a host, and a base path at most, as in https://api.example.com/v1
        the URL behind /hooks carries credentials, which are not sent on; leave them out; expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        the URL behind /hooks is none (invalid uri character); expected PATH=URL, as in /hooks=http://127.0.0.1:3000/hooks
        "#);
    }

    #[test]
    fn paths_that_overlap_are_refused() {
        let checked = |texts: &[&str], has_upstream| {
            check(&texts.iter().map(|text| route(text)).collect::<Vec<_>>(), has_upstream)
        };
        assert_eq!(checked(&["/a=http://h", "/ab=http://h", "/b/a=http://h"], true), Ok(()));
        assert_eq!(checked(&["/=http://h"], false), Ok(()));
        let told = [
            checked(&["/=http://h"], true),
            checked(&["/a=http://h", "/a/=http://i"], true),
            checked(&["/a/b=http://h", "/a=http://h"], true),
            checked(&["/a=http://h", "/=http://h"], false),
        ]
        .map(Result::unwrap_err);
        insta::assert_snapshot!(told.join("\n"), @r#"
        the webhooks' path / takes every request, so none would reach the upstream; give them a path of their own, as /hooks, or leave the upstream out
        the webhooks' paths /a and /a overlap, so it is not plain where a request goes on to; give each a path that is not below the other's
        the webhooks' paths /a/b and /a overlap, so it is not plain where a request goes on to; give each a path that is not below the other's
        the webhooks' paths /a and / overlap, so it is not plain where a request goes on to; give each a path that is not below the other's
        "#);
    }
}
