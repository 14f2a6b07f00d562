//! A probe as `counterpart.toml` spells it: all sources' keys side by side, of which one source's are there.

use super::{Database, FileForm, Printed, Probe, ProbeSource, RecordsPlace, SqlQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A read of the subject's state: over HTTP (`get`), from a database (`sql`), from files (`files`), or of what the
/// subject printed (`stdout`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probe")]
pub(super) struct ProbeEntry {
    /// HTTP: the path, braces filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    get: Option<String>,
    /// A query, whose rows are the records. Braces become parameters, so they stand without quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    /// Where `sql` is put: `postgres://user:password@host:port/name`, or `sqlite:path`. Braces are filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// A pattern of paths on this machine, braces filled in: `{data}/out/*.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<String>,
    /// Files: what is read of each. By default their ending tells.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    form: Option<FileForm>,
    /// The lines of JSON that the subject printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stdout: Option<Printed>,
    /// HTTP, files of JSON: a JSON pointer (RFC 6901) to the list of records, or a JSONPath (RFC 9535), which begins
    /// with `$`. Without it the answer is the list, and a file is a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<String>,
    /// Destination, holds: the field that tells records apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Alerts: the field that says what the alert is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Holds: the field that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Runs: the field that says where a run stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Runs: the states in which nothing more will happen by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    settled: Vec<String>,
    /// Destination: fields of the records that differ from run to run, and are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    varies: Vec<String>,
}

impl TryFrom<ProbeEntry> for Probe {
    type Error = String;

    fn try_from(entry: ProbeEntry) -> Result<Self, String> {
        let source = entry.source()?;
        let ProbeEntry { key, kind, reason, state, settled, varies, .. } = entry;
        Ok(Self { source, key, kind, reason, state, settled, varies })
    }
}

impl ProbeEntry {
    fn source(&self) -> Result<ProbeSource, String> {
        let given = [
            ("get", self.get.is_some()),
            ("sql", self.sql.is_some()),
            ("files", self.files.is_some()),
            ("stdout", self.stdout.is_some()),
        ];
        let given: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        let [word] = given[..] else {
            let found =
                if given.is_empty() { "none".to_owned() } else { format!("`{}`", given.join("` and `")) };
            return Err(format!(
                "a probe has one source, and this one has {found}; give one of `get`, `sql` (with `database`), \
                 `files`, `stdout`"
            ));
        };
        self.refuse_keys_of_others(word)?;
        let records = self.records.as_deref().map(RecordsPlace::parse).transpose()?;
        if let Some(get) = &self.get {
            return Ok(ProbeSource::Http {
                get: get.clone(),
                records: records.unwrap_or_else(RecordsPlace::whole),
            });
        }
        if let Some(pattern) = &self.files {
            return Ok(ProbeSource::Files { pattern: pattern.clone(), form: self.form, records });
        }
        if let Some(printed) = &self.stdout {
            printed.check()?;
            return Ok(ProbeSource::Stdout(printed.clone()));
        }
        let database = self.database.as_deref().ok_or(
            "a probe with `sql` needs `database`: \"postgres://user:password@host:port/name\" or \
             \"sqlite:{data}/file.db\"",
        )?;
        let query = SqlQuery::parse(self.sql.as_deref().unwrap_or_default())?;
        Ok(ProbeSource::Sql { query, database: Database::parse(database)? })
    }

    fn refuse_keys_of_others(&self, word: &str) -> Result<(), String> {
        let keys = [
            ("database", self.database.is_some(), &["sql"][..]),
            ("as", self.form.is_some(), &["files"]),
            ("records", self.records.is_some(), &["get", "files"]),
        ];
        for (key, given, sources) in keys {
            if given && !sources.contains(&word) {
                return Err(format!(
                    "`{key}` says nothing to a probe with `{word}`; it goes with `{}`",
                    sources.join("` or `")
                ));
            }
        }
        Ok(())
    }
}

impl From<Probe> for ProbeEntry {
    fn from(probe: Probe) -> Self {
        let Probe { source, key, kind, reason, state, settled, varies } = probe;
        let mut entry = Self { key, kind, reason, state, settled, varies, ..Self::default() };
        match source {
            ProbeSource::Http { get, records } => {
                entry.get = Some(get);
                entry.records = (records != RecordsPlace::whole()).then(|| records.to_string());
            }
            ProbeSource::Sql { query, database } => {
                entry.sql = Some(query.to_string());
                entry.database = Some(database.as_written().to_owned());
            }
            ProbeSource::Files { pattern, form, records } => {
                entry.files = Some(pattern);
                entry.form = form;
                entry.records = records.map(|records| records.to_string());
            }
            ProbeSource::Stdout(printed) => entry.stdout = Some(printed),
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Probe, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    #[test]
    fn a_probe_is_written_as_it_was_read() {
        for text in [
            "get = \"/rows\"\nrecords = \"/items\"\nkey = \"id\"\n",
            "get = \"/rows\"\nrecords = \"$.items\"\nstate = \"at\"\nsettled = [\"done\"]\n",
            "sql = \"SELECT * FROM t WHERE tenant = {tenant}\"\ndatabase = \"sqlite:{data}/x.db\"\n",
            "files = \"{data}/*.csv\"\nas = \"csv\"\nkind = \"kind\"\n",
            "files = \"{data}/*.json\"\nrecords = \"/rows\"\nreason = \"why\"\n",
        ] {
            assert_eq!(toml::to_string(&read(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn a_probe_without_a_source_or_with_two_or_with_keys_of_another_is_refused() {
        let refused = [
            "key = \"id\"",
            "get = \"/rows\"\nfiles = \"*.json\"",
            "sql = \"SELECT 1 AS one\"",
            "get = \"/rows\"\ndatabase = \"sqlite:x\"",
            "sql = \"SELECT 1 AS one\"\ndatabase = \"sqlite:x\"\nrecords = \"/rows\"",
            "sql = \"SELECT 1 AS one\"\ndatabase = \"mysql://x\"",
            "get = \"/rows\"\nas = \"csv\"",
            "get = \"/rows\"\nrecords = \"rows\"",
        ];
        insta::assert_snapshot!(refused.map(|text| read(text).unwrap_err()).join("\n"), @r#"
        a probe has one source, and this one has none; give one of `get`, `sql` (with `database`), `files`, `stdout`
        a probe has one source, and this one has `get` and `files`; give one of `get`, `sql` (with `database`), `files`, `stdout`
        a probe with `sql` needs `database`: "postgres://user:password@host:port/name" or "sqlite:{data}/file.db"
        `database` says nothing to a probe with `get`; it goes with `sql`
        `records` says nothing to a probe with `sql`; it goes with `get` or `files`
        `database` begins with "mysql"; it is "postgres://user:password@host:port/name" or "sqlite:path", as in "sqlite:{data}/file.db"
        `as` says nothing to a probe with `get`; it goes with `files`
        `records = "rows"` is neither a JSON pointer, which begins with `/` as in "/items", nor a JSONPath, which begins with `$` as in "$.items[*]"
        "#);
    }
}
