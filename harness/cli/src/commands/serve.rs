//! `counterpart serve`: the stand-in by itself, for any client.

use super::stop_signal::StopSignal;
use crate::arguments::{Format, Global, Serve};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::{Fixture, FixtureRef};
use counterpart_stand_in::{
    ErrorForms, ProviderConfig, SeenNote, StandIn, StandInClock, StandInConfig, StandInError,
};
use std::collections::BTreeMap;

pub(crate) async fn serve(global: &Global, arguments: &Serve) -> Result<Exit, Stop> {
    let mut stop = StopSignal::listen().map_err(Stop::environment)?;
    let library = Project::find(global)?.library();
    let names: Vec<FixtureRef> = if arguments.fixture.contains('/') {
        vec![arguments.fixture.parse().map_err(|problem: String| Stop::usage(anyhow!(problem)))?]
    } else {
        library.flows(&arguments.fixture)
    };
    let provider = names.first().map(|name| name.provider.clone()).ok_or_else(|| {
        Stop::usage(anyhow!("{} holds no fixture of `{}`", library.root().display(), arguments.fixture))
    })?;
    let read = |name: &FixtureRef| library.fixture(name).map_err(Stop::usage);
    let fixtures: Vec<Fixture> = names.iter().map(read).collect::<Result<_, _>>()?;
    let profile = library.profile(&provider).map_err(Stop::usage)?;
    ErrorForms::check(&profile).map_err(|problem| Stop::usage(anyhow!(problem)))?;
    for fault in &arguments.faults {
        fault.check(&profile, &fixtures).map_err(|problem| Stop::usage(anyhow!("--fault: {problem}")))?;
    }
    let evidence: Vec<Fixture> = library.flows(&provider).iter().map(read).collect::<Result<_, _>>()?;
    let forms = ErrorForms::from_evidence(&profile, &evidence);
    let stand_in = StandIn::start(StandInConfig {
        providers: vec![ProviderConfig { profile, fixtures, forms, faults: arguments.faults.clone() }],
        clock: StandInClock::Real,
        listen: arguments.listen,
        tls: None,
    })
    .await
    .map_err(|error| match error {
        StandInError::AddressInUse(_) | StandInError::Listen { .. } | StandInError::Authority(_) => {
            Stop::environment(error)
        }
        StandInError::NeedsTls(_) | StandInError::Webhooks(_) => Stop::usage(error),
    })?;
    let credentials = stand_in.credentials();
    let values: Vec<(String, &str)> = stand_in.stand_in_values().collect();
    if global.format == Format::Json {
        let value = serde_json::json!({
            "base_url": stand_in.base_url(),
            "access_token": credentials.access_token,
            "refresh_token": credentials.refresh_token,
            "values": values.iter().cloned().collect::<BTreeMap<_, _>>(),
        });
        output::json(&value).map_err(Stop::environment)?;
    } else {
        output::result(&format!("serving {} at {}", arguments.fixture, stand_in.base_url()));
        // They open nothing but this stand-in: each is derived from its placeholder.
        for (placeholder, value) in &values {
            output::result(&format!("  «{placeholder}» is {value}"));
        }
    }
    stop.received().await.map_err(Stop::environment)?;
    let seen = stand_in.seen();
    let mut count = 0;
    for one in &seen {
        if matches!(one.note, SeenNote::Unmatched(_) | SeenNote::FaultInapplicable(_)) {
            output::note(&format!("{} {}: {}", one.method, one.target, one.note));
            count += 1;
        }
    }
    for unused in stand_in.unused_faults() {
        let name = arguments.faults.get(unused.index).map_or("", |fault| fault.inject.name());
        output::note(&format!(
            "the fault {name} struck {} time(s), less often than asked for",
            unused.struck
        ));
    }
    output::note(&format!("{} requests, {count} that could not be played as asked", seen.len()));
    Ok(if count == 0 { Exit::Passed } else { Exit::Failed })
}
