//! `counterpart exec`: a command, and beside it the recorder or the stand-ins that its requests go to.
//!
//! [`jobs`] says what is to be done for which provider, [`servers`] does it, [`proxy`] leads the providers' own hosts to
//! it, with [`trust`], and [`environment`] their base URLs; [`child`] runs the command with the [`signals`] that come, and [`told`] says what came of it.

mod child;
mod environment;
mod jobs;
mod proxy;
mod servers;
mod signals;
mod told;
mod trust;

use crate::arguments::{Exec, Global};
use crate::exit::{Exit, Stop};
use crate::project::Project;
use counterpart_exchange::Library;
use proxy::Proxy;
use signals::Signals;
use told::Told;

pub(crate) async fn exec(global: &Global, arguments: &Exec) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let library = arguments.out.as_ref().map_or_else(|| project.library(), Library::new);
    let jobs = jobs::of(&project, &library, arguments)?;
    let servers = servers::start(jobs, &library, arguments).await?;
    let mut environment = environment::of(&servers)?;
    let secrets = servers::all_secrets(&servers, arguments)?;
    let proxy = Proxy::start(&servers, &library, arguments, secrets).await?;
    if let Some(proxy) = &proxy {
        environment.extend(proxy.environment());
    }
    let signals = Signals::take().map_err(Stop::environment)?;
    let status = child::run(&arguments.command, &environment, signals).await?;
    let finished = servers::finish(servers, proxy.map(Proxy::into_recorder)).await;
    let told = Told::new(child::code_of(status), &finished, arguments);
    told.print(global);
    Ok(told.exit())
}
