//! The tree of parts of a message (RFC 2045, RFC 9051 BODYSTRUCTURE), and which part is what.
//!
//! Pure data: it comes from a server's BODYSTRUCTURE or from [`super::structure`], and both must
//! describe the same message in the same way.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::encoded_word;

/// The number of a part within its message, as in `BODY[2.1]`; never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(SmallVec<[u32; 4]>);

impl PartNumber {
    /// The number of the only part of a message that has no parts.
    pub fn only() -> Self {
        Self(smallvec![1])
    }

    /// The number of a part at the top of a multipart message, counted from 1.
    pub fn top(position: u32) -> Self {
        Self(smallvec![position])
    }

    /// The number of the part at a position below this one, counted from 1.
    #[must_use]
    pub fn below(&self, position: u32) -> Self {
        let mut numbers = self.0.clone();
        numbers.push(position);
        Self(numbers)
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, number) in self.0.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}

/// Parts of a message after that many are left out.
pub const MAX_PARTS: usize = 10_000;

/// One part, and those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number; none for a multipart at the top, which has no content of its own.
    pub number: Option<PartNumber>,
    /// Its media type, in lower case: `text/plain`.
    pub media_type: Word,
    /// Its character set, as declared; none where text has the default, `us-ascii`.
    pub charset: Option<Word>,
    /// Its file name, decoded: from Content-Disposition, else from Content-Type.
    pub name: Option<String>,
    /// Its disposition, in lower case: `attachment`, `inline`.
    pub disposition: Option<Word>,
    /// Its Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// Its transfer encoding, in lower case; `7bit` when none is declared.
    pub encoding: Word,
    /// Its size in octets as transferred, with CRLF line ends; 0 for a multipart.
    pub encoded_size: u64,
    /// The parts of a multipart. An attached message has none here: it is an attachment.
    pub parts: Vec<Part>,
    /// The Content-ID of the root of a multipart/related, without angle brackets (RFC 2387 §3.2).
    pub start: Option<String>,
    /// The field that its name stands in, where that is neither ASCII nor UTF-8.
    pub raw_name: Option<RawName>,
}

/// A header field with a file name in octets of which nothing says what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawName {
    /// The name of the field, in lower case: `content-disposition` or `content-type`.
    pub field: &'static str,
    /// Its value as it came.
    pub value: Bytes,
}

/// A word that is one of a few in most mail; those take no memory.
pub type Word = Cow<'static, str>;

/// What the header of a part declares, parameters taken off; [`Declared::part`] says what it means.
#[derive(Debug, Clone, Default)]
pub struct Declared<'a> {
    /// Its media type.
    pub media_type: Cow<'a, str>,
    /// The parameter `charset`.
    pub charset: Option<Cow<'a, str>>,
    /// The parameter `filename` of its disposition, else the parameter `name` of its type.
    pub name: Option<Cow<'a, str>>,
    /// Its disposition.
    pub disposition: Option<Cow<'a, str>>,
    /// Its Content-ID.
    pub content_id: Option<Cow<'a, str>>,
    /// Its transfer encoding.
    pub encoding: Option<Cow<'a, str>>,
    /// The parameter `start` of its type.
    pub start: Option<Cow<'a, str>>,
}

impl Declared<'_> {
    /// The part that is declared so, without a number, a size or parts.
    pub fn part(self) -> Part {
        let media_type = in_lower_case(&self.media_type);
        // The default of text (RFC 2046 §4.1.2), which servers add where nothing was declared.
        let is_default = |charset: &str| media_type.starts_with("text/") && charset.eq_ignore_ascii_case("us-ascii");
        // What follows a blank is none of it, as a name of a character set has no blanks.
        let charset = self.charset.as_deref().map(|text| text.split_whitespace().next().unwrap_or_default());
        let charset = charset.filter(|charset| !is_default(charset)).map(as_it_is);
        let disposition = self.disposition.as_deref().map(|word| in_lower_case(word.trim_matches('"')));
        let content_id = self.content_id.and_then(id);
        let start = self.start.filter(|_| media_type == "multipart/related").and_then(id);
        let encoding = self.encoding.as_deref().and_then(encoding);
        let name = self.name.map(encoded_word::decoded).filter(|name| !name.trim().is_empty());
        Part {
            number: None,
            charset,
            name: name.map(Cow::into_owned),
            disposition: disposition.filter(|word| !word.is_empty()),
            content_id,
            encoding: encoding.as_deref().map_or(Cow::Borrowed("7bit"), in_lower_case),
            encoded_size: 0,
            parts: Vec::new(),
            start,
            raw_name: None,
            media_type,
        }
    }
}

/// A Content-ID without its angle brackets; nothing where there is none.
fn id(text: Cow<'_, str>) -> Option<String> {
    let text = encoded_word::decoded(text);
    let id = text.trim_matches(|letter: char| matches!(letter, '<' | '>') || letter.is_whitespace());
    (!id.is_empty()).then(|| id.to_owned())
}

/// The name of an encoding, without the parameters, comments and quotes that some mailers put around it.
fn encoding(text: &str) -> Option<String> {
    let mut depth = 0_usize;
    let without_comments: String = text
        .chars()
        .filter_map(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                letter => return Some(letter),
            }
            // What was around a comment are two words.
            Some(' ').filter(|_| letter == '(')
        })
        .collect();
    let is_around = |letter: char| matches!(letter, '"' | '\'' | '=' | ':');
    let mut words = without_comments.split(AFTER_ENCODING).map(|word| word.trim_matches(is_around));
    let word = words.find(|word| !word.is_empty())?;
    Some(word.to_owned())
}

/// A media type of its two halves, in lower case.
pub fn media_type(main: &str, subtype: &str) -> Word {
    let is_it = |known: &&str| {
        let halves = known.split_at_checked(main.len()).filter(|_| known.len() == main.len() + 1 + subtype.len());
        halves.is_some_and(|(one, other)| {
            let other = other.strip_prefix('/');
            one.eq_ignore_ascii_case(main) && other.is_some_and(|other| other.eq_ignore_ascii_case(subtype))
        })
    };
    match USUAL.into_iter().find(is_it) {
        Some(known) => Cow::Borrowed(known),
        None => format!("{main}/{subtype}").to_lowercase().into(),
    }
}

fn in_lower_case(text: &str) -> Word {
    let known = USUAL.into_iter().find(|known| known.eq_ignore_ascii_case(text));
    known.map_or_else(|| text.to_lowercase().into(), Cow::Borrowed)
}

fn as_it_is(text: &str) -> Word {
    let known = USUAL.into_iter().find(|known| *known == text);
    known.map_or_else(|| text.to_owned().into(), Cow::Borrowed)
}

/// Words that most parts are described with.
const USUAL: [&str; 20] = [
    "text/plain",
    "text/html",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "application/octet-stream",
    "message/rfc822",
    "7bit",
    "8bit",
    "base64",
    "quoted-printable",
    "attachment",
    "inline",
    "utf-8",
    "UTF-8",
    "iso-8859-1",
];

/// What some mailers put after the name of an encoding: parameters and comments.
const AFTER_ENCODING: [char; 5] = [' ', '\t', ';', ',', '/'];
