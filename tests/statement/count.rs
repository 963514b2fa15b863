//! Counts, extremes, groups and different values; and rows of so few columns that hardly anything is read.

use super::{MESSAGES, Promise, Statement, Table, condition, filtered, limit, some_columns, table};
use crate::chance::Chance;

/// A statement with aggregates, or with rows that hardly tell anything.
pub fn statement(chance: &mut Chance) -> Statement {
    let of = if chance.once_in(3) { table(chance) } else { MESSAGES };
    let from = format!("{}{}", of.name, filtered(chance, of, 2));
    let what = aggregates(chance, of);
    match chance.below(12) {
        0..=3 => Statement::rows(format!("SELECT {what} FROM {from}")),
        4 | 5 => {
            let group = group(chance, of);
            let having = if chance.once_in(2) { having(chance) } else { String::new() };
            Statement::rows(format!("SELECT {group}, {what} FROM {from} GROUP BY {group}{having}"))
        }
        6 => {
            let group = group(chance, of);
            Statement::order(format!(
                "SELECT {group}, {what} FROM {from} GROUP BY {group} ORDER BY {group}{}",
                limit(chance)
            ))
        }
        7 => {
            let (group, rows) = (group(chance, of), 1 + chance.below(6));
            let by = chance.one(&["max(uid) DESC", "min(uid)", "count(*) DESC", "max(folder) DESC"]);
            let key = by.trim_end_matches(" DESC");
            let sql = format!("SELECT {key}, {group} FROM {from} GROUP BY {group} ORDER BY {by} LIMIT {rows}");
            Statement { sql, promise: Promise::Keys(1) }
        }
        8 => {
            let columns = some_columns(chance, of, 2).join(", ");
            if chance.once_in(2) {
                return Statement::order(format!(
                    "SELECT DISTINCT {columns} FROM {from} ORDER BY {columns}{}",
                    limit(chance)
                ));
            }
            Statement::rows(format!("SELECT DISTINCT {columns} FROM {from}"))
        }
        // How many there are does not depend on which they are.
        9 => {
            let row = narrow(chance);
            Statement::rows(format!("SELECT count(*) FROM (SELECT {row} FROM {from}{})", limit(chance)))
        }
        10 => {
            let row = narrow(chance);
            Statement { sql: format!("SELECT {row} FROM {from}{}", limit(chance)), promise: Promise::Number }
        }
        _ => Statement::rows(format!("SELECT {} FROM {from}", narrow(chance))),
    }
}

/// The parts of a list, cut at the commas that are in no parentheses.
fn apart(list: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts
}

fn aggregates(chance: &mut Chance, of: &Table) -> String {
    let some: Vec<String> = (0..=chance.below(3)).map(|_| aggregate(chance, of)).collect();
    let mut all: Vec<&str> = some.iter().flat_map(|some| apart(some)).collect();
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}

fn aggregate(chance: &mut Chance, of: &Table) -> String {
    let column = chance.one(of.columns);
    let of_extremes: &[&str] = match of.name {
        "MessagesInFolder" => &["uid", "size", "received_at", "date", "subject", "folder"],
        "MessageBody" => &["uid", "size", "received_at", "subject", "length(body_text)"],
        "MessageHeaders" => &["uid", "position", "value", "folder"],
        "MessageAddresses" => &["uid", "position", "address", "role"],
        _ => &["uid", "size", "encoded_size", "name", "part"],
    };
    let extreme = chance.one(of_extremes);
    let number = chance.one(if of.columns.contains(&"size") { &["size", "uid", "size + uid"] } else { &["uid"] });
    let plain = match chance.below(8) {
        0 | 1 => "count(*)".to_owned(),
        2 => format!("count({column})"),
        3 => format!("count(DISTINCT {})", chance.one(&["folder", "uid", "account"])),
        4 => format!("max({extreme})"),
        5 => format!("min({extreme})"),
        6 => format!("sum({number})"),
        _ => format!("max({extreme}), min({extreme})"),
    };
    if chance.once_in(6) && !plain.contains(", ") {
        return format!("{plain} FILTER (WHERE {})", condition(chance, of, of.name));
    }
    plain
}

fn group(chance: &mut Chance, of: &Table) -> &'static str {
    let groups: &[&'static str] = match of.name {
        "MessagesInFolder" => &[
            "folder",
            "seen",
            "account",
            "account, folder",
            "folder, seen",
            "from_address",
            "date_trunc('day', received_at)",
            "upper(folder)",
            "uid % 3",
        ],
        "MessageBody" => &["folder", "seen", "length(body_text)", "preview IS NULL"],
        "MessageHeaders" => &["folder", "name", "account", "folder, uid"],
        "MessageAddresses" => &["folder", "role", "domain", "folder, role"],
        _ => &["folder", "media_type", "is_inline", "folder, uid"],
    };
    chance.one(groups)
}

fn having(chance: &mut Chance) -> String {
    let number = [0, 1, 2, 3, 10][chance.below(5)];
    format!(" HAVING {}(uid) {} {number}", chance.one(&["count", "max", "min"]), chance.one(&[">", "<", "=", "<>"]))
}

fn narrow(chance: &mut Chance) -> &'static str {
    chance.one(&["folder", "account", "uid", "account, folder", "folder, uid", "1 AS one", "folder || account"])
}
