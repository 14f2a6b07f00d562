//! Ten thousand clients that connect and say nothing: the stand-in serves the next one all the same.
//!
//! The server is a process of its own, because both ends of so many connections are more than one may have open. So are
//! those of two tests at once: they take turns.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use crate::support::Project;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const CONNECTIONS: usize = 10_000;
/// Resident memory of the server with all of them, in KiB.
const MOST_MEMORY_KIB: u64 = 256 * 1024;

static TURN: Mutex<()> = Mutex::new(());
/// Files that are left to the tests beside.
const FILES_OF_OTHERS: usize = 300;

/// How many files this process may have open, where the system tells.
fn most_open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3))
        .and_then(|soft| soft.parse().ok())
        .unwrap_or(usize::MAX)
}

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn ten_thousand_idle_connections_do_not_keep_the_next_one_out() {
    serves_beside_idle_connections(None);
}

/// As most systems have it: the server runs out of files long before it has all connections.
#[test]
fn a_server_that_runs_out_of_files_lets_go_of_who_is_idle() {
    serves_beside_idle_connections(Some(1_024));
}

#[expect(clippy::print_stderr, reason = "a test that does less than its name says so")]
fn serves_beside_idle_connections(files: Option<usize>) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let count = CONNECTIONS.min(most_open_files().saturating_sub(FILES_OF_OTHERS));
    if count < CONNECTIONS {
        eprintln!("only {count} connections: this process may not have more files open (ulimit -n)");
    }
    let project = Project::new();
    let served = match files {
        None => project.start(&["serve", "matrix/missing"]),
        Some(files) => project.start_with_files(files, &["serve", "matrix/missing"]),
    };
    let address = served.address();
    let connect =
        |n: usize| TcpStream::connect(&address).unwrap_or_else(|error| panic!("connection {n}: {error}"));
    let idle: Vec<TcpStream> = (0..count).map(connect).collect();
    let mut next = connect(count);
    next.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let target = "/_matrix/client/v3/directory/room/%23nowhere%3Atest.local";
    write!(next, "GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    next.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    if let Some(resident) = resident_kib(served.id()) {
        assert!(resident < MOST_MEMORY_KIB, "{resident} KiB with {count} idle connections");
    }
    drop(idle);
    assert_eq!(served.terminate().code, 0, "who says nothing is nobody that was not served");
}
