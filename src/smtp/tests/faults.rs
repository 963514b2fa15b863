//! Mails over servers that hang, go away, or say what makes no sense: nothing is sent twice, and nobody is told what is not so.

use std::sync::Arc;
use std::time::Duration;

use super::server::{ABLE, Act, Rule, Server, TERMS, journaled, mail, told};
use crate::mail::outbox::{Outbox, Outgoing};
use crate::smtp::Journal;

fn journal() -> Arc<Journal> {
    Arc::new(Journal::in_memory())
}

/// A mail that does not fit into what a network holds.
fn large() -> Outgoing {
    let octets = ["A: b\r\n\r\n".to_owned(), "0123456789abcdef\r\n".repeat(1 << 20)].concat();
    Outgoing { octets: octets.into_bytes().into(), ..mail("large", &["b@y.example"]) }
}

const HUGE: &[&str] = &["x", "PIPELINING"];

#[tokio::test]
async fn what_ends_before_the_content_was_not_sent() {
    for at in ["MAIL", "RCPT", "DATA"] {
        for act in [
            Act::Close(""),
            Act::Hang(""),
            Act::Hang("250-and then"),
            Act::Say("hello\r\n"),
            Act::Close("421 4.3.2 going down\r\n"),
            Act::Say("220 3xx and the like\r\n334 \r\n"),
        ] {
            if at == "DATA" && matches!(act, Act::Say(words) if words.starts_with("220")) {
                continue;
            }
            let (server, journal) = (Server::with(at, act).await, journal());
            let error = server.outbox(&journal).begin(TERMS).send(&mail("a", &["b@y.example"])).await;
            let error = error.expect_err(&format!("{at} {act:?}"));
            assert!(error.way_out().is_some(), "{at} {act:?}: {error}");
            let seen = server.seen();
            assert_eq!((seen.connections, seen.begun, seen.contents.len()), (1, 0, 0), "{at} {act:?}");
            assert_eq!(journaled(&journal), ["not_sent"], "{at} {act:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_too_many_is_never_taken_for_one() {
    for (at, words) in [
        ("MAIL", "250 ok\r\n250 ok\r\n"),
        ("RCPT", "250 ok\r\n250 ok\r\n"),
        ("RCPT", "250 ok\r\n354 go on\r\n"),
        ("RCPT", "550 no\r\n250 ok\r\n354 go on\r\n250 taken\r\n"),
        ("DATA", "250 ok\r\n354 go on\r\n"),
        ("DATA", "354 go on\r\n250 taken\r\n"),
    ] {
        let (server, journal) = (Server::with(at, Act::Say(words)).await, journal());
        let sent = server.outbox(&journal).begin(TERMS).send(&mail("a", &["b@y.example", "c@y.example"])).await;
        let is_not_sent = match &sent {
            Ok(outcomes) => outcomes.iter().all(|outcome| !["sent", "unknown"].contains(&outcome.status.name())),
            Err(_) => true,
        };
        assert!(is_not_sent, "{at} {words:?}: {sent:?}");
        assert_eq!(server.seen().contents.len(), 0, "{at} {words:?}");
        assert!(journaled(&journal).iter().all(|status| ["not_sent", "rejected"].contains(status)), "{at} {words:?}");
    }
}

#[tokio::test]
async fn after_the_end_of_a_mail_anything_but_an_answer_is_unknown() {
    for act in [
        Act::Close(""),
        Act::Hang(""),
        Act::Hang("250-queued, and"),
        Act::Close("250"),
        Act::Say("hello\r\n"),
        Act::Say("354 more?\r\n"),
        Act::Say("250-a\r\n550 b\r\n"),
        Act::Say("250 ok\r\n550 no\r\n"),
    ] {
        let (server, journal) = (Server::with(".", act).await, journal());
        let mut mails = server.outbox(&journal).begin(TERMS);
        let outcomes = mails.send(&mail("a", &["b@y.example", "c@y.example"])).await.unwrap();
        assert_eq!(told(&outcomes), [("unknown", None); 2], "{act:?}");
        assert!(outcomes[0].response.contains("WHERE message_id = '<a@x.example>'"), "{outcomes:?}");
        assert_eq!((server.seen().contents.len(), server.seen().connections), (1, 1), "{act:?}");
        assert_eq!(journaled(&journal), ["unknown"; 2]);
    }
}

#[tokio::test]
async fn a_server_that_answers_and_goes_has_answered() {
    for (words, outcome) in [
        ("250 ok\r\n", ("sent", Some(250))),
        ("250 ok\r\n421 bye\r\n", ("sent", Some(250))),
        ("421 4.3.2 not now\r\n", ("rejected", Some(421))),
        ("554 no\r\n", ("rejected", Some(554))),
    ] {
        let rules = vec![Rule { at: ".", connection: 1, act: Act::Close(words) }];
        let (server, journal) = (Server::start(ABLE, rules).await, journal());
        let mut mails = server.outbox(&journal).begin(TERMS);
        assert_eq!(told(&mails.send(&mail("a", &["b@y.example"])).await.unwrap()), [outcome], "{words}");
        // The next mail goes over another connection, once.
        assert_eq!(told(&mails.send(&mail("b", &["b@y.example"])).await.unwrap()), [("sent", Some(250))], "{words}");
        let seen = server.seen();
        assert_eq!((seen.connections, seen.contents.len(), seen.begun), (2, 2, 2), "{words}");
        assert_eq!(journaled(&journal), [outcome.0, "sent"]);
    }
}

#[tokio::test]
async fn a_session_that_dies_between_mails_is_replaced_once() {
    // The first mail passes, as none of this is said for it.
    for at in ["MAIL FROM:<late@", "RCPT TO:<late@", "DATA 2"] {
        for act in [Act::Close(""), Act::Close("421 too long idle\r\n"), Act::Hang("")] {
            let (server, journal) = (Server::start(ABLE, vec![Rule { at, connection: 1, act }]).await, journal());
            let mut mails = server.outbox(&journal).begin(TERMS);
            mails.send(&mail("a", &["b@y.example"])).await.unwrap();
            let late = Outgoing { sender: "late@x.example".to_owned(), ..mail("b", &["late@y.example"]) };
            assert_eq!(told(&mails.send(&late).await.unwrap()), [("sent", Some(250))], "{at} {act:?}");
            let seen = server.seen();
            assert_eq!((seen.connections, seen.contents.len(), seen.begun), (2, 2, 2), "{at} {act:?}");
            assert_eq!(journaled(&journal), ["sent"; 2]);
        }
    }
    // Twice is once too often.
    let rules = [1, 2, 3].map(|connection| Rule { at: "RCPT TO:<late@", connection, act: Act::Close("") }).to_vec();
    let (server, journal) = (Server::start(ABLE, rules).await, journal());
    let mut mails = server.outbox(&journal).begin(TERMS);
    mails.send(&mail("a", &["b@y.example"])).await.unwrap();
    mails.send(&mail("b", &["late@y.example"])).await.unwrap_err();
    assert_eq!((server.seen().connections, server.seen().contents.len()), (2, 1));
    assert_eq!(journaled(&journal), ["sent", "not_sent"]);
}

#[tokio::test]
async fn a_mail_that_is_cut_in_the_middle_is_not_sent_and_not_retried() {
    for (act, outcome, words) in [
        (Act::Close(""), ("not_sent", None), "the server must drop it"),
        (Act::Close("552 5.3.4 that is too much\r\n"), ("rejected", Some(552)), "552 5.3.4 that is too much"),
        (Act::Say("250 thanks, that will do\r\n"), ("not_sent", None), "250 thanks"),
    ] {
        let rules = vec![Rule { at: "content", connection: 1, act }];
        let (server, journal) = (Server::start(HUGE, rules).await, journal());
        let mut mails = server.outbox(&journal).begin(TERMS);
        let outcomes = mails.send(&large()).await.unwrap();
        // A server that goes may take its last words with it.
        let is_gone = matches!(act, Act::Close(_)) && told(&outcomes) == [("not_sent", None)];
        assert!(
            told(&outcomes) == [outcome] && outcomes[0].response.contains(words) || is_gone,
            "{act:?}: {outcomes:?}"
        );
        assert_eq!((server.seen().contents.len(), server.seen().begun), (0, 1), "{act:?}");
        assert_eq!(told(&mails.send(&mail("b", &["b@y.example"])).await.unwrap()), [("sent", Some(250))]);
        assert_eq!((server.seen().contents.len(), server.seen().connections), (1, 2), "{act:?}");
    }
}

#[tokio::test]
async fn a_server_that_stops_listening_is_given_up() {
    let (server, journal) =
        (Server::start(HUGE, vec![Rule { at: "content", connection: 1, act: Act::Deaf }]).await, journal());
    let outcomes = server.outbox(&journal).begin(TERMS).send(&large()).await.unwrap();
    assert!(
        told(&outcomes) == [("not_sent", None)] && outcomes[0].response.contains("did not take what was sent"),
        "{outcomes:?}"
    );
    assert_eq!((server.seen().connections, server.seen().contents.len()), (1, 0));
}

#[tokio::test]
async fn who_gives_up_leaves_the_journal_right() {
    for (at, act, status) in
        [("MAIL", Act::Hang(""), "not_sent"), ("DATA", Act::Hang(""), "not_sent"), (".", Act::Hang(""), "unknown")]
    {
        let directory = tempfile::tempdir().unwrap();
        let (server, journal) = (Server::with(at, act).await, Arc::new(Journal::kept_in(directory.path())));
        let patient = crate::mail::outbox::Delivery { patience: Duration::from_mins(1), ..TERMS };
        let mut mails = server.outbox(&journal).begin(patient);
        let mail = mail("a", &["b@y.example"]);
        let arrived = async {
            let is_there = || if at == "." { !server.seen().contents.is_empty() } else { !server.said(at).is_empty() };
            while !is_there() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            sent = mails.send(&mail) => panic!("{at}: {sent:?}"),
            () = arrived => {}
        }
        // What is written meanwhile ends by itself.
        while journaled(&journal).is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(journaled(&journal), [status], "{at}");
        mails.end().await.unwrap();
        // To another program it is the same.
        assert_eq!(journaled(&Journal::kept_in(directory.path())), [status], "{at}");
    }
}
