//! `MessageAttachments` and `AttachmentContent`: one row per attachment, without and with its content.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::column::{Column, Need, Read, Row, Search};
use super::messages::KEY;
use super::{Rows, Table};
use crate::mail::transfer::estimated_size;

/// The attachments of the messages of all folders, without their contents.
pub const MESSAGE_ATTACHMENTS: Table = Table {
    name: "MessageAttachments",
    doc: "The attachments of each message, attached messages included, without their contents.",
    rows: Rows::Attachment,
    columns: &[KEY, ATTACHMENT, ESTIMATED_SIZE, ENCODED_SIZE],
};

/// The attachments of the messages of all folders, with their contents.
pub const ATTACHMENT_CONTENT: Table = Table {
    name: "AttachmentContent",
    doc: "The attachments of each message, with their contents.",
    rows: Rows::Attachment,
    columns: &[KEY, ATTACHMENT, EXACT_SIZE, ENCODED_SIZE, CONTENT],
};

#[rustfmt::skip]
const ATTACHMENT: &[Column] = &[
    Column { name: "part", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.attachment()?.part.number.as_ref()?.to_string().into())), doc: "Number of the part within the message (RFC 9051 §6.4.5.1)." },
    Column { name: "name", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.attachment()?.name().into())), doc: "File name, decoded; made of part and media type when there is none." },
    Column { name: "media_type", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.attachment()?.part.media_type.as_ref().into())), doc: "Media type, in lower case." },
    Column { name: "charset", needs: &[], search: Search::Here, read: Read::Text(|row| row.attachment()?.part.charset.as_deref().map(Into::into)), doc: "Character set, as declared; none where text has the default, us-ascii." },
    Column { name: "disposition", needs: &[], search: Search::Here, read: Read::Text(|row| row.attachment()?.part.disposition.as_deref().map(Into::into)), doc: "Disposition as declared, in lower case: attachment, inline." },
    Column { name: "is_inline", needs: &[], search: Search::Here, read: Read::Bool(|row| Some(row.attachment()?.is_inline)), doc: "Whether it is shown within the text (RFC 8621 §4.1.4)." },
    Column { name: "content_id", needs: &[], search: Search::Here, read: Read::Text(|row| row.attachment()?.part.content_id.as_deref().map(Into::into)), doc: "Content-ID, without angle brackets." },
    Column { name: "encoding", needs: &[], search: Search::Here, read: Read::Text(|row| Some(row.attachment()?.part.encoding.as_ref().into())), doc: "Transfer encoding, in lower case." },
];

#[rustfmt::skip]
const ESTIMATED_SIZE: &[Column] = &[
    Column { name: "size", needs: &[], search: Search::Here, read: Read::Int(estimated), doc: "Size in octets when decoded, as far as the encoded size tells." },
];

#[rustfmt::skip]
const EXACT_SIZE: &[Column] = &[
    Column { name: "size", needs: &[Need::Attachments], search: Search::Here, read: Read::Int(|row| i64::try_from(row.attachment()?.content(row.message?)?.len()).ok()), doc: "Size in octets when decoded." },
];

#[rustfmt::skip]
const ENCODED_SIZE: &[Column] = &[
    Column { name: "encoded_size", needs: &[], search: Search::Here, read: Read::Int(|row| i64::try_from(row.attachment()?.part.encoded_size).ok()), doc: "Size in octets as transferred, with CRLF line ends." },
];

#[rustfmt::skip]
const CONTENT: &[Column] = &[
    Column { name: "content", needs: &[Need::Attachments], search: Search::Here, read: Read::Bytes(|row| row.attachment()?.content(row.message?)), doc: "Content, decoded." },
    Column { name: "text", needs: &[Need::Attachments], search: Search::Here, read: Read::Text(|row| row.attachment()?.text(row.message?).map(Into::into)), doc: "Content as text, for text types; line ends are LF." },
    Column { name: "sha256", needs: &[Need::Attachments], search: Search::Here, read: Read::Text(|row| row.attachment()?.content(row.message?).map(|content| hexadecimal(&Sha256::digest(&content)).into())), doc: "SHA-256 of the content, in hexadecimal." },
];

fn estimated(row: &Row<'_>) -> Option<i64> {
    let part = row.attachment()?.part;
    i64::try_from(estimated_size(part.encoded_size, &part.encoding)).ok()
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
