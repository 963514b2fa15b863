//! `MessageHeaders`: one row per header field, in their order, duplicates kept.

use super::column::{Column, Read, Search};
use super::messages::KEY;
use super::{Rows, Table};
use crate::mail::charset::header_text;

/// The header fields of the messages of all folders.
pub const MESSAGE_HEADERS: Table = Table {
    name: "MessageHeaders",
    doc: "The header fields of each message, in their order.",
    rows: Rows::Field,
    columns: &[KEY, COLUMNS],
};

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    Column { name: "position", needs: &[], search: Search::Here, read: Read::Int(|row| Some(row.field()?.0)), doc: "Position in the header, from 1." },
    Column { name: "name", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.field()?.1.name.into())), doc: "Name of the field, as written." },
    Column { name: "value", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.field()?.1.text())), doc: "Value, unfolded and decoded." },
    Column { name: "raw_value", needs: &[], search: Search::Here, read: Read::Text(|row| Some(raw(row.field()?.1.value).into())), doc: "Value as it came, folded and encoded; folds are CRLF." },
];

/// The value after its one blank and before its line end, with CRLF folds whatever a file has.
fn raw(value: &[u8]) -> String {
    let text = header_text(value);
    let text = text.strip_prefix(' ').unwrap_or(&text);
    text.trim_end_matches(['\r', '\n']).replace("\r\n", "\n").replace('\n', "\r\n")
}
