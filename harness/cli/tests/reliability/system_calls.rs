//! Reads the log of `strace -f -yy`, and judges from it whether an acknowledgement ever ran ahead of the disk.
//!
//! The order of lines is the order of events: a thread stands still while the tracer writes about it. A call that
//! another thread interrupts stands on two lines, `<unfinished ...>` and `<... name resumed>`; it begins with the first
//! and ends with the second.

use std::collections::BTreeMap;

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    name: String,
    /// Everything between the brackets.
    arguments: String,
    /// What its first argument stands for: a path, or both ends of a connection.
    subject: String,
    /// Lines of the log. One that never ended has no end and no result.
    begun: usize,
    ended: Option<usize>,
    result: Option<i64>,
}

/// The calls of a log, in the order in which they began. Lines about signals and exits are passed over; any other line
/// that is not understood is an error, since what it hides could be the very call that matters.
pub(crate) fn read(log: &str) -> Result<Vec<Call>, String> {
    let mut calls: Vec<Call> = Vec::new();
    let mut unfinished: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in log.lines().enumerate() {
        let not_understood = || format!("line {}: not understood: {line}", number + 1);
        let (thread, rest) = line.trim_start().split_once(' ').ok_or_else(not_understood)?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (name, rest) = resumed.split_once(" resumed>").ok_or_else(not_understood)?;
            // One that began before the tracer came has no beginning.
            let Some(place) = unfinished.remove(thread) else { continue };
            let call = &mut calls[place];
            if call.name != name {
                return Err(not_understood());
            }
            let (arguments, result) = completed(rest).ok_or_else(not_understood)?;
            call.arguments.push_str(arguments);
            call.ended = Some(number);
            call.result = result;
            continue;
        }
        let (name, rest) = rest.split_once('(').ok_or_else(not_understood)?;
        let (arguments, ended, result) = match rest.strip_suffix("<unfinished ...>") {
            Some(arguments) => {
                unfinished.insert(thread, calls.len());
                (arguments.trim_end(), None, None)
            }
            None => {
                let (arguments, result) = completed(rest).ok_or_else(not_understood)?;
                (arguments, Some(number), result)
            }
        };
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        let subject = subject(&arguments).unwrap_or_default().to_owned();
        calls.push(Call { name, arguments, subject, begun: number, ended, result });
    }
    Ok(calls)
}

/// Arguments and result of what follows the opening bracket. A result of `?` is none: the process ended in it.
fn completed(rest: &str) -> Option<(&str, Option<i64>)> {
    let (arguments, result) = rest.rsplit_once(") ")?;
    let result = result.trim_start().strip_prefix("= ")?;
    let number = result.split_whitespace().next()?;
    Some((arguments, number.parse().ok()))
}

/// What stands in angle brackets after the descriptor. A connection has an arrow within.
fn subject(arguments: &str) -> Option<&str> {
    let descriptor = arguments.find(|letter: char| !letter.is_ascii_digit())?;
    let described = arguments[descriptor..].strip_prefix('<')?;
    let end = if described.starts_with("TCP") { described.find("]>")? + 1 } else { described.find('>')? };
    Some(&described[..end])
}

impl Call {
    fn is_read(&self) -> bool {
        matches!(self.name.as_str(), "read" | "readv" | "recvfrom" | "recvmsg")
            && self.result.is_some_and(|read| read > 0)
    }

    fn is_write(&self) -> bool {
        let names = ["write", "writev", "sendto", "sendmsg", "pwrite64", "pwritev", "pwritev2"];
        names.contains(&self.name.as_str())
    }

    fn is_socket(&self) -> bool {
        self.subject.starts_with("TCP")
    }

    fn is_sync(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync")
    }

    fn says(&self, words: &str) -> bool {
        self.arguments.contains(words)
    }
}

/// Each acknowledgement in the log, and whether it waited for the disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) id: String,
    /// None, or what was missing.
    pub(crate) ahead_of_disk: Option<&'static str>,
}

/// Judges deliveries that were sent one after the other, each with its id in the request. For each 2xx to a delivery, a
/// sync of the write-ahead log must have begun after that delivery was written there, and have succeeded before the
/// answer was written.
pub(crate) fn acknowledgements(calls: &[Call], ids: &[String], wal: &str) -> Vec<Acknowledgement> {
    ids.iter()
        .map(|id| Acknowledgement { id: id.clone(), ahead_of_disk: ahead_of_disk(calls, id, wal) })
        .collect()
}

fn ahead_of_disk(calls: &[Call], id: &str, wal: &str) -> Option<&'static str> {
    let header = format!("webhook-id: {id}\\r\\n");
    let Some(request) = calls.iter().find(|call| call.is_socket() && call.is_read() && call.says(&header))
    else {
        return Some("the log does not show the request");
    };
    let answer = calls.iter().find(|call| {
        call.begun > request.begun
            && call.is_write()
            && call.subject == request.subject
            && call.says("\"HTTP/1.1 2")
    });
    let Some(answer) = answer else { return Some("the log does not show a 2xx") };
    let since = |call: &&Call| Some(call.begun) > request.ended && call.begun < answer.begun;
    let mut writes = calls.iter().filter(since).filter(|call| call.is_write() && call.subject.ends_with(wal));
    let Some(first) = writes.clone().next() else {
        return Some("nothing was written to the log before the 2xx");
    };
    // A database may hold it in a form in which its id cannot be read; then the first write must do.
    let written = writes.find(|call| call.says(id)).unwrap_or(first);
    let synced = calls.iter().filter(since).any(|call| {
        call.is_sync()
            && call.subject.ends_with(wal)
            && Some(call.begun) > written.ended
            && call.result == Some(0)
            && call.ended.is_some_and(|ended| ended < answer.begun)
    });
    (!synced).then_some("no sync between its write and the 2xx")
}

#[cfg(test)]
mod tests {
    use super::{acknowledgements, read};

    const SOCKET: &str = "9<TCP:[127.0.0.1:4000->127.0.0.1:5000]>";
    const WAL: &str = "7</data/runtime.db-wal>";

    fn request(id: &str) -> String {
        format!(
            "11 recvfrom({SOCKET}, \"POST /hooks/acme/orders HTTP/1.1\\r\\nwebhook-id: {id}\\r\\n\\r\\n{{}}\", 8192, 0, \
             NULL, NULL) = 90"
        )
    }

    fn written(id: &str) -> String {
        format!("12 pwrite64({WAL}, \"\\r\\0\\0{id}\\0\", 4096, 56) = 4096")
    }

    fn answer() -> String {
        format!("11 writev({SOCKET}, [{{iov_base=\"HTTP/1.1 200 OK\\r\\n\", iov_len=90}}], 1) = 90")
    }

    const SYNCED: &str = "12 fdatasync(7</data/runtime.db-wal>) = 0";

    fn ahead(lines: &[&str]) -> Option<&'static str> {
        let calls = read(&lines.join("\n")).unwrap();
        let mut judged = acknowledgements(&calls, &["evt-1".to_owned()], "/runtime.db-wal");
        judged.pop().unwrap().ahead_of_disk
    }

    const NO_SYNC: Option<&str> = Some("no sync between its write and the 2xx");

    #[test]
    fn an_answer_after_write_and_sync_waited_for_the_disk() {
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), SYNCED, &answer()]), None);
        let plain_fsync = SYNCED.replace("fdatasync", "fsync");
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), &plain_fsync, &answer()]), None);
    }

    #[test]
    fn an_answer_without_a_sync_or_before_it_did_not() {
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), &answer()]), NO_SYNC);
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), &answer(), SYNCED]), NO_SYNC);
        assert_eq!(ahead(&[SYNCED, &request("evt-1"), &written("evt-1"), &answer()]), NO_SYNC);
        assert_eq!(
            ahead(&[&request("evt-1"), SYNCED, &written("evt-1"), &answer()]),
            NO_SYNC,
            "a sync of what was there before"
        );
    }

    #[test]
    fn a_sync_counts_from_its_beginning_to_its_success() {
        let begun = "12 fdatasync(7</data/runtime.db-wal> <unfinished ...>";
        let ended = "12 <... fdatasync resumed>)         = 0";
        let failed = "12 <... fdatasync resumed>)         = -1 EIO (Input/output error)";
        let (request, written, answer) = (request("evt-1"), written("evt-1"), answer());
        assert_eq!(ahead(&[&request, &written, begun, ended, &answer]), None);
        assert_eq!(ahead(&[&request, &written, begun, &answer, ended]), NO_SYNC, "it was not over");
        assert_eq!(ahead(&[&request, &written, begun, failed, &answer]), NO_SYNC);
        let other = begun.replace("12 ", "13 ");
        let other_ended = ended.replace("12 ", "13 ");
        assert_eq!(
            ahead(&[&request, &other, &written, &other_ended, &answer]),
            NO_SYNC,
            "it began before the write"
        );
    }

    #[test]
    fn an_interrupted_write_ends_where_it_is_resumed() {
        let begun = format!("12 pwrite64({WAL}, \"evt-1\", 4096, 56 <unfinished ...>");
        let resumed = "12 <... pwrite64 resumed>) = 4096";
        let sync = SYNCED.replace("12 ", "13 ");
        let (request, answer) = (request("evt-1"), answer());
        assert_eq!(ahead(&[&request, &begun, resumed, &sync, &answer]), None);
        assert_eq!(ahead(&[&request, &begun, &sync, resumed, &answer]), NO_SYNC);
    }

    #[test]
    fn an_interrupted_read_shows_its_bytes_where_it_is_resumed() {
        let begun = format!("11 recvfrom({SOCKET},  <unfinished ...>");
        let resumed = "11 <... recvfrom resumed>\"POST /hooks/a/b HTTP/1.1\\r\\nwebhook-id: evt-1\\r\\n\", 8192, 0, \
                       NULL, NULL) = 60";
        let other = written("other");
        assert_eq!(ahead(&[&begun, &other, resumed, &written("evt-1"), SYNCED, &answer()]), None);
        assert_eq!(
            ahead(&[&begun, &written("evt-1"), SYNCED, resumed, &answer()]),
            Some("nothing was written to the log before the 2xx"),
            "what was done before it was read is not its own"
        );
    }

    #[test]
    fn files_and_connections_are_told_apart() {
        let elsewhere = "12 fdatasync(8</data/runtime.db>) = 0";
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), elsewhere, &answer()]), NO_SYNC);
        let other_client = answer().replace("5000", "5001");
        assert_eq!(
            ahead(&[&request("evt-1"), &written("evt-1"), SYNCED, &other_client]),
            Some("the log does not show a 2xx")
        );
        let refused = answer().replace("200 OK", "503 Service Unavailable");
        assert_eq!(
            ahead(&[&request("evt-1"), &written("evt-1"), SYNCED, &refused]),
            Some("the log does not show a 2xx")
        );
        assert_eq!(ahead(&[&request("evt-10"), SYNCED]), Some("the log does not show the request"));
    }

    #[test]
    fn another_s_write_and_sync_are_not_taken_for_its_own() {
        assert_eq!(
            ahead(&[&request("evt-1"), &written("evt-0"), SYNCED, &written("evt-1"), &answer()]),
            NO_SYNC
        );
        assert_eq!(
            ahead(&[&request("evt-1"), &written("unreadable"), SYNCED, &answer()]),
            None,
            "where no id can be read, the first write counts"
        );
    }

    #[test]
    fn what_follows_from_a_delivery_may_be_written_before_its_answer() {
        let claimed = written("evt-1").replace("12 ", "13 ");
        assert_eq!(ahead(&[&request("evt-1"), &written("evt-1"), SYNCED, &claimed, &answer()]), None);
    }

    #[test]
    fn signals_and_exits_are_passed_over_and_what_is_not_understood_is_an_error() {
        let lines = "11 --- SIGTERM {si_signo=SIGTERM} ---\n11 <... read resumed>\"x\", 1) = 1\n\
                     12 write(3<pipe:[1]>, \"a) = 2\", 6) = 6\n12 exit_group(0) = ?\n11 +++ exited with 0 +++\n";
        let calls = read(lines).unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].arguments, "3<pipe:[1]>, \"a) = 2\", 6");
        assert_eq!((calls[0].result, calls[1].result), (Some(6), None));
        for odd in ["12", "12 something", "12 write(3", "12 <... write"] {
            assert!(read(odd).is_err(), "{odd}");
        }
        assert!(read("1 read(3 <unfinished ...>\n1 <... write resumed>) = 1").is_err());
    }
}
