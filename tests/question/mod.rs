//! Random predicates on the tables, and the questions that they are part of.
//!
//! It only makes text; each seed makes the same one again.

// Each test takes from it what it needs.
#![allow(dead_code)]

use std::collections::BTreeSet;

use crate::chance::Chance;
use crate::mail;

/// Seeds that failed once: they ask what they asked then.
pub const FAILED: [u64; 3] = [3_000_719, 6_010_483, 6_011_156];

/// What a seed asks.
pub struct Question {
    /// The table.
    pub table: &'static str,
    /// The columns that tell its rows.
    pub row: &'static str,
    /// What must hold of them.
    pub predicate: String,
}

impl Question {
    /// The question of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let (table, row) = TABLES[chance.below(TABLES.len())];
        let mut predicate = predicate(&mut chance, table, 3);
        // What was thought of later has numbers of its own, so that older seeds still make what they made.
        let mut later = Chance::of(!seed.rotate_left(32));
        if !FAILED.contains(&seed) && !later.once_in(3) {
            let other = form(&mut later, table);
            predicate = match later.below(5) {
                0 | 1 => other,
                2 => format!("({predicate} AND {other})"),
                3 => format!("({predicate} OR {other})"),
                _ => format!("({predicate} AND NOT ({other}))"),
            };
        }
        Self { table, row, predicate }
    }

    /// The statement that gives the rows.
    pub fn all(&self) -> String {
        format!("SELECT {} FROM {} WHERE {}", self.row, self.table, self.predicate)
    }
}

/// Tables, most often that of messages, and the columns that tell their rows.
const TABLES: [(&str, &str); 12] = [
    ("MessagesInFolder", "account, folder, uid"),
    ("MessagesInFolder", "account, folder, uid"),
    ("MessagesInFolder", "account, folder, uid"),
    ("MessagesInFolder", "account, folder, uid"),
    ("MessagesInFolder", "account, folder, uid, subject, size, seen"),
    ("MessagesInFolder", "account, folder, uid, problems"),
    ("MessageBody", "account, folder, uid"),
    ("MessageBody", "account, folder, uid, preview, problems"),
    ("MessageHeaders", "account, folder, uid, position"),
    ("MessageAddresses", "account, folder, uid, role, position"),
    ("MessageAttachments", "account, folder, uid, part"),
    ("AttachmentContent", "account, folder, uid, part, sha256"),
];

/// The names of the tables that are asked, each once.
pub fn tables() -> BTreeSet<&'static str> {
    TABLES.iter().map(|(table, _)| *table).collect()
}

/// A predicate on a table, nested so deep at most.
pub fn predicate(chance: &mut Chance, table: &str, depth: usize) -> String {
    if depth > 0 && !chance.once_in(3) {
        let mut inner = || predicate(chance, table, depth - 1);
        let (left, right) = (inner(), inner());
        return match chance.below(7) {
            0 | 1 => format!("({left} AND {right})"),
            2 | 3 => format!("({left} OR {right})"),
            4 => format!("NOT ({left})"),
            5 => format!("NOT ({left} AND {right})"),
            _ => format!("(CASE WHEN {left} THEN {right} ELSE uid > 20 END)"),
        };
    }
    let has_envelope = matches!(table, "MessagesInFolder" | "MessageBody");
    match chance.below(if has_envelope { 12 } else { 8 }) {
        0..=2 => on_uid(chance, table),
        3 => on_folder(chance),
        4 => chance.one(&CONSTANTS).to_owned(),
        5..=7 if !has_envelope => on_item(chance, table),
        5 => on_text(chance),
        6 => chance.one(&FLAGS).to_owned(),
        7 => on_size(chance),
        8 | 9 => on_received_at(chance),
        10 => chance.one(&OTHERS).to_owned(),
        _ if table == "MessageBody" => on_item(chance, table),
        _ => on_text(chance),
    }
}

const CONSTANTS: [&str; 7] = ["true", "NULL", "1 = 0", "false", "1 < 2", "CAST(NULL AS BOOLEAN)", "uid = uid"];

fn on_uid(chance: &mut Chance, table: &str) -> String {
    let number = |chance: &mut Chance| match chance.below(12) {
        0 => "0".to_owned(),
        1 => "-3".to_owned(),
        2 => "4294967295".to_owned(),
        3 => "4294967296".to_owned(),
        4 => "5000000000".to_owned(),
        5 if chance.once_in(3) => "NULL".to_owned(),
        6 => format!("'{}'", chance.below(60)),
        _ => chance.below(60).to_string(),
    };
    let not = if chance.once_in(3) { "NOT " } else { "" };
    match chance.below(12) {
        0..=4 => {
            let operator = chance.one(&["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
            let number = number(chance);
            if chance.once_in(3) && !operator.starts_with("IS") {
                format!("{number} {operator} uid")
            } else {
                format!("(uid {operator} {number})")
            }
        }
        5 | 6 => {
            let mut numbers: Vec<_> = (0..=chance.below(8)).map(|_| number(chance).replace('\'', "")).collect();
            if chance.once_in(4) {
                let column = match table {
                    "MessagesInFolder" => chance.one(&["uid", "size", "uid + 1", "length(subject)"]),
                    _ => chance.one(&["uid", "uid + 1"]),
                };
                numbers.push(column.to_owned());
            }
            format!("uid {not}IN ({})", numbers.join(", "))
        }
        7 => format!("uid {not}BETWEEN {} AND {}", number(chance), number(chance)),
        8 => format!("uid % {} = {}", 1 + chance.below(4), chance.below(3)),
        9 => format!("(uid = {}) IS {not}TRUE", number(chance)),
        10 => {
            let aggregate = chance.one(&["max", "min", "count", "avg"]);
            format!("uid {} (SELECT {aggregate}(uid) FROM {table} WHERE uid < 40)", chance.one(&["=", "<", ">="]))
        }
        _ => format!("uid {not}IN (SELECT uid FROM MessagesInFolder WHERE {})", chance.one(&FLAGS)),
    }
}

/// Only folders that there are: one that is not there and is named by `=` is an error either way.
fn on_folder(chance: &mut Chance) -> String {
    let folder = |chance: &mut Chance| mail::FOLDERS[chance.below(mail::FOLDERS.len())];
    match chance.below(10) {
        0..=2 => format!("folder = '{}'", folder(chance)),
        3 if chance.once_in(3) => format!("'{}' IN (folder, account, '{}')", folder(chance), folder(chance)),
        3 => format!("folder IN ('{}', '{}')", folder(chance), folder(chance)),
        4 => format!("folder NOT IN ('{}', '{}', '{0}', '{1}')", folder(chance), folder(chance)),
        5 => format!("folder <> '{}'", folder(chance)),
        6 => format!("folder LIKE '{}'", chance.one(&["INB%", "%e%", "%/%", "inb%", "nowhere%", "%ü%"])),
        7 => format!("lower(folder) = '{}'", folder(chance).to_lowercase()),
        8 => format!("folder > '{}'", folder(chance)),
        _ => chance
            .one(&["account = 'mail'", "account <> 'mail'", "account LIKE 'm%'", "account || folder = 'mailINBOX'"])
            .to_owned(),
    }
}

fn on_size(chance: &mut Chance) -> String {
    let size = [-1, 0, 1, 250, 270, 300, 301, 400, 1000, 70_000, 5_000_000_000, i64::MAX][chance.below(12)];
    match chance.below(8) {
        0 => format!("size BETWEEN 200 AND {size}"),
        1 if chance.once_in(2) => format!("size {}IN (250, uid, {size})", chance.one(&["", "NOT "])),
        1 => format!("size IN (250, {size}, 301)"),
        2 => "size IS NULL".to_owned(),
        3 => format!("size / 2 > {size}"),
        _ => format!("size {} {size}", chance.one(&["=", "<>", "<", "<=", ">", ">="])),
    }
}

fn on_received_at(chance: &mut Chance) -> String {
    let (day, hour) = (3 + chance.below(12), chance.below(24));
    let instant = match chance.below(7) {
        0 => format!("'2025-01-{day:02}'"),
        1 => format!("'2025-01-{day:02}T{hour:02}:00:00Z'"),
        2 => format!("'2025-01-{day:02}T{hour:02}:30:00+11:00'"),
        3 => format!("DATE '2025-01-{day:02}'"),
        4 => format!("TIMESTAMP '2025-01-{day:02} {hour:02}:00:00'"),
        5 => format!("TIMESTAMP '2025-01-20 00:00:00' - INTERVAL '{day} days {hour} hours'"),
        _ => format!("(SELECT min(received_at) FROM MessagesInFolder) + INTERVAL '{hour} hours'"),
    };
    let operator = chance.one(&["=", "<>", "<", "<=", ">", ">="]);
    match chance.below(16) {
        0 => format!("received_at::date {operator} '2025-01-{day:02}'"),
        1 => format!("CAST(received_at AS DATE) IN ('2025-01-{day:02}', '2025-01-08')"),
        2 | 3 => {
            let unit = chance.one(&["hour", "day", "week", "month", "quarter", "year", "minute"]);
            let begin = chance.one(&["2025-01-01", "2025-01-06", "2025-01-08", "2024-12-30", "2025-02-01"]);
            format!("date_trunc('{unit}', received_at) {operator} '{begin}'")
        }
        4 => format!("extract(year FROM received_at) {operator} {}", 2024 + chance.below(3)),
        5 => format!("extract(day FROM received_at) {operator} {day}"),
        6 => format!("received_at BETWEEN '2025-01-{day:02}' AND '2025-01-{:02}T{hour:02}:00:00Z'", day + 2),
        7 => format!("received_at > now() - INTERVAL '{} days'", 1 + 400 * chance.below(9)),
        8 => chance.one(&["received_at IS NULL", "received_at IS NOT NULL", "received_at = NULL"]).to_owned(),
        9 => format!("to_char(received_at, '%Y-%m-%d') = '2025-01-{day:02}'"),
        10 => format!("received_at + INTERVAL '1 day' {operator} '2025-01-{day:02}'"),
        11 => format!("CAST(received_at AS TIMESTAMP) {operator} TIMESTAMP '2025-01-{day:02} {hour:02}:00:00'"),
        _ => format!("received_at {operator} {instant}"),
    }
}

/// Forms in which people write dates, sizes, flags and folders.
fn form(chance: &mut Chance, table: &str) -> String {
    if !matches!(table, "MessagesInFolder" | "MessageBody") {
        return match chance.below(3) {
            0 => format!("(uid < {}) IS NOT TRUE", chance.below(40)),
            1 => format!("uid {} {}.5", chance.one(&["<", ">=", "="]), chance.below(40)),
            _ => on_folder(chance),
        };
    }
    let not = if chance.once_in(4) { "NOT " } else { "" };
    let (day, other) = (3 + chance.below(12), 3 + chance.below(12));
    let operator = chance.one(&["=", "<>", "<", "<=", ">", ">="]);
    let at = match chance.below(5) {
        0 => "(received_at AT TIME ZONE 'Asia/Tokyo')",
        1 => "(received_at AT TIME ZONE 'America/Los_Angeles')",
        _ => "received_at",
    };
    match chance.below(16) {
        0 => format!("{at}::date {not}IN ('2025-01-{day:02}', '2025-01-{other:02}', '2025-02-01', '2024-01-01')"),
        1 => {
            let days: Vec<_> = (0..12).map(|days| format!("'2025-01-{:02}'", 1 + (day * days) % 28)).collect();
            format!("{at}::date {not}IN ({})", days.join(", "))
        }
        2 => format!("{at}::date {operator} '2025-01-{day:02}'"),
        3 => {
            let (unit, begin) =
                [("day", "2025-01-08"), ("week", "2025-01-06"), ("month", "2025-01-01")][chance.below(3)];
            format!("date_trunc('{unit}', {at})::date {operator} '{begin}'")
        }
        4 => {
            let stride = chance.one(&["1 day", "7 days", "1 hour", "36 hours", "1 month", "15 minutes"]);
            format!("date_bin(INTERVAL '{stride}', received_at, TIMESTAMP '2025-01-01') {operator} '2025-01-{day:02}'")
        }
        5 => {
            let interval = chance.one(&["1 day", "36 hours", "1 month", "-2 days", "1 month 3 days"]);
            let sign = chance.one(&["+", "-"]);
            format!("received_at {sign} INTERVAL '{interval}' {operator} '2025-01-{day:02}'")
        }
        6 => {
            let (format, text) =
                [("%Y", "2025"), ("%Y-%m", "2025-01"), ("%F", "2025-01-08"), ("%d.%m.%Y", "08.01.2025")]
                    [chance.below(4)];
            format!("to_char({at}, '{format}') {operator} '{text}'")
        }
        7 => format!("{at}::text {not}LIKE '2025-01-{}%'", chance.one(&["", "0", "08", "1_", "08T1"])),
        8 => format!("{at}::date BETWEEN '2025-01-{day:02}' AND '2025-01-{other:02}'"),
        9 => format!("(received_at {operator} '2025-01-{day:02}') IS {not}TRUE"),
        10 => format!("size {not}IN (250, 270, 300, 301, {day}, 400, 1000)"),
        11 => format!("size {operator} {}", chance.one(&["300.0", "299.5", "2.7e2", "-0.5", "1e30"])),
        12 => format!("(size {operator} 300) IS {not}TRUE"),
        13 => format!("({}) IS {not}{}", chance.one(&FLAGS), chance.one(&["TRUE", "FALSE", "UNKNOWN"])),
        14 => format!("(seen {} flagged) = {}", chance.one(&["AND", "OR"]), chance.one(&["true", "false"])),
        _ => format!("(uid > {day} AND {not}seen) {operator} true"),
    }
}

fn on_text(chance: &mut Chance) -> String {
    let column = chance.one(&["subject", "from_address", "from_name", "message_id", "thread_id", "to_addresses"]);
    let not = if chance.once_in(3) { "NOT " } else { "" };
    match chance.below(7) {
        0 => format!("{column} IS {not}NULL"),
        1 => format!("{column} {not}LIKE '%{}%'", chance.one(&["invoice", "a", "example", "<", "ü", "zzz"])),
        2 => format!("{column} {not}ILIKE '{}%'", chance.one(&["re", "ada", "LAMP", "<", "%"])),
        3 => format!("{column} = '{}'", chance.one(&["ada@example.org", "Lamp invoice 17", "", "Ada Quist"])),
        4 => format!("lower({column}) > 'm'"),
        5 => format!("length({column}) > {}", chance.below(40)),
        _ => format!("coalesce({column}, 'x') <> from_address"),
    }
}

const FLAGS: [&str; 15] = [
    "seen",
    "NOT seen",
    "seen = false",
    "seen = true",
    "flagged",
    "answered <> true",
    "(deleted IS NOT TRUE)",
    "draft IS FALSE",
    "draft = flagged",
    "seen IS NULL",
    "seen = NULL",
    "(seen IS NOT DISTINCT FROM true)",
    "seen <> flagged",
    "flags LIKE '%Seen%'",
    "flags = ''",
];

const OTHERS: [&str; 11] = [
    "problems IS NULL",
    "problems IS NOT NULL",
    "has_attachments",
    "NOT has_attachments",
    "attachment_count > 1",
    "date >= '2025-01-07'",
    "date IS NULL",
    "date > received_at",
    "labels IS NULL",
    "in_reply_to IS NOT NULL",
    "message_id IN (SELECT in_reply_to FROM MessagesInFolder)",
];

fn on_item(chance: &mut Chance, table: &str) -> String {
    let predicates: &[&str] = match table {
        "MessageBody" => &[
            "body_text LIKE '%invoice%'",
            "body_text IS NULL",
            "body_html IS NOT NULL",
            "preview ILIKE '%a%'",
            "length(body_text) < 20",
            "raw IS NULL",
        ],
        "MessageHeaders" => &[
            "name = 'Subject'",
            "lower(name) = 'received'",
            "position = 1",
            "position > 4",
            "value LIKE '%invoice%'",
            "raw_value <> value",
        ],
        "MessageAddresses" => &[
            "role = 'to'",
            "role IN ('from', 'cc')",
            "position > 1",
            "name IS NULL",
            "domain = 'example.org'",
            "address IS NULL",
        ],
        _ => &[
            "media_type = 'application/pdf'",
            "name LIKE '%.pdf'",
            "is_inline",
            "size > 1000",
            "size < encoded_size",
            "disposition IS NULL",
            "part = '2'",
        ],
    };
    chance.one(predicates).to_owned()
}
