//! `counterpart exec`: a command, and beside it the recorder or the stand-ins that its requests go to.
//!
//! [`jobs`] says what is to be done for which provider, [`servers`] does it, [`environment`] leads the command there,
//! [`child`] runs it with the [`signals`] that come, and [`told`] says what came of it.

mod child;
mod environment;
mod jobs;
mod servers;
mod signals;
mod told;

use crate::arguments::{Exec, Global};
use crate::exit::{Exit, Stop};
use crate::project::Project;
use counterpart_exchange::Library;
use signals::Signals;
use told::Told;

pub(crate) async fn exec(global: &Global, arguments: &Exec) -> Result<Exit, Stop> {
    let project = Project::find(global)?;
    let library = arguments.out.as_ref().map_or_else(|| project.library(), Library::new);
    let jobs = jobs::of(&project, &library, arguments)?;
    let servers = servers::start(jobs, &library, arguments).await?;
    let environment = environment::of(&servers)?;
    let signals = Signals::take().map_err(Stop::environment)?;
    let status = child::run(&arguments.command, &environment, signals).await?;
    let finished = servers::finish(servers).await;
    let told = Told::new(child::code_of(status), &finished, arguments);
    told.print(global);
    Ok(told.exit())
}
