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
#[expect(clippy::too_many_lines, reason = "one line a mistake, and one for what is told of it")]
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
    insta::assert_snapshot!(all.join("\n"), @r##"
    s.yaml:9:1: there is no key `titel` here; did you mean `title`?
    s.yaml:9:14: there is no key `of` here; did you mean `off`?
    s.yaml:9:9: there is no key `unusd` here; did you mean `unused`?
    s.yaml:9:13: the key `until` is missing; it is required here
    s.yaml:9:42: "soon" is no day; expected year, month and day, as in 2026-12-31
    s.yaml:9:25: there is no key `ownr` here; did you mean `owner`?
    s.yaml:9:16: there is no word `exchang` here; did you mean `exchange`?
    s.yaml:9:44: there is no word `gon` here; did you mean `gone`?
    s.yaml:9:59: there is no key `retry_after` here; did you mean `retry_after_s`?
    s.yaml:9:74: found the text "x"; expected a whole number from 0
    s.yaml:9:42: 0 times is never; expected a number from 1
    s.yaml:9:42: found the text "allways"; expected a number from 1, or the word `always`
    s.yaml:9:9: found a mapping; expected a list
    s.yaml:9:6: found the text "yes"; expected a mapping of keys to values
    s.yaml:6:5: there is no word `trigr` here; did you mean `trigger`?
    s.yaml:6:14: found the text "sync"; expected a mapping of keys to values
    s.yaml:6:21: found a list; expected a mapping of keys to values
    s.yaml:6:35: `Id` is no name; expected lower-case letters, digits and `_`, a letter first
    s.yaml:6:39: "a.b" is no JSONPath: at position 0, parser error; expected one like $.run.id or $.items[*].state
    s.yaml:6:5: there is no word `setle` here; did you mean `settle`?
    s.yaml:6:5: the word `settle` stands alone; give it its value, as in `settle: {}`
    s.yaml:6:11: found nothing; expected a mapping of keys to values
    s.yaml:6:13: found a list; expected a mapping of keys to values
    s.yaml:6:22: "soon" is no length of time; expected a length of time like 30s, 5m, 1h 30m or 10d
    s.yaml:6:22: "3months" cannot be counted in seconds; expected a length of time like 30s, 5m, 1h 30m or 10d
    s.yaml:6:14: there is no key `withn` here; did you mean `within`?
    s.yaml:6:14: the key `by` is missing; it is required here
    s.yaml:6:19: "-1h" goes backwards; expected a length of time like 30s, 5m, 1h 30m or 10d
    s.yaml:6:21: found the text "x"; expected a whole number from 0
    s.yaml:6:37: found the number 70000; expected a whole number from 0 to 65535
    s.yaml:6:12: there is no key `requst` here; did you mean `request`?
    s.yaml:6:23: there is no word `run` here; did you mean `runs`?
    s.yaml:6:37: names no field, and any record has none; name a field with its value
    s.yaml:6:37: expected a mapping of fields to values, as in {state: done}
    s.yaml:6:11: found the text "now"; expected a mapping of keys to values
    s.yaml:6:27: found the text "maybe"; expected true or false
    s.yaml:6:15: while parsing a block mapping, did not find expected key
    s.yaml:6:23: found a mapping; expected a list
    s.yaml:8:5: there is no word `request` here; did you mean `requests`?
    s.yaml:8:20: an empty selector; expected an operation's name, or method and path
    s.yaml:8:33: found the text "many"; expected a whole number from 0
    s.yaml:8:34: there is no key `at_last` here; did you mean `at_least`?
    s.yaml:8:28: there is no word `happy_pth` here; did you mean `happy_path`?
    s.yaml:8:35: there is no matcher `$typ` here; did you mean `$type`? (a literal object with such a key is written {$equal: {...}})
    s.yaml:8:42: there is no word `text` here; there are: string, number, integer, boolean, array, object, null
    s.yaml:8:43: "(" is no regular expression: unclosed group
    s.yaml:8:43: "id" is no JSONPath: at position 0, parser error; expected one like $.run.id or $.items[*].state
    s.yaml:8:42: the key `within` is missing; it is required here
    s.yaml:8:29: `$type` makes a mixture of fields and matchers; a mapping is either, so put the matcher under its field, or the fields under $path
    s.yaml:8:14: there is no key `knds` here; did you mean `kinds`?
    s.yaml:8:21: there is no word `destinations` here; did you mean `destination`?
    s.yaml:8:23: names no field, and any record has none; name a field with its value
    s.yaml:8:15: found `true`; expected a mapping of keys to values
    s.yaml:8:13: there is no key `exists` here; did you mean `exist`?
    s.yaml:8:19: there is no word `logs` here; did you mean `log`?
    s.yaml:6:28: there is no variable `rom` here; did you mean `room`? (in braces as text: {{rom}})
    s.yaml:6:22: `{tenant}` is known only once the scenario is played, and this is read before; a variable can stand here
    s.yaml:6:21: there is no variable `id` here; there are: provider, base_url, tenant, access_token, refresh_token, ca_pem, ca_file, clock_start, data, port, state, webhook_scheme, webhook_secret, webhook_account, idempotency_retention (in braces as text: {{id}})
    s.yaml:6:21: `{id}` is used before it is captured; capture it in an earlier step
    s.yaml:6:5: `room` has a value already; capture it under another name
    s.yaml:9:13: `Room` is no name; expected lower-case letters, digits and `_`, a letter first
    s.yaml:9:13: `tenant` is given to every subject and means something else already; choose another name
    s.yaml:9:19: the value of `room` must be a text, a number, or true or false
    s.yaml:9:19: the value of `room` holds a name in braces; a value is taken as it stands
    s.yaml:9:8: `cases` has no row, so nothing would be played; add one or leave it out
    s.yaml:9:8: expected a mapping of rows, each a name with its variables, as in {not-found: {status: 404}}
    s.yaml:9:9: `a b` cannot name a row; expected letters, digits, `-`, `_` and `.`
    s.yaml:9:20: the row `b` has no `x`, which the first row has
    s.yaml:6:22: "soon" is no length of time; expected a length of time like 30s, 5m, 1h 30m or 10d; in the row `b`
    s.yaml:9:1: the key `title` is given twice
    s.yaml:1:1: the key `covers` is missing; it is required here
    s.yaml:2:8: unclosed bracket '['
    s.yaml:1:14: while scanning a plain scalar, found a tab
    s.yaml:1:1: written as scenario/2, newer than the scenario/1 that this build reads; use a newer counterpart
    s.yaml:1:1: the first key must be `counterpart: scenario/1`
    s.yaml:2:3: while parsing a block mapping, did not find expected key
    "##);
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

/// A block that stands in a list is indented as a whole.
fn dedented(block: &str) -> String {
    let indent = block.len() - block.trim_start().len();
    block.lines().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect()
}

#[test]
fn every_example_of_the_documentation_is_read() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() > 25, "{}", examples.len());
    for example in
        examples.into_iter().map(dedented).filter(|example| !example.contains("counterpart: catalogue/"))
    {
        let told: Vec<String> = example_as_files(&example).iter().map(|text| told(text)).collect();
        assert!(told.iter().any(|told| told.ends_with(" scenarios")), "{example}\n{told:#?}");
    }
}
