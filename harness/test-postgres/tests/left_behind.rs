//! Nothing is left of a server whose process ended, in good order or not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]
#![allow(clippy::print_stdout, reason = "this program runs itself, and tells itself by its output")]
#![cfg(unix)]

mod connection;

use connection::connect;
use counterpart_test_postgres::{Source, TestPostgres};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Set for the process that is ended.
const CHILD: &str = "COUNTERPART_CHILD_THAT_ENDS";
/// Real time within which everything must be gone.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn nothing_is_left_of_a_server_when_its_process_ends() {
    nothing_is_left("nothing_is_left_of_a_server_when_its_process_ends", true);
}

#[test]
fn nothing_is_left_of_a_server_when_its_process_is_killed() {
    nothing_is_left("nothing_is_left_of_a_server_when_its_process_is_killed", false);
}

/// Runs the test of this name once more as another process, and ends that.
fn nothing_is_left(test: &str, in_good_order: bool) {
    if std::env::var_os(CHILD).is_some() {
        return show_a_server_and_wait(test);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        // Neither a server of somebody else nor one in a container.
        .env_remove("COUNTERPART_TEST_POSTGRES")
        .env("DOCKER_HOST", "unix:///nowhere")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // Kept to the end: it goes on to write.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let Some(shown) = lines.find_map(|line| Some(line.split_once("SERVER ")?.1.to_owned())) else {
        // It said that it was skipped, since PostgreSQL is not installed.
        assert!(child.wait().unwrap().success());
        return;
    };
    let (port, data) = shown.split_once(' ').unwrap();
    let folder = Path::new(data).parent().unwrap();
    let is_listening = || TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    assert!(is_listening() && folder.exists());

    if in_good_order {
        drop(child.stdin.take());
    } else {
        // With all that belongs to it, as a terminal or a test runner does.
        let group = format!("-{}", child.id());
        assert!(
            Command::new("sh").args(["-c", "kill -s KILL -- \"$0\"", &group]).status().unwrap().success()
        );
    }
    let status = child.wait().unwrap();
    assert_eq!(status.success(), in_good_order, "{status}");
    until_gone(|| is_listening() || folder.exists());
}

fn show_a_server_and_wait(test: &str) {
    let Some(postgres) = TestPostgres::for_test(test) else { return };
    assert_eq!(postgres.source(), Source::Local);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown: (String, String) = runtime.block_on(async {
        let client = connect(postgres.url()).await.unwrap();
        let row =
            client.query_one("SELECT current_setting('port'), current_setting('data_directory')", &[]).await;
        let row = row.unwrap();
        (row.get(0), row.get(1))
    });
    println!("SERVER {} {}", shown.0, shown.1);
    std::io::stdin().read_to_string(&mut String::new()).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes end in real time, and there is nothing to wait on"
)]
fn until_gone(mut is_there: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while is_there() {
        assert!(began.elapsed() < PATIENCE, "the server or its files are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}
