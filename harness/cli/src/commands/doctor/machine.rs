//! This machine: what every run needs of it.

use super::finding::Finding;
use crate::commands::authority::Authority;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

/// Each connection of a subject, a stand-in and a probe is an open file, times the jobs.
const FEW_FILES: u64 = 1_024;
/// Clocks that differ by more make signatures and tokens look too old.
const SKEW: Duration = Duration::from_secs(2);

pub(super) fn looked() -> Vec<Finding> {
    vec![ports(), proxy(), files(), memory(), clock(), authority()]
}

/// A stand-in listens on a port that the system chooses, and is called there.
fn ports() -> Finding {
    let loopback = || -> std::io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut client = TcpStream::connect_timeout(&listener.local_addr()?, Duration::from_secs(2))?;
        let (mut server, _) = listener.accept()?;
        server.set_read_timeout(Some(Duration::from_secs(2)))?;
        client.write_all(b"?")?;
        server.read_exact(&mut [0])
    };
    match loopback() {
        Ok(()) => Finding::ok("ports", "a free port on 127.0.0.1 can be listened on and called"),
        Err(error) => Finding::problem(
            "ports",
            format!("127.0.0.1 cannot be listened on and called: {error}"),
            "let programs of this user use the loopback interface; look at firewalls and sandboxes",
        ),
    }
}

/// A subject that sends what is meant for the stand-in to a proxy never reaches it.
fn proxy() -> Finding {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let of = |name: &str| set(name).or_else(|| set(&name.to_lowercase()));
    let Some(which) = ["HTTP_PROXY", "ALL_PROXY"].into_iter().find(|name| of(name).is_some()) else {
        return Finding::ok("proxy", "none is set that requests to the stand-in would take");
    };
    let exempt = of("NO_PROXY").unwrap_or_default();
    if exempt.split(',').map(str::trim).any(|host| host == "*" || host.starts_with("127.")) {
        return Finding::ok("proxy", format!("{which} is set, and NO_PROXY exempts 127.0.0.1"));
    }
    Finding::warning(
        "proxy",
        format!("{which} is set: an integration that heeds it does not reach the stand-in on 127.0.0.1"),
        "export NO_PROXY=127.0.0.1,localhost",
    )
}

#[cfg(unix)]
fn files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < FEW_FILES => Finding::warning(
            "files",
            format!("a process may have {limit} files open; many connections at once need more"),
            format!("ulimit -n {}", FEW_FILES * 4),
        ),
        Some(limit) => Finding::ok("files", format!("a process may have {limit} open")),
        None => Finding::ok("files", "a process may have any number open"),
    }
}

#[cfg(not(unix))]
fn files() -> Finding {
    Finding::ok("files", "this system has no limit of open files that a process could ask for")
}

/// Where the bundled runtime keeps its data while a scenario runs.
fn memory() -> Finding {
    let temporary = std::env::temp_dir();
    match tempfile::tempdir() {
        Ok(_) => Finding::ok("temporary", format!("{} can be written", temporary.display())),
        Err(error) => Finding::problem(
            "temporary",
            format!("{}: no folder can be made there: {error}", temporary.display()),
            "let your user write there, or name another place with TMPDIR",
        ),
    }
}

/// Whether the disk and the processor agree what time it is: on a network's disk, or in a virtual machine that slept, they
/// need not.
fn clock() -> Finding {
    let skew = || -> std::io::Result<Duration> {
        let mut file = tempfile::NamedTempFile::new()?;
        let before = now();
        file.write_all(b"?")?;
        file.flush()?;
        let written = file.as_file().metadata()?.modified()?;
        let behind = before.duration_since(written).unwrap_or_default();
        Ok(behind.max(written.duration_since(now()).unwrap_or_default()))
    };
    match skew() {
        Ok(skew) if skew > SKEW => Finding::warning(
            "clock",
            format!("the disk's clock and the machine's differ by {} s", skew.as_secs()),
            "set the clocks by NTP; signatures and tokens are judged by them",
        ),
        Ok(_) => Finding::ok("clock", "the disk's and the machine's agree"),
        Err(error) => {
            Finding::warning("clock", format!("it cannot be looked at: {error}"), "see `temporary`")
        }
    }
}

fn authority() -> Finding {
    match Authority::look() {
        Ok(Some(path)) => Finding::ok("authority", format!("{} is in force", path.display())),
        Ok(None) => Finding::ok("authority", "there is none yet; it is made when TLS is first asked for"),
        Err(stop) => Finding::warning(
            "authority",
            format!("{:#}", stop.error),
            "counterpart ca renew, and let clients trust what counterpart ca path tells",
        ),
    }
}

/// Real time, as other machines have it too.
#[expect(clippy::disallowed_methods, reason = "whether this clock can be trusted is the question")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}
