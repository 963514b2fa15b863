//! The scripted server and the recording line do what the tests that use them rely on.
//!
//! The client here is a plain socket, so that nothing of the product stands between.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod server;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use server::proxy::Proxy;
use server::scripted::{Action, Command, Context, Message, Script};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

#[test]
fn a_mailbox_can_be_read_as_usual() {
    let server = Script::new().start();
    let mut client = Client::greeted(server.port());
    assert_eq!(
        client.ask("a1 AUTHENTICATE PLAIN AGEAYg=="),
        [
            "a1 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ ESEARCH SEARCHRES LIST-STATUS LIST-EXTENDED ID UIDPLUS CONDSTORE] signed in"
        ]
    );
    assert_eq!(client.ask("a2 ID NIL")[1], "a2 OK told");
    assert_eq!(
        client.ask("a3 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UNSEEN HIGHESTMODSEQ))"),
        [
            "* LIST (\\HasNoChildren) \"/\" \"INBOX\"",
            "* STATUS \"INBOX\" (MESSAGES 3 UNSEEN 2 HIGHESTMODSEQ 105)",
            "* LIST (\\HasNoChildren) \"/\" \"Archive\"",
            "* STATUS \"Archive\" (MESSAGES 0 UNSEEN 0 HIGHESTMODSEQ 1)",
            "a3 OK listed"
        ]
    );
    assert_eq!(client.ask("a4 LIST \"\" inb%"), ["* LIST (\\HasNoChildren) \"/\" \"INBOX\"", "a4 OK listed"]);
    assert_eq!(client.ask("a5 STATUS inbox (UIDNEXT)"), ["* STATUS \"INBOX\" (UIDNEXT 6)", "a5 OK status told"]);
    assert_eq!(client.ask("a6 UID SEARCH ALL"), ["a6 BAD no folder is open"]);
    let opened = client.ask("a7 EXAMINE INBOX (CONDSTORE)");
    assert_eq!(opened.last().unwrap(), "a7 OK [READ-ONLY] opened");
    for line in ["* 3 EXISTS", "[UIDVALIDITY 1]", "[UIDNEXT 6]", "[HIGHESTMODSEQ 105]"] {
        assert!(opened.iter().any(|opened| opened.contains(line)), "{line} in {opened:?}");
    }
    assert_eq!(client.ask("a8 UID SEARCH UNSEEN"), ["* SEARCH 2 5", "a8 OK searched"]);
    assert_eq!(client.ask("a9 SEARCH NOT (1 UNSEEN)")[0], "* SEARCH 1 2 3");
    assert_eq!(
        client.ask("b1 UID SEARCH RETURN (ALL COUNT) UID 1:2,9")[0],
        "* ESEARCH (TAG \"b1\") UID ALL 1:2 COUNT 2"
    );
    assert_eq!(client.ask("b2 UID SEARCH RETURN (SAVE) FLAGGED"), ["b2 OK searched"]);
    assert_eq!(
        client.ask("b3 UID FETCH $ (FLAGS MODSEQ)"),
        ["* 3 FETCH (UID 5 FLAGS (\\Flagged) MODSEQ (105))", "b3 OK fetched"]
    );
    assert_eq!(client.ask("b4 UID FETCH 7:* UID")[0], "* 3 FETCH (UID 5)");
    assert_eq!(
        client.ask("b5 FETCH 2 (BODYSTRUCTURE BODY.PEEK[1] BODY.PEEK[1]<0.4>)"),
        [
            "* 2 FETCH (BODYSTRUCTURE (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 17 1 NIL NIL NIL NIL) \
             BODY[1] {17}",
            "Text of second.",
            " BODY[1]<0> {4}",
            "Text)",
            "b5 OK fetched"
        ]
    );
    assert_eq!(
        client.ask("b6 UID FETCH 1 (INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT Message-ID)])"),
        [
            "* 1 FETCH (UID 1 INTERNALDATE \"06-Jan-2025 10:00:00 +0000\" RFC822.SIZE 112 \
             BODY[HEADER.FIELDS (SUBJECT MESSAGE-ID)] {47}",
            "Subject: first",
            "Message-ID: <1@example.org>",
            "",
            ")",
            "b6 OK fetched"
        ]
    );
    assert!(server.is_clean(), "{:?}", server.not_reading());
    assert_eq!(client.ask("b7 LOGOUT"), ["* BYE see you", "b7 OK over"]);
    assert_eq!(client.read_to_end().unwrap(), b"");
    until("the connection is closed", || server.open() == 0);
    assert_eq!((server.accepted(), server.count("UID FETCH")), (1, 3));
}

#[test]
fn what_could_change_a_mailbox_is_refused_and_noted() {
    let server = Script::new().start();
    let mut client = Client::signed_in(server.port());
    client.ask("a1 EXAMINE INBOX");
    let loud =
        ["a2 SELECT INBOX", "a3 UID FETCH 1 BODY[]", "a4 UID STORE 1 +FLAGS (\\Seen)", "a5 FETCH 1 (UID RFC822)"];
    for command in loud {
        let answer = client.ask(command);
        assert!(answer[0].contains(" BAD "), "{answer:?}");
    }
    client.ask("a6 UID FETCH 1 (BODY.PEEK[])");
    assert_eq!(server.not_reading(), loud.map(str::to_owned));
}

#[test]
fn commands_in_one_flight_are_answered_in_order() {
    let server = Script::new().start();
    let mut client = Client::signed_in(server.port());
    client.send("a1 EXAMINE INBOX\r\na2 UID SEARCH RETURN (SAVE) UNSEEN\r\na3 UID FETCH $ (FLAGS)\r\n");
    assert_eq!(client.answer("a1").last().unwrap(), "a1 OK [READ-ONLY] opened");
    assert_eq!(client.answer("a2"), ["a2 OK searched"]);
    assert_eq!(client.answer("a3").len(), 3);
    client.send("b1 EXAMINE Nowhere\r\nb2 UID FETCH 1 (UID)\r\n");
    assert_eq!(client.answer("b1"), ["b1 NO [NONEXISTENT] no such folder"]);
    assert_eq!(client.answer("b2"), ["b2 BAD no folder is open"]);
}

#[test]
fn literals_of_a_client_are_asked_for_unless_it_does_not_wait() {
    let server = Script::new().start();
    let mut client = Client::greeted(server.port());
    client.send("a1 LOGIN {2}\r\n");
    assert_eq!(client.line(), "+ go on");
    client.send("me {6+}\r\nse cr\"\r\n");
    assert!(client.answer("a1")[0].starts_with("a1 OK"));
    client.send("a2 AUTHENTICATE PLAIN\r\n");
    assert_eq!(client.line(), "+ ");
    client.send("AGEAYg==\r\na3 STATUS {5+}\r\nInbox (MESSAGES)\r\n");
    client.answer("a2");
    assert_eq!(client.answer("a3")[0], "* STATUS \"INBOX\" (MESSAGES 3)");
    let transcript = server.transcript();
    assert!(transcript.contains("C: a1 LOGIN {2}\nS: + go on\nC: me {6+}se cr\"\nS: a1 OK"), "{transcript}");
}

#[test]
fn a_hook_answers_in_place_of_the_server() {
    let hook = |command: &Command, count, context: &Context| {
        let second = command.name == "UID FETCH" && count == 2;
        assert!(!second || context.folder.as_deref() == Some("INBOX"));
        second.then(|| vec![Action::Pause(Duration::from_millis(1)), Action::tagged(command, "NO [UNAVAILABLE] later")])
    };
    let server = Script::new().on_command(hook).start();
    let mut client = Client::signed_in(server.port());
    client.ask("a1 EXAMINE INBOX");
    assert_eq!(client.ask("a2 UID FETCH 1 UID").last().unwrap(), "a2 OK fetched");
    assert_eq!(client.ask("a3 UID FETCH 1 UID"), ["a3 NO [UNAVAILABLE] later"]);
    assert_eq!(client.ask("a4 UID FETCH 1 UID").last().unwrap(), "a4 OK fetched");
}

#[test]
fn an_answer_can_end_within_a_literal() {
    let first = "* 1 FETCH (UID 1 BODY[] {1014}\r\nSubj";
    let hook = |command: &Command, _, _: &_| {
        (command.name == "UID FETCH").then(|| vec![Action::AnswerFirst(36), Action::Close])
    };
    let raw = format!("Subject: x\n\n{}", "y".repeat(1000));
    let server = Script::new().messages(vec![Message::new(1, "", &raw)]).on_command(hook).start();
    let mut client = Client::signed_in(server.port());
    client.ask("a1 EXAMINE INBOX");
    // More that the server will not read: it still ends, and does not break.
    client.send("a2 UID FETCH 1 BODY.PEEK[]\r\na3 NOOP\r\n");
    assert_eq!(String::from_utf8(client.read_to_end().unwrap()).unwrap(), first);
    until("the connection is closed", || server.open() == 0);
    assert!(server.transcript().ends_with("S: * 1 FETCH (UID 1 BODY[] {1014}Subj\n"), "{}", server.transcript());
}

#[test]
fn a_connection_can_break() {
    let server = Script::new().on_command(|_, _, _| Some(vec![Action::Reset])).start();
    let mut client = Client::greeted(server.port());
    client.send("a1 NOOP\r\n");
    assert_eq!(client.read_to_end().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_stalled_server_says_nothing_until_it_is_dropped() {
    let hook = |command: &Command, _, _: &_| {
        (command.name == "NOOP").then(|| vec![Action::send("* OK soon\r\n"), Action::Stall])
    };
    let server = Script::new().on_command(hook).start();
    let mut client = Client::greeted(server.port());
    client.send("a1 NOOP\r\na2 LOGOUT\r\n");
    assert_eq!(client.line(), "* OK soon");
    client.socket().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(client.read_to_end().unwrap_err().kind(), ErrorKind::WouldBlock);
    client.socket().set_read_timeout(None).unwrap();
    assert_eq!(server.open(), 1);
    until("it reads on", || server.transcript().ends_with("S: * OK soon\nC: a2 LOGOUT\n"));
    let port = server.port();
    drop(server);
    assert_eq!(client.read_to_end().unwrap(), b"");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn octets_can_be_put_behind_starttls() {
    let server = Script::new().behind_starttls("* PREAUTH welcome\r\na2 OK sure\r\n").start();
    let mut client = Client::connected(server.port());
    assert!(client.line().contains("STARTTLS"));
    client.send("a1 STARTTLS\r\n");
    let mut octets = [0; 200];
    let count = client.stream.get_mut().read(&mut octets).unwrap();
    assert_eq!(&octets[..count], b"a1 OK begin\r\n* PREAUTH welcome\r\na2 OK sure\r\n");
    client.send("hello");
    until("it is noted", || server.transcript().ends_with("C: (5 octets behind STARTTLS)\n"));
}

#[test]
fn a_greeting_can_be_another() {
    let refused = Script::new().on_greeting(|_| vec![Action::send("* BYE full\r\n"), Action::Close]).start();
    assert_eq!(Client::connected(refused.port()).read_to_end().unwrap(), b"* BYE full\r\n");
    let known = Script::new().on_greeting(|_| vec![Action::send("* PREAUTH hello\r\n")]).start();
    let mut client = Client::greeted(known.port());
    assert_eq!(client.ask("a1 EXAMINE INBOX").last().unwrap(), "a1 OK [READ-ONLY] opened");
}

#[test]
fn tls_is_spoken_from_the_start_or_after_starttls() {
    let (server_config, client_config) = tls();
    for implicit in [true, false] {
        let script = Script::new().on_command(|command, _, context| {
            (command.name == "NOOP")
                .then(|| vec![Action::tagged(command, if context.tls { "OK tls" } else { "OK clear" })])
        });
        let server =
            if implicit { script.implicit_tls(server_config.clone()) } else { script.starttls(server_config.clone()) };
        let server = server.start();
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        if !implicit {
            let mut client = Client::over(socket);
            assert!(client.line().contains("CONDSTORE STARTTLS"));
            assert_eq!(client.ask("a1 NOOP"), ["a1 OK clear"]);
            assert_eq!(client.ask("a2 STARTTLS"), ["a2 OK begin"]);
            socket = client.stream.into_inner();
        }
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(client_config.clone(), name).unwrap();
        let mut client = Client::over(StreamOwned::new(tls, socket));
        if implicit {
            client.line();
        }
        assert_eq!(client.ask("b1 NOOP"), ["b1 OK tls"]);
        assert!(!client.ask("b2 CAPABILITY")[0].contains("STARTTLS"));
        client.ask("b3 LOGOUT");
        assert_eq!(client.read_to_end().unwrap(), b"", "TLS has its end");
    }
}

#[test]
fn commands_that_wait_are_flights_and_commands_together_are_one() {
    let server = Script::new().start();
    let proxy = Proxy::before(server.port()).delay(Duration::from_millis(20)).start();
    let mut client = Client::signed_in(proxy.port());
    assert_eq!((proxy.counts().connections, proxy.counts().flights), (1, 1));
    proxy.forget();
    let start = Instant::now();
    for command in ["a1 NOOP", "a2 NOOP", "a3 NOOP"] {
        client.ask(command);
    }
    assert!(start.elapsed() >= Duration::from_millis(120));
    assert_eq!(proxy.counts().flights, 3);
    proxy.forget();
    for command in ["b1 EXAMINE INBOX\r\n", "b2 UID SEARCH RETURN (SAVE) UNSEEN\r\n", "b3 UID FETCH $ (UID)\r\n"] {
        client.send(command);
        std::thread::sleep(Duration::from_millis(5));
    }
    client.answer("b3");
    assert_eq!(proxy.counts().flights, 1);
    assert!(proxy.counts().from_client == 76 && proxy.counts().from_server > 300, "{:?}", proxy.counts());
}

#[test]
fn a_late_answer_to_an_earlier_flight_does_not_part_the_next() {
    // Said while a2 is on its way: 100 ms after the answer a2 leaves the client, 200 ms after it the server has it.
    let late = |_: &Command, count, _: &_| {
        let late = [Action::Answer, Action::Pause(Duration::from_millis(140)), Action::send("* OK late\r\n")];
        (count == 1).then(|| late.to_vec())
    };
    let server = Script::new().on_command(late).start();
    let proxy = Proxy::before(server.port()).delay(Duration::from_millis(100)).start();
    let mut client = Client::greeted(proxy.port());
    client.ask("a1 NOOP");
    client.send("a2 NOOP\r\n");
    assert_eq!(client.line(), "* OK late");
    client.ask("a3 NOOP");
    assert_eq!(proxy.counts().flights, 2);
}

#[test]
fn a_long_line_is_no_slow_line() {
    let server = Script::new().messages(vec![Message::new(1, "", &"x".repeat(4 << 20))]).start();
    let proxy = Proxy::before(server.port()).delay(Duration::from_millis(20)).start();
    let mut client = Client::signed_in(proxy.port());
    client.ask("a1 EXAMINE INBOX");
    let start = Instant::now();
    client.ask("a2 UID FETCH 1 BODY.PEEK[]");
    // One piece after the other would take 256 times 20 ms at least.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn a_transcript_has_even_tags_and_no_secrets() {
    let server = Script::new().start();
    let proxy = Proxy::before(server.port()).delay(Duration::from_millis(5)).start();
    let mut client = Client::greeted(proxy.port());
    client.ask("x17 LOGIN me hunter2");
    client.ask("x18 AUTHENTICATE PLAIN hunter2");
    client.send("x19 AUTHENTICATE PLAIN\r\n");
    client.line();
    client.ask_for("x19", "hunter2\r\n");
    client.send("x20 LOGIN {2}\r\n");
    client.line();
    client.ask_for("x20", "me {7+}\r\nhunter2\r\n");
    client.send("x21 EXAMINE {5}\r\n");
    client.line();
    client.ask_for("x21", "INBOX (CONDSTORE)\r\n");
    client.ask("x22 UID SEARCH RETURN (COUNT) ALL");
    client.ask("x23 UID FETCH 2 (BODY.PEEK[1])");
    let transcript = proxy.transcript();
    let shown: Vec<&str> = transcript.lines().filter(|line| !line.starts_with("S: * OK")).collect();
    let signed_in = |tag| format!("S: {tag} {}", &server.transcript().lines().nth(2).unwrap()["S: x17 ".len()..]);
    assert_eq!(
        shown,
        [
            "C: A1 LOGIN ***",
            &signed_in("A1"),
            "C: A2 AUTHENTICATE PLAIN ***",
            &signed_in("A2"),
            "C: A3 AUTHENTICATE PLAIN",
            "S: + ",
            "C: ***",
            &signed_in("A3"),
            "C: A4 LOGIN ***",
            "S: + go on",
            "C: …***",
            &signed_in("A4"),
            "C: A5 EXAMINE {5}",
            "S: + go on",
            "C: … (CONDSTORE)",
            "S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
            "S: * 3 EXISTS",
            "S: * 0 RECENT",
            "S: A5 OK [READ-ONLY] opened",
            "C: A6 UID SEARCH RETURN (COUNT) ALL",
            "S: * ESEARCH (TAG \"A6\") UID COUNT 3",
            "S: A6 OK searched",
            "C: A7 UID FETCH 2 (BODY.PEEK[1])",
            "S: * 2 FETCH (UID 2 BODY[1] {17})",
            "S: A7 OK fetched",
        ]
    );
}

#[test]
fn a_line_is_cut_after_so_many_octets_and_as_often_as_said() {
    let server = Script::new().start();
    let proxy = Proxy::before(server.port()).cut_after(10).cuts(1).start();
    assert_eq!(Client::connected(proxy.port()).read_to_end().unwrap(), b"* OK [CAPA");
    let mut client = Client::greeted(proxy.port());
    assert_eq!(client.ask("a1 NOOP"), ["a1 OK nothing done"]);
    until("the server has noticed", || server.open() == 1);
    assert!(proxy.transcript().contains("-- connection"), "{}", proxy.transcript());
}

/// A client that says what it is told to.
struct Client<S> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    fn connected(port: u16) -> Self {
        Self::over(TcpStream::connect(("127.0.0.1", port)).unwrap())
    }

    fn greeted(port: u16) -> Self {
        let mut client = Self::connected(port);
        client.line();
        client
    }

    fn signed_in(port: u16) -> Self {
        let mut client = Self::greeted(port);
        client.ask("s1 LOGIN me secret");
        client
    }

    fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}

impl<S: Read + Write> Client<S> {
    fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    fn send(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap().to_owned()
    }

    /// The lines up to the one with this tag.
    fn answer(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.starts_with(tag)) {
            lines.push(self.line());
        }
        lines
    }

    fn ask(&mut self, command: &str) -> Vec<String> {
        self.ask_for(command.split(' ').next().unwrap(), &format!("{command}\r\n"))
    }

    fn ask_for(&mut self, tag: &str, text: &str) -> Vec<String> {
        self.send(text);
        self.answer(tag)
    }

    fn read_to_end(&mut self) -> std::io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        self.stream.read_to_end(&mut octets).map(|_| octets)
    }
}

fn tls() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let provider = Arc::new(ring::default_provider());
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (Arc::new(server), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited for: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
