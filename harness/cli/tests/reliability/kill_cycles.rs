//! The runtime is killed under load, again and again: at random moments, and at each of its boundaries in turn. What it
//! acknowledged is there in the end, once.

use crate::crash_points::{self, OF_WEBHOOKS};
use crate::dice::Dice;
use crate::process::Process;
use crate::settings;
use crate::trial::Trial;
use counterpart_test_postgres::TestPostgres;
use std::time::Duration;

/// A cycle without a crash point of its own ends between these.
const SHORTEST_MS: u64 = 100;
const SPREAD_MS: u64 = 350;
/// A boundary that is not reached within this is passed by nothing here; the process is killed.
const CRASH_WITHIN: Duration = Duration::from_millis(600);
/// From its second turn on, a boundary is passed up to so many times before the process ends there.
const MOST_PASSES: u64 = 30;
/// A boundary that was not passed in its turn has another one after so many cycles.
const ANOTHER_TURN: u64 = 50;
/// What this load has to pass, and did not within its turns, has a last one: a slow machine may be late, not stay away.
const LAST_TURN: Duration = Duration::from_secs(20);
const SENDERS: u64 = 3;
/// As short as it may be: on PostgreSQL a process that was killed keeps its work for so long.
const LEASE_S: &str = "1";

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
    let mut plan = Plan::new(dice.apart(2), crash_points::all());
    let cycles = settings::cycles();
    for cycle in 0..cycles {
        let point = plan.crash_of(cycle);
        let span = if point.is_some() { CRASH_WITHIN } else { plan.moment() };
        let crashed =
            one_cycle(&trial, point.as_ref().map(|(_, crash)| crash.as_str()), span, cycle == 0).await;
        match point {
            Some((place, _)) => plan.points[place].crashes += u64::from(crashed),
            None => assert!(!crashed, "cycle {cycle}: it ended by itself"),
        }
    }
    let late = plan.late();
    let cycles = cycles + late.len() as u64;
    for point in late {
        let crashed = one_cycle(&trial, Some(&format!("{}:1", point.name)), LAST_TURN, false).await;
        assert!(crashed, "{} is not passed within {LAST_TURN:?} of load", point.name);
        point.crashes += 1;
    }
    let last = trial.launch().with("--lease-s", LEASE_S).start().await;
    let never = plan.never();
    let summary = format!(
        "{cycles} cycles, {} kills, {} crashes at {} of {} boundaries (not at {})",
        cycles - plan.crashes(),
        plan.crashes(),
        plan.points.len() - never.len(),
        plan.points.len(),
        if never.is_empty() { "none".to_owned() } else { never.join(" ") },
    );
    trial.judge(&last, &summary).await;
}

/// One process from its start to its end, which comes by itself where a boundary is named. Whether it did.
async fn one_cycle(trial: &Trial, crash: Option<&str>, span: Duration, is_first: bool) -> bool {
    let mut launch = trial.launch().with("--lease-s", LEASE_S);
    if let Some(crash) = crash {
        launch = launch.with("--crash-at", crash);
    }
    match launch.try_start().await {
        Ok(process) => {
            if is_first {
                trial.connect(&process).await;
            }
            under_load(trial, process, span).await
        }
        // What it finds to do may lead it there before it is up.
        Err(told) => {
            assert!(crash.is_some(), "it ended before it was up: {told}");
            true
        }
    }
}

/// The load runs until the process ends or its time is over; then it is killed. Whether it ended by itself.
async fn under_load(trial: &Trial, mut process: Process, span: Duration) -> bool {
    trial.load.aim(&[process.url()]);
    let crashed = trial.run(&mut process, span).await;
    trial.load.aim(&[]);
    process.kill();
    crashed
}

/// What happens in which cycle.
struct Plan {
    dice: Dice,
    points: Vec<Point>,
    next: usize,
}

/// A boundary, how often it had its turn, and how often a process ended there.
struct Point {
    name: String,
    turns: u64,
    crashes: u64,
}

impl Plan {
    fn new(dice: Dice, names: Vec<String>) -> Self {
        let points = names.into_iter().map(|name| Point { name, turns: 0, crashes: 0 }).collect();
        Self { dice, points, next: 0 }
    }

    /// Every second cycle ends at a boundary: at each in turn, the first time it is passed at once, and later at a
    /// random pass. One that was not passed here has another turn only after so many cycles more. The first number is the
    /// boundary's place.
    fn crash_of(&mut self, cycle: u64) -> Option<(usize, String)> {
        if cycle.is_multiple_of(2) {
            return None;
        }
        let count = self.points.len();
        let places = (self.next..count).chain(0..self.next);
        let place = places.into_iter().find(|place| {
            let point = &self.points[*place];
            point.crashes > 0 || point.turns <= cycle / ANOTHER_TURN
        })?;
        self.next = (place + 1) % count;
        let point = &mut self.points[place];
        point.turns += 1;
        let passes = if point.crashes == 0 { 1 } else { 1 + self.dice.below(MOST_PASSES) };
        Some((place, format!("{}:{passes}", point.name)))
    }

    fn moment(&mut self) -> Duration {
        Duration::from_millis(SHORTEST_MS + self.dice.below(SPREAD_MS))
    }

    /// What webhooks pass all the time, and at which no process ended.
    fn late(&mut self) -> Vec<&mut Point> {
        let is_late = |point: &&mut Point| point.crashes == 0 && OF_WEBHOOKS.contains(&point.name.as_str());
        self.points.iter_mut().filter(is_late).collect()
    }

    fn crashes(&self) -> u64 {
        self.points.iter().map(|point| point.crashes).sum()
    }

    /// Boundaries at which no process ended.
    fn never(&self) -> Vec<&str> {
        let never = self.points.iter().filter(|point| point.crashes == 0);
        never.map(|point| point.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Plan};

    fn plan(names: &[&str]) -> Plan {
        Plan::new(Dice::new(4), names.iter().map(|&name| name.to_owned()).collect())
    }

    /// The crashes of so many cycles, where only some boundaries are ever passed.
    fn played(plan: &mut Plan, cycles: u64, passed: &[&str]) -> Vec<String> {
        let mut crashes = Vec::new();
        for cycle in 0..cycles {
            let Some((place, crash)) = plan.crash_of(cycle) else { continue };
            let point = &mut plan.points[place];
            point.crashes += u64::from(passed.contains(&point.name.as_str()));
            crashes.push(crash);
        }
        crashes
    }

    #[test]
    fn each_boundary_has_its_turn_and_the_plan_is_played_again() {
        let names = ["a", "b", "c"];
        let crashes = played(&mut plan(&names), 14, &names);
        assert_eq!(crashes, played(&mut plan(&names), 14, &names));
        assert_eq!(crashes[..3], ["a:1", "b:1", "c:1"], "at once at first");
        let later: Vec<&str> = crashes[3..].iter().map(|crash| &crash[..1]).collect();
        assert_eq!(later, ["a", "b", "c", "a"], "7 of 14 cycles");
        assert!(crashes[3..].iter().any(|crash| !crash.ends_with(":1")), "and later some time: {crashes:?}");
    }

    #[test]
    fn a_boundary_that_is_not_passed_has_another_turn_much_later_and_is_told() {
        let mut plan = plan(&["a", "b", "c"]);
        let crashes = played(&mut plan, 58, &["a", "c"]);
        let names: String = crashes.iter().map(|crash| &crash[..1]).collect();
        assert_eq!((names.as_str(), plan.never()), ("abcacacacacacacacacacacacabca", vec!["b"]));
        assert_eq!(plan.crashes(), 27);
    }

    #[test]
    fn where_none_is_ever_passed_the_rest_are_kills() {
        assert_eq!(played(&mut plan(&["a", "b"]), 50, &[]), ["a:1", "b:1"]);
    }
}
