//! Columns: one line each, which says all there is to say of it.
//!
//! The schema, the documentation, what is fetched and what may be searched all come from here; they
//! cannot disagree. Nothing here reads mail; see [`super::read`] for that.

use std::borrow::Cow;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};

use crate::mail::address::Address;
use crate::mail::body::Attachment;
use crate::mail::header;
use crate::mail::message::Timestamp;
use crate::mail::{Fetch, Flag, Folder, Header, HeaderFetch, Message, TextField};

/// A column of a table.
#[derive(Debug)]
pub struct Column {
    /// Its name, in lower case.
    pub name: &'static str,
    /// What must be read of a message for it.
    pub needs: &'static [Need],
    /// How a store may be asked about it.
    pub search: Search,
    /// How its value is taken from a row; this gives its type, too.
    pub read: Read,
    /// What it is, in one sentence.
    pub doc: &'static str,
}

/// Something to read of a message.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// Flags and keywords.
    Flags,
    /// When it was received.
    ReceivedAt,
    /// Its size.
    Size,
    /// Its labels.
    Labels,
    /// The store's thread identifier.
    ThreadId,
    /// The store's message identifier.
    EmailId,
    /// Its mod-sequence.
    ModSeq,
    /// Header fields.
    Fields(&'static [&'static str]),
    /// The whole header.
    Header,
    /// The tree of parts.
    Structure,
    /// The beginning of the text.
    Preview,
    /// The contents of text parts.
    Text,
    /// The contents of attachments.
    Attachments,
    /// The whole message.
    Raw,
}

/// What a predicate on a column means to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// Nothing: it is checked here.
    Here,
    /// It chooses accounts.
    Account,
    /// It chooses folders.
    Folder,
    /// It chooses uids.
    Uid,
    /// It is a flag.
    Flag(Flag),
    /// It compares the size.
    Size,
    /// It compares the day of arrival.
    ReceivedAt,
    /// It is text out of a field; asked only of stores that are trusted with that.
    Text(TextField),
}

/// A reader of one value from a row.
#[derive(Debug, Clone, Copy)]
pub enum Read {
    /// A 64-bit integer.
    Int(fn(&Row<'_>) -> Option<i64>),
    /// A truth value.
    Bool(fn(&Row<'_>) -> Option<bool>),
    /// Text.
    Text(for<'a> fn(&Row<'a>) -> Option<Cow<'a, str>>),
    /// An instant, in UTC.
    Time(fn(&Row<'_>) -> Option<Timestamp>),
    /// Octets.
    Bytes(fn(&Row<'_>) -> Option<Bytes>),
}

impl Column {
    /// The column as an Arrow field; every column can be null.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.data_type(), true)
    }

    /// Its Arrow type.
    pub fn data_type(&self) -> DataType {
        match self.read {
            Read::Int(_) => DataType::Int64,
            Read::Bool(_) => DataType::Boolean,
            Read::Text(_) => DataType::Utf8View,
            Read::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Read::Bytes(_) => DataType::BinaryView,
        }
    }
}

impl Need {
    /// Adds it to what is fetched.
    pub fn add_to(self, fetch: &mut Fetch) {
        match self {
            Need::Flags => fetch.flags = true,
            Need::ReceivedAt => fetch.received_at = true,
            Need::Size => fetch.size = true,
            Need::Labels => fetch.labels = true,
            Need::ThreadId => fetch.thread_id = true,
            Need::EmailId => fetch.email_id = true,
            Need::ModSeq => fetch.mod_seq = true,
            Need::Fields(names) => fetch.fields(names),
            Need::Header => fetch.header = HeaderFetch::All,
            Need::Structure => fetch.structure = true,
            Need::Preview => (fetch.structure, fetch.preview) = (true, true),
            Need::Text => (fetch.structure, fetch.text) = (true, true),
            Need::Attachments => (fetch.structure, fetch.attachments) = (true, true),
            Need::Raw => fetch.raw = true,
        }
    }
}

/// One row, before it is one: what the readers of columns see.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The folder.
    pub folder: &'a Folder,
    /// The message; none in a table of folders.
    pub message: Option<&'a Message>,
    /// The part of the message that the row is about.
    pub item: Item<'a>,
}

/// What of a message a row is about.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// The message as a whole, or the folder.
    Whole,
    /// A header field, at a position counted from 1.
    Field(i64, header::Field<'a>),
    /// An address of a header field, at a position within its role counted from 1.
    Address(&'static str, i64, &'a Address),
    /// An attachment.
    Attachment(Attachment<'a>),
}

impl<'a> Row<'a> {
    /// The header, when it was read.
    pub fn header(&self) -> Option<&'a Header> {
        self.message?.header.as_ref()
    }

    /// The header field that the row is about.
    pub fn field(&self) -> Option<(i64, header::Field<'a>)> {
        match self.item {
            Item::Field(position, field) => Some((position, field)),
            Item::Whole | Item::Address(..) | Item::Attachment(_) => None,
        }
    }

    /// The address that the row is about, with its role and position.
    pub fn address(&self) -> Option<(&'static str, i64, &'a Address)> {
        match self.item {
            Item::Address(role, position, address) => Some((role, position, address)),
            Item::Whole | Item::Field(..) | Item::Attachment(_) => None,
        }
    }

    /// The attachment that the row is about.
    pub fn attachment(&self) -> Option<Attachment<'a>> {
        match self.item {
            Item::Attachment(attachment) => Some(attachment),
            Item::Whole | Item::Field(..) | Item::Address(..) => None,
        }
    }
}
