//! Any order of deliveries, repetitions, failures, lost workers, stale commits, holds and jumps of the clock: what was
//! accepted is applied exactly once in the end, in order where it is to stay in order, and nothing else is.
//!
//! What fails is printed as the fewest steps that fail, with the seed that finds them again:
//! `COUNTERPART_RELIABILITY_SEED`. `COUNTERPART_RELIABILITY_CASES` says how many cases are tried.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use super::*;

/// A thing that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Happens {
    /// An event comes: which, in what order key if any, and whether its body is another than the first time.
    Delivery {
        event: u8,
        key: Option<u8>,
        is_altered: bool,
    },
    /// A worker asks for work.
    Claim {
        worker: u8,
        most: u8,
    },
    /// A claim that somebody holds, or held, is committed as applied; the effect at the sink came before.
    Apply {
        claim: u8,
    },
    /// The effect happens and the worker is lost before it can commit.
    EffectOnly {
        claim: u8,
    },
    Fail {
        claim: u8,
        wait_s: u8,
    },
    Hold {
        claim: u8,
    },
    GiveBack {
        claim: u8,
    },
    /// All that a worker holds is forgotten; the database does not know.
    LoseWorker {
        worker: u8,
    },
    /// A worker stops in good order.
    Stop {
        worker: u8,
    },
    Renew {
        worker: u8,
    },
    Advance {
        seconds: u16,
    },
    ReleaseAll,
    Housekeeping,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        5 => (0..12_u8, prop::option::of(0..3_u8), prop::bool::weighted(0.1))
            .prop_map(|(event, key, is_altered)| Happens::Delivery { event, key, is_altered }),
        5 => (0..3_u8, 1..4_u8).prop_map(|(worker, most)| Happens::Claim { worker, most }),
        5 => any::<u8>().prop_map(|claim| Happens::Apply { claim }),
        2 => any::<u8>().prop_map(|claim| Happens::EffectOnly { claim }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(claim, wait_s)| Happens::Fail { claim, wait_s }),
        1 => any::<u8>().prop_map(|claim| Happens::Hold { claim }),
        1 => any::<u8>().prop_map(|claim| Happens::GiveBack { claim }),
        2 => (0..3_u8).prop_map(|worker| Happens::LoseWorker { worker }),
        1 => (0..3_u8).prop_map(|worker| Happens::Stop { worker }),
        1 => (0..3_u8).prop_map(|worker| Happens::Renew { worker }),
        3 => (0..200_u16).prop_map(|seconds| Happens::Advance { seconds }),
        1 => Just(Happens::ReleaseAll),
        1 => Just(Happens::Housekeeping),
    ]
}

/// What must be, beside the store.
struct Model {
    workers: Vec<Store>,
    now_s: i64,
    /// Claims that were given out, with the worker, newest last; stale ones among them.
    claims: Vec<(usize, Claim)>,
    /// Accepted events, and the first body of each.
    accepted: BTreeMap<String, String>,
    /// In which order those of a key were accepted.
    order: BTreeMap<String, Vec<String>>,
    /// Which were applied, by commits that were taken, in their order.
    applied: Vec<String>,
    /// Effects at an idempotent sink: how often each key came.
    sink: BTreeMap<String, u32>,
    /// Which ever stepped aside, so that their order is their own.
    stepped_aside: BTreeSet<String>,
}

type Checked = Result<(), TestCaseError>;

impl Model {
    fn new(place: &Place) -> Self {
        Self {
            workers: (0..3).map(|_| place.other_worker()).collect(),
            now_s: 0,
            claims: Vec::new(),
            accepted: BTreeMap::new(),
            order: BTreeMap::new(),
            applied: Vec::new(),
            sink: BTreeMap::new(),
            stepped_aside: BTreeSet::new(),
        }
    }

    fn now(&self) -> Timestamp {
        at(self.now_s)
    }

    fn chosen(&self, claim: u8) -> Option<(usize, Claim)> {
        let index = usize::from(claim).checked_rem(self.claims.len())?;
        Some(self.claims[index].clone())
    }

    /// What a worker takes for its own, stale or not.
    fn held_by(&self, worker: usize) -> Vec<Lease> {
        self.claims
            .iter()
            .filter(|(owner, _)| *owner == worker)
            .map(|(_, claim)| claim.lease.clone())
            .collect()
    }

    async fn play(&mut self, happens: Happens) -> Checked {
        match happens {
            Happens::Delivery { event, key, is_altered } => self.deliver(event, key, is_altered).await?,
            Happens::Claim { worker, most } => {
                let worker = usize::from(worker);
                let claimed = self.workers[worker]
                    .claim(self.now(), usize::from(most), self.held_by(worker))
                    .await
                    .unwrap();
                self.claims.extend(claimed.claims.into_iter().map(|claim| (worker, claim)));
            }
            Happens::Apply { claim } => {
                if let Some((worker, claim)) = self.chosen(claim) {
                    self.effect(&claim);
                    self.commit(worker, &claim).await?;
                }
            }
            Happens::EffectOnly { claim } => {
                if let Some((worker, claim)) = self.chosen(claim) {
                    self.effect(&claim);
                    self.claims.retain(|(owner, _)| *owner != worker);
                }
            }
            Happens::Fail { claim, wait_s } => {
                if let Some((worker, claim)) = self.chosen(claim) {
                    let retry = RetryCommit {
                        not_before: Some(at(self.now_s + i64::from(wait_s))),
                        cost: RetryCost::Attempt,
                        detail: "no".to_owned(),
                        alert: None,
                        doubt_since: None,
                    };
                    let audit = audit(&claim, AuditOutcome::ServerError);
                    let _ = self.workers[worker].commit_retry(audit, retry, self.now()).await;
                }
            }
            Happens::Hold { claim } => self.hold(claim).await,
            Happens::GiveBack { claim } => {
                if let Some((worker, claim)) = self.chosen(claim) {
                    let _ = self.workers[worker].give_back(claim.lease, self.now()).await;
                }
            }
            Happens::LoseWorker { worker } => self.claims.retain(|(owner, _)| *owner != usize::from(worker)),
            Happens::Stop { worker } => self.workers[usize::from(worker)].give_all_back().await.unwrap(),
            Happens::Renew { worker } => {
                let worker = usize::from(worker);
                self.workers[worker].renew_leases(self.held_by(worker), self.now()).await.unwrap();
            }
            Happens::Advance { seconds } => self.now_s += i64::from(seconds),
            Happens::ReleaseAll => {
                self.release_all().await;
            }
            Happens::Housekeeping => {
                self.workers[0].put_away(self.now()).await.unwrap();
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, number: u8, key: Option<u8>, is_altered: bool) -> Checked {
        let id = format!("Ev{number}");
        let body = format!("{id}{}", if is_altered { " altered" } else { "" });
        // An event's key is its own, whenever it comes.
        let key = self
            .accepted
            .get(&id)
            .map_or(key.map(|key| format!("{}k{key}", if key == 0 { "strict:" } else { "" })), |_| None);
        let counts =
            deliver(&self.workers[0], vec![event(&lane("a"), &id, &body, key.as_deref())], self.now_s).await;
        let is_new = !self.accepted.contains_key(&id);
        prop_assert_eq!((counts.accepted, counts.duplicates), (u32::from(is_new), u32::from(!is_new)));
        if is_new {
            self.accepted.insert(id.clone(), body);
            if let Some(key) = key {
                self.order.entry(key).or_default().push(id);
            }
        }
        Ok(())
    }

    fn effect(&mut self, claim: &Claim) {
        *self.sink.entry(claim.room.clone()).or_default() += 1;
    }

    async fn commit(&mut self, worker: usize, claim: &Claim) -> Checked {
        let Task::Event { payload, .. } = &claim.task else { panic!("{claim:?}") };
        let record = Box::new(record(&claim.room, payload));
        let effect = EventEffect::Upsert { room_id: "r".to_owned(), record, as_of_us: 1 };
        let lease = claim.lease.clone();
        match self.workers[worker].commit_event(claim.lane.clone(), lease, effect, self.now()).await {
            Ok(_) => {
                prop_assert!(!self.applied.contains(&claim.room), "{} was applied twice", claim.room);
                self.applied.push(claim.room.clone());
            }
            Err(StoreError::Stale) => {}
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    async fn hold(&mut self, claim: u8) {
        let Some((worker, claim)) = self.chosen(claim) else { return };
        let hold = Hold {
            reason: HoldReason::Refused,
            key: None,
            detail: "no".to_owned(),
            payload: None,
            room_id: None,
        };
        let held = RunHold { hold, pause: None, failed_attempts: 0 };
        let about = (claim.lane.clone(), claim.lease.clone());
        if self.workers[worker].hold_run(about, None, held, self.now()).await.is_ok() {
            self.stepped_aside.insert(claim.room);
        }
    }

    async fn release_all(&mut self) {
        // Poison steps aside without anybody's doing.
        for hold in shown(self.workers[0].runs(name("acme"))).await {
            if hold["state"] == "held" {
                self.stepped_aside.insert(hold["room"].as_str().unwrap().to_owned());
            }
        }
        let scope = ReleaseScope::Fingerprint(None);
        let released = self.workers[0].release(name("acme"), scope, Release::All, "me".into(), self.now());
        released.await.unwrap();
    }

    /// Lets `good`, a worker that nothing befalls, do all that is left, and looks at what came of it.
    async fn settle(mut self, good: Store) -> Checked {
        self.workers.push(good);
        let good = self.workers.len() - 1;
        for _ in 0..200 {
            self.now_s += 1_000;
            self.release_all().await;
            let claims = self.workers[good].claim(self.now(), 100, vec![]).await.unwrap().claims;
            if claims.is_empty() && claim_count(&self.workers[good]).await == 0 {
                break;
            }
            for claim in claims {
                self.effect(&claim);
                self.commit(good, &claim).await?;
            }
        }
        let mut applied = self.applied.clone();
        applied.sort();
        let accepted: Vec<_> = self.accepted.keys().cloned().collect();
        prop_assert_eq!(&applied, &accepted, "each accepted event is applied once, and no other");
        prop_assert!(accepted.iter().all(|id| self.sink.contains_key(id)), "each had its effect");
        let destination: BTreeMap<String, String> = shown(self.workers[0].messages(name("acme")))
            .await
            .into_iter()
            .map(|row| {
                (row["event_id"].as_str().unwrap().to_owned(), row["body"].as_str().unwrap().to_owned())
            })
            .collect();
        prop_assert_eq!(&destination, &self.accepted, "with the body that came first");
        for (key, accepted) in &self.order {
            let in_order = |id: &&String| key.starts_with("strict:") || !self.stepped_aside.contains(*id);
            let expected: Vec<_> = accepted.iter().filter(in_order).collect();
            let actual: Vec<_> =
                self.applied.iter().filter(|id| accepted.contains(*id)).filter(in_order).collect();
            prop_assert_eq!(actual, expected, "in the order of acceptance");
        }
        Ok(())
    }
}

fn hold_for(place: &(impl AsyncFn() -> Place + Sync), cases: u32) {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let seed = number("COUNTERPART_RELIABILITY_SEED", 20_260_101);
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    });
    let outcome = runner.run(&prop::collection::vec(happens(), 1..60), |steps| {
        tokio.block_on(async {
            let place = place().await;
            let mut model = Model::new(&place);
            for happens in steps {
                model.play(happens).await?;
            }
            let settled = model.settle(place.other_worker()).await;
            place.store.close().await;
            settled
        })
    });
    if let Err(error) = outcome {
        panic!(
            "{error}\nto find it again: COUNTERPART_RELIABILITY_SEED={seed} COUNTERPART_RELIABILITY_CASES={cases}\n"
        );
    }
}

/// Cases of a run; more by hand.
fn cases(bounded: u32) -> u32 {
    u32::try_from(number("COUNTERPART_RELIABILITY_CASES", u64::from(bounded))).unwrap_or(u32::MAX)
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn any_order_of_events_keeps_the_promises_on_postgres() {
    // One server for all cases, which each begin with an empty database.
    if TestPostgres::for_test("machine").is_some() {
        hold_for(&async || Place::postgres("machine").await.unwrap(), cases(8));
    }
}

#[test]
fn any_order_of_events_keeps_the_promises_on_sqlite() {
    hold_for(&Place::sqlite, cases(64));
}
