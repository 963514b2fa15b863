//! `MessageBody`: one row per message in a folder, with its body.

use super::column::{Column, Need, Read, Search};
use super::messages::{ENVELOPE, KEY, problems, told};
use super::{Rows, Table};
use crate::mail::{TextField, body};

/// The messages of all folders, with their bodies.
pub const MESSAGE_BODY: Table = Table {
    name: "MessageBody",
    doc: "The messages in each folder, with their bodies.",
    rows: Rows::Message,
    columns: &[KEY, ENVELOPE, COLUMNS],
};

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    Column { name: "problems", needs: &[Need::Header, Need::Structure, Need::Text], search: Search::Here, read: Read::Text(|row| { let message = row.message?; Some(told(&[problems(message), body::content_problems(message)].concat())?.into()) }), doc: "What could not be understood of its header, structure and text, or where it begins in an mbox; null when all could." },
    Column { name: "preview", needs: &[Need::Preview], search: Search::Here, read: Read::Text(|row| body::preview(row.message?).map(Into::into)), doc: "First 200 characters of its text, in one line." },
    Column { name: "body_text", needs: &[Need::Text], search: Search::Text(TextField::Body), read: Read::Text(|row| body::text(row.message?).map(Into::into)), doc: "Its text; of a mail that is only HTML, the text that a browser shows of it. Line ends are LF." },
    Column { name: "body_html", needs: &[Need::Text], search: Search::Here, read: Read::Text(|row| body::html(row.message?).map(Into::into)), doc: "Its HTML; null when it has none. Line ends are LF." },
    Column { name: "raw", needs: &[Need::Raw], search: Search::Here, read: Read::Bytes(|row| row.message?.raw.clone()), doc: "The whole message as it is, with CRLF line ends." },
];
