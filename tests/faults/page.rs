//! The page about reliability, whose tables are written by tests: `MAILQL_COMPLETE=1` writes them anew.

use std::fs;
use std::path::Path;

/// Between these two lines the page has this table.
pub fn has(begin: &str, table: &str, end: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let expected = format!("{before}{begin}\n{table}{end}{after}");
    if std::env::var_os("MAILQL_COMPLETE").is_some() {
        fs::write(&page, expected).unwrap();
    } else {
        assert_eq!(text, expected, "MAILQL_COMPLETE=1 writes the table");
    }
}
