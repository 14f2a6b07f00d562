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

    /// Where no Docker engine answers.
    const NO_ENGINE: &str = "unix:///nowhere";

    /// A machine without PostgreSQL.
    fn bare(require: bool) -> Settings {
        Settings { require, versions: "/nowhere".into(), ..Settings::default() }
    }

    fn refused(settings: &Settings) -> String {
        let panic = std::panic::catch_unwind(|| TestPostgres::with(settings, "a_test")).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn a_test_without_a_server_says_so_past_the_test_harness() {
        if std::env::var_os("COUNTERPART_BARE_MACHINE").is_some() {
            assert!(TestPostgres::with(&bare(false), "a_test").is_none());
            assert!(TestCluster::with(&bare(false), "another_test").is_none());
            return;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "missing::tests::a_test_without_a_server_says_so_past_the_test_harness"]);
        let ran = again.env("COUNTERPART_BARE_MACHINE", "1").env("DOCKER_HOST", NO_ENGINE).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && out.contains("1 passed"), "{out}{err}");
        // With the feature on, the reason is that of the engine's library.
        let (before, after) = err.split_once("a container (").unwrap();
        let after = after.split_once("); ").unwrap().1;
        let said = format!("{before}a container (REASON); {after}");
        insta::assert_snapshot!(said);
    }

    #[test]
    fn where_a_server_is_required_the_same_words_are_a_failure() {
        let expected = "a_test: it needs PostgreSQL, and there is none\n  looked for: COUNTERPART_TEST_POSTGRES (not set)";
        assert!(refused(&bare(true)).starts_with(expected));
    }
}
