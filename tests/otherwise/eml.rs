//! What a directory of `.eml` files gives otherwise than all other backends do.

use std::path::Path;

use sqllogictest::Normalizer;

/// Whether a file of statements is about what such files do not hold.
///
/// A directory without a file is no folder, so that there is none called Empty. Nobody tells when a mail was received that came
/// over no server, so that other mails are the newest.
pub fn is_asked(statements: &Path) -> bool {
    !["first.slt", "folder.slt"].iter().any(|name| statements.ends_with(name))
}

/// Whether an answer is what it should be, but for `received_at`: mail that came over no server has its
/// date, if there was mail then.
pub fn holds(normalizer: Normalizer, actual: &[Vec<String>], expected: &[String]) -> bool {
    let line = |row: &Vec<String>| row.iter().map(normalizer).collect::<Vec<_>>().join(" ");
    let mut actual: Vec<String> = actual.iter().map(line).collect();
    let mut expected: Vec<String> = expected.iter().map(normalizer).collect();
    if actual.len() > 100 && actual.iter().chain(&expected).all(|row| dates(row).is_some()) {
        for [date, received_at] in actual.iter().filter_map(|row| dates(row)) {
            let is_possible = ("1970".."2200").contains(&&date[..4]);
            assert_eq!(received_at, if is_possible { date } else { "NULL" }, "it was received when it was written");
        }
        for rows in [&mut expected, &mut actual] {
            rows.iter_mut().for_each(|row| row.truncate(row.rfind(' ').unwrap()));
        }
    }
    actual == expected
}

/// `date` and `received_at` of a row, if it ends with them.
fn dates(row: &str) -> Option<[&str; 2]> {
    let columns: Vec<&str> = row.split(' ').collect();
    // The folder and the uid are before them; the name of a folder may have blanks.
    let last: [&str; 2] = columns.get(2..)?.last_chunk::<2>().copied()?;
    columns[..columns.len() - 2].last()?.parse::<u32>().ok()?;
    let is_time = |column: &&str| *column == "NULL" || column.ends_with('Z') && column.contains('T');
    last.iter().all(is_time).then_some(last)
}
