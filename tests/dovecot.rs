//! The Dovecot that other tests rely on: it serves what it should, it is private, and it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod mail;
mod server;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use server::certificate::{Authority, Certificate};
use server::conversation::Conversation;
use server::dovecot::{Dovecot, Options, User};
use server::left::{Left, kill_a_program, wait_to_be_killed};

#[test]
fn the_corpus_is_served_from_a_maildir() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot.port());
    sign_in(&mut conversation, &dovecot.user_with(mail::write_maildir));
    let folders = ["INBOX", "Archive/2025", "Entw&APw-rfe", "Lists", "As written", "Empty"];
    assert_eq!(folders_of(&mut conversation), folders.map(str::to_owned).into());
    let corpus = mail::corpus();
    for (name, folder) in folders.iter().zip(mail::FOLDERS) {
        let answer = conversation.imap(&format!("EXAMINE \"{name}\""));
        let held = corpus.iter().filter(|odd| odd.folder == folder).count();
        assert!(answer.contains(&format!("\r\n* {held} EXISTS\r\n")), "{folder} holds {held}: {answer}");
    }
}

#[test]
fn each_user_is_new_and_has_no_mail() {
    let dovecot = Dovecot::shared();
    let [one, other] = [dovecot.user(), dovecot.user()];
    assert_ne!(one.name, other.name);
    for user in [one, other] {
        let mut conversation = Conversation::plain(dovecot.port());
        sign_in(&mut conversation, &user);
        assert_eq!(folders_of(&mut conversation), ["INBOX".to_owned()].into());
        assert!(conversation.imap("SELECT INBOX").contains("\r\n* 0 EXISTS\r\n"));
    }
}

#[test]
fn a_wrong_password_is_refused_at_once_every_time() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let start = Instant::now();
    for _ in 0..5 {
        let mut conversation = Conversation::plain(dovecot.port());
        let answer = conversation.imap(&format!("LOGIN {} wrong", user.name));
        assert!(answer.starts_with("t1 NO [AUTHENTICATIONFAILED] "), "{answer}");
        sign_in(&mut conversation, &user);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "wrong passwords cost time");
}

#[test]
fn days_are_those_of_utc() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot.port());
    sign_in(&mut conversation, &dovecot.user_with(mail::write_maildir));
    conversation.imap("EXAMINE INBOX");
    assert!(conversation.imap("FETCH 1 INTERNALDATE").contains(" +0000\")"));
}

#[test]
fn a_client_that_trusts_the_authority_is_served_by_tls() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::tls(dovecot.tls_port(), dovecot.authority().client()).unwrap();
    sign_in(&mut conversation, &dovecot.user());
    assert!(dovecot.ca_file().is_file());
}

#[test]
fn a_client_that_trusts_another_authority_is_not() {
    let dovecot = Dovecot::shared();
    let error = Conversation::tls(dovecot.tls_port(), Authority::new().client()).unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
}

#[test]
fn wrong_certificates_are_wrong_in_the_way_they_should_be() {
    let wrong = [
        (Certificate::Expired, "expired"),
        (Certificate::OtherName, "not valid for name"),
        (Certificate::OtherAuthority, "BadSignature"),
    ];
    for (certificate, reason) in wrong {
        let dovecot = Dovecot::start(&Options { certificate, ..Options::default() });
        let error = Conversation::tls(dovecot.tls_port(), dovecot.authority().client()).unwrap_err().to_string();
        assert!(error.contains(reason), "{certificate:?}: {error}");
    }
}

#[test]
fn a_conversation_in_plain_text_turns_to_tls_when_asked() {
    let dovecot = Dovecot::shared();
    let mut plain = Conversation::plain(dovecot.port());
    assert!(plain.imap("CAPABILITY").contains(" STARTTLS"));
    assert!(plain.imap("STARTTLS").starts_with("t2 OK "));
    let mut conversation = plain.upgraded(dovecot.authority().client());
    assert!(!conversation.imap("CAPABILITY").contains(" STARTTLS"));
    sign_in(&mut conversation, &dovecot.user());
}

#[test]
fn names_of_folders_may_be_odd_with_either_separator() {
    let odd = [
        "50%",
        "x*y",
        "a b",
        "trailing ",
        " leading",
        r"back\\slash",
        r#"&ANw-n&AO8- &- \"quoted\""#,
        "&2D3cxw-",
        "~home",
        ".hidden",
    ];
    for (separator, other) in [('/', "a.b"), ('.', "a/b")] {
        let dovecot = Dovecot::start(&Options { separator, ..Options::default() });
        let mut conversation = Conversation::plain(dovecot.port());
        sign_in(&mut conversation, &dovecot.user());
        let deep = ["1", "2", "3", "4", "5"].join(&separator.to_string());
        let mut names: BTreeSet<String> = odd.map(str::to_owned).into();
        names.extend([deep, other.to_owned()]);
        if separator == '.' {
            names.remove(".hidden");
        }
        for name in &names {
            let answer = conversation.imap(&format!("CREATE \"{name}\""));
            assert!(answer.contains(" OK "), "{answer}");
        }
        let listed = folders_of(&mut conversation);
        assert!(names.is_subset(&listed), "{names:?} in {listed:?}");
        for name in &names {
            let answer = conversation.imap(&format!("SELECT \"{name}\""));
            assert!(answer.contains(" OK [READ-WRITE] "), "{answer}");
        }
    }
}

#[test]
fn lines_of_a_test_win_over_the_ones_before() {
    let dovecot = Dovecot::start(&Options { more: "login_greeting = Good day.", ..Options::default() });
    assert!(Conversation::plain(dovecot.port()).greeting.ends_with("] Good day.\r\n"));
}

#[test]
fn a_failing_start_tells_what_dovecot_said() {
    let failure = thread::spawn(|| Dovecot::start(&Options { more: "no_such_setting = 1", ..Options::default() }));
    let Err(panic) = failure.join() else { panic!("it started") };
    let message = panic.downcast::<String>().unwrap();
    assert!(message.contains("no_such_setting"), "{message}");
}

#[test]
fn many_run_at_once_and_a_dropped_one_leaves_nothing() {
    let starting = [(); 4].map(|()| thread::spawn(|| Dovecot::start(&Options::default())));
    let dovecots = starting.map(|starting| starting.join().unwrap());
    let ports: BTreeSet<u16> = dovecots.iter().flat_map(|dovecot| [dovecot.port(), dovecot.tls_port()]).collect();
    assert_eq!(ports.len(), 8);
    for dovecot in dovecots {
        let mut conversation = Conversation::plain(dovecot.port());
        sign_in(&mut conversation, &dovecot.user());
        let left = Left::by(dovecot.directory(), PID);
        drop(dovecot);
        left.vanishes();
    }
}

#[test]
fn a_killed_test_program_leaves_nothing() {
    kill_a_program(PID);
}

#[test]
#[ignore = "the test before runs it, and kills it"]
fn a_program_to_kill() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot.port());
    sign_in(&mut conversation, &dovecot.user_with(mail::write_maildir));
    wait_to_be_killed(dovecot.directory());
}

/// Where the number of its first process stands.
const PID: &str = "run/master.pid";

fn sign_in<S: Read + Write>(conversation: &mut Conversation<S>, user: &User) {
    conversation.login(&user.name, user.password);
}

/// The names of all folders that hold mail, as they are written within quotes.
fn folders_of<S: Read + Write>(conversation: &mut Conversation<S>) -> BTreeSet<String> {
    let answer = conversation.imap("LIST \"\" *");
    let lines = answer.lines().filter_map(|line| line.strip_prefix("* LIST "));
    let names = lines.filter(|line| !line.contains("\\Noselect")).map(|line| line.splitn(3, '"').nth(2).unwrap());
    let names = names.map(|name| name.strip_prefix(' ').unwrap());
    names.map(|name| name.strip_prefix('"').map_or(name, |rest| rest.strip_suffix('"').unwrap()).to_owned()).collect()
}
