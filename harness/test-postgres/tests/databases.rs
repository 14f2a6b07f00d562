//! What a test gets: a database that is empty, its own, and gone afterwards.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod connection;

use connection::connect;
use counterpart_test_postgres::TestPostgres;

#[tokio::test]
async fn two_databases_are_empty_and_know_nothing_of_each_other() {
    let name = "two_databases_are_empty_and_know_nothing_of_each_other";
    let Some(one) = TestPostgres::for_test(name) else { return };
    let Some(other) = TestPostgres::for_test(name) else { return };
    assert_ne!(one.url(), other.url());
    let (one, other) = (connect(one.url()).await.unwrap(), connect(other.url()).await.unwrap());
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    one.batch_execute("CREATE TABLE kept (id int)").await.unwrap();
    assert_eq!(one.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 1);
    assert_eq!(other.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_database_is_dropped_with_its_value_though_somebody_is_still_connected() {
    let name = "a_database_is_dropped_with_its_value_though_somebody_is_still_connected";
    let Some(watched) = TestPostgres::for_test(name) else { return };
    let Some(watcher) = TestPostgres::for_test(name) else { return };
    let (database, url) = (watched.url().rsplit_once('/').unwrap().1.to_owned(), watched.url().to_owned());
    let still_connected = connect(&url).await.unwrap();
    let watcher = connect(watcher.url()).await.unwrap();
    let count = async || {
        let row =
            watcher.query_one("SELECT count(*) FROM pg_database WHERE datname = $1", &[&database]).await;
        row.unwrap().get::<_, i64>(0)
    };
    assert_eq!(count().await, 1);
    drop(watched);
    assert_eq!(count().await, 0);
    assert!(still_connected.batch_execute("SELECT 1").await.is_err());
    assert!(connect(&url).await.is_err());
}
