//! The Postfix that other tests hand mail in to: who may, what arrives where, and that nothing of it is left.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod server;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::certificate::{Authority, Certificate};
use server::conversation::{Conversation, initial_response};
use server::dovecot::{self, Dovecot, User};
use server::http;
use server::left::{Left, kill_a_program, wait_to_be_killed};
use server::openid::{self, OpenId, PASSWORD, SECRET_IN_FORM};
use server::postfix::{Options, Postfix};
use server::started::free_port;

#[test]
fn mail_arrives_whichever_way_it_is_handed_in() {
    let openid = OpenId::start(&openid::Options::default());
    let dovecot = Dovecot::start(&dovecot::Options { oauth: Some(&openid), lmtp: true, ..dovecot::Options::default() });
    let postfix = Postfix::start(&dovecot, &Options::default());
    let [sender, recipient] = [dovecot.user(), dovecot.user()];
    openid.delegate(SECRET_IN_FORM.id, &sender.name);
    let token = own_token(&openid);
    let mut expected = BTreeSet::new();
    for (mechanism, secret) in [("PLAIN", PASSWORD), ("XOAUTH2", &token), ("OAUTHBEARER", &token)] {
        let said = format!("AUTH {mechanism} {}", initial_response(mechanism, &sender.name, secret));
        let client = postfix.authority().client();
        let mut plain = Conversation::plain(postfix.port());
        let mut tls = Conversation::tls(postfix.tls_port(), client.clone()).unwrap();
        let mut upgraded = Conversation::plain(postfix.port());
        assert!(upgraded.smtp("EHLO localhost").contains("250-STARTTLS\r\n"));
        assert!(upgraded.smtp("STARTTLS").starts_with("220 "));
        let mut upgraded = upgraded.upgraded(client);
        let ways: [(&str, Say); 3] = [
            ("plain", &mut |line| plain.smtp(line)),
            ("tls", &mut |line| tls.smtp(line)),
            ("starttls", &mut |line| upgraded.smtp(line)),
        ];
        for (way, say) in ways {
            let subject = format!("{mechanism} over {way}");
            assert!(say("EHLO localhost").contains("AUTH "));
            assert!(say(&said).starts_with("235 "), "{subject}\n{}\n{}", postfix.log(), dovecot.log());
            let replies = hand_in(say, &sender.name, &recipient.name, &subject);
            assert_eq!(replies, ["250", "250", "354", "250"], "{subject}\n{}", postfix.log());
            expected.insert(subject);
        }
    }
    postfix.delivered();
    assert_eq!(subjects(&recipient), expected, "{}", postfix.log());
    assert_eq!(subjects(&sender), BTreeSet::new());
}

#[test]
fn it_offers_what_dovecot_does_and_refuses_who_is_another() {
    let (dovecot, postfix) = servers(&Options::default());
    let user = dovecot.user();
    let mut conversation = Conversation::plain(postfix.port());
    assert!(conversation.smtp("EHLO localhost").contains("250-AUTH PLAIN LOGIN\r\n"));
    let wrong = conversation.smtp(&format!("AUTH PLAIN {}", initial_response("PLAIN", &user.name, "wrong")));
    assert!(wrong.starts_with("535 5.7.8 "), "{wrong}");
    assert!(conversation.smtp("AUTH LOGIN").starts_with("334 "));
    assert!(conversation.smtp(&STANDARD.encode(&user.name)).starts_with("334 "));
    assert!(conversation.smtp(&STANDARD.encode(user.password)).starts_with("235 "));
    let mut stranger = Conversation::plain(postfix.port());
    stranger.smtp("EHLO localhost");
    stranger.smtp(&format!("MAIL FROM:<{}>", user.name));
    let refused = stranger.smtp(&format!("RCPT TO:<{}>", user.name));
    assert!(refused.starts_with("554 5.7.1 "), "who has not signed in hands in nothing: {refused}");
}

#[test]
fn who_gets_no_mail_here_is_refused_at_once_and_the_others_are_not() {
    let (dovecot, postfix) = servers(&Options { recipients: &["shared@example.com"], ..Options::default() });
    let [user, shared] = [dovecot.user(), dovecot.user_named("shared@example.com", |_| ())];
    let mut conversation = signed_in(&postfix, &user);
    assert!(conversation.smtp(&format!("MAIL FROM:<{}>", user.name)).starts_with("250 "));
    let mut answer = |recipient: &str| conversation.smtp(&format!("RCPT TO:<{recipient}>"));
    assert!(answer("nobody@example.com").starts_with("550 5.1.1 <nobody@example.com>: "));
    assert!(answer("sharedAexample.com@example.com").starts_with("550 5.1.1 "));
    assert!(answer("somebody@elsewhere.example").starts_with("554 5.7.1 <somebody@elsewhere.example>: "));
    assert!(answer(&shared.name).starts_with("250 "));
    assert!(answer(&user.name).starts_with("250 "));
    assert!(conversation.smtp("DATA").starts_with("354 "));
    assert!(conversation.smtp("Subject: for two\r\n\r\nHello.\r\n.").starts_with("250 2.0.0 "));
    postfix.delivered();
    for reader in [&user, &shared] {
        assert_eq!(subjects(reader), ["for two".to_owned()].into());
    }
}

#[test]
fn a_mail_may_be_too_large() {
    let (dovecot, postfix) = servers(&Options { message_size_limit: 2_000, ..Options::default() });
    let user = dovecot.user();
    let mut conversation = signed_in(&postfix, &user);
    assert!(conversation.smtp("EHLO localhost").contains("250-SIZE 2000\r\n"));
    let refused = conversation.smtp(&format!("MAIL FROM:<{}> SIZE=2001", user.name));
    assert!(refused.starts_with("552 5.3.4 "), "{refused}");
    let large = format!("Subject: large\r\n\r\n{}.", "0123456789\r\n".repeat(300));
    // The size that was refused it remembers until then.
    assert!(conversation.smtp("RSET").starts_with("250 "));
    assert!(conversation.smtp(&format!("MAIL FROM:<{}>", user.name)).starts_with("250 "));
    assert!(conversation.smtp(&format!("RCPT TO:<{}>", user.name)).starts_with("250 "));
    assert!(conversation.smtp("DATA").starts_with("354 "));
    let refused = conversation.smtp(&large);
    assert!(refused.starts_with("552 5.3.4 "), "{refused}");
}

#[test]
fn the_submission_of_dovecot_hands_mail_on_to_it() {
    let relay = Some(free_port());
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, relay, ..dovecot::Options::default() });
    let postfix = Postfix::start(&dovecot, &Options { relay, ..Options::default() });
    let user = dovecot.user();
    let mut conversation = Conversation::tls(dovecot.submission_tls_port(), dovecot.authority().client()).unwrap();
    assert!(conversation.smtp("EHLO localhost").starts_with("250"));
    let answer = conversation.smtp(&format!("AUTH PLAIN {}", initial_response("PLAIN", &user.name, user.password)));
    assert!(answer.starts_with("235 "), "{answer}");
    let nobody = ["MAIL FROM:<user1@example.com>", "RCPT TO:<nobody@example.com>", "RSET"];
    let answers = nobody.map(|line| conversation.smtp(line));
    assert!(answers[1].starts_with("550 5.1.1 "), "{answers:?}");
    let mut say = |line: &str| conversation.smtp(line);
    assert_eq!(
        hand_in(&mut say, &user.name, &user.name, "on and on"),
        ["250", "250", "354", "250"],
        "{}",
        postfix.log()
    );
    postfix.delivered();
    assert_eq!(subjects(&user), ["on and on".to_owned()].into());
}

#[test]
fn a_thousand_mails_arrive_in_the_order_in_which_they_were_taken() {
    let (dovecot, postfix) = servers(&Options::default());
    let [sender, recipient] = [dovecot.user(), dovecot.user()];
    let mut conversation = signed_in(&postfix, &sender);
    let start = Instant::now();
    for number in 1..=1_000 {
        let mut say = |line: &str| conversation.smtp(line);
        let replies = hand_in(&mut say, &sender.name, &recipient.name, &format!("mail {number}"));
        assert_eq!(replies, ["250", "250", "354", "250"], "mail {number}");
    }
    let taken = start.elapsed();
    postfix.delivered();
    println!("taken in {taken:?}, delivered in {:?}", start.elapsed());
    assert_eq!(subjects(&recipient), (1..=1_000).map(|number| format!("mail {number}")).collect());
    let mut imap = Conversation::plain(dovecot.port());
    imap.login(&recipient.name, recipient.password);
    assert!(imap.imap("EXAMINE INBOX").contains("\r\n* 1000 EXISTS\r\n"));
    let answer = imap.imap("FETCH 1,500,1000 BODY.PEEK[HEADER.FIELDS (SUBJECT)]");
    let told: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("Subject: ")).collect();
    assert_eq!(told, ["mail 1", "mail 500", "mail 1000"]);
}

#[test]
fn a_client_that_trusts_another_authority_does_not_trust_it() {
    let (_dovecot, postfix) = servers(&Options { certificate: Certificate::OtherAuthority, ..Options::default() });
    assert!(postfix.ca_file().is_file());
    for client in [postfix.authority().client(), Authority::new().client()] {
        let port = postfix.tls_port();
        assert!(Conversation::tls(port, client).is_err(), "it was trusted");
    }
}

#[test]
fn a_failing_start_tells_what_postfix_said() {
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, ..dovecot::Options::default() });
    for (options, said) in [
        (Options { more: "inet_interfaces = 192.0.2.1", ..Options::default() }, "192.0.2.1"),
        (Options { more: "mail_owner = root", ..Options::default() }, "mail_owner"),
    ] {
        let failure = thread::scope(|scope| scope.spawn(|| Postfix::start(&dovecot, &options)).join());
        let Err(panic) = failure else { panic!("it started") };
        let message = panic.downcast::<String>().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn a_port_that_somebody_else_keeps_is_told() {
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, ..dovecot::Options::default() });
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let relay = Some(taken.local_addr().unwrap().port());
    let options = Options { relay, ..Options::default() };
    let failure = thread::scope(|scope| scope.spawn(|| drop(Postfix::start(&dovecot, &options))).join());
    let message = *failure.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("postfix does not start") && message.contains("Address already in use"), "{message}");
}

#[test]
fn many_run_at_once_and_a_dropped_one_leaves_nothing() {
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, ..dovecot::Options::default() });
    let postfixes: Vec<Postfix> = thread::scope(|scope| {
        let start = || Postfix::start(&dovecot, &Options::default());
        let starting = [(); 4].map(|()| scope.spawn(start));
        starting.into_iter().map(|starting| starting.join().unwrap()).collect()
    });
    let ports: BTreeSet<u16> =
        postfixes.iter().flat_map(|postfix| [postfix.port(), postfix.tls_port(), postfix.relay_port()]).collect();
    assert_eq!(ports.len(), 12);
    let user = dovecot.user();
    for postfix in postfixes {
        let left = Left::by(postfix.directory(), PID);
        drop(signed_in(&postfix, &user));
        drop(postfix);
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
    let (dovecot, postfix) = servers(&Options::default());
    let user = dovecot.user();
    let mut conversation = signed_in(&postfix, &user);
    hand_in(&mut |line| conversation.smtp(line), &user.name, &user.name, "the last one");
    wait_to_be_killed(postfix.directory());
}

/// Both servers, one behind the other.
fn servers(options: &Options) -> (Dovecot, Postfix) {
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, ..dovecot::Options::default() });
    let postfix = Postfix::start(&dovecot, options);
    (dovecot, postfix)
}

/// A conversation of somebody who has signed in with a password.
fn signed_in(postfix: &Postfix, user: &User) -> Conversation<std::net::TcpStream> {
    let mut conversation = Conversation::plain(postfix.port());
    assert!(conversation.smtp("EHLO localhost").starts_with("250"));
    let answer = conversation.smtp(&format!("AUTH PLAIN {}", initial_response("PLAIN", &user.name, user.password)));
    assert!(answer.starts_with("235 "), "{answer}\n{}", postfix.log());
    conversation
}

/// Says something to a server, and gives its reply.
type Say<'a> = &'a mut dyn FnMut(&str) -> String;

/// Hands one mail in, and gives the codes of the replies.
fn hand_in(say: Say, sender: &str, recipient: &str, subject: &str) -> Vec<String> {
    let lines = [
        format!("MAIL FROM:<{sender}>"),
        format!("RCPT TO:<{recipient}>"),
        "DATA".to_owned(),
        format!("From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nHello.\r\n."),
    ];
    lines.iter().map(|line| say(line)[..3].to_owned()).collect()
}

/// The subjects of all mails in somebody's inbox, as they are on the disk.
fn subjects(user: &User) -> BTreeSet<String> {
    let mut subjects = BTreeSet::new();
    for entry in ["new", "cur"].iter().flat_map(|name| fs::read_dir(user.maildir().join(name)).into_iter().flatten()) {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        assert!(text.ends_with("\n\nHello.\n"), "{text}");
        assert!(subjects.insert(subject.to_owned()), "{subject} arrived twice");
    }
    subjects
}

/// A token of the application itself.
fn own_token(openid: &OpenId) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "imap"),
        ("client_id", SECRET_IN_FORM.id),
        ("client_secret", SECRET_IN_FORM.secret.unwrap()),
    ];
    http::post_form(&openid.token_endpoint(), &form, "").json()["access_token"].as_str().unwrap().to_owned()
}

/// Where the number of its first process stands.
const PID: &str = "spool/pid/master.pid";
