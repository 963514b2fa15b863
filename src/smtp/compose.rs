//! A draft becomes octets (RFC 5322, RFC 2045): header, text, HTML, attachments.
//!
//! Pure. Nothing that a draft is made of can add a field or end a line: what does not fit is encoded, or refused. Fields are
//! written in `compose/field.rs`; parts are built by `lettre`; the result is looked through once more ([`super::content`]).

mod field;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, MultiPart, SinglePart};

use super::content::{Content, LINE};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::draft::{Draft, Enclosure};
use crate::mail::html;

/// The octets of a mail: lines that end with CRLF, in ASCII unless an address is not. Nobody finds out who is in Bcc.
///
/// It takes about three times the memory of the attachments, beside them.
///
/// # Errors
/// The draft has what cannot be written: a subject of two lines, an id that is none, no address where one must be.
pub fn compose(draft: &Draft) -> Result<Bytes> {
    let mut octets = field::header(draft)?.into_bytes();
    let body = Parts::of(draft)?.formatted();
    // Exactly as much as is needed, and no more.
    octets.reserve_exact(body.len());
    octets.extend_from_slice(&body);
    drop(body);
    Content::of(&octets)?;
    Ok(octets.into())
}

/// What a mail is made of, below its header.
enum Parts {
    One(SinglePart),
    Many(MultiPart),
}

impl Parts {
    fn of(draft: &Draft) -> Result<Self> {
        let text = draft.text.as_deref().map(lines);
        let html = draft.html.as_deref().map(lines);
        if draft.attachments.is_empty() {
            return Ok(match (text, html) {
                (text, Some(html)) => Self::Many(alternative(text, &html)),
                (text, None) => Self::One(text_part(&text.unwrap_or_default(), ContentType::TEXT_PLAIN)),
            });
        }
        let mixed = MultiPart::mixed();
        let mut mixed = match (text, html) {
            (text, Some(html)) => mixed.multipart(alternative(text, &html)),
            (Some(text), None) => mixed.singlepart(text_part(&text, ContentType::TEXT_PLAIN)),
            (None, None) => mixed.build(),
        };
        for enclosure in &draft.attachments {
            mixed = mixed.singlepart(attached(enclosure)?);
        }
        Ok(Self::Many(mixed))
    }

    fn formatted(self) -> Vec<u8> {
        match self {
            Self::One(part) => {
                let mut octets = part.formatted();
                // A line end is added, for the boundary of which this has none.
                if part.raw_body().is_empty() || part.raw_body().ends_with(b"\r\n") {
                    octets.truncate(octets.len() - 2);
                }
                octets
            }
            Self::Many(parts) => parts.formatted(),
        }
    }
}

/// The same twice, the better form last (RFC 2046 §5.1.4).
fn alternative(text: Option<String>, html: &str) -> MultiPart {
    let text = text.unwrap_or_else(|| lines(&html::text(html)));
    let parts = MultiPart::alternative().singlepart(text_part(&text, ContentType::TEXT_PLAIN));
    parts.singlepart(text_part(html, ContentType::TEXT_HTML))
}

/// A text with CRLF at the end of every line, the last as well; a CR or LF that stands alone ends a line, too.
fn lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 32 + 2);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                letters.next_if_eq(&'\n');
                lines.push_str("\r\n");
            }
            '\n' => lines.push_str("\r\n"),
            _ => lines.push(letter),
        }
    }
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push_str("\r\n");
    }
    lines
}

fn text_part(text: &str, content_type: ContentType) -> SinglePart {
    let part = SinglePart::builder().header(content_type);
    // What a server on the way may change is encoded, whatever else the text is made of.
    let changes = text.bytes().any(|octet| octet.is_ascii_control() && !matches!(octet, b'\t' | b'\r' | b'\n'))
        || text.split("\r\n").any(|line| line.ends_with([' ', '\t']));
    let encoded = if changes && text.is_ascii() {
        Body::new_with_encoding(text.to_owned(), ContentTransferEncoding::QuotedPrintable).ok()
    } else {
        None
    };
    match encoded {
        Some(body) => part.body(body),
        None => part.body(text.to_owned()),
    }
}

fn attached(enclosure: &Enclosure) -> Result<SinglePart> {
    let name = file_name(&enclosure.name);
    let guessed = mime_guess::from_path(&name).first_or_octet_stream();
    let content = &enclosure.content;
    let (media_type, body) = match guessed.type_().as_str() {
        // A message within a message is not encoded (RFC 2046 §5.2.1); what would have to be is a file like any other.
        "message" if guessed.essence_str() == "message/rfc822" && is_plain(content) => {
            (guessed.to_string(), Body::dangerous_pre_encoded(content.to_vec(), ContentTransferEncoding::SevenBit))
        }
        "message" | "multipart" => (OCTETS.to_owned(), base64(content)),
        "text" if !content.is_ascii() && std::str::from_utf8(content).is_ok() => {
            (format!("{}; charset=utf-8", guessed.essence_str()), base64(content))
        }
        _ => (guessed.to_string(), base64(content)),
    };
    let content_type = ContentType::parse(&media_type).map_err(|error| {
        Error::new(ErrorKind::Query, format!("the attachment '{name}' is of the odd type {media_type}")).because(error)
    })?;
    Ok(Attachment::new(name).body(body, content_type))
}

/// Whether octets can stand in a mail as they are.
fn is_plain(octets: &[u8]) -> bool {
    // The last line may be open: what follows in the mail begins with a line end.
    let whole = [octets, if octets.ends_with(b"\r\n") { b"" } else { b"\r\n" }].concat();
    octets.is_ascii() && Content::of(&whole).is_ok()
}

/// Octets in base64, in lines of 76 letters (RFC 2045 §6.8); the last has no end.
fn base64(octets: &[u8]) -> Body {
    let mut lines = String::with_capacity(octets.len().div_ceil(OCTETS_OF_A_LINE) * 78);
    for octets in octets.chunks(OCTETS_OF_A_LINE) {
        if !lines.is_empty() {
            lines.push_str("\r\n");
        }
        STANDARD.encode_string(octets, &mut lines);
    }
    Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::Base64)
}

/// A file name without directories, and without what only deceives whoever reads it.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let seen = name.chars().filter(|letter| !field::is_unseen(*letter)).collect::<String>();
    let letters = seen.trim().chars().count();
    // The ending says what it is.
    let name: String = seen.trim().chars().skip(letters.saturating_sub(LONGEST_NAME)).collect();
    if name.trim_matches('.').is_empty() { "attachment".to_owned() } else { name }
}

/// What is of no known type.
const OCTETS: &str = "application/octet-stream";

/// Octets that 76 letters of base64 stand for.
const OCTETS_OF_A_LINE: usize = 57;

/// Letters of a file name; no file system has longer ones.
const LONGEST_NAME: usize = 255;

const _: () = assert!(OCTETS_OF_A_LINE / 3 * 4 <= LINE);

#[cfg(test)]
mod tests;
