//! The engine: whether there is one, and where its containers find this machine.

use crate::clock::within;
use counterpart_subject::{ContainerNetwork, LaunchError, ProviderHost};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use testcontainers::core::client::docker_client_instance;

/// How long the engine may take to say that it is there.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// The network that every engine has.
const BRIDGE: &str = "bridge";
/// This machine, as containers of Docker Desktop know it.
const DESKTOP_HOST: &str = "host.docker.internal";

/// The engine; else why there is none.
pub(crate) async fn engine() -> Result<Docker, String> {
    let how = "start one, or name it in DOCKER_HOST";
    let docker = docker_client_instance().await.map_err(|error| format!("{error}; {how}"))?;
    match within(ANSWERS_WITHIN, docker.ping()).await {
        Some(Ok(_)) => Ok(docker),
        Some(Err(error)) => Err(format!("{error}; {how}")),
        None => Err(format!("it does not answer within {ANSWERS_WITHIN:?}; {how}")),
    }
}

/// Where the stand-in is to listen so that a container reaches it: never on all of the machine's addresses.
pub(crate) async fn provider_host(network: ContainerNetwork) -> Result<ProviderHost, LaunchError> {
    if network == ContainerNetwork::Host {
        return Ok(ProviderHost::default());
    }
    let docker = engine().await.map_err(|why| no_engine(&why))?;
    let found = docker.inspect_network(BRIDGE, None).await.map_err(|error| {
        LaunchError(format!("the engine has no network {BRIDGE:?}: {error}; `network = \"host\"` needs none"))
    })?;
    let configs = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
    let gateway = configs.into_iter().find_map(|config| config.gateway?.parse::<Ipv4Addr>().ok());
    match gateway {
        Some(gateway) if is_of_this_machine(gateway) => {
            Ok(ProviderHost { listen: IpAddr::V4(gateway), name: None })
        }
        // The engine is in a virtual machine, which passes this name's connections on to 127.0.0.1 here.
        _ => Ok(ProviderHost { name: Some(DESKTOP_HOST.to_owned()), ..ProviderHost::default() }),
    }
}

fn is_of_this_machine(address: Ipv4Addr) -> bool {
    TcpListener::bind((address, 0)).is_ok()
}

/// Removes a container that may be there, with its volumes.
pub(crate) async fn remove(name: &str) {
    if let Ok(docker) = docker_client_instance().await {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        // Where it is not there, nothing is to be done.
        let _ = within(ANSWERS_WITHIN, docker.remove_container(name, Some(options))).await;
    }
}

pub(crate) fn no_engine(why: &str) -> LaunchError {
    LaunchError(format!("there is no container engine: {why}"))
}
