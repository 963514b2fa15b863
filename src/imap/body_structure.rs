//! The tree of parts as a server tells it: BODYSTRUCTURE (RFC 9051 §7.5.2, `body`).
//!
//! Describes a message in the same way as [`crate::mail::structure`] does with the message itself at hand, numbers
//! included. Servers leave out and disorder much that does not matter here, which is tolerated; where something is
//! missing that does, or a server may have made it up, the message itself must be read instead, which is not done here.

use std::borrow::Cow;

use super::signs::{self, Leaf};
use super::token::{After, Broken, Cursor};
use crate::mail::parameter;
use crate::mail::part::{Declared, MAX_PARTS, Part, PartNumber, Word, media_type};

/// A tree of parts as a server told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The part at the top.
    pub root: Part,
    /// The parts that show [a sign](signs) that their headers may say something else.
    pub doubtful: Vec<PartNumber>,
}

/// Reads the tree that begins here, which is the next value.
///
/// # Errors
/// When it is no tree of parts, deeper than a tree may be, or such that the message itself must be asked; the place in
/// the frame is then anywhere within it.
pub fn parse(cursor: &mut Cursor<'_>) -> Result<Told, Broken> {
    let mut reading = Reading { cursor, parts: 0, doubtful: Vec::new(), boundaries: Vec::new(), has_raw: false };
    let root = reading.part(None)?;
    // Servers make this up for a message that they cannot read, and a message without a text is soon read.
    if root.parts.is_empty() && root.encoded_size == 0 && root.number.is_some() {
        return Err(Broken("the only part of the message is empty"));
    }
    Ok(Told { root, doubtful: reading.doubtful })
}

struct Reading<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    parts: usize,
    doubtful: Vec<PartNumber>,
    /// The boundaries of the multiparts that were read to their end.
    boundaries: Vec<String>,
    /// A parameter of the part that is read is neither ASCII nor UTF-8.
    has_raw: bool,
}

type Parameters<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A disposition with its parameters.
struct Disposition<'a> {
    word: Option<Cow<'a, str>>,
    parameters: Parameters<'a>,
    /// No string stands where the list belongs.
    is_list: bool,
    /// There is a list.
    is_there: bool,
}

impl<'a> Reading<'_, 'a> {
    fn part(&mut self, number: Option<PartNumber>) -> Result<Part, Broken> {
        if !self.cursor.open()? {
            return Err(Broken("the structure is no list"));
        }
        self.parts += 1;
        let part = match self.cursor.peek() {
            Some(b'(') => self.multipart(number),
            _ => self.single(number),
        }?;
        self.cursor.skip_rest(VALUE)?;
        Ok(part)
    }

    /// Reads `(part)(part) "MIXED" …`.
    fn multipart(&mut self, number: Option<PartNumber>) -> Result<Part, Broken> {
        let mut parts = Vec::new();
        let mut position = 0;
        let before = self.boundaries.len();
        while self.cursor.peek() == Some(b'(') {
            position += 1;
            if self.parts < MAX_PARTS {
                let below = number.as_ref().map_or(PartNumber::top(position), |above| above.below(position));
                parts.push(self.part(Some(below))?);
            } else {
                self.cursor.skip(VALUE)?;
            }
        }
        let subtype = self.text()?;
        self.multipart_of(subtype.as_deref(), parts, before, number)
    }

    /// Reads what follows the subtype of a multipart; `before` it began, there were so many boundaries.
    fn multipart_of(
        &mut self,
        subtype: Option<&str>,
        parts: Vec<Part>,
        before: usize,
        number: Option<PartNumber>,
    ) -> Result<Part, Broken> {
        // The only part of a multipart without parts, as some servers write it; and as the only one may truly be.
        if let [only] = parts.as_slice()
            && only.media_type == "text/plain"
            && only.encoded_size == 0
        {
            return Err(Broken("the only part of a multipart is empty"));
        }
        let tells_more = !matches!(self.cursor.peek(), None | Some(b')'));
        let parameters = self.parameters()?;
        // The blank is no part of it (RFC 2046 §5.1.1), but it is to some servers.
        if parameters.iter().any(|(name, value)| name.eq_ignore_ascii_case("boundary") && value.ends_with([' ', '\t']))
        {
            return Err(Broken("the boundary of a multipart ends with a blank"));
        }
        match parameter::value(&parameters, "boundary") {
            Some(boundary) if boundary.is_empty() => return Err(Broken("the boundary of a multipart is empty")),
            // Which of the two a line belongs to is anybody's guess.
            Some(boundary) if self.boundaries[before..].iter().any(|other| *other == boundary) => {
                return Err(Broken("a multipart has the boundary of one within it"));
            }
            Some(boundary) => self.boundaries.push(boundary.into_owned()),
            // Servers that tell no parameters do have a boundary where they found several parts.
            None if tells_more && parts.len() < 2 => return Err(Broken("a multipart has no boundary")),
            None => {}
        }
        let Disposition { word, parameters: more, .. } = self.disposition(0)?;
        let declared = declared(media_type("multipart", subtype.unwrap_or("mixed")), &parameters, word, &more);
        Ok(Part { number, parts, ..declared.part() })
    }

    /// Reads `"TEXT" "PLAIN" …`, or a multipart without parts as servers write it.
    fn single(&mut self, number: Option<PartNumber>) -> Result<Part, Broken> {
        let main = self.word()?;
        let is_subtype = main.as_deref().is_some_and(is_multipart);
        let subtype = match self.cursor.peek() {
            // `("ALTERNATIVE" ("BOUNDARY" "b"))`, `("MIXED" NIL NIL)`: where there are no parts, the subtype is first.
            None | Some(b'(' | b')') if main.is_some() => {
                return self.multipart_of(main.as_deref(), Vec::new(), self.boundaries.len(), number);
            }
            Some(b'n' | b'N') if is_subtype => {
                return self.multipart_of(main.as_deref(), Vec::new(), self.boundaries.len(), number);
            }
            _ => self.word()?,
        };
        let kind = match (main.as_deref(), subtype.as_deref()) {
            // `(NIL "MIXED" …)`
            (None, Some(subtype)) if is_multipart(subtype) => {
                return self.multipart_of(Some(subtype), Vec::new(), self.boundaries.len(), number);
            }
            (Some(main), Some(subtype)) if main.eq_ignore_ascii_case("multipart") => {
                return self.multipart_of(Some(subtype), Vec::new(), self.boundaries.len(), number);
            }
            (Some(main), Some(subtype)) => media_type(main, subtype),
            (None, None) if self.cursor.peek() == Some(b')') => return Err(Broken("a part is empty")),
            // A type that cannot be read is text (RFC 2045 §5.2).
            (None, _) | (_, None) => "text/plain".into(),
        };
        self.has_raw = false;
        let parameters = self.parameters()?;
        let content_id = self.text()?;
        // A description, which is shown nowhere.
        self.text()?;
        let encoding = self.text()?;
        let size = self.cursor.number()?.ok_or(Broken("the size of a part is missing"))?;
        self.skip_own(main.as_deref().is_some_and(|main| main.eq_ignore_ascii_case("message")))?;
        let Disposition { word, parameters: more, is_list, is_there } = self.disposition(1)?;
        let has_type = main.is_some() && subtype.is_some();
        let declared = Declared { content_id, encoding, ..declared(kind, &parameters, word, &more) };
        let file_name = parameter::value(&more, "filename");
        let part = Part { encoded_size: size, ..declared.part() };
        let (disposition_is_list, has_disposition) = (is_list, is_there);
        let leaf =
            Leaf { part: &part, has_type, disposition_is_list, has_disposition, file_name, parameters: &parameters };
        let number = number.unwrap_or_else(PartNumber::only);
        if self.has_raw || signs::is_doubtful(&leaf) {
            self.doubtful.push(number.clone());
        }
        Ok(Part { number: Some(number), ..part })
    }

    /// Passes over what only text (its lines) and messages (envelope, structure, lines) have, if it is there at all.
    fn skip_own(&mut self, is_message: bool) -> Result<(), Broken> {
        let mut ahead = *self.cursor;
        for _ in 0..3 {
            match ahead.peek() {
                Some(b'0'..=b'9') => {
                    ahead.skip(VALUE)?;
                    *self.cursor = ahead;
                    return Ok(());
                }
                None | Some(b')') => break,
                Some(_) => ahead.skip(VALUE)?,
            }
        }
        for _ in 0..2 {
            if is_message && self.cursor.peek() == Some(b'(') {
                self.cursor.skip(VALUE)?;
            }
        }
        Ok(())
    }

    /// Reads a disposition and its parameters out of the next few values, where there is one.
    ///
    /// Its own place is after the MD5 sum that a single part has, and before languages, which are a list too; any of
    /// them may be missing.
    fn disposition(&mut self, own: usize) -> Result<Disposition<'a>, Broken> {
        let mut is_list = true;
        for position in 0..own + 3 {
            let ahead = *self.cursor;
            if self.cursor.open()? {
                // After its own place a word alone is a language, whatever it says.
                let is_one = |word: &str| position == own || position < own && is_known_disposition(word);
                if !matches!(self.cursor.peek(), None | Some(b'(' | b')')) {
                    let word = self.text()?;
                    let named = match self.cursor.peek() {
                        Some(b'(') => true,
                        Some(b'n' | b'N') => self.cursor.string(VALUE)?.is_none(),
                        Some(b')') => word.as_deref().is_some_and(is_one),
                        _ => false,
                    };
                    if named {
                        let parameters = self.parameters()?;
                        self.cursor.skip_rest(VALUE)?;
                        return Ok(Disposition { word, parameters, is_list, is_there: true });
                    }
                }
                *self.cursor = ahead;
                self.cursor.skip(VALUE)?;
            } else if !matches!(self.cursor.peek(), Some(b'"' | b'{' | b'~')) {
                self.cursor.skip(VALUE)?;
            } else if let Some(word) = self.text()? {
                is_list &= position != own;
                if is_known_disposition(&word) {
                    let parameters = Vec::new();
                    return Ok(Disposition { word: Some(word), parameters, is_list: false, is_there: true });
                }
            }
        }
        Ok(Disposition { word: None, parameters: Vec::new(), is_list, is_there: false })
    }

    /// Reads the next value as parameters; none where it is no list.
    fn parameters(&mut self) -> Result<Parameters<'a>, Broken> {
        let mut parameters = Vec::new();
        if !self.cursor.open()? {
            self.text()?;
            return Ok(parameters);
        }
        while !self.cursor.close() {
            let name = self.text()?;
            let mut ahead = *self.cursor;
            let is_string = matches!(ahead.peek(), Some(b'"' | b'{' | b'~'));
            self.has_raw |=
                is_string && ahead.string(VALUE)?.is_some_and(|octets| std::str::from_utf8(&octets).is_err());
            let value = self.text()?;
            parameters.extend(name.zip(value));
        }
        Ok(parameters)
    }

    /// Reads half of a media type; nothing where it is empty, as servers write what a mail has left out.
    fn word(&mut self) -> Result<Option<Cow<'a, str>>, Broken> {
        Ok(self.text()?.filter(|word| !word.trim().is_empty()))
    }

    /// Reads the next value as text; nothing for NIL, for a list, and where a list ends.
    ///
    /// Without quotes there is nothing but NIL; where there is, a quote was misunderstood before.
    fn text(&mut self) -> Result<Option<Cow<'a, str>>, Broken> {
        match self.cursor.peek() {
            None => Err(Broken("the structure does not end")),
            Some(b'(' | b')') => self.cursor.skip(VALUE).map(|()| None),
            Some(b'"' | b'{' | b'~') => self.cursor.text(VALUE),
            Some(_) => match self.cursor.string(VALUE)? {
                None => Ok(None),
                Some(_) => Err(Broken("the structure has something that is no string")),
            },
        }
    }
}

/// In a structure there is nothing but strings, numbers, lists and NIL.
const VALUE: After = After::Value;

fn declared<'a>(
    media_type: Word,
    parameters: &'a Parameters<'_>,
    disposition: Option<Cow<'a, str>>,
    more: &'a Parameters<'_>,
) -> Declared<'a> {
    Declared {
        media_type,
        charset: parameter::value(parameters, "charset"),
        name: parameter::value(more, "filename").or_else(|| parameter::value(parameters, "name")),
        disposition,
        content_id: None,
        encoding: None,
        start: parameter::value(parameters, "start"),
    }
}

fn is_multipart(subtype: &str) -> bool {
    MULTIPARTS.iter().any(|known| known.eq_ignore_ascii_case(subtype))
}

fn is_known_disposition(word: &str) -> bool {
    let word = word.trim_matches('"');
    word.eq_ignore_ascii_case("attachment") || word.eq_ignore_ascii_case("inline")
}

/// Where a media type is missing, these tell that it was a multipart.
const MULTIPARTS: [&str; 9] =
    ["mixed", "alternative", "related", "digest", "parallel", "signed", "encrypted", "report", "form-data"];

#[cfg(test)]
mod tests;
