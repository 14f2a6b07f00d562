//! The same exchanges on a wiremock server.

use crate::client::{ALIAS, Importer, http, status};
use counterpart_testing::{fixture, stand_in, wiremock::mount};
use wiremock::MockServer;

const CUSTOMER: &str = "name=Ann+Example&metadata%5Border%5D=1001";

async fn create(base_url: &str, body: &'static str) -> (u16, String) {
    let ask = http()
        .post(format!("{base_url}/v1/customers"))
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = ask.body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn wiremock_answers_as_the_stand_in_does() {
    let provider = stand_in(fixture!("matrix/room-history")).await;
    let server = MockServer::start().await;
    let mounted = mount(&server, fixture!("matrix/room-history")).await;
    assert_eq!(mounted.value("access_token:1").unwrap(), provider.access_token());
    assert_eq!(mounted.value("access_token:99"), None);
    let played = Importer::of(&provider).import().await;
    let mut importer = Importer::of(&provider);
    importer.base_url = server.uri();
    assert_eq!(importer.import().await, played);
    // Pages only read: they are there again.
    let mut again = Importer::of(&provider);
    again.base_url = server.uri();
    assert_eq!(again.import().await, played);
}

#[tokio::test]
async fn what_means_the_same_is_the_same_and_what_does_not_is_not() {
    let server = MockServer::start().await;
    mount(&server, fixture!("stripe/create-customer")).await;
    let (other_name, other_order) = ("name=Bob&metadata%5Border%5D=1001", "name=Ann+Example");
    for different in [other_name, other_order, ""] {
        assert_eq!(create(&server.uri(), different).await.0, 404, "{different}");
    }
    let in_another_order = "metadata%5Border%5D=1001&name=Ann+Example";
    let (status, body) = create(&server.uri(), in_another_order).await;
    assert!(status == 200 && body.contains("cus_0001"), "{status} {body}");
    // A write is not answered beyond the recording.
    assert_eq!(create(&server.uri(), CUSTOMER).await.0, 404);
}

#[tokio::test]
async fn equal_requests_are_answered_in_recorded_order() {
    let server = MockServer::start().await;
    let mounted = mount(&server, fixture!("matrix/rate-limited")).await;
    assert_eq!(mounted.exchanges(), 10);
    let send = async |number: usize| {
        let room = "%21nDBTmQ8WtxQIsXfBabb87sIbYiRZr4JzUT6m3LhA1uQ";
        let url =
            format!("{}/_matrix/client/v3/rooms/{room}/send/m.room.message/mine-{number}", server.uri());
        let ask = http().put(url).header("content-type", "application/json");
        ask.body(RATE_LIMITED_BODY.replace("N", &number.to_string())).send().await.unwrap().status().as_u16()
    };
    let mut statuses = Vec::new();
    for number in [6, 6, 6] {
        statuses.push(send(number).await);
    }
    assert_eq!(statuses, [429, 200, 404]);
}

const RATE_LIMITED_BODY: &str = r#"{"msgtype":"m.text","body":"Flood N"}"#;

#[tokio::test]
async fn what_wiremock_cannot_say_is_told() {
    let server = MockServer::start().await;
    let mounted = mount(&server, fixture!("slack/channel-messages")).await;
    assert!(
        mounted
            .left_out()
            .iter()
            .any(|one| one == "slack/channel-messages#event-1: the provider sent it: a webhook"),
        "{mounted:?}"
    );
    assert_eq!(status(&server.uri(), ALIAS, "none").await, 404);
}
