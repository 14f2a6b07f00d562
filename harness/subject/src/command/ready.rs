//! Waiting until a process that was started can be called.

use super::output::Output;
use super::process::Process;
use super::spec::Ready;
use crate::clock::{pause, within};
use crate::launch::LaunchError;
use std::net::Ipv4Addr;
use std::time::Duration;

/// How long between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long one look may take.
const ONE_LOOK: Duration = Duration::from_secs(2);

/// Waits until the process is ready, has ended, or has had its time.
pub(crate) async fn ready(
    ready: &Ready,
    port: Option<u16>,
    process: &Process,
    output: &Output,
    time: Duration,
) -> Result<(), LaunchError> {
    let is_ready = async {
        match ready {
            Ready::Http(path) => answers(port, path).await,
            Ready::Port(_) => listens(port).await,
            Ready::Line(_) => output.line_came().await,
        }
    };
    let either = async {
        tokio::select! {
            biased;
            how = process.end_of_it() => Err(how),
            () = is_ready => Ok(()),
        }
    };
    let told = process.told();
    match within(time, either).await {
        Some(Ok(())) => Ok(()),
        Some(Err(how)) => Err(LaunchError(format!("{told} {how} before it was ready"))),
        None => {
            let waited_for = match ready {
                Ready::Http(path) => format!("`GET {path}` was not answered with 2xx"),
                Ready::Port(_) => "nothing listens".to_owned(),
                Ready::Line(line) => format!("no line fits {line:?}"),
            };
            let at = port.map_or_else(String::new, |port| format!(" on 127.0.0.1:{port}"));
            Err(LaunchError(format!(
                "{told} was not ready within {time:?}: {waited_for}{at}; let it listen on {{port}}, say with `ready` \
                 how it is seen, or give it longer with `within`"
            )))
        }
    }
}

async fn listens(port: Option<u16>) {
    let Some(port) = port else { return };
    while !matches!(
        within(ONE_LOOK, tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await,
        Some(Ok(_))
    ) {
        pause(LOOK_AGAIN).await;
    }
}

async fn answers(port: Option<u16>, path: &str) {
    let Some(port) = port else { return };
    let url = format!("http://127.0.0.1:{port}{path}");
    let Ok(http) = reqwest::Client::builder().no_proxy().build() else { return std::future::pending().await };
    loop {
        let asked = http.get(&url).timeout(ONE_LOOK).send().await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        pause(LOOK_AGAIN).await;
    }
}
