//! What is held, told, and let go again.

use super::*;

conformance! {
    async fn poison_is_held_after_three_lost_workers(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        deliver(first, vec![event(&lane("a"), "Ev1", "x", Some("k")), event(&lane("a"), "Ev2", "x", Some("k"))], 0)
            .await;
        for (worker, seconds) in [(first, 0), (&second, 60), (first, 120)] {
            assert_eq!(claim_one(worker, seconds).await.room, "Ev1");
        }
        let next = claim_one(&second, 180).await;
        assert_eq!(next.room, "Ev2", "what comes after it goes on");
        assert_eq!(states(first).await, ["held", "running"]);
        assert_eq!(column(first.alerts(name("acme")), "kind").await, ["poisoned"]);
        assert_eq!(column(first.holds(name("acme"), false), "reason").await, ["poisoned"]);
        assert_eq!(release(first, Release::All).await, Settled::Done(1));
        finish(&second, &next).await.unwrap();
        assert_eq!(claim_one(first, 180).await.room, "Ev1", "it begins anew");
    }

    async fn a_run_whose_task_fell_is_given_out_again_and_held_in_the_end(place: Place) {
        let store = &place.store;
        deliver(store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        for _ in 0..3 {
            let claim = claim_one(store, 0).await;
            store.fell(claim.lease).await.unwrap();
        }
        assert!(claim_all(store, 0).await.is_empty());
        assert_eq!(column(store.holds(name("acme"), false), "reason").await, ["poisoned"]);
    }

    async fn a_step_that_is_done_clears_a_run_of_suspicion(place: Place) {
        let (first, second) = (&place.store, place.other_worker());
        import(first, &lane("a"), "!r").await;
        for seconds in [0, 1_000, 2_000, 3_000] {
            claim_one(first, seconds).await;
            let claim = claim_one(&second, seconds + 100).await;
            retry(&second, &claim, RetryCost::Attempt, 0).await;
        }
        assert_eq!(states(first).await, ["waiting"]);
    }

    async fn held_work_is_released_or_discarded_once(place: Place) {
        let store = &place.store;
        for number in 0..3 {
            deliver(store, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        for claim in claim_all(store, 0).await {
            hold(store, &claim, "no").await;
        }
        assert_eq!((store.backlog(), states(store).await.len()), (0, 3));
        let one = |hold| store.release(name("acme"), ReleaseScope::One(HoldId(hold)), Release::All, "me".into(), at(1));
        assert_eq!(one(1).await.unwrap(), Settled::Done(1));
        assert_eq!(one(1).await.unwrap(), Settled::Before);
        assert_eq!(one(9).await.unwrap(), Settled::NoSuchHold);
        let other = store.release(name("bolt"), ReleaseScope::One(HoldId(2)), Release::All, "me".into(), at(1));
        assert_eq!(other.await.unwrap(), Settled::NoSuchHold, "another tenant's");
        let discard = |hold| store.discard(name("acme"), HoldId(hold), ("ann".into(), "a test".into()), at(2));
        assert_eq!(discard(2).await.unwrap(), Settled::Done(1));
        assert_eq!(discard(2).await.unwrap(), Settled::Before);
        assert_eq!(states(store).await, ["queued", "discarded", "held"]);
        assert_eq!(claim_one(store, 1).await.room, "Ev0");
        let trail = shown(store.audit(name("acme"))).await;
        let told = |row: usize| (trail[row]["operation"].clone(), trail[row]["detail"].clone());
        assert_eq!(told(3), ("release".into(), "by me".into()));
        assert_eq!(told(4), ("discard".into(), "by ann: a test".into()));
        assert_eq!(column(store.holds(name("acme"), false), "id").await, ["hold-3"]);
        assert_eq!(column(store.holds(name("acme"), true), "state").await, ["released", "discarded", "open"]);
    }

    async fn a_canary_goes_first_and_brings_the_others_when_it_succeeds(place: Place) {
        let store = &place.store;
        for number in 0..3 {
            deliver(store, vec![event(&lane("a"), &format!("Ev{number}"), "x", None)], 0).await;
        }
        for claim in claim_all(store, 0).await {
            hold(store, &claim, &format!("answered {}", 400 + claim.run().0)).await;
        }
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        hold(store, &canary, "answered 400").await;
        assert!(claim_all(store, 0).await.is_empty(), "it failed: the others stay");
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        finish(store, &canary).await.unwrap();
        assert_eq!(claim_all(store, 0).await.len(), 2);
        assert!(shown(store.holds(name("acme"), false)).await.is_empty());
    }

    async fn a_connection_that_is_held_again_and_again_is_halted_until_a_canary_succeeds(place: Place) {
        let store = &place.store;
        let events = (0..24).map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
        deliver(store, events.collect(), 0).await;
        let order = |id| event(&lane("a"), id, "x", Some("k"));
        deliver(store, vec![order("in-order-1"), order("in-order-2")], 0).await;
        for _ in 0..20 {
            let claim = store.claim(at(0), 1, vec![]).await.unwrap().claims.pop().unwrap();
            hold(store, &claim, "no").await;
        }
        assert!(claim_all(store, 0).await.is_empty(), "parked");
        deliver(store, vec![event(&lane("a"), "later", "x", None), event(&lane("b"), "other", "x", None)], 0).await;
        let other = claim_one(store, 0).await;
        assert_eq!(other.room, "other", "other connections go on");
        let kinds = column(store.alerts(name("acme")), "kind").await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "connection_halted").count(), 1);
        assert_eq!(store.queue().await.map(|queue| serde_json::to_value(queue).unwrap()).unwrap()["unfinished"], 8);
        assert_eq!(release(store, Release::Canary).await, Settled::Done(1));
        let canary = claim_one(store, 0).await;
        finish(store, &canary).await.unwrap();
        let claims = claim_all(store, 0).await;
        assert_eq!(claims.len(), 19 + 4 + 1 + 1, "the held, the parked, the later one, and the first in order");
        assert!(!rooms(&claims).contains(&"in-order-2"));
    }

    async fn what_is_held_for_what_it_is_halts_nothing(place: Place) {
        let store = &place.store;
        let events = (0..21).map(|number| event(&lane("a"), &format!("Ev{number}"), "x", None));
        deliver(store, events.collect(), 0).await;
        for reason in [HoldReason::UnknownEvent; 21] {
            let claim = store.claim(at(0), 1, vec![]).await.unwrap().claims.pop().unwrap();
            let hold =
                Hold { reason, key: None, detail: "no".to_owned(), payload: None, room_id: None };
            let effect = EventEffect::Hold(hold);
            store.commit_event(claim.lane, claim.lease, effect, at(0)).await.unwrap();
        }
        let connection = store.connection(lane("a")).await.unwrap().unwrap();
        assert_eq!(serde_json::to_value(connection).unwrap()["state"], "active");
    }

    async fn a_missed_deadline_is_told_once(place: Place) {
        let store = &place.store;
        deliver(store, vec![event(&lane("c"), "Ev1", "x", None)], 0).await;
        deliver(store, vec![event(&lane("a"), "Ev2", "x", None)], 0).await;
        let claims = claim_all(store, 0).await;
        retry(store, claims.iter().find(|claim| claim.room == "Ev1").unwrap(), RetryCost::Attempt, 500).await;
        assert_eq!(store.claim(at(59), 10, vec![]).await.unwrap().next, Some(at(60)), "there is a timer for it");
        assert!(column(store.alerts(name("acme")), "kind").await.is_empty());
        for seconds in [60, 61] {
            claim_all(store, seconds).await;
        }
        assert_eq!(column(store.alerts(name("acme")), "kind").await, ["deadline_missed"]);
    }
}
