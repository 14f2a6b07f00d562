//! What a test says that finds no PostgreSQL: a skipped test must not look like one that passed.

use crate::settings::{REQUIRE, SERVER, Settings};
use std::io::Write;

/// What can be done about it, but for installing PostgreSQL.
pub(crate) enum OtherWay {
    /// A server that runs already would do.
    NameOne,
    /// The test must be able to crash its server.
    None,
}

/// Says that the test is skipped, or fails it where a server is required.
pub(crate) fn tell(settings: &Settings, test: &str, looked_for: &[String], other_way: &OtherWay) {
    let words = words(test, looked_for, other_way);
    assert!(!settings.require, "{words}");
    // Not `eprintln!`: the test harness would keep that to itself, since the test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED {words}");
}

fn words(test: &str, looked_for: &[String], other_way: &OtherWay) -> String {
    let other_way = match other_way {
        OtherWay::NameOne => format!(
            ",\n    or set {SERVER}=postgres://user:password@127.0.0.1:5432/postgres for a user that may create databases"
        ),
        OtherWay::None => String::new(),
    };
    format!(
        "{test}: it needs PostgreSQL, and there is none\n  \
         looked for: {}\n  \
         to give it one: install PostgreSQL's server (Debian: apt-get install postgresql){other_way}\n  \
         {REQUIRE}=1 makes this a failure",
        looked_for.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TestCluster, TestPostgres};
    use std::process::Command;

    /// A machine without PostgreSQL.
    fn bare(require: bool) -> Settings {
        Settings { require, versions: "/nowhere".into(), ..Settings::default() }
    }

    /// Runs the test of this name once more, in a process without a Docker engine, unless this is that process.
    /// Answers with what it said on stderr.
    fn without_an_engine(test: &str) -> Option<String> {
        if std::env::var_os("COUNTERPART_WITHOUT_ENGINE").is_some() {
            return None;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &format!("missing::tests::{test}")]);
        again.env("COUNTERPART_WITHOUT_ENGINE", "1").env("DOCKER_HOST", "unix:///nowhere");
        let ran = again.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && out.contains("1 passed"), "{out}{err}");
        Some(err.into_owned())
    }

    #[test]
    fn a_test_without_a_server_says_so_past_the_test_harness() {
        let Some(said) = without_an_engine("a_test_without_a_server_says_so_past_the_test_harness") else {
            assert!(TestPostgres::with(&bare(false), "a_test").is_none());
            assert!(TestCluster::with(&bare(false), "another_test").is_none());
            return;
        };
        // With the feature on, the reason is that of the engine's library.
        let (before, after) = said.split_once("a container (").unwrap();
        let said = format!("{before}a container (REASON); {}", after.split_once("); ").unwrap().1);
        insta::assert_snapshot!(said);
    }

    #[test]
    fn where_a_server_is_required_the_same_words_are_a_failure() {
        if without_an_engine("where_a_server_is_required_the_same_words_are_a_failure").is_some() {
            return;
        }
        let refused = |panic: Box<dyn std::any::Any + Send>| panic.downcast_ref::<String>().unwrap().clone();
        let one = std::panic::catch_unwind(|| TestPostgres::with(&bare(true), "a_test")).unwrap_err();
        let looked_for = "  looked for: COUNTERPART_TEST_POSTGRES (not set); a container (";
        let expected = format!("a_test: it needs PostgreSQL, and there is none\n{looked_for}");
        assert!(refused(one).starts_with(&expected));
        let other = std::panic::catch_unwind(|| TestCluster::with(&bare(true), "another_test")).unwrap_err();
        assert!(refused(other).starts_with("another_test: it needs PostgreSQL, and there is none\n"));
    }
}
