//! Which hosts a recording proxy records, and into which fixture each.

use crate::arguments::RecordedHost;
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_exchange::{Library, ProviderProfile};
use counterpart_recorder::{HostAction, HostPattern, ProxyHost};

/// What was asked for: hosts, a provider for those that name none, and the flow of all.
pub(super) struct Asked<'a> {
    pub(super) hosts: &'a [RecordedHost],
    pub(super) provider: Option<&'a str>,
    pub(super) flow: &'a str,
}

/// The hosts to record, in the order in which the first that fits decides.
pub(super) fn hosts(library: &Library, asked: &Asked<'_>) -> Result<Vec<ProxyHost>, Stop> {
    let record = |pattern: HostPattern, provider: &str| {
        let (provider, flow) = (provider.to_owned(), asked.flow.to_owned());
        ProxyHost { pattern, action: HostAction::Record { provider, flow } }
    };
    if asked.hosts.is_empty() {
        return of_profiles(library, asked, record);
    }
    let profiles = profiles(library)?;
    let of = |host: &RecordedHost| {
        let given = host.provider.as_deref().or(asked.provider);
        // A profile that names the very same host, or pattern, says whose it is.
        let is_its = |profile: &&ProviderProfile| profile.hosts.contains(&host.pattern.to_string());
        let known = profiles.iter().find(is_its).map(|profile| profile.provider.as_str());
        let provider = given.or(known).ok_or_else(|| {
            Stop::usage(anyhow!(
                "--host {0}: whose it is is not said; write --host {0}=PROVIDER, or name one --provider for all",
                host.pattern
            ))
        })?;
        Ok(record(host.pattern.clone(), provider))
    };
    asked.hosts.iter().map(of).collect()
}

/// The hosts that profiles name: the provider's own, or everybody's.
fn of_profiles(
    library: &Library,
    asked: &Asked<'_>,
    record: impl Fn(HostPattern, &str) -> ProxyHost,
) -> Result<Vec<ProxyHost>, Stop> {
    let profiles = match asked.provider {
        Some(provider) => vec![library.profile(provider).map_err(Stop::usage)?],
        None => profiles(library)?,
    };
    let mut hosts = Vec::new();
    for profile in &profiles {
        for host in &profile.hosts {
            let pattern = host.parse().map_err(|problem| {
                Stop::usage(anyhow!("{}/provider.yaml: hosts: {problem}", profile.provider))
            })?;
            hosts.push(record(pattern, &profile.provider));
        }
    }
    if hosts.is_empty() {
        let root = library.root().display();
        let whose = asked.provider.map_or_else(
            || format!("no profile in {root} names hosts"),
            |provider| format!("{root}/{provider}/provider.yaml names no hosts, or is not there"),
        );
        return Err(Stop::usage(anyhow!(
            "no host is named, and {whose}; name each host to record, as in --host api.example.com"
        )));
    }
    // A name goes before a pattern that it would fit as well.
    hosts.sort_by_key(|host| host.pattern.to_string().starts_with('*'));
    Ok(hosts)
}

/// Every profile of a library, by the provider's name.
fn profiles(library: &Library) -> Result<Vec<ProviderProfile>, Stop> {
    let entries = std::fs::read_dir(library.root()).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("provider.yaml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names.iter().map(|name| library.profile(name).map_err(Stop::usage)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> (tempfile::TempDir, Library) {
        let folder = tempfile::tempdir().unwrap();
        for (name, hosts) in [("shop", "[api.shop.example]"), ("mail", "['*.example', mail.example]")] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            let text = format!("counterpart: provider/1\nprovider: {name}\nhosts: {hosts}\n");
            std::fs::write(folder.path().join(name).join("provider.yaml"), text).unwrap();
        }
        let library = Library::new(folder.path());
        (folder, library)
    }

    fn told(hosts: &[&str], provider: Option<&str>) -> Result<Vec<String>, String> {
        let (_folder, library) = library();
        let hosts: Vec<RecordedHost> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let asked = Asked { hosts: &hosts, provider, flow: "sync" };
        let told = |host: ProxyHost| match host.action {
            HostAction::Record { provider, flow } => format!("{}={provider}/{flow}", host.pattern),
            HostAction::ForwardTo { base } => format!("{}>{base}", host.pattern),
        };
        super::hosts(&library, &asked)
            .map(|all| all.into_iter().map(told).collect())
            .map_err(|stop| stop.error.to_string())
    }

    #[test]
    fn hosts_go_where_they_are_said_to() {
        let given = ["a.example", "b.example=other"];
        assert_eq!(told(&given, Some("shop")).unwrap(), ["a.example=shop/sync", "b.example=other/sync"]);
        assert_eq!(told(&["api.shop.example"], None).unwrap(), ["api.shop.example=shop/sync"]);
        let refused = told(&["a.example"], None).unwrap_err();
        assert!(refused.contains("--host a.example=PROVIDER"), "{refused}");
    }

    #[test]
    fn profiles_name_hosts_where_nobody_else_does() {
        assert_eq!(told(&[], Some("shop")).unwrap(), ["api.shop.example=shop/sync"]);
        assert_eq!(
            told(&[], None).unwrap(),
            ["mail.example=mail/sync", "api.shop.example=shop/sync", "*.example=mail/sync"]
        );
        let refused = told(&[], Some("unheard-of")).unwrap_err();
        assert!(refused.contains("unheard-of/provider.yaml names no hosts"), "{refused}");
        assert!(refused.contains("--host api.example.com"), "{refused}");
    }
}
