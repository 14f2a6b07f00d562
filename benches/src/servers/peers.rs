//! Peers, set up as their documentation shows it: a stub for each request, its journal as it is by default.

use super::Running;
use crate::workload::Workload;

pub(super) async fn wiremock(workload: Workload) -> Running {
    use wiremock::matchers::{body_json, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};
    let server = MockServer::start().await;
    for stub in 0..workload.stubs {
        let answer = ResponseTemplate::new(200).set_body_raw(workload.answer_body(stub), "application/json");
        let matched = if workload.posts {
            let body: serde_json::Value = serde_json::from_str(&workload.request_body(stub)).unwrap();
            Mock::given(method("POST")).and(path(workload.path(stub))).and(body_json(body))
        } else {
            Mock::given(method("GET")).and(path(workload.path(stub)))
        };
        matched.respond_with(answer).mount(&server).await;
    }
    Running { address: *server.address(), _kept: Box::new(server) }
}

pub(super) async fn httpmock(workload: Workload) -> Running {
    use httpmock::Method::{GET, POST};
    let server = httpmock::MockServer::start_async().await;
    for stub in 0..workload.stubs {
        server
            .mock_async(|when, then| {
                if workload.posts {
                    let body: serde_json::Value = serde_json::from_str(&workload.request_body(stub)).unwrap();
                    when.method(POST).path(workload.path(stub)).json_body(body);
                } else {
                    when.method(GET).path(workload.path(stub));
                }
                then.status(200).header("content-type", "application/json").body(workload.answer_body(stub));
            })
            .await;
    }
    Running { address: *server.address(), _kept: Box::new(server) }
}
