//! What can be asked of these tests from outside: the long form, a seed to play again, another program.

use crate::dice::Dice;
use std::path::PathBuf;
use tokio::sync::{Mutex, MutexGuard};

/// Cycles on each store, where no other number is asked for.
const CYCLES: u64 = 50;
const SEED: u64 = 20_260_101;

/// One proof at a time: each loads the machine, and tells how long it took.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// How often the runtime is killed on each store.
pub(crate) fn cycles() -> u64 {
    number("COUNTERPART_RELIABILITY_CYCLES").unwrap_or(CYCLES)
}

/// How many times longer than by default the other proofs under load are to be.
pub(crate) fn times_longer() -> u64 {
    (cycles() / CYCLES).max(1)
}

pub(crate) fn seed() -> u64 {
    number("COUNTERPART_RELIABILITY_SEED").unwrap_or(SEED)
}

/// The program that is proven: the one that was just built, or another build of it.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("COUNTERPART_RELIABILITY_PROGRAM")
        .map_or_else(|| env!("CARGO_BIN_EXE_counterpart").into(), PathBuf::from)
}

/// The dice of one proof. The seed is printed, so that a failure can be played again.
pub(crate) fn dice(proof: &str) -> Dice {
    let seed = seed();
    tell(&format!("{proof}: COUNTERPART_RELIABILITY_SEED={seed}"));
    Dice::new(seed)
}

/// One line about a proof; `--nocapture` shows it of those that pass.
#[expect(clippy::print_stdout, reason = "what was measured is quoted in docs/reliability.md")]
pub(crate) fn tell(line: &str) {
    println!("reliability: {line}");
}

/// A proof that cannot be given here says so, also where output is captured.
pub(crate) fn skip(proof: &str, why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "reliability: {proof}: NOT PROVEN HERE: {why}");
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no whole number")))
}
