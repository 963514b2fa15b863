//! What one statement leaves behind for the next: sessions that were dropped, broken or closed meanwhile.

use futures::StreamExt;

use crate::server::scripted::{Action, Folder, Script};
use crate::{STATEMENTS, SWEEP, at, engine, mail, rows};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_dropped_in_the_middle_of_an_answer_is_not_used_again() {
    let many = (1..3000).map(|uid| mail(uid, "", &format!("number {uid}"), "")).collect();
    let few = (1..4).map(|uid| mail(uid, "", &format!("other {uid}"), "")).collect();
    let server = Script::new().folders(vec![Folder::new("INBOX", many), Folder::new("Archive", few)]).start();
    let engine = engine(server.port()).await;
    let others = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'Archive'";
    let bodies = "SELECT uid, body_text FROM MessageBody WHERE folder = 'INBOX'";
    for sql in [SWEEP, bodies, "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen"] {
        for batches in [0, 1, 2] {
            let mut stream = engine.sql(sql).await.unwrap().execute_stream().await.unwrap();
            for _ in 0..batches {
                stream.next().await.unwrap().unwrap();
            }
            // Somewhere in it, as somebody who presses Ctrl-C.
            let _ = futures::poll!(stream.next());
            drop(stream);
            let expected = ["1|other 1", "2|other 2", "3|other 3"];
            assert_eq!(rows(&engine, others).await.unwrap(), expected, "{sql} after {batches}");
        }
        assert_eq!(rows(&engine, &format!("{sql} LIMIT 3")).await.unwrap().len(), 3);
        assert_eq!(rows(&engine, sql).await.unwrap().len(), 2999);
    }
    assert!(server.is_clean() && server.accepted() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_while_nobody_used_it_is_replaced() {
    ended_while_idle().await;
}

#[tokio::test]
async fn a_session_that_ended_while_nothing_ran_is_replaced() {
    ended_while_idle().await;
}

async fn ended_while_idle() {
    for end in [
        vec![Action::Close],
        vec![Action::Reset],
        vec![Action::send("* BYE idle for too long\r\n"), Action::Close],
        vec![Action::send("* BYE\r\n")],
        vec![Action::send("* 3 EXPUNGE\r\n* 9 EXISTS\r\n"), Action::Close],
        vec![Action::send("garbage\r\n")],
        vec![Action::send("A3 OK again\r\n")],
        vec![Action::send("+ well?\r\n")],
    ] {
        for (name, sql) in [("UID FETCH", SWEEP), ("LIST", "SELECT folder FROM Folder")] {
            let ending = end.clone();
            let server = at(name, move |_, _| [vec![Action::Answer], ending.clone()].concat()).start();
            let engine = engine(server.port()).await;
            rows(&engine, sql).await.unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            for (statement, sql, expected) in STATEMENTS {
                // A limit may leave another one in the middle of an answer.
                assert!(statement != "a count" || server.accepted() <= 3, "{end:?}\n{}", server.transcript());
                let rows = rows(&engine, sql).await;
                let rows =
                    rows.unwrap_or_else(|error| panic!("{statement} after {end:?}: {error}\n{}", server.transcript()));
                assert_eq!(rows, expected, "{statement} after {end:?}\n{}", server.transcript());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_error_the_next_statement_is_answered() {
    for fault in [
        vec![Action::Close],
        vec![Action::send("Z1 OK yours\r\n")],
        vec![Action::send("garbage\r\n"), Action::Answer],
        vec![
            Action::send("* 1 FETCH (UID 1 FLAGS () BODY[HEADER.FIELDS (SUBJECT)] NIL)\r\nZ1 OK yours\r\n"),
            Action::Pause(std::time::Duration::from_millis(50)),
            Action::Answer,
        ],
        vec![Action::send("* BYE\r\n")],
        vec![Action::send("+ go on\r\n"), Action::Answer],
    ] {
        for name in ["AUTHENTICATE", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"] {
            for (_, first, _) in STATEMENTS {
                let actions = fault.clone();
                let server = at(name, move |_, _| actions.clone()).start();
                let engine = engine(server.port()).await;
                let before = rows(&engine, first).await;
                assert!(before.is_err() || server.count(name) == 0, "{first}: {before:?}\n{}", server.transcript());
                for (statement, sql, expected) in [STATEMENTS[0], STATEMENTS[6]] {
                    if server.count(name) > 0 {
                        assert_eq!(rows(&engine, sql).await.unwrap(), expected, "{statement}\n{}", server.transcript());
                    }
                }
                assert!(server.is_clean());
            }
        }
    }
}
