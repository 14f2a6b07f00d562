//! `counterpart serve`: the stand-in by itself, for any client.

use super::stop_signal::StopSignal;
use crate::arguments::{Format, Global, Serve};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Project;
use anyhow::anyhow;
use counterpart_exchange::{Fixture, FixtureRef};
use counterpart_stand_in::{
    ErrorForms, FaultSite, SeenNote, StandIn, StandInClock, StandInConfig, StandInError,
};

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
    for fault in &arguments.faults {
        if let FaultSite::Request { to, .. } = &fault.at {
            to.check(&profile).map_err(|problem| Stop::usage(anyhow!("--fault: {problem}")))?;
        }
    }
    let evidence: Vec<Fixture> = library.flows(&provider).iter().map(read).collect::<Result<_, _>>()?;
    let forms = ErrorForms::from_evidence(&profile, &evidence);
    let stand_in = StandIn::start(StandInConfig {
        profile,
        fixtures,
        forms,
        faults: arguments.faults.clone(),
        clock: StandInClock::Real,
        listen: arguments.listen,
    })
    .await
    .map_err(|error| match error {
        StandInError::AddressInUse(_) | StandInError::Listen { .. } => Stop::environment(error),
    })?;
    let credentials = stand_in.credentials();
    if global.format == Format::Json {
        let value = serde_json::json!({
            "base_url": stand_in.base_url(),
            "access_token": credentials.access_token,
            "refresh_token": credentials.refresh_token,
        });
        output::json(&value).map_err(Stop::environment)?;
    } else {
        output::result(&format!("serving {} at {}", arguments.fixture, stand_in.base_url()));
        // They open nothing but this stand-in: values derived from placeholders.
        for (what, value) in
            [("access token", &credentials.access_token), ("refresh token", &credentials.refresh_token)]
        {
            if let Some(value) = value {
                output::result(&format!("  {what}: {value}"));
            }
        }
    }
    stop.received().await.map_err(Stop::environment)?;
    let seen = stand_in.seen();
    let unmatched = seen.iter().filter(|one| matches!(one.note, SeenNote::Unmatched(_)));
    let mut count = 0;
    for one in unmatched {
        output::note(&format!("{} {} {}", one.method, one.target, one.note));
        count += 1;
    }
    output::note(&format!("{} requests, {count} unmatched", seen.len()));
    Ok(if count == 0 { Exit::Passed } else { Exit::Failed })
}
