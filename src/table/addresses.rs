//! `MessageAddresses`: one row per address of a message.

use super::column::{Column, Read, Search};
use super::messages::KEY;
use super::{Rows, Table};

/// The addresses in the headers of the messages of all folders.
pub const MESSAGE_ADDRESSES: Table = Table {
    name: "MessageAddresses",
    doc: "The addresses of each message: From, Sender, Reply-To, To, Cc, Bcc.",
    rows: Rows::Address,
    columns: &[KEY, COLUMNS],
};

/// The header fields that addresses come from; also the values of `role`.
pub const FIELDS: [&str; 6] = ["from", "sender", "reply-to", "to", "cc", "bcc"];

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    Column { name: "role", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.address()?.0.into())), doc: "The header field, in lower case: from, sender, reply-to, to, cc, bcc." },
    Column { name: "position", needs: &[], search: Search::Here, read: Read::Int(|row| Some(row.address()?.1)), doc: "Position among the addresses of that role, from 1." },
    Column { name: "name", needs: &[], search: Search::Here, read: Read::Text(|row| row.address()?.2.name.as_deref().map(Into::into)), doc: "Display name, decoded." },
    Column { name: "address", needs: &[], search: Search::Here, read: Read::Text(|row| row.address()?.2.address.as_deref().map(Into::into)), doc: "Address, as written." },
    Column { name: "domain", needs: &[], search: Search::Here, read: Read::Text(|row| row.address()?.2.domain().map(Into::into)), doc: "What follows the @, in lower case." },
];
