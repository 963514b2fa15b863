//! The way in, at servers that do what a good one will not: hang, flood, inject, refuse, repeat secrets.

mod faults;
mod sending;
mod server;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::sign_in;
use crate::account::{ImapAccount, Proof, Proofs, SmtpServer, Tls};
use crate::error::{Error, Result};
use crate::net::steps::{Event, Step, Steps};

/// A server: what it says first, and what it answers to a line that begins so; to any other, it says 500.
struct Server {
    port: u16,
    heard: JoinHandle<Vec<String>>,
}

impl Server {
    async fn start(greeting: &'static str, script: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            conversation(stream, greeting, script).await
        });
        Self { port, heard }
    }

    /// What comes of signing in there, with the steps that were told and the lines that it heard.
    async fn signed_in(self, tls: Tls, proof: Proof) -> (Result<()>, Vec<(Step, Option<String>)>, Vec<String>) {
        let account = match proof.clone() {
            Proof::Password(password) => ImapAccount::new("127.0.0.1", "me").password(password),
            Proof::Token(token) => ImapAccount::new("127.0.0.1", "me").token(token),
        };
        let server = SmtpServer { host: "127.0.0.1".to_owned(), port: self.port, tls };
        let mut told = Vec::new();
        let mut steps = Steps::told_to(|event| {
            if let Event::Over { step, told: what, .. } = event {
                told.push((step, what));
            }
        });
        let patience = Duration::from_secs(1);
        let opened = sign_in::open(&account, &server, &Proofs::default(), &proof, patience, &mut steps).await;
        let opened = match opened {
            Ok(session) => {
                session.quit().await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        steps.fail();
        drop(steps);
        (opened, told, self.heard.await.unwrap())
    }

    async fn refused(self, tls: Tls, proof: Proof) -> (Error, Vec<String>) {
        let (opened, _, heard) = self.signed_in(tls, proof).await;
        (opened.unwrap_err(), heard)
    }
}

async fn conversation(
    mut stream: TcpStream,
    greeting: &'static str,
    script: &'static [(&'static str, &'static str)],
) -> Vec<String> {
    let mut heard = Vec::new();
    let (read, mut write) = stream.split();
    if write.write_all(greeting.as_bytes()).await.is_err() {
        return heard;
    }
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // What comes after the end of a script is not a line any more, but TLS.
        if !line.chars().all(|letter| letter.is_ascii() && !letter.is_ascii_control()) {
            heard.push("TLS".to_owned());
            return heard;
        }
        let answer = script.iter().find(|(beginning, _)| line.starts_with(beginning)).map(|(_, answer)| *answer);
        heard.push(line);
        if write.write_all(answer.unwrap_or("500 what\r\n").as_bytes()).await.is_err() {
            break;
        }
    }
    heard
}

fn password() -> Proof {
    Proof::Password(PASSWORD.into())
}

fn token() -> Proof {
    Proof::Token(TOKEN.into())
}

fn starts(heard: &[String]) -> Vec<&str> {
    heard.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect()
}

const GREETING: &str = "220 mail.example.org ESMTP\r\n";
const EHLO: (&str, &str) = ("EHLO", "250-mail.example.org\r\n250-SIZE 100\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n");
const QUIT: (&str, &str) = ("QUIT", "221 bye\r\n");
const PASSWORD: &str = "hunter2 \"nobody\" sees";
const TOKEN: &str = "t0k3n.that.nobody.sees";

#[tokio::test]
async fn a_password_goes_by_plain_at_once_and_the_session_ends_with_quit() {
    let server = Server::start(GREETING, &[EHLO, ("AUTH PLAIN ", "235 2.7.0 welcome\r\n"), QUIT]).await;
    let (opened, told, heard) = server.signed_in(Tls::None, password()).await;
    opened.unwrap();
    let auth = format!("AUTH PLAIN {}", STANDARD.encode(format!("\0me\0{PASSWORD}")));
    assert_eq!(heard, ["EHLO [127.0.0.1]", &auth, "QUIT"]);
    let steps = [Step::Dns, Step::Tcp, Step::Greeting, Step::Capabilities, Step::SignIn];
    assert_eq!(told.iter().map(|(step, _)| *step).collect::<Vec<_>>(), steps);
    let told = |at: usize| told[at].1.clone().unwrap();
    assert_eq!((told(2), told(4)), ("220 mail.example.org ESMTP".to_owned(), "me, by PLAIN".to_owned()));
    assert_eq!(told(3), "AUTH LOGIN PLAIN XOAUTH2, SIZE 100");
}

#[tokio::test]
async fn a_server_that_takes_no_response_with_the_command_is_answered_step_by_step() {
    for refusal in ["501 5.5.2 cannot\r\n", "504 no\r\n", "500 line too long\r\n"] {
        let script: &'static [(&str, &str)] = Box::leak(Box::new([
            EHLO,
            ("AUTH PLAIN ", refusal),
            ("AUTH PLAIN", "334 \r\n"),
            ("AG1l", "235 welcome\r\n"),
            QUIT,
        ]));
        let (opened, _, heard) = Server::start(GREETING, script).await.signed_in(Tls::None, password()).await;
        opened.unwrap();
        assert_eq!(starts(&heard)[1..3], ["AUTH", "AUTH"], "{refusal}");
        assert_eq!(heard[2], "AUTH PLAIN");
    }
    // A refusal of the password is one: it is not tried twice.
    let server = Server::start(GREETING, &[EHLO, ("AUTH", "535 5.7.8 Username and Password not accepted\r\n")]).await;
    let (error, heard) = server.refused(Tls::None, password()).await;
    assert!(error.to_string().contains("did not let me in: 535 5.7.8 Username"), "{error}");
    assert!(error.way_out().unwrap().contains("app password") && heard.len() == 2, "{heard:?}");
}

#[tokio::test]
async fn login_goes_step_by_step() {
    let script: &[(&str, &str)] = &[
        ("EHLO", "250-x\r\n250 AUTH=LOGIN\r\n"),
        ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
        ("bWU=", "334 UGFzc3dvcmQ6\r\n"),
        ("aHVudGVyMi", "235 welcome\r\n"),
        QUIT,
    ];
    let (opened, _, heard) = Server::start(GREETING, script).await.signed_in(Tls::None, password()).await;
    opened.unwrap();
    assert_eq!(heard[1..4], ["AUTH LOGIN".to_owned(), "bWU=".to_owned(), STANDARD.encode(PASSWORD)]);
}

#[tokio::test]
async fn why_a_token_is_refused_is_heard_out() {
    let challenge = "334 eyJzdGF0dXMiOiI0MDAiLCJzY29wZSI6Imh0dHBzOi8vbWFpbC5nb29nbGUuY29tLyJ9\r\n";
    let script: &'static [(&str, &str)] = Box::leak(Box::new([
        EHLO,
        ("AUTH XOAUTH2", challenge),
        ("", "535 5.7.8 Username and Password not accepted\r\n"),
    ]));
    let (error, heard) = Server::start(GREETING, script).await.refused(Tls::None, token()).await;
    let said = error.to_string();
    assert!(said.contains("the token is not valid here") && said.contains("https://mail.google.com/"), "{said}");
    assert_eq!(heard.last().unwrap(), "", "the challenge is answered with nothing");
    assert!(error.way_out().unwrap().contains("mailql login"));
}

#[tokio::test]
async fn a_long_token_does_not_go_with_the_command() {
    let long = Proof::Token("x".repeat(2000).into());
    let script: &[(&str, &str)] = &[EHLO, ("AUTH XOAUTH2", "334 \r\n"), ("dXNlcj", "235 welcome\r\n"), QUIT];
    let (opened, _, heard) = Server::start(GREETING, script).await.signed_in(Tls::None, long).await;
    opened.unwrap();
    assert_eq!(heard[1], "AUTH XOAUTH2");
}

#[tokio::test]
async fn what_is_said_before_tls_began_is_refused() {
    let able = ("EHLO", "250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n");
    let script: &'static [(&str, &str)] =
        Box::leak(Box::new([able, ("STARTTLS", "220 go on\r\n250-x\r\n250 AUTH PLAIN\r\n")]));
    let (error, heard) = Server::start(GREETING, script).await.refused(Tls::StartTls, password()).await;
    assert!(error.to_string().contains("sent more before TLS began"), "{error}");
    assert_eq!(starts(&heard), ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn without_starttls_nothing_more_is_said() {
    let script: &[(&str, &str)] = &[EHLO, ("AUTH", "235 welcome\r\n")];
    let (error, heard) = Server::start(GREETING, script).await.refused(Tls::StartTls, password()).await;
    assert!(error.to_string().contains("does not offer STARTTLS"), "{error}");
    assert!(error.way_out().unwrap().contains("no password was sent"));
    assert_eq!(starts(&heard), ["EHLO"]);
    let script: &[(&str, &str)] = &[
        ("EHLO", "250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"),
        ("STARTTLS", "454 4.7.0 not now\r\n"),
        ("AUTH", "235 x\r\n"),
    ];
    let (error, heard) = Server::start(GREETING, script).await.refused(Tls::StartTls, password()).await;
    assert!(error.to_string().contains("does not begin TLS: 454 4.7.0 not now"), "{error}");
    assert_eq!(starts(&heard), ["EHLO", "STARTTLS"]);
}

#[tokio::test]
async fn what_comes_unasked_is_the_answer_to_nothing() {
    let script: &[(&str, &str)] = &[("EHLO", "250-x\r\n250 AUTH PLAIN\r\n235 welcome\r\n"), ("AUTH", "535 no\r\n")];
    let (error, heard) = Server::start(GREETING, script).await.refused(Tls::None, password()).await;
    assert!(error.to_string().contains("what it was not asked"), "{error}");
    assert_eq!(starts(&heard), ["EHLO"]);
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_or_floods_is_given_up() {
    for (greeting, words) in [
        ("", "did not answer within 1 s"),
        ("220-mail\r\n220-mail", "did not answer within 1 s"),
        ("* OK IMAP4 ready\r\n", "* OK IMAP4 ready"),
        ("SSH-2.0-x\r\n", "SSH-2.0-x"),
        ("\u{0}\u{ff}\r\n", "makes no sense"),
        ("554 5.7.1 go away\r\n", "does not want to talk: 554 5.7.1 go away"),
        ("421 busy\r\n", "does not want to talk: 421 busy"),
    ] {
        let (error, heard) = Server::start(greeting, &[]).await.refused(Tls::None, password()).await;
        assert!(error.to_string().contains(words) && error.way_out().is_some(), "{greeting}: {error}");
        assert!(heard.is_empty(), "{greeting}: {heard:?}");
    }
    let flood: &'static str = Box::leak("220-x\r\n".repeat(100_000).into_boxed_str());
    let (error, _) = Server::start(flood, &[]).await.refused(Tls::None, password()).await;
    assert!(error.to_string().contains("longer than any is"), "{error}");
    let endless: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
    let (error, _) = Server::start(endless, &[]).await.refused(Tls::None, password()).await;
    assert!(error.to_string().contains("longer than any is"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_never_ends_has_one_deadline() {
    let (client, mut server) = tokio::io::duplex(1000);
    let drip = tokio::spawn(async move {
        while server.write_all(b"220-x\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(9)).await;
        }
    });
    let start = tokio::time::Instant::now();
    let mut session =
        super::session::Session::new(Box::new(client), crate::account::Mask::default(), Duration::from_secs(30));
    assert!(session.greeting().await.is_err() && start.elapsed() == Duration::from_secs(30), "{:?}", start.elapsed());
    assert!(session.say(&super::command::Command::Quit).await.is_err(), "nothing more can be said");
    drop(session);
    drip.await.unwrap();
}

#[tokio::test]
async fn a_server_that_asks_on_and_on_is_told_to_stop() {
    let script: &[(&str, &str)] = &[EHLO, ("*", "501 well\r\n"), ("", "334 more\r\n")];
    for proof in [password(), token()] {
        let (error, heard) = Server::start(GREETING, script).await.refused(Tls::None, proof).await;
        assert!(error.to_string().contains("more than there is to say"), "{error}");
        assert_eq!(heard.last().unwrap(), "*");
    }
}

#[tokio::test]
async fn a_secret_that_is_repeated_is_not_in_the_error() {
    let plain = STANDARD.encode(format!("\0me\0{PASSWORD}"));
    let bearer = STANDARD.encode(format!("user=me\x01auth=Bearer {TOKEN}\x01\x01"));
    for (proof, repeated) in [
        (password(), PASSWORD.to_owned()),
        (password(), plain.clone()),
        (token(), TOKEN.to_owned()),
        (token(), bearer.clone()),
    ] {
        let refusal: &'static str = Box::leak(format!("535 5.7.8 {repeated} is wrong\r\n").into_boxed_str());
        let script: &'static [(&str, &str)] = Box::leak(Box::new([EHLO, ("AUTH", refusal)]));
        let (error, _) = Server::start(GREETING, script).await.refused(Tls::None, proof).await;
        let shown = format!("{error} {error:?}");
        assert!(shown.contains('…') && !shown.contains(PASSWORD) && !shown.contains(TOKEN), "{shown}");
        let of = |whole: &str| whole[12..whole.len() - 8].to_owned();
        assert!(!shown.contains(&of(&plain)) && !shown.contains(&of(&bearer)), "{shown}");
    }
}

#[tokio::test]
async fn who_cannot_sign_in_here_is_told_why() {
    for (able, proof, words) in [
        ("250 SIZE 1\r\n", password(), "lets nobody sign in on this connection"),
        ("250-x\r\n250 AUTH XOAUTH2\r\n", password(), "takes no password"),
        ("250-x\r\n250 AUTH CRAM-MD5\r\n", password(), "in a way that is known here"),
        ("250-x\r\n250 AUTH PLAIN\r\n", token(), "takes no token"),
    ] {
        let script: &'static [(&str, &str)] = Box::leak(Box::new([("EHLO", able)]));
        let (error, heard) = Server::start(GREETING, script).await.refused(Tls::None, proof).await;
        assert!(error.to_string().contains(words) && error.way_out().is_some(), "{able}: {error}");
        assert_eq!(heard.len(), 1);
    }
}
