//! Snapshots of what came and of what was written, through insta.

use crate::client::Importer;
use counterpart_testing::{assert_records_snapshot, assert_requests_snapshot, fixture, stand_in};
use serde_json::json;

#[tokio::test]
async fn what_came_reads_like_a_scenarios_snapshot() {
    let provider = stand_in(fixture!("matrix/room-history"))
        .virtual_clock()
        .with_fault("expired_token@messages-2")
        .await;
    let clock = provider.clock().clone();
    let mut importer = Importer::of(&provider);
    importer.clock = Some(clock.clone());
    let work = clock.spawn(importer.import());
    provider.settle().await;
    work.await.unwrap();
    assert_requests_snapshot!(provider, "an_import_with_an_expired_token");
}

#[tokio::test]
async fn what_was_written_shows_no_secret_and_no_port() {
    let provider = stand_in(fixture!("matrix/room-history")).await;
    let now = provider.stand_in().clock().now();
    let records = [
        json!({"id": 2, "from": provider.base_url(), "token": provider.access_token()}),
        json!({"id": 1, "written_at": now.to_string(), "sent_at": "2020-02-03T04:05:06Z"}),
    ];
    assert_records_snapshot!(provider, &records, @r#"
    {
      "id": 1,
      "written_at": "{time}",
      "sent_at": "2020-02-03T04:05:06Z"
    }
    {
      "id": 2,
      "from": "{base_url}",
      "token": "«access_token:1»"
    }
    "#);
}
