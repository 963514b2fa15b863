//! The program is killed while it sends, again and again, and run again: nothing is sent twice, and all is sent but what the
//! journal says nobody knows of.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::chance::Chance;
use crate::place::{Place, Wants, field};
use crate::program::until;

#[test]
fn killed_at_any_moment_and_run_again_it_sends_no_mail_twice() {
    let (mails, kills) = (number("MAILQL_MAILS", 1_000), number("MAILQL_KILLS", 20));
    let seed = number("MAILQL_SEED", std::process::id() as usize);
    println!("MAILQL_SEED={seed} MAILQL_MAILS={mails} MAILQL_KILLS={kills}");
    let (place, mut chance) = (crowd(), Chance::of(seed as u64));
    let mut killed = 0;
    loop {
        let mut child = begin(&place, mails, "");
        // After some mails more, in the middle of anything; not so many that it would end before the last kill.
        let mails_over = over(&place) + chance.below(mails / (kills + 1) + 1);
        let moment = Duration::from_micros(chance.below(8_000) as u64);
        let ended = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if killed < kills && over(&place) >= mails_over => break None,
                None => std::thread::yield_now(),
            }
        };
        match ended {
            // Nobody knows of some mails, or it would be 0.
            Some(status) => {
                assert!(matches!(status.code(), Some(0 | 1)), "{status}");
                break;
            }
            None => {
                std::thread::sleep(moment);
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
        }
    }
    let counted = counted(&place, mails);
    println!("{counted:?}");
    assert_eq!(counted.sent + counted.unknown, mails, "{counted:?}");
    assert!(counted.unknown <= kills, "{counted:?}");
    assert_eq!(killed, kills);
}

#[test]
fn stopped_by_ctrl_c_it_knows_what_it_has_sent() {
    let place = crowd();
    let child = begin(&place, 1_000, "SET mailql.send_per_minute = 6000; ");
    until("some mails", || over(&place) > 20);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(wait(child).code(), Some(130));
    let stopped = counted(&place, 1_000);
    assert!(stopped.unknown == 0 && (20..1_000).contains(&stopped.sent), "{stopped:?}");
    assert_eq!(wait(begin(&place, 1_000, "")).code(), Some(0));
    assert_eq!(counted(&place, 1_000), Counted { sent: 1_000, unknown: 0, lost: 0 });
}

/// What the journal says of the mails, each by its last word, and how many of the unknown ones did not arrive.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    sent: usize,
    unknown: usize,
    lost: usize,
}

/// Counts what arrived and compares it with the journal, mail by mail.
fn counted(place: &Place, mails: usize) -> Counted {
    // By its subject, the Message-ID of each mail that arrived.
    let mut arrived = BTreeMap::new();
    for mail in place.people[1..].iter().flat_map(|user| place.inbox(user)) {
        let (subject, id) = (field(&mail, "Subject"), field(&mail, "Message-ID"));
        assert_eq!(arrived.insert(subject.clone(), id), None, "{subject} arrived twice");
    }
    let mut ids: Vec<&String> = arrived.values().collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), arrived.len(), "each has a Message-ID of its own");
    let journal = place.csv("SELECT subject, status, message_id, key FROM SentEmail WHERE status <> 'not_sent'");
    let mut counted = Counted { sent: 0, unknown: 0, lost: 0 };
    let mut told = BTreeMap::new();
    for row in &journal {
        let [subject, status, id, key] = &row[..] else { panic!("{row:?}") };
        assert_eq!(told.insert(subject.clone(), status.clone()), None, "the journal has {subject} twice");
        assert_eq!(subject.strip_prefix("mail "), key.strip_prefix("run-"));
        let there = arrived.remove(subject);
        let is_it = there.as_deref() == Some(&format!("<{id}>"));
        match status.as_str() {
            "sent" => {
                counted.sent += 1;
                assert!(is_it, "{row:?} is not there: {there:?}");
            }
            "unknown" => {
                counted.unknown += 1;
                counted.lost += usize::from(there.is_none());
                assert!(is_it || there.is_none(), "{row:?} is another: {there:?}");
            }
            other => panic!("{subject} is {other}"),
        }
    }
    assert!(arrived.is_empty(), "the journal does not know {arrived:?}");
    assert!(told.keys().all(|subject| (1..=mails).contains(&subject[5..].parse().unwrap())));
    counted
}

/// Twenty people and one who writes to them.
fn crowd() -> Place {
    Place::with(&Wants { people: 21, account: "sent_copy = false", ..Wants::default() })
}

/// Begins to send the whole set.
fn begin(place: &Place, mails: usize, before: &str) -> Child {
    let sql = format!(
        "SET mailql.allow_send = true; {before}SELECT status, count(*) FROM SendEmail((
           SELECT 'user' || (2 + value % 20) || '@example.com' AS to, 'mail ' || value AS subject, 'run-' || value AS key,
                  'Dear number ' || value || ',' || chr(10) || 'this is for you.' AS body
           FROM generate_series(1, {mails}))) GROUP BY status"
    );
    let mut command = place.home.command(&["-c", &sql]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait(mut child: Child) -> ExitStatus {
    child.wait().unwrap()
}

/// Of how many mails the journal says what became of them.
fn over(place: &Place) -> usize {
    let journal = fs::read_to_string(place.home.path("state/mailql/sent.ndjson")).unwrap_or_default();
    journal.matches("{\"what\":\"over\"").count()
}

/// A number that the environment may give.
fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |value| value.parse().unwrap())
}
