//! Which hosts are meant: one by its name, all below a domain, or all there are.

use std::fmt;
use std::str::FromStr;

/// A host, as it is named to the proxy: `api.example.com`, `*.example.com` for every host that ends so, or `*` for all;
/// with `:8443` behind it, on that port alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern {
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    Exact(String),
    /// With the dot before it.
    Below(String),
    Any,
}

impl HostPattern {
    /// Whether a host is meant. A name's letters may be of either case; an IPv6 address stands in brackets.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.port.is_none_or(|own| own == port)
            && match &self.host {
                Host::Exact(name) => name.eq_ignore_ascii_case(host),
                Host::Below(end) => {
                    host.len() > end.len()
                        && host
                            .get(host.len() - end.len()..)
                            .is_some_and(|ending| ending.eq_ignore_ascii_case(end))
                }
                Host::Any => true,
            }
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |problem: &str| {
            Err(format!(
                "{text:?} {problem}; expected a host as api.example.com, *.example.com or api.example.com:8443"
            ))
        };
        if text.contains("://") || text.contains('/') {
            return refuse("is a URL");
        }
        let (name, port) = match text.rsplit_once(':') {
            // Colons within brackets are an address's.
            Some((name, port)) if !port.contains(']') => match port.parse() {
                Ok(port) => (name, Some(port)),
                Err(_) => return refuse("has no usable port"),
            },
            _ => (text, None),
        };
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let is_name = |name: &str| name.len() <= 253 && name.split('.').all(is_label);
        let is_v6 = |name: &str| {
            let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        };
        let host = match name.strip_prefix("*.") {
            Some(below) if is_name(below) => Host::Below(format!(".{}", below.to_ascii_lowercase())),
            None if name == "*" => Host::Any,
            None if is_name(name) || is_v6(name) => Host::Exact(name.to_ascii_lowercase()),
            _ => return refuse("is no host name"),
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Exact(name) => formatter.write_str(name)?,
            Host::Below(end) => write!(formatter, "*{end}")?,
            Host::Any => formatter.write_str("*")?,
        }
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_by_name_and_port() {
        for (pattern, host, port, expected) in [
            ("api.example.com", "API.example.com", 443, true),
            ("api.example.com", "api.example.com.", 443, true),
            ("api.example.com", "my-api.example.com", 443, false),
            ("api.example.com", "api.example.com.evil.test", 443, false),
            ("*.example.com", "a.b.example.com", 80, true),
            ("*.example.com", "example.com", 80, false),
            ("*.example.com", ".example.com", 80, false),
            ("*.example.com", "badexample.com", 80, false),
            ("*", "anything", 1, true),
            ("127.0.0.1:8443", "127.0.0.1", 8443, true),
            ("127.0.0.1:8443", "127.0.0.1", 443, false),
            ("[::1]", "[::1]", 443, true),
        ] {
            assert_eq!(
                pattern.parse::<HostPattern>().unwrap().matches(host, port),
                expected,
                "{pattern} {host}"
            );
        }
    }

    #[test]
    fn patterns_are_read_or_refused() {
        for text in ["api.example.com", "*.example.com:8443", "*", "[::1]:80", "localhost"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
        for (text, problem) in [
            ("https://a.example", "is a URL"),
            ("a.example/v1", "is a URL"),
            ("a.example:", "has no usable port"),
            ("a.example:70000", "has no usable port"),
            ("a.*.example", "is no host name"),
            ("", "is no host name"),
            ("*.", "is no host name"),
            ("[::1", "is no host name"),
        ] {
            let refused = text.parse::<HostPattern>().unwrap_err();
            assert!(refused.contains(problem) && refused.contains("expected a host"), "{text}: {refused}");
        }
    }
}
