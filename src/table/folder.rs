//! `Folder`: one row per folder. Counts cost a look into the folder, names do not.

use super::column::{Column, Read, Search};
use super::{Rows, Table};
use crate::mail::{Folder, StatusItems};

/// The folders of an account.
pub const FOLDER: Table = Table {
    name: "Folder",
    doc: "The folders of an account, with what is known of them without reading a message.",
    rows: Rows::Folder,
    columns: &[COLUMNS],
};

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    Column { name: "account", needs: &[], search: Search::Account, read: Read::Text(|row| Some(row.account.into())), doc: "Name of the account." },
    Column { name: "folder", needs: &[], search: Search::Folder, read: Read::Text(|row| Some(row.folder.path.as_str().into())), doc: "Full path, decoded." },
    Column { name: "name", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.folder.name().into())), doc: "Last level of the path." },
    Column { name: "parent", needs: &[], search: Search::Here, read: Read::Text(|row| row.folder.parent().map(Into::into)), doc: "Path above the last level; null at the top." },
    Column { name: "delimiter", needs: &[], search: Search::Here, read: Read::Text(|row| row.folder.delimiter.map(|letter| letter.to_string().into())), doc: "What separates the levels of the path." },
    Column { name: "role", needs: &[], search: Search::Here, read: Read::Text(|row| row.folder.role.map(|role| role.name().into())), doc: "What it is for: inbox, sent, drafts, trash, junk, archive, all, flagged (RFC 6154, else a well-known name)." },
    Column { name: "attributes", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.folder.attributes.join(" ").into())), doc: "Attributes as listed, space separated (RFC 9051 §7.3.1)." },
    Column { name: "selectable", needs: &[], search: Search::Here, read: Read::Bool(|row| Some(row.folder.selectable)), doc: "Whether it can hold messages." },
    Column { name: "subscribed", needs: &[], search: Search::Here, read: Read::Bool(|row| row.folder.subscribed), doc: "Whether the user has subscribed to it." },
    Column { name: "messages", needs: &[], search: Search::Here, read: Read::Int(|row| number(row.folder.messages)), doc: "Number of messages." },
    Column { name: "unseen", needs: &[], search: Search::Here, read: Read::Int(|row| number(row.folder.unseen)), doc: "Number of messages that are not seen; null where that is not known." },
    Column { name: "uid_next", needs: &[], search: Search::Here, read: Read::Int(|row| number(row.folder.uid_next)), doc: "A uid that no message has yet; the next one gets it or a higher one." },
    Column { name: "uid_validity", needs: &[], search: Search::Here, read: Read::Int(|row| row.folder.uid_validity.map(|validity| validity.0.into())), doc: "Changes when uids no longer mean the same messages; differs by backend." },
    Column { name: "highest_modseq", needs: &[], search: Search::Here, read: Read::Int(|row| number(row.folder.highest_modseq)), doc: "Highest mod-sequence (RFC 7162); differs by backend." },
    Column { name: "size", needs: &[], search: Search::Here, read: Read::Int(|row| number(row.folder.size)), doc: "Sum of the sizes of its messages, in octets (RFC 8438); null where one of them is not known." },
];

/// The numbers that some columns of the table, by name, ask a store for.
pub fn status<'a>(columns: impl IntoIterator<Item = &'a str>) -> StatusItems {
    let mut status = StatusItems::default();
    for column in columns {
        match column {
            "messages" => status.messages = true,
            "unseen" => status.unseen = true,
            "uid_next" => status.uid_next = true,
            "uid_validity" => status.uid_validity = true,
            "highest_modseq" => status.highest_modseq = true,
            "size" => status.size = true,
            _ => {}
        }
    }
    status
}

/// The row of a folder.
pub fn row<'a>(account: &'a str, folder: &'a Folder) -> super::column::Row<'a> {
    super::column::Row { account, folder, message: None, item: super::column::Item::Whole }
}

fn number(number: Option<u64>) -> Option<i64> {
    number.and_then(|number| i64::try_from(number).ok())
}
