//! `counterpart runtime`: the bundled integration runtime by itself.

use super::stop_signal::StopSignal;
use crate::arguments::{Runtime as Arguments, RuntimeCommand};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::plants;
use counterpart_reference_runtime::{ClockMode, Plant, Runtime, RuntimeConfig, StartError};
use jiff::Timestamp;

pub(crate) async fn runtime(arguments: &Arguments) -> Result<Exit, Stop> {
    match &arguments.command {
        RuntimeCommand::Plants => {
            for plant in Plant::ALL {
                output::result(&format!("{:24} {}", plant.name(), plant.description()));
            }
            Ok(Exit::Passed)
        }
        RuntimeCommand::Serve { data, listen, test_clock, plant, seed } => {
            let mut stop = StopSignal::listen().map_err(Stop::environment)?;
            let config = RuntimeConfig {
                data_dir: data.clone(),
                listen: *listen,
                clock: if *test_clock { ClockMode::Test { start: now() } } else { ClockMode::Real },
                plants: plants::named(plant)?,
                seed: *seed,
            };
            let runtime = Runtime::start(config).await.map_err(|error| match error {
                StartError::PlantNeedsTestClock { .. } => Stop::usage(error),
                _ => Stop::environment(error),
            })?;
            output::result(&format!("runtime at http://{}", runtime.address()));
            stop.received().await.map_err(Stop::environment)?;
            runtime.shutdown().await;
            Ok(Exit::Passed)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test clock begins at the present and then stands still")]
fn now() -> Timestamp {
    Timestamp::now()
}
