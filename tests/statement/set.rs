//! Rows of several statements as one: UNION ALL, UNION, INTERSECT, EXCEPT.

use super::{MESSAGES, Statement, filtered, limit, table};
use crate::chance::Chance;

/// A statement of several.
pub fn statement(chance: &mut Chance) -> Statement {
    let columns = chance.one(&["folder, uid", "uid", "folder", "account, folder", "account, folder, uid"]);
    let together = chance.one(&["UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT"]);
    let mut parts = Vec::new();
    for _ in 0..2 + chance.below(2) {
        let of = table(chance);
        parts.push(match chance.below(5) {
            0 => {
                let by = chance.one(MESSAGES.columns);
                let filtered = filtered(chance, MESSAGES, 1);
                let limit = limit(chance);
                format!("(SELECT {columns} FROM MessagesInFolder{filtered} ORDER BY {by} DESC, folder, uid{limit})")
            }
            _ => format!("(SELECT {columns} FROM {}{})", of.name, filtered(chance, of, 1)),
        });
    }
    let all = parts.join(&format!(" {together} "));
    match chance.below(4) {
        0 => Statement::rows(format!("SELECT count(*), max({}) FROM ({all})", columns.rsplit(", ").next().unwrap())),
        // Rows that are equal in all columns can change places.
        1 => Statement::order(format!("SELECT * FROM ({all}) ORDER BY {columns}{}", limit(chance))),
        2 => {
            let first = columns.split(", ").next().unwrap();
            Statement::rows(format!("SELECT {first}, count(*) FROM ({all}) GROUP BY {first}"))
        }
        _ => Statement::rows(all),
    }
}
