//! Mails over servers that do what good ones do, and refuse what they may.

use std::sync::Arc;

use super::server::{ABLE, Act, Rule, Server, TERMS, journaled, mail, told};
use crate::mail::outbox::{OnRejected, Outbox};
use crate::smtp::Journal;

fn journal() -> Arc<Journal> {
    Arc::new(Journal::in_memory())
}

#[tokio::test]
async fn mails_go_over_one_connection_and_their_envelopes_in_one_flight() {
    let (server, journal) = (Server::start(ABLE, Vec::new()).await, journal());
    let outbox = server.outbox(&journal);
    assert_eq!(outbox.sender().unwrap().address, "me@x.example");
    let mut mails = outbox.begin(TERMS);
    assert_eq!(server.seen().connections, 0, "nothing is connected to before the first mail");
    for id in ["a", "b", "c"] {
        let outcomes = mails.send(&mail(id, &["bob@y.example", "carl@y.example"])).await.unwrap();
        assert_eq!(told(&outcomes), [("sent", Some(250)); 2]);
        assert_eq!(outcomes[1].response, "250 2.0.0 queued as 4711");
        assert_eq!(
            (outcomes[0].recipient.as_str(), outcomes[0].message_id.clone()),
            ("bob@y.example", format!("{id}@x.example"))
        );
    }
    mails.end().await.unwrap();
    let seen = server.seen();
    let lines: Vec<&str> = seen.lines.iter().map(String::as_str).skip(2).take(4).collect();
    let size = mail("a", &[]).octets.len();
    assert_eq!(
        lines,
        [
            &format!("MAIL FROM:<me@x.example> SIZE={size}"),
            "RCPT TO:<bob@y.example>",
            "RCPT TO:<carl@y.example>",
            "DATA"
        ]
    );
    assert_eq!((seen.connections, seen.contents.len(), seen.lines.last().unwrap().as_str()), (1, 3, "QUIT"));
    assert_eq!(seen.contents[0], mail("a", &[]).octets);
    assert!(seen.flights >= 3, "{seen:?}");
    assert_eq!(journaled(&journal), ["sent"; 6]);
}

#[tokio::test]
async fn a_server_that_knows_no_extension_is_spoken_to_one_by_one() {
    let (server, journal) = (Server::start(&["mail.example.org"], Vec::new()).await, journal());
    let outcomes =
        server.outbox(&journal).begin(TERMS).send(&mail("a", &["b@y.example", "c@y.example"])).await.unwrap();
    assert_eq!(told(&outcomes), [("sent", Some(250)); 2]);
    assert_eq!((server.seen().flights, server.said("MAIL")), (0, vec!["MAIL FROM:<me@x.example>".to_owned()]));
}

#[tokio::test]
async fn of_ten_recipients_one_is_bad() {
    let to: Vec<String> = (0..10).map(|number| format!("r{number}@y.example")).collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    for refusal in ["550 5.1.1 no such user\r\n", "450 4.2.1 later\r\n"] {
        let code = refusal[..3].parse().ok();
        for on_rejected in [OnRejected::Abort, OnRejected::Continue] {
            let (server, journal) = (Server::with("RCPT TO:<r7@", Act::Say(refusal)).await, journal());
            let mail = crate::mail::outbox::Outgoing { on_rejected, ..mail("a", &to) };
            let mut mails = server.outbox(&journal).begin(TERMS);
            let outcomes = mails.send(&mail).await.unwrap();
            let (others, contents) = match on_rejected {
                OnRejected::Abort => (("not_sent", None), 0),
                OnRejected::Continue => (("sent", Some(250)), 1),
            };
            for (number, outcome) in told(&outcomes).into_iter().enumerate() {
                assert_eq!(outcome, if number == 7 { ("rejected", code) } else { others }, "{number}");
            }
            assert_eq!(outcomes[7].response, refusal.trim_end());
            assert!(contents == 1 || outcomes[0].response.contains("another recipient"), "{:?}", outcomes[0]);
            assert_eq!((server.seen().contents.len(), server.said("RSET").len()), (contents, 1 - contents));
            let kept: Vec<&str> = outcomes.iter().map(|outcome| outcome.status.name()).collect();
            assert_eq!(journaled(&journal), kept);
            // The session is as good as before.
            assert_eq!(
                told(&mails.send(&super::server::mail("b", &["x@y.example"])).await.unwrap()),
                [("sent", Some(250))]
            );
            assert_eq!((server.seen().contents.len(), server.seen().connections), (contents + 1, 1));
        }
    }
}

#[tokio::test]
async fn refusals_mean_what_they_are_said_to() {
    for code in ["452 4.3.1 no room", "451 4.3.0 later", "552 5.3.4 too much", "554 5.7.1 no"] {
        let words: &'static str = Box::leak(format!("{code}\r\n").into_boxed_str());
        for (at, contents) in [("RCPT", 0), ("DATA", 0), (".", 1)] {
            let (server, journal) = (Server::with(at, Act::Say(words)).await, journal());
            let outcomes = server.outbox(&journal).begin(TERMS).send(&mail("a", &["b@y.example"])).await.unwrap();
            assert_eq!(told(&outcomes), [("rejected", code[..3].parse().ok())], "{at} {code}");
            assert_eq!((outcomes[0].response.as_str(), server.seen().contents.len()), (code, contents));
            assert_eq!(journaled(&journal), ["rejected"]);
        }
        let (server, journal) = (Server::with("MAIL", Act::Say(words)).await, journal());
        let mut mails = server.outbox(&journal).begin(TERMS);
        match (mails.send(&mail("a", &["b@y.example"])).await, code.contains(".3.1") || code.contains(".3.4")) {
            (Ok(outcomes), true) => assert_eq!(told(&outcomes), [("rejected", code[..3].parse().ok())]),
            (Err(error), false) => {
                assert!(error.to_string().contains(code) && error.way_out().is_some(), "{error}");
                assert_eq!(journaled(&journal), ["not_sent"]);
            }
            other => panic!("{code}: {other:?}"),
        }
        assert_eq!(server.seen().begun, 0);
    }
}

#[tokio::test]
async fn all_refused_is_no_reason_for_data() {
    let (server, journal) = (Server::with("RCPT", Act::Say("550 no\r\n")).await, journal());
    let mail = crate::mail::outbox::Outgoing {
        on_rejected: OnRejected::Continue,
        ..mail("a", &["b@y.example", "c@y.example"])
    };
    let outcomes = server.outbox(&journal).begin(TERMS).send(&mail).await.unwrap();
    assert_eq!(told(&outcomes), [("rejected", Some(550)); 2]);
    assert_eq!((server.said("DATA").len(), server.said("RSET").len(), journaled(&journal).len()), (0, 1, 2));
}

#[tokio::test]
async fn what_a_server_cannot_take_is_not_uploaded() {
    let long = crate::mail::outbox::Outgoing {
        octets: format!("A: b\r\n\r\n{}", "x\r\n".repeat(100)).into_bytes().into(),
        ..mail("a", &["b@y.example"])
    };
    let eight = crate::mail::outbox::Outgoing { octets: "A: b\r\n\r\né\r\n".into(), ..mail("a", &["b@y.example"]) };
    let utf8 = crate::mail::outbox::Outgoing { octets: "A: é\r\n\r\nb\r\n".into(), ..mail("a", &["b@y.example"]) };
    let able: &'static [&str] = &["x", "SIZE 200", "8BITMIME"];
    for (able, mail, words) in [
        (able, &long, "308 octets, and the server takes 200"),
        (&["x"], &eight, "it has no 8BITMIME"),
        (able, &utf8, "it has no SMTPUTF8"),
        (able, &mail("a", &["jörg@y.example"]), "it has no SMTPUTF8"),
    ] {
        let (server, journal) = (Server::start(able, Vec::new()).await, journal());
        let outcomes = server.outbox(&journal).begin(TERMS).send(mail).await.unwrap();
        assert!(outcomes[0].response.contains(words), "{outcomes:?}");
        assert_eq!((told(&outcomes), journaled(&journal)), (vec![("not_sent", None)], vec!["not_sent"]));
        assert_eq!((server.said("MAIL").len(), server.seen().begun), (0, 0));
    }
    let (server, journal) = (Server::start(ABLE, Vec::new()).await, journal());
    let mut mails = server.outbox(&journal).begin(TERMS);
    for mail in [&eight, &utf8, &mail("a", &["jörg@müller.example"])] {
        assert_eq!(told(&mails.send(mail).await.unwrap()), [("sent", Some(250))]);
    }
    let said = server.said("MAIL");
    assert!(
        said[0].ends_with(" BODY=8BITMIME")
            && said[1].ends_with(" BODY=8BITMIME SMTPUTF8")
            && said[2].ends_with(" SMTPUTF8"),
        "{said:?}"
    );
    assert_eq!(server.said("RCPT")[2], "RCPT TO:<jörg@xn--mller-kva.example>");
}

#[tokio::test]
async fn nothing_gets_out_of_an_address() {
    let (server, journal) = (Server::start(ABLE, Vec::new()).await, journal());
    let mut mails = server.outbox(&journal).begin(TERMS);
    for address in [
        "b@y.example>\r\nRCPT TO:<c@y.example",
        "b@y.example\r\nDATA",
        "b@y.example> SIZE=1",
        "b c@y.example",
        "\0@y.example",
        "",
    ] {
        for mail in [
            mail("a", &[address]),
            crate::mail::outbox::Outgoing { sender: address.to_owned(), ..mail("a", &["b@y.example"]) },
        ] {
            let outcomes = mails.send(&mail).await.unwrap();
            assert_eq!(told(&outcomes), [("not_sent", None)], "{address}");
        }
    }
    for octets in ["A: b\r\n\r\na\n.\nMAIL FROM:<x@y>\r\n", "A: b\r\n\r\n\r.\r\n", "no end"] {
        let mail = crate::mail::outbox::Outgoing { octets: octets.into(), ..mail("a", &["b@y.example"]) };
        assert_eq!(told(&mails.send(&mail).await.unwrap()), [("not_sent", None)], "{octets}");
    }
    assert_eq!(server.seen().connections, 0);
}

#[tokio::test]
async fn a_secret_that_a_server_repeats_is_not_in_a_response() {
    let rules = vec![
        Rule { at: "RCPT TO:<b@", connection: 0, act: Act::Say("550 hunter2secret \u{1b}[2J\r\n") },
        Rule { at: ".", connection: 0, act: Act::Say("250 hunter2secret\r\n") },
    ];
    let (server, journal) = (Server::start(ABLE, rules).await, journal());
    let mail = crate::mail::outbox::Outgoing {
        on_rejected: OnRejected::Continue,
        ..mail("a", &["b@y.example", "c@y.example"])
    };
    let outcomes = server.outbox(&journal).begin(TERMS).send(&mail).await.unwrap();
    assert_eq!([outcomes[0].response.as_str(), &outcomes[1].response], ["550 … \u{fffd}[2J", "250 …"]);
}

#[tokio::test]
async fn without_a_journal_nothing_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    std::fs::write(&file, "a file is no directory").unwrap();
    let (server, journal) = (Server::start(ABLE, Vec::new()).await, Arc::new(Journal::kept_in(&file)));
    let error = server.outbox(&journal).begin(TERMS).send(&mail("a", &["b@y.example"])).await.unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
    assert_eq!((server.seen().begun, server.seen().contents.len()), (0, 0));
    // A key in a journal that does not last promises too much.
    let keyed = crate::mail::outbox::Outgoing { key: Some("k".to_owned()), ..mail("a", &["b@y.example"]) };
    let memory = Arc::new(Journal::in_memory());
    let error = server.outbox(&memory).begin(TERMS).send(&keyed).await.unwrap_err();
    assert!(error.to_string().contains("a key needs a journal") && error.way_out().is_some(), "{error}");
    assert_eq!(server.seen().begun, 0);
}

#[tokio::test]
async fn a_mail_with_a_key_is_sent_once_and_again_only_when_it_was_not() {
    let directory = tempfile::tempdir().unwrap();
    let rules = vec![
        Rule { at: "RCPT TO:<bad@", connection: 1, act: Act::Say("450 later\r\n") },
        Rule { at: ".", connection: 3, act: Act::Close("") },
    ];
    let server = Server::start(ABLE, rules).await;
    let keyed =
        |id: &str, key: &str, to: &[&str]| crate::mail::outbox::Outgoing { key: Some(key.to_owned()), ..mail(id, to) };
    for (run, statuses) in [["sent", "rejected"], ["sent", "sent"], ["sent", "sent"]].into_iter().enumerate() {
        // As another program would.
        let journal = Arc::new(Journal::kept_in(directory.path()));
        let mut mails = server.outbox(&journal).begin(TERMS);
        for (key, to, status) in [("1", "good@y.example", statuses[0]), ("2", "bad@y.example", statuses[1])] {
            let outcomes = mails.send(&keyed(&format!("{run}{key}"), key, &[to])).await.unwrap();
            assert_eq!(outcomes[0].status.name(), status, "{run} {key}");
        }
        mails.end().await.unwrap();
    }
    assert_eq!((server.seen().connections, server.seen().contents.len()), (2, 2));
    let mut mails = server.outbox(&Arc::new(Journal::kept_in(directory.path()))).begin(TERMS);
    let before = mails.send(&keyed("new", "1", &["Good@Y.example"])).await.unwrap();
    assert!(
        before[0].message_id == "01@x.example" && before[0].response.starts_with("it was sent before, 2"),
        "{before:?}"
    );
    // Of what nobody knows, nobody sends another.
    let unknown = mails.send(&keyed("lost", "3", &["good@y.example"])).await.unwrap();
    assert_eq!(told(&unknown), [("unknown", None)]);
    let again = mails.send(&keyed("again", "3", &["good@y.example"])).await.unwrap();
    assert!(again[0].status.name() == "unknown" && again[0].message_id == "lost@x.example", "{again:?}");
    assert!(again[0].response.contains("WHERE message_id = '<lost@x.example>'"), "{again:?}");
    assert_eq!(server.seen().contents.len(), 3);
}
