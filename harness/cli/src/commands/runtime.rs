//! `counterpart runtime`: the bundled integration runtime by itself.

use super::stop_signal::StopSignal;
use crate::arguments::{self, Runtime as Arguments, RuntimeCommand};
use crate::exit::{Exit, Stop};
use crate::output;
use crate::plants;
use counterpart_reference_runtime::{
    ClockMode, CrashPoint, Plant, Runtime, RuntimeConfig, StartError, Synchronous,
};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

pub(crate) async fn runtime(arguments: &Arguments) -> Result<Exit, Stop> {
    match &arguments.command {
        RuntimeCommand::Plants => {
            for plant in Plant::ALL {
                output::result(&format!("{:24} {}", plant.name(), plant.description()));
            }
            Ok(Exit::Passed)
        }
        RuntimeCommand::CrashPoints => {
            for (name, what) in CrashPoint::all() {
                output::result(&format!("{name:24} {what}"));
            }
            Ok(Exit::Passed)
        }
        RuntimeCommand::Serve {
            data,
            database,
            listen,
            test_clock,
            clock_start,
            plant,
            seed,
            lease_s,
            drain_s,
            most_unfinished,
            crash_at,
            sqlite_synchronous,
        } => {
            let mut stop = StopSignal::listen().map_err(Stop::environment)?;
            let config = RuntimeConfig {
                database: database.clone(),
                listen: *listen,
                clock: match test_clock {
                    true => ClockMode::Test { start: clock_start.unwrap_or_else(now) },
                    false => ClockMode::Real,
                },
                plants: plants::named(plant)?,
                seed: *seed,
                lease: SignedDuration::from_secs(i64::from(*lease_s)),
                drain: Duration::from_secs(u64::from(*drain_s)),
                most_unfinished: *most_unfinished,
                synchronous: match sqlite_synchronous {
                    arguments::Synchronous::Full => Synchronous::Full,
                    arguments::Synchronous::Normal => Synchronous::Normal,
                },
                crash: *crash_at,
                ..RuntimeConfig::new(data.clone())
            };
            let runtime = Runtime::start(config).await.map_err(|error| match error {
                StartError::PlantNeedsTestClock { .. } | StartError::PlantNeedsSqlite { .. } => {
                    Stop::usage(error)
                }
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
