//! Whose API a request asks for, where several providers stand behind one address.
//!
//! A host says it, as in the request or else as named in the TLS handshake; else the first segment of the path, which is
//! then the provider's name. Knows names alone, not what is played under them.

use crate::received::Received;
use std::collections::{BTreeMap, HashMap};

/// The ways to the providers, each told by its index.
#[derive(Debug, Default)]
pub(super) struct Routes {
    names: Vec<String>,
    hosts: HashMap<String, usize>,
    /// What a host ends with, its dot included: the longest first.
    endings: Vec<(String, usize)>,
    shared: BTreeMap<String, Vec<usize>>,
}

impl Routes {
    /// The ways to providers by their names and hosts, in order. A host that two of them claim leads to neither.
    pub(super) fn new<'a>(providers: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Self {
        let mut routes = Self::default();
        let mut claims: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (name, hosts)) in providers.into_iter().enumerate() {
            routes.names.push(name.to_owned());
            for host in hosts {
                let claimed = claims.entry(host.to_ascii_lowercase()).or_default();
                if !claimed.contains(&index) {
                    claimed.push(index);
                }
            }
        }
        for (host, claimed) in claims {
            match (claimed[..].split_first(), host.strip_prefix('*')) {
                (Some((&index, [])), None) => drop(routes.hosts.insert(host, index)),
                (Some((&index, [])), Some(ending)) => routes.endings.push((ending.to_owned(), index)),
                _ => drop(routes.shared.insert(host, claimed)),
            }
        }
        routes.endings.sort_by_key(|(ending, _)| std::cmp::Reverse(ending.len()));
        routes
    }

    /// Hosts that several providers claim, with their names: they lead to none of them.
    pub(super) fn shared(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.shared.iter().map(|(host, claimed)| {
            (host.as_str(), claimed.iter().map(|index| self.names[*index].as_str()).collect())
        })
    }

    /// The provider that a request asks for, and the request as that provider would see it.
    pub(super) fn find(
        &self,
        received: Received,
        server_name: Option<&str>,
    ) -> Result<(usize, Received), Box<Received>> {
        if self.names.len() == 1 {
            return Ok((0, received));
        }
        let asked = received.host().and_then(|host| self.by_host(host));
        if let Some(index) = asked.or_else(|| self.by_host(server_name?)) {
            return Ok((index, received));
        }
        let path = received.target().trim_start_matches('/');
        let first = path.split(['/', '?']).next().unwrap_or_default();
        match self.names.iter().position(|name| name == first) {
            Some(index) => {
                let prefix = format!("/{first}");
                Ok((index, received.without_prefix(&prefix)))
            }
            None => Err(Box::new(received)),
        }
    }

    fn by_host(&self, host: &str) -> Option<usize> {
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.by_host(&host.to_ascii_lowercase());
        }
        let host = host.trim_end_matches('.');
        let ends =
            |(ending, _): &&(String, usize)| host.len() > ending.len() && host.ends_with(ending.as_str());
        let by_ending = || self.endings.iter().find(ends).map(|(_, index)| *index);
        self.hosts.get(host).copied().or_else(by_ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(of: &[&str]) -> Vec<String> {
        of.iter().map(|host| (*host).to_owned()).collect()
    }

    #[test]
    fn the_nearest_host_wins_and_a_shared_one_leads_nowhere() {
        let (shop, admin, mail) = (
            hosts(&["*.shop.example", "shared.example"]),
            hosts(&["*.admin.shop.example", "login.shop.example"]),
            hosts(&["mail.example", "shared.example"]),
        );
        let routes = Routes::new([("shop", &shop[..]), ("admin", &admin[..]), ("mail", &mail[..])]);
        for (host, expected) in [
            ("a.shop.example", Some(0)),
            ("A.Shop.Example.", Some(0)),
            ("b.admin.shop.example", Some(1)),
            ("login.shop.example", Some(1)),
            ("mail.example", Some(2)),
            ("shop.example", None),
            (".shop.example", None),
            ("shared.example", None),
            ("", None),
        ] {
            assert_eq!(routes.by_host(host), expected, "{host}");
        }
        let shared: Vec<_> = routes.shared().collect();
        assert_eq!(shared, [("shared.example", vec!["shop", "mail"])]);
    }
}
