//! Values of arguments that are numbers and addresses: what is wrong with one is said in plain words.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

/// As many scenarios as may be asked for at once.
const MOST_JOBS: usize = 256;
/// As often as something may be tried again.
const MOST_RETRIES: u32 = 100;

/// What decides all that is drawn at random.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// A number from 1.
pub(super) fn from_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "expected a whole number from 1".to_owned())
}

/// A number of cases, from 1.
pub(super) fn cases(text: &str) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "expected a whole number from 1".to_owned())
}

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<usize>().ok().filter(|number| *number <= MOST_JOBS);
    number.and_then(NonZeroUsize::new).ok_or_else(|| format!("expected a number from 1 to {MOST_JOBS}"))
}

pub(super) fn retries(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| *number <= MOST_RETRIES);
    number.ok_or_else(|| format!("expected a number from 0 to {MOST_RETRIES}"))
}

/// Where to listen.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "expected an address and a port from 0 to 65535, as in 127.0.0.1:8080 or [::1]:8080; port 0 takes a free one"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use crate::arguments::Arguments;
    use clap::Parser;

    #[test]
    fn what_is_wrong_with_a_value_is_said_plainly() {
        let refused = [
            "run --max-fail 0",
            "run --max-fail -2",
            "run --seed x",
            "run --seed 99999999999999999999999",
            "run --retries 1000000",
            "run --retries -1",
            "run --jobs 0",
            "run --shard -1/3",
            "explore s.yaml --cases 0",
            "explore s.yaml --jobs -1",
            "serve sample --listen 127.0.0.1:99999",
            "serve sample --control localhost",
        ]
        .map(|line| {
            let words = std::iter::once("counterpart").chain(line.split(' '));
            let error = Arguments::try_parse_from(words).unwrap_err().to_string();
            let first = error.lines().next().unwrap_or_default().to_owned();
            assert!(!error.contains("use '-- "), "{error}");
            format!("{line}\n  {first}")
        });
        insta::assert_snapshot!(refused.join("\n"));
    }
}
