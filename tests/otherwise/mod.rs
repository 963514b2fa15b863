//! Rows that a server gives otherwise than all other backends do, each with the reason.
//!
//! A file of `tests/sql/` is one for all. What a server makes of a mail is its own affair, and may not be what we make of
//! it; so where its answer differs, it must differ in just these rows, and wherever they stand.

pub mod eml;

use std::collections::BTreeSet;
use std::sync::Mutex;

use sqllogictest::Normalizer;

/// A mail that a server reads in its own way.
pub struct Otherwise {
    /// What is odd about the mail, and what the server makes of it.
    pub why: &'static str,
    /// Rows that others have.
    pub theirs: &'static [&'static str],
    /// Rows that it has.
    pub its: &'static [&'static str],
}

/// A mail of which a server drops something without a sign, so that a cell depends on what else is selected.
pub struct Dropped {
    /// The server, and which mail it has.
    pub server: &'static str,
    /// The folder and uid of the mail.
    pub mail: &'static str,
    /// The columns that it concerns.
    pub columns: &'static [&'static str],
    /// What the server drops.
    pub why: &'static str,
}

/// All of them; `docs/reliability.md` has this list.
pub static DROPPED: [Dropped; 6] = [
    Dropped {
        server: "Cyrus, odd",
        mail: "Odd to servers 7",
        columns: &["preview", "body_text"],
        why: "it takes a line that begins with a boundary and goes on for text",
    },
    Dropped {
        server: "Cyrus, odd",
        mail: "Odd to servers 10",
        columns: &["preview", "body_text"],
        why: "it takes a line that begins with a boundary and goes on for text",
    },
    Dropped {
        server: "Dovecot, odd",
        mail: "Odd to servers 11",
        columns: &["from_address"],
        why: "it does not find a field with a byte order mark before it by its name, only in the whole header",
    },
    Dropped {
        server: "Cyrus, odd",
        mail: "Odd to servers 11",
        columns: &["from_address"],
        why: "it does not find a field with a byte order mark before it by its name, only in the whole header",
    },
    Dropped {
        server: "Cyrus, corpus",
        mail: "INBOX 38",
        columns: &["subject"],
        why: "it does not find a field whose name ends with a blank by its name, only in the whole header",
    },
    Dropped {
        server: "Cyrus, corpus",
        mail: "INBOX 136",
        columns: &["preview", "body_text", "body_html"],
        why: "of two fields Content-Type it goes by the last",
    },
];

/// What a server dropped, where that explains a difference: `MessageBody.subject: INBOX 38: …`.
pub fn dropped(server: &str, difference: &str) -> Option<&'static Dropped> {
    DROPPED.iter().find(|dropped| {
        let concerns = |column: &&&str| difference.contains(&format!(".{column}: {}:", dropped.mail));
        dropped.server == server && dropped.columns.iter().any(|column| concerns(&column))
    })
}

/// What Cyrus does otherwise.
static CYRUS: [Otherwise; 4] = [
    Otherwise {
        why: "who makes a folder within another has made that, too; to others its name is part of a name",
        theirs: &[],
        its: &["mail Archive Archive NULL / archive true", "Archive 0 0 0 0 0 NULL NULL"],
    },
    Otherwise {
        why: "a field whose name ends with a blank is not found by its name; it takes no such mail from anybody",
        theirs: &["INBOX 38 a space too many"],
        its: &["INBOX 38 NULL"],
    },
    Otherwise {
        why: "of two fields Content-Type, it goes by the last",
        theirs: &["INBOX 136 which?", "INBOX 136 <p>which?</p>⏎"],
        its: &["INBOX 136 <p>which?</p>⏎", "INBOX 136 <p>which?</p>"],
    },
    Otherwise {
        why: "a boundary of the outer multipart does not end an inner one that is still open",
        theirs: &[
            "INBOX 173 2 last.txt text/plain NULL attachment false NULL 7bit 4 4",
            "INBOX 173 2 last.txt 4 3547cb112ac4489af2310c0626cdba6f3097a2ad5a3b42ddd3b59c76c7a079a3 last",
        ],
        its: &[
            "INBOX 173 1.2 last.txt text/plain NULL attachment false NULL 7bit 4 4",
            "INBOX 173 1.2 last.txt 4 3547cb112ac4489af2310c0626cdba6f3097a2ad5a3b42ddd3b59c76c7a079a3 last",
        ],
    },
];

/// The rows by which an answer of Cyrus differed so far, of its own and of others.
static FOUND: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Whether an answer of Cyrus is what it should be, but for the rows that are known.
pub fn holds_on_cyrus(normalizer: Normalizer, actual: &[Vec<String>], expected: &[String]) -> bool {
    let mut expected: Vec<String> = expected.iter().map(normalizer).collect();
    let line = |row: &Vec<String>| row.iter().map(normalizer).collect::<Vec<_>>().join(" ");
    let mut actual: Vec<String> = actual.iter().map(line).collect();
    let lost = without(&mut expected, &actual.clone(), |otherwise| otherwise.theirs);
    let gained = without(&mut actual, &expected, |otherwise| otherwise.its);
    FOUND.lock().unwrap().extend(lost.into_iter().chain(gained));
    actual == expected
}

/// Removes the known rows from one side that are not on the other, and gives them.
fn without(rows: &mut Vec<String>, others: &[String], known: fn(&Otherwise) -> &[&str]) -> Vec<String> {
    let is_known =
        |row: &String| !others.contains(row) && CYRUS.iter().any(|otherwise| known(otherwise).contains(&&**row));
    rows.extract_if(.., |row| is_known(row)).collect()
}

/// Known rows by which no answer differed, each with the reason why one should.
pub fn forgotten_on_cyrus() -> Vec<(&'static str, &'static str)> {
    let found = FOUND.lock().unwrap();
    let rows =
        |otherwise: &'static Otherwise| otherwise.theirs.iter().chain(otherwise.its).map(|row| (*row, otherwise.why));
    CYRUS.iter().flat_map(rows).filter(|(row, _)| !found.contains(*row)).collect()
}
