//! Whether the parts of a description go together: what is called must serve, what is ticked must have a clock.

use crate::probe::ProbeSource;
use crate::spec::{ClockKind, LaunchSpec, SubjectSpec};
use crate::trigger::Trigger;

impl SubjectSpec {
    /// Looks for parts that do not go together.
    ///
    /// # Errors
    /// With the first that does not, and what to do about it.
    pub fn check(&self) -> Result<(), String> {
        let kind = self.launch.kind();
        let is_started_here = matches!(self.launch, LaunchSpec::Command(_) | LaunchSpec::Batch(_));
        if self.clock == ClockKind::Faketime && !is_started_here {
            return Err(format!(
                "clock: dates can be shifted only for what is started here, `command` and `batch`, and this subject is of \
                 kind `{kind}`; use \"endpoint\" or \"real\""
            ));
        }
        for (name, trigger) in &self.trigger {
            let wrong = match trigger {
                Trigger::Batch(_) if !self.is_batch() => {
                    format!("`batch` is for subjects of kind `batch`, and this one is of kind `{kind}`; use `call` or `run`")
                }
                Trigger::Tick(None) if self.clock != ClockKind::Endpoint => {
                    "`tick = {}` moves a clock, which takes clock = \"endpoint\"; in real time write the call that does \
                     what the schedule does, as in tick = { call = \"POST /tick\" }"
                        .to_owned()
                }
                _ => continue,
            };
            return Err(format!("trigger.{name}: {wrong}"));
        }
        for (place, path) in self.paths() {
            if !path.starts_with(['/', '{']) {
                return Err(format!(
                    "{place} = {path:?} is no path; one begins with `/`, as in \"/records\", and is asked for by GET"
                ));
            }
        }
        if let LaunchSpec::Batch(batch) = &self.launch
            && !batch.state.is_empty()
            && !batch.state.iter().any(|argument| argument.contains("{state}"))
        {
            return Err(format!(
                "launch.batch.state: {:?} does not say where the state is; write {{state}}, which becomes the path of its \
                 file, as in [\"--state\", \"{{state}}\"]",
                batch.state
            ));
        }
        match self.calls().into_iter().next() {
            Some(what) if !self.serves() => Err(format!(
                "{what}: it is called over HTTP, and this subject serves nothing; give it a {{port}}, or use a trigger and \
                 a probe without a call (`run`, `put`, `batch`; `stdout`, `files`)"
            )),
            _ => Ok(()),
        }
    }

    /// Paths that are asked for, with where they stand.
    fn paths(&self) -> Vec<(String, &str)> {
        let probes = self.probe.iter().filter_map(|(name, probe)| match &probe.source {
            ProbeSource::Http { get, .. } => Some((format!("probe.{}: get", name.word()), get.as_str())),
            _ => None,
        });
        let others = [("health", &self.health), ("webhooks", &self.webhooks)];
        let others =
            others.into_iter().filter_map(|(place, path)| Some((place.to_owned(), path.as_deref()?)));
        probes.chain(others).collect()
    }

    /// Whether there is something that can be called.
    fn serves(&self) -> bool {
        match &self.launch {
            LaunchSpec::Batch(_) => false,
            LaunchSpec::Command(spec) => spec.has_port(&self.versions),
            _ => true,
        }
    }

    /// What in the description calls the subject.
    fn calls(&self) -> Vec<String> {
        let setup = self.setup.keys().map(|name| format!("setup.{name}"));
        let called = |trigger: &Trigger| matches!(trigger, Trigger::Call(_) | Trigger::Tick(Some(_)));
        let triggers = self.trigger.iter().filter(|(_, trigger)| called(trigger));
        let probes = self.probe.iter().filter(|(_, probe)| matches!(probe.source, ProbeSource::Http { .. }));
        setup
            .chain(triggers.map(|(name, _)| format!("trigger.{name}")))
            .chain(probes.map(|(name, _)| format!("probe.{}", name.word())))
            .chain(self.webhooks.iter().map(|_| "webhooks".to_owned()))
            .chain(self.health.iter().map(|_| "health".to_owned()))
            .chain((self.clock == ClockKind::Endpoint).then(|| "clock = \"endpoint\"".to_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        toml::from_str::<SubjectSpec>(text).map_err(|error| error.to_string())?.check()
    }

    #[test]
    fn what_goes_together_is_taken() {
        for text in [
            "launch.url = \"http://127.0.0.1:1\"\nclock = \"endpoint\"\ntrigger.go = { tick = {} }",
            "launch.batch = { run = [\"true\"] }\nclock = \"faketime\"\ntrigger.go = { batch = [] }",
            "launch.command = { run = [\"x\", \"{port}\"] }\ntrigger.go = { call = \"POST /x\" }",
            "launch.command = { run = [\"x\"], ready = { line = \"ready\" } }\ntrigger.go = { put = \"{data}/a\", text = \"\" }",
        ] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_does_not_is_told() {
        for (text, told) in [
            ("launch.url = \"http://127.0.0.1:1\"\nclock = \"faketime\"", "clock: dates can be shifted only"),
            (
                "launch.url = \"http://127.0.0.1:1\"\ntrigger.go = { batch = [] }",
                "trigger.go: `batch` is for",
            ),
            (
                "launch.url = \"http://127.0.0.1:1\"\ntrigger.go = { tick = {} }",
                "trigger.go: `tick = {}` moves a clock",
            ),
            (
                "launch.batch = { run = [\"x\"] }\ntrigger.go = { call = \"POST /x\" }",
                "trigger.go: it is called over HTTP",
            ),
            (
                "launch.batch = { run = [\"x\"] }\nclock = \"endpoint\"",
                "clock = \"endpoint\": it is called over HTTP",
            ),
            (
                "launch.command = { run = [\"x\"], ready = { line = \"a\" } }\nprobe.destination = { get = \"/x\" }",
                "probe.destination: it is called over HTTP",
            ),
        ] {
            let error = checked(text).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
