//! The tokens of a response (RFC 9051 §9), pulled one after another out of its frame.
//!
//! Tolerant of what servers send and bounded in what it does. It knows no response: [`super::response`] and
//! [`super::row`] say what tokens mean.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

use crate::mail::charset::header_text;

/// One complete response, its literals in place.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The octets as they came, with the line end.
    pub octets: Bytes,
    /// Whether a literal was larger than the limit, so that the atom `NIL` stands where it stood.
    pub oversized: bool,
    /// How deep lists may be in lists.
    pub nesting: usize,
}

/// Why a response, or what is left of it, cannot be understood: a few words, and none of the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Broken {}

/// What can come after the quote that ends a string; any other quote is text that a server did not escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Any token.
    Token,
    /// A string, a number, a list or NIL, as in a BODYSTRUCTURE.
    Value,
    /// A list or nothing, as after the name of a folder.
    Name,
}

/// Where in a frame the reading is; a copy remembers a place to come back to.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    frame: &'a Bytes,
    at: usize,
    end: usize,
    depth: usize,
    deepest: usize,
}

impl Frame {
    /// A response that is whole, with the usual limit of lists in lists.
    pub fn new(octets: impl Into<Bytes>) -> Self {
        Self { octets: octets.into(), oversized: false, nesting: MAX_DEPTH }
    }
}

impl<'a> Cursor<'a> {
    /// Begins at the first octet of a response.
    pub fn of(frame: &'a Frame) -> Self {
        Self { deepest: frame.nesting, ..Self::new(&frame.octets) }
    }

    /// The same with usual limits.
    pub fn new(frame: &'a Bytes) -> Self {
        let line = frame.strip_suffix(b"\n").unwrap_or(frame);
        let end = line.strip_suffix(b"\r").unwrap_or(line).len();
        Self { frame, at: 0, end, depth: 0, deepest: MAX_DEPTH }
    }

    /// The first octet of the next token, which stays; nothing at the end.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.rest().first() {
            self.at += 1;
        }
        self.rest().first().copied()
    }

    /// What was not read yet, without the line end.
    pub fn rest(&self) -> &'a [u8] {
        &self.frame[self.at..self.end]
    }

    /// Passes over so many octets, as far as there are any.
    pub fn advance(&mut self, octets: usize) {
        self.at = (self.at + octets).min(self.end);
    }

    /// Begins a list, if the next token does.
    ///
    /// # Errors
    /// When lists are nested too deep.
    pub fn open(&mut self) -> Result<bool, Broken> {
        if self.peek() != Some(b'(') {
            return Ok(false);
        }
        if self.depth >= self.deepest {
            return Err(TOO_DEEP);
        }
        self.depth += 1;
        self.at += 1;
        Ok(true)
    }

    /// Ends a list, if the next token does.
    pub fn close(&mut self) -> bool {
        let closes = self.depth > 0 && self.peek() == Some(b')');
        if closes {
            self.depth -= 1;
            self.at += 1;
        }
        closes
    }

    /// The next token as an atom; empty at a list, the end of one, or the end.
    pub fn atom(&mut self) -> &'a [u8] {
        self.peek();
        let rest = self.rest();
        let atom = &rest[..rest.iter().position(|octet| ends_atom(*octet)).unwrap_or(rest.len())];
        self.at += atom.len();
        atom
    }

    /// The next token as a string, or an atom as it is: `NIL` is a word here (a keyword may be called so).
    ///
    /// # Errors
    /// As [`Cursor::string`].
    pub fn word(&mut self) -> Result<Cow<'a, [u8]>, Broken> {
        let before = self.at;
        match self.scalar(After::Token)? {
            Scalar::Nil => Ok(Cow::Borrowed(self.frame[before..self.at].trim_ascii())),
            Scalar::There(range) => Ok(Cow::Borrowed(&self.frame[range])),
            Scalar::Unescaped(octets) => Ok(Cow::Owned(octets)),
        }
    }

    /// The next token as the name of a fetch item, with its section: `BODY[HEADER.FIELDS (A B)]<0>`.
    ///
    /// # Errors
    /// When the section does not end.
    pub fn item_name(&mut self) -> Result<&'a [u8], Broken> {
        self.peek();
        let start = self.at;
        let atom = self.atom();
        let Some(bracket) = atom.iter().position(|octet| *octet == b'[') else { return Ok(atom) };
        self.at = start + bracket + 1;
        loop {
            match self.rest().first() {
                None => return Err(Broken("a section does not end")),
                Some(b']') => break,
                Some(b'"') => drop(self.quoted(After::Token)?),
                Some(b'{') if self.literal()?.is_some() => {}
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        if self.rest().first() == Some(&b'<') {
            let origin = self.rest().iter().position(|octet| *octet == b'>' || ends_atom(*octet));
            self.at += origin.map_or(self.rest().len(), |last| last + usize::from(self.rest()[last] == b'>'));
        }
        Ok(&self.frame[start..self.at])
    }

    /// The next token as a string, or an atom; nothing for NIL.
    ///
    /// # Errors
    /// When a list or the end is there, or the string does not end.
    pub fn string(&mut self, after: After) -> Result<Option<Cow<'a, [u8]>>, Broken> {
        Ok(match self.scalar(after)? {
            Scalar::Nil => None,
            Scalar::There(range) => Some(Cow::Borrowed(&self.frame[range])),
            Scalar::Unescaped(octets) => Some(Cow::Owned(octets)),
        })
    }

    /// The same as text: UTF-8, or else windows-1252.
    ///
    /// # Errors
    /// As [`Cursor::string`].
    pub fn text(&mut self, after: After) -> Result<Option<Cow<'a, str>>, Broken> {
        Ok(self.string(after)?.map(|octets| match octets {
            Cow::Borrowed(octets) => header_text(octets),
            Cow::Owned(octets) => Cow::Owned(header_text(&octets).into_owned()),
        }))
    }

    /// The same as octets that share the frame's memory.
    ///
    /// # Errors
    /// As [`Cursor::string`].
    pub fn octets(&mut self, after: After) -> Result<Option<Bytes>, Broken> {
        Ok(match self.scalar(after)? {
            Scalar::Nil => None,
            Scalar::There(range) => Some(self.frame.slice(range)),
            Scalar::Unescaped(octets) => Some(octets.into()),
        })
    }

    /// The name of a folder, in whatever way it is written; one without quotes may have blanks in it.
    ///
    /// # Errors
    /// When it is missing, or does not end.
    pub fn folder_name(&mut self) -> Result<Bytes, Broken> {
        let first = self.peek().ok_or(Broken("the name of a folder is missing"))?;
        if first == b'"' || self.literal_ahead()?.is_some() {
            return Ok(self.octets(After::Name)?.unwrap_or_default());
        }
        let rest = self.rest();
        let list = rest.windows(2).position(|pair| pair == b" (").unwrap_or(rest.len());
        let name = rest[..list].trim_ascii_end();
        let range = self.at..self.at + name.len();
        self.at = range.end;
        Ok(self.frame.slice(range))
    }

    /// The next token as a number; nothing when it is anything else, or larger than can be.
    ///
    /// # Errors
    /// When what is there does not end.
    pub fn number(&mut self) -> Result<Option<u64>, Broken> {
        match self.peek() {
            None | Some(b')') => Ok(None),
            Some(b'(') => self.skip(After::Token).map(|()| None),
            Some(_) => Ok(self.string(After::Token)?.and_then(|octets| number(&octets))),
        }
    }

    /// Passes over the next value, a list with all that is in it; over nothing where there is none.
    ///
    /// # Errors
    /// When it does not end.
    pub fn skip(&mut self, after: After) -> Result<(), Broken> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None if depth > 0 => return Err(Broken("a list does not end")),
                Some(b'(') => {
                    self.at += 1;
                    depth += 1;
                }
                Some(b')') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                None | Some(b')') => return Ok(()),
                Some(_) => drop(self.scalar(after)?),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Passes over the rest of a list that was begun, and over its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn skip_rest(&mut self, after: After) -> Result<(), Broken> {
        while !self.close() {
            if self.peek().is_none() {
                return Err(Broken("a list does not end"));
            }
            self.skip(after)?;
        }
        Ok(())
    }

    fn scalar(&mut self, after: After) -> Result<Scalar, Broken> {
        match self.peek() {
            None | Some(b'(' | b')') => return Err(Broken("a string is missing")),
            Some(b'"') => return self.quoted(after),
            Some(b'{' | b'~') => {
                if let Some(range) = self.literal()? {
                    return Ok(Scalar::There(range));
                }
            }
            Some(_) => {}
        }
        let start = self.at;
        let atom = self.atom();
        Ok(if atom.eq_ignore_ascii_case(b"NIL") { Scalar::Nil } else { Scalar::There(start..self.at) })
    }

    /// Reads the string that begins with the quote here.
    fn quoted(&mut self, after: After) -> Result<Scalar, Broken> {
        let start = self.at + 1;
        let octets = &self.frame[..self.end];
        let mut unescaped: Option<Vec<u8>> = None;
        let (mut from, mut at) = (start, start);
        while let Some(found) = memchr2(b'"', b'\\', &octets[at..]) {
            let here = at + found;
            at = here + 1;
            if octets[here] == b'\\' {
                // A backslash before anything else is one that a server did not escape.
                if let Some(b'"' | b'\\') = octets.get(at) {
                    unescaped.get_or_insert_default().extend_from_slice(&octets[from..here]);
                    (from, at) = (at, at + 1);
                }
            } else if after.allows(&octets[at..]) {
                self.at = at;
                return Ok(match unescaped {
                    None => Scalar::There(start..here),
                    Some(mut text) => {
                        text.extend_from_slice(&octets[from..here]);
                        Scalar::Unescaped(text)
                    }
                });
            }
        }
        Err(Broken("a quoted string does not end"))
    }

    /// Reads the literal that begins here; nothing, and no step, where none does.
    fn literal(&mut self) -> Result<Option<Range<usize>>, Broken> {
        let range = self.literal_ahead()?;
        self.at = range.as_ref().map_or(self.at, |range| range.end);
        Ok(range)
    }

    /// `{n}`, `{n+}` (RFC 7888), and both after `~` (RFC 3516).
    fn literal_ahead(&self) -> Result<Option<Range<usize>>, Broken> {
        let rest = self.rest();
        let Some(inner) = rest.strip_prefix(b"~").unwrap_or(rest).strip_prefix(b"{") else { return Ok(None) };
        let digits = inner.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(inner.len());
        let after = &inner[digits..];
        let after = after.strip_prefix(b"+").or_else(|| after.strip_prefix(b"-")).unwrap_or(after);
        let Some(after) = after.strip_prefix(b"}") else { return Ok(None) };
        let content = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"));
        let (Some(content), 1..) = (content, digits) else { return Ok(None) };
        let length = number(&inner[..digits]).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= content.len());
        let start = self.end - content.len();
        length.map(|length| Some(start..start + length)).ok_or(Broken("a literal is longer than its response"))
    }
}

impl After {
    fn allows(self, rest: &[u8]) -> bool {
        match (self, rest) {
            (_, []) | (After::Value, [b')' | b'\r' | b'\n', ..]) => true,
            (After::Token, [next, ..]) => matches!(next, b' ' | b'\t' | b')' | b']' | b'>' | b'\r' | b'\n'),
            (After::Value, [b' ' | b'\t', ..]) => begins_value(rest.trim_ascii_start()),
            (After::Name, [b' ' | b'\t', ..]) => matches!(rest.trim_ascii_start(), [] | [b'(', ..]),
            (After::Value | After::Name, _) => false,
        }
    }
}

enum Scalar {
    Nil,
    There(Range<usize>),
    Unescaped(Vec<u8>),
}

/// The number that digits are; nothing when they are none, or too many.
pub fn number(digits: &[u8]) -> Option<u64> {
    let digit = |digit: &u8| digit.is_ascii_digit().then(|| u64::from(digit - b'0'));
    let next = |number: u64, octet| number.checked_mul(10)?.checked_add(digit(octet)?);
    if digits.is_empty() { None } else { digits.iter().try_fold(0, next) }
}

fn begins_value(rest: &[u8]) -> bool {
    match rest {
        [] | [b'"' | b'(' | b')' | b'{' | b'~' | b'-' | b'0'..=b'9', ..] => true,
        [n, i, l, after @ ..] => {
            [*n, *i, *l].eq_ignore_ascii_case(b"NIL") && after.first().is_none_or(|octet| ends_atom(*octet))
        }
        _ => false,
    }
}

fn ends_atom(octet: u8) -> bool {
    matches!(octet, b' ' | b'(' | b')' | b'\t' | b'\r' | b'\n')
}

/// Lists in lists beyond that are broken; nobody's mail is nested as deep, but a hostile one.
const MAX_DEPTH: usize = 64;
const TOO_DEEP: Broken = Broken("lists are nested too deep");

#[cfg(test)]
mod tests;
