//! Messages that are there and do not come, or do not come as they were asked for.
//!
//! A message that the folder still lists is a row or an error that names it. With `mailql.unreadable = 'skip'` it is left
//! out everywhere, and counted.

use mailql::Engine;

use crate::server::responses;
use crate::server::scripted::{Action, Command, Context, Script, Scripted};
use crate::{STATEMENTS, SWEEP, asked, engine, failure, rows, script, told};

/// What becomes of the rows of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Lose,
    BreakOff,
    Strip,
    Rename,
    Shorten,
}

/// Does something with each row of message 5; a script takes functions only.
fn with_row(change: Change) -> fn(Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    match change {
        Change::Lose => |all| changed(all, 5, lose),
        Change::BreakOff => |all| changed(all, 5, break_off),
        Change::Strip => |all| changed(all, 5, strip),
        Change::Rename => |all| changed(all, 5, rename),
        Change::Shorten => |all| changed(all, 5, shorten),
    }
}

fn changed(responses: Vec<Vec<u8>>, uid: u32, change: fn(Vec<u8>) -> Vec<u8>) -> Vec<Vec<u8>> {
    let wanted = format!("(UID {uid} ");
    let only = format!("(UID {uid})");
    let is_it = |row: &[u8]| {
        responses::is_row(row)
            && row.windows(wanted.len()).any(|part| part == wanted.as_bytes() || part == only.as_bytes())
    };
    responses.into_iter().map(|response| if is_it(&response) { change(response) } else { response }).collect()
}

fn lose(_: Vec<u8>) -> Vec<u8> {
    Vec::new()
}

fn break_off(row: Vec<u8>) -> Vec<u8> {
    responses::unreadable(&row)
}

fn strip(row: Vec<u8>) -> Vec<u8> {
    responses::without_item(&row).unwrap_or(row)
}

/// The same row, as a response that nobody knows.
fn rename(row: Vec<u8>) -> Vec<u8> {
    String::from_utf8_lossy(&row).replacen(" FETCH ", " UIDFETCH ", 1).into_bytes()
}

fn shorten(row: Vec<u8>) -> Vec<u8> {
    responses::shortened(&row, 5).unwrap_or(row)
}

const CHANGES: [Change; 5] = [Change::Lose, Change::BreakOff, Change::Strip, Change::Rename, Change::Shorten];

/// Capabilities that find messages in different ways.
const ABLE: [&str; 3] = ["IMAP4rev1", "IMAP4rev1 ESEARCH", "IMAP4rev1 ESEARCH SEARCHRES CONDSTORE"];

fn never(change: Change) -> impl Fn(&Command, usize, &Context) -> Option<Vec<Action>> {
    move |command, _, context| {
        let is_inbox = context.folder.as_deref() == Some("INBOX");
        (command.name == "UID FETCH" && is_inbox).then(|| vec![Action::AnswerChanged(with_row(change))])
    }
}

/// Statements about single messages and ranges of uids, beside the usual ones.
const RANGES: [(&str, &str, &[&str]); 4] = [
    ("one uid", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid = 5", &["5|fifth"]),
    (
        "from a uid",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid > 3",
        &["4|fourth", "5|fifth"],
    ),
    (
        "between uids",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid BETWEEN 2 AND 1000",
        &["2|second", "4|fourth", "5|fifth"],
    ),
    (
        "many uids",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid <> 2",
        &["1|first", "4|fourth", "5|fifth"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_never_comes_is_an_error_that_names_it() {
    for able in ABLE {
        for change in CHANGES {
            for (statement, sql, expected) in STATEMENTS.into_iter().chain(RANGES) {
                let (rows, server) = asked(script().capabilities(able).on_command(never(change)), sql).await;
                match rows {
                    Ok(rows) => assert_eq!(rows, expected, "{statement} {able}\n{}", server.transcript()),
                    Err(error) => {
                        let told = error.to_string();
                        assert!(told.contains("message 5") && told.contains("INBOX"), "{statement}: {told}");
                        assert!(error.way_out().unwrap().contains("AND uid <> 5"), "{statement}: {error:?}");
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_when_it_is_asked_for_again_is_a_row() {
    for able in ABLE {
        for change in CHANGES {
            for time in 1..=3 {
                for (statement, sql, expected) in STATEMENTS.into_iter().chain(RANGES) {
                    let once = script().capabilities(able).on_command(move |command, count, context| {
                        if command.name == "UID FETCH" && count != time {
                            return None;
                        }
                        never(change)(command, count, context)
                    });
                    let (rows, server) = asked(once, sql).await;
                    let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error}\n{}", server.transcript()));
                    assert_eq!(rows, expected, "{statement} {able}\n{}", server.transcript());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_come_does_not_lock_its_folder() {
    for change in CHANGES {
        let sql = "SELECT uid, subject, seen FROM MessagesInFolder WHERE folder = 'INBOX' AND uid <> 5";
        let rows = told(script().on_command(never(change)), sql).await;
        assert_eq!(rows, ["1|first|true", "2|second|false", "4|fourth|false"]);
    }
}

/// An engine that leaves out what cannot be delivered, and a server that never delivers a message.
async fn skipping(able: &str, change: Change) -> (Engine, Scripted) {
    let server = script().capabilities(able).on_command(never(change)).start();
    let engine = engine(server.port()).await;
    rows(&engine, "SET mailql.unreadable = 'skip'").await.unwrap();
    (engine, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_left_out_everywhere_and_counted() {
    for able in ABLE {
        for change in [Change::Lose, Change::BreakOff, Change::Strip, Change::Rename] {
            let (engine, server) = skipping(able, change).await;
            for _ in 0..2 {
                for (sql, expected) in [
                    (SWEEP, &["1|first", "2|second", "4|fourth"][..]),
                    ("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'", &["3"]),
                    ("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen", &["2"]),
                    ("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND flagged", &[]),
                    ("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX'", &["1", "2", "4"]),
                    ("SELECT folder, count(*) FROM MessagesInFolder GROUP BY folder", &["Archive|1", "INBOX|3"]),
                    ("SELECT count(*) FROM MessagesInFolder", &["4"]),
                    ("SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' LIMIT 1", &["4|fourth"]),
                    ("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY uid DESC LIMIT 2", &["2", "4"]),
                    ("SELECT count(*) FROM MessageHeaders WHERE folder = 'INBOX' AND name = 'Subject'", &["3"]),
                    ("SELECT count(*) FROM MessageAddresses WHERE folder = 'INBOX'", &["3"]),
                    ("SELECT uid, name FROM MessageAttachments WHERE folder = 'INBOX'", &["4|four.txt"]),
                    (
                        "SELECT uid, body_text FROM MessageBody WHERE folder = 'INBOX' AND uid > 1",
                        &["2|Text of second.\n", "4|NULL"],
                    ),
                ] {
                    let told = rows(&engine, sql).await;
                    let told = told.unwrap_or_else(|error| panic!("{sql}: {error}\n{}", server.transcript()));
                    assert_eq!(told, expected, "{sql} {able}\n{}", server.transcript());
                }
            }
            let plan = rows(&engine, &format!("EXPLAIN ANALYZE {SWEEP}")).await.unwrap().concat();
            assert!(plan.contains("messages_left_out=1"), "{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_one_message_is_an_error_with_the_words_of_the_server() {
    for status in ["NO [SERVERBUG] cannot open the file", "NO cannot open the file"] {
        let refuses = move |command: &Command, _: usize, context: &Context| {
            let is_inbox = context.folder.as_deref() == Some("INBOX");
            let uids = command.arguments.first().map(|set| set.text().to_owned()).unwrap_or_default();
            let has_it = ["*", "$", "5"].iter().any(|end| uids.ends_with(end));
            (command.name == "UID FETCH" && is_inbox && has_it)
                .then(|| vec![Action::AnswerChanged(with_row(Change::Lose)), Action::tagged(command, status)])
                .map(|actions| if uids == "5" { actions[1..].to_vec() } else { untagged(command, actions) })
        };
        let error = failure(script().on_command(refuses), SWEEP).await;
        assert!(error.contains("message 5: cannot open the file"), "{error}");
        let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid <> 5";
        assert_eq!(told(script().on_command(refuses), sql).await, ["1|first", "2|second", "4|fourth"]);
    }
}

/// The rows of the other messages, and the refusal in place of the answer's end.
fn untagged(command: &Command, actions: Vec<Action>) -> Vec<Action> {
    let items = command.line.split_once('(').map_or("UID)", |(_, items)| items);
    let others = format!("{} UID FETCH 1:4 ({items}", command.tag);
    vec![Action::AnswerTo(others), actions[1].clone()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_read_is_an_error_that_names_the_message() {
    let odd = |from: &'static str, to: &'static str| {
        script().on_command(move |command, _, _| {
            let is_asked = command.name == "UID FETCH" && command.line.contains(from.trim_end_matches([' ', '(', '"']));
            let items = command.line.split_once('(').map_or("", |(_, items)| items);
            let others = format!("{} UID FETCH 1:4 ({items}", command.tag);
            let mut row = format!("* 4 FETCH (UID 5 {to}");
            // The other items are as they should be.
            for (name, value) in
                [("FLAGS", "(\\Flagged)"), ("RFC822.SIZE", "92"), ("INTERNALDATE", "\"01-Jan-2025 00:00:00 +0000\"")]
            {
                if items.contains(name) && !to.starts_with(name) {
                    row += &format!(" {name} {value}");
                }
            }
            is_asked.then(|| vec![Action::AnswerTo(others), Action::send(row + ")\r\n"), Action::tagged(command, "OK")])
        })
    };
    for (item, told, what) in [
        ("INTERNALDATE", "INTERNALDATE NIL", "time of arrival"),
        ("INTERNALDATE", "INTERNALDATE \"0-Nul-0000 00:00:00 +0000\"", "time of arrival"),
        ("RFC822.SIZE", "RFC822.SIZE NIL", "size"),
        ("RFC822.SIZE", "RFC822.SIZE -1", "size"),
        ("FLAGS", "FLAGS NIL", "flags"),
    ] {
        let error = failure(
            odd(item, told),
            "SELECT uid, received_at, size, seen FROM MessagesInFolder WHERE folder = 'INBOX'",
        )
        .await;
        assert!(error.contains("message 5") && error.contains(what), "{told}: {error}");
    }
}

/// What came of a message before it was chosen is not taken for what is asked for then.
#[tokio::test(flavor = "multi_thread")]
async fn fields_that_came_before_are_not_those_that_were_asked_for() {
    let nil_first = |command: &Command, _: usize, _: &Context| {
        let is_second = command.name == "UID FETCH" && command.line.contains("FROM");
        let section = command.line.split_once("PEEK").map_or("", |(_, rest)| rest.split_once(']').unwrap().0);
        let nil = format!("* 4 FETCH (UID 5 BODY{section}] NIL)\r\n");
        is_second.then(|| vec![Action::send(nil), Action::Answer])
    };
    let sql = "SELECT subject, from_address FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE '%fif%'";
    assert_eq!(told(script().on_command(nil_first), sql).await, ["fifth|ada@example.org"]);
}

/// A row that comes under the uid of no message is none of the answer, and the message that it is of is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_under_the_uid_of_no_message_takes_no_message_away() {
    let other = |responses: Vec<Vec<u8>>| {
        let other = |row: Vec<u8>| String::from_utf8_lossy(&row).replace("(UID 4 ", "(UID 3 ").into_bytes();
        responses.into_iter().map(other).collect()
    };
    for able in ABLE {
        for (sql, expected) in [
            (
                "SELECT uid, body_html, subject FROM MessageBody WHERE folder = 'INBOX' AND body_text LIKE 'Text%'",
                &["1|NULL|first", "2|NULL|second", "5|NULL|fifth"][..],
            ),
            (
                "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen",
                &["2|second", "4|fourth", "5|fifth"],
            ),
        ] {
            let script = script().capabilities(able).on_command(move |command, count, _| {
                (command.name == "UID FETCH" && count == 1).then(|| vec![Action::AnswerChanged(other)])
            });
            assert_eq!(told(script, sql).await, expected, "{able}");
        }
    }
}

/// A made-up structure: its parts have no size, or one that is far from that of the message.
#[tokio::test(flavor = "multi_thread")]
async fn a_structure_that_is_made_up_is_not_believed() {
    for size in ["0 0", "4 1"] {
        let made_up = move |command: &Command, _: usize, _: &Context| {
            let is_asked = command.name == "UID FETCH" && command.line.contains("BODYSTRUCTURE");
            let structure = format!("BODYSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" {size} NIL NIL NIL NIL)");
            let wants_size = command.line.contains("RFC822.SIZE");
            let size = if wants_size { " RFC822.SIZE 40120" } else { "" };
            is_asked.then(|| {
                vec![Action::send(format!("* 1 FETCH (UID 1{size} {structure})\r\n")), Action::tagged(command, "OK")]
            })
        };
        let filler = "x".repeat(78) + "\n";
        let raw = format!(
            "Subject: big\nContent-Disposition: attachment; filename=big.txt\n\n{}",
            filler.repeat(40_000 / 80 + 1)
        );
        let message = crate::server::scripted::Message::new(1, "", &raw);
        let script = Script::new().messages(vec![message]).on_command(made_up);
        assert_eq!(told(script, "SELECT uid, name FROM MessageAttachments").await, ["1|big.txt"], "{size}");
    }
}

/// Folders are listed, and then one is deleted or renamed before it is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_goes_away_before_it_is_read_was_deleted_or_has_another_name() {
    for (new_name, status) in
        [(None, "NO [NONEXISTENT] it is not here"), (Some("Old"), "NO [NONEXISTENT] gone"), (Some("Old"), "NO gone")]
    {
        let moved = move |command: &Command, count: usize, _: &Context| {
            let line = command.line.as_str();
            match command.name.as_str() {
                "LIST" if count > 1 || line.contains("Archive") => {
                    let old = new_name.map_or(String::new(), |name| format!("* LIST () \"/\" {name}\r\n"));
                    let list = format!("* LIST () \"/\" INBOX\r\n{old}");
                    let list = if line.contains("Archive") { String::new() } else { list };
                    Some(vec![Action::send(list), Action::tagged(command, "OK listed")])
                }
                "EXAMINE" if line.contains("Archive") => Some(vec![Action::tagged(command, status)]),
                "EXAMINE" if line.contains("Old") => {
                    let answer = Action::AnswerTo(format!("{} EXAMINE Archive", command.tag));
                    Some(vec![answer, Action::tagged(command, "OK [READ-ONLY] opened")])
                }
                _ => None,
            }
        };
        let moved_row = new_name.map(|name| format!("{name}|7|seventh"));
        for sql in [
            "SELECT folder, uid, subject FROM MessagesInFolder WHERE uid > 4",
            "SELECT folder, uid, subject FROM MessagesInFolder WHERE uid > 4 ORDER BY received_at LIMIT 9",
        ] {
            let expected: Vec<String> = ["INBOX|5|fifth".to_owned()].into_iter().chain(moved_row.clone()).collect();
            assert_eq!(told(script().on_command(moved), sql).await, expected, "{status}: {sql}");
        }
        let count = if new_name.is_some() { "5" } else { "4" };
        assert_eq!(
            told(script().on_command(moved), "SELECT count(*) FROM MessageHeaders WHERE name = 'Subject'").await,
            [count]
        );
        // A folder that the statement names must be there.
        let sql = "SELECT uid FROM MessagesInFolder WHERE folder IN ('INBOX', 'Archive') AND size > 1";
        let error = failure(script().on_command(moved), sql).await;
        assert!(error.contains("there is no folder 'Archive'"), "{error}");
    }
}
