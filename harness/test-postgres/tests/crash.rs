//! A server that is crashed and started again: what was committed is there, what was not is not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

mod connection;

use connection::connect;
use counterpart_test_postgres::TestCluster;

#[tokio::test]
async fn committed_rows_survive_a_crash_and_the_address_stays() {
    let Some(cluster) = TestCluster::for_test("committed_rows_survive_a_crash_and_the_address_stays") else {
        return;
    };
    let url = cluster.url();
    assert!(url.contains(&format!("@127.0.0.1:{}/", cluster.port())), "{url}");
    let client = connect(&url).await.unwrap();
    for (setting, expected) in [("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")] {
        let row = client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), expected, "{setting}");
    }
    client.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await.unwrap();
    client.batch_execute("BEGIN; INSERT INTO kept VALUES (2)").await.unwrap();

    cluster.stop_immediate();
    assert!(client.batch_execute("COMMIT").await.is_err());
    assert!(connect(&url).await.is_err());

    cluster.start_again();
    assert_eq!(cluster.url(), url);
    let client = connect(&url).await.unwrap();
    let rows = client.query("SELECT id FROM kept", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [1]);
    let log = "SELECT pg_read_file(current_setting('data_directory') || '/../log')";
    let log: String = client.query_one(log, &[]).await.unwrap().get(0);
    assert!(log.contains("database system was not properly shut down"), "it was no crash:\n{log}");
}
