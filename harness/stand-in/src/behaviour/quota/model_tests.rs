//! Limits against a naive model that keeps every request for ever and counts anew each time.

use super::meter::{Gauge, Wait};
use super::{Admission, Quota, Slots};
use counterpart_exchange::{
    Limit, LimitKind, OperationName, Per, ProviderProfile, Rate, TimeOfDay, WindowBegins,
};
use jiff::Timestamp;
use proptest::prelude::*;
use std::num::NonZeroU32;

const SECOND: i128 = 1_000_000_000;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn profile(limits: Vec<Limit>) -> ProviderProfile {
    ProviderProfile { quota: limits, ..ProviderProfile::unknown("p") }
}

fn limit(kind: LimitKind) -> Limit {
    let cost = [("free", 0), ("dear", 3)].map(|(name, cost)| (OperationName(name.to_owned()), cost));
    Limit {
        kind,
        per: Per::Client,
        operations: Vec::new(),
        cost: cost.into_iter().collect(),
        headers: indexmap::IndexMap::new(),
        refusal: counterpart_exchange::LimitRefusal::default(),
    }
}

fn at(nanos: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanos).unwrap()
}

/// What was admitted so far: when, and at which cost.
type Admitted = Vec<(i128, u32)>;

/// Whether the naive model lets a request through.
fn model_admits(kind: LimitKind, admitted: &Admitted, cost: u32, now: i128) -> bool {
    let since =
        |from: i128| admitted.iter().filter(|(at, _)| *at >= from).map(|(_, cost)| *cost).sum::<u32>();
    let passes = |used: u32| cost == 0 || used + cost <= kind.limit();
    match kind {
        LimitKind::TokenBucket { capacity, refill_per_s: rate }
        | LimitKind::LeakyBucket { capacity, leak_per_s: rate } => {
            // In parts of a token, of which so many come back each nanosecond, from the first request on.
            let (per_ns, parts) = (i128::from(rate.amount.get()), i128::from(rate.seconds.get()) * SECOND);
            let full = i128::from(capacity.get()) * parts;
            let mut free = full;
            let mut last = admitted.first().map_or(now, |(at, _)| *at);
            for (at, cost) in admitted {
                free = (free + (at - last) * per_ns).min(full) - i128::from(*cost) * parts;
                last = *at;
            }
            free = (free + (now - last) * per_ns).min(full);
            cost == 0 || free >= i128::from(cost) * parts
        }
        LimitKind::CallsPerSecond { .. } => passes(since(now - SECOND + 1)),
        LimitKind::RollingWindow { window_s, .. } => {
            passes(since(now - i128::from(window_s.get()) * SECOND + 1))
        }
        LimitKind::FixedWindow { window_s, begins: WindowBegins::Clock, .. } => {
            let length = i128::from(window_s.get()) * SECOND;
            passes(since(now - now.rem_euclid(length)))
        }
        LimitKind::FixedWindow { window_s, begins: WindowBegins::FirstRequest, .. } => {
            let length = i128::from(window_s.get()) * SECOND;
            let mut begin = None;
            for (at, _) in admitted.iter().filter(|(_, cost)| *cost > 0) {
                if begin.is_none_or(|begin| at - begin >= length) {
                    begin = Some(*at);
                }
            }
            passes(begin.filter(|begin| now - begin < length).map_or(0, since))
        }
        LimitKind::Daily { resets_at, .. } => {
            let phase = i128::from(resets_at.first_s()) * SECOND;
            passes(since(now - (now - phase).rem_euclid(86_400 * SECOND)))
        }
        LimitKind::Concurrency { .. } => true,
    }
}

fn kinds() -> impl Strategy<Value = LimitKind> {
    let limits = (3_u32..12).prop_map(number);
    let windows = (1_u32..20).prop_map(number);
    let rates = (1_u32..9, 1_u32..9)
        .prop_map(|(amount, seconds)| Rate { amount: number(amount), seconds: number(seconds) });
    let times = prop::sample::select(vec!["00:00Z", "02:30+01:00", "23:59-11:45", "12:00Z"])
        .prop_map(|text| text.parse::<TimeOfDay>().unwrap());
    let begins = prop::sample::select(vec![WindowBegins::Clock, WindowBegins::FirstRequest]);
    prop_oneof![
        (limits.clone(), rates.clone())
            .prop_map(|(capacity, refill_per_s)| LimitKind::TokenBucket { capacity, refill_per_s }),
        (limits.clone(), rates)
            .prop_map(|(capacity, leak_per_s)| LimitKind::LeakyBucket { capacity, leak_per_s }),
        limits.clone().prop_map(|limit| LimitKind::CallsPerSecond { limit }),
        (limits.clone(), windows.clone())
            .prop_map(|(limit, window_s)| LimitKind::RollingWindow { limit, window_s }),
        (limits.clone(), windows, begins).prop_map(|(limit, window_s, begins)| LimitKind::FixedWindow {
            limit,
            window_s,
            begins
        }),
        (limits, times).prop_map(|(limit, resets_at)| LimitKind::Daily { limit, resets_at }),
    ]
}

/// Requests as steps in time: some at once, some a little later, some at the very edge of a second or a day.
fn steps() -> impl Strategy<Value = Vec<(i128, &'static str)>> {
    let gaps = prop_oneof![
        4 => Just(0_i128),
        4 => 1..400_000_000_i128,
        2 => prop::sample::select(vec![SECOND - 1, SECOND, SECOND + 1, 3 * SECOND]),
        1 => (1..30_i128).prop_map(|seconds| seconds * SECOND),
        1 => prop::sample::select(vec![43_200 * SECOND, 86_400 * SECOND]),
    ];
    let operations = prop::sample::select(vec!["plain", "plain", "plain", "dear", "free"]);
    prop::collection::vec((gaps, operations), 1..60)
}

fn ask(quota: &mut Quota, operation: &str, now: i128) -> Result<(), Option<u64>> {
    match quota.admit(&OperationName(operation.to_owned()), None, at(now)) {
        Admission::Admitted { slots, .. } => {
            quota.finish(slots);
            Ok(())
        }
        Admission::Refused(refused) => Err(refused.wait_s),
    }
}

proptest! {
    /// Each limit by itself admits what the model admits, and nothing else: so no window ever holds more than its
    /// limit, and what was refused used nothing, since the model knows of admitted requests only.
    #[test]
    fn a_limit_admits_exactly_what_the_model_admits(kind in kinds(), steps in steps(), start in 0..90_000_i128) {
        let one = limit(kind);
        let mut quota = Quota::new(&profile(vec![one.clone()]));
        let (mut now, mut admitted) = (start * SECOND, Admitted::new());
        for (gap, operation) in steps {
            now += gap;
            let cost = one.cost_of(&OperationName(operation.to_owned()));
            let expected = model_admits(kind, &admitted, cost, now);
            prop_assert_eq!(ask(&mut quota, operation, now).is_ok(), expected, "{} at {}", operation, now);
            if expected {
                admitted.push((now, cost));
            }
        }
    }

    /// After the wait that was told one more request is always admitted, however many limits there are; and the
    /// wait is no second longer than it must be.
    #[test]
    fn who_waits_as_told_is_admitted(kinds in prop::collection::vec(kinds(), 1..4), steps in steps()) {
        let mut quota = Quota::new(&profile(kinds.iter().map(|kind| limit(*kind)).collect()));
        let mut now = 0;
        let mut admitted = Admitted::new();
        for (gap, operation) in steps {
            now += gap;
            let cost = limit(kinds[0]).cost_of(&OperationName(operation.to_owned()));
            if let Err(wait_s) = ask(&mut quota, operation, now) {
                let wait = i128::from(wait_s.unwrap()) * SECOND;
                let all_admit = |at: i128| kinds.iter().all(|kind| model_admits(*kind, &admitted, cost, at));
                prop_assert!(!all_admit(now + wait - SECOND), "a second less would do");
                now += wait;
                prop_assert_eq!(ask(&mut quota, operation, now), Ok(()));
            }
            admitted.push((now, cost));
        }
    }

    /// The wait is exact: a nanosecond less is too early.
    #[test]
    fn a_wait_is_neither_too_short_nor_too_long(kind in kinds(), steps in steps()) {
        let gauge = Gauge::of(kind);
        let (mut now, mut meter) = (0, gauge.fresh(0));
        for (gap, operation) in steps {
            now += gap;
            let cost = if operation == "dear" { 3 } else { 1 };
            meter.settle(gauge, now);
            if let Wait::For(wait) = meter.wait(gauge, cost, now) {
                prop_assert!(wait > 0);
                meter.settle(gauge, now + wait - 1);
                prop_assert_ne!(meter.wait(gauge, cost, now + wait - 1), Wait::No);
                now += wait;
                meter.settle(gauge, now);
            }
            prop_assert_eq!(meter.wait(gauge, cost, now), Wait::No);
            meter.take(gauge, cost, now);
        }
    }

    /// Never more slots are taken than there are, and each comes back once.
    #[test]
    fn slots_are_as_many_as_requests_under_way(begins in prop::collection::vec(any::<bool>(), 1..60)) {
        let kind = LimitKind::Concurrency { limit: number(5) };
        let mut quota = Quota::new(&profile(vec![limit(kind)]));
        let mut open: Vec<(Slots, u32)> = Vec::new();
        for (step, begin) in begins.into_iter().enumerate() {
            if !begin {
                if let Some((slots, _)) = open.pop() {
                    quota.finish(slots);
                }
                continue;
            }
            let operation = ["plain", "dear", "free"][step % 3];
            let cost = [1, 3, 0][step % 3];
            let used: u32 = open.iter().map(|(_, cost)| cost).sum();
            match quota.admit(&OperationName(operation.to_owned()), None, at(step as i128)) {
                Admission::Admitted { slots, .. } => {
                    prop_assert!(used + cost <= 5);
                    open.push((slots, cost));
                }
                Admission::Refused(refused) => {
                    prop_assert!(used + cost > 5);
                    prop_assert_eq!(refused.wait_s, None, "nobody knows when a request is over");
                }
            }
        }
    }
}

proptest! {
    // Each case is long.
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// A window with so many marks that they are put together admits later than it might, never more than it may.
    #[test]
    fn a_large_window_is_never_overrun(gaps in prop::collection::vec(0..40_000_000_i128, 1_500..3_000)) {
        let kind = LimitKind::RollingWindow { limit: number(1_200), window_s: number(10) };
        let mut quota = Quota::new(&profile(vec![limit(kind)]));
        let (mut now, mut admitted) = (0, Admitted::new());
        for gap in gaps {
            now += gap;
            match ask(&mut quota, "plain", now) {
                Ok(()) => admitted.push((now, 1)),
                Err(wait_s) => {
                    now += i128::from(wait_s.unwrap()) * SECOND;
                    prop_assert_eq!(ask(&mut quota, "plain", now), Ok(()));
                    admitted.push((now, 1));
                }
            }
        }
        for (index, (at, _)) in admitted.iter().enumerate() {
            let within = admitted[index..].iter().take_while(|(later, _)| later - at < 10 * SECOND).count();
            prop_assert!(within <= 1_200, "{within} from {at}");
        }
    }
}

#[test]
fn a_thousand_years_of_drops_do_not_drift() {
    // A third of a token a second: a sum of floats would be off by now.
    let rate = Rate { amount: number(1), seconds: number(3) };
    let kind = LimitKind::TokenBucket { capacity: number(1), refill_per_s: rate };
    let mut quota = Quota::new(&profile(vec![limit(kind)]));
    let mut now = 0;
    assert_eq!(ask(&mut quota, "plain", now), Ok(()));
    for _ in 0..200_000 {
        now += 3 * SECOND - 1;
        assert_eq!(ask(&mut quota, "plain", now), Err(Some(1)));
        now += 1;
        assert_eq!(ask(&mut quota, "plain", now), Ok(()));
    }
    // The largest figures that a profile can hold, over all the time there is.
    let rate = Rate { amount: NonZeroU32::MAX, seconds: NonZeroU32::MAX };
    let kind = LimitKind::LeakyBucket { capacity: NonZeroU32::MAX, leak_per_s: rate };
    let mut quota = Quota::new(&profile(vec![limit(kind)]));
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX, Timestamp::MIN] {
        assert_eq!(ask(&mut quota, "plain", now.as_nanosecond()), Ok(()));
    }
}

#[test]
fn keys_are_counted_apart_and_are_bounded() {
    let counted_per = |per: Per| {
        let kind = LimitKind::FixedWindow {
            limit: number(1),
            window_s: number(60),
            begins: WindowBegins::FirstRequest,
        };
        Quota::new(&profile(vec![Limit { per, cost: indexmap::IndexMap::new(), ..limit(kind) }]))
    };
    let requests = [("a", Some("t")), ("a", Some("u")), ("b", Some("t")), ("a", None), ("a", Some("t"))];
    for (per, expected) in [
        (Per::Client, [true, false, false, false, false]),
        (Per::Token, [true, true, false, true, false]),
        (Per::Operation, [true, false, true, false, false]),
        (Per::TokenAndOperation, [true, true, true, true, false]),
    ] {
        let mut quota = counted_per(per);
        let admitted = requests.map(|(operation, token)| {
            let admission = quota.admit(&OperationName(operation.to_owned()), token, at(0));
            matches!(admission, Admission::Admitted { .. })
        });
        assert_eq!(admitted, expected, "{per:?}");
    }
    let mut quota = counted_per(Per::Token);
    for number in 0..20_000 {
        let token = format!("made up {number}");
        let _ = quota.admit(&OperationName("a".to_owned()), Some(&token), at(0));
    }
    assert_eq!(quota.0[0].meters.len(), crate::behaviour::keyed::MAX_KEYS);
}
