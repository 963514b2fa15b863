//! `mailql test`, as people use it: the steps into an account, and where the way ends.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use program::{Home, stderr};
use server::certificate::Certificate;
use server::dovecot::{Dovecot, Options};
use server::listener;

mod mail;
mod program;
mod server;

const TO_SMTP: [&str; 6] = ["DNS", "TCP", "TLS", "greeting", "capabilities", "sign-in"];
const STARTTLS: [&str; 6] = ["DNS", "TCP", "greeting", "TLS", "capabilities", "sign-in"];
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
    let tls = "TLS 1.3, certificate for localhost, 127.0.0.1, by mailql test authority, valid until 4096-01-01";
    assert_eq!(told("TLS"), tls);
    assert!(told("greeting").contains("Dovecot"));
    assert!(told("capabilities").contains("AUTH=PLAIN") && told("capabilities").contains("IMAP4REV1"));
    assert_eq!(told("sign-in"), format!("{} (dovecot)", user.name));
    assert_eq!(told("compression"), "none, as 127.0.0.1 is near");
    assert_eq!(told("folders"), "6 folders");
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
fn the_server_that_takes_mail_is_checked_after_the_one_that_mail_is_read_from() {
    let home = Home::new();
    let dovecot = with_submission(Certificate::Good);
    let user = dovecot.user();
    let starttls = server("starttls", dovecot.port(), dovecot.submission_port());
    let implicit = server("implicit", dovecot.tls_port(), dovecot.submission_tls_port());
    for (servers, first, second) in [
        (implicit, &["DNS", "TCP", "TLS", "greeting", "capabilities", "sign-in", "compression", "folders"], TO_SMTP),
        (starttls, &["DNS", "TCP", "greeting", "TLS", "capabilities", "sign-in", "compression", "folders"], STARTTLS),
    ] {
        let asked = home.path("asked");
        let command = format!("echo once >> {}; echo {}", asked.display(), user.password);
        let account = format!("user = '{}'\npassword_command = '{command}'", user.name);
        configure(&home, &servers, &dovecot, &account);
        let output = test(&home, &["--config", "config.toml"], "");
        let shown = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(output.status.success() && stderr(&output).is_empty(), "{shown} {}", stderr(&output));
        assert_eq!(fs::read_to_string(&asked).unwrap(), "once\n", "one password is for both");
        fs::remove_file(&asked).unwrap();
        let (headings, lines) = apart(&output);
        assert!(headings[0].starts_with("IMAP, localhost:") && headings[1].starts_with("SMTP, localhost:"), "{shown}");
        let expected = [&first[..], &second[..], &["ok"]].concat();
        assert_eq!(names(&lines), expected, "{shown}");
        let of_smtp = |step: &str| lines.iter().rfind(|(name, _)| name == step).unwrap().1.clone();
        assert_eq!(of_smtp("sign-in"), format!("{}, by PLAIN", user.name));
        assert!(of_smtp("TLS").contains("by mailql test authority") && of_smtp("greeting").starts_with("220 "));
        assert!(of_smtp("capabilities").contains("AUTH PLAIN"), "{shown}");
    }
}

#[test]
fn a_failure_at_one_server_does_not_keep_the_other_from_being_checked() {
    let home = Home::new();
    let dovecot = with_submission(Certificate::Good);
    let user = dovecot.user();
    let good = format!("user = '{}'\npassword_command = 'echo {}'", user.name, user.password);
    let wrong = format!("user = '{}'\npassword_command = 'echo wrong'", user.name);
    let (imaps, submissions) = (dovecot.tls_port(), dovecot.submission_tls_port());
    let closed = listener::closed();
    for (servers, account, failed_at, said) in [
        // Each of the two, then both.
        (server("implicit", closed, submissions), &good, vec!["TCP"], vec!["nobody answers at localhost"]),
        (server("implicit", imaps, closed), &good, vec!["TCP"], vec!["nobody answers at localhost"]),
        (
            server("implicit", imaps, submissions),
            &wrong,
            vec!["sign-in", "sign-in"],
            vec!["did not let", "did not let"],
        ),
        // The wrong way to encrypt, both ways.
        (
            server("implicit", dovecot.port(), dovecot.submission_port()),
            &good,
            vec!["TLS", "TLS"],
            vec!["does not speak TLS on port", "does not speak TLS on port"],
        ),
        (
            server("starttls", imaps, submissions),
            &good,
            vec!["greeting", "greeting"],
            vec!["does not greet as an IMAP server does", "does not greet as a server does that takes mail"],
        ),
    ] {
        configure(&home, &servers, &dovecot, account);
        let output = test(&home, &["--config", "config.toml"], "");
        let (headings, lines) = apart(&output);
        let errors = stderr(&output);
        let at: Vec<_> = lines.iter().filter(|(_, told)| told == "failed").map(|(name, _)| name.as_str()).collect();
        assert_eq!((headings.len(), at), (2, failed_at), "{servers} {lines:?}");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let told: Vec<_> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(told.len(), said.len(), "{errors}");
        assert!(told.iter().zip(&said).all(|(told, said)| told.contains(said)), "{errors}");
        assert_eq!(errors.lines().filter(|line| line.starts_with("hint: ")).count(), said.len(), "{errors}");
        if said[0].contains("TLS on port") {
            assert!(errors.contains("usual on port 993") && errors.contains("usual on port 465"), "{errors}");
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_called_what_it_is() {
    let home = Home::new();
    for (certificate, words) in [
        (Certificate::Expired, "has expired on 2001-01-01"),
        (Certificate::OtherName, "has a certificate for elsewhere.example, not for localhost"),
        (Certificate::OtherAuthority, "an authority that nobody here knows: mailql test authority"),
        (Certificate::SelfSigned, "is self-signed"),
    ] {
        let dovecot = with_submission(certificate);
        let user = dovecot.user();
        let account = format!("user = '{}'\npassword_command = 'echo {}'", user.name, user.password);
        configure(&home, &server("implicit", dovecot.tls_port(), dovecot.submission_port()), &dovecot, &account);
        let mut text = fs::read_to_string(home.path("config.toml")).unwrap();
        text = text.replace("smtp = { tls = 'implicit'", "smtp = { tls = 'starttls'");
        fs::write(home.path("config.toml"), text).unwrap();
        let output = test(&home, &["--config", "config.toml"], "");
        let errors = stderr(&output);
        let told: Vec<_> = errors.lines().filter(|line| line.starts_with("error: ") && line.contains(words)).collect();
        assert_eq!(told.len(), 2, "{certificate:?}: {errors}");
    }
    // Who names it trusts it.
    let dovecot = with_submission(Certificate::SelfSigned);
    let user = dovecot.user();
    let own = dovecot.directory().join("server.pem");
    let url = format!("imaps://{}@localhost:{}?ca_file={}", user.name, dovecot.tls_port(), own.display());
    let output = test(&home, &[&url], user.password);
    let tls = lines(&output).into_iter().find(|(name, _)| name == "TLS").unwrap().1;
    assert!(output.status.success() && tls.contains("by itself"), "{tls} {}", stderr(&output));
}

#[test]
fn a_token_tells_how_it_stands_and_not_itself() {
    let home = Home::new();
    let claims = r#"{"aud":"https://outlook.office.com","scp":"IMAP.AccessAsUser.All","exp":1000000000}"#;
    let token = format!("e30.{}.s1gnature", URL_SAFE_NO_PAD.encode(claims));
    let port = listener::imap(
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello",
        &[("AUTH", "+ NO AUTHENTICATE failed.")],
    );
    let config = format!(
        "[accounts.work]\nimap = {{ host = '127.0.0.1', port = {port}, tls = 'none' }}\nuser = 'me@example.org'\ntoken_command = 'echo {token}'\n"
    );
    fs::write(home.path("config.toml"), config).unwrap();
    let output = test(&home, &["--config", "config.toml"], "");
    let shown = lines(&output);
    assert_eq!(shown[0].0, "token", "{shown:?}");
    assert_eq!(
        shown[0].1,
        "EXPIRED at 2001-09-09 01:46 UTC, for https://outlook.office.com, scopes: IMAP.AccessAsUser.All"
    );
    let said = stderr(&output);
    assert!(said.contains("AUTHENTICATE failed") && said.contains("Microsoft refuses the token"), "{said}");
    assert!(!format!("{shown:?}{said}").contains("s1gnature"), "{said}");
}

#[test]
fn a_token_that_is_refused_is_tried_anew_and_every_step_is_told() {
    let home = Home::new();
    // The first token is 1, the second 2.
    let port = listener::imap(
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello",
        &[
            ("AUTHENTICATE XOAUTH2 dXNlcj1tZQFhdXRoPUJlYXJlciAyAQE=", "+ OK [CAPABILITY IMAP4rev1] welcome"),
            ("AUTH", "+ NO AUTHENTICATE failed."),
            ("LIST", "* LIST () \"/\" INBOX\n+ OK done"),
        ],
    );
    let command = format!("echo >> {0}; wc -l < {0}", home.path("runs").display());
    let config = format!(
        "[accounts.work]\nimap = {{ host = '127.0.0.1', port = {port}, tls = 'none' }}\nuser = 'me'\ntoken_command = '{command}'\n"
    );
    fs::write(home.path("config.toml"), config).unwrap();
    let output = test(&home, &["--config", "config.toml"], "");
    let shown = lines(&output);
    let way = ["DNS", "TCP", "greeting", "capabilities", "sign-in"];
    assert_eq!(names(&shown), [&["token"], &way[..], &way[..], &["compression", "folders", "ok"]].concat());
    assert_eq!(shown[5].1, "the token is refused; once more, with a new one");
    assert!(output.status.success() && shown[10].1.starts_with("me ("), "{shown:?}");
}

#[test]
fn a_transcript_has_what_both_sides_said_and_no_secret_even_where_a_server_repeats_it() {
    let home = Home::new();
    let dovecot = with_submission(Certificate::Good);
    let user = dovecot.user();
    let account = format!("user = '{}'\npassword_command = 'echo {}'", user.name, user.password);
    configure(&home, &server("implicit", dovecot.tls_port(), dovecot.submission_tls_port()), &dovecot, &account);
    let output = test(&home, &["--config", "config.toml", "--transcript", "t.log"], "");
    assert!(output.status.success() && stderr(&output).is_empty(), "{}", stderr(&output));
    let text = fs::read_to_string(home.path("t.log")).unwrap();
    assert_eq!(fs::metadata(home.path("t.log")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(text.lines().next().unwrap().contains("read it before you hand it on"), "{text}");
    for said in [
        "S: * OK",
        "C: A1 ID",
        " AUTHENTICATE PLAIN …",
        "S: 220 ",
        "C: EHLO [127.0.0.1]",
        "C: AUTH PLAIN …",
        "S: 235",
        "C: QUIT",
        "TLS, ",
        "SMTP, localhost:",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let encoded = STANDARD.encode(format!("\0{}\0{}", user.name, user.password));
    // Dovecot's capabilities have no such word in them.
    assert!(!text.contains(&encoded) && !text.contains(" secret"), "{text}");
    let again = test(&home, &["--config", "config.toml", "--transcript", "t.log"], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(again.stdout.is_empty() && stderr(&again).contains("t.log is there already"), "{}", stderr(&again));
    assert_eq!(fs::read_to_string(home.path("t.log")).unwrap(), text);
}

#[test]
fn a_transcript_has_the_endpoints_that_were_asked_and_not_what_they_gave() {
    let home = Home::new();
    let endpoint = listener::listen(|mut stream| {
        let mut heard = [0; 4000];
        let octets = stream.read(&mut heard).unwrap();
        assert!(heard[..octets].starts_with(b"POST /token "));
        let body = r#"{"access_token":"t0k3n.of.n0body","token_type":"Bearer","expires_in":3600,"scope":"IMAP.All"}"#;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
    });
    let port = listener::imap(
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hello",
        &[("AUTH", "+ OK [CAPABILITY IMAP4rev1] welcome"), ("LIST", "* LIST () \"/\" INBOX\n+ OK done")],
    );
    let config = format!(
        "[credentials.corp]\ngrant = 'client_credentials'\nclient_id = 'c'\nclient_secret = 'cl13nt'\n\
         token_endpoint = 'http://127.0.0.1:{endpoint}/token'\nscopes = ['x']\nstore = 'file'\n\
         [accounts.work]\nimap = {{ host = '127.0.0.1', port = {port}, tls = 'none' }}\nuser = 'me'\ncredential = 'corp'\n"
    );
    fs::write(home.path("config.toml"), config).unwrap();
    let output = test(&home, &["--config", "config.toml", "--transcript", "t.log"], "");
    let (shown, text) = (lines(&output), fs::read_to_string(home.path("t.log")).unwrap());
    assert!(output.status.success(), "{} {text}", stderr(&output));
    assert!(shown[0].0 == "token" && shown[0].1.ends_with(" min), scopes: IMAP.All"), "{shown:?}");
    assert!(text.contains(&format!("POST http://127.0.0.1:{endpoint}/token: 200 OK")), "{text}");
    assert!(!text.contains("t0k3n") && !text.contains("cl13nt"), "{text}");
}

#[test]
fn a_secret_that_a_server_repeats_is_shown_nowhere() {
    let home = Home::new();
    let encoded = STANDARD.encode(format!("\0me\0{PASSWORD}"));
    let refusal = format!("+ NO {PASSWORD} is wrong, and so is {encoded}");
    let script = Box::leak(Box::new([("AUTH", &*refusal.leak())]));
    let greeting = format!("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] are you {PASSWORD}?").leak();
    let url = format!("imap://me@127.0.0.1:{}", listener::imap(greeting, script));
    let mut command = home.command(&["test", &url, "--transcript", "t.log"]);
    let output = command.env("MAILQL_PASSWORD", PASSWORD).env("MAILQL_LOG", "mailql=trace").output().unwrap();
    let text = fs::read_to_string(home.path("t.log")).unwrap();
    let all =
        format!("{}{}{text}", String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(all.contains("did not let me in: … is wrong") && text.contains("S: A1 NO … is wrong"), "{all}");
    assert!(!all.contains(PASSWORD) && !all.contains(&encoded[8..encoded.len() - 8]), "{all}");
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
    assert_eq!(shown[0].1, "6 folders");
    fs::write(home.path("no.mbox"), "no mail").unwrap();
    let output = test(&home, &["./no.mbox"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(names(&lines(&output)), ["folders"]);
    assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    assert_eq!(test(&home, &["nobody"], "").status.code(), Some(2));
    assert_eq!(test(&home, &["imaps://me@mail.example.org"], "").status.code(), Some(2));
}

/// A server for both, whose submission hands mail on to nobody of interest.
fn with_submission(certificate: Certificate) -> Dovecot {
    Dovecot::start(&Options { certificate, relay: Some(listener::smtp(drop)), ..Options::default() })
}

/// The lines of a configuration that name both servers.
fn server(tls: &str, imap: u16, smtp: u16) -> String {
    ["imap", "smtp"]
        .into_iter()
        .zip([imap, smtp])
        .map(|(key, port)| format!("{key} = {{ tls = '{tls}', host = 'localhost', port = {port} }}\n"))
        .collect()
}

fn configure(home: &Home, servers: &str, dovecot: &Dovecot, account: &str) {
    let trust = dovecot.ca_file().display().to_string();
    let config = format!("[settings]\ntimeout_seconds = 2\n[accounts.work]\n{servers}ca_file = '{trust}'\n{account}\n");
    fs::write(home.path("config.toml"), config).unwrap();
}

/// The headings, and the lines of steps.
fn apart(output: &Output) -> (Vec<String>, Vec<(String, String)>) {
    let shown = String::from_utf8(output.stdout.clone()).unwrap();
    let is_heading = |line: &&str| line.starts_with("IMAP, ") || line.starts_with("SMTP, ");
    let headings = shown.lines().filter(is_heading).map(str::to_owned).collect();
    let steps = shown.lines().filter(|line| !is_heading(line)).map(line).collect();
    (headings, steps)
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
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(line).collect()
}

fn line(line: &str) -> (String, String) {
    let (name, rest) = line.split_at(12);
    let (time, told) = rest.split_at(8);
    let number = time.trim_start().strip_suffix(" ms").or(time.trim_start().strip_suffix(" s"));
    assert!(number.is_some_and(|number| number.parse::<f64>().is_ok()), "{line:?}");
    assert!(told.starts_with("  ") && !told.starts_with("   "), "{line:?}");
    (name.trim_end().to_owned(), told.trim_start().to_owned())
}

fn names(lines: &[(String, String)]) -> Vec<&str> {
    lines.iter().map(|(name, _)| name.as_str()).collect()
}

const PASSWORD: &str = "hunter2 that nobody may see";
