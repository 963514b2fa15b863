//! A reading that loses its connection goes on with another one: each message exactly once, or an error that says how far it
//! came.

use futures::StreamExt;

use crate::server::proxy::Proxy;
use crate::server::scripted::{Action, Folder, Script, Scripted};
use crate::{STATEMENTS, SWEEP, asked, engine, mail, rows, script};
use mailql::{Engine, Error, ErrorKind, ImapAccount, Tls};

/// An engine that tries so many times more.
async fn trying(port: u16, retries: u32) -> Engine {
    let engine = engine(port).await;
    rows(&engine, &format!("SET mailql.retries = {retries}")).await.unwrap();
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_once_anywhere_loses_no_row_and_doubles_none() {
    for few in [true, false] {
        for (place, (name, sql, expected)) in STATEMENTS.into_iter().enumerate() {
            let server = if few { script().capabilities("IMAP4rev1") } else { script() }.start();
            let whole = Proxy::before(server.port()).start();
            rows(&trying(whole.port(), 0).await, sql).await.unwrap();
            let octets = whole.counts().from_server;
            let port = server.port();
            let cuts = (place as u64 % STEP..octets).step_by(STEP as usize).map(|cut| async move {
                let proxy = Proxy::before(port).cut_after(cut).cuts(1).start();
                match rows(&trying(proxy.port(), 1).await, sql).await {
                    Ok(rows) => {
                        assert_eq!(rows, expected, "{name} cut after {cut} octets:\n{}", proxy.transcript());
                        1
                    }
                    // Who was never there is not waited for.
                    Err(error) => {
                        assert!(!is_signed_in(&proxy.transcript()), "{cut}: {error}\n{}", proxy.transcript());
                        0
                    }
                }
            });
            let resumed: Vec<usize> = futures::stream::iter(cuts).buffer_unordered(16).collect().await;
            let resumed: usize = resumed.iter().sum();
            assert!(resumed > 1, "{name}: only {resumed} of {octets} octets");
            assert!(server.is_clean(), "{name}: {:?}", server.not_reading());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_often_something_was_tried_again_is_counted() {
    let sql =
        "EXPLAIN ANALYZE SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND subject IS NOT NULL";
    for (times, counted) in [(0, "retries=0,"), (1, "retries=1,"), (2, "retries=2,")] {
        let busy = script().on_command(move |command, count, _| {
            (command.name == "UID FETCH" && count <= times)
                .then(|| vec![Action::tagged(command, "NO [UNAVAILABLE] not just now")])
        });
        let server = busy.start();
        let plan = rows(&trying(server.port(), 5).await, sql).await.unwrap().join("\n");
        assert!(plan.contains(counted), "{counted} {plan}");
    }
}

/// Whether a command that needs a session was sent.
fn is_signed_in(transcript: &str) -> bool {
    ["LIST", "EXAMINE", "STATUS"].iter().any(|command| transcript.contains(&format!(" {command} ")))
}

/// 3,000 mails of which every third has a flag.
fn many() -> Vec<crate::server::scripted::Message> {
    (1..=3000).map(|uid| mail(uid, if uid % 3 == 0 { "\\Seen" } else { "" }, &format!("number {uid}"), "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_again_and_again_gives_each_message_once_as_long_as_it_goes_on() {
    let server = Script::new().folders(vec![Folder::new("INBOX", many())]).start();
    for (sql, messages) in [
        (
            "SELECT count(*), count(DISTINCT uid), sum(uid) FROM (SELECT uid, subject FROM MessagesInFolder WHERE subject IS NOT NULL)",
            "3000|3000|4501500",
        ),
        (
            "SELECT count(*), count(DISTINCT uid), sum(uid) FROM MessageBody WHERE NOT seen AND body_text LIKE 'Text of%'",
            "2000|2000|3000000",
        ),
        ("SELECT count(*), count(DISTINCT uid), sum(uid) FROM MessageBody WHERE length(raw) > 20", "3000|3000|4501500"),
        // What a search finds has a thousand gaps.
        (
            "SELECT count(*), count(DISTINCT uid), sum(uid) FROM (SELECT uid, subject FROM MessagesInFolder WHERE NOT seen AND subject IS NOT NULL)",
            "2000|2000|3000000",
        ),
        (
            "SELECT count(*), count(DISTINCT uid), sum(uid) FROM (SELECT uid, subject FROM MessagesInFolder WHERE subject LIKE 'number%' ORDER BY uid DESC LIMIT 1000)",
            "1000|1000|2500500",
        ),
    ] {
        let proxy = Proxy::before(server.port()).cut_after(60_000).start();
        let engine = trying(proxy.port(), 2).await;
        let answer = rows(&engine, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(answer, [messages], "{sql}");
        assert!(proxy.counts().connections > 2, "{sql}: {} connections", proxy.counts().connections);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_on_which_nothing_comes_any_more_is_an_error_that_says_how_far_it_came() {
    let dead = script()
        .folders(vec![Folder::new("INBOX", many())])
        .on_command(|command, count, _| (command.name == "UID FETCH" && count > 1).then(|| vec![Action::Close]));
    let server = dead.start();
    let engine = trying(server.port(), 2).await;
    // The first FETCH brings sizes of all, the ones after that nothing.
    let error = rows(&engine, "SELECT uid, body_text FROM MessageBody WHERE uid > 0").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(
        error.to_string().contains("closed the connection (tries 3, ") && error.to_string().contains("INBOX"),
        "{error}"
    );
    assert_eq!(server.accepted(), 3);
    let cut = Script::new().folders(vec![Folder::new("INBOX", many())]).on_command(|command, _, context| {
        (command.name == "UID FETCH").then(|| match context.connection {
            1 => vec![Action::AnswerFirst(200_000), Action::Close],
            _ => vec![Action::Close],
        })
    });
    let server = cut.start();
    let error = rows(&trying(server.port(), 1).await, SWEEP).await.unwrap_err().to_string();
    let (_, read) = error.split_once("messages read before ").unwrap_or_else(|| panic!("{error}"));
    let read: u32 = read.split([',', ')']).next().unwrap().parse().unwrap();
    assert!((500..3000).contains(&read), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_mixed_when_the_folder_was_renumbered_meanwhile() {
    for (statement, sql, _) in STATEMENTS {
        let renumbered = script().on_command(|command, count, _| match command.name.as_str() {
            "UID FETCH" if count == 1 => Some(vec![Action::AnswerFirst(90), Action::Close]),
            "EXAMINE" if count > 1 => Some(vec![
                Action::send("* 4 EXISTS\r\n* OK [UIDVALIDITY 2] new\r\n* OK [UIDNEXT 6] next\r\n"),
                Action::tagged(command, "OK opened"),
            ]),
            _ => None,
        });
        let server = renumbered.start();
        let answer = rows(&trying(server.port(), 3).await, sql).await;
        if server.count("UID FETCH") > 0 && server.count("EXAMINE") == 2 {
            let error = answer.unwrap_err().to_string();
            assert!(error.contains("renumbered"), "{statement}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_meanwhile_is_left_out_and_what_comes_is_not_doubled() {
    let server = changing().await;
    let engine = trying(server.port(), 3).await;
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX'";
    let stream = rows(&engine, sql);
    let change = async {
        while server.accepted() < 1 || server.count("UID FETCH") < 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        server.change(|folders| {
            folders[0].messages.retain(|message| message.uid != 2900 && message.uid != 3);
            folders[0].messages.push(mail(3001, "", "new", ""));
        });
    };
    let (answer, ()) = tokio::join!(stream, change);
    let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", server.transcript()));
    let uids: Vec<u32> = answer.iter().map(|row| row.split('|').next().unwrap().parse().unwrap()).collect();
    let distinct: std::collections::BTreeSet<u32> = uids.iter().copied().collect();
    assert_eq!(uids.len(), distinct.len(), "none twice");
    assert!(!distinct.contains(&2900), "it was gone before it was read");
    let missing: Vec<u32> = (1..=3000).filter(|uid| !distinct.contains(uid)).collect();
    assert!(missing == [2900] || missing == [3, 2900], "{missing:?}");
}

/// A server whose first answer ends after some messages, and then takes its time to be there again.
async fn changing() -> Scripted {
    let server = Script::new().folders(vec![Folder::new("INBOX", many())]).on_command(|command, count, _| {
        (command.name == "UID FETCH" && count == 1).then(|| {
            vec![Action::AnswerFirst(200_000), Action::Pause(std::time::Duration::from_millis(100)), Action::Close]
        })
    });
    server.start()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_too_much_stops_at_once_and_learns_when_to_come_back() {
    for (status, hint) in [
        ("NO [THROTTLED] too much", "an hour"),
        ("NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", "an hour"),
        ("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", "5 minutes"),
    ] {
        for name in ["AUTHENTICATE", "EXAMINE", "UID FETCH"] {
            let script = script()
                .on_command(move |command, _, _| (command.name == name).then(|| vec![Action::tagged(command, status)]));
            let server = script.start();
            let error = rows(&trying(server.port(), 5).await, SWEEP).await.unwrap_err();
            assert_eq!((error.kind(), server.count(name)), (ErrorKind::Throttled, 1), "{status} to {name}");
            assert!(error.way_out().unwrap().contains(hint), "{:?}", error.way_out());
        }
    }
    let gmail = script().capabilities("IMAP4rev1 X-GM-EXT-1").on_command(|command, _, _| {
        let status = "NO Account exceeded command or bandwidth limits. (Failure)";
        (command.name == "UID FETCH").then(|| vec![Action::tagged(command, status)])
    });
    let (answer, _) = asked(gmail, SWEEP).await;
    assert!(answer.unwrap_err().way_out().unwrap().contains("24 hours"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expired_meanwhile_is_fetched_anew() {
    let place = tempfile::tempdir().unwrap();
    let turns = place.path().join("turns");
    let command = format!("echo x >> {0}; echo token$(wc -l < {0})", turns.display());
    // The line is cut in the middle; by then the first token lets nobody in.
    let server = Script::new()
        .capabilities("IMAP4rev1 AUTH=XOAUTH2 SASL-IR")
        .folders(vec![Folder::new("INBOX", many())])
        .on_command(|command, count, context| match command.name.as_str() {
            "AUTHENTICATE" if context.connection == 2 => {
                Some(vec![Action::tagged(command, "NO [AUTHENTICATIONFAILED] expired")])
            }
            "AUTHENTICATE" => Some(vec![Action::Answer]),
            "UID FETCH" if count == 1 => Some(vec![Action::AnswerFirst(200_000), Action::Close]),
            _ => None,
        })
        .start();
    let account = ImapAccount::new("127.0.0.1", "me").token_command(command).tls(Tls::None).port(server.port());
    let engine = crate::engine_of(account).await;
    rows(&engine, "SET mailql.retries = 2").await.unwrap();
    let sql = "SELECT count(*), sum(uid) FROM (SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND subject <> '')";
    let answer: Result<_, Error> = rows(&engine, sql).await;
    assert_eq!(answer.unwrap_or_else(|error| panic!("{error}\n{}", server.transcript())), ["3000|4501500"]);
    assert_eq!(server.accepted(), 3, "{}", server.transcript());
    assert_eq!(std::fs::read_to_string(turns).unwrap().lines().count(), 2, "two tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_ready_yet_is_tried_again_where_that_is_known() {
    let not_connected = |greeting: &'static str| {
        script().on_greeting(move |_| vec![Action::send(greeting)]).on_command(|command, count, _| {
            (command.name == "UID FETCH" && count == 1)
                .then(|| vec![Action::tagged(command, "BAD User is authenticated but not connected.")])
        })
    };
    let exchange = not_connected("* OK The Microsoft Exchange IMAP4 service is ready.\r\n").start();
    assert_eq!(rows(&trying(exchange.port(), 1).await, SWEEP).await.unwrap(), STATEMENTS[0].2);
    assert_eq!(exchange.accepted(), 2);
    let other = not_connected("* OK ready\r\n").start();
    assert!(rows(&trying(other.port(), 1).await, SWEEP).await.is_err());
}

/// A prime, so that no regular line is cut at the same place only.
const STEP: u64 = 61;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_no_longer_be_opened_is_not_the_end_of_its_rows() {
    // It has folders below it, so that the server goes on to list its name.
    let gone = Script::new().folders(vec![Folder::new("INBOX", vec![]), Folder::new("Old", many())]).on_command(
        |command, _, context| match (command.name.as_str(), context.connection) {
            ("UID FETCH", 1) => Some(vec![Action::AnswerFirst(200_000), Action::Close]),
            ("EXAMINE", 2..) => Some(vec![Action::tagged(command, "NO no mail can be here")]),
            ("LIST", _) => {
                let list = "* LIST () \"/\" INBOX\r\n* LIST (\\Noselect \\HasChildren) \"/\" Old\r\n";
                Some(vec![Action::send(list), Action::tagged(command, "OK listed")])
            }
            _ => None,
        },
    );
    let server = gone.start();
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'Old'";
    let error = rows(&trying(server.port(), 3).await, sql).await.unwrap_err();
    assert!(error.to_string().contains("Old"), "{error}\n{}", server.transcript());
    // That it could never be opened is no loss.
    let never = Script::new().folders(vec![Folder::new("INBOX", vec![])]).on_command(|command, _, _| {
        (command.name == "LIST").then(|| {
            let list = "* LIST () \"/\" INBOX\r\n* LIST (\\Noselect \\HasChildren) \"/\" Old\r\n";
            vec![Action::send(list), Action::tagged(command, "OK listed")]
        })
    });
    assert_eq!(rows(&trying(never.start().port(), 3).await, sql).await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_while_it_is_seen_whether_there_is_such_a_folder_does_not_change_the_answer() {
    let cut = script().on_command(|command, count, _| match command.name.as_str() {
        "LIST" if count == 1 => Some(vec![Action::Close]),
        // It does not say why.
        "EXAMINE" => Some(vec![Action::tagged(command, "NO not that")]),
        _ => None,
    });
    let server = cut.start();
    let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'Inbax'";
    let error = rows(&trying(server.port(), 2).await, sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}\n{}", server.transcript());
}
