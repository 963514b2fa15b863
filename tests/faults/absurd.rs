//! Answers that no server gives: too deep, too long, too large, with octets that have no business there.
//!
//! Beside a good answer they change nothing; in its place they are an error, and take no more time or memory than others.

use mailql::Error;

use crate::server::scripted::{Action, Script, Scripted};
use crate::{SWEEP, asked, at, engine, failure, rows, script, told};

/// What the statement gives on a server that may take its time for an answer of megabytes, and the server.
async fn patiently(script: Script, sql: &str) -> (Result<Vec<String>, Error>, Scripted) {
    let server = script.start();
    let engine = engine(server.port()).await;
    rows(&engine, "SET mailql.timeout_seconds = 15").await.unwrap();
    let rows = rows(&engine, sql).await;
    assert_eq!(server.not_reading(), Vec::<String>::new(), "{sql}");
    (rows, server)
}

const SWEPT: [&str; 4] = ["1|first", "2|second", "4|fourth", "5|fifth"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_deep_or_too_long_beside_the_answer_changes_nothing() {
    let deep = |depth: usize| "(".repeat(depth) + &")".repeat(depth);
    let many = |word: &str| vec![word; 200_000].join(" ");
    let news = [
        ("an item of 10,000 lists", format!("* 9 FETCH (UID 9 X-ODD {})\r\n", deep(10_000))),
        ("an item of a million lists", format!("* 9 FETCH (UID 9 X-ODD {})\r\n", deep(1_000_000))),
        ("a structure of a million lists", format!("* 9 FETCH (UID 9 BODYSTRUCTURE {})\r\n", deep(1_000_000))),
        ("an envelope of 10,000 lists", format!("* 9 FETCH (UID 9 ENVELOPE {})\r\n", deep(10_000))),
        ("200,000 keywords", format!("* 9 FETCH (UID 9 FLAGS ({}))\r\n", many("\\x"))),
        (
            "100,000 parts",
            format!(
                "* 9 FETCH (UID 9 BODYSTRUCTURE ({} \"MIXED\"))\r\n",
                "(\"A\" \"B\" NIL NIL NIL NIL 1)".repeat(100_000)
            ),
        ),
        ("200,000 items", format!("* 9 FETCH (UID 9 {})\r\n", many("X 1"))),
        ("a line of 5 MB", format!("* X-ODD {}\r\n", "x".repeat(5 << 20))),
        ("a status of 5 MB", format!("* OK {}\r\n", "x".repeat(5 << 20))),
        ("a namespace of a million lists", format!("* NAMESPACE {}\r\n", deep(1_000_000))),
        ("NUL in a line", "* X-ODD a\0b\r\n* OK \0\r\n".to_owned()),
        ("octets that are no text", "* X-ODD \u{fffd}\u{1b}[2J\r\n".to_owned()),
        ("bare line ends", "* X-ODD a\n* OK b\n\n\n".to_owned()),
        ("100,000 empty lines", "\r\n".repeat(100_000)),
        ("100,000 changes of flags", "* 2 FETCH (FLAGS ())\r\n".repeat(100_000)),
    ];
    for (what, news) in news {
        for name in ["EXAMINE", "UID FETCH"] {
            let news = news.clone();
            let answers = at(name, move |_, _| vec![Action::send(news.clone()), Action::Answer]);
            let (rows, server) = patiently(answers, SWEEP).await;
            let rows = rows.unwrap_or_else(|error| panic!("{what} at {name}: {error}\n{:.2000}", server.transcript()));
            assert_eq!(rows, SWEPT, "{what} at {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_cannot_be_are_errors_or_asked_for_again() {
    for (what, line) in [
        ("fewer than no messages", "* -1 EXISTS\r\n"),
        ("more messages than there are numbers", "* 99999999999999999999 EXISTS\r\n"),
        ("a next uid below zero", "* OK [UIDNEXT -1] x\r\n"),
        ("a next uid beyond all", "* OK [UIDNEXT 99999999999999999999] x\r\n"),
        ("a row before the first", "* 0 FETCH (UID 2 FLAGS ())\r\n"),
        ("a row below zero", "* -3 FETCH (UID 2 FLAGS ())\r\n"),
        ("a row beyond all", "* 4294967296 FETCH (FLAGS ())\r\n"),
        ("a uid below zero", "* 9 FETCH (UID -2 FLAGS ())\r\n"),
        ("a uid beyond all", "* 9 FETCH (UID 4294967296 FLAGS ())\r\n"),
        ("what vanished to the end", "* VANISHED 100:4294967295\r\n"),
    ] {
        for name in ["EXAMINE", "UID FETCH"] {
            let answers = at(name, move |_, _| vec![Action::send(line), Action::Answer]);
            let (rows, server) = asked(answers, SWEEP).await;
            match rows {
                Ok(rows) => assert_eq!(rows, SWEPT, "{what} at {name}\n{}", server.transcript()),
                Err(error) => assert!(!error.to_string().is_empty(), "{what} at {name}"),
            }
        }
    }
    for size in ["-5", "18446744073709551616", "99999999999999999999999", "0x10", "NIL", "(5)", "\"5\""] {
        let answers = at("UID FETCH", move |command, _| {
            let row =
                |sequence: u32, uid: u32, size: &str| format!("* {sequence} FETCH (UID {uid} RFC822.SIZE {size})\r\n");
            let rows = row(1, 1, "10") + &row(2, 2, size) + &row(3, 4, "10") + &row(4, 5, "10");
            vec![Action::send(rows), Action::tagged(command, "OK fetched")]
        });
        let sql = "SELECT uid, size FROM MessagesInFolder WHERE folder = 'INBOX'";
        let rows = told(answers, sql).await;
        assert_eq!(rows.len(), 4, "{size}");
        assert!(rows[1].starts_with("2|") && !rows[1].contains('-'), "{size}: {rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_the_same_200_000_times_finds_it_once() {
    let found = at("UID SEARCH", |command, _| {
        let found = if command.line.contains("RETURN") {
            format!("* ESEARCH (TAG \"{}\") UID ALL {}\r\n", command.tag, vec!["2"; 200_000].join(","))
        } else {
            format!("* SEARCH {}\r\n", vec!["2"; 200_000].join(" "))
        };
        vec![Action::send(found), Action::tagged(command, "OK searched")]
    });
    // All that the server can is to tell them, not to keep them.
    let found = found.capabilities("IMAP4rev1 SASL-IR AUTH=PLAIN ESEARCH");
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen";
    let (rows, server) = patiently(found, sql).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}\n{:.2000}", server.transcript()));
    assert_eq!(rows, ["2|second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_literal_that_is_announced_and_never_comes_takes_no_memory() {
    for announced in ["4294967295", "4294967296", "18446744073709551615"] {
        let line = format!("* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {{{announced}}}\r\nSubject: x");
        let before = resident();
        let stalled = {
            let line = line.clone();
            at("UID FETCH", move |_, _| vec![Action::send(line.clone()), Action::Stall])
        };
        let error = failure(stalled, SWEEP).await;
        assert!(error.contains("said nothing for 1 s") || error.contains("longer than"), "{announced}: {error}");
        if let (Some(before), Some(after)) = (before, resident()) {
            assert!(after < before + (256 << 10), "{announced}: {before} KiB became {after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_without_number_or_sense_are_folders_or_an_error() {
    let deep = "(".repeat(10_000) + &")".repeat(10_000);
    let attributes = vec!["\\A"; 200_000].join(" ");
    for (what, line) in [
        ("a folder of 10,000 lists", format!("* LIST {deep} \"/\" x\r\n")),
        ("a folder with lists behind it", format!("* LIST () \"/\" x {deep}\r\n")),
        ("a folder of 200,000 attributes", format!("* LIST ({attributes}) \"/\" x\r\n")),
        ("a folder with NUL in its name", "* LIST () \"/\" \"a\0b\"\r\n".to_owned()),
        ("a folder of 1 MB", format!("* LIST () \"/\" \"{}\"\r\n", "x".repeat(1 << 20))),
        ("a folder without a name", "* LIST () \"/\" \"\"\r\n".to_owned()),
        ("a folder whose levels are parted by a letter of two octets", "* LIST () \"\u{e9}\" x\r\n".to_owned()),
        (
            "a status of numbers that cannot be",
            "* STATUS INBOX (MESSAGES -1 UNSEEN 99999999999999999999)\r\n".to_owned(),
        ),
    ] {
        let answers = at("LIST", move |_, _| vec![Action::send(line.clone()), Action::Answer]);
        match patiently(answers, "SELECT name FROM Folder WHERE name IN ('INBOX', 'Archive')").await.0 {
            Ok(rows) => assert_eq!(rows, ["Archive", "INBOX"], "{what}"),
            Err(error) => assert!(error.to_string().contains("makes no sense"), "{what}: {error}"),
        }
    }
}

/// The memory of this process, in KiB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_without_end_are_an_error() {
    for (last, is_much) in [(100_000, false), (100_001, true)] {
        let folders: String = (1..last).map(|number| format!("* LIST () \"/\" x{number}\r\n")).collect();
        let list = format!("* LIST () \"/\" INBOX\r\n{folders}");
        let endless = script().on_command(move |command, _, _| {
            (command.name == "LIST").then(|| vec![Action::send(list.clone()), Action::tagged(command, "OK listed")])
        });
        let (rows, _) = patiently(endless, "SELECT count(*) FROM Folder").await;
        match rows {
            Ok(rows) => assert!(!is_much && rows == ["100000"], "{rows:?}"),
            Err(error) => assert!(is_much && error.to_string().contains("more than 100000 folders"), "{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_that_are_too_large_together_are_still_too_large() {
    let most = u64::MAX;
    let part = format!("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" {most} 1)");
    let structure = format!("({part}{part} \"MIXED\")");
    let huge = script().on_command(move |command, _, _| {
        let row = match command.name.as_str() {
            "UID FETCH" if command.line.contains("BODYSTRUCTURE") => format!("BODYSTRUCTURE {structure}"),
            "UID FETCH" if command.line.contains("RFC822.SIZE") => format!("RFC822.SIZE {most}"),
            _ => return None,
        };
        let rows: String = [1, 2, 4, 5].iter().map(|uid| format!("* 1 FETCH (UID {uid} {row})\r\n")).collect();
        Some(vec![Action::send(rows), Action::tagged(command, "OK fetched")])
    });
    let server = huge.start();
    for column in ["body_text", "raw"] {
        let engine = engine(server.port()).await;
        rows(&engine, "SET mailql.max_download_mb = 2000").await.unwrap();
        let sql = format!("SELECT {column} FROM MessageBody WHERE folder = 'INBOX'");
        let error = rows(&engine, &sql).await.unwrap_err().to_string();
        assert!(error.contains("would download about"), "{column}: {error}");
    }
}
