//! Random statements as people write them: the first rows, counts and groups, joins, sets.
//!
//! It only makes text, and says what SQL promises of the answer; each seed makes the same one again. The predicates are
//! those of [`crate::question`].

mod count;
mod first;
mod join;
mod set;
mod within;

use crate::chance::Chance;
use crate::question::predicate;

/// A statement, and how far SQL settles its answer.
#[derive(Debug)]
pub struct Statement {
    /// The text; [`KEYS`] and [`PARQUET`] stand for files that the test writes.
    pub sql: String,
    /// What two answers to it have in common.
    pub promise: Promise,
}

/// What two answers to a statement have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The rows, in any order.
    Rows,
    /// The rows, in this order.
    Order,
    /// So many columns of each row, in this order: among equals any may come first.
    Keys(usize),
    /// How many rows there are.
    Number,
}

impl Statement {
    /// The statement of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed ^ 0x5eed);
        let chance = &mut chance;
        match chance.below(20) {
            0..=5 => first::statement(chance),
            6..=9 => count::statement(chance),
            10..=14 => join::statement(chance),
            15..=17 => within::statement(chance),
            _ => set::statement(chance),
        }
    }

    fn rows(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), promise: Promise::Rows }
    }

    fn order(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), promise: Promise::Order }
    }
}

/// Stands for the name of a CSV file of folders, uids and numbers; some are of no message, and some are twice there.
pub const KEYS: &str = "'keys.csv'";
/// Stands for the name of a Parquet file of the same.
pub const PARQUET: &str = "'keys.parquet'";

/// A table as statements use it.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that tell its rows from each other, in any account.
    pub key: &'static [&'static str],
    /// Columns to choose and to sort by, all of which mean the same on every backend.
    pub columns: &'static [&'static str],
    /// What may be asked of it under a name, for which `?` stands.
    pub conditions: &'static [&'static str],
}

/// A table, most often that of messages.
fn table(chance: &mut Chance) -> &'static Table {
    &TABLES[[0, 0, 0, 0, 1, 2, 3, 4, 5][chance.below(9)]]
}

/// The table with a row for each message.
const MESSAGES: &Table = &TABLES[0];

const TABLES: [Table; 6] = [
    Table {
        name: "MessagesInFolder",
        key: &["account", "folder", "uid"],
        columns: &ENVELOPE,
        conditions: &ON_ENVELOPE,
    },
    Table {
        name: "MessageBody",
        key: &["account", "folder", "uid"],
        columns: &[
            "uid",
            "folder",
            "received_at",
            "size",
            "subject",
            "seen",
            "preview",
            "body_text",
            "body_html",
            "raw",
        ],
        conditions: &ON_ENVELOPE,
    },
    Table {
        name: "MessageHeaders",
        key: &["account", "folder", "uid", "position"],
        columns: &["uid", "folder", "position", "name", "value", "raw_value"],
        conditions: &["?.name = 'Subject'", "?.position = 1", "?.value LIKE '%e%'", "?.uid BETWEEN 3 AND 60"],
    },
    Table {
        name: "MessageAddresses",
        key: &["account", "folder", "uid", "role", "position"],
        columns: &["uid", "folder", "role", "position", "name", "address", "domain"],
        conditions: &["?.role = 'to'", "?.domain = 'example.org'", "?.name IS NULL", "?.uid BETWEEN 3 AND 60"],
    },
    Table {
        name: "MessageAttachments",
        key: &["account", "folder", "uid", "part"],
        columns: &["uid", "folder", "part", "name", "media_type", "size", "encoded_size", "is_inline"],
        conditions: &["?.size > 30", "?.name LIKE '%pdf'", "NOT ?.is_inline", "?.media_type LIKE 'a%'"],
    },
    Table {
        name: "AttachmentContent",
        key: &["account", "folder", "uid", "part"],
        columns: &["uid", "folder", "part", "name", "size", "sha256", "content"],
        conditions: &["?.size > 30", "?.name LIKE '%pdf'", "NOT ?.is_inline", "?.text IS NOT NULL"],
    },
];

const ENVELOPE: [&str; 20] = [
    "uid",
    "folder",
    "account",
    "received_at",
    "date",
    "size",
    "subject",
    "from_address",
    "from_name",
    "to_addresses",
    "seen",
    "flagged",
    "flags",
    "message_id",
    "in_reply_to",
    "thread_id",
    "reference_ids",
    "has_attachments",
    "attachment_count",
    "problems",
];

const ON_ENVELOPE: [&str; 14] = [
    "?.folder = 'INBOX'",
    "?.folder <> 'INBOX'",
    "?.seen",
    "NOT ?.seen",
    "?.uid < 20",
    "?.uid IN (1, 4, 7, 9, 60, 5000)",
    "?.size > 300",
    "?.received_at >= '2025-01-08'",
    "?.received_at < '2025-01-07T12:00:00Z'",
    "?.subject LIKE '%invoice%'",
    "?.subject ILIKE '%e%'",
    "?.from_address = 'ada@example.org'",
    "?.date > '2025-01-06'",
    "?.has_attachments",
];

/// A condition on a table under a name.
fn condition(chance: &mut Chance, of: &Table, name: &str) -> String {
    chance.one(of.conditions).replace('?', name)
}

/// `WHERE` and a predicate that is nested so deep at most; nothing in some cases.
fn filtered(chance: &mut Chance, of: &Table, depth: usize) -> String {
    match chance.below(6) {
        0 => String::new(),
        1 => format!(" WHERE folder = 'INBOX' AND ({})", predicate(chance, of.name, depth)),
        2 => format!(" WHERE {}", condition(chance, of, of.name)),
        _ => format!(" WHERE {}", predicate(chance, of.name, depth)),
    }
}

/// So many columns of a table at most, each once.
fn some_columns(chance: &mut Chance, of: &Table, most: usize) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = Vec::new();
    for _ in 0..=chance.below(most) {
        let column = chance.one(of.columns);
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

/// Which way a column is sorted.
fn direction(chance: &mut Chance) -> &'static str {
    chance.one(&["", "", " ASC", " DESC", " DESC", " NULLS FIRST", " DESC NULLS FIRST", " DESC NULLS LAST"])
}

/// `LIMIT`, in some cases with `OFFSET`.
fn limit(chance: &mut Chance) -> String {
    let rows = [0, 1, 1, 2, 3, 5, 10, 20, 100, 1000][chance.below(10)];
    match chance.below(4) {
        0 => format!(" LIMIT {rows} OFFSET {}", [0, 1, 3, 50, 300][chance.below(5)]),
        _ => format!(" LIMIT {rows}"),
    }
}
