//! A command that a server refuses, breaks off, leaves without an answer, or answers with nothing.

use crate::server::scripted::{Action, Command, Script};
use crate::{STATEMENTS, asked, at, engine, failure, rows, script, told};

/// What a server may do instead of answering, and words of the error that comes of it.
fn faults(command: &Command) -> [(Vec<Action>, &'static str); 12] {
    let broken = |text: &str| vec![Action::send(text), Action::Answer];
    [
        (vec![Action::tagged(command, "NO [UNAVAILABLE] not just now")], "not just now"),
        (vec![Action::tagged(command, "BAD what is that")], "what is that"),
        (vec![Action::tagged(command, "NO")], "NO"),
        (vec![Action::send("* BYE going down\r\n"), Action::Close], "going down"),
        (vec![Action::send("* BYE\r\n"), Action::Close], "BYE"),
        (vec![Action::Close], "closed the connection"),
        (vec![Action::Reset], "connection"),
        (vec![Action::Stall], "for 1 s"),
        (vec![Action::AnswerFirst(20), Action::Stall], "for 1 s"),
        (broken("what a mess\r\n"), "makes no sense"),
        (broken("Z9 OK yours\r\n"), "answers what it was not asked"),
        (broken("+ say more\r\n"), "asks for more"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_answered_well_is_an_error_with_the_words_of_the_server() {
    let commands = ["AUTHENTICATE", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH", "UID FETCH again"];
    let sample = Command::parse(b"A1 NOOP");
    for capabilities in [ALL, FEW] {
        for name in commands {
            let (name, time) = name.strip_suffix(" again").map_or((name, 1), |name| (name, 2));
            for fault in 0..faults(&sample).len() {
                for (statement, sql, expected) in STATEMENTS {
                    let script = script().capabilities(capabilities).on_command(move |command, count, _| {
                        (command.name == name && count >= time).then(|| faults(command)[fault].0.clone())
                    });
                    let words = faults(&sample)[fault].1;
                    // A server that is silent takes its time; once is enough.
                    if words.contains("for 1 s") && (capabilities == FEW || statement != "two phases") {
                        continue;
                    }
                    let (rows, server) = asked(script, sql).await;
                    let place = || format!("{statement}, {words} at {name} {time}:\n{}", server.transcript());
                    match rows {
                        // It was not asked, or it does not matter.
                        Ok(rows) if server.count(name) < time => assert_eq!(rows, expected, "{}", place()),
                        Ok(rows) if name == "STATUS" => assert_eq!(rows.len(), expected.len(), "{}", place()),
                        // What is not searched for can be read.
                        Ok(rows) if name == "UID SEARCH" => assert_eq!(rows, expected, "{}", place()),
                        Ok(rows) => panic!("{rows:?} with {}", place()),
                        Err(error) => {
                            assert!(error.to_string().contains(words), "{error} with {}", place());
                            let in_folder = ["EXAMINE", "UID SEARCH", "UID FETCH"].contains(&name);
                            assert!(!in_folder || error.to_string().contains("folder "), "{error} with {}", place());
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_say_who_it_is_or_what_is_subscribed_may_still_be_right() {
    for status in ["NO none of your business", "BAD what is that", "OK"] {
        for name in ["ID", "LSUB"] {
            for (statement, sql, expected) in STATEMENTS {
                let script = script().capabilities("IMAP4rev1 ID").on_command(move |command, _, _| {
                    (command.name == name).then(|| vec![Action::tagged(command, status)])
                });
                assert_eq!(told(script, sql).await, expected, "{statement}, {status} to {name}");
            }
        }
    }
    let unknown = at("LSUB", |command, _| vec![Action::tagged(command, "NO not here")]).capabilities("IMAP4rev1");
    assert_eq!(told(unknown, "SELECT folder, subscribed FROM Folder").await, ["Archive|NULL", "INBOX|NULL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_folder_that_are_refused_are_not_known_and_those_of_others_are() {
    let script = at("STATUS", |command, _| vec![Action::tagged(command, "NO locked")]).capabilities("IMAP4rev1");
    let rows = told(script, "SELECT folder, messages, unseen FROM Folder").await;
    assert_eq!(rows, ["Archive|NULL|NULL", "INBOX|4|3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_nothing_is_said_of_is_not_an_empty_one() {
    let silent = || at("EXAMINE", |command, _| vec![Action::tagged(command, "OK opened")]);
    for (statement, sql, expected) in STATEMENTS {
        let (rows, server) = asked(silent(), sql).await;
        match rows {
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.contains("without saying what is in it"),
                    "{statement}: {error}\n{}",
                    server.transcript()
                );
            }
            // It was asked once more, or was not needed.
            Ok(rows) => assert_eq!(rows, expected, "{statement}\n{}", server.transcript()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_without_a_result_found_nothing() {
    let nothing = |capabilities| {
        let nothing = at("UID SEARCH", |command, _| vec![Action::tagged(command, "OK nothing")]);
        nothing.capabilities(capabilities)
    };
    let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND flagged AND NOT seen";
    for capabilities in ["IMAP4rev1", "IMAP4rev1 ESEARCH"] {
        assert_eq!(told(nothing(capabilities), sql).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_search_for_is_read_and_chosen_here() {
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND flagged AND NOT seen";
    let (expected, _) = asked(script(), sql).await;
    let expected = expected.unwrap();
    assert_eq!(expected.len(), 1);
    for status in ["NO", "NO [CANNOT] too hard", "NO [BADCHARSET (US-ASCII)] no", "BAD what is that"] {
        for capabilities in ["IMAP4rev1", "IMAP4rev1 ESEARCH", ALL] {
            for limit in ["", " LIMIT 1", " AND uid BETWEEN 2 AND 5"] {
                let script = script().capabilities(capabilities).on_command(move |command, _, _| {
                    (command.name == "UID SEARCH" && command.line.contains("FLAGGED"))
                        .then(|| vec![Action::tagged(command, status)])
                });
                let (rows, server) = asked(script, &format!("{sql}{limit}")).await;
                let said = server.transcript();
                assert_eq!(rows.unwrap_or_else(|error| panic!("{error}\n{said}")), expected, "{limit} {said}");
                assert_eq!(said.matches("FLAGGED").count(), 1, "it is asked once: {said}");
                assert!(limit.is_empty() || limit.contains("LIMIT") || said.contains("UID FETCH 2:5 "), "{said}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_one_too_many_or_that_nothing_else_can_do_is_an_error_when_it_is_refused() {
    for (predicate, status) in [
        ("flagged", "NO [LIMIT] too many keys"),
        ("flagged", "NO [THROTTLED] come back"),
        ("imap_search('FLAGGED')", "NO"),
        ("imap_search('FLAGGED')", "BAD what is that"),
    ] {
        let refused = script().on_command(move |command, _, _| {
            (command.name == "UID SEARCH").then(|| vec![Action::tagged(command, status)])
        });
        let sql = format!("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND {predicate}");
        let error = failure(refused, &sql).await;
        assert!(error.contains("refused"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_instead_of_searched_for_must_be_all_there() {
    let short = script().on_command(|command, _, context| match command.name.as_str() {
        "UID SEARCH" => Some(vec![Action::tagged(command, "BAD what is that")]),
        "UID FETCH" if context.folder.as_deref() == Some("INBOX") => {
            let others = format!("{} UID FETCH 1:2 {}", command.tag, &command.line[command.line.find('(').unwrap()..]);
            Some(vec![Action::AnswerTo(others), Action::tagged(command, "OK")])
        }
        _ => None,
    });
    let error = failure(short, "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND flagged").await;
    assert!(error.contains("what is that"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_everything_that_finds_less_is_an_error() {
    for capabilities in ["IMAP4rev1", "IMAP4rev1 ESEARCH", ALL] {
        for found in ["", "* SEARCH\r\n", "* SEARCH 4 5\r\n"] {
            let short =
                at("UID SEARCH", move |command, _| vec![Action::send(found), Action::tagged(command, "OK searched")]);
            let sql = "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'";
            let (rows, server) = asked(short.capabilities(capabilities), sql).await;
            match rows {
                Ok(rows) if server.count("UID SEARCH") != 1 => assert_eq!(rows, ["4"]),
                Ok(rows) => panic!("{rows:?}\n{}", server.transcript()),
                Err(error) => assert!(error.to_string().contains("INBOX"), "{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_do_not_come_are_asked_for_again() {
    for (statement, sql, expected) in STATEMENTS {
        // News of messages are no messages.
        for rows in [&[][..], &[1], &[1, 2, 3, 4]] {
            let script = script().on_command(move |command, count, context| {
                let in_inbox = context.folder.as_deref() == Some("INBOX");
                let news = rows.iter().map(|row| format!("* {row} FETCH (FLAGS (\\Seen))\r\n")).collect::<String>();
                (command.name == "UID FETCH" && count == 1 && in_inbox)
                    .then(|| vec![Action::send(news), Action::tagged(command, "OK that is all")])
            });
            let (rows, server) = asked(script, sql).await;
            // After a search, what does not come is gone, and so it is when it was asked for by uid.
            let said = server.transcript();
            if statement != "some by uid"
                && said
                    .find("UID SEARCH")
                    .is_none_or(|search| said.find("UID FETCH").is_some_and(|fetch| fetch < search))
            {
                assert_eq!(rows.unwrap(), expected, "{statement}\n{}", server.transcript());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_were_found_and_do_not_come_are_gone() {
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND flagged";
    for is_gone in [true, false] {
        let gone = script().on_command(move |command, count, _| match (command.name.as_str(), count) {
            ("UID FETCH", 1..=3) if count < 3 || is_gone => {
                let news = Action::send("* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n");
                Some(vec![news, Action::tagged(command, "OK [EXPUNGEISSUED] gone")])
            }
            ("EXAMINE", 2) if is_gone => {
                let told = "* 2 EXISTS\r\n* OK [UIDVALIDITY 1] the same\r\n* OK [UIDNEXT 6] the same\r\n";
                Some(vec![Action::send(told), Action::tagged(command, "OK [READ-ONLY] opened")])
            }
            ("UID SEARCH", 2) if is_gone => {
                let found = format!("* ESEARCH (TAG \"{}\") UID ALL 1:2\r\n", command.tag);
                Some(vec![Action::send(found), Action::tagged(command, "OK searched")])
            }
            _ => None,
        });
        // What the folder still lists is not gone, whatever else the server says.
        let expected: &[&str] = if is_gone { &[] } else { &["5|fifth"] };
        assert_eq!(told(gone, sql).await, expected, "{is_gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_learns_why() {
    for name in ["AUTHENTICATE", "LOGIN"] {
        let capabilities = if name == "LOGIN" { "IMAP4rev1" } else { ALL };
        let script =
            at(name, |command, _| vec![Action::tagged(command, "NO [AUTHENTICATIONFAILED] wrong, hunter2 is not it")]);
        let error = failure(script.capabilities(capabilities), STATEMENTS[0].1).await;
        assert!(error.contains("127.0.0.1 did not let me in: wrong"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_greet_well_is_an_error() {
    for (greeting, words) in [
        (vec![Action::send("* BYE too many of you\r\n"), Action::Close], "too many of you"),
        (vec![Action::send("* NO\r\n")], "does not want to talk"),
        (vec![Action::send("220 mail.example.org ESMTP\r\n")], "does not greet as an IMAP server"),
        (vec![Action::Close], "closed the connection"),
        (vec![Action::Stall], "said nothing for 1 s"),
        (vec![Action::send(vec![b'x'; 64 << 10]); 300], "MiB"),
    ] {
        let error = failure(script().on_greeting(move |_| greeting.clone()), STATEMENTS[0].1).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_those_that_hold_after_signing_in() {
    // Before, it offers what it then has not.
    let changing = || {
        Script::new()
            .folders(crate::folders())
            .on_greeting(|_| vec![Action::send(format!("* OK [CAPABILITY {ALL} OBJECTID X-GM-EXT-1] ready\r\n"))])
            .capabilities("IMAP4rev1")
    };
    for (statement, sql, expected) in STATEMENTS {
        let (rows, server) = asked(changing(), sql).await;
        assert_eq!(rows.unwrap(), expected, "{statement}");
        assert!(!server.transcript().contains("RETURN"), "{}", server.transcript());
    }
    let known = script().on_greeting(|_| vec![Action::send("* PREAUTH come in\r\n")]);
    let (rows, server) = asked(known, STATEMENTS[0].1).await;
    assert_eq!(rows.unwrap(), STATEMENTS[0].2);
    assert_eq!(server.count("AUTHENTICATE"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_at_any_command_has_an_end() {
    for name in ["AUTHENTICATE", "LIST", "EXAMINE", "UID FETCH"] {
        let server = at(name, |_, _| vec![Action::Stall]).start();
        let engine = engine(server.port()).await;
        let start = std::time::Instant::now();
        let sql = if name == "LIST" { "SELECT folder FROM Folder" } else { STATEMENTS[0].1 };
        assert!(rows(&engine, sql).await.is_err(), "{name}");
        assert!(start.elapsed().as_secs() < 4, "{name}");
        // The next statement has a session of its own.
        assert_eq!(rows(&engine, STATEMENTS[0].1).await.unwrap(), STATEMENTS[0].2, "{name}");
    }
}

/// What a good server of today can do.
const ALL: &str = "IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ ESEARCH SEARCHRES LIST-STATUS LIST-EXTENDED ID CONDSTORE";

/// What every server can do.
const FEW: &str = "IMAP4rev1";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_server_repeats_after_the_sign_in_is_not_shown() {
    for name in ["LIST", "EXAMINE", "UID SEARCH", "UID FETCH"] {
        for answer in ["NO hunter2 may not", "BAD hunter2?", "* BYE hunter2 has expired"] {
            let telling = script().on_command(move |command, _, _| {
                let told = if answer.starts_with('*') {
                    vec![Action::send(format!("{answer}\r\n")), Action::Close]
                } else {
                    vec![Action::tagged(command, answer)]
                };
                (command.name == name).then_some(told)
            });
            let sql = if name == "LIST" { "SELECT folder FROM Folder" } else { STATEMENTS[1].1 };
            let (rows, _) = asked(telling, sql).await;
            match rows {
                Ok(rows) => assert!(name == "UID SEARCH" && rows == STATEMENTS[1].2, "{name}: {rows:?}"),
                Err(error) => {
                    let said = format!("{error} {error:?} {:?}", error.way_out());
                    assert!(said.contains('…') && !said.contains("hunter2"), "{name} {answer}: {said}");
                }
            }
        }
    }
}
