//! A server that answers for a few messages at a time and says so (RFC 9738), or does not say for which.

use crate::server::scripted::{Action, Command, Script};
use crate::{STATEMENTS, asked, at, failure, script};

#[tokio::test(flavor = "multi_thread")]
async fn answers_in_parts_are_put_together_each_message_once() {
    for capabilities in ["IMAP4rev1", "IMAP4rev1 ESEARCH", "IMAP4rev1 ESEARCH SEARCHRES", "IMAP4rev1 MESSAGELIMIT=2"] {
        for (fetch, search) in [(true, false), (false, true), (true, true)] {
            for most in [1, 2, 3] {
                for (statement, sql, expected) in STATEMENTS {
                    let script = limited(most, fetch, search).capabilities(capabilities);
                    let (rows, server) = asked(script, sql).await;
                    let place = || format!("{statement}, {most} at once, {capabilities}\n{}", server.transcript());
                    let rows = rows.unwrap_or_else(|error| panic!("{error}: {}", place()));
                    assert_eq!(rows, expected, "{}", place());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_not_named_is_an_error() {
    for (name, status) in [
        ("UID FETCH", "OK [MESSAGELIMIT 2] some"),
        ("UID SEARCH", "OK [MESSAGELIMIT 2] some"),
        ("UID FETCH", "NO [MESSAGELIMIT 2] none"),
    ] {
        let script = at(name, move |command, _| vec![Action::tagged(command, status)]);
        let error = failure(script, STATEMENTS[1].1).await;
        assert!(error.contains("in part only") || error.contains("none"), "{error}");
        assert!(error.contains("INBOX"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_does_not_grow_is_an_error() {
    for capabilities in ["IMAP4rev1", "IMAP4rev1 ESEARCH SEARCHRES"] {
        for (statement, sql, expected) in STATEMENTS {
            let stuck = script().capabilities(capabilities).on_command(|command, _, context| {
                (command.name == "UID FETCH" && context.folder.as_deref() == Some("INBOX"))
                    .then(|| vec![Action::tagged(command, "OK [MESSAGELIMIT 1 4] no more")])
            });
            let (rows, server) = asked(stuck, sql).await;
            match rows {
                Ok(rows) if server.count("UID FETCH") == 0 => assert_eq!(rows, expected),
                Ok(rows) => assert!(rows.is_empty(), "{statement}: {rows:?}\n{}", server.transcript()),
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.contains("in part only") || error.contains("does not deliver message 4"), "{error}");
                }
            }
        }
    }
}

/// A server that looks at so many messages only, the newest first.
fn limited(most: usize, fetch: bool, search: bool) -> Script {
    script().on_command(move |command, _, context| {
        let (uids, is_search) = match command.name.as_str() {
            "UID FETCH" if fetch => (command.arguments[0].text().to_owned(), false),
            "UID SEARCH" if search => (uids_of(&command.line), true),
            _ => return None,
        };
        let present: &[u32] = if context.folder.as_deref() == Some("INBOX") { &[1, 2, 4, 5] } else { &[7] };
        // What was saved was limited before.
        let asked: Vec<u32> = present.iter().rev().copied().filter(|uid| is_in(*uid, &uids)).collect();
        let lowest = *asked.get(most - 1)?;
        if asked.len() == most || uids == "$" {
            return None;
        }
        let rest = command.line.split_once(&command.name).unwrap().1;
        let line = if is_search {
            let (options, keys) = match rest.split_once(") ") {
                Some((options, keys)) if rest.starts_with(" RETURN") => (format!("{options})"), keys),
                _ => (String::new(), rest.trim_start()),
            };
            format!("{} UID SEARCH{options} UID {lowest}:9 {keys}", command.tag)
        } else {
            let items = rest.trim_start().split_once(' ').unwrap().1;
            let set: Vec<String> = asked[..most].iter().map(u32::to_string).collect();
            format!("{} UID FETCH {} {items}", command.tag, set.join(","))
        };
        let status = format!("OK [MESSAGELIMIT {most} {lowest}] more another time");
        Some(vec![Action::AnswerTo(line), Action::tagged(command, &status)])
    })
}

/// The uids that a search is about.
fn uids_of(line: &str) -> String {
    let after = line.split_once("SEARCH").unwrap().1;
    after.split_once("UID ").map_or("1:*", |(_, rest)| rest.split([' ', ')']).next().unwrap()).to_owned()
}

fn is_in(uid: u32, set: &str) -> bool {
    let number = |text: &str| if text == "*" { u32::MAX } else { text.parse().unwrap() };
    set == "$"
        || set.split(',').any(|range| {
            let (low, high) = range.split_once(':').unwrap_or((range, range));
            (number(low)..=number(high)).contains(&uid)
        })
}

#[test]
fn sets_are_understood() {
    assert_eq!(uids_of(&Command::parse(b"A1 UID SEARCH RETURN (ALL) UID 1:3 UNSEEN").line), "1:3");
    assert_eq!(uids_of("A1 UID SEARCH UNSEEN"), "1:*");
    assert!(is_in(3, "1,3:*") && !is_in(2, "1,3:4"));
}
