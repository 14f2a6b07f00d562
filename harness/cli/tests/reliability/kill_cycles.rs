//! The runtime is killed under load, again and again: at random moments, and at each of its boundaries in turn. What it
//! acknowledged is there in the end, once.

use crate::crash_points;
use crate::dice::Dice;
use crate::settings;
use crate::trial::Trial;
use counterpart_test_postgres::TestPostgres;
use std::collections::BTreeMap;
use std::time::Duration;

/// A cycle without a crash point of its own ends between these.
const SHORTEST_MS: u64 = 100;
const SPREAD_MS: u64 = 350;
/// A boundary that is not reached within this is passed by nothing here; the process is killed.
const CRASH_WITHIN: Duration = Duration::from_millis(600);
/// From its second turn on, a boundary is passed up to so many times before the process ends there.
const MOST_PASSES: u64 = 30;
const SENDERS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_on_sqlite_it_loses_and_doubles_nothing() {
    let _turn = settings::turn().await;
    killed_under_load("kill -9, SQLite", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_on_postgres_it_loses_and_doubles_nothing() {
    let _turn = settings::turn().await;
    let proof = "kill -9, PostgreSQL";
    let Some(postgres) = TestPostgres::for_test(proof) else { return };
    killed_under_load(proof, Some(postgres.url().to_owned())).await;
}

async fn killed_under_load(proof: &str, database: Option<String>) {
    let dice = settings::dice(proof);
    let trial = Trial::new(proof, SENDERS, &dice, database).await;
    let mut plan = Plan { dice: dice.apart(2), points: crash_points::all(), turns: BTreeMap::new() };
    let (mut killed, mut crashed) = (0_u64, BTreeMap::<String, u64>::new());
    let cycles = settings::cycles();
    for cycle in 0..cycles {
        let point = plan.crash_of(cycle);
        let mut launch = trial.launch().with("--lease-s", "1");
        if let Some((name, passes)) = &point {
            launch = launch.with("--crash-at", &format!("{name}:{passes}"));
        }
        let ended = match (launch.try_start().await, &point) {
            (Ok(mut process), _) => {
                if cycle == 0 {
                    trial.connect(&process).await;
                }
                trial.load.aim(&[process.url()]);
                let span = if point.is_some() { CRASH_WITHIN } else { plan.moment() };
                let ended = trial.run(&mut process, span).await;
                assert!(!ended || point.is_some(), "it ended by itself: {}", process.log());
                trial.load.aim(&[]);
                process.kill();
                ended
            }
            (Err(_), Some(_)) => true,
            (Err(told), None) => panic!("cycle {cycle}: it ended before it was up: {told}"),
        };
        match point {
            Some((name, _)) if ended => *crashed.entry(name).or_default() += 1,
            _ => killed += 1,
        }
    }
    let last = trial.launch().with("--lease-s", "1").start().await;
    let never: Vec<&str> = plan.never(&crashed);
    let summary = format!(
        "{cycles} cycles, {killed} kills, {} crashes at {} of {} boundaries (not reached: {})",
        crashed.values().sum::<u64>(),
        crashed.len(),
        plan.points.len(),
        if never.is_empty() { "none".to_owned() } else { never.join(" ") },
    );
    trial.judge(&last, &summary).await;
    let short: Vec<_> = crash_points::OF_EVERY_WEBHOOK.iter().filter(|name| never.contains(name)).collect();
    assert!(short.is_empty(), "never crashed at {short:?}: too few cycles, or the names have changed");
}

/// What happens in which cycle.
struct Plan {
    dice: Dice,
    points: Vec<String>,
    turns: BTreeMap<String, u64>,
}

impl Plan {
    /// Every second cycle ends at a boundary: at each in turn, the first time it is passed at once, and later at a
    /// random pass.
    fn crash_of(&mut self, cycle: u64) -> Option<(String, u64)> {
        if cycle.is_multiple_of(2) {
            return None;
        }
        let place = (cycle / 2) % self.points.len() as u64;
        let name = self.points[place as usize].clone();
        let turns = self.turns.entry(name.clone()).or_default();
        *turns += 1;
        let passes = if *turns == 1 { 1 } else { 1 + self.dice.below(MOST_PASSES) };
        Some((name, passes))
    }

    fn moment(&mut self) -> Duration {
        Duration::from_millis(SHORTEST_MS + self.dice.below(SPREAD_MS))
    }

    /// Boundaries that had a turn and ended no process.
    fn never(&self, crashed: &BTreeMap<String, u64>) -> Vec<&str> {
        self.turns.keys().map(String::as_str).filter(|name| !crashed.contains_key(*name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Plan};
    use std::collections::BTreeMap;

    #[test]
    fn each_boundary_has_its_turn_and_the_plan_is_played_again() {
        let plan = || Plan {
            dice: Dice::new(4),
            points: ["a", "b", "c"].map(str::to_owned).to_vec(),
            turns: BTreeMap::new(),
        };
        let played = |mut plan: Plan| (0..14).map(|cycle| plan.crash_of(cycle)).collect::<Vec<_>>();
        let first = played(plan());
        assert_eq!(first, played(plan()));
        let crashes: Vec<_> = first.iter().flatten().collect();
        let names: Vec<&str> = crashes.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "a", "b", "c", "a"]);
        assert!(crashes[..3].iter().all(|one| one.1 == 1), "at once at first: {crashes:?}");
        assert!(crashes[3..].iter().any(|one| one.1 > 1), "and later some time: {crashes:?}");
        assert_eq!(first.iter().filter(|one| one.is_none()).count(), 7);
    }

    #[test]
    fn a_boundary_that_ended_nothing_is_told() {
        let mut plan =
            Plan { dice: Dice::new(4), points: vec!["a".into(), "b".into()], turns: BTreeMap::new() };
        let _ = (plan.crash_of(1), plan.crash_of(3));
        assert_eq!(plan.never(&BTreeMap::from([("a".to_owned(), 1)])), ["b"]);
    }
}
