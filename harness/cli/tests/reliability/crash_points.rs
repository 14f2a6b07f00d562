//! The boundaries at which the runtime can be told to end, as it names them itself.

use crate::settings;
use std::process::Command;

/// Boundaries that webhooks pass all the time: each of them, those that are forwarded, or those that are applied. A run
/// in which one of these never ended the process has not proven enough.
pub(crate) const OF_WEBHOOKS: [&str; 8] = [
    "accept.before_commit",
    "accept.after_commit",
    "claim.before_commit",
    "claim.after_commit",
    "call.before",
    "call.after",
    "applied.before_commit",
    "applied.after_commit",
];

/// All names, in the runtime's order.
pub(crate) fn all() -> Vec<String> {
    let output = Command::new(settings::program()).args(["runtime", "crash-points"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "runtime crash-points: {}: {told}", output.status);
    let names = names(&String::from_utf8(output.stdout).unwrap());
    for name in OF_WEBHOOKS {
        assert!(names.iter().any(|known| known == name), "{name} is no crash point now: {names:?}");
    }
    names
}

/// The first word of each line.
fn names(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_is_the_first_word_of_its_line() {
        assert_eq!(
            names("accept.before_commit  nothing is there\n\ncall.after\n"),
            ["accept.before_commit", "call.after"]
        );
    }
}
