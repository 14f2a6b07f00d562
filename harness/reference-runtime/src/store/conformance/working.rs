//! Who works on what, and whose outcome counts.

use super::*;

conformance! {
    async fn imports_of_a_connection_go_one_after_the_other(place: Place) {
        let store = &place.store;
        for (connection, room) in [("a", "!1"), ("a", "!2"), ("b", "!3")] {
            import(store, &lane(connection), room).await;
        }
        let claims = claim_all(store, 0).await;
        assert_eq!(rooms(&claims), ["!1", "!3"]);
        assert!(claim_all(store, 0).await.is_empty());
        assert_eq!((claims[0].provider.as_str(), claims[0].max_requests_per_second), ("matrix", Some(2.5)));
        store.commit_page(audit(&claims[0], AuditOutcome::Ok), page(&["e1"], Some("t1")), at(0)).await.unwrap();
        let next = claim_one(store, 0).await;
        assert_eq!((next.room.as_str(), next.cursor.as_deref(), next.pages), ("!1", Some("t1"), 1));
        assert!(store.leads_back(next.run(), "t1".to_owned()).await.unwrap());
        assert!(!store.leads_back(next.run(), "t2".to_owned()).await.unwrap());
        let written =
            store.commit_page(audit(&next, AuditOutcome::Ok), page(&["e1", "e2"], None), at(0)).await.unwrap();
        assert_eq!((written.new, written.repeated), (1, 1));
        assert_eq!(rooms(&claim_all(store, 0).await), ["!2"]);
        assert_eq!(states(store).await, ["succeeded", "running", "running"]);
        assert_eq!(column(store.messages(name("acme")), "event_id").await, ["e1", "e2"]);
        assert_eq!(store.backlog(), 2);
    }

    async fn a_stale_claim_commits_nothing(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let stale = claim_one(first, 0).await;
        assert!(claim_all(&second, 59).await.is_empty(), "the lease holds");
        let fresh = claim_one(&second, 60).await;
        assert!(fresh.lease.epoch > stale.lease.epoch);
        let effect = |body| EventEffect::Upsert {
            room_id: "r".to_owned(),
            record: Box::new(record("m1", body)),
            as_of_us: 1,
        };
        let commit = |store: Store, claim: Claim, body| async move {
            store.commit_event(claim.lane.clone(), claim.lease.clone(), effect(body), at(60)).await
        };
        let refused = commit(first.clone(), stale.clone(), "stale").await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale), "{refused}");
        let retried = RetryCommit { not_before: None, cost: RetryCost::Attempt, detail: String::new(), alert: None, doubt_since: None };
        let refused = first.commit_retry(audit(&stale, AuditOutcome::TimedOut), retried, at(60)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale), "{refused}");
        for refused in [
            first.give_back(stale.lease.clone(), at(60)).await,
            first.put_off(stale.lease.clone(), at(60)).await,
            first.intend(stale.lease.clone(), Operation::Deliver, ("POST".into(), "/".into()), at(60)).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
        }
        assert_eq!(commit(second, fresh.clone(), "fresh").await.unwrap(), EventOutcome::Applied);
        let again = commit(first.clone(), fresh, "again").await.unwrap_err();
        assert!(matches!(again, StoreError::Stale), "a run that is done is nobody's");
        assert_eq!(column(first.messages(name("acme")), "body").await, ["fresh"]);
        assert_eq!(column(first.audit(name("acme")), "operation").await, ["webhook"], "no row of the stale call");
    }

    async fn a_lease_that_is_renewed_holds(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(first, 0).await;
        first.renew_leases(vec![claim.lease.clone()], at(50)).await.unwrap();
        assert!(claim_all(&second, 60).await.is_empty());
        finish(first, &claim).await.unwrap();
        assert!(claim_all(&second, 1_000).await.is_empty());
    }

    async fn its_own_leases_are_not_taken_from_a_worker(place: Place) {
        deliver(&place.store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(&place.store, 0).await;
        let in_hand = vec![claim.lease.clone()];
        assert!(place.store.claim(at(1_000), 9, in_hand).await.unwrap().claims.is_empty(), "whoever asks is not lost");
        finish(&place.store, &claim).await.unwrap();
    }

    async fn a_claim_whose_answer_was_lost_lapses_even_where_its_worker_lives(place: Place) {
        deliver(&place.store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        drop(claim_one(&place.store, 0).await);
        place.store.renew_leases(vec![], at(59)).await.unwrap();
        assert_eq!(claim_one(&place.store, 60).await.room, "Ev1");
    }

    async fn waits_are_kept_and_counted_by_their_cost(place: Place) {
        import(&place.store, &lane("a"), "!r").await;
        let claim = claim_one(&place.store, 0).await;
        retry(&place.store, &claim, RetryCost::Attempt, 300).await;
        let waiting = place.store.claim(at(299), 100, vec![]).await.unwrap();
        assert_eq!((waiting.claims.len(), waiting.next), (0, Some(at(300))));
        let place = place.reopen(at(299)).await;
        let store = &place.store;
        assert!(claim_all(store, 299).await.is_empty(), "over a restart");
        let claim = claim_one(store, 300).await;
        assert_eq!((claim.failures_in_a_row, claim.attempt()), (1, 2));
        retry(store, &claim, RetryCost::RateLimitWait, 301).await;
        let claim = claim_one(store, 301).await;
        assert_eq!((claim.failures_in_a_row, claim.rate_limits_in_a_row, claim.attempt()), (1, 1, 3));
        store.put_off(claim.lease.clone(), at(302)).await.unwrap();
        let claim = claim_one(store, 302).await;
        assert_eq!((claim.failures_in_a_row, claim.attempt()), (1, 3), "being put off costs nothing");
        assert_eq!(column(store.runs(name("acme")), "failed_attempts").await, [1]);
    }

    async fn what_is_to_stay_in_order_stays_in_order(place: Place) {
        let store = &place.store;
        let keyed = |id, key| event(&lane("a"), id, "x", Some(key));
        deliver(store, vec![keyed("1", "k"), keyed("2", "k"), keyed("3", "other"), keyed("4", "k")], 0).await;
        let claims = claim_all(store, 0).await;
        assert_eq!(rooms(&claims), ["1", "3"]);
        retry(store, &claims[0], RetryCost::Attempt, 10).await;
        assert!(claim_all(store, 9).await.is_empty(), "who waits holds those behind it up");
        let first = claim_one(store, 10).await;
        finish(store, &first).await.unwrap();
        let second = claim_one(store, 10).await;
        assert_eq!(second.room, "2");
        hold(store, &second, "no").await;
        let fourth = claim_one(store, 10).await;
        assert_eq!(fourth.room, "4", "what is held steps aside");
        assert_eq!(release(store, Release::All).await, Settled::Done(1));
        assert!(claim_all(store, 10).await.is_empty(), "and waits for its turn when it comes back");
        finish(store, &fourth).await.unwrap();
        assert_eq!(claim_one(store, 10).await.room, "2");
    }

    async fn what_is_strictly_in_order_waits_even_for_what_is_held(place: Place) {
        let store = &place.store;
        let keyed = |id| event(&lane("a"), id, "x", Some("strict:k"));
        deliver(store, vec![keyed("1"), keyed("2")], 0).await;
        let first = claim_one(store, 0).await;
        hold(store, &first, "no").await;
        assert!(claim_all(store, 0).await.is_empty());
        deliver(store, vec![keyed("3")], 0).await;
        assert!(claim_all(store, 0).await.is_empty(), "nor does what comes later go first");
        assert_eq!(release(store, Release::All).await, Settled::Done(1));
        let first = claim_one(store, 0).await;
        assert_eq!(first.room, "1");
        hold(store, &first, "no").await;
        let discard = store.discard(name("acme"), HoldId(2), ("ann".into(), "a test".into()), at(0));
        assert_eq!(discard.await.unwrap(), Settled::Done(1));
        for id in ["2", "3"] {
            let claim = claim_one(store, 0).await;
            assert_eq!(claim.room, id, "what is discarded holds nothing up");
            finish(store, &claim).await.unwrap();
        }
        deliver(store, vec![keyed("4")], 0).await;
        let fourth = claim_one(store, 0).await;
        hold(store, &fourth, "no").await;
        deliver(store, vec![keyed("5")], 0).await;
        assert!(claim_all(store, 0).await.is_empty(), "even where nothing else is before it");
    }

    async fn nothing_is_stuck_when_one_comes_as_the_one_before_it_ends(place: Place) {
        const KEYS: usize = 12;
        let accepting: Vec<_> = (0..KEYS)
            .map(|key| {
                let store = place.other_worker();
                tokio::spawn(async move {
                    for number in 0..25 {
                        let (order_key, id) = (format!("k{key}"), format!("{key}-{number}"));
                        deliver(&store, vec![event(&lane("a"), &id, "x", Some(&order_key))], 0).await;
                    }
                })
            })
            .collect();
        let mut done: Vec<Vec<String>> = vec![Vec::new(); KEYS];
        loop {
            let all_came = accepting.iter().all(tokio::task::JoinHandle::is_finished);
            let claims = claim_all(&place.store, 0).await;
            if claims.is_empty() && all_came {
                break;
            }
            // All at once, while others come.
            let finished = claims.iter().map(|claim| finish(&place.store, claim));
            futures_util::future::try_join_all(finished).await.unwrap();
            for claim in claims {
                let key: usize = claim.room.split('-').next().unwrap().parse().unwrap();
                done[key].push(claim.room);
            }
        }
        for (key, done) in done.into_iter().enumerate() {
            let expected: Vec<_> = (0..25).map(|number| format!("{key}-{number}")).collect();
            assert_eq!(done, expected);
        }
    }

    async fn each_run_is_given_to_one_worker(place: Place) {
        let events = (0..200).map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
        deliver(&place.store, events.collect(), 0).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let store = place.other_worker();
            tasks.spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claims = store.claim(at(0), 7, vec![]).await.unwrap().claims;
                    if claims.is_empty() {
                        return mine;
                    }
                    for claim in claims {
                        mine.push(claim.run().0);
                        finish(&store, &claim).await.unwrap();
                    }
                }
            });
        }
        let mut all: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!((before, all.len()), (200, 200));
        assert!(states(&place.store).await.iter().all(|state| state == "succeeded"));
    }

    async fn a_worker_gives_back_what_is_its_own(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        for number in 0..2 {
            deliver(first, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        let mine = first.claim(at(0), 1, vec![]).await.unwrap().claims.pop().unwrap();
        let theirs = claim_one(&second, 0).await;
        first.give_all_back().await.unwrap();
        assert!(matches!(finish(first, &mine).await, Err(StoreError::Stale)), "it is its own no more");
        finish(&second, &theirs).await.unwrap();
        let again = claim_one(&second, 0).await;
        assert_eq!(again.room, "Ev0");
        second.give_back(again.lease, at(5)).await.unwrap();
        assert!(claim_all(&second, 4).await.is_empty());
        assert_eq!(claim_all(&second, 5).await.len(), 1);
    }

    async fn a_call_that_may_have_been_made_is_in_the_trail(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        let document = Document {
            protocol: Protocol::Rest,
            method: "POST".to_owned(),
            path: "/x".to_owned(),
            content_type: "a/b".to_owned(),
            body: "{}".to_owned(),
            confirm: None,
            effect_key: Some("key-1".to_owned()),
            delivered: false,
            doubt_since: None,
        };
        let forwarded = HookEvent { work: HookWork::Forward(document), ..event(&lane("a"), "Ev1", "x", None) };
        deliver(first, vec![forwarded], 0).await;
        let claim = claim_one(first, 0).await;
        let what = ("POST".to_owned(), "/x with a space".to_owned());
        first.intend(claim.lease, Operation::Deliver, what, at(3)).await.unwrap();
        let again = claim_one(&second, 60).await;
        let Task::Delivery(document) = &again.task else { panic!("{again:?}") };
        assert_eq!(document.effect_key.as_deref(), Some("key-1"));
        assert_eq!(document.doubt_since, Some(at(3)), "nobody knows since then what became of it");
        let trail = shown(first.audit(name("acme"))).await;
        assert_eq!((&trail[1]["outcome"], &trail[1]["operation"]), (&"unknown".into(), &"deliver".into()));
        assert_eq!((&trail[1]["path"], &trail[1]["at"]), (&"/x with a space".into(), &at(3).to_string().into()));
        second
            .commit_delivered(audit(&again, AuditOutcome::Ok), "Ev1".to_owned(), document.clone(), at(60))
            .await
            .unwrap();
        assert_eq!(column(first.deliveries(name("acme")), "key").await, ["Ev1"]);
        assert_eq!(shown(first.audit(name("acme"))).await.len(), 3, "told once");
    }
}
