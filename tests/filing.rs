//! Copies of what was sent: kept once, as they were, in the folder for them; or not, and then it is said.
//!
//! With Dovecot, and with servers that do what it does not.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mailql::imap::filing::SentCopies;
use mailql::mail::outbox::{Copies, Filed, Filing};
use mailql::{Config, Error, ImapAccount, Tls};
use server::conversation::Conversation;
use server::dovecot::{Dovecot, Options, User};
use server::listener;

#[tokio::test]
async fn a_copy_is_there_once_read_and_as_it_was() {
    let dovecot = Dovecot::start(&with_folder("Sent", ""));
    let user = dovecot.user();
    let mut copies = copies_of(&dovecot, &user);
    // Longer than any literal that LITERAL- lets through, and than a piece.
    let long = format!("Subject: long\r\n\r\n{}", ".line of it\r\n".repeat(20_000));
    let messages = [MESSAGE.to_owned(), long, "Subject: Gr\u{fc}\u{df}e\r\n\r\n\u{1f389}\r\n".to_owned()];
    for message in &messages {
        let filed = copies.file(Bytes::from(message.clone()), at()).await.unwrap();
        assert_eq!(filed, Filed::In("Sent".to_owned()));
    }
    copies.end().await;
    let mut imap = signed_in(&dovecot, &user);
    assert!(imap.imap("EXAMINE Sent").contains("\r\n* 3 EXISTS\r\n"));
    for (number, message) in (1..).zip(&messages) {
        let answer = imap.imap(&format!("FETCH {number} (FLAGS INTERNALDATE BODY.PEEK[])"));
        assert!(answer.contains("\\Seen") && !answer.contains("\\Draft"), "{answer}");
        assert!(answer.contains("INTERNALDATE \"01-Jan-2024 09:00:00 +0000\""), "{answer}");
        assert!(answer.contains(&format!("BODY[] {{{}}}\r\n{message})\r\n", message.len())), "{number}");
    }
    let log = dovecot.log();
    assert_eq!(
        log.matches("imap-login: Info: Login:").count(),
        2,
        "one connection for all three, one for the look: {log}"
    );
    assert!(log.contains("Logged out"), "{log}");
}

#[tokio::test]
async fn the_folder_is_the_one_that_the_server_says_it_is_whatever_its_name() {
    let dovecot = Dovecot::start(&with_folder("Entsändet&x", ""));
    let user = dovecot.user();
    let mut imap = signed_in(&dovecot, &user);
    assert!(imap.imap("CREATE Sent").starts_with("t2 OK "));
    let mut copies = copies_of(&dovecot, &user);
    assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Entsändet&x".to_owned()));
    assert!(imap.imap("EXAMINE \"Ents&AOQ-ndet&-x\"").contains("\r\n* 1 EXISTS\r\n"));
    assert!(imap.imap("EXAMINE Sent").contains("\r\n* 0 EXISTS\r\n"));
}

#[tokio::test]
async fn where_there_is_no_folder_for_it_none_is_made() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let mut copies = copies_of(dovecot, &user);
    assert_eq!(file(&mut copies).await.unwrap(), Filed::Nowhere);
    copies.end().await;
    let listed = signed_in(dovecot, &user).imap("LIST \"\" *");
    assert_eq!(listed.matches("* LIST ").count(), 1, "{listed}");
}

#[tokio::test]
async fn a_full_mailbox_says_so_and_keeps_nothing() {
    let quota = "protocol imap {\n  mail_plugins = listescape quota\n}\nplugin {\n  quota = maildir:all\n  quota_rule = *:bytes=1000\n}\n";
    let dovecot = Dovecot::start(&with_folder("Sent", quota));
    let user = dovecot.user();
    let mut copies = copies_of(&dovecot, &user);
    let large = Bytes::from(format!("Subject: large\r\n\r\n{}", "x\r\n".repeat(1_000)));
    let error = copies.file(large, at()).await.unwrap_err();
    assert!(error.to_string().contains("Quota exceeded") && error.to_string().contains("folder Sent"), "{error}");
    assert!(error.way_out().unwrap().contains("full"), "{error}");
    assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Sent".to_owned()), "a small one has room");
    assert!(signed_in(&dovecot, &user).imap("EXAMINE Sent").contains("\r\n* 1 EXISTS\r\n"));
}

#[tokio::test]
async fn a_server_that_keeps_its_own_gets_none_unless_the_account_wants_it() {
    for greeting in ["Gimap ready for requests", "The Microsoft Exchange IMAP4 service is ready."] {
        let server = Played::start(greeting, "IMAP4rev1", |_| Played::TAKEN);
        let mut copies = SentCopies::new(server.account(), proofs()).begin(PATIENCE);
        for _ in 0..2 {
            assert_eq!(file(&mut copies).await.unwrap(), Filed::ByServer);
        }
        copies.end().await;
        assert_eq!((server.said("APPEND"), server.said("LIST"), server.said("LOGIN")), (0, 0, 1));
        let mut copies = SentCopies::new(server.account().sent_copy(true), proofs()).begin(PATIENCE);
        assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Sent Items".to_owned()));
    }
    let gmail = Played::start("ready", "IMAP4rev1 X-GM-EXT-1", |_| Played::TAKEN);
    let mut copies = SentCopies::new(gmail.account(), proofs()).begin(PATIENCE);
    assert_eq!(file(&mut copies).await.unwrap(), Filed::ByServer);
}

#[tokio::test]
async fn a_message_is_sent_at_once_or_when_it_is_asked_for() {
    for able in ["IMAP4rev1", "IMAP4rev1 LITERAL+", "IMAP4rev1 LITERAL-"] {
        let server = Played::start("ready", able, |_| Played::TAKEN);
        let mut copies = SentCopies::new(server.account(), proofs()).begin(PATIENCE);
        assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Sent Items".to_owned()));
        copies.end().await;
        assert_eq!(server.messages(), [MESSAGE], "{able}");
        let end = if able == "IMAP4rev1" { "}" } else { "+}" };
        let start = "APPEND \"Sent Items\" (\\Seen) \"01-Jan-2024 09:00:00 +0000\" {";
        assert!(
            server.line("APPEND").contains(start) && server.line("APPEND").ends_with(end),
            "{}",
            server.line("APPEND")
        );
        assert_eq!(server.said("LOGOUT"), 1);
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_is_told_in_the_server_s_words_and_the_next_is_another_matter() {
    for (able, asks) in [("IMAP4rev1", true), ("IMAP4rev1", false), ("IMAP4rev1 LITERAL+", false)] {
        let server = Played::start("ready", able, move |append| match append {
            1 => Then {
                asks: asks || !able.ends_with('1'),
                answer: Some("NO [TRYCREATE] gone fishing.\r\n"),
                ends: false,
            },
            _ => Played::TAKEN,
        });
        let mut copies = SentCopies::new(server.account(), proofs()).begin(PATIENCE);
        let error = file(&mut copies).await.unwrap_err();
        assert_eq!(error.to_string(), "the server did not keep a copy: gone fishing (folder Sent Items)");
        assert!(error.way_out().unwrap().contains("the folder is gone"));
        assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Sent Items".to_owned()));
        assert_eq!((server.said("APPEND"), server.said("LOGIN"), server.said("LIST")), (2, 1, 2), "{able} {asks}");
    }
}

#[tokio::test]
async fn a_copy_whose_fate_nobody_knows_is_never_sent_again() {
    for able in ["IMAP4rev1", "IMAP4rev1 LITERAL+"] {
        for answer in
            [None, Some("BYE"), Some("silence"), Some("what?\r\n"), Some("A999 OK another\r\n"), Some("+ more\r\n")]
        {
            let server = Played::start("ready", able, move |append| match append {
                1 => Then { asks: true, answer, ends: answer.is_none() },
                _ => Played::TAKEN,
            });
            let mut copies = SentCopies::new(server.account(), proofs()).begin(Duration::from_secs(1));
            let error = file(&mut copies).await.unwrap_err().to_string();
            assert!(
                error.starts_with("a copy was handed over, and may have been kept or not: "),
                "{answer:?}: {error}"
            );
            assert_eq!((server.said("APPEND"), server.messages().len()), (1, 1), "{able} {answer:?}");
            assert_eq!(
                file(&mut copies).await.unwrap(),
                Filed::In("Sent Items".to_owned()),
                "the next goes over a new one"
            );
            assert_eq!(server.said("LOGIN"), 2);
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_before_the_message_is_replaced_once() {
    for answer in [None, Some("BYE"), Some("silence")] {
        for losses in [1, 2] {
            let server = Played::start("ready", "IMAP4rev1", move |append| {
                if append <= losses { Then { asks: false, answer, ends: answer.is_none() } } else { Played::TAKEN }
            });
            let mut copies = SentCopies::new(server.account(), proofs()).begin(Duration::from_secs(1));
            let filed = file(&mut copies).await;
            assert_eq!(filed.is_ok(), losses == 1, "{answer:?} {filed:?}");
            assert_eq!((server.said("APPEND"), server.said("LOGIN")), (2, 2), "{answer:?}");
            assert_eq!(server.messages().len(), 2 - losses, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ended_between_two_copies_is_replaced() {
    let server = Played::start("ready", "IMAP4rev1 LITERAL+", |append| Then { ends: append == 1, ..Played::TAKEN });
    let mut copies = SentCopies::new(server.account(), proofs()).begin(PATIENCE);
    for _ in 0..2 {
        assert_eq!(file(&mut copies).await.unwrap(), Filed::In("Sent Items".to_owned()));
        while server.ended() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!((server.said("APPEND"), server.said("LOGIN"), server.messages().len()), (2, 2, 2));
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_asked_once() {
    let server = Played::start("ready", "IMAP4rev1", |_| Played::TAKEN);
    let account = server.account().password("wrong");
    let mut copies = SentCopies::new(account, proofs()).begin(PATIENCE);
    let error = file(&mut copies).await.unwrap_err();
    assert!(error.to_string().contains("go away") && !error.to_string().contains("may have been kept"), "{error}");
    assert_eq!((server.said("APPEND"), server.said("LOGIN")), (0, 1));
}

/// What a played server does when a message is announced to it, but for LITERAL+, where it follows anyway.
#[derive(Clone, Copy)]
struct Then {
    /// Whether it asks for the message.
    asks: bool,
    /// What it says then, behind the tag where it is a NO or an OK; nothing at all.
    answer: Option<&'static str>,
    /// Whether it closes the connection after that.
    ends: bool,
}

/// A server with an inbox and a folder for what was sent.
struct Played {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    messages: Vec<String>,
    appends: usize,
    ended: usize,
}

impl Played {
    const TAKEN: Then = Then { asks: true, answer: Some("OK kept\r\n"), ends: false };

    fn start(greeting: &'static str, able: &'static str, then: impl Fn(usize) -> Then + Send + Sync + 'static) -> Self {
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let log = Arc::clone(&heard);
        let port = listener::listen(move |stream| {
            // Whoever is gone hears nothing more.
            drop(play(&stream, greeting, able, &then, &log));
            stream.shutdown(std::net::Shutdown::Both).ok();
            log.lock().unwrap().ended += 1;
        });
        Self { port, heard }
    }

    fn account(&self) -> ImapAccount {
        ImapAccount::new("127.0.0.1", "me").port(self.port).tls(Tls::None).password("secret")
    }

    /// How many commands of that name came.
    fn said(&self, name: &str) -> usize {
        self.heard.lock().unwrap().lines.iter().filter(|line| line.split(' ').nth(1) == Some(name)).count()
    }

    fn line(&self, name: &str) -> String {
        self.heard.lock().unwrap().lines.iter().find(|line| line.contains(name)).unwrap().clone()
    }

    fn messages(&self) -> Vec<String> {
        self.heard.lock().unwrap().messages.clone()
    }

    /// How many connections are over.
    fn ended(&self) -> usize {
        self.heard.lock().unwrap().ended
    }
}

fn play(
    stream: &TcpStream,
    greeting: &str,
    able: &str,
    then: &dyn Fn(usize) -> Then,
    heard: &Mutex<Heard>,
) -> std::io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    write!(writer, "* OK [CAPABILITY {able}] {greeting}\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        heard.lock().unwrap().lines.push(line.to_owned());
        let (tag, rest) = line.split_once(' ').unwrap();
        match rest.split(' ').next().unwrap() {
            "LOGIN" if rest.contains("wrong") => write!(writer, "{tag} NO go away\r\n")?,
            "LOGIN" => write!(writer, "{tag} OK [CAPABILITY {able}] hello\r\n")?,
            "LIST" => write!(
                writer,
                "* LIST () \"/\" INBOX\r\n* LIST () \"/\" \"Old/Sent\"\r\n* LIST () \"/\" \"Sent Items\"\r\n{tag} OK listed\r\n"
            )?,
            "LOGOUT" => {
                write!(writer, "* BYE bye\r\n{tag} OK over\r\n")?;
                return Ok(());
            }
            "APPEND" => {
                let append = {
                    let mut heard = heard.lock().unwrap();
                    heard.appends += 1;
                    heard.appends
                };
                let Then { asks, answer, ends } = then(append);
                let (_, octets) = line.trim_end_matches('}').rsplit_once('{').unwrap();
                let follows = octets.ends_with('+');
                if asks && !follows {
                    write!(writer, "+ go on\r\n")?;
                }
                if asks || follows {
                    let mut message = vec![0; octets.trim_end_matches('+').parse().unwrap()];
                    reader.read_exact(&mut message)?;
                    let mut end = String::new();
                    reader.read_line(&mut end)?;
                    assert_eq!(end, "\r\n", "the command ends with the message");
                    heard.lock().unwrap().messages.push(String::from_utf8(message).unwrap());
                }
                match answer {
                    None => {}
                    Some("BYE") => write!(writer, "* BYE in a hurry\r\n")?,
                    Some("silence") => {
                        std::io::copy(&mut reader, &mut std::io::sink())?;
                    }
                    Some(answer) if answer.starts_with("OK") || answer.starts_with("NO") => {
                        write!(writer, "{tag} {answer}")?
                    }
                    Some(answer) => writer.write_all(answer.as_bytes())?,
                }
                if ends {
                    return Ok(());
                }
            }
            _ => write!(writer, "{tag} OK done\r\n")?,
        }
    }
}

/// Options with a folder that is the one for what was sent.
fn with_folder(name: &str, more: &str) -> Options<'static> {
    let more = format!(
        "{more}namespace inbox {{\n  mailbox {name} {{\n    special_use = \\Sent\n    auto = create\n  }}\n}}\n"
    );
    Options { more: more.leak(), ..Options::default() }
}

fn copies_of(dovecot: &Dovecot, user: &User) -> Box<dyn Copies> {
    let account = ImapAccount::new("localhost", &user.name).port(dovecot.tls_port());
    SentCopies::new(account.password(user.password).ca_file(dovecot.ca_file()), proofs()).begin(PATIENCE)
}

fn signed_in(dovecot: &Dovecot, user: &User) -> Conversation<TcpStream> {
    let mut conversation = Conversation::plain(dovecot.port());
    conversation.login(&user.name, user.password);
    conversation
}

async fn file(copies: &mut Box<dyn Copies>) -> Result<Filed, Error> {
    copies.file(Bytes::from_static(MESSAGE.as_bytes()), at()).await
}

fn proofs() -> Arc<mailql::account::Proofs> {
    Arc::new(Config::default().proofs())
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_704_099_600, 0).unwrap()
}

const MESSAGE: &str = "From: me@example.org\r\nSubject: hello\r\n\r\nA11 LOGOUT\r\n.\r\nHello.\r\n";

const PATIENCE: Duration = Duration::from_secs(20);
