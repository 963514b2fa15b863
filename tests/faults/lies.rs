//! Answers that are odd, or not true.

use mailql::{ImapAccount, Tls};

use crate::server::scripted::{Action, Command, Script};
use crate::{STATEMENTS, SWEEP, asked, at, engine_of, failure, rows, script, told};

const ALL: &str = "SELECT uid, subject, seen FROM MessagesInFolder WHERE folder = 'INBOX'";
const FULL: [&str; 4] = ["1|first|true", "2|second|false", "4|fourth|false", "5|fifth|false"];

#[tokio::test(flavor = "multi_thread")]
async fn news_between_the_rows_change_nothing() {
    let news = [
        "* 2 FETCH (UID 2 FLAGS ())\r\n",
        "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
        "* 2 FETCH (FLAGS ())\r\n",
        "* 2 FETCH (FLAGS () UID 2 MODSEQ (9))\r\n",
        "* 9 FETCH (UID 9 FLAGS (\\Seen) BODY[HEADER.FIELDS (SUBJECT)] NIL)\r\n",
        "* 9 EXISTS\r\n* 1 RECENT\r\n",
        "* 4 EXPUNGE\r\n",
        "* VANISHED 5\r\n",
        "* OK still here\r\n* NO the disk is nearly full\r\n* BAD whatever\r\n",
        "* OK [UIDNEXT 2] {99}\r\n",
        "* SEARCH 1 2 3 4 5 77\r\n* ESEARCH UID ALL 77\r\n",
        "* CAPABILITY IMAP4rev1\r\n* FLAGS ()\r\n* X-ODD (((\r\n\r\n",
        "* LIST () \"/\" Other\r\n* STATUS Other (MESSAGES 4)\r\n",
    ];
    for news in news {
        for name in ["EXAMINE", "UID SEARCH", "UID FETCH"] {
            for is_before in [true, false] {
                // Once a search is asked, it could be the answer.
                if news.contains("SEARCH") && (name == "UID SEARCH" || !is_before) {
                    continue;
                }
                for (statement, sql, expected) in STATEMENTS {
                    let script = script().on_command(move |command, _, context| {
                        let news = Action::send(news);
                        let is_inbox = context.folder.as_deref() == Some("INBOX") || command.line.contains("INBOX");
                        (command.name == name && is_inbox)
                            .then(|| if is_before { vec![news, Action::Answer] } else { vec![Action::Answer, news] })
                    });
                    let (rows, server) = asked(script, sql).await;
                    let place = || format!("{statement}, {news} at {name}\n{}", server.transcript());
                    match rows {
                        Ok(rows) => assert_eq!(rows, expected, "{}", place()),
                        Err(error) => panic!("{error}: {}", place()),
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_may_come_in_any_order_and_number() {
    let all = || (1..).zip([1, 2, 4, 5]).map(|(sequence, uid)| row(sequence, uid)).collect::<Vec<_>>();
    let backwards: String = all().into_iter().rev().collect();
    assert_eq!(told(fetched(backwards), ALL).await, FULL);
    let twice: String = all().into_iter().chain(all()).collect();
    assert_eq!(told(fetched(twice), ALL).await, FULL);
    let split: String = (1..)
        .zip([1, 2, 4, 5])
        .map(|(sequence, uid)| {
            let (flags, subject) = contents(uid);
            format!("* {sequence} FETCH (UID {uid} {flags})\r\n* {sequence} FETCH ({subject} UID {uid})\r\n")
        })
        .collect();
    assert_eq!(told(fetched(split.clone()), ALL).await, FULL);
    let other = split.replace("UID 4", "UID 1000").replace("* 3 ", "* 9 ") + &row(3, 4);
    assert_eq!(told(fetched(other), ALL).await, FULL);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_row_leaves_out_is_asked_for_again() {
    let without = |what: fn(u32) -> String| [row(1, 1), what(2), row(3, 4), row(4, 5)].concat();
    let broken: [fn(u32) -> String; 6] = [
        |uid| format!("* 2 FETCH (UID {uid} {})\r\n", contents(uid).0),
        |uid| format!("* 2 FETCH (UID {uid} {})\r\n", contents(uid).1),
        |uid| format!("* 2 FETCH ({} {})\r\n", contents(uid).0, contents(uid).1),
        |_| String::new(),
        |_| "* 2 FETCH\r\n".to_owned(),
        |uid| format!("* 2 FETCH ({} UID {uid} UID 777)\r\n", contents(uid).1),
    ];
    for (place, what) in broken.into_iter().enumerate() {
        let (rows, server) = asked(fetched(without(what)), ALL).await;
        assert_eq!(rows.unwrap(), FULL, "{place}\n{}", server.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_never_told_well_is_an_error_that_names_it() {
    let never = script().on_command(|command, _, _| {
        let text = "* 1 FETCH (UID 1 FLAGS (\\Seen) BODY[HEADER.FIELDS (SUBJECT)] \"Subject: a\" UID 777 \"b\")\r\n";
        (command.name == "UID FETCH").then(|| {
            let others = format!("{} UID FETCH 2:5 {}", command.tag, items(command));
            vec![Action::send(text), Action::AnswerTo(others), Action::tagged(command, "OK")]
        })
    });
    let error = failure(never, ALL).await;
    assert!(error.contains("message 1: its answer makes no sense") && error.contains("INBOX"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_never_named_are_an_error() {
    let nameless = script().on_command(|command, _, _| {
        let rows = row(1, 1).replace("UID 1 ", "");
        (command.name == "UID FETCH").then(|| vec![Action::send(rows), Action::tagged(command, "OK")])
    });
    let error = failure(nameless, ALL).await;
    assert!(error.contains("without saying of which") && error.contains("INBOX"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_structure_does_not_tell_the_mail_itself_does() {
    let deep = format!("BODYSTRUCTURE {}{}", "(".repeat(10_000), ")".repeat(10_000));
    let structures = [
        "BODYSTRUCTURE NIL",
        "BODYSTRUCTURE ()",
        "BODYSTRUCTURE (\"TEXT\" \"PLAIN\"",
        "BODYSTRUCTURE \"TEXT",
        "BODYSTRUCTURE (\"TEXT\" \"PLAIN\" (\"NAME\" \"a\" UID 777 \"b\") NIL NIL \"7BIT\" 5 1)) (",
        "BODYSTRUCTURE {4}\r\nabcd",
        "FLAGS ()",
        &deep,
    ];
    for structure in structures {
        for is_first in [true, false] {
            let item = if is_first { format!("UID 4 {structure}") } else { format!("{structure} UID 4") };
            let rows = format!("* 3 FETCH ({item})\r\n");
            let script = script().on_command(move |command, _, context| {
                let is_asked = command.name == "UID FETCH"
                    && command.line.contains("BODYSTRUCTURE")
                    && context.folder.as_deref() == Some("INBOX");
                is_asked.then(|| {
                    let others = format!("{} UID FETCH 1:2,5 {}", command.tag, items(command));
                    vec![Action::AnswerTo(others), Action::send(rows.clone()), Action::tagged(command, "OK")]
                })
            });
            let sql = "SELECT uid, name FROM MessageAttachments";
            let (rows, server) = asked(script, sql).await;
            let place = || format!("{}\n{}", &item[..item.len().min(99)], server.transcript());
            assert_eq!(
                rows.unwrap_or_else(|error| panic!("{error}: {}", place())),
                ["4|four.txt", "7|seven.txt"],
                "{}",
                place()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_without_any_shape_is_an_error_that_names_it() {
    for answer in ["BODY[] NIL", "BODY[] \"a", "FLAGS ()"] {
        let script = script().on_command(move |command, _, context| {
            let is_asked = command.name == "UID FETCH" && context.folder.as_deref() == Some("INBOX");
            let row = if command.line.contains("BODYSTRUCTURE") { "BODYSTRUCTURE NIL" } else { answer };
            let row = Action::send(format!("* 3 FETCH (UID 4 {row})\r\n"));
            is_asked.then(|| {
                let others = format!("{} UID FETCH 1:2,5 {}", command.tag, items(command));
                vec![Action::AnswerTo(others), row, Action::tagged(command, "OK")]
            })
        });
        let error = failure(script, "SELECT uid, has_attachments FROM MessagesInFolder WHERE folder = 'INBOX'").await;
        assert!(error.contains("message 4") && error.contains("INBOX"), "{answer}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_the_server_does_not_have_is_read_from_the_message() {
    let without = |sections: &'static [&'static str]| {
        script().on_command(move |command, _, _| {
            let section = sections.iter().find(|section| command.line.contains(&format!("BODY.PEEK[{section}]")))?;
            let row = format!("* 3 FETCH (UID 4 BODY[{section}] NIL)\r\n");
            let is_asked = command.name == "UID FETCH" && command.line.contains(" 4 ");
            is_asked.then(|| vec![Action::send(row), Action::tagged(command, "OK")])
        })
    };
    let sql = "SELECT uid, text, size FROM AttachmentContent WHERE folder = 'INBOX'";
    assert_eq!(told(without(&["1"]), sql).await, ["4|Text of fourth.\n|17"]);
    let error = failure(without(&["1", ""]), sql).await;
    assert!(error.contains("message 4"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_renumbered_within_a_statement_is_an_error() {
    let script = script().on_command(|command, count, _| {
        (command.name == "EXAMINE" && count == 2)
            .then(|| vec![examined(4, "[UIDVALIDITY 2] new"), Action::tagged(command, "OK")])
    });
    let sql = "SELECT a.uid FROM MessagesInFolder a JOIN MessagesInFolder b ON a.size = b.size AND a.subject <> b.subject \
               WHERE a.folder = 'INBOX' AND b.folder = 'INBOX'";
    let error = failure(script, sql).await;
    assert!(error.contains("renumbered") && error.contains("INBOX"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_uid_that_is_not_told_or_not_true_hides_no_message() {
    for code in ["[UIDVALIDITY 1]", "[UIDNEXT 3]", "[UIDNEXT 0]", "[UIDNEXT 1]", "[UIDNEXT 4294967296]"] {
        for (statement, sql, expected) in STATEMENTS {
            // A search for some cannot tell what came later from what was there.
            if ["a search", "a count of some"].contains(&statement) && ["[UIDNEXT 3]", "[UIDNEXT 1]"].contains(&code) {
                continue;
            }
            let script = script().on_command(move |command, _, context| {
                let is_inbox = command.line.contains("INBOX") && context.connection > 0;
                (command.name == "EXAMINE" && is_inbox).then(|| {
                    let opened = format!("{} EXAMINE INBOX", command.tag);
                    vec![Action::AnswerTo(opened), examined(4, code), Action::tagged(command, "OK [UIDVALIDITY 1] x")]
                })
            });
            let (rows, server) = asked(script, sql).await;
            assert_eq!(rows.unwrap(), expected, "{statement}, {code}\n{}", server.transcript());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_server_may_send_is_an_error() {
    let line = || vec![Action::send(vec![b'x'; 64 << 10]); 300];
    let error = failure(at("UID FETCH", move |_, _| line()), SWEEP).await;
    assert!(error.contains("longer than"), "{error}");
    for literal in ["* 1 FETCH (UID 1 BODY[] {4000000000}\r\nabc", "* 1 FETCH (UID 1 BODY[] {200000000}\r\nabc"] {
        let stalled = at("UID FETCH", move |_, _| vec![Action::send(literal), Action::Stall]);
        assert!(failure(stalled, SWEEP).await.contains("said nothing for 1 s"));
        let closed = at("UID FETCH", move |_, _| vec![Action::send(literal), Action::Close]);
        assert!(failure(closed, SWEEP).await.contains("closed the connection"));
    }
    let absurd = at("UID FETCH", |command, _| {
        vec![Action::send("* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n"), Action::tagged(command, "OK")]
    });
    assert!(asked(absurd, SWEEP).await.0.is_ok_and(|rows| rows.len() == 4));
    assert!(
        failure(
            at("EXAMINE", |command, _| vec![Action::send("* 4294967296 EXISTS\r\n"), Action::tagged(command, "OK")]),
            SWEEP
        )
        .await
        .contains("makes no sense")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_tls_is_not_talked_out_of_it() {
    for (script, words) in [
        (script().behind_starttls("* PREAUTH welcome\r\nA2 OK sure\r\n"), "before TLS began"),
        (script().on_greeting(|_| vec![Action::send("* PREAUTH welcome\r\n")]), "before TLS began"),
        (script(), "does not offer STARTTLS"),
        (
            at("STARTTLS", |command, _| vec![Action::tagged(command, "BAD no")]).behind_starttls(""),
            "refused STARTTLS: no",
        ),
    ] {
        let server = script.start();
        let account = ImapAccount::new("127.0.0.1", "me").password("hunter2").tls(Tls::StartTls).port(server.port());
        let error = rows(&engine_of(account).await, SWEEP).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        let said = server.transcript();
        assert!(!said.contains("AUTHENTICATE") && !said.contains("LOGIN"), "{said}");
    }
}

/// Answers the first FETCH with these rows.
fn fetched(rows: String) -> Script {
    at("UID FETCH", move |command, _| vec![Action::send(rows.clone()), Action::tagged(command, "OK fetched")])
}

fn row(sequence: u32, uid: u32) -> String {
    let (flags, subject) = contents(uid);
    format!("* {sequence} FETCH (UID {uid} {flags} {subject})\r\n")
}

fn contents(uid: u32) -> (String, String) {
    let names = ["first", "second", "third", "fourth", "fifth"];
    let subject = format!("Subject: {}\r\n\r\n", names[uid as usize - 1]);
    let flags = if uid == 1 { "\\Seen" } else { "" };
    (format!("FLAGS ({flags})"), format!("BODY[HEADER.FIELDS (SUBJECT)] {{{}}}\r\n{subject}", subject.len()))
}

fn examined(exists: u32, code: &str) -> Action {
    Action::send(format!("* {exists} EXISTS\r\n* OK {code} so\r\n"))
}

/// How a server answers that knows no ESEARCH, though it says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_counts_however_it_is_told() {
    for (sql, expected) in [
        ("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen", &["2", "4", "5"][..]),
        ("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen", &["3"]),
        ("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen LIMIT 2", &["4", "5"]),
    ] {
        let plain = script().capabilities("IMAP4rev1 ESEARCH").on_command(|command, _, _| {
            (command.name == "UID SEARCH")
                .then(|| vec![Action::send("* SEARCH 2 4 5\r\n"), Action::tagged(command, "OK searched")])
        });
        assert_eq!(told(plain, sql).await, expected, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_an_order_are_as_many_when_another_comes_meanwhile() {
    let able = "IMAP4rev1 ESEARCH SORT ESORT CONTEXT=SORT CONTEXT=SEARCH";
    for (found, told_of) in [("5,6", "* 5 EXISTS\r\n"), ("5,6", ""), ("4,5", "")] {
        let growing = script().capabilities(able).on_command(move |command, _, _| {
            (command.name == "UID SORT").then(|| {
                let found = format!("{told_of}* ESEARCH (TAG \"{}\") UID PARTIAL (1:2 {found})\r\n", command.tag);
                vec![Action::send(found), Action::tagged(command, "OK sorted")]
            })
        });
        let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen ORDER BY received_at DESC LIMIT 2";
        let (rows, server) = asked(growing, sql).await;
        assert_eq!(server.count("UID SORT"), 1, "{}", server.transcript());
        assert_eq!(rows.unwrap().len(), 2, "{found}\n{}", server.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_while_others_are_counted_is_not_counted() {
    let growing = script().capabilities("IMAP4rev1 ESEARCH").on_command(|command, count, _| {
        (command.name == "UID SEARCH" && count == 1).then(|| {
            let counted = format!("* 5 EXISTS\r\n* ESEARCH (TAG \"{}\") UID COUNT 4\r\n", command.tag);
            vec![Action::send(counted), Action::tagged(command, "OK searched")]
        })
    });
    assert_eq!(told(growing, "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_and_does_not_come_is_asked_for_once_more() {
    for sql in [STATEMENTS[1].1, STATEMENTS[2].1, STATEMENTS[3].1] {
        let expected = told(script(), sql).await;
        let forgetful = script().on_command(|command, count, context| {
            let is_it = command.name == "UID FETCH" && count == 1 && context.folder.as_deref() == Some("INBOX");
            let uids = command.line.split(' ').nth(3)?;
            (is_it && uids != "1:*" && uids != "$").then(|| {
                let others = format!("{} UID FETCH 1:4 {}", command.tag, items(command));
                vec![Action::AnswerTo(others), Action::tagged(command, "OK that is all")]
            })
        });
        let (rows, server) = asked(forgetful.capabilities("IMAP4rev1 ESEARCH"), sql).await;
        assert_eq!(rows.unwrap(), expected, "{sql}\n{}", server.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_whose_names_are_read_alike_are_two() {
    let alike = script().capabilities("IMAP4rev1").on_command(|command, _, _| {
        let list = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" \"R&D\"\r\n* LIST () \"/\" \"R&-D\"\r\n";
        let answer = |line: String| Some(vec![Action::send(line), Action::tagged(command, "OK told")]);
        match command.name.as_str() {
            "LIST" => answer(list.to_owned()),
            "STATUS" if command.line.contains("R&-D") => answer("* STATUS \"R&-D\" (MESSAGES 8)\r\n".to_owned()),
            "STATUS" if command.line.contains("R&D") => answer("* STATUS \"R&D\" (MESSAGES 7)\r\n".to_owned()),
            _ => None,
        }
    });
    let rows = told(alike, "SELECT folder, messages FROM Folder").await;
    assert_eq!(rows, ["INBOX|4", "R&D|7", "R&D~|8"]);
}

fn items(command: &Command) -> &str {
    &command.line[command.line.find('(').unwrap()..]
}
