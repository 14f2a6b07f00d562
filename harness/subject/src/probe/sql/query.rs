//! A query with braces, which become parameters: what a variable holds is never read as SQL.

use crate::template::{TemplateError, Variables};

/// SQL, cut at its braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlQuery {
    written: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// A query whose parameters have values.
pub(super) struct Bound {
    /// The SQL, with `$1` or `?1` for the first.
    parts: Vec<BoundPart>,
    /// What the parameters hold; nothing is NULL.
    pub(super) values: Vec<Option<String>>,
    names: Vec<String>,
}

enum BoundPart {
    Text(String),
    Parameter(usize),
}

/// Names whose values are no secrets.
const PLAIN: [&str; 5] = ["provider", "base_url", "tenant", "data", "clock_start"];

impl SqlQuery {
    pub(in crate::probe) fn parse(written: &str) -> Result<Self, String> {
        // A query goes into a larger one.
        let sql = written.trim().trim_end_matches(';');
        if sql.is_empty() {
            return Err("`sql` is empty; it is a query like \"SELECT id, state FROM runs\"".to_owned());
        }
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut within = Within::Sql;
        let mut rest = sql;
        while let Some(one) = rest.chars().next() {
            let after = &rest[one.len_utf8()..];
            if matches!(one, '{' | '}') && after.starts_with(one) {
                text.push(one);
                rest = &after[1..];
                continue;
            }
            if one == '{' {
                let Some((name, behind)) = after.split_once('}') else {
                    return Err(format!(
                        "a brace in {written:?} is never closed; write {{{{ for a brace itself"
                    ));
                };
                within.refuse(name)?;
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Name(name.to_owned()));
                rest = behind;
                continue;
            }
            within = within.after(one, after);
            text.push(one);
            rest = after;
        }
        parts.push(Part::Text(text));
        Ok(Self { written: written.to_owned(), parts })
    }

    /// The names in its braces.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Gives each name its value. `{name?}` is NULL where there is none.
    pub(super) fn bind(&self, variables: &Variables) -> Result<Bound, TemplateError> {
        let mut bound = Bound { parts: Vec::new(), values: Vec::new(), names: Vec::new() };
        for part in &self.parts {
            let name = match part {
                Part::Text(text) => {
                    bound.parts.push(BoundPart::Text(text.clone()));
                    continue;
                }
                Part::Name(name) => name,
            };
            let at = match bound.names.iter().position(|known| known == name) {
                Some(at) => at,
                None => {
                    bound.values.push(match name.strip_suffix('?') {
                        Some(name) => variables.get(name).map(str::to_owned),
                        None => Some(variables.fill(&format!("{{{name}}}"))?),
                    });
                    bound.names.push(name.clone());
                    bound.names.len() - 1
                }
            };
            bound.parts.push(BoundPart::Parameter(at + 1));
        }
        Ok(bound)
    }
}

impl std::fmt::Display for SqlQuery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl Bound {
    /// The SQL, with this sign before a parameter's number.
    pub(super) fn sql(&self, sign: char) -> String {
        let mut sql = String::new();
        for part in &self.parts {
            match part {
                BoundPart::Text(text) => sql.push_str(text),
                BoundPart::Parameter(number) => {
                    sql.push(sign);
                    sql.push_str(&number.to_string());
                }
            }
        }
        sql
    }

    /// What a database said, without the values that may be secret: it repeats what it cannot read.
    pub(super) fn without_secrets(&self, said: &str) -> String {
        let mut said = said.to_owned();
        for (name, value) in self.names.iter().zip(&self.values) {
            let name = name.trim_end_matches('?');
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty() && !PLAIN.contains(&name)) {
                said = said.replace(value, &format!("{{{name}}}"));
            }
        }
        said
    }
}

/// What a sign stands in, as far as it matters for braces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Sql,
    Quotes(char),
    LineComment,
    BlockComment,
}

impl Within {
    fn after(self, one: char, rest: &str) -> Self {
        match (self, one) {
            (Self::Sql, '\'' | '"') => Self::Quotes(one),
            (Self::Sql, '-') if rest.starts_with('-') => Self::LineComment,
            (Self::Sql, '/') if rest.starts_with('*') => Self::BlockComment,
            // A quote within quotes is written twice, which is an end and a beginning.
            (Self::Quotes(quote), _) if one == quote => Self::Sql,
            (Self::LineComment, '\n') => Self::Sql,
            (Self::BlockComment, '*') if rest.starts_with('/') => Self::Sql,
            _ => self,
        }
    }

    fn refuse(self, name: &str) -> Result<(), String> {
        let place = match self {
            Self::Sql => return Ok(()),
            Self::Quotes(_) => "within quotes",
            Self::LineComment | Self::BlockComment => "within a comment",
        };
        Err(format!(
            "{{{name}}} stands {place} in `sql`; braces become parameters, so they stand alone: \
             `WHERE tenant = {{tenant}}`. Write {{{{ and }}}} for braces themselves"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("tenant", "it's; DROP TABLE x --");
        variables.set("access_token", "s3cret-value");
        variables
    }

    #[test]
    fn braces_become_parameters_and_never_text() {
        let query = SqlQuery::parse(
            "SELECT '{{\"a\": 1}}' AS x FROM t WHERE a = {tenant} AND (b = {tenant} OR c = {none?});",
        )
        .unwrap();
        let bound = query.bind(&variables()).unwrap();
        assert_eq!(bound.sql('$'), "SELECT '{\"a\": 1}' AS x FROM t WHERE a = $1 AND (b = $1 OR c = $2)");
        assert_eq!(bound.values, [Some("it's; DROP TABLE x --".to_owned()), None]);
    }

    #[test]
    fn braces_where_no_parameter_can_stand_are_refused() {
        let refused =
            ["SELECT '{tenant}'", "SELECT 1 -- {tenant}", "SELECT /* {tenant} */ 1", "SELECT {tenant", " ; "];
        insta::assert_snapshot!(refused.map(|sql| SqlQuery::parse(sql).unwrap_err()).join("\n"), @r#"
        {tenant} stands within quotes in `sql`; braces become parameters, so they stand alone: `WHERE tenant = {tenant}`. Write {{ and }} for braces themselves
        {tenant} stands within a comment in `sql`; braces become parameters, so they stand alone: `WHERE tenant = {tenant}`. Write {{ and }} for braces themselves
        {tenant} stands within a comment in `sql`; braces become parameters, so they stand alone: `WHERE tenant = {tenant}`. Write {{ and }} for braces themselves
        a brace in "SELECT {tenant" is never closed; write {{ for a brace itself
        `sql` is empty; it is a query like "SELECT id, state FROM runs"
        "#);
        assert!(SqlQuery::parse("SELECT 'it''s', \"a\"\"b\" /* - */, {tenant} -- '").is_ok());
        let unknown = SqlQuery::parse("SELECT {tenat}").unwrap().bind(&variables()).err().unwrap();
        assert!(unknown.to_string().contains("there are: access_token, tenant"), "{unknown}");
    }

    #[test]
    fn a_secret_is_taken_out_of_what_a_database_says() {
        let bound = SqlQuery::parse("SELECT {tenant}, {access_token}").unwrap().bind(&variables()).unwrap();
        let said = bound.without_secrets("invalid input: \"s3cret-value\" of it's; DROP TABLE x --");
        assert_eq!(said, "invalid input: \"{access_token}\" of it's; DROP TABLE x --");
    }
}
