//! What is told of a file that is broken: for each kind of mistake the place and the nearest valid word.

use super::rows::rows;
use std::path::Path;

/// A file with one part replaced.
fn with(steps: &str, expect: &str, more: &str) -> String {
    format!(
        "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: [p/f]\nsteps:\n  - {steps}\nexpect:\n  - {expect}\n{more}"
    )
}

fn step(step: &str) -> String {
    with(step, "alerts: {none: true}", "")
}

fn expect(expect: &str) -> String {
    with("settle: {}", expect, "")
}

fn more(more: &str) -> String {
    with("settle: {}", "alerts: {none: true}", more)
}

/// What is told of it, without the lines that show it.
fn told(text: &str) -> String {
    let problems = rows(Path::new("s.yaml"), text).map(|rows| format!("{} scenarios", rows.len()));
    let problems = problems.map_err(|problems| {
        let first = |problem: &counterpart_exchange::DocumentError| {
            problem.to_string().lines().next().unwrap_or_default().to_owned()
        };
        problems.iter().map(first).collect::<Vec<_>>().join("\n  and ")
    });
    problems.unwrap_or_else(|told| told)
}

#[test]
fn a_good_file_is_read() {
    assert_eq!(told(&more("")), "1 scenarios");
    assert_eq!(told(&more("cases: {a: {x: 1}, b: {x: two}}\n")), "2 scenarios");
}

#[test]
fn every_mistake_is_told_with_its_place_and_the_nearest_word() {
    let files = [
        more("titel: x\n"),
        more("invariants: {of: {polite: x}}\n"),
        more("allow: {unusd: x}\n"),
        more("quarantine: {reason: x, owner: y}\n"),
        more("quarantine: {reason: x, owner: y, until: soon}\n"),
        more("quarantine: {reason: x, ownr: y, until: 2026-12-31}\n"),
        more("faults: [{at: {exchang: list-1}, inject: {gone: {}}}]\n"),
        more("faults: [{at: {exchange: list-1}, inject: {gon: {}}}]\n"),
        more("faults: [{at: {exchange: list-1}, inject: {rate_limited: {retry_after: 3}}}]\n"),
        more("faults: [{at: {exchange: list-1}, inject: {rate_limited: {retry_after_s: x}}}]\n"),
        more("faults: [{at: {exchange: list-1}, times: 0, inject: {gone: {}}}]\n"),
        more("faults: [{at: {exchange: list-1}, times: allways, inject: {gone: {}}}]\n"),
        more("faults: {at: x}\n"),
        more("tls: yes\n"),
        step("trigr: {sync: {}}"),
        step("trigger: sync"),
        step("trigger: {sync: [x]}"),
        step("trigger: {sync: {}, capture: {Id: $.a}}"),
        step("trigger: {sync: {}, capture: {id: a.b}}"),
        step("setle: {}"),
        step("settle"),
        step("settle:"),
        step("settle: [1h]"),
        step("settle: {within: soon}"),
        step("settle: {within: 3months}"),
        step("settle: {withn: 1h}"),
        step("advance: {}"),
        step("advance: {by: -1h}"),
        step("repeat: {times: x, steps: []}"),
        step("call: {request: GET /x, status: 70000}"),
        step("call: {requst: GET /x}"),
        step("wait_for: {probe: run, record: {state: x}}"),
        step("wait_for: {probe: runs, record: {}}"),
        step("wait_for: {probe: runs, record: done}"),
        step("kill: now"),
        step("file: {name: x, half: maybe, text: x}"),
        step("settle: {}, advance: {by: 1h}"),
        step("parallel: {steps: {settle: {}}}"),
        expect("request: {to: x, count: 1}"),
        expect("requests: {to: '', count: 1}"),
        expect("requests: {to: list, count: many}"),
        expect("requests: {to: list, apart: {at_last: 3s}}"),
        expect("destination: {same_as: happy_pth}"),
        expect("destination: {records: [{id: {$typ: string}}]}"),
        expect("destination: {records: [{id: {$type: text}}]}"),
        expect("destination: {records: [{id: {$regex: '('}}]}"),
        expect("destination: {records: [{id: {$path: {id: 3}}}]}"),
        expect("destination: {records: [{id: {$near: {value: 3}}}]}"),
        expect("destination: {records: [{a: 1, $type: object}]}"),
        expect("alerts: {knds: [x]}"),
        expect("snapshot: {of: [destinations]}"),
        expect("audit: {entries: [{}]}"),
        expect("contract: true"),
        expect("files: {exists: [a]}"),
        expect("probe: {name: logs, record: {a: 1}}"),
        with("trigger: {sync: {room: '{rom}'}}", "alerts: {none: true}", "variables: {room: x}\n"),
        with("settle: {within: '{tenant}'}", "alerts: {none: true}", ""),
        with("call: {request: 'GET /runs/{id}'}", "alerts: {none: true}", ""),
        "counterpart: scenario/1\ntitle: t\ncovers: []\nfixtures: [p/f]\nsteps:\n  - call: {request: 'GET /{id}'}\n  - call: {request: GET /x, capture: {id: $.id}}\nexpect: []\n".to_owned(),
        with("call: {request: GET /x, capture: {room: $.id}}", "alerts: {none: true}", "variables: {room: x}\n"),
        more("variables: {Room: x}\n"),
        more("variables: {tenant: x}\n"),
        more("variables: {room: [x]}\n"),
        more("variables: {room: '{a}'}\n"),
        more("cases: {}\n"),
        more("cases: [a]\n"),
        more("cases: {a b: {x: 1}}\n"),
        more("cases: {a: {x: 1}, b: {y: 1}}\n"),
        with("settle: {within: '{x}'}", "alerts: {none: true}", "cases: {a: {x: 1h}, b: {x: soon}}\n"),
        more("title: again\n"),
        "counterpart: scenario/1\ntitle: t\n".to_owned(),
        "counterpart: scenario/1\ntitle: [\n".to_owned(),
        "counterpart: scenario/1\n\ttitle: t\n".to_owned(),
        "counterpart: scenario/2\ntitle: t\n".to_owned(),
        "title: t\n".to_owned(),
        "counterpart: scenario/1\n- a\n".to_owned(),
    ];
    assert!(files.len() >= 40);
    let all: Vec<String> = files.iter().map(|text| told(text)).collect();
    assert!(!all.iter().any(|told| told.ends_with("scenarios")), "each is refused: {all:#?}");
    insta::assert_snapshot!(all.join("\n"), @"");
}

#[test]
fn what_is_huge_or_deep_is_refused_in_bounded_time() {
    let huge = more(&format!("# {}\n", "x".repeat(2 * 1024 * 1024)));
    let deep = expect(&format!("destination: {{records: [{}{}]}}", "{a: ".repeat(5_000), "}".repeat(5_000)));
    let wide: String = (0..2_000).map(|row| format!("  r{row}: {{x: {row}}}\n")).collect();
    let wrong: String = (0..900).map(|row| format!("  r{row}: {{x: no-{row}}}\n")).collect();
    let wrong = with("settle: {within: '{x}'}", "alerts: {none: true}", &format!("cases:\n{wrong}"));
    for (text, expected) in [
        (huge, "a scenario has at most 1048576"),
        (deep, "s.yaml"),
        (more(&format!("cases:\n{wide}")), "`cases` has 2000 rows; at most 1000"),
        (wrong, "\"no-0\" is no length of time"),
    ] {
        let told = told(&text);
        assert!(told.contains(expected), "{expected}: {}", &told[..told.len().min(300)]);
        assert!(told.lines().count() <= 50);
    }
}

/// The parts of a file that hold while an example is about something else.
const REST: [(&str, &str); 6] = [
    ("counterpart", "counterpart: scenario/1\n"),
    ("title", "title: t\n"),
    ("covers", "covers: []\n"),
    ("fixtures", "fixtures: [p/f]\n"),
    ("steps", "steps: [{settle: {}}]\n"),
    ("expect", "expect: []\n"),
];

/// An example of the documentation as a whole file: a list is steps or expectations, a mapping is some keys of a file.
fn example_as_files(example: &str) -> Vec<String> {
    let whole = |key: &str, list: &str| {
        let rest: String = REST.iter().filter(|(name, _)| *name != key).map(|(_, text)| *text).collect();
        let list: String = list.lines().map(|line| format!("  {line}\n")).collect();
        format!("{rest}{key}:\n{list}")
    };
    if example.starts_with("- ") {
        return vec![whole("steps", example), whole("expect", example)];
    }
    let has = |key: &str| example.lines().any(|line| line.starts_with(&format!("{key}:")));
    let rest: String = REST.iter().filter(|(name, _)| !has(name)).map(|(_, text)| *text).collect();
    vec![if has("counterpart") { example.to_owned() } else { format!("{rest}{example}") }]
}

#[test]
fn every_example_of_the_documentation_is_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 25, "{}", examples.len());
    for example in examples.into_iter().filter(|example| !example.contains("counterpart: catalogue/")) {
        let told: Vec<String> = example_as_files(example).iter().map(|text| told(text)).collect();
        assert!(told.iter().any(|told| told.ends_with(" scenarios")), "{example}\n{told:#?}");
    }
}
