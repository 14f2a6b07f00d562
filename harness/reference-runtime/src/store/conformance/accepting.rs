//! What is accepted, once, and what is kept of it.

use super::*;

conformance! {
    async fn a_run_needs_a_connection_of_its_provider(place: Place) {
        let order = || Order::Import { room: "!r".to_owned() };
        let unknown = place.store.accept_run(lane("none"), order(), at(0)).await.unwrap();
        assert_eq!(unknown, Accepted::UnknownConnection);
    }

    async fn an_event_is_accepted_once_whoever_brings_it_and_when(place: Place) {
        let store = &place.store;
        let first = || event(&lane("a"), "Ev1", "one", None);
        let counts = |accepted, duplicates| HookCounts { accepted, duplicates, refused: 0 };
        assert_eq!(deliver(store, vec![first(), first()], 0).await, counts(1, 1), "twice in one delivery");
        assert_eq!(deliver(store, vec![first()], 1).await, counts(0, 1));
        assert_eq!(deliver(store, vec![event(&lane("a"), "Ev1", "two", None)], 2).await, counts(0, 1));
        assert_eq!(column(store.alerts(name("acme")), "kind").await, ["event_conflict"]);
        assert_eq!(deliver(store, vec![event(&lane("b"), "Ev1", "one", None)], 3).await, counts(1, 0), "another's");
        let place = place.reopen(at(4)).await;
        assert_eq!(deliver(&place.store, vec![first()], 4).await, counts(0, 1), "and after a restart");
        assert_eq!(claim_all(&place.store, 4).await.len(), 2);
        let told = column(place.store.audit(name("acme")), "detail").await;
        assert_eq!(told[0], "1 accepted, 1 duplicates, 0 refused");
        assert_eq!(told.len(), 5);
    }

    async fn events_without_an_id_are_all_accepted(place: Place) {
        let nameless = HookEvent { id: None, ..event(&lane("a"), "", "x", None) };
        assert_eq!(deliver(&place.store, vec![nameless.clone(), nameless], 0).await.accepted, 2);
        assert_eq!(place.store.backlog(), 2);
    }

    async fn many_deliveries_share_a_transaction_and_keep_their_counts(place: Place) {
        let deliveries = (0..50).map(|number| {
            let number = number % 40;
            delivery(vec![event(&lane("a"), &format!("Ev{number}"), "x", Some("k"))], 0)
        });
        let counts = place.store.accept_deliveries(deliveries.collect()).await.unwrap();
        assert_eq!(counts.iter().map(|counts| counts.accepted).sum::<u32>(), 40);
        assert!(counts[..40].iter().all(|counts| counts.accepted == 1), "the earlier ones");
        assert_eq!(rooms(&claim_all(&place.store, 0).await), ["Ev0"]);
    }

    async fn what_is_accepted_by_many_at_once_is_accepted_once(place: Place) {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..8 {
            let store = place.other_worker();
            tasks.spawn(async move {
                let mut accepted = 0;
                for round in 0..12 {
                    // Each in an order of its own: none may wait for another that waits for it.
                    let numbers = (0..25).map(|number| if task % 2 == 0 { number } else { 24 - number });
                    let events = numbers.map(|number| event(&lane("a"), &format!("{round}-{number}"), "x", None));
                    accepted += deliver(&store, events.collect(), 0).await.accepted;
                }
                accepted
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 12 * 25);
        assert_eq!(place.store.claim(at(0), 1_000, vec![]).await.unwrap().claims.len(), 12 * 25);
    }

    async fn what_is_older_does_not_overwrite(place: Place) {
        let store = &place.store;
        let mut outcomes = Vec::new();
        for (id, body, as_of_us) in [("1", "second", 2), ("2", "first", 1), ("3", "third", 3), ("4", "same", 3)] {
            deliver(store, vec![event(&lane("a"), id, "x", None)], 0).await;
            let claim = claim_one(store, 0).await;
            let record = Box::new(record("m1", body));
            let effect = EventEffect::Upsert { room_id: "r".to_owned(), record, as_of_us };
            outcomes.push(store.commit_event(claim.lane, claim.lease, effect, at(0)).await.unwrap());
        }
        use EventOutcome::{Applied, Superseded};
        assert_eq!(outcomes, [Applied, Superseded, Applied, Applied]);
        assert_eq!(column(store.messages(name("acme")), "body").await, ["same"]);
    }

    async fn tokens_are_replaced_only_where_nobody_else_has(place: Place) {
        let store = &place.store;
        import(store, &lane("a"), "!r").await;
        let claim = claim_one(store, 0).await;
        store.commit_expiry(audit(&claim, AuditOutcome::Refused), claim.generation, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert!(claim.refreshing);
        place.connect(&lane("a")).await;
        let tokens =
            TokensCommit { sealed: Some(Sealed(vec![1])), expires_at: Some(at(9)), replaces: claim.generation };
        store.commit_tokens(audit(&claim, AuditOutcome::Ok), tokens, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert_eq!((claim.sealed.0.len(), claim.generation, claim.refreshing), (40, 2, false), "a person was faster");
        let tokens =
            TokensCommit { sealed: Some(Sealed(vec![1])), expires_at: Some(at(9)), replaces: claim.generation };
        store.commit_tokens(audit(&claim, AuditOutcome::Ok), tokens, at(0)).await.unwrap();
        let claim = claim_one(store, 0).await;
        assert_eq!((claim.sealed.0, claim.generation, claim.refreshes_in_a_row), (vec![1], 3, 2));
    }

    async fn an_account_at_an_app_is_one_connection_s(place: Place) {
        let taken = |account: &str| HookConfig {
            format: "slack".to_owned(),
            proof: None,
            account: Some(account.to_owned()),
            app: Some(name("app")),
            url: None,
            forward: None,
            order_by: None,
            max_per_second: Some(1.5),
            burst: Some(3),
        };
        assert_eq!(place.put(&lane("a"), Some(taken("T1"))).await, PutConnection::Replaced);
        assert_eq!(place.put(&lane("b"), Some(taken("T1"))).await, PutConnection::AccountTaken);
        assert_eq!(place.put(&lane("a"), Some(taken("T1"))).await, PutConnection::Replaced, "its own again");
        let route = |account: &str| place.store.route(name("app"), account.to_owned());
        let (owner, config) = route("T1").await.unwrap().unwrap();
        assert_eq!((owner, config.max_per_second, config.burst), (lane("a"), Some(1.5), Some(3)));
        assert!(route("T2").await.unwrap().is_none());
        place.connect(&lane("a")).await;
        assert!(route("T1").await.unwrap().is_none());
    }

    async fn what_is_old_is_put_away(place: Place) {
        let store = &place.store;
        let day = 24 * 3_600;
        deliver(store, vec![event(&lane("a"), "old", "x", None), event(&lane("a"), "held", "x", None)], 0).await;
        for claim in claim_all(store, 0).await {
            match claim.room.as_str() {
                "old" => finish(store, &claim).await.unwrap(),
                _ => hold(store, &claim, "no").await,
            }
        }
        deliver(store, vec![event(&lane("a"), "open", "x", None)], 31 * day).await;
        assert!(!store.put_away(at(29 * day)).await.unwrap());
        assert_eq!(states(store).await.len(), 3);
        assert!(!store.put_away(at(31 * day)).await.unwrap());
        assert_eq!(states(store).await, ["held", "queued"], "what is not done stays");
        assert_eq!(deliver(store, vec![event(&lane("a"), "old", "x", None)], 31 * day).await.accepted, 1, "forgotten");
        assert_eq!(deliver(store, vec![event(&lane("a"), "open", "x", None)], 31 * day).await.duplicates, 1);
    }

    async fn texts_are_kept_whatever_is_in_them(place: Place) {
        let store = &place.store;
        let odd = "quote ' backslash \\ dollar $1 question ?1 emoji \u{1f600} bidi \u{202e} long ".to_owned() + &"x".repeat(70_000);
        deliver(store, vec![event(&lane("a"), "Ev1", "x", None)], 0).await;
        let claim = claim_one(store, 0).await;
        let record = Box::new(record("m'1", &odd));
        let effect = EventEffect::Upsert { room_id: "r".to_owned(), record, as_of_us: 1 };
        store.commit_event(claim.lane, claim.lease, effect, at(0)).await.unwrap();
        assert_eq!(column(store.messages(name("acme")), "body").await, [odd]);
    }

    async fn a_closed_store_says_so(place: Place) {
        place.store.close().await;
        let error = place.store.claim(at(0), 1, vec![]).await.unwrap_err();
        assert!(matches!(error, StoreError::Closed), "{error}");
    }
}
