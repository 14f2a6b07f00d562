//! Names in braces that nobody gives a value: found when the description is read, before anything is started.
//!
//! A trigger's own words are a scenario's to give, and are looked at there. A name with a colon is a placeholder of a
//! fixture, a provider's word or a port, which are not known here.

use crate::probe::ProbeSource;
use crate::spec::{HttpCall, LaunchSpec, SubjectSpec};
use crate::template::{given_names, is_given, names_in, names_of};
use counterpart_exchange::suggest;

/// A name in braces that has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    /// The name, as it stands in the braces.
    pub name: String,
    /// Where in the description: `setup.credentials`.
    pub place: String,
}

impl std::fmt::Display for UnknownName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, place } = self;
        write!(formatter, "{place}: {{{name}}} stands for nothing")?;
        match suggest(name.trim_end_matches('?'), given_names().iter().copied()) {
            Some(near) => write!(formatter, "; did you mean `{{{near}}}`?"),
            None => write!(
                formatter,
                "; there are {{{}}}, and placeholders of the fixture as {{api_key:1}}; write {{{{ for a brace itself",
                given_names().join("}, {")
            ),
        }
    }
}

impl SubjectSpec {
    /// The names in its braces that no play gives a value, in `setup`, `probe`, `webhooks`, `files`, `health` and what is
    /// launched.
    #[must_use]
    pub fn unknown_names(&self) -> Vec<UnknownName> {
        let mut found = Vec::new();
        let mut look = |place: String, names: Vec<String>| {
            let unknown = names.into_iter().filter(|name| !self.has_value(name));
            found.extend(unknown.map(|name| UnknownName { name, place: place.clone() }));
        };
        for (name, call) in &self.setup {
            look(format!("setup.{name}"), names_of(call).into_iter().collect());
        }
        for (name, probe) in &self.probe {
            let names = match &probe.source {
                ProbeSource::Http { get, .. } => names_in(get),
                ProbeSource::Files { pattern, .. } => names_in(pattern),
                ProbeSource::Stdout(_) => Vec::new(),
                ProbeSource::Sql { query, database } => {
                    let of_query = query.names().map(str::to_owned);
                    of_query.chain(names_in(database.as_written())).collect()
                }
            };
            look(format!("probe.{}", name.word()), names);
        }
        let texts = [("webhooks", &self.webhooks), ("files", &self.files), ("health", &self.health)];
        for (place, text) in texts {
            look(place.to_owned(), text.iter().flat_map(|text| names_in(text)).collect());
        }
        self.look_at_launch(&mut look);
        found
    }

    fn look_at_launch(&self, look: &mut impl FnMut(String, Vec<String>)) {
        let (run, env) = match &self.launch {
            // A run of a batch is given its trigger's words too.
            LaunchSpec::Reference { .. } | LaunchSpec::Url(_) | LaunchSpec::Batch(_) => return,
            LaunchSpec::Command(spec) => (&spec.run, &spec.env),
            LaunchSpec::Container(spec) => (&spec.run, &spec.env),
        };
        let kind = self.launch.kind();
        look(format!("launch.{kind}.run"), run.iter().flat_map(|text| names_in(text)).collect());
        for (name, value) in env {
            look(format!("launch.{kind}.env.{name}"), names_in(value));
        }
        if let LaunchSpec::Command(spec) = &self.launch {
            for (name, content) in &spec.files {
                let call = HttpCall { call: String::new(), json: Some(content.clone()) };
                look(format!("launch.command.files.{name}"), names_of(&call).into_iter().collect());
            }
        }
    }

    fn has_value(&self, name: &str) -> bool {
        let is_of_container = matches!(self.launch, LaunchSpec::Container(_)) && name == "seed";
        let bare = name.strip_suffix('?').unwrap_or(name);
        bare.contains(':') || is_given(bare) || is_of_container
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(text: &str) -> Vec<String> {
        let spec: SubjectSpec = toml::from_str(text).unwrap();
        spec.unknown_names().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_without_a_value_are_told_with_the_nearest() {
        let text = r#"
            launch.command = { run = ["x", "{prt}"], env = { URL = "{base_ur}" }, files = { "a.json" = { a = "{bananas}" } } }
            setup.credentials = { call = "PUT /{tenat}", json = { url = "{base_ur}", token = "{access_tokn?}" } }
            probe.destination = { get = "/{provder}" }
            probe.runs = { sql = "SELECT * FROM a WHERE b = {tenan}", database = "sqlite:{dat}/a.db" }
            webhooks = "/{provier}"
        "#;
        insta::assert_snapshot!(unknown(text).join("\n"));
    }

    #[test]
    fn names_that_a_play_gives_are_taken() {
        let text = r#"
            launch.command = { run = ["x", "{port:admin}"], env = { URL = "{base_url:stripe}", KEY = "{api_key:1}" } }
            setup.credentials = { call = "PUT /{tenant}", json = { token = "{refresh_token?}", form = "{{word}}" } }
            probe.destination = { get = "/{provider}" }
            trigger.go = { call = "POST /{anything}" }
        "#;
        assert_eq!(unknown(text), Vec::<String>::new());
    }
}
