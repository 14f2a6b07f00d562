//! `counterpart schema`: the JSON Schemas of the file formats. They are committed under docs/schema.

use crate::arguments::Schema as Arguments;
use crate::exit::{Exit, Stop};
use crate::output;
use crate::project::Config;
use anyhow::Context;
use counterpart_contract::Evidence;
use counterpart_exchange::{FixtureOnDisk, ProviderProfile, write_atomically};
use counterpart_outcome::Run;
use counterpart_scenario::{Catalogue, ScenarioFile};
use schemars::{Schema, schema_for};

/// Every format with its schema, by file name.
pub(crate) fn schemas() -> [(&'static str, Schema); 7] {
    [
        ("catalogue", schema_for!(Catalogue)),
        ("evidence", schema_for!(Evidence)),
        ("config", schema_for!(Config)),
        ("fixture", schema_for!(FixtureOnDisk)),
        ("provider", schema_for!(ProviderProfile)),
        ("run", schema_for!(Run)),
        ("scenario", schema_for!(ScenarioFile)),
    ]
}

pub(crate) fn schema(arguments: &Arguments) -> Result<Exit, Stop> {
    let Some(out) = &arguments.out else {
        let all: serde_json::Map<String, serde_json::Value> =
            schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
        output::json(&all).map_err(Stop::environment)?;
        return Ok(Exit::Passed);
    };
    for (name, schema) in schemas() {
        let path = out.join(format!("{name}.json"));
        let text = serde_json::to_string_pretty(&schema).map_err(Stop::environment)? + "\n";
        write_atomically(&path, text.as_bytes())
            .with_context(|| path.display().to_string())
            .map_err(Stop::environment)?;
        output::result(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Passed)
}
