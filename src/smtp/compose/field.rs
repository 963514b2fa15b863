//! The header of a mail, field by field (RFC 5322 §3.6): folded, and encoded where it is not plain (RFC 2047).
//!
//! Pure. A builder of `lettre` would do it, but it puts all addresses on one line, sends what looks like an encoded word as it
//! is, and leaves control characters in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike;

use crate::error::{Error, ErrorKind, Result};
use crate::mail::draft::{Draft, Priority};
use crate::mail::mailbox::Mailbox;
use crate::smtp::path::Path;
use crate::smtp::reply::is_hidden;

/// The fields of a draft's header, all but those that tell what its content is.
///
/// # Errors
/// As [`super::compose`].
pub(super) fn header(draft: &Draft) -> Result<String> {
    if !(1970..=9999).contains(&draft.date.year()) {
        return Err(wrong(format!("a mail cannot be of the year {}", draft.date.year()), "see what the clock says"));
    }
    let mut header = Header(String::new());
    header.field("Date", &draft.date.to_rfc2822());
    header.mailboxes("From", std::slice::from_ref(&draft.from))?;
    header.mailboxes("Reply-To", &draft.reply_to)?;
    header.mailboxes("To", &draft.to)?;
    header.mailboxes("Cc", &draft.cc)?;
    if draft.to.is_empty() && draft.cc.is_empty() {
        // Else servers make up a field, and some of them take Bcc for it.
        header.field("To", "undisclosed-recipients:;");
    }
    header.field("Subject", &subject(&draft.subject)?);
    header.ids("Message-ID", [draft.message_id.as_str()])?;
    header.ids("In-Reply-To", draft.in_reply_to.as_deref())?;
    header.ids("References", draft.references.iter().map(String::as_str))?;
    match draft.priority {
        Priority::High => header.urgency("1 (Highest)", "high"),
        Priority::Normal => {}
        Priority::Low => header.urgency("5 (Lowest)", "low"),
    }
    header.field("MIME-Version", "1.0");
    Ok(header.0)
}

/// Fields, one after the other.
struct Header(String);

impl Header {
    fn field(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(':');
        if !value.is_empty() {
            self.0.push(' ');
            self.0.push_str(value);
        }
        self.0.push_str("\r\n");
    }

    fn mailboxes(&mut self, name: &str, all: &[Mailbox]) -> Result<()> {
        let mut pieces = Vec::new();
        for (position, mailbox) in all.iter().enumerate() {
            let comma = if position + 1 == all.len() { "" } else { "," };
            let path = Path::of(&mailbox.address)?;
            match mailbox.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
                Some(name) => {
                    pieces.extend(phrase(name)?);
                    pieces.push(format!("{path}{comma}"));
                }
                None => pieces.push(format!("{}{comma}", path.as_str())),
            }
        }
        if !pieces.is_empty() {
            self.field(name, &folded(name, &pieces));
        }
        Ok(())
    }

    fn ids<'a>(&mut self, name: &str, ids: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let ids: Vec<String> = ids.into_iter().map(id).collect::<Result<_>>()?;
        if !ids.is_empty() {
            self.field(name, &folded(name, &ids));
        }
        Ok(())
    }

    /// Both fields that programs look at; neither is in an RFC of mail.
    fn urgency(&mut self, number: &str, word: &str) {
        self.field("X-Priority", number);
        self.field("Importance", word);
    }
}

/// A subject as it is written into its field.
fn subject(text: &str) -> Result<String> {
    if text.contains(is_line_end) {
        return Err(wrong(
            "a subject is one line, and this one has a line end".to_owned(),
            "take it out: replace(subject, chr(10), ' ')",
        ));
    }
    // What a blank is lost of when lines are folded and unfolded is encoded, too.
    let is_as_it_is = is_plain(text) && !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ");
    let pieces = if is_as_it_is { text.split(' ').map(str::to_owned).collect() } else { encoded_words(text) };
    Ok(folded("Subject", &pieces))
}

/// A display name, in pieces that a line may be folded between (RFC 5322 §3.2.5).
fn phrase(name: &str) -> Result<Vec<String>> {
    if name.chars().any(|letter| letter.is_control() || is_line_end(letter)) {
        return Err(wrong(
            "the name of an address is one line, and one here has a line end".to_owned(),
            "take it out, or give the address alone",
        ));
    }
    if !is_plain(name) || name.len() > WORD {
        return Ok(encoded_words(name));
    }
    let is_atom = |word: &str| !word.is_empty() && word.bytes().all(is_atext);
    if name.split(' ').all(is_atom) {
        return Ok(vec![name.to_owned()]);
    }
    Ok(vec![format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))])
}

/// An id of a message in its brackets (§3.6.4); an older form of it may have dots anywhere.
fn id(id: &str) -> Result<String> {
    let is_atoms = |text: &str| !text.is_empty() && text.bytes().all(|octet| is_atext(octet) || octet == b'.');
    let is_literal = |text: &str| {
        let within = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        within.is_some_and(|text| {
            text.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'[' | b']' | b'\\' | b'<' | b'>'))
        })
    };
    let is_id =
        id.rsplit_once('@').is_some_and(|(left, right)| is_atoms(left) && (is_atoms(right) || is_literal(right)));
    if is_id && id.len() <= LONGEST_ID {
        return Ok(format!("<{id}>"));
    }
    let shown: String = id.chars().filter(|letter| !is_unseen(*letter)).take(WORD).collect();
    Err(wrong(
        format!("'{shown}' is no id of a message"),
        "an id is as the column message_id has it: <something@example.org>, at most 500 letters; leave out what is none",
    ))
}

/// Pieces with a blank between them, or a line end where a line gets long.
fn folded(name: &str, pieces: &[String]) -> String {
    let mut value = String::new();
    let mut length = name.len() + 1;
    for (position, piece) in pieces.iter().enumerate() {
        if position > 0 {
            if length + 1 + piece.len() > FOLDED {
                value.push_str("\r\n ");
                length = 0;
            } else {
                value.push(' ');
            }
        }
        length += 1 + piece.len();
        value.push_str(piece);
    }
    value
}

/// A text in encoded words, none of which is cut within a letter (RFC 2047 §5).
fn encoded_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, more) = rest.split_at(rest.floor_char_boundary(ENCODED));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = more;
    }
    words
}

/// Whether a text can stand in a field as it is: letters of ASCII, in words that a line has room for, and no encoded word.
fn is_plain(text: &str) -> bool {
    let is_shown = |octet: u8| octet.is_ascii_graphic() || octet == b' ';
    text.bytes().all(is_shown) && !text.contains("=?") && text.split(' ').all(|word| word.len() <= WORD)
}

/// What an atom is made of (RFC 5322 §3.2.3).
fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// What ends a line, for some program.
fn is_line_end(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What nobody sees, or what turns the direction of others.
pub(super) fn is_unseen(letter: char) -> bool {
    is_hidden(letter) || letter == '\u{feff}'
}

fn wrong(message: String, hint: &str) -> Error {
    Error::new(ErrorKind::Query, message).hint(hint)
}

/// Letters of a line, where there is a choice (RFC 5322 §2.1.1, RFC 2047 §2).
const FOLDED: usize = 76;

/// Letters of a word that is not encoded.
const WORD: usize = 60;

/// Octets of a text in one encoded word: 52 letters of base64, so that the first line has room for the field's name.
const ENCODED: usize = 39;

/// Letters of an id; one stands on a line of its own, which has 998 at most.
const LONGEST_ID: usize = 500;
