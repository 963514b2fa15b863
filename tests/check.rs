//! `mailql test`, as people use it: the steps into an account, and where the way ends.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use program::{Home, stderr};
use server::certificate::Certificate;
use server::dovecot::{Dovecot, Options};
use server::listener;

mod mail;
mod program;
mod server;

const STEPS: [&str; 8] = ["DNS", "TCP", "TLS", "greeting", "capabilities", "sign-in", "compression", "folders"];

#[test]
fn every_step_has_a_line_with_its_time_and_what_came_of_it() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let home = Home::new();
    let port = dovecot.tls_port();
    let url = format!("imaps://{}@localhost:{port}?ca_file={}", user.name, dovecot.ca_file().display());
    let output = test(&home, &[&url], user.password);
    let lines = lines(&output);
    assert!(output.status.success() && stderr(&output).is_empty(), "{lines:?} {}", stderr(&output));
    assert_eq!(names(&lines), [&STEPS[..], &["ok"]].concat());
    let told = |step: &str| lines.iter().find(|(name, _)| name == step).unwrap().1.clone();
    assert!(told("DNS").contains("127.0.0.1"));
    assert_eq!(told("TCP"), format!("127.0.0.1:{port}"));
    assert_eq!(told("TLS"), "TLS 1.3, certificate for localhost");
    assert!(told("greeting").contains("Dovecot"));
    assert!(told("capabilities").contains("AUTH=PLAIN") && told("capabilities").contains("IMAP4REV1"));
    assert_eq!(told("sign-in"), format!("{} (dovecot)", user.name));
    assert_eq!(told("compression"), "none, as 127.0.0.1 is near");
    assert_eq!(told("folders"), "5 folders");
    assert!(told("ok").contains(&format!("imaps://{}@localhost:{port}", user.name)), "{}", told("ok"));
}

#[test]
fn starttls_comes_after_the_greeting_and_plaintext_has_no_tls() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let home = Home::new();
    let port = dovecot.port();
    let url = format!("imap+starttls://{}@localhost:{port}?ca_file={}", user.name, dovecot.ca_file().display());
    let output = test(&home, &[&url], user.password);
    let order = ["DNS", "TCP", "greeting", "TLS", "capabilities", "sign-in", "compression", "folders", "ok"];
    assert_eq!(names(&lines(&output)), order, "{}", stderr(&output));
    let output = test(&home, &[&format!("imap://{}@localhost:{port}", user.name)], user.password);
    let order = ["DNS", "TCP", "greeting", "capabilities", "sign-in", "compression", "folders", "ok"];
    assert_eq!(names(&lines(&output)), order, "{}", stderr(&output));
}

#[test]
fn whether_it_is_compressed_is_told_and_why_not() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let home = Home::new();
    let told = |url: &str| {
        let output = test(&home, &[url], user.password);
        assert!(output.status.success(), "{url}: {}", stderr(&output));
        lines(&output).into_iter().find(|(name, _)| name == "compression").unwrap().1
    };
    let url = format!("imaps://{}@localhost:{}?ca_file={}", user.name, dovecot.tls_port(), dovecot.ca_file().display());
    assert_eq!(told(&format!("{url}&compress=true")), "DEFLATE");
    assert_eq!(told(&format!("{url}&compress=false")), "none, as the account says");
    let listed = ("LIST", "* LIST () \"/\" INBOX\n+ OK done");
    let without = Box::leak(Box::new([listed]));
    let port = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", without);
    let url = format!("imap://me@127.0.0.1:{port}?compress=true");
    assert_eq!(told(&url), "none, as the server does not offer it");
    let able = ("CAPABILITY", "* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE\n+ OK done");
    let refusing = Box::leak(Box::new([listed, able, ("COMPRESS", "+ NO [COMPRESSIONACTIVE] TLS does it")]));
    let port = listener::imap("* OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] hello", refusing);
    let url = format!("imap://me@127.0.0.1:{port}?compress=true");
    assert_eq!(told(&url), "none, as the server refused it: TLS does it");
}

#[test]
fn the_step_that_fails_is_the_last_line_and_the_error_says_why() {
    let home = Home::new();
    let dovecot = Dovecot::shared();
    let trust = dovecot.ca_file().display().to_string();
    let wrong = format!("imaps://me@localhost:{}?ca_file={trust}", dovecot.tls_port());
    failed(&home, &wrong, 6, "sign-in", "localhost did not let me in");
    failed(
        &home,
        &format!("imaps://me@localhost:{}", dovecot.tls_port()),
        3,
        "TLS",
        "authority that nobody here knows",
    );
    failed(&home, "imaps://me@nosuch.invalid", 1, "DNS", "cannot be found");
    failed(&home, &format!("imaps://me@127.0.0.1:{}", listener::closed()), 2, "TCP", "nobody answers");
    let smtp = format!("imap://me@127.0.0.1:{}", listener::say("220 smtp ready\r\n"));
    failed(&home, &smtp, 3, "greeting", "220 smtp ready");
    let no_list = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", &[("LIST", "+ NO no list")]);
    failed(&home, &format!("imap://me@127.0.0.1:{no_list}"), 7, "folders", "the server refused LIST: no list");
    let expired = Dovecot::start(&Options { certificate: Certificate::Expired, ..Options::default() });
    let url = format!("imaps://me@localhost:{}?ca_file={}", expired.tls_port(), expired.ca_file().display());
    failed(&home, &url, 3, "TLS", "has expired");
}

#[test]
fn what_a_server_says_cannot_harm() {
    let port = listener::imap(
        "* OK [CAPABILITY IMAP4rev1 X\u{202e}EVIL] \x1b[2Jhello\u{9b}",
        &[("LIST", "* LIST () \"/\" INBOX\n+ OK done")],
    );
    let output = test(&Home::new(), &[&format!("imap://me@127.0.0.1:{port}")], PASSWORD);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && shown.contains("␛[2Jhello\\u{9b}"), "{shown}");
    assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
    assert!(!shown.contains('\u{202e}') && shown.contains("1 folder\n"), "{shown:?}");
}

#[test]
fn lines_come_as_the_steps_are_taken_and_control_c_ends_it() {
    let home = Home::new();
    let silent = listener::say("");
    let mut command = home.command(&["test", &format!("imap://me@127.0.0.1:{silent}")]);
    let mut child = command.env("MAILQL_PASSWORD", PASSWORD).stdout(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    while !seen.ends_with("greeting ") {
        let mut octet = [0];
        out.read_exact(&mut octet).unwrap();
        seen.push(char::from(octet[0]));
    }
    assert_eq!(seen.lines().count(), 3, "{seen}");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let mut rest = String::new();
    out.read_line(&mut rest).unwrap();
    assert!(rest.ends_with('\n'), "{rest:?}");
}

#[test]
fn without_a_name_the_default_account_is_checked_and_errors_say_its_name() {
    let home = Home::new();
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let account = |name: &str, password: &str| {
        let (port, user) = (dovecot.port(), &user.name);
        format!(
            "[accounts.{name}]\nimap = {{ host = 'localhost', port = {port}, tls = 'none' }}\nuser = '{user}'\npassword_command = 'echo {password}'\n"
        )
    };
    let config = format!("default = 'work'\n{}{}", account("other", "hunter2"), account("work", user.password));
    fs::write(home.path("config.toml"), config).unwrap();
    let output = test(&home, &["--config", "config.toml"], "");
    let shown = lines(&output);
    assert!(output.status.success() && shown.last().unwrap().1.starts_with("work, imap://"), "{}", stderr(&output));
    let output = test(&home, &["--config", "config.toml", "OTHER"], "");
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.lines().next().unwrap().ends_with("Authentication failed (account other)"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_whole_conversation_has_no_password_in_it() {
    let dovecot = Dovecot::shared();
    let home = Home::new();
    let login = listener::imap("* OK [CAPABILITY IMAP4rev1] hello", &[("LOGIN", "+ NO no")]);
    for port in [dovecot.port(), login] {
        let mut command = home.command(&["test", &format!("imap://me@localhost:{port}")]);
        let output = command.env("MAILQL_PASSWORD", "hunter2").env("MAILQL_LOG", "mailql=trace").output().unwrap();
        let said = stderr(&output);
        assert!(said.contains("C: A1 ") && said.contains("did not let me in"), "{said}");
        // As it is, and as AUTHENTICATE sends it with the name.
        assert!(!said.contains("hunter2") && !said.contains("AG1lAGh1bnRlcjI"), "{said}");
    }
}

#[test]
fn mail_files_have_one_step() {
    let home = Home::new();
    fs::create_dir(home.path("test")).unwrap();
    mail::write_maildir(&home.path("test"));
    let output = test(&home, &["./test"], "");
    let shown = lines(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(names(&shown), ["folders", "ok"]);
    assert_eq!(shown[0].1, "5 folders");
    fs::write(home.path("no.mbox"), "no mail").unwrap();
    let output = test(&home, &["./no.mbox"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(names(&lines(&output)), ["folders"]);
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    assert_eq!(test(&home, &["nobody"], "").status.code(), Some(2));
    assert_eq!(test(&home, &["imaps://me@mail.example.org"], "").status.code(), Some(2));
}

fn failed(home: &Home, url: &str, count: usize, step: &str, words: &str) {
    let output = test(home, &[url], PASSWORD);
    let (shown, said) = (lines(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{url}: {said}");
    assert_eq!(shown.len(), count, "{url}: {shown:?}");
    assert_eq!(shown.last().unwrap(), &(step.to_owned(), "failed".to_owned()), "{url}");
    let lines = said.lines().collect::<Vec<_>>();
    assert!(lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{url}: {said}");
    assert!(lines[0].contains(words) && !said.contains(PASSWORD), "{url}: {said}");
}

fn test(home: &Home, arguments: &[&str], password: &str) -> Output {
    let mut command = home.command(&[&["test"], arguments].concat());
    command.env("MAILQL_PASSWORD", password).output().unwrap()
}

/// The lines as name and what is told; the time between them is one.
fn lines(output: &Output) -> Vec<(String, String)> {
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    let line = |line: &str| {
        let (name, rest) = line.split_at(12);
        let (time, told) = rest.split_at(8);
        let number = time.trim_start().strip_suffix(" ms").or(time.trim_start().strip_suffix(" s"));
        assert!(number.is_some_and(|number| number.parse::<f64>().is_ok()), "{line:?}");
        assert!(told.starts_with("  ") && !told.starts_with("   "), "{line:?}");
        (name.trim_end().to_owned(), told.trim_start().to_owned())
    };
    shown.lines().map(line).collect()
}

fn names(lines: &[(String, String)]) -> Vec<&str> {
    lines.iter().map(|(name, _)| name.as_str()).collect()
}

const PASSWORD: &str = "hunter2 that nobody may see";
