//! The tasks: what is asked in SQL, what the least is that a server can be asked for it, and what has to come of it.

use super::corpus::{FOLDERS, Inbox};
use super::drain::THEN;

/// Something that people want of a mailbox.
pub struct Task {
    /// What it is called in the table; the part before `-` is the task, what follows a way to do it.
    pub name: &'static str,
    /// What is wanted.
    pub wants: &'static str,
    /// The statements of mailql.
    pub sql: &'static [&'static str],
    /// How mailql writes the answer, and so does everybody else.
    pub output: Output,
    /// What the drain says after signing in.
    pub commands: fn(&Inbox) -> Vec<String>,
    /// How many answers of the kind that carry the answer the drain must get.
    pub answers: fn(&Inbox) -> usize,
    /// What the answer must be.
    pub expected: fn(&Inbox) -> Expected,
    /// Whether it moves whole messages, and is done with the smaller inboxes only unless it is asked for by name.
    pub is_heavy: bool,
}

/// Where an answer goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// As CSV to standard output, which nobody reads.
    Csv,
    /// To a file.
    File,
    /// Into a directory, one file for each row.
    Directory,
}

/// What an answer must be, or the times say nothing.
pub enum Expected {
    /// So many lines of CSV under the first.
    Rows(usize),
    /// One line of CSV under the first.
    Line(String),
    /// So many messages of so many octets.
    Messages(u32, u64),
    /// So many files.
    Files(usize),
}

impl Task {
    /// The task without the way to do it.
    pub fn number(&self) -> &'static str {
        self.name.split('-').next().unwrap_or(self.name)
    }
}

/// All of them, in the order of the table.
pub const TASKS: [Task; 12] = [
    Task {
        name: "T1",
        wants: "all 61 folders with their counts",
        sql: &["SELECT folder, messages, unseen FROM Folder"],
        output: Output::Csv,
        commands: |_| vec!["LIST \"\" \"*\" RETURN (STATUS (MESSAGES UNSEEN))".to_owned()],
        answers: |_| 2 * (FOLDERS + 1),
        expected: |_| Expected::Rows(FOLDERS + 1),
        is_heavy: false,
    },
    Task {
        name: "T2",
        wants: "uid, subject, from, date, size, flags of all messages",
        sql: &[
            "SELECT uid, subject, from_address, from_name, date, size, flags FROM MessagesInFolder WHERE folder = 'INBOX'",
        ],
        output: Output::Csv,
        commands: |_| examine(["UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)])"]),
        answers: all,
        expected: |inbox| Expected::Rows(all(inbox)),
        is_heavy: false,
    },
    Task {
        name: "T3",
        wants: "the messages with `invoice` in the subject; the limit lets the server search",
        sql: &[INVOICES],
        output: Output::Csv,
        commands: search,
        answers: |inbox| inbox.invoices.len(),
        expected: |inbox| Expected::Rows(inbox.invoices.len()),
        is_heavy: false,
    },
    Task {
        name: "T3-fetch",
        wants: "the same; the limit takes the subjects of all, then the rest of those",
        sql: &[INVOICES],
        output: Output::Csv,
        commands: |inbox| {
            let mut commands = examine(["UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])"]);
            commands.push(THEN.to_owned());
            commands.extend(fetch(&inbox.invoices, "BODY.PEEK[HEADER.FIELDS (FROM DATE)]"));
            commands
        },
        answers: |inbox| all(inbox) + inbox.invoices.len(),
        expected: |inbox| Expected::Rows(inbox.invoices.len()),
        is_heavy: false,
    },
    Task {
        name: "T3-trust",
        wants: "the same; both let the server search",
        sql: &["SET mailql.text_pushdown = 'trust'", INVOICES],
        output: Output::Csv,
        commands: search,
        answers: |inbox| inbox.invoices.len(),
        expected: |inbox| Expected::Rows(inbox.invoices.len()),
        is_heavy: false,
    },
    Task {
        name: "T4",
        wants: "all header fields of all messages, counted and measured",
        sql: &["SELECT count(*), sum(length(raw_value)) FROM MessageHeaders WHERE folder = 'INBOX'"],
        output: Output::Csv,
        commands: |_| examine(["UID FETCH 1:* (UID BODY.PEEK[HEADER])"]),
        answers: all,
        expected: |inbox| Expected::Line(format!("{},", inbox.fields)),
        is_heavy: false,
    },
    Task {
        name: "T5",
        wants: "name, type, size of every attachment",
        sql: &["SELECT uid, part, name, media_type, size FROM MessageAttachments WHERE folder = 'INBOX'"],
        output: Output::Csv,
        commands: |_| examine([STRUCTURES]),
        answers: all,
        expected: |inbox| Expected::Rows(inbox.attachments),
        is_heavy: false,
    },
    Task {
        name: "T6-uid",
        wants: "the 10 messages that came last",
        sql: &[
            "SELECT uid, subject, from_address, date FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY uid DESC LIMIT 10",
        ],
        output: Output::Csv,
        commands: |inbox| {
            let mut commands = examine([]);
            commands.push(THEN.to_owned());
            let first = inbox.messages - 9;
            commands.push(format!("FETCH {first}:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)])"));
            commands
        },
        answers: |_| 10,
        expected: |_| Expected::Rows(10),
        is_heavy: false,
    },
    Task {
        name: "T6-date",
        wants: "the 10 messages with the latest dates; the limit lets the server sort",
        sql: &[
            "SELECT uid, subject, from_address, date FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY date DESC LIMIT 10",
        ],
        output: Output::Csv,
        commands: |inbox| {
            let mut commands = examine(["UID SORT RETURN (PARTIAL 1:10) (REVERSE DATE) US-ASCII ALL"]);
            commands.push(THEN.to_owned());
            commands.extend(fetch(&inbox.newest, "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)]"));
            commands
        },
        answers: |_| 10,
        expected: |_| Expected::Rows(10),
        is_heavy: false,
    },
    Task {
        name: "T7",
        wants: "how many messages the inbox has",
        sql: &["SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'"],
        output: Output::Csv,
        commands: |_| vec!["STATUS INBOX (MESSAGES)".to_owned()],
        answers: |_| 1,
        expected: |inbox| Expected::Line(inbox.messages.to_string()),
        is_heavy: false,
    },
    Task {
        name: "T8",
        wants: "all messages, into a file (a Parquet file of mailql; mbsync writes a Maildir)",
        sql: &["SELECT uid, raw FROM MessageBody WHERE folder = 'INBOX'"],
        output: Output::File,
        commands: |_| examine(["UID FETCH 1:* (UID BODY.PEEK[])"]),
        answers: all,
        expected: |inbox| Expected::Messages(inbox.messages, inbox.octets),
        is_heavy: true,
    },
    Task {
        name: "T9",
        wants: "every PDF, as a file (the limit saves nothing)",
        sql: &["SELECT name, content FROM AttachmentContent WHERE folder = 'INBOX' AND media_type = 'application/pdf'"],
        output: Output::Directory,
        commands: |inbox| {
            let mut commands = examine([STRUCTURES]);
            commands.push(THEN.to_owned());
            for part in 1..=MOST_PARTS {
                let of_part = inbox.pdfs.iter().filter(|(_, number)| *number == part);
                let uids: Vec<u32> = of_part.map(|(uid, _)| *uid).collect();
                commands.extend(fetch(&uids, &format!("BODY.PEEK[{part}]")));
            }
            commands
        },
        answers: |inbox| all(inbox) + inbox.pdfs.len(),
        expected: |inbox| Expected::Files(inbox.pdfs.len()),
        is_heavy: true,
    },
];

fn all(inbox: &Inbox) -> usize {
    inbox.messages as usize
}

fn examine<const N: usize>(commands: [&str; N]) -> Vec<String> {
    std::iter::once("EXAMINE INBOX").chain(commands).map(str::to_owned).collect()
}

fn search(_: &Inbox) -> Vec<String> {
    examine([
        "UID SEARCH RETURN (SAVE) SUBJECT \"invoice\"",
        "UID FETCH $ (UID BODY.PEEK[HEADER.FIELDS (SUBJECT FROM DATE)])",
    ])
}

/// Fetches an item of messages, in commands of bearable length.
fn fetch(uids: &[u32], item: &str) -> Vec<String> {
    let sets = uids.chunks(1000).map(|uids| uids.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    sets.map(|set| format!("UID FETCH {set} (UID {item})")).collect()
}

const INVOICES: &str =
    "SELECT uid, subject, from_address, date FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE '%invoice%'";

const STRUCTURES: &str = "UID FETCH 1:* (UID BODYSTRUCTURE)";

/// More than any mail of the corpus has at its top.
const MOST_PARTS: usize = 4;
