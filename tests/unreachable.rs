//! What a person reads when an account cannot be reached or lets nobody in: one line, and a way out that fits.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use program::{Home, stderr};
use server::certificate::Certificate;
use server::dovecot::{Dovecot, Options};
use server::listener;

mod program;
mod server;

const AT_993: &str = "TLS at once is usual on port 993";
const SAYS_NOTHING: &str = "a port that expects TLS at once, as 993 does, says nothing";
const OTHER_PORT: &str = "see whether it is the port of an IMAP server";

#[test]
fn a_wrong_password_is_told_in_the_words_of_the_server() {
    let dovecot = Dovecot::shared();
    let trust = format!("ca_file = '{}'", dovecot.ca_file().display());
    let said = "error: localhost did not let me in: Authentication failed (account work)";
    for (port, tls) in [(dovecot.tls_port(), "implicit"), (dovecot.port(), "starttls"), (dovecot.port(), "none")] {
        refused("localhost", port, tls, &trust, said, "app password");
    }
}

#[test]
fn a_refusal_to_sign_in_has_the_hint_that_fits() {
    let able = "* OK [CAPABILITY IMAP4rev1] hello";
    let soon = listener::imap(able, &[("LOGIN", "+ NO [UNAVAILABLE] Try later")]);
    refused("127.0.0.1", soon, "none", "", "did not let me in: Try later (", "it may work again in a moment");
    let mute = listener::imap(able, &[("LOGIN", "+ NO")]);
    refused("127.0.0.1", mute, "none", "", "did not let me in: it said NO and nothing more", "app password");
    let gone = listener::imap(able, &[("LOGIN", "* BYE too many")]);
    refused("127.0.0.1", gone, "none", "", "the server ended the connection: too many", "try again");
    let never = listener::imap("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello", &[]);
    refused("127.0.0.1", never, "none", "", "the server takes no password on this connection", "TLS first");
}

#[test]
fn a_host_that_is_not_there_is_named() {
    refused("nosuch.invalid", 993, "implicit", "", "the host nosuch.invalid cannot be found (", "name of the server");
    let port = listener::closed();
    refused(
        "127.0.0.1",
        port,
        "implicit",
        "",
        &format!("nobody answers at 127.0.0.1 on port {port} ("),
        "host and port",
    );
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is_are_told_apart() {
    let dovecot = Dovecot::shared();
    let (plain, tls) = (dovecot.port(), dovecot.tls_port());
    refused("localhost", plain, "implicit", "", &format!("localhost does not speak TLS on port {plain} ("), AT_993);
    for without in ["starttls", "none"] {
        refused(
            "localhost",
            tls,
            without,
            "",
            "greet as an IMAP server does: the server said nothing for 1 s",
            SAYS_NOTHING,
        );
    }
    let without = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", &[]);
    refused("127.0.0.1", without, "starttls", "", "the server does not offer STARTTLS", "no password was sent");
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_told_with_what_is_wrong_with_it() {
    for (certificate, said, hint) in [
        (Certificate::Expired, "the certificate of localhost has expired", "must renew it"),
        (Certificate::OtherName, "has a certificate for elsewhere.example, not for localhost", "as the host"),
        (Certificate::SelfSigned, "the certificate of localhost is self-signed", "the ca_file has another certificate"),
        (Certificate::OtherAuthority, "signed by an authority that nobody here knows", "the ca_file is of another"),
    ] {
        let dovecot = Dovecot::start(&Options { certificate, ..Options::default() });
        let trust = format!("ca_file = '{}'", dovecot.ca_file().display());
        refused("localhost", dovecot.tls_port(), "implicit", &trust, said, hint);
        refused("localhost", dovecot.port(), "starttls", &trust, said, hint);
    }
    let dovecot = Dovecot::shared();
    let said = "signed by an authority that nobody here knows";
    refused("localhost", dovecot.tls_port(), "implicit", "", said, "name its certificate: ca_file =");
}

#[test]
fn a_server_that_is_no_imap_server_is_told_by_what_it_says() {
    let silent = listener::say("");
    refused("127.0.0.1", silent, "implicit", "", "did not begin TLS on port", AT_993);
    refused("127.0.0.1", silent, "none", "", "does: the server said nothing for 1 s", SAYS_NOTHING);
    let closing = listener::listen(drop);
    refused("127.0.0.1", closing, "implicit", "", "127.0.0.1 closed the connection on port", AT_993);
    refused("127.0.0.1", closing, "starttls", "", "does: the server closed the connection (", SAYS_NOTHING);
    for (port, words) in [
        (listener::say("220 smtp ready\r\n"), "220 smtp ready"),
        (listener::say("+OK pop3\r\n"), "+OK pop3"),
        (listener::say("HTTP/1.1 400 Bad\x1b[2J Request\r\nServer: x\r\n\r\n"), "HTTP/1.1 400 Bad␛[2J Request"),
    ] {
        let said = format!("127.0.0.1 on port {port} does not greet as an IMAP server does: {words} (account work)");
        refused("127.0.0.1", port, "none", "", &said, OTHER_PORT);
        refused("127.0.0.1", port, "starttls", "", &said, OTHER_PORT);
        refused("127.0.0.1", port, "implicit", "", "127.0.0.1 does not speak TLS on port", AT_993);
    }
    let busy = listener::say("* BYE too many\x1b[2J connections\r\n");
    refused("127.0.0.1", busy, "none", "", "does not want to talk: too many␛[2J connections (", "try again in a while");
    let long = listener::listen(|mut stream| {
        let said = format!("* BYE {}\r\n", "x".repeat(100_000));
        std::io::Write::write_all(&mut stream, said.as_bytes()).ok();
        thread::sleep(Duration::from_secs(2));
    });
    let said = refused("127.0.0.1", long, "none", "", "xxx… (account work)", "try again in a while");
    assert!(said.len() < 1_000, "{}", said.len());
}

#[test]
fn a_folder_that_may_not_be_read_is_named() {
    let list = ("LIST", "* LIST () \"/\" INBOX\n+ OK done");
    let script = Box::leak(Box::new([list, ("EXAMINE", "+ NO [NOPERM] Permission denied")]));
    let port = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", script);
    let said = "error: the server refused EXAMINE: Permission denied (folder INBOX, account work)";
    refused("127.0.0.1", port, "none", "", said, "leave the folder out");
    let port = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", &[("LIST", "+ NO not now")]);
    refused("127.0.0.1", port, "none", "", "the server refused LIST: not now (account work)", "try again");
}

#[test]
fn an_account_at_a_url_is_not_named_twice() {
    let home = Home::new();
    let port = listener::closed();
    let mut command = home.command(&[&format!("imap://me@127.0.0.1:{port}"), "-c", "SELECT * FROM Folder"]);
    let said = stderr(&command.env("MAILQL_PASSWORD", PASSWORD).output().unwrap());
    assert!(said.starts_with(&format!("error: nobody answers at 127.0.0.1 on port {port}\nhint: ")), "{said}");
}

/// Asks an account of the configuration, and sees that it fails in those words, with that hint, in time, and telling
/// no secret.
fn refused(host: &str, port: u16, tls: &str, more: &str, words: &str, hint: &str) -> String {
    let home = Home::new();
    let config = format!(
        "[settings]\ntimeout_seconds = 1\n\
         [accounts.work]\nimap = {{ host = '{host}', port = {port}, tls = '{tls}' }}\nuser = 'me'\n{more}\n"
    );
    fs::write(home.path("config.toml"), config).unwrap();
    let start = Instant::now();
    let mut command = home.command(&["--config", "config.toml", "-c", "SELECT count(*) FROM MessagesInFolder"]);
    let output = command.env("MAILQL_PASSWORD", PASSWORD).output().unwrap();
    let said = stderr(&output);
    let what = format!("{host}:{port} {tls}: {said}");
    assert!(start.elapsed() < Duration::from_secs(12), "{:?} {what}", start.elapsed());
    assert_eq!(output.status.code(), Some(1), "{what}");
    assert_eq!(output.stdout, b"", "{what}");
    let lines = said.lines().collect::<Vec<_>>();
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[0].contains(words), "no {words}: {what}");
    assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "no {hint}: {what}");
    assert!(!said.contains(PASSWORD), "{what}");
    said
}

const PASSWORD: &str = "hunter2 that nobody may see";
