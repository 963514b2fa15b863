//! Tables joined with each other, with themselves, with values and with files.

use super::{KEYS, MESSAGES, PARQUET, Promise, Statement, TABLES, Table, condition, direction, limit, table};
use crate::chance::Chance;
use crate::question::predicate;

/// A statement over a join.
pub fn statement(chance: &mut Chance) -> Statement {
    match chance.below(12) {
        0..=4 => of_two(chance),
        5 => of_three(chance),
        6 => of_answers(chance),
        7 => with_folders(chance),
        _ => with_keys(chance),
    }
}

/// Two tables of messages by the key, or what of it tells messages.
fn of_two(chance: &mut Chance) -> Statement {
    let (left, right) = sides(chance);
    let (one, two) = (side(chance, left), side(chance, right));
    let kind = kind(chance);
    let on = by_key(chance, "a", "b");
    let join = format!("{one} a {kind} {two} b {on}");
    if kind.contains("SEMI") || kind.contains("ANTI") {
        return chosen(chance, &join, &[("a", left)]);
    }
    chosen(chance, &join, &[("a", left), ("b", right)])
}

fn of_three(chance: &mut Chance) -> Statement {
    let (left, right) = sides(chance);
    let (one, two, three) = (side(chance, left), side(chance, right), side(chance, MESSAGES));
    let (first, second) = (kind_with_both(chance), kind_with_both(chance));
    let from = chance.one(&["a", "a", "b"]);
    let on = format!("ON a.folder = b.folder AND a.uid = b.uid AND {}", chance.one(&["true", "b.account = a.account"]));
    let join =
        format!("{one} a {first} {two} b {on} {second} {three} c ON c.uid = {from}.uid AND {from}.folder = c.folder");
    chosen(chance, &join, &[("a", left), ("b", right), ("c", MESSAGES)])
}

/// Messages and those that answer them, or that belong together.
fn of_answers(chance: &mut Chance) -> Statement {
    let other = if chance.once_in(3) { &TABLES[1] } else { MESSAGES };
    let (one, two) = (side(chance, MESSAGES), side(chance, other));
    let kind = kind_with_both(chance);
    let on = chance.one(&[
        "a.message_id = b.in_reply_to",
        "b.in_reply_to = a.message_id AND a.folder = b.folder",
        "a.thread_id = b.thread_id AND a.uid < b.uid",
        "a.size = b.size AND a.folder = b.folder",
        "a.received_at = b.received_at",
        "a.uid = b.uid + 1 AND a.folder = b.folder",
    ]);
    // What is equal in very many rows is joined to few.
    chosen(chance, &format!("{one} a {kind} {two} b ON {on}"), &[("a", MESSAGES), ("b", other)])
}

fn with_folders(chance: &mut Chance) -> Statement {
    let join = chance.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN"]);
    let messages = side(chance, MESSAGES);
    let condition = chance.one(&["", " WHERE f.role = 'inbox'", " WHERE f.messages < 9", " WHERE f.folder LIKE '%e%'"]);
    let (left, right) = (format!("Folder f {join} {messages} m"), format!("{messages} m {join} Folder f"));
    let tables = if chance.once_in(2) { left } else { right };
    if chance.once_in(2) {
        return Statement::rows(format!(
            "SELECT f.folder, f.messages, f.unseen, m.uid, m.seen FROM {tables} USING (account, folder){condition}"
        ));
    }
    let counts = "f.folder, f.messages, f.unseen, count(m.uid), sum(m.size), max(m.uid)";
    Statement::rows(format!("SELECT {counts} FROM {tables} USING (account, folder){condition} GROUP BY 1, 2, 3"))
}

/// Mail of which somebody else says which it is.
fn with_keys(chance: &mut Chance) -> Statement {
    let of = table(chance);
    let mail = side(chance, of);
    let keys = match chance.below(4) {
        0 => {
            let rows: Vec<String> = (0..=chance.below(6))
                .map(|number| {
                    let folder = chance.one(&["INBOX", "INBOX", "Lists", "Archive/2025", "Nowhere"]);
                    format!("('{folder}', {}, {number})", chance.below(30))
                })
                .collect();
            format!("(VALUES {})", rows.join(", "))
        }
        1 => format!("(SELECT folder, uid, n FROM {PARQUET})"),
        2 => format!("(SELECT folder, uid, n FROM {KEYS} WHERE n < {})", chance.below(40)),
        _ => format!("(SELECT * FROM {KEYS})"),
    };
    let keys = format!("{keys} k(folder, uid, n)");
    let both = chance.one(&["k.folder = b.folder AND k.uid = b.uid", "b.uid = k.uid AND b.folder = k.folder"]);
    let on = match chance.below(6) {
        0 => "b.uid = k.uid AND b.folder = 'INBOX'".to_owned(),
        1 => format!("{both} AND b.uid > k.n"),
        _ => both.to_owned(),
    };
    let kind = kind(chance);
    let is_mail_first = chance.once_in(2);
    let has_mail = !(kind.contains("SEMI") || kind.contains("ANTI")) || is_mail_first;
    let join = if is_mail_first {
        format!("{mail} b {kind} {keys} ON {on}")
    } else {
        format!("{keys} {kind} {mail} b ON {on}")
    };
    if !has_mail {
        return Statement::rows(format!("SELECT k.folder, k.uid, k.n FROM {join}"));
    }
    chosen(chance, &join, &[("b", of)])
}

/// What is chosen of a join: rows, counts, groups, or the first rows.
fn chosen(chance: &mut Chance, join: &str, tables: &[(&str, &'static Table)]) -> Statement {
    let mut conditions: Vec<String> = Vec::new();
    for (name, of) in tables {
        if chance.once_in(3) {
            conditions.push(condition(chance, of, name));
        }
    }
    let has_both = tables.len() > 1;
    if has_both && chance.once_in(4) {
        let (left, right) = (tables[0].0, tables[1].0);
        let operator = chance.one(&["<=", "=", "<>", "IS NOT DISTINCT FROM"]);
        conditions.push(format!("{left}.uid {operator} {right}.uid"));
    }
    let conditions = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let column = |chance: &mut Chance| {
        let (name, of) = tables[chance.below(tables.len())];
        format!("{name}.{}", chance.one(of.columns))
    };
    let key: Vec<String> =
        tables.iter().flat_map(|(name, of)| of.key.iter().map(move |column| format!("{name}.{column}"))).collect();
    let from = format!("{join}{conditions}");
    match chance.below(8) {
        0 => Statement::rows(format!("SELECT count(*) FROM {from}")),
        1 => {
            let (name, other) = (tables[0].0, tables[tables.len() - 1].0);
            let some = column(chance);
            let of = format!("count(*), max({name}.uid), min({other}.uid), count({some}), count(DISTINCT {name}.uid)");
            Statement::rows(format!("SELECT {of} FROM {from}"))
        }
        2 => {
            let name = tables[chance.below(tables.len())].0;
            let (other, some) = (tables[0].0, column(chance));
            Statement::rows(format!(
                "SELECT {name}.folder, count(*), max({other}.uid), count({some}) FROM {from} GROUP BY {name}.folder"
            ))
        }
        3 | 4 => {
            let (by, some) = (column(chance), column(chance));
            let way = direction(chance);
            let rest: Vec<String> = key.iter().map(|column| format!("{column}{}", direction(chance))).collect();
            let limit = limit(chance);
            Statement::order(format!(
                "SELECT {by} AS x, {some} AS y FROM {from} ORDER BY {by}{way}, {}{limit}",
                rest.join(", ")
            ))
        }
        5 => {
            let (by, way) = (column(chance), direction(chance));
            let sql = format!("SELECT {by} AS x, {} FROM {from} ORDER BY {by}{way}{}", aliased(&key), limit(chance));
            Statement { sql, promise: Promise::Keys(1) }
        }
        6 => Statement::rows(format!("SELECT {} AS x, {} AS y FROM {from}", column(chance), column(chance))),
        _ => Statement::rows(format!("SELECT {}, {} AS x FROM {from}", aliased(&key), column(chance))),
    }
}

/// Columns under names of their own.
fn aliased(columns: &[String]) -> String {
    let one = |(number, column): (usize, &String)| format!("{column} AS c{number}");
    columns.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

/// Two tables, of which one at least has one row for each message.
fn sides(chance: &mut Chance) -> (&'static Table, &'static Table) {
    let of_messages = if chance.once_in(4) { &TABLES[1] } else { MESSAGES };
    let other = table(chance);
    if chance.once_in(2) { (of_messages, other) } else { (other, of_messages) }
}

/// A side of a join: a table, or a choice of it.
fn side(chance: &mut Chance, of: &Table) -> String {
    let (name, key) = (of.name, of.key.join(", "));
    match chance.below(8) {
        0..=3 => name.to_owned(),
        4 => {
            let by = chance.one(of.columns);
            let (way, rows) = (direction(chance), [1, 3, 10, 50][chance.below(4)]);
            let chosen =
                if chance.once_in(2) { format!(" WHERE {}", predicate(chance, name, 1)) } else { String::new() };
            format!("(SELECT * FROM {name}{chosen} ORDER BY {by}{way}, {key} LIMIT {rows})")
        }
        5 => format!("(SELECT * FROM {name} WHERE {})", condition(chance, of, name)),
        _ => format!("(SELECT * FROM {name} WHERE {})", predicate(chance, name, 1)),
    }
}

fn kind(chance: &mut Chance) -> &'static str {
    match chance.below(5) {
        0 => chance.one(&["LEFT SEMI JOIN", "LEFT ANTI JOIN", "LEFT SEMI JOIN"]),
        _ => kind_with_both(chance),
    }
}

fn kind_with_both(chance: &mut Chance) -> &'static str {
    chance.one(&["JOIN", "JOIN", "JOIN", "INNER JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
}

fn by_key(chance: &mut Chance, a: &str, b: &str) -> String {
    match chance.below(7) {
        0 | 1 => "USING (account, folder, uid_validity, uid)".to_owned(),
        2 => "USING (folder, uid)".to_owned(),
        3 => format!("ON {a}.folder = {b}.folder AND {a}.uid = {b}.uid"),
        4 => format!("ON {b}.uid = {a}.uid AND {a}.folder = {b}.folder AND {a}.account = {b}.account"),
        5 => format!("ON {a}.uid = {b}.uid"),
        _ => format!("ON {a}.folder = {b}.folder AND {a}.uid = {b}.uid AND {a}.uid > {}", chance.below(40)),
    }
}
