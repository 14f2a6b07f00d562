//! Scenarios: YAML to plan to run to outcome.
