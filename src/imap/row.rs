//! What a FETCH response says of one message (RFC 9051 §7.5.2).
//!
//! Reads as far as it can: an item that is not known is passed over, and where a row cannot be read on, what was read
//! stays and the row is [broken](Row::broken). It interprets no mail but its structure. Next: [`super::body_structure`].

use std::borrow::Cow;

use bytes::Bytes;

use super::body_structure::Told;
use super::token::{After, Broken, Cursor, number};
use super::{body_structure, internal_date, listing};
use crate::mail::charset::header_text;
use crate::mail::message::{StoreId, Timestamp};
use crate::mail::{Flags, PartNumber, Uid};

/// What one FETCH response says of a message; what it does not say, or not in a way that holds, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The number of the message in its folder, for the time being.
    pub sequence: u32,
    /// Its uid. In a broken row it is there only if the sender of the mail cannot have written it.
    pub uid: Option<Uid>,
    /// Its flags and keywords.
    pub flags: Option<Flags>,
    /// When the server received it.
    pub received_at: Option<Timestamp>,
    /// Its size in octets.
    pub size: Option<u64>,
    /// Its mod-sequence (RFC 7162).
    pub mod_seq: Option<u64>,
    /// Its labels (`X-GM-LABELS`), decoded.
    pub labels: Option<Vec<String>>,
    /// The server's thread identifier (RFC 8474, `X-GM-THRID`).
    pub thread_id: Option<StoreId>,
    /// The server's message identifier (RFC 8474, `X-GM-MSGID`).
    pub email_id: Option<StoreId>,
    /// Its header, or the fields of it that were asked for; the header where both are there.
    pub header: Content,
    /// Its tree of parts, or why there is none.
    pub structure: Option<Result<Told, Broken>>,
    /// Contents of parts, in the order in which they came.
    pub sections: Vec<Section>,
    /// Headers of parts (`BODY[2.MIME]`), in the order in which they came.
    pub part_headers: Vec<(PartNumber, Option<Bytes>)>,
    /// The whole message, or octets of it.
    pub raw: Content,
    /// Where in the message the octets of `raw` begin, when it was asked for in pieces.
    pub raw_origin: Option<u32>,
    /// Whether something of it was larger than the limit; it is NIL where it stood.
    pub oversized: bool,
    /// Whether it says more than servers say unasked, which is flags and the mod-sequence.
    pub tells_more: bool,
    /// Why it cannot be understood to its end; of what is there, the uid alone can be relied on.
    pub broken: Option<Broken>,
}

/// Octets that can be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// The row does not say.
    #[default]
    Absent,
    /// The server has none, or they were larger than the limit.
    Nil,
    /// There they are.
    Octets(Bytes),
}

/// The content of a part, or octets of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The number of the part.
    pub number: PartNumber,
    /// Where in the part the octets begin, when it was asked for in pieces.
    pub origin: Option<u32>,
    /// The octets, not decoded; none where the server has none, or they were larger than the limit.
    pub octets: Option<Bytes>,
}

impl Content {
    /// The octets, where they are there.
    pub fn octets(&self) -> Option<&Bytes> {
        match self {
            Content::Octets(octets) => Some(octets),
            Content::Absent | Content::Nil => None,
        }
    }
}

impl Row {
    /// Reads what comes after FETCH.
    pub fn parse(sequence: u32, cursor: &mut Cursor<'_>, oversized: bool) -> Box<Self> {
        let row = Box::new(Row { sequence, oversized, ..Row::default() });
        let mut reading = Reading { row, header_is_whole: false, mail_was_quoted: false, uid_is_own: false };
        if let Err(broken) = reading.items(cursor) {
            reading.row.broken = Some(broken);
            reading.row.uid = reading.row.uid.filter(|_| reading.uid_is_own);
        }
        reading.row
    }
}

struct Reading {
    row: Box<Row>,
    header_is_whole: bool,
    /// Whether quoted strings that the sender of a mail can have written were read: from a server that escapes no
    /// quotes they can be anything, another row's uid too.
    mail_was_quoted: bool,
    /// Whether the uid came before any such string.
    uid_is_own: bool,
}

impl Reading {
    fn items(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        if !cursor.open()? {
            return Err(Broken("it is no list"));
        }
        while !cursor.close() {
            self.item(cursor)?;
        }
        if cursor.peek().is_some() {
            return Err(Broken("something comes after its end"));
        }
        let mut sections: Vec<&Section> = self.row.sections.iter().collect();
        sections.sort_by_key(|section| (&section.number, section.origin));
        let same = |pair: &&[&Section]| pair[0].number == pair[1].number && pair[0].origin == pair[1].origin;
        if sections.windows(2).filter(same).any(|pair| pair[0] != pair[1]) { Err(TWICE) } else { Ok(()) }
    }

    fn item(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let name = cursor.item_name()?;
        if let Some(bracket) = name.iter().position(|octet| *octet == b'[') {
            self.row.tells_more = true;
            return self.section(&name[..bracket], &name[bracket + 1..], cursor);
        }
        let mut upper = [0; LONGEST_NAME];
        let Some(upper) = upper.get_mut(..name.len()) else { return self.unknown(cursor) };
        upper.copy_from_slice(name);
        upper.make_ascii_uppercase();
        self.row.tells_more |= !matches!(&*upper, b"UID" | b"FLAGS" | b"MODSEQ");
        match &*upper {
            b"" => Err(Broken("the name of an item is missing")),
            b"UID" => {
                let uid = uid(cursor.number()?)?;
                match self.row.uid {
                    Some(before) if before != uid => {
                        self.uid_is_own &= self.mail_was_quoted;
                        Err(TWICE)
                    }
                    Some(_) => Ok(()),
                    None => {
                        self.row.uid = Some(uid);
                        self.uid_is_own = !self.mail_was_quoted;
                        Ok(())
                    }
                }
            }
            b"FLAGS" => flags(cursor)?.map_or(Ok(()), |flags| once(&mut self.row.flags, flags)),
            b"INTERNALDATE" => {
                let date = scalar(cursor)?.and_then(|text| internal_date::parse(&text));
                date.map_or(Ok(()), |date| once(&mut self.row.received_at, date))
            }
            b"RFC822.SIZE" => cursor.number()?.map_or(Ok(()), |size| once(&mut self.row.size, size)),
            b"MODSEQ" => match in_parentheses(cursor)?.and_then(|digits| number(&digits)) {
                Some(number) => once(&mut self.row.mod_seq, number),
                None => Ok(()),
            },
            b"X-GM-LABELS" => once(&mut self.row.labels, labels(cursor)?),
            b"X-GM-THRID" | b"THREADID" => once(&mut self.row.thread_id, identifier(cursor)?),
            b"X-GM-MSGID" | b"EMAILID" => once(&mut self.row.email_id, identifier(cursor)?),
            b"BODYSTRUCTURE" => self.structure(cursor),
            b"RFC822" => self.section(b"BODY", b"]", cursor),
            b"RFC822.HEADER" => self.section(b"BODY", b"HEADER]", cursor),
            b"ENVELOPE" | b"BODY" => {
                self.mail_was_quoted = true;
                cursor.skip(After::Value)
            }
            _ => self.unknown(cursor),
        }
    }

    fn unknown(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        self.mail_was_quoted = true;
        cursor.skip(After::Token)
    }

    /// A structure that does not hold spoils itself, not the row.
    fn structure(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        self.mail_was_quoted = true;
        let before = *cursor;
        let structure = body_structure::parse(cursor);
        if structure.is_err() {
            *cursor = before;
            cursor.skip(After::Value)?;
        }
        once(&mut self.row.structure, structure)
    }

    /// Reads `BODY[section]<origin>` and its value.
    fn section(&mut self, name: &[u8], section: &[u8], cursor: &mut Cursor<'_>) -> Result<(), Broken> {
        let octets = match cursor.peek() {
            Some(first @ (b'"' | b'{' | b'~')) => {
                self.mail_was_quoted |= first == b'"';
                cursor.octets(After::Token)?
            }
            Some(b'n' | b'N') if is_nil(cursor.rest()) => cursor.octets(After::Token)?,
            Some(b'(') => return cursor.skip(After::Token),
            // A value that a server left out: what is there is the name of the next item.
            _ => None,
        };
        let end = section.iter().rposition(|octet| *octet == b']').unwrap_or(section.len());
        let (section, origin) = section.split_at(end);
        let origin = origin_of(origin);
        if !name.eq_ignore_ascii_case(b"BODY") && !name.eq_ignore_ascii_case(b"BODY.PEEK") {
            return Ok(());
        }
        let content = octets.clone().map_or(Content::Nil, Content::Octets);
        let word = section.iter().position(u8::is_ascii_whitespace).unwrap_or(section.len());
        if section.is_empty() {
            self.row.raw_origin = origin;
            return once_content(&mut self.row.raw, content);
        }
        if section.eq_ignore_ascii_case(b"HEADER") {
            if !self.header_is_whole {
                self.row.header = Content::Absent;
            }
            self.header_is_whole = true;
            return once_content(&mut self.row.header, content);
        }
        if section[..word].eq_ignore_ascii_case(b"HEADER.FIELDS") {
            return if self.header_is_whole { Ok(()) } else { once_content(&mut self.row.header, content) };
        }
        let before_mime = section.len().checked_sub(MIME.len()).map(|at| section.split_at(at));
        if let Some((number, _)) = before_mime.filter(|(_, word)| word.eq_ignore_ascii_case(MIME)) {
            self.row.part_headers.extend(part_number(number).map(|number| (number, octets)));
            return Ok(());
        }
        // Nothing else is asked for.
        self.row.sections.extend(part_number(section).map(|number| Section { number, origin, octets }));
        Ok(())
    }
}

/// Sets what a row says of something. A row that says two things of it holds one that somebody else wrote into it.
fn once<T: PartialEq>(place: &mut Option<T>, value: T) -> Result<(), Broken> {
    match place {
        Some(before) if *before != value => Err(TWICE),
        _ => {
            *place = Some(value);
            Ok(())
        }
    }
}

fn once_content(place: &mut Content, value: Content) -> Result<(), Broken> {
    if *place == Content::Absent || *place == value {
        *place = value;
        Ok(())
    } else {
        Err(TWICE)
    }
}

fn uid(number: Option<u64>) -> Result<Uid, Broken> {
    let uid = number.and_then(|number| u32::try_from(number).ok()).and_then(Uid::new);
    uid.ok_or(Broken("its uid is no uid"))
}

/// A list of flags; nothing for NIL, which is no list and says nothing of them.
fn flags(cursor: &mut Cursor<'_>) -> Result<Option<Flags>, Broken> {
    let mut flags = Flags::default();
    if cursor.open()? {
        while !cursor.close() {
            flags.set_name(&header_text(&cursor.word()?));
        }
    } else if cursor.string(After::Token)?.is_some() {
        return Err(Broken("its flags are no list"));
    } else {
        return Ok(None);
    }
    Ok(Some(flags))
}

fn labels(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Broken> {
    let mut labels = Vec::new();
    if cursor.open()? {
        while !cursor.close() {
            labels.push(listing::decoded(&cursor.word()?));
        }
    } else if cursor.string(After::Token)?.is_some() {
        return Err(Broken("its labels are no list"));
    }
    Ok(labels)
}

/// An identifier of the server: `(M1)`, `12`; NIL and an empty list say that there is none.
fn identifier(cursor: &mut Cursor<'_>) -> Result<StoreId, Broken> {
    let id = in_parentheses(cursor)?;
    Ok(id.map_or(StoreId::Absent, |id| StoreId::Given(String::from_utf8_lossy(&id).into_owned())))
}

/// A value that may stand in parentheses: `(12)`, `(M1)`, `12`; nothing for NIL, and for more than one.
fn in_parentheses<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, Broken> {
    if !cursor.open()? {
        return scalar(cursor);
    }
    // An identifier could be called NIL, but Cyrus 3.6 says `(NIL)` of messages that have none.
    let value = scalar(cursor)?;
    if cursor.close() {
        return Ok(value);
    }
    cursor.skip_rest(After::Token)?;
    Ok(None)
}

/// A value that is no list; nothing for NIL, for a list, and where there is none.
fn scalar<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, Broken> {
    match cursor.peek() {
        None | Some(b'(' | b')') => cursor.skip(After::Token).map(|()| None),
        Some(_) => cursor.string(After::Token),
    }
}

/// The number of a part: `1.2`; nothing for anything else, such as `1.2.MIME`.
fn part_number(section: &[u8]) -> Option<PartNumber> {
    let mut whole: Option<PartNumber> = None;
    for (depth, digits) in section.split(|octet| *octet == b'.').enumerate() {
        let position = number(digits).and_then(|position| u32::try_from(position).ok());
        let position = position.filter(|position| *position > 0 && depth < DEEPEST_NUMBER)?;
        whole = Some(whole.map_or_else(|| PartNumber::top(position), |above| above.below(position)));
    }
    whole
}

/// What stands after a section: `]<1024>`, or `]<0.1024>` as some servers repeat it.
fn origin_of(text: &[u8]) -> Option<u32> {
    let text = text.strip_prefix(b"]<")?;
    let digits = text.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(text.len());
    number(&text[..digits]).and_then(|origin| u32::try_from(origin).ok())
}

fn is_nil(rest: &[u8]) -> bool {
    let after = rest.get(3).copied().unwrap_or(b' ');
    rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"NIL")) && matches!(after, b' ' | b')' | b'\r' | b'\n')
}

const TWICE: Broken = Broken("it says two things of the same item");
/// More than the longest name of an item that is known here.
const LONGEST_NAME: usize = 16;
/// What follows the number of a part where its header is meant (RFC 9051 §6.4.5.1).
const MIME: &[u8] = b".MIME";
/// Numbers of parts are not as long in any message that is taken apart here.
const DEEPEST_NUMBER: usize = 100;

#[cfg(test)]
mod tests;
