//! `MessagesInFolder`: one row per message in a folder, and no body of any.

use std::borrow::Cow;

use super::column::{Column, Need, Read, Row, Search};
use super::{Rows, Table};
use crate::mail::address::joined;
use crate::mail::body::{Layout, structure_problems};
use crate::mail::message::StoreId;
use crate::mail::{Flag, Message, TextField};

/// The messages of all folders, without their bodies.
pub const MESSAGES_IN_FOLDER: Table = Table {
    name: "MessagesInFolder",
    doc: "The messages in each folder, without their bodies.",
    rows: Rows::Message,
    columns: &[KEY, ENVELOPE, PROBLEMS],
};

/// The columns that tell a message; every table of messages begins with them.
#[rustfmt::skip]
pub const KEY: &[Column] = &[
    Column { name: "account", needs: &[], search: Search::Account, read: Read::Text(|row| Some(row.account.into())), doc: "Name of the account." },
    Column { name: "folder", needs: &[], search: Search::Folder, read: Read::Text(|row| Some(row.folder.path.as_str().into())), doc: "Full path of the folder, decoded." },
    Column { name: "uid_validity", needs: &[], search: Search::Here, read: Read::Int(|row| Some(row.message?.uid_validity.0.into())), doc: "Changes when uids no longer mean the same messages (RFC 9051 §2.3.1.1); differs by backend." },
    Column { name: "uid", needs: &[], search: Search::Uid, read: Read::Int(|row| Some(row.message?.uid.number().into())), doc: "Identifier within the folder, higher for later arrivals." },
];

/// What is known of a message without its body.
#[rustfmt::skip]
pub const ENVELOPE: &[Column] = &[
    Column { name: "message_id", needs: &[Need::Fields(&["message-id"])], search: Search::Text(TextField::MessageId), read: Read::Text(|row| first_id(row, "message-id")), doc: "Message-ID, with its angle brackets." },
    Column { name: "in_reply_to", needs: &[Need::Fields(&["in-reply-to"])], search: Search::Text(TextField::InReplyTo), read: Read::Text(|row| first_id(row, "in-reply-to")), doc: "Message-ID of the message that this one answers." },
    Column { name: "reference_ids", needs: &[Need::Fields(&["references"])], search: Search::Text(TextField::References), read: Read::Text(|row| ids(row, "references")), doc: "Message-IDs of the References field, oldest first, space separated." },
    Column { name: "thread_id", needs: &[Need::ThreadId, Need::Fields(&["message-id", "in-reply-to", "references"])], search: Search::Here, read: Read::Text(thread), doc: "The store's own thread identifier, else the first id of References, else In-Reply-To, else Message-ID." },
    Column { name: "email_id", needs: &[Need::EmailId], search: Search::Here, read: Read::Text(|row| row.message?.email_id.as_ref().and_then(StoreId::given).map(Into::into)), doc: "The store's own identifier of the message, the same in every folder (RFC 8474)." },
    Column { name: "date", needs: &[Need::Fields(&["date"])], search: Search::Here, read: Read::Time(|row| row.header()?.date()), doc: "When its author sent it: the Date field." },
    Column { name: "received_at", needs: &[Need::ReceivedAt], search: Search::ReceivedAt, read: Read::Time(|row| row.message?.received_at), doc: "When the store received it (INTERNALDATE); in an mbox, what the line `From …` or the header tells of that." },
    Column { name: "subject", needs: &[Need::Fields(&["subject"])], search: Search::Text(TextField::Subject), read: Read::Text(|row| row.header()?.text("subject")), doc: "Subject, decoded; null when there is none." },
    Column { name: "from_name", needs: &[Need::Fields(&["from"])], search: Search::Text(TextField::From), read: Read::Text(|row| row.header()?.author()?.name.as_deref().map(Into::into)), doc: "Display name of the first author, decoded." },
    Column { name: "from_address", needs: &[Need::Fields(&["from"])], search: Search::Text(TextField::From), read: Read::Text(|row| row.header()?.author()?.address.as_deref().map(Into::into)), doc: "Address of the first author, as written." },
    Column { name: "to_addresses", needs: &[Need::Fields(&["to"])], search: Search::Text(TextField::To), read: Read::Text(|row| addresses(row, "to")), doc: "Addresses of To, comma separated." },
    Column { name: "cc_addresses", needs: &[Need::Fields(&["cc"])], search: Search::Text(TextField::Cc), read: Read::Text(|row| addresses(row, "cc")), doc: "Addresses of Cc, comma separated." },
    Column { name: "bcc_addresses", needs: &[Need::Fields(&["bcc"])], search: Search::Text(TextField::Bcc), read: Read::Text(|row| addresses(row, "bcc")), doc: "Addresses of Bcc, comma separated." },
    Column { name: "reply_to_addresses", needs: &[Need::Fields(&["reply-to"])], search: Search::Here, read: Read::Text(|row| addresses(row, "reply-to")), doc: "Addresses of Reply-To, comma separated." },
    Column { name: "seen", needs: &[Need::Flags], search: Search::Flag(Flag::Seen), read: Read::Bool(|row| flag(row, Flag::Seen)), doc: "Whether it has been read; null where it is not known." },
    Column { name: "answered", needs: &[Need::Flags], search: Search::Flag(Flag::Answered), read: Read::Bool(|row| flag(row, Flag::Answered)), doc: "Whether it has been answered." },
    Column { name: "flagged", needs: &[Need::Flags], search: Search::Flag(Flag::Flagged), read: Read::Bool(|row| flag(row, Flag::Flagged)), doc: "Whether it is marked; null where it is not known." },
    Column { name: "deleted", needs: &[Need::Flags], search: Search::Flag(Flag::Deleted), read: Read::Bool(|row| flag(row, Flag::Deleted)), doc: "Whether it is marked for removal." },
    Column { name: "draft", needs: &[Need::Flags], search: Search::Flag(Flag::Draft), read: Read::Bool(|row| flag(row, Flag::Draft)), doc: "Whether it is unfinished; null where it is not known." },
    Column { name: "flags", needs: &[Need::Flags], search: Search::Here, read: Read::Text(|row| Some(row.message?.flags.as_ref()?.to_string().into())), doc: "All flags and keywords, space separated (RFC 9051 §2.3.2)." },
    Column { name: "labels", needs: &[Need::Labels], search: Search::Here, read: Read::Text(labels), doc: "Labels, space separated, in quotes when they have blanks; null where there are no labels." },
    Column { name: "size", needs: &[Need::Size], search: Search::Size, read: Read::Int(|row| i64::try_from(row.message?.size?).ok()), doc: "Size in octets, with CRLF line ends; null where a compressed file does not tell." },
    Column { name: "has_attachments", needs: &[Need::Structure], search: Search::Here, read: Read::Bool(|row| attachments(row).map(|count| count > 0)), doc: "Whether it has attachments; images that its HTML refers to and signatures are none." },
    Column { name: "attachment_count", needs: &[Need::Structure], search: Search::Here, read: Read::Int(attachments), doc: "Number of attachments; images that its HTML refers to and signatures do not count." },
    Column { name: "mod_seq", needs: &[Need::ModSeq], search: Search::Here, read: Read::Int(|row| i64::try_from(row.message?.mod_seq?).ok()), doc: "Mod-sequence of its last change (RFC 7162); differs by backend." },
];

#[rustfmt::skip]
const PROBLEMS: &[Column] = &[
    Column { name: "problems", needs: &[Need::Header, Need::Structure], search: Search::Here, read: Read::Text(|row| Some(told(&problems(row.message?))?.into())), doc: "What could not be understood of its header and structure, or where it begins in an mbox; null when all could." },
];

/// What is wrong with the header and the structure, and what could not be read.
pub fn problems(message: &Message) -> Vec<String> {
    let header = message.header.iter().flat_map(crate::mail::Header::problems);
    let structure = message.structure.iter().flat_map(structure_problems);
    message.problems.iter().cloned().chain(header).chain(structure).collect()
}

/// Problems as one text; nothing when there are none.
pub fn told(problems: &[String]) -> Option<String> {
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn ids<'a>(row: &Row<'a>, field: &str) -> Option<Cow<'a, str>> {
    let ids = row.header()?.message_ids(field);
    (!ids.is_empty()).then(|| ids.join(" ").into())
}

fn first_id<'a>(row: &Row<'a>, field: &str) -> Option<Cow<'a, str>> {
    row.header()?.message_ids(field).into_iter().next().map(Into::into)
}

fn thread<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    let own = row.message?.thread_id.as_ref().and_then(StoreId::given).map(Cow::Borrowed);
    own.or_else(|| ["references", "in-reply-to", "message-id"].iter().find_map(|field| first_id(row, field)))
}

fn addresses<'a>(row: &Row<'a>, field: &str) -> Option<Cow<'a, str>> {
    joined(&row.header()?.addresses(field)).map(Into::into)
}

fn flag(row: &Row<'_>, flag: Flag) -> Option<bool> {
    row.message?.flags.as_ref()?.has(flag)
}

fn labels<'a>(row: &Row<'a>) -> Option<Cow<'a, str>> {
    let labels = row.message?.labels.as_ref()?.iter();
    let quoted = labels.map(|label| if label.contains(' ') { format!("\"{label}\"") } else { label.clone() });
    Some(quoted.collect::<Vec<_>>().join(" ").into())
}

fn attachments(row: &Row<'_>) -> Option<i64> {
    let layout = Layout::of(row.message?.structure.as_ref()?);
    i64::try_from(layout.attachments.iter().filter(|attachment| attachment.counts).count()).ok()
}
