//! `counterpart run` and `merge` as pipelines use them: shards, retries, limits of failures, jobs, what failed last.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::{GOOD, Project, repository};
use counterpart_outcome::{Run, Verdict, canonical, read_run};
use std::collections::BTreeSet;
use std::path::Path;

const NAMES: [&str; 5] = ["a/one", "a/two", "b/three", "b/four", "c/five"];

/// Five scenarios, of which those that are named do not pass.
fn project(failing: &[&str]) -> Project {
    let project = Project::new();
    for name in NAMES {
        write(&project, name, !failing.contains(&name));
    }
    project
}

fn write(project: &Project, name: &str, passes: bool) {
    let text = if passes { GOOD.to_owned() } else { GOOD.replace("count: 72", "count: 73") };
    project.write(&format!("scenarios/{name}.yaml"), &text);
}

fn run_file(project: &Project, folder: &str) -> Run {
    read_run(&project.path(folder).join("run.json")).unwrap()
}

fn latest(project: &Project) -> Run {
    run_file(project, "target/counterpart/latest")
}

fn names(run: &Run) -> Vec<&str> {
    run.scenarios.iter().map(|scenario| scenario.name.as_str()).collect()
}

#[test]
fn shards_play_every_scenario_once_and_merge_into_the_run() {
    let project = project(&["b/three"]);
    assert_eq!(project.run(&["run", "--out", "whole"]).code, 1);
    let mut seen = BTreeSet::new();
    let mut codes = BTreeSet::new();
    for index in 1..=3 {
        let shard = format!("{index}/3");
        let ran = project.run(&["run", "--shard", &shard, "--out", &format!("shards/{index}")]);
        codes.insert(ran.code);
        assert!(ran.out.contains(&format!("Shard {shard} alone; the others decide with it.")), "{}", ran.out);
        let run = run_file(&project, &format!("shards/{index}"));
        assert_eq!(run.shard.as_ref().unwrap().part.to_string(), shard);
        let listed = project.run(&["run", "--shard", &shard, "--list", "--format", "json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
        let listed: Vec<&str> =
            listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(listed, names(&run));
        for name in names(&run) {
            assert!(seen.insert(name.to_owned()), "{name} is in two shards");
        }
    }
    assert_eq!(seen.len(), 5);
    assert_eq!(codes, BTreeSet::from([0, 1]), "one shard fails, the others do not");
    let merged = project.run(&[
        "merge",
        "shards/3",
        "shards/1/run.json",
        "shards/2",
        "--out",
        "merged",
        "--report",
        "ctrf=merged/ctrf.json",
    ]);
    assert_eq!(merged.code, 1, "{}", merged.err);
    assert!(merged.out.contains("NO-GO: 1 of 5 scenarios failed"), "{}", merged.out);
    assert!(merged.out.contains("scenarios/b/three.yaml:9:"), "{}", merged.out);
    assert_eq!(canonical(&run_file(&project, "merged")), canonical(&run_file(&project, "whole")));
    for file in ["junit.xml", "report.html", "ctrf.json"] {
        assert!(project.path("merged").join(file).exists(), "{file}");
    }

    let without = project.run(&["merge", "shards/1", "shards/3"]);
    assert_eq!(without.code, 2);
    insta::assert_snapshot!(without.err.trim(), @"error: shard 2 of 3 missing, so not everything was judged; give each shard's run file, or run it again with --shard");
    let twice = project.run(&["merge", "shards/1", "shards/1", "shards/2", "shards/3"]);
    assert_eq!((twice.code, twice.err.contains("shard 1/3 is there twice")), (2, true), "{}", twice.err);
    let whole = project.run(&["merge", "whole"]);
    assert_eq!((whole.code, whole.err.contains("is of a whole run")), (2, true), "{}", whole.err);
    let seeded = project.run(&["run", "--shard", "2/3", "--seed", "9", "--out", "seeded"]);
    assert!(seeded.code < 2, "{}", seeded.err);
    let foreign = project.run(&["merge", "shards/1", "seeded", "shards/3"]);
    assert_eq!((foreign.code, foreign.err.contains("the seed is 9")), (2, true), "{}", foreign.err);
    let none = project.run(&["merge", "nowhere"]);
    assert_eq!(none.code, 2, "{}", none.err);
}

#[test]
fn a_scenario_that_is_added_moves_no_other_to_another_shard() {
    let project = project(&[]);
    let shard = |index: u32| {
        let ran = project.run(&["run", "--list", "--shard", &format!("{index}/3")]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
            .lines()
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let before: Vec<_> = (1..=3).map(shard).collect();
    for name in ["a/aa", "b/zz", "z/new"] {
        write(&project, name, true);
    }
    for (before, after) in before.iter().zip((1..=3).map(shard)) {
        assert!(before.is_subset(&after), "{before:?} {after:?}");
    }
}

#[test]
fn a_shard_without_scenarios_writes_its_run_file_and_stops_nothing() {
    let project = project(&[]);
    let codes: Vec<i32> = (1..=4)
        .map(|index| {
            let (shard, out) = (format!("{index}/4"), format!("shards/{index}"));
            let ran = project.run(&["run", "c/five", "--shard", &shard, "--out", &out]);
            let says_so = format!("none of the scenarios belongs to shard {shard}; its run file says so\n");
            match run_file(&project, &out).scenarios.len() {
                0 => assert_eq!((ran.err, ran.out.contains("GO")), (says_so, false)),
                _ => assert!(ran.out.contains("GO: the only scenario passed"), "{}", ran.out),
            }
            ran.code
        })
        .collect();
    assert_eq!(codes, [0, 0, 0, 0]);
    let merged = project.run(&["merge", "shards/1", "shards/2", "shards/3", "shards/4", "--out", "merged"]);
    assert_eq!(merged.code, 0, "{}{}", merged.out, merged.err);
    assert_eq!(names(&run_file(&project, "merged")), ["c/five"]);
    let nothing = project.run(&["run", "--filter", "nothing-like-it", "--shard", "1/2"]);
    assert_eq!(nothing.code, 4, "what no shard has is a mistake");
}

#[test]
fn after_so_many_failures_no_further_scenario_begins() {
    let project = project(&["a/two", "b/four"]);
    let ran = project.run(&["run", "--fail-fast"]);
    assert_eq!(ran.code, 1, "a failure comes before what was not run");
    let run = latest(&project);
    assert_eq!(names(&run), ["a/one", "a/two", "b/four", "b/three", "c/five"]);
    let reason = |run: &Run, index: usize| match &run.scenarios[index].verdict {
        Verdict::Skipped { reason } => reason.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(
        [1, 2, 4].map(|index| reason(&run, index)),
        ["Failed", "not run after 1 failure", "not run after 1 failure"]
    );
    let skipped: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("skipped")).collect();
    insta::assert_snapshot!(skipped.join("\n"), @"
    skipped  b/four: not run after 1 failure
    skipped  b/three: not run after 1 failure
    skipped  c/five: not run after 1 failure
    ");
    assert_eq!(project.run(&["run", "--max-fail", "2"]).code, 1);
    let run = latest(&project);
    assert_eq!([1, 2, 3].map(|index| reason(&run, index)), ["Failed", "Failed", "not run after 2 failures"]);
    assert_eq!(project.run(&["run", "--max-fail", "3"]).code, 1);
    assert_eq!(latest(&project).totals().skipped, 0);
    assert_eq!(project.run(&["run", "--fail-fast", "--max-fail", "2"]).code, 2);
}

#[test]
fn what_did_not_pass_is_played_again_and_what_is_gone_is_told() {
    let project = project(&["a/two", "b/four"]);
    let none = project.run(&["run", "--rerun-failed"]);
    assert_eq!(none.code, 2);
    insta::assert_snapshot!(none.err.trim(), @"error: target/counterpart/latest/run.json: there is no last run, so nothing is known to have failed; run once without --rerun-failed, or say with --out where it wrote");
    assert_eq!(project.run(&["run", "--fail-fast", "--seed", "5"]).code, 1);
    write(&project, "a/two", true);
    std::fs::remove_file(project.path("scenarios/c/five.yaml")).unwrap();
    let again = project.run(&["run", "--rerun-failed"]);
    assert_eq!(again.code, 1, "{}", again.err);
    let run = latest(&project);
    assert_eq!(
        (names(&run), run.seed),
        (vec!["a/two", "b/four", "b/three"], 5),
        "what was left out is played too"
    );
    insta::assert_snapshot!(again.err.trim(), @"c/five did not pass in the last run, and is not among the scenarios of this one");
    write(&project, "b/four", true);
    assert_eq!(project.run(&["run", "--rerun-failed"]).code, 0);
    assert_eq!(names(&latest(&project)), ["b/four"]);
    let nothing = project.run(&["run", "--rerun-failed"]);
    assert_eq!(nothing.code, 4);
    insta::assert_snapshot!(nothing.err.trim(), @"no scenario under scenarios failed, errored or was left out in the last run");
    project.write("target/counterpart/latest/run.json", "{\"counterpart\": \"run/1\"");
    assert_eq!(
        project.run(&["run", "--rerun-failed"]).code,
        2,
        "a run file that is broken is no reason to play nothing"
    );
}

#[test]
fn parallel_scenarios_come_to_what_they_come_to_one_at_a_time() {
    let project = Project::new();
    let suite = repository().join("scenarios");
    let suite = suite.to_str().unwrap();
    let run = |jobs: &str| {
        let ran = project.run(&["run", suite, "--filter", "e !r", "--jobs", jobs, "--out", jobs]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let run = run_file(&project, jobs);
        assert!(run.scenarios.len() > 5);
        canonical(&run)
    };
    let one = run("1");
    assert_eq!(one, run("4"));
    assert_eq!(one, run("64"), "more jobs than scenarios");
    for wrong in ["0", "257", "many"] {
        assert_eq!(project.run(&["run", "--jobs", wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn each_failure_is_told_in_one_piece_however_many_scenarios_run_at_once() {
    let project = project(&NAMES);
    let ran = project.run(&["run", "--jobs", "5"]);
    assert_eq!(ran.code, 1);
    // Each line on a scenario is followed by its own failure, which ends before the next begins.
    let mut expected = None;
    let mut told = 0;
    for line in ran.out.lines() {
        if let Some(rest) = line.strip_prefix("failed   ") {
            let name = rest.split([' ', ':']).next().unwrap().to_owned();
            match expected.take() {
                None => expected = Some(name),
                Some(first) => {
                    assert_eq!(first, name);
                    told += 1;
                }
            }
        } else if let Some(name) = line.trim_start().strip_prefix("scenarios/") {
            assert!(ran.out.contains(name));
        }
    }
    assert_eq!((told, expected), (5, None), "{}", ran.out);
    assert_eq!(names(&latest(&project)), ["a/one", "a/two", "b/four", "b/three", "c/five"]);
}

#[test]
fn what_passes_only_when_tried_again_is_flaky_and_says_so_everywhere() {
    let project = Project::new();
    let server = flaky::Server::start();
    project.write("scenarios/s/good.yaml", &FLAKY.replace("{count}", "0"));
    project.configure(&server.subject());
    let arguments = ["run", "--subject", "mine", "--report", "markdown=r.md,ctrf=r.json"];
    let once = project.run(&arguments);
    assert_eq!(once.code, 1, "the first attempt fails: {}{}", once.out, once.err);
    server.begin_again();
    let ran = project.run(&[&arguments[..], &["--retries", "2"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let run = latest(&project);
    let [scenario] = &run.scenarios[..] else { panic!("one scenario") };
    assert_eq!(scenario.verdict, Verdict::Flaky);
    let attempts: Vec<_> = scenario.attempts.iter().map(|one| (one.number, one.verdict.clone())).collect();
    assert_eq!(
        attempts,
        [(1, Verdict::Failed), (2, Verdict::Passed)],
        "all are kept, and no more than needed"
    );
    assert!(!scenario.attempts[0].violations.is_empty());
    assert!(ran.out.contains("GO: the only scenario passed, but only when tried again"), "{}", ran.out);
    assert!(ran.out.contains("flaky    s/good"), "{}", ran.out);
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let folder = project.path("target/counterpart/latest");
    assert!(read(&folder.join("junit.xml")).contains("<flakyFailure"));
    assert!(read(&folder.join("report.html")).contains("flaky"));
    assert!(read(&project.path("r.md")).contains("Passed only when tried again"));
    let ctrf: serde_json::Value = serde_json::from_str(&read(&project.path("r.json"))).unwrap();
    assert_eq!(
        (ctrf["results"]["tests"][0]["flaky"].clone(), ctrf["results"]["tests"][0]["retries"].clone()),
        (true.into(), 1.into())
    );

    project.write("scenarios/s/good.yaml", &FLAKY.replace("{count}", "5"));
    let ran = project.run(&[&arguments[..], &["--retries", "2"]].concat());
    assert_eq!(ran.code, 1);
    assert_eq!(
        latest(&project).scenarios[0].attempts.len(),
        3,
        "what never passes is tried so often, and fails"
    );
    assert_eq!(project.run(&["run", "--retries", "101"]).code, 2);
}

#[test]
fn a_subject_that_all_scenarios_meet_is_met_by_one_at_a_time() {
    let project = Project::new();
    let server = flaky::Server::start();
    for name in ["one", "two", "three"] {
        project.write(&format!("scenarios/s/{name}.yaml"), &FLAKY.replace("{count}", "0"));
    }
    project.configure(&server.subject());
    let ran = project.run(&["run", "--subject", "mine", "--jobs", "3", "--retries", "1"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert_eq!(server.most_at_once(), 1);
    insta::assert_snapshot!(ran.err.trim(), @"--jobs 3: one at a time all the same, since all scenarios meet the same process of `mine`");
}

/// The happy path is the scenario itself.
const FLAKY: &str = "counterpart: scenario/1
title: Nothing is asked for
covers: []
fixtures: [stripe/create-customer]
steps:
  - trigger: {start: {}}
  - settle: {}
expect:
  - destination: {count: {count}}
allow:
  unused: nothing is asked for
";

/// An integration that writes one record too many, in the first play of every second one.
mod flaky {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counts {
        starts: AtomicUsize,
        under_way: AtomicUsize,
        most: AtomicUsize,
    }

    pub(super) struct Server {
        address: String,
        counts: Arc<Counts>,
    }

    impl Server {
        pub(super) fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let counts = Arc::new(Counts::default());
            let shared = Arc::clone(&counts);
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let counts = Arc::clone(&shared);
                    std::thread::spawn(move || serve(&stream, &counts));
                }
            });
            Self { address, counts }
        }

        pub(super) fn begin_again(&self) {
            self.counts.starts.store(0, Ordering::SeqCst);
        }

        pub(super) fn most_at_once(&self) -> usize {
            self.counts.most.load(Ordering::SeqCst)
        }

        pub(super) fn subject(&self) -> String {
            format!(
                "[subject.mine]\nlaunch = {{ url = \"http://{}\" }}\n\
                 [subject.mine.trigger.start]\ncall = \"POST /start\"\n\
                 [subject.mine.probe.destination]\nget = \"/rows\"\nrecords = \"/items\"\nkey = \"id\"\n\
                 [subject.mine.probe.runs]\nget = \"/runs\"\nrecords = \"/items\"\nstate = \"state\"\nsettled = [\"done\"]\n",
                self.address
            )
        }
    }

    fn serve(stream: &TcpStream, counts: &Counts) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut head = String::new();
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                line.clear();
            }
            let body = answer(&head, counts);
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            if (&mut &*stream).write_all(text.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// A play begins with a start and ends with the second look at the rows, of which the first is before the start.
    fn answer(head: &str, counts: &Counts) -> &'static str {
        let starts = counts.starts.load(Ordering::SeqCst);
        if head.starts_with("POST /start") {
            let under_way = counts.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            counts.most.fetch_max(under_way, Ordering::SeqCst);
            counts.starts.fetch_add(1, Ordering::SeqCst);
            return "{}";
        }
        if head.contains(" /rows") && counts.under_way.load(Ordering::SeqCst) > 0 {
            counts.under_way.fetch_sub(1, Ordering::SeqCst);
            return if starts % 2 == 1 { "{\"items\": [{\"id\": \"1\"}]}" } else { "{\"items\": []}" };
        }
        if head.contains(" /runs") && counts.under_way.load(Ordering::SeqCst) > 0 {
            return "{\"items\": [{\"state\": \"done\"}]}";
        }
        "{\"items\": []}"
    }
}
