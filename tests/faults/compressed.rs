//! A conversation that is compressed, or is to be: refused, broken, cut, or a little that becomes a lot.

use std::time::Instant;

use flate2::{Compress, Compression, FlushCompress};
use mailql::{Engine, ErrorKind, ImapAccount, Tls};

use crate::server::proxy::Proxy;
use crate::server::scripted::{Action, Command, Folder, Script, Scripted};
use crate::{STATEMENTS, SWEEP, engine_of, mail, rows, script};

#[tokio::test(flavor = "multi_thread")]
async fn statements_give_the_same_when_they_are_compressed() {
    for (name, sql, expected) in STATEMENTS {
        let server = able().start();
        assert_eq!(rows(&engine(&server, Some(true)).await, sql).await.unwrap(), expected, "{name}");
        assert!(server.is_clean(), "{name}: {:?}", server.not_reading());
        assert_eq!(server.count("COMPRESS"), 1, "{name}");
        let said = server.transcript();
        let (before, after) = said.split_once(" COMPRESS DEFLATE\n").unwrap();
        assert!(before.contains("AUTHENTICATE") && !before.contains("EXAMINE"), "{said}");
        assert!(after.starts_with("S: A3 OK"), "nothing is said before the answer: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compressed_on_this_computer_or_against_the_account_or_the_server() {
    for (wanted, script) in [(None, able()), (Some(false), able()), (Some(true), script()), (None, script())] {
        let server = script.start();
        assert_eq!(rows(&engine(&server, wanted).await, SWEEP).await.unwrap().len(), 4);
        assert_eq!(server.count("COMPRESS"), 0, "{wanted:?}: {}", server.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_to_compress_is_read_as_it_is() {
    for status in ["NO [COMPRESSIONACTIVE] TLS does it", "NO not now", "NO", "BAD what is that"] {
        let server = able().on_command(at_compress(move |command| vec![Action::tagged(command, status)])).start();
        for (name, sql, expected) in STATEMENTS {
            assert_eq!(rows(&engine(&server, Some(true)).await, sql).await.unwrap(), expected, "{name}, {status}");
        }
        assert_eq!(server.count("COMPRESS"), STATEMENTS.len(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_breaks_off_or_goes_on_uncompressed_is_an_error() {
    let ok = |command: &Command| Action::Send(command.tagged("OK compressed from here on"));
    let faults: [Fault; 8] = [
        (|_| vec![Action::Close], "closed the connection"),
        (|_| vec![Action::Reset], "connection"),
        (|_| vec![Action::Stall], "for 1 s"),
        (|_| vec![Action::send("* BYE going down\r\n"), Action::Close], "going down"),
        (|_| vec![Action::AnswerFirst(8), Action::Close], "closed the connection"),
        (|_| vec![Action::Answer, Action::Close], "closed the connection"),
        (|_| vec![Action::Answer, Action::SendRaw(vec![0xff; 9])], "not compressed as it should be"),
        (
            |command| vec![Action::Send([&command.tagged("OK")[..], b"* OK in the clear\r\n\xff\xff"].concat())],
            "not compressed as it should be",
        ),
    ];
    for (place, (fault, words)) in faults.into_iter().enumerate() {
        let server = able().on_command(at_compress(fault)).start();
        let error = rows(&engine(&server, Some(true)).await, SWEEP).await.unwrap_err();
        assert!(error.to_string().contains(words), "{place}: {error}\n{}", server.transcript());
        let is_garbage = words.contains("compressed");
        let kind = if is_garbage { ErrorKind::Server } else { ErrorKind::Unreachable };
        assert_eq!(error.kind(), kind, "{place}");
        assert!(error.way_out().is_some(), "{place}: {error}");
    }
    // It says that it does, and does not: what it then says is no compressed stream, or none that ends a line.
    let server = able().on_command(at_compress(move |command| vec![ok(command)])).start();
    let error = rows(&engine(&server, Some(true)).await, SWEEP).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Server | ErrorKind::Unreachable), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_answer_that_is_broken_anywhere_is_an_error() {
    for first in [0, 1, 30, 60, 100] {
        for (garbage, words) in [(&b"\xff\xff\xff"[..], "not compressed"), (b"\x03\x00", "closed the connection")] {
            let hook = move |command: &Command, count, _: &_| {
                let answer = vec![Action::AnswerFirst(first), Action::SendRaw(garbage.to_vec()), Action::Answer];
                (command.name == "UID FETCH" && count == 1).then_some(answer)
            };
            let server = able().on_command(hook).start();
            let error = rows(&engine(&server, Some(true)).await, SWEEP).await.unwrap_err();
            assert!(error.to_string().contains(words), "{first}, {garbage:?}: {error}\n{}", server.transcript());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_line_that_is_cut_anywhere_is_an_error_or_the_full_answer() {
    for (place, (name, sql, expected)) in STATEMENTS.into_iter().enumerate() {
        let server = able().start();
        let whole = Proxy::before(server.port()).start();
        rows(&engine_of(account(whole.port(), Some(true))).await, sql).await.unwrap();
        let octets = whole.counts().from_server;
        let mut full = 0;
        for cut in (place as u64 % STEP..octets + STEP).step_by(STEP as usize) {
            let proxy = Proxy::before(server.port()).cut_after(cut).start();
            match rows(&engine_of(account(proxy.port(), Some(true))).await, sql).await {
                Ok(rows) => {
                    assert_eq!(rows, expected, "{name} cut after {cut} octets");
                    full += 1;
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        assert!(full < 9, "{name}: {full} of {octets} octets were not needed");
        assert!(server.is_clean(), "{name}: {:?}", server.not_reading());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_that_becomes_a_gigabyte_takes_neither_the_memory_nor_the_day() {
    let mails = || vec![Folder::new("INBOX", vec![mail(1, "", "first", "")])];
    let sql = "SELECT uid, raw IS NULL, problems FROM MessageBody WHERE folder = 'INBOX'";
    let start = Instant::now();
    let before = most_memory();
    for (beginning, end) in [("BODY[] {1073741824}\r\n", ")\r\n"), ("FLAGS (", "))\r\n"), ("BODY[] \"", "\")\r\n")] {
        let hook = move |command: &Command, _, _: &_| {
            let begun = Action::send(format!("* 1 FETCH (UID 1 {beginning}"));
            let ended = Action::Send([end.as_bytes(), &command.tagged("OK fetched")].concat());
            (command.name == "UID FETCH").then(|| vec![begun, Action::SendRaw(gigabyte()), ended])
        };
        let server = able().folders(mails()).on_command(hook).start();
        let engine = engine(&server, Some(true)).await;
        // It counts as what it becomes, and the message is asked for more than once.
        rows(&engine, "SET mailql.max_download_mb = 0").await.unwrap();
        match rows(&engine, sql).await {
            Ok(rows) => {
                assert!(rows.len() == 1 && rows[0].starts_with("1|true|") && rows[0].contains("larg"), "{rows:?}")
            }
            Err(error) => {
                assert!(!end.starts_with(")\r"), "a literal is passed over: {error}");
                assert!(error.to_string().contains("longer than"), "{error}");
            }
        }
    }
    assert!(start.elapsed() < crate::WATCHDOG, "{:?}", start.elapsed());
    let (before, after) = (before.unwrap_or(0), most_memory().unwrap_or(0));
    assert!(after - before < 200 << 10, "{} KiB more", after - before);
}

/// What a server does at COMPRESS, and words of the error that comes of it.
type Fault = (fn(&Command) -> Vec<Action>, &'static str);

/// A server that compresses.
fn able() -> Script {
    script().capabilities(
        "IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ ESEARCH SEARCHRES LIST-STATUS LIST-EXTENDED ID CONDSTORE COMPRESS=DEFLATE",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compressed_counts_as_what_it_becomes() {
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX'";
    // Two megabytes of lines out of some kilobytes.
    let mut lines = Vec::with_capacity(1 << 16);
    let line = "* OK nothing new\r\n".repeat(1 << 10);
    Compress::new(Compression::best(), false).compress_vec(line.as_bytes(), &mut lines, FlushCompress::Full).unwrap();
    let times = 2_000_000 / line.len();
    let talking = lines.repeat(times);
    assert!(talking.len() < 50_000, "{}", talking.len());
    for (megabytes, passes) in [(1, false), (3, true), (0, true)] {
        let talking = talking.clone();
        let hook = move |command: &Command, _, _: &_| {
            (command.name == "EXAMINE").then(|| vec![Action::SendRaw(talking.clone()), Action::Answer])
        };
        let server = able().on_command(hook).start();
        let engine = engine(&server, Some(true)).await;
        rows(&engine, &format!("SET mailql.max_download_mb = {megabytes}")).await.unwrap();
        match rows(&engine, sql).await {
            Ok(rows) => assert!(passes && rows.len() == 4, "{megabytes}: {rows:?}"),
            Err(error) => {
                assert!(!passes && error.kind() == ErrorKind::Refused, "{megabytes}: {error}");
                assert!(error.to_string().contains("has downloaded 2 MB"), "{error}");
            }
        }
    }
}

fn at_compress(
    actions: impl Fn(&Command) -> Vec<Action> + Send + Sync + 'static,
) -> impl Fn(&Command, usize, &crate::Context) -> Option<Vec<Action>> + Send + Sync + 'static {
    move |command, _, _| (command.name == "COMPRESS").then(|| actions(command))
}

fn account(port: u16, compress: Option<bool>) -> ImapAccount {
    let account = ImapAccount::new("127.0.0.1", "me").password("hunter2").tls(Tls::None).port(port);
    match compress {
        Some(compress) => account.compress(compress),
        None => account,
    }
}

async fn engine(server: &Scripted, compress: Option<bool>) -> Engine {
    engine_of(account(server.port(), compress)).await
}

/// A gigabyte of zeros, compressed; it refers to nothing that came before.
fn gigabyte() -> Vec<u8> {
    let mut zeros = Vec::with_capacity(1 << 20);
    Compress::new(Compression::best(), false).compress_vec(&vec![0; 1 << 20], &mut zeros, FlushCompress::Full).unwrap();
    let all = zeros.repeat(1 << 10);
    assert!(all.len() < 2 << 20, "{}", all.len());
    all
}

/// The most memory that this process had by now, in KiB, where the system tells.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// A prime, so that no regular line is cut at the same place only.
const STEP: u64 = 7;
