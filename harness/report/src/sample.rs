//! Runs made by hand, for the tests of every format.

use counterpart_outcome::{
    Allowed, Answer, Attempt, CaseKind, Catalogued, Coverage, Digest, Environment, Evidence, ExchangeSeen,
    FixtureSeen, Found, Integration, InvariantOutcome, InvariantStatus, Place, Question, Replay,
    RequestCounts, Run, ScenarioOutcome, StepOutcome, SubjectSeen, Verdict, Violation, ViolationKind,
};
use jiff::{SignedDuration, Timestamp};

/// What a hostile provider could put wherever its text is shown.
pub(crate) fn hostile() -> String {
    let ten_kilobytes = "0123456789".repeat(1_000);
    format!(
        "</pre></script><script>alert(\"1\")</script>]]>&amp;'|`{{{{x}}}}``` @everyone <!-- \u{1b}[31m\u{0}\u{202e}txt\u{200f}\u{fffe} \
         «access_token:1» {ten_kilobytes}"
    )
}

/// A pass, a failure with two violations, an errored, a skipped and a flaky scenario, and a catalogue of
/// which a part is not covered.
pub(crate) fn run() -> Run {
    Run {
        counterpart: "run/1".into(),
        started_at: clock(0),
        wall_ms: 4_218,
        seed: 7,
        environment: Environment {
            counterpart: "0.1.0".into(),
            os: "linux".into(),
            arch: "x86_64".into(),
            cpus: 2,
        },
        subject: SubjectSeen {
            name: "orders-connector".into(),
            kind: "command".into(),
            version: Some("2.4.0".into()),
            digest: digest('a'),
            plants: vec!["dedupe_off".into()],
        },
        scenarios: vec![passed(), errored(), duplicate(), flaky(), skipped()],
        coverage: Coverage { cases: catalogue() },
        integrations: integrations(),
        shard: None,
    }
}

/// A run in which every text that can come from outside is [`hostile`].
pub(crate) fn hostile_run() -> Run {
    let mut run = run();
    run.subject.name = hostile();
    run.subject.version = Some(hostile());
    run.subject.plants = vec![hostile()];
    for case in &mut run.coverage.cases {
        (case.title, case.why) = (hostile(), hostile());
    }
    for integration in &mut run.integrations {
        integration.provider = hostile();
        integration.answers[2].found = Found::No { shown_by: vec![hostile()] };
        integration.answers[3].found = Found::NotShown { reason: hostile() };
    }
    for outcome in &mut run.scenarios {
        outcome.title = hostile();
        outcome.name = format!("folder {}/{}", hostile(), outcome.name);
        outcome.covers.push(hostile());
        if let Verdict::Skipped { reason } = &mut outcome.verdict {
            *reason = hostile();
        }
        for attempt in &mut outcome.attempts {
            attempt.error = attempt.error.as_ref().map(|_| hostile());
            for step in &mut attempt.steps {
                (step.step, step.result) = (hostile(), hostile());
            }
            for violation in &mut attempt.violations {
                violation.kind = ViolationKind::Step(hostile());
                violation.place.file = hostile();
                violation.message = hostile();
                (violation.expected, violation.actual) = (hostile(), hostile());
            }
            for exchange in &mut attempt.exchanges {
                (exchange.operation, exchange.target) = (hostile(), hostile());
                (exchange.fault, exchange.note) = (Some(hostile()), hostile());
            }
        }
    }
    run
}

/// A run of scenarios that ended as the words say.
pub(crate) fn run_of_verdicts(words: &[&str]) -> Run {
    let mut run = run();
    run.scenarios = words
        .iter()
        .zip(1..)
        .map(|(word, number): (_, u32)| {
            let mut outcome = match *word {
                "passed" => passed(),
                "failed" => duplicate(),
                "errored" => errored(),
                "skipped" => skipped(),
                _ => flaky(),
            };
            outcome.name = format!("suite/case-{number:03}");
            outcome.snapshots_pending.clear();
            outcome
        })
        .collect();
    run
}

/// An attempt that exchanged so much.
pub(crate) fn attempt_with_exchanges(number: u64) -> Attempt {
    let exchanges = (1..=number).map(|seq| exchange(seq, "ListOrders", "GET", "/orders", 200)).collect();
    Attempt { exchanges, ..attempt(Verdict::Passed) }
}

fn clock(milliseconds: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_millis(milliseconds)
}

fn digest(letter: char) -> Digest {
    Digest(letter.to_string().repeat(64))
}

fn place(file: &str, line: u64) -> Place {
    Place { file: format!("scenarios/{file}.yaml"), line, column: 5 }
}

fn scenario(name: &str, title: &str, covers: &[&str], verdict: Verdict) -> ScenarioOutcome {
    ScenarioOutcome {
        name: name.into(),
        title: title.into(),
        file: format!("scenarios/{name}.yaml"),
        digest: digest('b'),
        covers: covers.iter().map(|&id| id.into()).collect(),
        fixtures: vec![FixtureSeen { name: "shop/orders".into(), digest: digest('c') }],
        verdict,
        attempts: Vec::new(),
        snapshots_pending: Vec::new(),
        quarantine: None,
    }
}

fn attempt(verdict: Verdict) -> Attempt {
    let invariant = |name: &str, status| InvariantOutcome {
        name: name.into(),
        title: format!("What {name} says"),
        status,
    };
    let no_log = InvariantStatus::NotChecked { reason: "the subject offers no log".into() };
    Attempt {
        number: 1,
        verdict,
        error: None,
        steps: vec![
            StepOutcome {
                step: "trigger sync".into(),
                place: place("orders/duplicate-delivery", 9),
                at: clock(0),
                result: "202".into(),
            },
            StepOutcome {
                step: "settle".into(),
                place: place("orders/duplicate-delivery", 10),
                at: clock(40),
                result: "quiet after 3 timers".into(),
            },
        ],
        began_at: Some(clock(0)),
        violations: Vec::new(),
        invariants: vec![
            invariant("applied_once", InvariantStatus::Held),
            invariant("nothing_lost", InvariantStatus::Held),
            invariant("no_secret_shown", no_log.clone()),
            invariant("loud", no_log),
            invariant("polite", InvariantStatus::Off { reason: "the burst is the point".into() }),
        ],
        evidence: Evidence { failed_calls: 1, invalid_answers: 0, is_whole: Some(true) },
        replay: Replay {
            requests: RequestCounts { replayed: 9, volatile: 2, faulted: 1, ..RequestCounts::default() },
            unused_exchanges: vec!["shop/orders#CancelOrder-1".into()],
            allowed: vec![Allowed { what: "unused".into(), reason: "nobody cancels".into() }],
        },
        exchanges: Vec::new(),
        virtual_ms: 31_000,
        wall_ms: 184,
    }
}

fn exchange(seq: u64, operation: &str, method: &str, target: &str, status: u16) -> ExchangeSeen {
    ExchangeSeen {
        seq,
        at: clock(i64::try_from(seq).unwrap() * 250),
        operation: operation.into(),
        method: method.into(),
        target: target.into(),
        exchange: Some(format!("shop/orders#{operation}-{seq}")),
        fault: None,
        status: Some(status),
        note: "replayed".into(),
    }
}

fn passed() -> ScenarioOutcome {
    let exchanges = vec![
        exchange(1, "ListOrders", "GET", "/orders?page=1", 200),
        exchange(2, "ListOrders", "GET", "/orders?page=2", 200),
    ];
    ScenarioOutcome {
        attempts: vec![Attempt { exchanges, ..attempt(Verdict::Passed) }],
        snapshots_pending: vec!["scenarios/chat/happy-path.snap.new".into()],
        ..scenario(
            "chat/happy-path",
            "Each message of a room's history reaches the destination once",
            &["pattern/scheduled-import"],
            Verdict::Passed,
        )
    }
}

fn errored() -> ScenarioOutcome {
    let error = "the subject did not answer GET /health within 10 s of its start; \
                 its last line was: Error: listen EADDRINUSE";
    ScenarioOutcome {
        attempts: vec![Attempt {
            error: Some(error.into()),
            steps: Vec::new(),
            invariants: Vec::new(),
            virtual_ms: 0,
            ..attempt(Verdict::Errored)
        }],
        ..scenario(
            "orders/cold-start",
            "Orders that arrived while the connector was down are fetched",
            &["edge/missed-webhook"],
            Verdict::Errored,
        )
    }
}

fn duplicate() -> ScenarioOutcome {
    let mut exchanges = vec![
        exchange(1, "Token", "POST", "/oauth/token", 200),
        exchange(2, "ListOrders", "GET", "/orders?cursor=&limit=50", 200),
        exchange(3, "ListOrders", "GET", "/orders?cursor=b3JkZXJfMTAwMQ&limit=50", 401),
        exchange(4, "Token", "POST", "/oauth/token", 200),
        exchange(5, "ListOrders", "GET", "/orders?cursor=b3JkZXJfMTAwMQ&limit=50", 200),
        exchange(6, "UpdateOrder", "PUT", "/orders/1001", 0),
        exchange(7, "UpdateOrder", "PUT", "/orders/1001", 200),
        exchange(8, "ListOrders", "GET", "/orders?cursor=b3JkZXJfMTA1MQ&limit=50", 200),
        exchange(9, "ListOrders", "GET", "/orders?cursor=b3JkZXJfMTEwMQ&limit=50", 200),
        exchange(10, "ListOrders", "GET", "/orders?cursor=b3JkZXJfMTE1MQ&limit=50", 200),
    ];
    exchanges[2].fault = Some("expired_token".into());
    exchanges[2].note = "answered in place of shop/orders#ListOrders-2".into();
    exchanges[5].fault = Some("applied_answer_lost".into());
    exchanges[5].status = None;
    exchanges[5].note = "applied, then the connection was reset before the answer".into();
    let mut failed = attempt(Verdict::Failed);
    failed.invariants[0].status = InvariantStatus::Violated;
    ScenarioOutcome {
        attempts: vec![Attempt { violations: twice_and_too_often(), exchanges, ..failed }],
        ..scenario(
            "orders/duplicate-delivery",
            "An order whose answer is lost is written once",
            &["edge/answer-lost", "auth/token-expired"],
            Verdict::Failed,
        )
    }
}

fn twice_and_too_often() -> Vec<Violation> {
    vec![
        Violation {
            kind: ViolationKind::Invariant("applied_once".into()),
            place: Place { column: 1, ..place("orders/duplicate-delivery", 1) },
            message: "order 1001 was written to the destination twice".into(),
            expected: "one row for each order_id".into(),
            actual: "2 rows with order_id 1001:\n{\"order_id\": 1001, \"state\": \"paid\"}\n{\"order_id\": 1001, \"state\": \"paid\"}".into(),
            exchanges: vec![6, 7],
        },
        Violation {
            kind: ViolationKind::Expectation("requests".into()),
            place: place("orders/duplicate-delivery", 14),
            message: "the token was asked for once more than allowed".into(),
            expected: "POST /oauth/token: at most 1".into(),
            actual: "2".into(),
            exchanges: vec![1, 4],
        },
    ]
}

fn flaky() -> ScenarioOutcome {
    let violation = Violation {
        kind: ViolationKind::Unmatched,
        place: place("orders/slow-answer", 6),
        message: "GET /orders/1002/items is in no fixture".into(),
        expected: "only requests that shop/orders holds".into(),
        actual: "GET /orders/1002/items, nearest: GET /orders/1002 (ListItems-1)".into(),
        exchanges: vec![1],
    };
    let mut unmatched = exchange(1, "ListItems", "GET", "/orders/1002/items", 501);
    (unmatched.exchange, unmatched.note) = (None, "unmatched".into());
    let first =
        Attempt { violations: vec![violation], exchanges: vec![unmatched], ..attempt(Verdict::Failed) };
    ScenarioOutcome {
        attempts: vec![first, Attempt { number: 2, ..attempt(Verdict::Passed) }],
        ..scenario(
            "orders/slow-answer",
            "An answer that takes 9 s is waited for",
            &["edge/slow-answer"],
            Verdict::Flaky,
        )
    }
}

fn skipped() -> ScenarioOutcome {
    let reason = "needs a clock that can jump; clock of the subject: real".to_owned();
    scenario(
        "schedules/week-between-stages",
        "A schedule is kept over a week",
        &["pattern/schedule"],
        Verdict::Skipped { reason },
    )
}

fn integrations() -> Vec<Integration> {
    let by = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
    let found = [
        Found::Yes { shown_by: by(&["chat/happy-path", "orders/slow-answer"]) },
        Found::Yes { shown_by: by(&["orders/slow-answer"]) },
        Found::No { shown_by: by(&["orders/duplicate-delivery"]) },
        Found::NotShown { reason: "the subject offers no log".into() },
    ];
    let answers = Question::ALL.into_iter().zip(found);
    let answers = answers.map(|(question, found)| Answer { question, found }).collect();
    vec![Integration { provider: "shop".into(), answers }]
}

fn case(id: &str, kind: CaseKind, title: &str, why: &str, covered_by: &[&str]) -> Catalogued {
    let names = |wanted: &str| {
        let names = covered_by.iter().filter(|name| name.ends_with(wanted));
        names.map(|&name| name.to_owned()).collect::<Vec<_>>()
    };
    Catalogued {
        id: id.into(),
        kind,
        title: title.into(),
        why: why.into(),
        required: id == "edge/answer-lost" || id == "throttle/daily-quota",
        covered_by: names(""),
        failed_in: names("delivery"),
    }
}

fn catalogue() -> Vec<Catalogued> {
    vec![
        case(
            "edge/answer-lost",
            CaseKind::EdgeCase,
            "A write is applied and its answer lost",
            "A retry writes the order twice.",
            &["orders/duplicate-delivery"],
        ),
        case(
            "edge/slow-answer",
            CaseKind::EdgeCase,
            "An answer takes longer than usual",
            "A time-out that is too short fails work that was done.",
            &["orders/slow-answer"],
        ),
        case(
            "edge/missed-webhook",
            CaseKind::EdgeCase,
            "A webhook never arrives",
            "An order stays unknown until somebody complains.",
            &[],
        ),
        case(
            "edge/clock-skew",
            CaseKind::EdgeCase,
            "The provider's clock is ahead",
            "Signatures that are valid are refused.",
            &[],
        ),
        case(
            "pattern/scheduled-import",
            CaseKind::Pattern,
            "Data is imported on a schedule",
            "Half of all integrations do only this.",
            &["chat/happy-path"],
        ),
        case(
            "auth/token-expired",
            CaseKind::Auth,
            "A token expires between two pages",
            "It happens once an hour, in the middle of something.",
            &["orders/duplicate-delivery"],
        ),
        case(
            "throttle/daily-quota",
            CaseKind::Throttle,
            "A daily quota runs out",
            "The rest of the day's data must wait, not vanish.",
            &[],
        ),
        case(
            "alert/volume-zero",
            CaseKind::Alert,
            "Nothing has arrived for a day",
            "Silence looks like success.",
            &["chat/happy-path", "orders/duplicate-delivery"],
        ),
    ]
}
