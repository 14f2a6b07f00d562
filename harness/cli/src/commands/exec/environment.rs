//! What the command is told through its environment: base URLs, and credentials that open the stand-ins alone.

use super::servers::Server;
use crate::exit::Stop;
use anyhow::anyhow;
use counterpart_subject::Variables;
use std::ffi::OsString;

/// Environment variables with their values.
pub(super) type Environment = Vec<(String, OsString)>;

/// The variables that lead a command to what takes the place of its providers.
///
/// # Errors
/// Where `counterpart.toml` names what has no value.
pub(super) fn of(servers: &[Server]) -> Result<Environment, Stop> {
    let mut environment = Environment::new();
    for server in servers {
        if let Some(base_url) = server.base_url() {
            let alone = (servers.len() == 1).then(|| "COUNTERPART_URL".to_owned());
            let names = alone.into_iter().chain([default_name(&server.provider)]);
            let names = names.chain(server.way.spec.base_url_env.iter().cloned());
            environment.extend(names.map(|name| (name, base_url.clone().into())));
        }
        if !server.gives_credentials() {
            continue;
        }
        let variables = variables(server);
        for (name, text) in &server.way.spec.credentials_env {
            let value = variables.fill(text).map_err(|problem| {
                Stop::usage(anyhow!(
                    "counterpart.toml: [exec.{}] credentials_env {name}: {problem}",
                    server.provider
                ))
            })?;
            environment.push((name.clone(), OsString::from(value)));
        }
    }
    check_names(&environment)?;
    Ok(environment)
}

/// The variable that is there without any configuration: `COUNTERPART_MY_CRM_URL` of `my-crm`.
fn default_name(provider: &str) -> String {
    format!("COUNTERPART_{}_URL", provider.to_ascii_uppercase().replace('-', "_"))
}

/// What may stand in braces, named as for a subject.
fn variables(server: &Server) -> Variables {
    let mut variables = Variables::default();
    variables.set("provider", &server.provider);
    if let Some(base_url) = server.base_url() {
        variables.set("base_url", &base_url);
    }
    let Some(stand_in) = server.stand_in() else { return variables };
    let credentials = stand_in.credentials();
    for (name, value) in [
        ("access_token", credentials.access_token),
        ("refresh_token", credentials.refresh_token),
        ("client_id", credentials.client_id),
        ("client_secret", credentials.client_secret),
    ] {
        if let Some(value) = value {
            variables.set(name, &value);
        }
    }
    if let Some(keys) = stand_in.webhook_keys().into_iter().next() {
        variables.set("webhook_secret", &keys.secret);
    }
    for (placeholder, value) in stand_in.stand_in_values() {
        variables.set(&placeholder, value);
    }
    variables
}

/// A name that no system takes would be a panic of the standard library's.
fn check_names(environment: &Environment) -> Result<(), Stop> {
    let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
    match environment.iter().find(|(name, _)| !is_name(name)) {
        Some((name, _)) => Err(Stop::usage(anyhow!(
            "counterpart.toml: {name:?} cannot be the name of an environment variable; expected one like API_URL"
        ))),
        None => Ok(()),
    }
}
