//! Statements within statements: IN, NOT IN, EXISTS, NOT EXISTS, and values that a statement gives.

use super::{KEYS, MESSAGES, Statement, TABLES, Table, condition, limit, table};
use crate::chance::Chance;
use crate::question::predicate;

/// A statement with another in it.
pub fn statement(chance: &mut Chance) -> Statement {
    let of = table(chance);
    let (inner, not) = (table(chance), if chance.once_in(3) { "NOT " } else { "" });
    let test = match chance.below(10) {
        0 | 1 => exists(chance, inner, not),
        2 => format!("{not}EXISTS (SELECT 1 FROM {KEYS} k WHERE k.folder = a.folder AND k.uid = a.uid)"),
        // DataFusion 55.2 has no NOT IN over a statement that refers to what is around it.
        3 => format!("a.uid IN (SELECT uid FROM {KEYS} WHERE folder = a.folder)"),
        4 => format!("a.uid {not}IN (SELECT uid FROM {KEYS})"),
        5 => format!("a.uid {not}IN (SELECT uid FROM {} WHERE {})", inner.name, predicate(chance, inner.name, 1)),
        6 => {
            let by = chance.one(inner.columns);
            let rows = 1 + chance.below(9);
            let key = inner.key.join(", ");
            format!("a.uid {not}IN (SELECT uid FROM {} ORDER BY {by} DESC, {key} LIMIT {rows})", inner.name)
        }
        7 => format!("a.folder {not}IN (SELECT folder FROM {} WHERE {})", inner.name, predicate(chance, inner.name, 1)),
        8 => value(chance, inner),
        _ => return on_messages(chance, not),
    };
    let both = match chance.below(4) {
        0 => format!("{test} AND {}", condition(chance, of, "a")),
        1 => format!("({test} OR {})", condition(chance, of, "a")),
        2 => format!("{} AND {test}", condition(chance, of, "a")),
        _ => test,
    };
    chosen(chance, of, &both)
}

/// Whether there is something of the same message, or of the same folder.
fn exists(chance: &mut Chance, inner: &Table, not: &str) -> String {
    let same = match chance.below(4) {
        0 => "b.uid = a.uid AND b.account = a.account AND a.folder = b.folder",
        1 => "a.uid = b.uid",
        2 => "b.folder = a.folder AND b.uid < a.uid AND b.uid > 3 AND a.uid < 30",
        _ => "b.folder = a.folder AND b.uid = a.uid",
    };
    let side = match chance.below(3) {
        0 => format!("(SELECT * FROM {} WHERE {})", inner.name, predicate(chance, inner.name, 1)),
        _ => inner.name.to_owned(),
    };
    format!("{not}EXISTS (SELECT 1 FROM {side} b WHERE {same} AND {})", condition(chance, inner, "b"))
}

/// A comparison with what a statement gives.
fn value(chance: &mut Chance, inner: &Table) -> String {
    let (name, aggregate) = (inner.name, chance.one(&["max", "min", "count", "avg"]));
    let operator = chance.one(&["=", "<", ">=", "<>"]);
    match chance.below(3) {
        0 => format!("a.uid {operator} (SELECT {aggregate}(uid) FROM {name} WHERE {})", predicate(chance, name, 1)),
        1 => format!("a.uid {operator} (SELECT {aggregate}(b.uid) FROM {name} b WHERE b.folder = a.folder)"),
        _ => format!("(SELECT count(*) FROM {name} b WHERE b.folder = a.folder AND b.uid = a.uid) {operator} 1"),
    }
}

/// Messages by what they answer, which may be nothing.
fn on_messages(chance: &mut Chance, not: &str) -> Statement {
    let inner = chance.one(&[
        "SELECT in_reply_to FROM MessagesInFolder",
        "SELECT in_reply_to FROM MessagesInFolder WHERE in_reply_to IS NOT NULL",
        "SELECT message_id FROM MessagesInFolder WHERE folder <> 'INBOX'",
        "SELECT in_reply_to FROM MessageBody WHERE body_text LIKE '%e%'",
        "SELECT thread_id FROM MessagesInFolder WHERE uid < 4 AND thread_id IS NOT NULL",
    ]);
    let column = chance.one(&["message_id", "in_reply_to", "thread_id"]);
    let of = if chance.once_in(3) { &TABLES[1] } else { MESSAGES };
    chosen(chance, of, &format!("a.{column} {not}IN ({inner})"))
}

fn chosen(chance: &mut Chance, of: &Table, test: &str) -> Statement {
    let (name, key) = (of.name, of.key.join(", "));
    let column = chance.one(of.columns);
    match chance.below(6) {
        0 => Statement::rows(format!("SELECT count(*) FROM {name} a WHERE {test}")),
        1 => Statement::rows(format!(
            "SELECT folder, count(*), max(uid), count({column}) FROM {name} a WHERE {test} GROUP BY folder"
        )),
        2 => Statement::order(format!(
            "SELECT {column} FROM {name} a WHERE {test} ORDER BY {column}, {key}{}",
            limit(chance)
        )),
        3 => Statement::rows(format!("SELECT uid FROM {name} a WHERE {test}")),
        4 => Statement::rows(format!(
            "SELECT uid, (SELECT count(*) FROM MessageAttachments b WHERE b.folder = a.folder AND b.uid = a.uid) \
             FROM {name} a WHERE {test}"
        )),
        _ => Statement::rows(format!("SELECT {key}, {column} AS x FROM {name} a WHERE {test}")),
    }
}
