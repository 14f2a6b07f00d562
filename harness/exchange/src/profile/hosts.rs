//! The hosts of a provider's API, as they are spelled in its profile.

/// Longest host name that the domain name system has (RFC 1035 section 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// What is wrong with hosts, if anything.
pub(super) fn check(hosts: &[String]) -> Result<(), String> {
    for (index, host) in hosts.iter().enumerate() {
        let refuse = |problem: &str| {
            Err(format!("hosts[{index}]: {host:?} {problem}; expected api.example.com or *.example.com"))
        };
        if host.contains("://") || host.contains('/') {
            return refuse("is a URL");
        }
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return refuse("has capitals, which no host has");
        }
        let name = host.strip_prefix("*.").unwrap_or(host);
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if host.contains(':') {
            return refuse("has a port, which does not tell providers apart");
        }
        if host.len() > MAX_HOST_BYTES || !name.split('.').all(is_label) {
            return refuse("is no host name");
        }
        if hosts[..index].contains(host) {
            return refuse("stands there twice");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names() {
        let check = |hosts: &[&str]| check(&hosts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(check(&["api.example.com", "*.example.com", "localhost", "127.0.0.1"]), Ok(()));
        for (hosts, expected) in [
            (&["https://a.example"][..], "is a URL"),
            (&["a.example:443"], "has a port"),
            (&["A.example"], "has capitals"),
            (&["a..example"], "is no host name"),
            (&["a.*.example"], "is no host name"),
            (&[""], "is no host name"),
            (&["a.example", "a.example"], "stands there twice"),
        ] {
            let problem = check(hosts).unwrap_err();
            assert!(problem.contains(expected) && problem.contains("expected api.example.com"), "{problem}");
        }
        assert!(check(&[&"a.".repeat(200)]).unwrap_err().contains("is no host name"));
    }
}
