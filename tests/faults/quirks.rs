//! What each family of servers does otherwise than it says, and that it is obeyed: each fact of each family, as the server hears it.
//!
//! The same is asked of a server of which nothing is known, so that a fact which is not obeyed shows. The table of
//! `docs/reliability.md` is written from the same data.

use std::fmt::Write;
use std::time::Duration;

use mailql::imap::capability::Capabilities;
use mailql::imap::quirk::{Fact, Family, Sign};

use crate::server::scripted::{Action, Folder, Script, Scripted};
use crate::{SWEEP, engine, mail, page, rows, script};

/// A server that shows that it is of a family; or of none.
fn of(family: Option<&'static Family>, script: Script) -> Script {
    let able = "IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ ESEARCH SEARCHRES LIST-STATUS LIST-EXTENDED";
    match family.map(|family| &family.signs[0]) {
        None => script.capabilities(able),
        Some(Sign::Capability(name)) => script.capabilities(&format!("{able} {name}1000")),
        // What it calls itself may be in its greeting as well.
        Some(Sign::Greeting(word) | Sign::Id(word)) => script.capabilities(able).on_greeting(move |_| {
            vec![Action::send(format!("* OK [CAPABILITY {able}] this is {} here\r\n", word.to_uppercase()))]
        }),
    }
}

/// What a server hears of some statements, and what they give.
async fn heard(
    family: Option<&'static Family>,
    script: Script,
    sql: &[&str],
) -> (String, Result<Vec<String>, mailql::Error>) {
    let server = of(family, script).start();
    let engine = engine(server.port()).await;
    let mut answer = Ok(Vec::new());
    for sql in sql {
        answer = rows(&engine, sql).await;
    }
    (server.transcript(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fact_of_every_family_is_obeyed_and_not_with_others() {
    for family in Family::all() {
        assert_eq!(known(&family.signs[0]), family.name);
        for (fact, _) in family.facts {
            for is_known in [true, false] {
                let obeyed = obeys(fact, is_known.then_some(family)).await;
                assert_eq!(obeyed, is_known, "{}: {fact}", family.name);
            }
        }
    }
}

#[test]
fn every_sign_tells_its_family() {
    for family in Family::all() {
        for sign in family.signs {
            assert_eq!(known(sign), family.name, "{sign:?}");
        }
    }
}

fn known(sign: &Sign) -> &'static str {
    let none = Capabilities::default();
    match sign {
        Sign::Greeting(word) => Family::of(word, "", &none).name,
        Sign::Id(word) => Family::of("", word, &none).name,
        Sign::Capability(name) => Family::of("", "", &Capabilities::of([*name])).name,
    }
}

/// Whether a server of that family, or of none, hears what the fact says.
async fn obeys(fact: &Fact, family: Option<&'static Family>) -> bool {
    match fact {
        Fact::EstimatedSizes => {
            let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND size > 20 AND NOT seen";
            let (transcript, answer) = heard(family, script(), &[sql]).await;
            // The scripted server knows no such search, here and below.
            assert!(family.is_none() || answer.unwrap() == ["2", "4", "5"]);
            assert!(transcript.contains("UNSEEN"));
            !transcript.contains("LARGER")
        }
        Fact::TrueStructures => {
            let sql = "SELECT uid, name FROM MessageAttachments WHERE folder = 'INBOX'";
            let (transcript, answer) = heard(family, script(), &[sql]).await;
            assert_eq!(answer.unwrap(), ["4|four.txt"]);
            !transcript.contains("RFC822.SIZE")
        }
        Fact::FindsWords => {
            let trust = "SET mailql.text_pushdown = 'trust'";
            let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE '%four%'";
            let (transcript, answer) = heard(family, script(), &[trust, sql]).await;
            assert!(family.is_none() || answer.unwrap() == ["4"]);
            !transcript.contains("UID SEARCH")
        }
        Fact::Connections(number) => {
            let connections = most_connections(family).await;
            assert!(family.is_some() || connections == USUAL, "{connections} connections");
            // What is known may be the same as what is usual.
            family.is_some() && connections == *number
        }
        // What is said then is in tests/filing.rs.
        Fact::KeepsSent => family.is_some_and(Family::keeps_sent),
        Fact::Ignored("SEARCHRES") => {
            let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen";
            let (transcript, answer) = heard(family, script(), &[sql]).await;
            assert_eq!(answer.unwrap(), ["2|second", "4|fourth", "5|fifth"]);
            !transcript.contains("SAVE")
        }
        Fact::Ignored("SASL-IR") => {
            let (transcript, answer) = heard(family, script(), &[SWEEP]).await;
            assert_eq!(answer.unwrap().len(), 4);
            transcript.contains("AUTHENTICATE PLAIN\n")
        }
        Fact::Ignored(name) => panic!("nothing shows whether {name} is used"),
        Fact::Lifts(when) => {
            let throttled = script().on_command(|command, _, _| {
                (command.name == "UID FETCH").then(|| vec![Action::tagged(command, "NO [OVERQUOTA] too much")])
            });
            let (_, answer) = heard(family, throttled, &[SWEEP]).await;
            answer.unwrap_err().way_out() == Some(*when)
        }
        Fact::Lost(words) => {
            let refusal = format!("BAD User is {words}.");
            let lost = script().on_command(move |command, count, _| {
                (command.name == "UID FETCH" && count == 1).then(|| vec![Action::tagged(command, &refusal)])
            });
            let (_, answer) = heard(family, lost, &["SET mailql.retries = 1", SWEEP]).await;
            answer.is_ok_and(|rows| rows.len() == 4)
        }
    }
}

/// How many connections a server gets that is asked for twenty folders at once, and takes its time.
async fn most_connections(family: Option<&'static Family>) -> usize {
    let folders = (1..=20).map(|number| Folder::new(&format!("F{number}"), vec![mail(1, "", "one", "")])).collect();
    let slow = Script::new().folders(folders).on_command(|command, _, _| {
        (command.name == "UID FETCH").then(|| vec![Action::Pause(Duration::from_millis(40)), Action::Answer])
    });
    let server: Scripted = of(family, slow).start();
    let engine = engine(server.port()).await;
    rows(&engine, "SET mailql.connections = 16").await.unwrap();
    assert_eq!(rows(&engine, "SELECT folder, subject FROM MessagesInFolder").await.unwrap().len(), 20);
    server.accepted()
}

#[test]
fn the_page_has_every_fact_with_its_reason() {
    let mut table = String::from("| Servers | What is done | Why it is believed |\n|---|---|---|\n");
    for family in Family::all() {
        for (fact, reason) in family.facts {
            writeln!(table, "| {} | {fact} | {reason} |", family.name).unwrap();
        }
    }
    page::has(BEGIN, &table, END);
}

/// Connections that are safe with a server of which nothing is known.
const USUAL: usize = 8;

const BEGIN: &str = "<!-- The quirks; written by tests/faults/quirks.rs. -->";
const END: &str = "<!-- The end of the quirks. -->";
