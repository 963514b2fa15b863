//! The fault matrix: each command, each fault, every statement. It is a table of `docs/reliability.md`, written from here.
//!
//! A cell says what became of the statements that came to that command: `complete` when each of them gave all its rows,
//! `error` when one gave an error. Anything else fails the test. `MAILQL_COMPLETE=1` writes the table anew, to be read before it is
//! committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use futures::StreamExt;

use crate::server::responses;
use crate::server::scripted::{Action, Command};
use crate::{STATEMENTS, engine, page, rows, script};

/// How often a server does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Often {
    Once,
    Always,
}

/// Where it happens: at the command of that name, the first or a later one.
const COMMANDS: [(&str, usize); 9] = [
    ("CAPABILITY", 1),
    ("AUTHENTICATE", 1),
    ("LIST", 1),
    ("STATUS", 1),
    ("EXAMINE", 1),
    ("UID SEARCH", 1),
    ("UID FETCH", 1),
    ("UID FETCH", 2),
    ("greeting", 1),
];

/// What a server does instead of answering.
const FAULTS: [&str; 19] = [
    "end of stream",
    "end in the middle",
    "all but the end, and the end of stream",
    "reset",
    "silence",
    "silence in the middle",
    "BYE",
    "BYE [THROTTLED]",
    "NO [UNAVAILABLE]",
    "all but the end, and NO [UNAVAILABLE]",
    "NO [INUSE]",
    "NO [THROTTLED]",
    "NO",
    "BAD",
    "garbage",
    "row lost",
    "item lost",
    "row unreadable",
    "part shorter than announced",
];

/// Faults of single rows, which only an answer with rows can have.
const OF_ROWS: [&str; 4] = ["row lost", "item lost", "row unreadable", "part shorter than announced"];

/// Does something with the last row of an answer: the messages of a search come last, too.
fn with_last_row(mut responses: Vec<Vec<u8>>, change: impl Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    if let Some(row) = responses.iter_mut().rev().find(|response| responses::is_row(response)) {
        *row = change(row).unwrap_or_else(|| row.clone());
    }
    responses
}

fn actions(fault: &str, command: Option<&Command>) -> Vec<Action> {
    let status = |status: &str| match command {
        Some(command) => Action::tagged(command, status),
        // In place of a greeting.
        None => Action::send(format!("* {status}\r\n")),
    };
    let middle = Action::AnswerFirst(20);
    // All that is said before the line that ends it; of the way in, that is nothing.
    let said = || match command {
        Some(command) if !["CAPABILITY", "AUTHENTICATE"].contains(&command.name.as_str()) => {
            Action::AnswerTo(command.line.clone())
        }
        _ => Action::AnswerFirst(0),
    };
    match fault {
        "end of stream" => vec![Action::Close],
        "end in the middle" => vec![middle, Action::Close],
        "all but the end, and the end of stream" => vec![said(), Action::Close],
        "all but the end, and NO [UNAVAILABLE]" => vec![said(), status("NO [UNAVAILABLE]")],
        "reset" => vec![Action::Reset],
        "silence" => vec![Action::Stall],
        "silence in the middle" => vec![middle, Action::Stall],
        "BYE" => vec![Action::send("* BYE going down\r\n"), Action::Close],
        "BYE [THROTTLED]" => vec![Action::send("* BYE [THROTTLED] too much\r\n"), Action::Close],
        "row lost" => vec![Action::AnswerChanged(|all| with_last_row(all, |_| Some(Vec::new())))],
        "item lost" => vec![Action::AnswerChanged(|all| with_last_row(all, responses::without_item))],
        "row unreadable" => {
            vec![Action::AnswerChanged(|all| with_last_row(all, |row| Some(responses::unreadable(row))))]
        }
        "part shorter than announced" => {
            vec![Action::AnswerChanged(|all| with_last_row(all, |row| responses::shortened(row, 3)))]
        }
        "garbage" => vec![Action::send("what a mess\r\n"), Action::Answer],
        fault => vec![status(fault)],
    }
}

/// What became of a statement; none when it did not come to that command.
async fn outcome(
    name: &'static str,
    time: usize,
    fault: &'static str,
    often: Often,
    few: bool,
    statement: usize,
) -> Option<&'static str> {
    let (_, sql, expected) = STATEMENTS[statement];
    let is_time = move |count: usize| if often == Often::Once { count == time } else { count >= time };
    let played = script().on_command(move |command, count, _| {
        (command.name == name && is_time(count)).then(|| actions(fault, Some(command)))
    });
    let played = if few { played.capabilities("IMAP4rev1") } else { played };
    let played = played.on_greeting(move |context| match name {
        "greeting" if is_time(context.connection) => actions(fault, None),
        // CAPABILITY is asked for where the greeting does not tell.
        "CAPABILITY" => vec![Action::send("* OK ready\r\n")],
        _ => vec![Action::Answer],
    });
    let server = played.start();
    let engine = engine(server.port()).await;
    // One less than what nobody should need; a server that never answers takes long enough.
    let retries = if often == Often::Once { 2 } else { 1 };
    rows(&engine, &format!("SET mailql.retries = {retries}")).await.unwrap();
    let answer = rows(&engine, sql).await;
    assert_eq!(server.not_reading(), Vec::<String>::new(), "{sql}");
    let came = if name == "greeting" { server.accepted() } else { server.count(name) };
    if came < time {
        assert_eq!(answer.unwrap(), expected, "{sql}");
        return None;
    }
    match answer {
        // Numbers that are refused are not known, and the folder is a row all the same.
        Ok(rows) if name == "STATUS" && rows.iter().any(|row| row.contains("NULL")) => {
            assert_eq!(rows.len(), expected.len(), "{sql}");
            Some("complete (NULL)")
        }
        Ok(rows) => {
            assert_eq!(rows, expected, "{fault} {often:?} at {name} {time}: {sql}\n{}", server.transcript());
            Some("complete")
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Some("error")
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_complete_or_an_error_and_the_page_says_which() {
    let mut cases = Vec::new();
    for place in COMMANDS {
        for fault in FAULTS {
            if OF_ROWS.contains(&fault) && place.0 != "UID FETCH" {
                continue;
            }
            for often in [Often::Once, Often::Always] {
                for few in [false, true] {
                    // Silence takes its time, and has nothing to do with what a server can do.
                    let is_rare = ["STATUS", "UID SEARCH"].contains(&place.0);
                    if few && !is_rare && (often == Often::Always || fault.starts_with("silence")) {
                        continue;
                    }
                    // What fails again and again fails in few ways.
                    let step = if often == Often::Always && !is_rare { 2 } else { 1 };
                    cases.extend(
                        (0..STATEMENTS.len()).step_by(step).map(|statement| (place, fault, often, few, statement)),
                    );
                }
            }
        }
    }
    let outcomes = futures::stream::iter(cases).map(|((name, time), fault, often, few, statement)| {
        tokio::spawn(
            async move { ((name, time), fault, often, outcome(name, time, fault, often, few, statement).await) },
        )
    });
    let outcomes: Vec<_> = outcomes.buffer_unordered(AT_ONCE).collect().await;
    let mut cells = Cells::new();
    for outcome in outcomes {
        let (place, fault, often, outcome) = outcome.unwrap();
        cells.entry((place, fault, often)).or_default().extend(outcome);
    }
    let table = table(&cells);
    page::has(BEGIN, &table, END);
}

/// What became of statements, by command, fault and how often.
type Cells<'a> = BTreeMap<((&'a str, usize), &'a str, Often), BTreeSet<&'a str>>;

fn table(cells: &Cells<'_>) -> String {
    let mut table = String::from("| |");
    for (name, time) in COMMANDS {
        let time = if time == 1 { "" } else { ", again" };
        write!(table, " {name}{time} |").unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(COMMANDS.len()));
    for fault in FAULTS {
        write!(table, "\n| {fault} |").unwrap();
        for place in COMMANDS {
            let Some(_) = cells.get(&(place, fault, Often::Once)) else {
                write!(table, " |").unwrap();
                continue;
            };
            let said = |often| match cells[&(place, fault, often)].iter().copied().collect::<Vec<_>>()[..] {
                [] => "—".to_owned(),
                [one] => one.to_owned(),
                ref several if several.contains(&"error") => "error".to_owned(),
                ref several => several.last().unwrap().to_string(),
            };
            write!(table, " {} / {} |", said(Often::Once), said(Often::Always)).unwrap();
        }
    }
    table.push('\n');
    table
}

/// Statements that are asked at once; most of the time they wait.
const AT_ONCE: usize = 48;

const BEGIN: &str = "<!-- The fault matrix; written by tests/faults/matrix.rs. -->";
const END: &str = "<!-- The end of the fault matrix. -->";
