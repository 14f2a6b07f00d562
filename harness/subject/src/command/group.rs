//! A process with all that it started: asked to end, killed, and looked for.
//!
//! It leads a process group. What left the group is found by a mark in its environment, which it inherited, and by its
//! parents; that takes /proc, so on Linux alone. Who gives up both gets away.

#[cfg(unix)]
pub(crate) use unix::{ask_to_end, kill, kill_one, wait_for_end};

#[cfg(not(unix))]
pub(crate) use elsewhere::{ask_to_end, kill, kill_one, wait_for_end};

/// The environment variable that marks what a subject started.
pub(crate) const MARK: &str = "COUNTERPART_SUBJECT";

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
    use std::process::Child;

    fn pid(id: u32) -> Option<Pid> {
        i32::try_from(id).ok().and_then(Pid::from_raw)
    }

    /// Asks everything in the group to end. What has ended already is no error.
    pub(crate) fn ask_to_end(leader: u32) {
        if let Some(leader) = pid(leader) {
            let _ = kill_process_group(leader, Signal::TERM);
        }
    }

    /// Kills everything in the group.
    pub(crate) fn kill(leader: u32, _: &mut Child) {
        if let Some(leader) = pid(leader) {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// Kills one that left the group.
    pub(crate) fn kill_one(id: u32) {
        if let Some(id) = pid(id) {
            let _ = kill_process(id, Signal::KILL);
        }
    }

    /// Waits until the leader has ended, and leaves it to be reaped: until then no other process gets its number, so that
    /// the group can be killed safely.
    pub(crate) fn wait_for_end(leader: u32) -> Option<String> {
        let leader = pid(leader)?;
        loop {
            match waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Ok(Some(status)) => {
                    return Some(match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => format!("ended with exit code {code}"),
                        (None, Some(signal)) => format!("was ended by signal {signal}"),
                        (None, None) => "ended".to_owned(),
                    });
                }
                Err(rustix::io::Errno::INTR) => {}
                Ok(None) | Err(_) => return None,
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::process::Child;

    /// There is no such request here.
    pub(crate) fn ask_to_end(_: u32) {}

    pub(crate) fn kill(_: u32, child: &mut Child) {
        let _ = child.kill();
    }

    pub(crate) fn kill_one(_: u32) {}

    /// Nobody can be told before the process is reaped.
    pub(crate) fn wait_for_end(_: u32) -> Option<String> {
        None
    }
}

/// A process that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: u32,
    /// What it was started as.
    pub(crate) command: String,
}

/// What still runs of what a leader started, the leader itself apart: its group, whatever has the mark, and their
/// children. Nothing where there is no /proc.
pub(crate) fn still_running(leader: u32, mark: &str) -> Vec<Found> {
    let begun = Stat::of(leader).map_or(0, |stat| stat.begun);
    let marked = format!("{MARK}={mark}");
    let stats: Vec<Stat> = all().into_iter().filter(|stat| stat.id != leader && stat.lives).collect();
    let mut found: Vec<u32> = stats
        .iter()
        .filter(|stat| stat.group == leader || (stat.begun >= begun && has_mark(stat.id, marked.as_bytes())))
        .map(|stat| stat.id)
        .collect();
    loop {
        let of_found = |stat: &&Stat| {
            (stat.parent == leader || found.contains(&stat.parent)) && !found.contains(&stat.id)
        };
        let children: Vec<u32> = stats.iter().filter(of_found).map(|stat| stat.id).collect();
        if children.is_empty() {
            break;
        }
        found.extend(children);
    }
    found.into_iter().map(|id| Found { id, command: command_of(id) }).collect()
}

struct Stat {
    id: u32,
    parent: u32,
    group: u32,
    /// In ticks since the system came up.
    begun: u64,
    lives: bool,
}

impl Stat {
    /// `/proc/ID/stat`: the name in parentheses may hold anything, so fields are counted from the last one.
    fn of(id: u32) -> Option<Self> {
        let text = std::fs::read(format!("/proc/{id}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            id,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            begun: fields.get(19)?.parse().ok()?,
            lives: !matches!(*fields.first()?, "Z" | "X" | "x"),
        })
    }
}

fn all() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(Stat::of).collect()
}

fn has_mark(id: u32, marked: &[u8]) -> bool {
    let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == marked)
}

fn command_of(id: u32) -> String {
    let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&words).replace('\0', " ");
    text.trim().chars().take(120).collect()
}
