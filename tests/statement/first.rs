//! Rows in an order, often only the first of them.

use super::{Promise, Statement, Table, condition, direction, filtered, limit, some_columns, table};
use crate::chance::Chance;
use crate::question::predicate;

/// A statement with `ORDER BY`.
pub fn statement(chance: &mut Chance) -> Statement {
    let of = table(chance);
    let by: Vec<&str> = some_columns(chance, of, 3);
    let is_total = !chance.once_in(5);
    let order = order(chance, of, &by, is_total);
    let from = format!("{}{}", of.name, filtered(chance, of, 2));
    let limit = if chance.once_in(4) { String::new() } else { limit(chance) };
    if !is_total {
        return Statement {
            sql: format!(
                "SELECT {}, {} AS more FROM {from} ORDER BY {order}{limit}",
                by.join(", "),
                chance.one(of.columns)
            ),
            promise: Promise::Keys(by.len()),
        };
    }
    let row = row(chance, of);
    match chance.below(10) {
        // What comes after a limit must not be checked before it.
        0 => Statement::rows(format!(
            "SELECT {row} FROM (SELECT * FROM {from} ORDER BY {order}{limit}) {} WHERE {}",
            of.name,
            predicate(chance, of.name, 1)
        )),
        1 => {
            let seen = condition(chance, of, "t");
            let columns = "account, folder, count(*), min(uid), max(uid)";
            Statement::rows(format!(
                "SELECT {columns} FROM (SELECT * FROM {from} ORDER BY {order}{limit}) t WHERE {seen} GROUP BY account, folder"
            ))
        }
        2 => Statement::rows(format!("SELECT count(*) FROM (SELECT {row} FROM {from} ORDER BY {order}{limit})")),
        3 => {
            let key = of.key.join(", ");
            Statement::order(format!(
                "SELECT {row} FROM (SELECT * FROM {from} ORDER BY {order}{limit}) ORDER BY {key}{}",
                super::limit(chance)
            ))
        }
        // DataFusion 55.2 has no windows over binary columns.
        4 if !by.iter().any(|column| ["raw", "content"].contains(column)) => Statement::rows(format!(
            "SELECT {row} FROM (SELECT *, row_number() OVER (PARTITION BY folder ORDER BY {order}) AS number FROM {from}) \
             WHERE number <= {}",
            1 + chance.below(5)
        )),
        _ => Statement::order(format!("SELECT {row} FROM {from} ORDER BY {order}{limit}")),
    }
}

/// The columns of `ORDER BY`; what follows from them is one order if that is asked for.
fn order(chance: &mut Chance, of: &Table, by: &[&str], is_total: bool) -> String {
    let mut keys: Vec<String> = by.iter().map(|column| format!("{column}{}", direction(chance))).collect();
    if is_total {
        let rest = of.key.iter().filter(|column| !by.contains(column));
        keys.extend(rest.map(|column| format!("{column}{}", direction(chance))));
    }
    keys.join(", ")
}

/// What is chosen: often so little that nothing else need be read.
fn row(chance: &mut Chance, of: &Table) -> String {
    match chance.below(8) {
        0 => "folder".to_owned(),
        1 => "account".to_owned(),
        2 => "uid".to_owned(),
        3 => "1 AS one".to_owned(),
        4 => format!("upper({})", chance.one(&["folder", "account", "CAST(uid AS VARCHAR)"])),
        5 => of.key.join(", "),
        _ => some_columns(chance, of, 4).join(", "),
    }
}
